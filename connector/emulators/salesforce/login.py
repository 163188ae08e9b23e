"""Signing in by OAuth: client credentials, JWT bearer, username-password, refresh token; revoke and userinfo.

OAuth Authorization Flows (Salesforce Help). Errors are objects, not lists; a token says nothing of its lifetime.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.org import Org

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FLOWS = {
    "client_credentials": "client_credentials",
    JWT: "jwt",
    "password": "password",
    "refresh_token": "refresh_token",
}
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


class _OAuthError(Exception):
    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


def session(org: Org, user: str) -> str:
    """A fresh access token for a user."""
    token = f"{org.id[:15]}!{secrets.token_urlsafe(24)}"
    org.sessions[token] = user
    return token


def refresh_token(org: Org, user: str) -> str:
    """A fresh refresh token, as a user who approved the app by the web server flow left it."""
    token = f"5Aep861{secrets.token_urlsafe(24)}"
    org.refresh_tokens[token] = user
    return token


async def token(request: Request) -> Response:
    """`POST /services/oauth2/token`."""
    org: Org = request.app.state.org
    form = await request.form()
    try:
        body = _answered(request, org, form)
        response = JSONResponse(body, headers={"Cache-Control": "no-store"})
    except _OAuthError as error:
        response = JSONResponse({"error": error.code, "error_description": error.description}, status_code=400)
    response.headers["Date"] = http_date(org)
    return response


def _answered(request: Request, org: Org, form: FormData) -> dict[str, str]:
    grant = str(form.get("grant_type", ""))
    if FLOWS.get(grant) not in org.flows:
        raise _OAuthError("unsupported_grant_type", "grant type not supported")
    if grant == JWT:
        return _granted(request, org, _jwt_user(request, org, str(form.get("assertion", ""))))
    _client(request, org, form)
    if grant == "client_credentials":
        if request.headers.get("host", "").startswith(("login.salesforce", "test.salesforce")):
            raise _OAuthError("invalid_grant", "request not supported on this domain")
        return _granted(request, org, org.integration)
    if grant == "refresh_token":
        return _refreshed(request, org, str(form.get("refresh_token", "")))
    return _granted(request, org, _password_user(org, str(form.get("username", "")), str(form.get("password", ""))))


def _client(request: Request, org: Org, form: FormData) -> None:
    """The app's key and secret, by HTTP Basic or in the body."""
    key, secret = _basic(request) or (str(form.get("client_id", "")), str(form.get("client_secret", "")))
    if not same(key, org.client_id):
        raise _OAuthError("invalid_client_id", "client identifier invalid")
    if not same(secret, org.client_secret):
        raise _OAuthError("invalid_client", "invalid client credentials")


def same(left: str, right: str) -> bool:
    """Whether two secrets are one."""
    return hmac.compare_digest(left.encode(), right.encode())


def _basic(request: Request) -> tuple[str, str] | None:
    header = request.headers.get("authorization", "")
    if not header.startswith("Basic "):
        return None
    try:
        key, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    except ValueError as error:
        raise _OAuthError("invalid_client", "invalid client credentials") from error
    return key, secret


def _password_user(org: Org, username: str, password: str) -> str:
    """The password with the security token behind it, or alone (a client in a trusted network)."""
    right = same(password, org.password + org.token) or same(password, org.password)
    if username != org.username or not right:
        raise _OAuthError("invalid_grant", "authentication failure")
    return _active(org, org.integration)


def _active(org: Org, user: str) -> str:
    if not org.rows("User")[user]["IsActive"]:
        raise _OAuthError("invalid_grant", "user is locked")
    return user


def _refreshed(request: Request, org: Org, token: str) -> dict[str, str]:
    """With Refresh Token Rotation the old one dies, and a new one comes back."""
    user = org.refresh_tokens.get(token)
    if user is None:
        raise _OAuthError("invalid_grant", "expired access/refresh token")
    body = _granted(request, org, _active(org, user))
    if org.rotation:
        del org.refresh_tokens[token]
        body["refresh_token"] = refresh_token(org, user)
    return body


def _granted(request: Request, org: Org, user: str) -> dict[str, str]:
    base = f"{request.url.scheme}://{request.headers['host']}"
    return {
        "access_token": session(org, user),
        "instance_url": base,
        "id": f"{base}/id/{org.id}/{user}",
        "token_type": "Bearer",
        "issued_at": str(int(org.now().timestamp() * 1000)),
        "signature": secrets.token_urlsafe(24),
        "scope": "api",
    }


# -- JWT bearer ----------------------------------------------------------------------------------------------------
def _jwt_user(request: Request, org: Org, assertion: str) -> str:
    """Who an assertion speaks for. `exp` may come as text (some clients send it so)."""
    claims = _claims(org, assertion)
    if claims.get("iss") != org.client_id:
        raise _OAuthError("invalid_client_id", "client identifier invalid")
    if str(claims.get("aud", "")).rstrip("/") not in (*_AUDIENCES, f"{request.url.scheme}://{request.headers['host']}"):
        raise _OAuthError("invalid_grant", "audience is invalid")
    user = next((i for i, row in org.rows("User").items() if row["Username"] == claims.get("sub")), "")
    if user not in org.approved:
        raise _OAuthError("invalid_grant", "user hasn't approved this consumer")
    try:
        left = float(str(claims.get("exp", 0))) - org.now().timestamp()
    except ValueError:
        left = 0.0
    if not 0 < left < 600:
        raise _OAuthError("invalid_grant", "expired authorization code")
    return _active(org, user)


def _claims(org: Org, assertion: str) -> dict[str, object]:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        head, body, mac = assertion.split(".")
        claims = json.loads(_decoded(body))
        key = x509.load_pem_x509_certificate(org.certificate_pem.encode()).public_key()
        if json.loads(_decoded(head)).get("alg") != "RS256" or not isinstance(key, RSAPublicKey):
            raise ValueError("another algorithm")
        key.verify(_decoded(mac), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, AttributeError, InvalidSignature, binascii.Error) as error:
        raise _OAuthError("invalid_grant", "invalid assertion") from error
    if not isinstance(claims, dict):
        raise _OAuthError("invalid_grant", "invalid assertion")
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


# -- sessions ------------------------------------------------------------------------------------------------------
def user_of(request: Request) -> str | None:
    """The user behind the bearer token, or None."""
    org: Org = request.app.state.org
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return org.sessions.get(token) if kind in ("Bearer", "OAuth") else None


async def userinfo(request: Request) -> Response:
    """`GET /services/oauth2/userinfo`."""
    org: Org = request.app.state.org
    user = user_of(request)
    if user is None:
        return Response("Bad_OAuth_Token", status_code=403)
    row = org.rows("User")[user]
    return JSONResponse(
        {
            "sub": f"{request.url.scheme}://{request.headers['host']}/id/{org.id}/{user}",
            "organization_id": org.id,
            "user_id": user,
            "preferred_username": row["Username"],
            "name": row["Name"],
            "email": row["Email"],
            "active": row["IsActive"],
        }
    )


async def revoke(request: Request) -> Response:
    """`POST /services/oauth2/revoke`: an access token, or a refresh token with every session of its user."""
    org: Org = request.app.state.org
    token = str((await request.form()).get("token", ""))
    if token in org.refresh_tokens:
        user = org.refresh_tokens.pop(token)
        org.sessions = {t: u for t, u in org.sessions.items() if u != user}
    elif org.sessions.pop(token, None) is None:
        body = {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
        return JSONResponse(body, status_code=400)
    return Response(status_code=200)


def http_date(org: Org) -> str:
    """The `Date` header by the org's own clock."""
    return org.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
