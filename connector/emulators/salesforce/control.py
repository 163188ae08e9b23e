"""Control for tests and demos under /_emulator: what an admin, a user or the passing of time would do to an org."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org

Deed = Callable[[Org, dict[str, Any]], Any]


def routes() -> list[Route]:
    """`POST /_emulator/{deed}` with a JSON body; `GET /_emulator/rows/{object}`; `GET|DELETE /_emulator/writes`."""
    posts = [Route(f"/_emulator/{name}", _post(deed), methods=["POST"]) for name, deed in _DEEDS.items()]
    return [
        *posts,
        Route("/_emulator/rows/{object}", _rows),
        Route("/_emulator/writes", _writes, methods=["GET", "DELETE"]),
        Route("/_emulator/people", _people),
    ]


def _post(deed: Deed) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            answer = deed(request.app.state.org, await request.json() if raw else {})
        except VendorError as error:
            return JSONResponse(error.body(), status_code=error.status)
        return JSONResponse(answer if answer is not None else {})

    return endpoint


async def _rows(request: Request) -> Response:
    """Every row, deleted ones too; any query parameter is a filter by equal text."""
    org: Org = request.app.state.org
    wanted = dict(request.query_params)
    rows = org.rows(request.path_params["object"]).values()
    return JSONResponse([r for r in rows if all(str(r.get(k)) == v for k, v in wanted.items())])


async def _writes(request: Request) -> Response:
    org: Org = request.app.state.org
    if request.method == "DELETE":
        org.writes.clear()
    return JSONResponse(list(org.writes))


async def _people(request: Request) -> Response:
    org: Org = request.app.state.org
    names = ("integration", "admin", "operator", "plain_user")
    return JSONResponse({name: getattr(org, name) for name in names} | {"organization": org.id})


def _create(org: Org, body: dict[str, Any]) -> Any:
    user = body.get("user") or org.admin
    return {"id": writes.create(org, body["object"], body["values"], user)}


def _update(org: Org, body: dict[str, Any]) -> None:
    writes.update(org, body["object"], body["id"], body["values"], body.get("user") or org.admin)


def _delete(org: Org, body: dict[str, Any]) -> None:
    writes.delete(org, body["object"], body["id"], org.admin)


def _merge(org: Org, body: dict[str, Any]) -> None:
    writes.merge(org, body["object"], body["winner"], body["losers"], org.admin)


def _fields(org: Org, body: dict[str, Any]) -> None:
    """Field-level security: `{"Contact.HasOptedOutOfEmail": "hidden" | "readonly" | "visible"}`."""
    for name, access in body.items():
        org.hidden.discard(name)
        org.readonly.discard(name)
        if access in ("hidden", "readonly"):
            getattr(org, access).add(name)


def _tracking(org: Org, body: dict[str, bool]) -> None:
    for name, on in body.items():
        (org.tracked.add if on else org.tracked.discard)(name)


def _settings(org: Org, body: dict[str, Any]) -> None:
    """clock_offset (seconds), limit, used, bulk_delay, page, bulk_page, validation, edition, api_enabled."""
    if "clock_offset" in body:
        org.offset = timedelta(seconds=body["clock_offset"])
    for name in ("limit", "used", "bulk_delay", "page", "bulk_page", "validation", "edition", "api_enabled"):
        if name in body:
            setattr(org, name, body[name])
    org.rows("Organization")[org.id]["OrganizationType"] = org.edition


def _lock(org: Org, body: dict[str, Any]) -> None:
    org.locked[body["id"]] = body.get("times", 1)


def _refuse(org: Org, body: dict[str, Any]) -> None:
    if body.get("code"):
        org.refused[body["id"]] = (body["code"], body["message"])
    else:
        org.refused.pop(body["id"], None)


_DEEDS: dict[str, Deed] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "merge": _merge,
    "convert": lambda org, body: {"id": writes.convert(org, body["id"], org.admin)},
    "undelete": lambda org, body: writes.undelete(org, body["object"], body["id"], org.admin),
    "purge": lambda org, body: writes.purge(org, body["object"]),
    "fields": _fields,
    "tracking": _tracking,
    "settings": _settings,
    "lock": _lock,
    "refuse": _refuse,
    "expire": lambda org, body: org.sessions.clear(),
    "install": lambda org, body: org.install_package(),
    "uninstall": lambda org, body: org.uninstall_package(),
    "person_accounts": lambda org, body: org.enable_person_accounts(),
}
