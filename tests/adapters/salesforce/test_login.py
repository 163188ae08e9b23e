"""Signing in: three flows over our own session, and what a refusal says."""

from __future__ import annotations

import datetime

import pytest
import responses
from connector.adapters.crm.salesforce import ADAPTER
from connector.core.errors import ConfigError, TransientError
from connector.core.policy import Policy
from connector.ports.adapter import Context, Level
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

HOME = "https://acme.my.salesforce.com"
TOKEN = f"{HOME}/services/oauth2/token"


@pytest.fixture(scope="session")
def pair():
    """A private key and its certificate, both PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return pem, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def logins(world):
    """The flows, as settings."""
    org = world.org
    return {
        "client_credentials": {"client_id": org.client_id, "client_secret": org.client_secret},
        "password": {"username": org.username, "password": org.password, "token": org.token},
    }


@pytest.mark.parametrize("flow", ["client_credentials", "password"])
def test_a_login(world, flow):
    """Client credentials, and user, password and token, each sign in once and tell which org answered."""
    crm = world.open(auth={"kind": flow, **logins(world)[flow]})
    assert crm.identity() == f"salesforce:{world.org.id[:15]}"
    assert crm.look([]) == []
    list(crm.changes(""))
    assert len(world.org.sessions) == 1


def test_a_login_by_certificate(server, pair, world):
    """A JWT signed with the tenant's key signs in; one signed with another key is refused in the org's words."""
    world = type(world)(server, certificate_pem=pair[1])
    auth = {"kind": "jwt", "client_id": world.org.client_id, "username": world.org.username, "private_key": pair[0]}
    assert world.open(auth=auth).identity() == f"salesforce:{world.org.id[:15]}"
    with pytest.raises(ConfigError, match="hasn't approved this consumer"):
        world.open(auth={**auth, "username": "nobody@example.com"}).identity()
    with pytest.raises(ConfigError, match="credentials cannot be used"):
        world.open(auth={**auth, "private_key": "no key"}).identity()


def test_a_version_without_soap_login(world):
    """User, password and token sign in at the last version that has login(), whatever is pinned; check warns."""
    crm = world.open(auth={"kind": "password", **logins(world)["password"]}, api_version="67.0")
    warnings = [f for f in crm.check() if f.level is Level.WARNING]
    assert [f.what for f in warnings] == ["login"]
    assert "Summer '27" in warnings[0].found


@pytest.mark.parametrize("flow", ["client_credentials", "password"])
def test_wrong_credentials(world, flow):
    """A refused login says so in Salesforce's words and where to mend it, without what was tried."""
    secret = {"client_credentials": "client_secret", "password": "password"}[flow]
    crm = world.open(auth={"kind": flow, **logins(world)[flow], secret: "wr0ng"})
    with pytest.raises(ConfigError, match=r"refuses the login.*crm\.auth") as caught:
        crm.identity()
    assert "wr0ng" not in str(caught.value) + caught.value.log + caught.value.excerpt


@pytest.mark.parametrize("flow", ["client_credentials", "password"])
@pytest.mark.parametrize("kind_of_fault", ["429", "503", "cut_before", "cut_after", "cut_body", "wrong_body"])
def test_a_login_that_is_disturbed(world, flow, kind_of_fault):
    """A disturbance at the login is not a wrong password: it is tried again."""
    crm = world.open(auth={"kind": flow, **logins(world)[flow]})
    world.fault(kind_of_fault, method="POST", path="/services/(oauth2|Soap)", times=2)
    assert crm.identity() == f"salesforce:{world.org.id[:15]}"


def test_a_login_server_that_is_down(world):
    """A login server that stays down is for the next run."""
    world.fault("503", path="oauth2/token", times=100)
    with pytest.raises(TransientError):
        world.open().identity()


def test_an_expired_session(world):
    """A session that ended is renewed once, in the middle of a read or of a write."""
    ann = world.person("ann@example.com")
    crm = world.open()
    cursor = list(crm.changes(""))[-1].cursor
    world.control("expire")
    assert [r.id for page in crm.changes(cursor) for r in page.rows] == [ann.id]
    world.fault("expired", times=1, path="queryAll")
    assert [r.id for page in crm.changes(cursor) for r in page.rows] == [ann.id]
    world.fault("expired", times=2, path="queryAll")
    with pytest.raises(ConfigError, match="fresh login"):
        list(crm.changes(cursor))


# -- single answers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def net():
    """What stands at the other end; nothing else can be reached."""
    with responses.RequestsMock() as net:
        yield net


@pytest.fixture
def crm(world):
    """An adapter whose org is made of single answers."""
    auth = {"kind": "client_credentials", "client_id": "id", "client_secret": "s3cret"}
    context = Context(tenant="acme", clock=world.clock, policy=Policy())
    return ADAPTER.open(ADAPTER.Settings(login_url=HOME, auth=auth), context)


@pytest.mark.parametrize(
    ("status", "body", "family", "words"),
    [
        (400, '{"error":"invalid_grant","error_description":"user is locked"}', ConfigError, "user is locked"),
        (400, '{"error":"invalid_client"}', ConfigError, "invalid_client"),
        (400, '{"error":"server_error","error_description":"try later"}', TransientError, "400"),
        (404, "<html>no such My Domain</html>", ConfigError, "My Domain"),
        (200, "<html>Maintenance</html>", TransientError, "not its answer"),
        (200, "[]", TransientError, "not its answer"),
        (200, "{}", TransientError, "not its answer"),
        (200, '{"access_token":"","instance_url":"https://acme.my.salesforce.com"}', TransientError, "not its answer"),
        (503, '{"message":"down"}', TransientError, "503"),
        (302, "", ConfigError, "302"),
        (200, '{"access_token":"t","instance_url":"https://evil.example"}', ConfigError, "set crm.login_url"),
        (200, '{"access_token":"t","instance_url":"https://na1.salesforce.com"}', ConfigError, "na1.salesforce.com"),
    ],
)
def test_what_a_login_may_answer(crm, net, status, body, family, words):
    """Every answer of a token endpoint ends in its family, and nothing is sent to a host that it names."""
    net.post(TOKEN, status=status, body=body, content_type="application/json")
    with pytest.raises(family, match=words):
        crm.identity()


def test_settings_are_strict():
    """A login that is none of the three, or a word nobody knows, is refused."""
    for auth in ({"kind": "device"}, {"client_id": "x"}, {"client_id": "x", "client_secret": "y", "more": 1}):
        with pytest.raises(ValidationError):
            ADAPTER.Settings(login_url=HOME, auth=auth)
