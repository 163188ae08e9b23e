"""Signing in: each grant, and how each is refused."""

from __future__ import annotations

import base64
import json
import time

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
APP = {"client_id": "client", "client_secret": "secret"}


def assertion(private: str, *, alg: str = "RS256", **claims) -> str:
    """A signed JWT of the integration user, good for three minutes unless a claim says otherwise."""
    whole = {
        "iss": "client",
        "sub": "integration@example.com",
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
    } | claims
    text = lambda part: base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()  # noqa: E731  # short
    head = f"{text({'alg': alg, 'typ': 'JWT'})}.{text(whole)}"
    key = serialization.load_pem_private_key(private.encode(), None)
    mac = key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_answer_has_the_documented_keys(world):
    """A token comes with the address of the emulator itself, and without a lifetime."""
    body = world.oauth(grant_type="client_credentials", **APP).json()
    assert body["instance_url"] == world.url
    assert set(body) == {"access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"}
    assert world.call("GET", "limits", token=body["access_token"]).status_code == 200


def test_the_key_may_come_by_basic_or_in_the_body(world):
    """Both forms of client authentication are taken."""
    url, form = f"{world.url}/services/oauth2/token", {"grant_type": "client_credentials"}
    assert requests.post(url, data=form, auth=("client", "secret"), timeout=5).status_code == 200
    assert requests.post(url, data=form, headers={"Authorization": "Basic ***"}, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "client", "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "secret"}, "invalid_client_id"),
        ({"grant_type": "password", **APP, "username": "integration@example.com", "password": "x"}, "invalid_grant"),
        ({"grant_type": "password", **APP, "username": "x", "password": "passwordtoken"}, "invalid_grant"),
        ({"grant_type": "refresh_token", **APP, "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": JWT, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": JWT}, "invalid_grant"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_are_told_as_an_object(world, form, error):
    """The token endpoint refuses with 400 and an object of error and description."""
    answer = world.oauth(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert set(answer.json()) == {"error", "error_description"}


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"iss": "other"}, "client identifier invalid"),
        ({"aud": "https://example.com"}, "audience is invalid"),
        ({"sub": "user@example.com"}, "user hasn't approved this consumer"),
        ({"sub": "nobody@example.com"}, "user hasn't approved this consumer"),
        ({"exp": str(int(time.time()) - 10)}, "expired authorization code"),
        ({"exp": "soon"}, "expired authorization code"),
        ({"alg": "HS256"}, "invalid assertion"),
    ],
)
def test_an_assertion_is_looked_at(world, key_pair, claims, description):
    """Signature, issuer, audience, approval and expiry of a JWT are checked, each with its words."""
    assert world.oauth(grant_type=JWT, assertion=assertion(key_pair[0])).status_code == 200
    answer = world.oauth(grant_type=JWT, assertion=assertion(key_pair[0], **claims))
    assert (answer.status_code, answer.json()["error_description"]) == (400, description)


def test_an_assertion_of_another_key(world, key_pair):
    """An org whose certificate is another one, or that has none, takes no assertion."""
    world.org.certificate_pem = ""
    assert (
        world.oauth(grant_type=JWT, assertion=assertion(key_pair[0])).json()["error_description"] == "invalid assertion"
    )


def test_refresh_tokens_rotate(world):
    """With rotation a refresh token serves once and brings its successor; without it serves on."""
    old = world.control("session")["refresh_token"]
    new = world.oauth(grant_type="refresh_token", refresh_token=old, **APP).json()["refresh_token"]
    assert world.oauth(grant_type="refresh_token", refresh_token=old, **APP).status_code == 400
    world.control("settings", rotation=False)
    for _ in range(2):
        assert "refresh_token" not in world.oauth(grant_type="refresh_token", refresh_token=new, **APP).json()


def test_flows_can_be_switched_off(world):
    """A grant that the org does not allow is refused, and SOAP login too."""
    world.control("settings", flows={"password": False, "soap": False})
    answer = world.oauth(grant_type="password", **APP, username="integration@example.com", password="passwordtoken")
    assert answer.json()["error"] == "unsupported_grant_type"
    assert "INVALID_OPERATION" in soap(world, "59.0").text


def soap(world, version: str, password: str = "passwordtoken") -> requests.Response:
    """One SOAP login."""
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com"><e:Body>'
        f"<u:login><u:username>integration@example.com</u:username><u:password>{password}</u:password></u:login>"
        "</e:Body></e:Envelope>"
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
    return world.session.post(f"{world.url}/services/Soap/u/{version}", data=body, headers=headers)


@pytest.mark.parametrize(
    ("version", "password", "code"),
    [
        ("64.0", "passwordtoken", ""),
        ("65.0", "passwordtoken", "UNSUPPORTED_API_VERSION"),
        ("30.0", "passwordtoken", "UNSUPPORTED_API_VERSION"),
        ("59.0", "password", "INVALID_LOGIN"),
        ("59.0", "<broken", "INVALID_SOAP"),
    ],
)
def test_soap_login(world, version, password, code):
    """SOAP login works up to 64.0 with password and security token; everything else is a fault with status 500."""
    answer = soap(world, version, password)
    assert answer.status_code == (500 if code else 200)
    assert (code or "<sessionId>") in answer.text


def test_a_locked_user_gets_no_token(world):
    """A user who is not active signs in by no flow."""
    world.control("user", id=world.org.integration, active=False)
    answer = world.oauth(grant_type="password", **APP, username="integration@example.com", password="passwordtoken")
    assert answer.json()["error_description"] == "user is locked"
    assert "INVALID_LOGIN" in soap(world, "59.0").text


def test_userinfo_and_revoke(world):
    """userinfo names org and user; a revoked token is dead."""
    headers = {"Authorization": f"Bearer {world.token}"}
    told = world.session.get(f"{world.url}/services/oauth2/userinfo", headers=headers).json()
    assert (told["organization_id"], told["user_id"]) == (world.org.id, world.org.integration)
    revoke = f"{world.url}/services/oauth2/revoke"
    assert world.session.post(revoke, data={"token": world.token}).status_code == 200
    assert world.session.post(revoke, data={"token": world.token}).status_code == 400
    assert world.session.get(f"{world.url}/services/oauth2/userinfo", headers=headers).status_code == 403
    assert world.call("GET", "limits").status_code == 401


def test_one_session_or_one_users_sessions_end(world):
    """Control ends one token, one user's, or all."""
    other = world.signed_in(world.org.admin)
    world.control("expire", user=world.org.admin)
    assert [world.call("GET", "limits", token=t).status_code for t in (other, world.token)] == [401, 200]
    world.control("expire", token=world.token)
    body = world.call("GET", "limits").json()
    assert body == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
