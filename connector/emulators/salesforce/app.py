"""The org's HTTP face: REST resources under /services/data, sign-in, and control under /_emulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from connector.emulators.salesforce import (
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    control,
    cursors,
    describes,
    login,
    replication,
    single,
    soap,
)
from connector.emulators.salesforce.access import may
from connector.emulators.salesforce.describes import FIRST, LAST
from connector.emulators.salesforce.errors import VendorError, not_found
from connector.emulators.salesforce.org import Org

Handler = Callable[[Request, Org, str], Awaitable[Response]]

DATA = "/services/data/v{version}"
LONGEST_URL = 16_384

HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "", describes.resources),
    ("GET", "/query", cursors.query),
    ("GET", "/queryAll", cursors.query_all),
    ("GET", "/query/{locator}", cursors.more),
    ("GET", "/queryAll/{locator}", cursors.more),
    ("GET", "/sobjects", describes.global_describe),
    ("GET", "/sobjects/{object}", describes.basic),
    ("POST", "/sobjects/{object}", single.create),
    ("GET", "/sobjects/{object}/describe", describes.describe),
    ("GET", "/sobjects/{object}/updated", replication.updated),
    ("GET", "/sobjects/{object}/deleted", replication.deleted),
    ("GET", "/sobjects/{object}/{id}", single.read),
    ("PATCH", "/sobjects/{object}/{id}", single.update),
    ("DELETE", "/sobjects/{object}/{id}", single.delete),
    ("GET", "/sobjects/{object}/{field}/{value}", single.read_by_key),
    ("PATCH", "/sobjects/{object}/{field}/{value}", single.upsert),
    ("GET", "/limits", describes.limits),
    ("POST", "/composite", composite.composite),
    ("PATCH", "/composite/sobjects", collections.update),
    ("POST", "/composite/sobjects", collections.create),
    ("DELETE", "/composite/sobjects", collections.delete),
    ("POST", "/composite/sobjects/{object}", collections.read),
    ("GET", "/composite/sobjects/{object}", collections.read),
    ("PATCH", "/composite/sobjects/{object}/{field}", collections.upsert),
    ("GET", "/tooling/query", describes.tooling_query),
    ("POST", "/jobs/query", bulk_query.create),
    ("GET", "/jobs/query", bulk_query.every),
    ("GET", "/jobs/query/{job}", bulk_query.state),
    ("PATCH", "/jobs/query/{job}", bulk_query.abort),
    ("DELETE", "/jobs/query/{job}", bulk_query.delete),
    ("GET", "/jobs/query/{job}/results", bulk_query.results),
    ("POST", "/jobs/ingest", bulk_ingest.create),
    ("GET", "/jobs/ingest", bulk_ingest.every),
    ("PUT", "/jobs/ingest/{job}/batches", bulk_ingest.upload),
    ("PATCH", "/jobs/ingest/{job}", bulk_ingest.patch),
    ("GET", "/jobs/ingest/{job}", bulk_ingest.state),
    ("DELETE", "/jobs/ingest/{job}", bulk_ingest.delete),
    ("GET", "/jobs/ingest/{job}/{results}", bulk_ingest.results),
)
"""Every resource below `DATA`."""


def create_app(org: Org) -> Starlette:
    """The ASGI application of one org."""
    routes = [
        Route("/services/oauth2/token", login.token, methods=["POST"]),
        Route("/services/oauth2/revoke", login.revoke, methods=["POST"]),
        Route("/services/oauth2/userinfo", login.userinfo),
        Route("/services/Soap/u/{version}", soap.login, methods=["POST"]),
        Route("/services/data", describes.versions),
        Route("/services/data/", describes.versions),
        *control.routes(),
    ]
    for method, path, handler in HANDLERS:
        for ending in ("", "/"):
            routes.append(Route(DATA + path + ending, _guarded(handler), methods=[method]))
    app = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _not_allowed})
    app.state.org = org
    app.state.locators, app.state.jobs = {}, {}
    return app


async def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse(not_found().body(), status_code=404)


async def _not_allowed(request: Request, error: Exception) -> Response:
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    words = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
    return JSONResponse(VendorError("METHOD_NOT_ALLOWED", words).body(), status_code=405, headers={"Allow": allowed})


def _guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Version, session, edition and limit are looked at before any resource is."""

    async def guarded(request: Request) -> Response:
        org: Org = request.app.state.org
        try:
            user = _admitted(request, org)
            response = await handler(request, org, user)
        except VendorError as error:
            response = JSONResponse(error.body(), status_code=error.status)
        response.headers["Sforce-Limit-Info"] = f"api-usage={org.used}/{org.limit}"
        response.headers["Date"] = login.http_date(org)
        return response

    return guarded


def _admitted(request: Request, org: Org) -> str:
    if len(request.url.path) + len(request.url.query) > LONGEST_URL:
        raise VendorError("URI_TOO_LONG", "The request URI is too long")
    _alive(request.path_params["version"])
    user = login.user_of(request)
    if user is None:
        raise VendorError("INVALID_SESSION_ID", "Session expired or invalid")
    if not org.api_enabled:
        raise VendorError("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
    if not may(org, user, "ApiEnabled"):
        raise VendorError("API_CURRENTLY_DISABLED", "API is currently disabled for this user")
    if org.used >= org.limit:
        raise VendorError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    org.used += 1
    return user


def _alive(version: str) -> None:
    """Raises: `VendorError`: 410 for a retired version, 404 for one that never was."""
    number = int(version[:-2]) if version.endswith(".0") and version[:-2].isdigit() else 0
    if 20 < number < FIRST:
        raise VendorError("UNSUPPORTED_API_VERSION", "The requested resource no longer exists")
    if not FIRST <= number <= LAST:
        raise not_found()


async def inside(app: Starlette, scope: dict[str, Any], receive: Any) -> Response:
    """One subrequest of a composite call, by the resources' own handlers."""
    org: Org = app.state.org
    for method, path, handler in HANDLERS:
        route = Route(DATA + path, _guarded(handler), methods=[method])
        match, child = route.matches(scope)
        if match is Match.FULL:
            request = Request({**scope, **child, "app": app}, receive)
            try:
                _alive(request.path_params["version"])
                return await handler(request, org, str(login.user_of(request)))
            except VendorError as error:
                return JSONResponse(error.body(), status_code=error.status)
    return JSONResponse(not_found().body(), status_code=404)
