"""SOAP `login()` alone (SOAP API Developer Guide, login()): absent from 65.0 on, off where an org switched it off."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from connector.emulators.salesforce.login import http_date, same, session
from connector.emulators.salesforce.org import Org

FIRST, ABSENT_FROM = 31.0, 65.0

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" {names}>'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


async def login(request: Request) -> Response:
    """`POST /services/Soap/u/{version}`."""
    org: Org = request.app.state.org
    version = request.path_params["version"]
    try:
        number = float(version)
    except ValueError:
        number = 0.0
    if not FIRST <= number < ABSENT_FROM:
        return _fault("UNSUPPORTED_API_VERSION", f"login() is not available in API version {version}")
    if "soap" not in org.flows:
        return _fault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.")
    try:
        found = _elements(await request.body())
    except ElementTree.ParseError as error:
        return _fault("INVALID_SOAP", f"the request cannot be read: {error}", client=True)
    if not _right(org, found) or not org.rows("User")[org.integration]["IsActive"]:
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    response = Response(_result(request, org, version), media_type="text/xml")
    response.headers["Date"] = http_date(org)
    return response


def _elements(raw: bytes) -> dict[str, str]:
    tree = ElementTree.fromstring(raw)  # noqa: S314  # a test's own client writes it
    return {element.tag.rpartition("}")[2]: element.text or "" for element in tree.iter()}


def _right(org: Org, found: dict[str, Any]) -> bool:
    """With the security token; without it only by the login scope of this org (a client in a trusted network)."""
    password, scope = found.get("password", ""), found.get("organizationId", "")
    trusted = scope[:15] == org.id[:15] and same(password, org.password)
    return found.get("username") == org.username and (trusted or same(password, org.password + org.token))


def _result(request: Request, org: Org, version: str) -> str:
    base = f"{request.url.scheme}://{request.headers['host']}"
    user = org.rows("User")[org.integration]
    body = (
        "<loginResponse><result><metadataServerUrl/><passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{escape(base)}/services/Soap/u/{version}/{org.id[:15]}</serverUrl>"
        f"<sessionId>{escape(session(org, org.integration))}</sessionId><userId>{org.integration}</userId>"
        f"<userInfo><organizationId>{org.id}</organizationId><userName>{escape(user['Username'])}</userName></userInfo>"
        "</result></loginResponse>"
    )
    return _ENVELOPE.format(names='xmlns="urn:partner.soap.sforce.com"', body=body)


def _fault(code: str, message: str, *, client: bool = False) -> Response:
    named = "soapenv:Client" if client else f"sf:{code}"
    body = (
        f"<soapenv:Fault><faultcode>{named}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f"<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    envelope = _ENVELOPE.format(names='xmlns:sf="urn:fault.partner.soap.sforce.com"', body=body)
    return Response(envelope, status_code=500, media_type="text/xml")
