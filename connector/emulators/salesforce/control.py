"""Control for tests and demos under /_emulator: what an admin, a user or the passing of time would do to an org.

Every deed is `POST /_emulator/{deed}` with a JSON body, and is told in the README beside this file. This module holds
what is done to rows; `control_setup` what is done to the org.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.emulators.salesforce import control_setup, recycle, writes
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import long_id
from connector.emulators.salesforce.org import Org

Deed = Callable[[Org, dict[str, Any]], Any]


def routes() -> list[Route]:
    """`POST /_emulator/{deed}`, and what can be read."""
    posts = [Route(f"/_emulator/{name}", _post(deed), methods=["POST"]) for name, deed in _DEEDS.items()]
    return [
        *posts,
        Route("/_emulator/rows/{object}", _rows),
        Route("/_emulator/writes", _writes, methods=["GET", "DELETE"]),
        Route("/_emulator/people", _people),
        Route("/_emulator/state", _state),
        Route("/_emulator/cursors", _cursors, methods=["DELETE"]),
    ]


def _post(deed: Deed) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            answer = deed(request.app.state.org, await request.json() if raw else {})
        except VendorError as error:
            return JSONResponse(error.body(), status_code=error.status)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            return JSONResponse([{"errorCode": "CONTROL", "message": repr(error)}], status_code=400)
        return JSONResponse(answer if answer is not None else {})

    return endpoint


# -- what can be read ----------------------------------------------------------------------------------------------
async def _rows(request: Request) -> Response:
    """Every row, deleted ones too; any query parameter is a filter by equal text. `limit` bounds how many."""
    org: Org = request.app.state.org
    wanted = dict(request.query_params)
    most = int(wanted.pop("limit", 10_000))
    table = org.tables.get(request.path_params["object"])
    if table is None:
        return JSONResponse([{"errorCode": "CONTROL", "message": "no such object"}], status_code=404)
    unknown = [name for name in wanted if name not in table.columns]
    if unknown:
        return JSONResponse([{"errorCode": "CONTROL", "message": f"no such field: {unknown[0]}"}], status_code=400)
    id_ = long_id(wanted.pop("Id", ""))
    source = list(table.cells.values()) if not id_ else [table.cells[id_]] if id_ in table.cells else []
    tests = [(table.columns[name], value) for name, value in wanted.items()]
    found = [c for c in source if all(str(c[at]) == value for at, value in tests)]
    return JSONResponse([table.values(cells) for cells in found[:most]])


async def _writes(request: Request) -> Response:
    org: Org = request.app.state.org
    if request.method == "DELETE":
        org.writes.clear()
    return JSONResponse(list(org.writes))


async def _people(request: Request) -> Response:
    org: Org = request.app.state.org
    names = ("integration", "admin", "operator", "plain_user")
    return JSONResponse({name: getattr(org, name) for name in names} | {"organization": org.id})


async def _state(request: Request) -> Response:
    return JSONResponse(control_setup.state(request.app.state.org))


async def _cursors(request: Request) -> Response:
    """Every query locator is forgotten, as after two days."""
    request.app.state.locators.clear()
    return JSONResponse({})


# -- what users and time do to rows --------------------------------------------------------------------------------
def _seed(org: Org, body: dict[str, Any]) -> Any:
    """Rows as an old import left them: no check, no history, no line in the write log."""
    before = set(org.tables[body["object"]].cells)
    org.load(body["object"], body["rows"])
    return {"ids": [i for i in org.tables[body["object"]].cells if i not in before]}


def _at(org: Org, body: dict[str, Any], deed: Callable[[], Any]) -> Any:
    """Does something `ago` seconds ago: stamped then, seen only now, as by a long transaction."""
    ago = timedelta(seconds=float(body.get("ago", 0)))
    org.offset -= ago
    try:
        return deed()
    finally:
        org.offset += ago


def _user(org: Org, body: dict[str, Any]) -> str:
    return str(body.get("user") or org.admin)


def _create(org: Org, body: dict[str, Any]) -> Any:
    user = _user(org, body)
    made = _at(org, body, lambda: writes.create(org, body["object"], body["values"], user, allow_duplicate=True))
    return {"id": made}


def _update(org: Org, body: dict[str, Any]) -> None:
    _at(org, body, lambda: writes.update(org, body["object"], body["id"], body["values"], _user(org, body)))


def _delete(org: Org, body: dict[str, Any]) -> None:
    _at(org, body, lambda: writes.delete(org, body["object"], body["id"], _user(org, body)))


def _merge(org: Org, body: dict[str, Any]) -> None:
    recycle.merge(org, body["object"], body["winner"], body["losers"], _user(org, body), body.get("values"))


def _convert(org: Org, body: dict[str, Any]) -> Any:
    contact = recycle.convert(org, body["id"], _user(org, body), body.get("values"), body.get("contact", ""))
    return {"id": contact}


def _undelete(org: Org, body: dict[str, Any]) -> None:
    recycle.undelete(org, body["object"], body["id"], _user(org, body))


def _lock(org: Org, body: dict[str, Any]) -> None:
    """The next `times` writes to a row find it locked; 0 gives it free."""
    org.locked[long_id(body["id"])] = body.get("times", 1)


def _refuse(org: Org, body: dict[str, Any]) -> None:
    """Every write to a row is refused with these words; without a code no longer."""
    if body.get("code"):
        org.refused[long_id(body["id"])] = (body["code"], body["message"])
    else:
        org.refused.pop(long_id(body["id"]), None)


_DEEDS: dict[str, Deed] = {
    "seed": _seed,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "merge": _merge,
    "convert": _convert,
    "undelete": _undelete,
    "purge": lambda org, body: recycle.purge(org, body["object"]),
    "lock": _lock,
    "refuse": _refuse,
    **control_setup.DEEDS,
}
