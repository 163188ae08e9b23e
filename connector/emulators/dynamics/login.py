"""Tokens: Microsoft Entra's client credentials for 365, AD FS's password grant for 2016; and who a request is from.

"OAuth 2.0 client credentials flow", "Certificate credentials"; AD FS has `resource=` in place of a scope.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.emulators.dynamics import people
from connector.emulators.dynamics.errors import VendorError
from connector.emulators.dynamics.times import http_date

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _OAuthError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


def routes() -> list[Route]:
    """The authority of either kind; which one answers is the generation's."""
    return [
        Route("/adfs/.well-known/openid-configuration", _adfs_configuration),
        Route("/adfs/oauth2/token", _adfs, methods=["POST"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", _entra_configuration),
        Route("/{tenant}/oauth2/v2.0/token", _entra, methods=["POST"]),
    ]


def _here(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers['host']}"


def issue(env: Environment, user: str, seconds: float | None = None) -> str:
    """A fresh access token for a user."""
    token = secrets.token_urlsafe(48)
    env.tokens[token] = (user, env.now() + timedelta(seconds=env.token_lifetime if seconds is None else seconds))
    return token


def user_of(request: Request) -> str:
    """Whose request this is: the Windows user that NTLM found, or the bearer's. Raises: `VendorError` 401 and 403."""
    env: Environment = request.app.state.environment
    windows = request.scope.get("ntlm_user")
    if windows is not None:
        return enabled(env, people.named(env, str(windows)))
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    user, until = env.tokens.get(token, ("", None)) if kind == "Bearer" else ("", None)
    if until is None or until <= env.now():
        authority = f"{_here(request)}/{'adfs' if env.generation == '2016' else env.tenant}/oauth2/authorize"
        challenge = f"Bearer authorization_uri={authority}, resource_id={_here(request)}/"
        raise VendorError(401, "", "HTTP Error 401 - Unauthorized: Access is denied", {"WWW-Authenticate": challenge})
    return enabled(env, user)


def enabled(env: Environment, user: str) -> str:
    """The user, who may come in. Raises: `VendorError` 403 for who is unknown, disabled or without a role."""
    if not user or user not in env.tables["systemuser"].cells:
        raise VendorError(403, "0x80072560", "The user is not a member of the organization.")
    table = env.tables["systemuser"]
    if table.cells[user][table.columns["isdisabled"]]:
        raise VendorError(403, "0x80040225", f"The specified user(Id = {user}) is disabled.")
    if not env.holders.get(user):
        raise VendorError(403, "0x80042f09", f"The user with id {user} has not been assigned any roles.")
    return user


# -- Microsoft Entra -----------------------------------------------------------------------------------------------
async def _entra_configuration(request: Request) -> Response:
    env: Environment = request.app.state.environment
    tenant = request.path_params["tenant"]
    if env.generation != "365" or tenant != env.tenant:
        words = f"AADSTS90002: Tenant '{tenant}' not found."
        return _refused(env, _OAuthError(400, "invalid_tenant", words))
    base = f"{_here(request)}/{tenant}"
    return JSONResponse(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        }
    )


async def _entra(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/token`."""
    env: Environment = request.app.state.environment
    form = await request.form()
    try:
        if env.generation != "365" or request.path_params["tenant"] != env.tenant:
            words = f"AADSTS90002: Tenant '{request.path_params['tenant']}' not found."
            raise _OAuthError(400, "invalid_tenant", words)
        if form.get("grant_type") != "client_credentials":
            raise _OAuthError(
                400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type."
            )
        _client(request, env, form)
        _scope(request, env, str(form.get("scope", "")))
    except _OAuthError as error:
        return _refused(env, error)
    lifetime = int(env.token_lifetime)
    found = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime}
    return _granted(env, {**found, "access_token": issue(env, env.service)})


def _client(request: Request, env: Environment, form: FormData) -> None:
    given = str(form.get("client_id", ""))
    if given != env.client_id:
        words = f"AADSTS700016: Application with identifier '{given}' was not found in the directory '{env.tenant}'."
        raise _OAuthError(400, "unauthorized_client", words)
    if "client_assertion" in form:
        if form.get("client_assertion_type") != _ASSERTION:
            raise _OAuthError(401, "invalid_client", "AADSTS70002: The client_assertion_type is not supported.")
        _assertion(env, str(form["client_assertion"]), _here(request) + request.url.path)
    elif "client_secret" not in form:
        words = "AADSTS7000218: The request body must contain the parameter 'client_assertion' or 'client_secret'."
        raise _OAuthError(401, "invalid_client", words)
    elif not hmac.compare_digest(str(form["client_secret"]).encode(), env.client_secret.encode()):
        raise _OAuthError(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")


def _scope(request: Request, env: Environment, scope: str) -> None:
    """A client asks for the whole of one resource: this environment's address and `/.default`."""
    if not scope.endswith("/.default") or " " in scope:
        words = f"AADSTS1002012: The provided value for scope {scope} is not valid."
        raise _OAuthError(400, "invalid_scope", f"{words} Client credential flows must have a scope with /.default.")
    resource = scope.removesuffix("/.default").rstrip("/")
    if resource != (env.url or _here(request)).rstrip("/"):
        words = f"AADSTS500011: The resource principal named {resource} was not found in the tenant."
        raise _OAuthError(400, "invalid_resource", words)


def _assertion(env: Environment, assertion: str, audience: str) -> None:
    """A JWT signed with the registered certificate's key, which its header names by a thumbprint."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    wrong = _OAuthError(401, "invalid_client", "AADSTS700027: Client assertion failed signature validation.")
    try:
        head, body, mac = assertion.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
        certificate = x509.load_pem_x509_certificate(env.certificate_pem.encode())
        key = certificate.public_key()
        prints = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303  # the header's own digest
        named = [
            n for n, digest in prints.items() if n in header and _decoded(header[n]) == certificate.fingerprint(digest)
        ]
        pads: dict[str, Any] = {
            "RS256": padding.PKCS1v15(),
            "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
        }
        if not named or not isinstance(key, RSAPublicKey):
            raise wrong
        key.verify(_decoded(mac), f"{head}.{body}".encode(), pads[header["alg"]], hashes.SHA256())
    except (ValueError, LookupError, TypeError, InvalidSignature, binascii.Error) as error:
        raise wrong from error
    if claims.get("aud") != audience or {claims.get("iss"), claims.get("sub")} != {env.client_id}:
        raise _OAuthError(401, "invalid_client", "AADSTS700023: Client assertion audience or issuer is not valid.")
    if not 0 < claims.get("exp", 0) - env.now().timestamp() < 86_400:
        raise _OAuthError(401, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


# -- AD FS ---------------------------------------------------------------------------------------------------------
async def _adfs_configuration(request: Request) -> Response:
    base = f"{_here(request)}/adfs"
    found = {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/authorize/",
        "token_endpoint": f"{base}/oauth2/token/",
    }
    return JSONResponse(found, status_code=200 if request.app.state.environment.generation == "2016" else 404)


async def _adfs(request: Request) -> Response:
    """`POST /adfs/oauth2/token` with a user's password, or a refresh token."""
    env: Environment = request.app.state.environment
    form = await request.form()
    try:
        if env.generation != "2016":
            raise _OAuthError(404, "not_found", "There is no AD FS here.")
        if form.get("client_id") != env.client_id:
            raise _OAuthError(400, "invalid_client", "MSIS9607: The 'client_id' parameter in the request is invalid.")
        user = _adfs_user(request, env, form)
    except _OAuthError as error:
        return _refused(env, error)
    token = issue(env, user)
    refresh = secrets.token_urlsafe(32)
    env.refresh_tokens[refresh] = user
    lifetime = int(env.token_lifetime)
    found = {"access_token": token, "token_type": "bearer", "expires_in": lifetime, "refresh_token": refresh}
    return _granted(env, {**found, "resource": str(form.get("resource", "")), "refresh_token_expires_in": 28_800})


def _adfs_user(request: Request, env: Environment, form: FormData) -> str:
    if form.get("grant_type") == "refresh_token":
        user = env.refresh_tokens.get(str(form.get("refresh_token", "")))
        if user is None:
            raise _OAuthError(400, "invalid_grant", "MSIS9615: The refresh token received is invalid or has expired.")
        return user
    if form.get("grant_type") != "password":
        raise _OAuthError(400, "unsupported_grant_type", "MSIS9611: The authorization server does not support it.")
    resource = str(form.get("resource", "")).rstrip("/")
    if not resource or not resource.startswith((env.url or _here(request)).rstrip("/")):
        raise _OAuthError(400, "invalid_resource", "MSIS9602: The received 'resource' parameter is invalid.")
    right = hmac.compare_digest(str(form.get("password", "")).encode(), env.password.encode())
    if str(form.get("username", "")).lower() != env.username.lower() or not right:
        raise _OAuthError(400, "invalid_grant", "MSIS9659: Invalid 'username' or 'password'.")
    return people.named(env, env.username)


# -- answers -------------------------------------------------------------------------------------------------------
def _granted(env: Environment, body: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", "Date": http_date(env.now())}
    return JSONResponse(body, headers=headers)


def _refused(env: Environment, error: _OAuthError) -> Response:
    code = error.description.partition(":")[0]
    body: dict[str, Any] = {"error": error.error, "error_description": error.description}
    if code.startswith("AADSTS"):
        ids = {name: str(uuid.uuid4()) for name in ("trace_id", "correlation_id")}
        stamp = env.now().strftime("%Y-%m-%d %H:%M:%SZ")
        body |= {"error_codes": [int(code.removeprefix("AADSTS"))], "timestamp": stamp, **ids}
    return JSONResponse(body, status_code=error.status, headers={"Date": http_date(env.now())})
