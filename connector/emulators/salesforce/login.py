"""Signing in: OAuth client credentials, JWT bearer, username-password, and SOAP login() up to version 64.0."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.org import Org

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def session(org: Org, user: str) -> str:
    """A fresh access token for a user."""
    token = f"{org.id[:15]}!{secrets.token_urlsafe(24)}"
    org.sessions[token] = user
    return token


def oauth_error(code: str, description: str) -> JSONResponse:
    """The token endpoint's own error form: an object, not a list."""
    return JSONResponse({"error": code, "error_description": description}, status_code=400)


async def token(request: Request) -> Response:
    """`POST /services/oauth2/token`."""
    org: Org = request.app.state.org
    form = {k: str(v) for k, v in (await request.form()).items()}
    grant = form.get("grant_type", "")
    if grant == "client_credentials":
        key, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not _same(key, org.client_id):
            return oauth_error("invalid_client_id", "client identifier invalid")
        if not _same(secret, org.client_secret):
            return oauth_error("invalid_client", "invalid client credentials")
        return _granted(request, org)
    if grant == JWT:
        problem = _jwt_problem(org, form.get("assertion", ""))
        return oauth_error("invalid_grant", problem) if problem else _granted(request, org)
    if grant == "password":
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        right = form.get("username") == org.username and _same(form.get("password", ""), org.password + org.token)
        right = right or (form.get("username") == org.username and _same(form.get("password", ""), org.password))
        if not (_same(key, org.client_id) and _same(secret, org.client_secret) and right):
            return oauth_error("invalid_grant", "authentication failure")
        return _granted(request, org)
    return oauth_error("unsupported_grant_type", "grant type not supported")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _basic(request: Request) -> tuple[str, str] | None:
    header = request.headers.get("authorization", "")
    if not header.startswith("Basic "):
        return None
    key, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    return key, secret


def _granted(request: Request, org: Org) -> JSONResponse:
    base = f"{request.url.scheme}://{request.headers['host']}"
    return JSONResponse(
        {
            "access_token": session(org, org.integration),
            "instance_url": base,
            "id": f"{base}/id/{org.id}/{org.integration}",
            "token_type": "Bearer",
            "issued_at": str(int(org.now().timestamp() * 1000)),
            "signature": secrets.token_urlsafe(24),
            "scope": "api",
        }
    )


def _jwt_problem(org: Org, assertion: str) -> str:
    """Why an assertion is refused; empty if it is good. `exp` may come as text (some clients send it so)."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        head, body, mac = assertion.split(".")
        claims = json.loads(_decoded(body))
        if json.loads(_decoded(head)).get("alg") != "RS256":
            return "invalid assertion"
        key = x509.load_pem_x509_certificate(org.certificate_pem.encode()).public_key()
        assert isinstance(key, RSAPublicKey)
        key.verify(_decoded(mac), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return "invalid assertion"
    if claims.get("iss") != org.client_id:
        return "client identifier invalid"
    if claims.get("sub") != org.username:
        return "user hasn't approved this consumer"
    if claims.get("aud") not in ("https://login.salesforce.com", "https://test.salesforce.com"):
        return "audience is invalid"
    left = float(claims.get("exp", 0)) - org.now().timestamp()
    return "" if 0 < left < 600 else "expired authorization code"


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def userinfo(request: Request) -> Response:
    """`GET /services/oauth2/userinfo`."""
    org: Org = request.app.state.org
    user = user_of(request)
    if user is None:
        return Response("Bad_OAuth_Token", status_code=403)
    name = org.rows("User")[user]["Username"]
    return JSONResponse({"organization_id": org.id, "user_id": user, "preferred_username": name})


def user_of(request: Request) -> str | None:
    """The user behind the bearer token, or None."""
    org: Org = request.app.state.org
    header = request.headers.get("authorization", "")
    return org.sessions.get(header.removeprefix("Bearer ").removeprefix("OAuth ")) if header else None


async def soap(request: Request) -> Response:
    """`POST /services/Soap/u/{version}`: login() alone; absent from 65.0 on."""
    org: Org = request.app.state.org
    if float(request.path_params["version"]) >= 65.0:
        return _fault("UNSUPPORTED_API_VERSION", "login() is not available in this API version")
    found: dict[str, Any] = {}
    for element in ElementTree.fromstring(await request.body()).iter():  # noqa: S314  # a test's own client writes it
        found[element.tag.rpartition("}")[2]] = element.text or ""
    right = found.get("username") == org.username and _same(found.get("password", ""), org.password + org.token)
    if not right:
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    base = f"{request.url.scheme}://{request.headers['host']}"
    made = session(org, org.integration)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
        f"<serverUrl>{escape(base)}/services/Soap/u/{request.path_params['version']}/{org.id}</serverUrl>"
        f"<sessionId>{escape(made)}</sessionId><userId>{org.integration}</userId>"
        f"<userInfo><organizationId>{org.id}</organizationId></userInfo>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, media_type="text/xml")


def _fault(code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail><sf:LoginFault>"
        f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage>"
        "</sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, status_code=500, media_type="text/xml")


def http_date(org: Org) -> str:
    """The `Date` header by the org's own clock."""
    return org.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
