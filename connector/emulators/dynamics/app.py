"""The HTTP face of an environment: the service below /api/data, the authority, and control under /_emulator."""

from __future__ import annotations

import uuid

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connector.emulators.dynamics import control, limits, login, service
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.environment import API, Environment
from connector.emulators.dynamics.errors import VendorError
from connector.emulators.dynamics.times import http_date
from connector.emulators.faults import Faults

EXPIRED = b"HTTP Error 401 - Unauthorized: Access is denied"

_VERBS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_LONGEST_QUERY = 2_048
_NOT_FOUND = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head><body></body></html>"


def create_app(environment: Environment) -> Faults:
    """The ASGI application, with its faults around it; `app.state.environment` of what is inside may be replaced."""
    at = "/{organization}/api/data" if environment.generation == "2016" else "/api/data"
    routes = [
        *control.routes(),
        *(Route(f"{at}/v{{version}}{end}", _endpoint, methods=_VERBS) for end in ("", "/{path:path}")),
        *login.routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _nowhere})
    app.state.environment = environment
    return Faults(app, expired_body=EXPIRED)


async def _nowhere(request: Request, error: Exception) -> Response:
    return HTMLResponse(_NOT_FOUND, status_code=404)


async def _endpoint(request: Request) -> Response:
    env: Environment = request.app.state.environment
    version = request.path_params["version"]
    organization = request.path_params.get("organization", env.organization)
    query = request.scope["query_string"].decode("latin-1")
    if version not in _alive(env) or organization.lower() != env.organization.lower():
        return HTMLResponse(_NOT_FOUND, status_code=404)
    if env.generation == "2016" and len(query) > _LONGEST_QUERY:
        return HTMLResponse(_NOT_FOUND, status_code=404)  # IIS's own limit on premises, request filtering 404.15
    body = await request.body()
    found = _found(request, env, f"/v{version}", query, body)
    return _sent(env, found)


def _alive(env: Environment) -> tuple[str, ...]:
    """Versions that answer: an upgraded server answers alike to those before."""
    major, minor = API[env.generation].split(".")
    return tuple(f"{major}.{n}" for n in range(int(minor) + 1))


def _found(request: Request, env: Environment, below: str, query: str, body: bytes) -> Answer:
    raw: str = request.scope.get("raw_path", request.scope["path"].encode()).decode("latin-1")
    front, _, path = raw.partition(f"{below}/")
    host = f"{request.url.scheme}://{request.headers['host']}"
    try:
        user = login.user_of(request)
        limits.demand(env, user, raw)
    except VendorError as error:
        if error.status == 401:
            return Answer(401, EXPIRED, {"Content-Type": "text/html", **error.headers})
        return answer(error.body(generation=env.generation), error.status, error.headers)
    headers = {name: ",".join(request.headers.getlist(name)) for name in request.headers}
    root = f"{host}{front.removesuffix(below)}{below}"
    ask = Ask(env=env, user=user, method=request.method, root=root, path=path, query=query, headers=headers, body=body)
    return service.respond(ask)


def _sent(env: Environment, found: Answer) -> Response:
    headers = {"OData-Version": "4.0", "Date": http_date(env.now()), **found.headers}
    headers["REQ_ID"] = headers["x-ms-service-request-id"] = str(uuid.uuid4())
    if env.generation == "365":
        headers["x-ms-dop-hint"] = str(env.dop_hint)
    return Response(found.body, status_code=found.status, headers=headers)
