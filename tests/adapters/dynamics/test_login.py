"""Signing in: Entra with secret and certificate, AD FS, NTLM; tokens that end; credentials that are wrong."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from connector.core.errors import ConfigError, TransientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ADFS = pytest.mark.parametrize("generation", ["2016"])


def logins(world):
    """The requests to the token endpoint."""
    return [r for r in world._server.faults.requests if r["path"].endswith("/token")]


@pytest.fixture(scope="module")
def pair():
    """A key and its certificate, both in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connector")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(9))
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem.decode(), made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("generation", ["365", "2016"])
def test_one_login_for_many_calls(world):
    """Nothing is sent before it is needed, and one token serves until it ends."""
    crm = world.open()
    assert not world.requests()
    assert crm.identity() == f"dynamics:{world.environment.id}"
    assert list(crm.changes(""))
    assert len(logins(world)) == 1


@pytest.mark.parametrize("generation", ["365", "2016"])
def test_a_token_that_ends(world):
    """A token that the server no longer takes is renewed once, in the middle of a call."""
    crm = world.open()
    crm.identity()
    world.control("expire")
    ann = world.add("ann@example.com")
    assert [row.id for page in crm.changes("") for row in page.rows] == [ann.id]
    assert len(logins(world)) == 2


def test_a_fresh_token_that_is_refused(world):
    """A server that refuses a fresh token is a mistake for a person, and is not asked again and again."""
    crm = world.open()
    world.fault("expired", times=10, path="/api/data/")
    with pytest.raises(ConfigError, match="fresh login"):
        crm.identity()
    assert len(logins(world)) == 2


def test_a_certificate(world, pair):
    """A certificate signs in like a secret."""
    key, certificate = pair
    world.environment.certificate_pem = certificate
    auth = {k: v for k, v in world.auth.items() if k != "client_secret"}
    auth |= {"kind": "entra_certificate", "private_key": key, "certificate": certificate}
    assert world.open(auth=auth).identity()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"client_secret": "hunter2"}, "AADSTS7000215"),
        ({"client_id": "nobody"}, "AADSTS700016"),
        ({"directory": "nowhere.example.com"}, "nowhere.example.com"),
    ],
)
def test_wrong_credentials(world, wrong, says):
    """A refused login says what Entra says and where to look, never the secret, and is not tried again."""
    with pytest.raises(ConfigError, match=says) as error:
        world.open(auth=world.auth | wrong).identity()
    assert "crm.auth" in error.value.operator
    assert "hunter2" not in f"{error.value.operator} {error.value.log} {error.value.excerpt}"
    assert len(logins(world)) <= 1


def test_a_key_that_is_none(world):
    """A key that nobody can read is a mistake in the YAML, and does not appear in the words."""
    auth = {k: v for k, v in world.auth.items() if k != "client_secret"}
    auth |= {"kind": "entra_certificate", "private_key": "no key at all", "certificate": "nor a certificate"}
    with pytest.raises(ConfigError, match=r"crm\.auth") as error:
        world.open(auth=auth).identity()
    assert "no key at all" not in str(error.value)


@ADFS
@pytest.mark.parametrize("wrong", [{"password": "hunter2"}, {"username": "CONTOSO\\nobody"}, {"client_id": "nobody"}])
def test_wrong_credentials_at_home(world, wrong):
    """AD FS's refusal says what AD FS says and where to look, never the password."""
    with pytest.raises(ConfigError, match="MSIS") as error:
        world.open(auth=world.auth | wrong).identity()
    assert "hunter2" not in f"{error.value.operator} {error.value.log} {error.value.excerpt}"


@ADFS
def test_no_ad_fs_there(world):
    """An authority that is no AD FS is named."""
    with pytest.raises(ConfigError, match="There is no AD FS"):
        world.open(auth=world.auth | {"authority": f"{world.url}/nowhere"}).identity()


@pytest.mark.parametrize("generation", ["365", "2016"])
@pytest.mark.parametrize("fault", ["429", "503", "cut_before", "wrong_body"])
def test_an_issuer_that_stumbles(world, fault):
    """An issuer of tokens that stumbles once is asked once more."""
    world.fault(fault, path="/token$")
    assert world.open().identity()


def test_an_issuer_that_is_down(world):
    """An issuer that stays down is trouble for later, with nothing sent to the organization."""
    world.fault("503", path="/token$", times=99)
    with pytest.raises(TransientError, match="Entra"):
        world.open().identity()
    assert not world.requests()


def test_a_directory_that_is_a_path(world):
    """The issuer's wire is pinned to its own host: a directory cannot lead a secret elsewhere."""
    auth = world.auth | {"directory": "../../x@example.com/"}
    with pytest.raises((ConfigError, TransientError)):
        world.open(auth=auth).identity()
    assert not world.requests()


@ADFS
def test_ntlm_without_its_extra(world, monkeypatch):
    """Where requests-ntlm is not installed, its install line is said."""
    monkeypatch.setitem(sys.modules, "requests_ntlm", None)
    monkeypatch.delitem(sys.modules, "connector.adapters.crm.dynamics.windows", raising=False)
    auth = {"kind": "ntlm", "username": "CONTOSO\\connector", "password": "password"}
    with pytest.raises(ConfigError, match=r"suppression-connector\[onprem\]"):
        world.open(auth=auth)


@pytest.mark.parametrize("generation", ["2016"])
def test_no_web_api_there(world):
    """A URL without a Web API says which settings to look at."""
    with pytest.raises(ConfigError, match=r"crm\.url"):
        world.open(url=f"{world.url}/nowhere").identity()


@pytest.mark.parametrize("generation", ["365", "2016"])
def test_a_login_that_is_refused_in_between(world):
    """A login that is refused in the middle of writing is a mistake for a person, and no record's own."""
    from connector.ports.crm import RecordChange

    crm = world.open()
    refs = [world.add(f"p{n}@example.com") for n in range(3)]
    crm.identity()
    world.environment.client_secret = world.environment.password = "another"
    world.control("expire")
    for changes in (refs, refs[:1]):
        with pytest.raises(ConfigError, match="refuses the login"):
            list(crm.write([RecordChange(key=r.id, ref=r, values={"restriction": True}) for r in changes]))
    assert not any(world.flag(ref) for ref in refs)
