"""The HTTP face: OrganizationData.svc and Organization.svc behind NTLM, and control under /_emulator."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connector.emulators.dynamics import control, login
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.errors import VendorError
from connector.emulators.dynamics.times import http_date
from connector.emulators.faults import Faults
from connector.emulators.ntlm import Ntlm
from connector.emulators.organization import data, soap

_VERBS = ["GET", "POST", "PUT", "DELETE", "MERGE"]
_LONGEST_QUERY = 2_048
_NOT_FOUND = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head><body></body></html>"
_SERVICE = "/{organization}/XRMServices/2011"
EXPIRED = b"<!DOCTYPE html><html><head><title>401 - Unauthorized</title></head><body></body></html>"

_STATUSES = {"0x80040230": 405, "0x80040265": 500, "0x80040237": 500, "0x80060892": 500}
"""Where these servers answer otherwise than the Web API: closed leads, plug-ins, duplicates."""


def create_app(environment: Environment) -> Faults:
    """The ASGI application, with its faults around it."""
    routes = [
        *control.routes(),
        Route(f"{_SERVICE}/OrganizationData.svc/{{path:path}}", _data, methods=_VERBS),
        Route(f"{_SERVICE}/Organization.svc/web", _soap, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _nowhere})
    app.state.environment = environment
    return Faults(Ntlm(app, username=environment.username, password=environment.password), expired_body=EXPIRED)


async def _nowhere(request: Request, error: Exception) -> Response:
    return HTMLResponse(_NOT_FOUND, status_code=404)


async def _ask(request: Request) -> Ask | None:
    env: Environment = request.app.state.environment
    query = request.scope["query_string"].decode("latin-1")
    if request.path_params["organization"].lower() != env.organization.lower() or len(query) > _LONGEST_QUERY:
        return None
    users = env.tables["systemuser"]
    domain, mine = users.columns["domainname"], request.scope["ntlm_user"].lower()
    user = next((id_ for id_, cells in users.cells.items() if str(cells[domain]).lower() == mine), "")
    front, _, path = request.scope["path"].partition("/OrganizationData.svc/")
    root = f"{request.url.scheme}://{request.headers['host']}{front}/OrganizationData.svc"
    headers = {name: ",".join(request.headers.getlist(name)) for name in request.headers}
    body = await request.body()
    return Ask(env=env, user=user, method=request.method, root=root, path=path, query=query, headers=headers, body=body)


async def _data(request: Request) -> Response:
    ask = await _ask(request)
    if ask is None or ask.path == "$batch":
        return HTMLResponse(_NOT_FOUND, status_code=404)
    try:
        login.enabled(ask.env, ask.user)
        found = data.respond(ask)
    except VendorError as error:
        found = _refused(error)
    return _sent(ask, found)


async def _soap(request: Request) -> Response:
    ask = await _ask(request)
    return HTMLResponse(_NOT_FOUND, status_code=404) if ask is None else _sent(ask, soap.execute(ask))


def _refused(error: VendorError) -> Answer:
    words = {"lang": "en-US", "value": error.message}
    body = json.dumps({"error": {"code": soap.signed(error.code), "message": words}}).encode()
    status = _STATUSES.get(error.code, error.status)
    return Answer(status, body, {"Content-Type": "application/json;charset=utf-8", **error.headers})


def _sent(ask: Ask, found: Answer) -> Response:
    return Response(found.body, status_code=found.status, headers={"Date": http_date(ask.env.now()), **found.headers})
