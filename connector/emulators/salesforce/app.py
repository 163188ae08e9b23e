"""The org's HTTP face: REST resources under /services/data, sign-in, and control under /_emulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from connector.emulators.salesforce import bulk_ingest, bulk_query, collections, composite, control, login, resources
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org

FIRST, LAST = 31, 67
"""API versions that live; 21.0 to 30.0 are retired and answer 410."""

Handler = Callable[[Request, Org, str], Awaitable[Response]]

DATA = "/services/data/v{version}"

HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/query", resources.query),
    ("GET", "/queryAll", resources.query_all),
    ("GET", "/query/{locator}", resources.more),
    ("GET", "/queryAll/{locator}", resources.more),
    ("GET", "/sobjects", resources.global_describe),
    ("GET", "/sobjects/{object}/describe", resources.describe),
    ("GET", "/sobjects/{object}/updated", resources.updated),
    ("GET", "/sobjects/{object}/deleted", resources.deleted),
    ("POST", "/sobjects/{object}", resources.create),
    ("GET", "/sobjects/{object}/{id}", resources.read),
    ("PATCH", "/sobjects/{object}/{id}", resources.update),
    ("DELETE", "/sobjects/{object}/{id}", resources.delete),
    ("PATCH", "/sobjects/{object}/{field}/{value}", resources.upsert),
    ("GET", "/limits", resources.limits),
    ("POST", "/composite", composite.composite),
    ("PATCH", "/composite/sobjects", collections.update),
    ("POST", "/composite/sobjects", collections.create),
    ("DELETE", "/composite/sobjects", collections.delete),
    ("POST", "/composite/sobjects/{object}", collections.read),
    ("GET", "/tooling/query", resources.tooling_query),
    ("POST", "/jobs/query", bulk_query.create),
    ("GET", "/jobs/query/{job}", bulk_query.state),
    ("PATCH", "/jobs/query/{job}", bulk_query.abort),
    ("DELETE", "/jobs/query/{job}", bulk_query.delete),
    ("GET", "/jobs/query/{job}/results", bulk_query.results),
    ("POST", "/jobs/ingest", bulk_ingest.create),
    ("PUT", "/jobs/ingest/{job}/batches", bulk_ingest.upload),
    ("PATCH", "/jobs/ingest/{job}", bulk_ingest.patch),
    ("GET", "/jobs/ingest/{job}", bulk_ingest.state),
    ("GET", "/jobs/ingest/{job}/{results}", bulk_ingest.results),
)
"""Every resource below `DATA`."""


def create_app(org: Org) -> Starlette:
    """The ASGI application of one org."""
    routes = [
        Route("/services/oauth2/token", login.token, methods=["POST"]),
        Route("/services/oauth2/userinfo", login.userinfo),
        Route("/services/Soap/u/{version}", login.soap, methods=["POST"]),
        Route("/services/data", _versions),
        Route("/services/data/", _versions),
        *control.routes(),
    ]
    for method, path, handler in HANDLERS:
        for ending in ("", "/"):
            routes.append(Route(DATA + path + ending, _guarded(handler), methods=[method]))
    app = Starlette(routes=routes)
    app.state.org = org
    app.state.locators, app.state.jobs = {}, {}
    return app


async def _versions(request: Request) -> Response:
    rows = [
        {"label": f"Release {v}", "url": f"/services/data/v{v}.0", "version": f"{v}.0"} for v in range(FIRST, LAST + 1)
    ]
    return JSONResponse(rows)


def _guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Version, session, edition and limit are looked at before any resource is."""

    async def guarded(request: Request) -> Response:
        org: Org = request.app.state.org
        try:
            user = _admitted(request, org)
            response = await handler(request, org, user)
        except VendorError as error:
            response = JSONResponse(error.body(), status_code=error.status)
        except json.JSONDecodeError as error:
            refused = VendorError("JSON_PARSER_ERROR", f"Unexpected character at {error.pos}")
            response = JSONResponse(refused.body(), status_code=400)
        response.headers["Sforce-Limit-Info"] = f"api-usage={org.used}/{org.limit}"
        response.headers["Date"] = login.http_date(org)
        return response

    return guarded


def _admitted(request: Request, org: Org) -> str:
    version = request.path_params["version"]
    if not _alive(version):
        retired = version.endswith(".0") and version[:-2].isdigit() and 20 < int(version[:-2]) < FIRST
        code = "UNSUPPORTED_API_VERSION" if retired else "NOT_FOUND"
        raise VendorError(code, "The requested resource no longer exists" if retired else "Not found")
    user = login.user_of(request)
    if user is None:
        raise VendorError("INVALID_SESSION_ID", "Session expired or invalid")
    if not org.api_enabled:
        raise VendorError("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
    if org.used >= org.limit:
        raise VendorError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    org.used += 1
    return user


def _alive(version: str) -> bool:
    return version.endswith(".0") and version[:-2].isdigit() and FIRST <= int(version[:-2]) <= LAST


async def inside(app: Starlette, scope: dict[str, Any], receive: Any) -> Response:
    """One subrequest of a composite call, by the resources' own handlers."""
    org: Org = app.state.org
    for method, path, handler in HANDLERS:
        route = Route(DATA + path, _guarded(handler), methods=[method])
        match, child = route.matches(scope)
        if match is Match.FULL:
            request = Request({**scope, **child, "app": app}, receive)
            try:
                return await handler(request, org, str(login.user_of(request)))
            except VendorError as error:
                return JSONResponse(error.body(), status_code=error.status)
    return JSONResponse(VendorError("NOT_FOUND", "The requested resource does not exist").body(), status_code=404)
