"""Signing in: Entra's client credentials over TLS, AD FS's password grant, tokens that end, users who may not."""

from __future__ import annotations

import datetime

import msal
import pytest
import requests
from connector.emulators.authority import authority
from connector.emulators.dynamics import Environment, create_app
from connector.emulators.server import Running
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

TENANT = "contoso.example.com"


@pytest.fixture(scope="module")
def key_pair() -> tuple[bytes, bytes]:
    """A PKCS#12 file with a private key, and its certificate in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    pfx = pkcs12.serialize_key_and_certificates(
        b"test", key, made, None, serialization.BestAvailableEncryption(b"open")
    )
    return pfx, made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def secure(tmp_path_factory, key_pair):
    """A 365 environment over TLS: the environment, its address, and the bundle to trust."""
    made = authority(tmp_path_factory.mktemp("authority"))
    env = Environment(certificate_pem=key_pair[1].decode())
    with Running(create_app(env), tls=made.tls) as running:
        yield env, running.base_url, str(made.ca)


def client(secure, credential):
    """What msal makes of a credential."""
    _, url, bundle = secure
    return msal.ConfidentialClientApplication(
        "client",
        authority=f"{url}/{TENANT}",
        client_credential=credential,
        instance_discovery=False,
        verify=bundle,
    )


def signed_in(secure, credential) -> dict:
    """Its answer for the environment's scope."""
    return client(secure, credential).acquire_token_for_client([f"{secure[1]}/.default"])


def who(secure, token: str) -> requests.Response:
    """WhoAmI with this token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{secure[1]}/api/data/v9.2/WhoAmI", headers=headers, verify=secure[2], timeout=10)


def test_msal_signs_in_with_a_secret(secure):
    """msal gets a token for the right secret, and it speaks for the application's user."""
    found = signed_in(secure, "secret")
    assert who(secure, found["access_token"]).json()["UserId"] == secure[0].service


def test_msal_signs_in_with_a_certificate(secure, tmp_path, key_pair):
    """msal gets a token for the registered certificate, and none for another one."""
    (tmp_path / "app.pfx").write_bytes(key_pair[0])
    credential = {"private_key_pfx_path": str(tmp_path / "app.pfx"), "passphrase": "open"}
    assert who(secure, signed_in(secure, credential)["access_token"]).status_code == 200
    pem, secure[0].certificate_pem = secure[0].certificate_pem, ""
    try:
        assert signed_in(secure, credential)["error"] == "invalid_client"
    finally:
        secure[0].certificate_pem = pem


@pytest.mark.parametrize(
    ("change", "error", "number"),
    [
        ({"client_secret": "wrong"}, "invalid_client", 7000215),
        ({"client_id": "other"}, "unauthorized_client", 700016),
        ({"scope": "https://other.example.com/.default"}, "invalid_resource", 500011),
        ({"scope": "openid"}, "invalid_scope", 1002012),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"client_secret": None}, "invalid_client", 7000218),
    ],
)
def test_entra_refuses_by_its_own_codes(secure, change, error, number):
    """A wrong secret, client, scope or grant is refused with Entra's error and number."""
    _, url, bundle = secure
    form = {"client_id": "client", "client_secret": "secret", "grant_type": "client_credentials"}
    form |= {"scope": f"{url}/.default"} | change
    answer = requests.post(f"{url}/{TENANT}/oauth2/v2.0/token", data=form, verify=bundle, timeout=10)
    assert (answer.json()["error"], answer.json()["error_codes"]) == (error, [number])


def test_an_unknown_directory_is_refused(secure):
    """The authority of another directory does not exist."""
    _, url, bundle = secure
    answer = requests.get(f"{url}/other.example.com/v2.0/.well-known/openid-configuration", verify=bundle, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")


def test_a_token_ends(world):
    """A token is refused once its time is over, and after control ended it, with a challenge that names the authority."""
    assert world.call("GET", "WhoAmI").status_code == 200
    world.control("settings", clock_offset=4_000)
    answer = world.call("GET", "WhoAmI")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=http://127.0.0.1")
    world.token = world.signed_in(world.env.service)
    world.control("expire", user=world.env.service)
    assert world.call("GET", "WhoAmI").status_code == 401


def test_users_who_may_not_are_told_why(world):
    """A user without a role and a disabled one get a 403 with a code of its own each."""
    assert world.code(world.call("GET", "WhoAmI", token=world.signed_in(world.env.outsider))) == (403, "0x80042f09")
    world.control("disable")
    assert world.code(world.call("GET", "WhoAmI")) == (403, "0x80040225")


def adfs(old, **change) -> requests.Response:
    """One call of AD FS's token endpoint."""
    form = {"grant_type": "password", "client_id": "client", "username": "CONTOSO\\connector", "password": "password"}
    return old.session.post(f"{old.url}/adfs/oauth2/token", data=form | {"resource": f"{old.url}/"} | change)


def test_adfs_takes_a_password(old):
    """The password grant gives a token for the resource; its refresh token gives the next one."""
    found = adfs(old).json()
    assert old.got("WhoAmI", token=found["access_token"])["UserId"] == old.env.service
    again = adfs(old, grant_type="refresh_token", refresh_token=found["refresh_token"]).json()
    assert old.got("WhoAmI", token=again["access_token"])["UserId"] == old.env.service


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"username": "CONTOSO\\other"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"resource": "https://other.example.com/"}, "invalid_resource"),
        ({"resource": ""}, "invalid_resource"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
def test_adfs_refuses(old, change, error):
    """A wrong password, client, resource or grant is refused by name."""
    answer = adfs(old, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_each_generation_has_one_authority(world, old):
    """365 has no AD FS, and an organization on premises no Entra."""
    assert adfs(world).status_code == 404
    form = {"client_id": "client", "client_secret": "secret", "grant_type": "client_credentials"}
    answer = old.session.post(f"{old.url}/{TENANT}/oauth2/v2.0/token", data=form)
    assert answer.json()["error"] == "invalid_tenant"


def test_a_windows_user_comes_in_the_scope(old):
    """Who a middleware found by NTLM is known by the Windows name, and without a token; a stranger is no member."""
    inner = create_app(old.env)

    def known_as(name: str):
        async def app(scope, receive, send):
            await inner(scope | {"ntlm_user": name}, receive, send)

        return app

    for name, expected in (("CONTOSO\\connector", 200), ("CONTOSO\\stranger", 403)):
        with Running(known_as(name)) as running:
            answer = requests.get(f"{running.base_url}/acme/api/data/v8.2/WhoAmI", timeout=10)
            assert answer.status_code == expected
    assert answer.json()["error"]["code"] == "0x80072560"
