"""Control for tests and demos under /_emulator: what an admin, a user or the passing of time would do.

Every deed is `POST /_emulator/{deed}` with a JSON body, and is told in the README beside this file. This module holds
what is done to rows; `control_setup` what is done to the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.emulators.dynamics import control_setup, writing
from connector.emulators.dynamics.asks import Ask
from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.errors import VendorError

Deed = Callable[[Environment, dict[str, Any]], Any]


def routes() -> list[Route]:
    """`POST /_emulator/{deed}`, and what can be read."""
    posts = [Route(f"/_emulator/{name}", _post(deed), methods=["POST"]) for name, deed in _DEEDS.items()]
    return [
        *posts,
        Route("/_emulator/rows/{table}", _rows),
        Route("/_emulator/writes", _writes, methods=["GET", "DELETE"]),
        Route("/_emulator/people", _people),
        Route("/_emulator/state", _state),
    ]


def _post(deed: Deed) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        env: Environment = request.app.state.environment
        raw = await request.body()
        try:
            found = deed(env, await request.json() if raw else {})
        except VendorError as error:
            return JSONResponse(error.body(generation=env.generation), status_code=error.status)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            return JSONResponse({"error": {"code": "CONTROL", "message": repr(error)}}, status_code=400)
        return JSONResponse(found if found is not None else {})

    return endpoint


# -- what can be read ----------------------------------------------------------------------------------------------
async def _rows(request: Request) -> Response:
    """Every row by wire names; any query parameter is a filter by equal text. `limit` bounds how many."""
    env: Environment = request.app.state.environment
    wanted = dict(request.query_params)
    most = int(wanted.pop("limit", 10_000))
    table = env.tables.get(request.path_params["table"])
    if table is None or set(wanted) - set(table.columns):
        words = "no such table" if table is None else f"no such column: {set(wanted) - set(table.columns)}"
        return JSONResponse({"error": {"code": "CONTROL", "message": words}}, status_code=404)
    tests = [(table.columns[name], value) for name, value in wanted.items()]
    found = [c for c in table.cells.values() if all(str(c[at]) == value for at, value in tests)]
    return JSONResponse([table.values(cells) for cells in found[:most]])


async def _writes(request: Request) -> Response:
    env: Environment = request.app.state.environment
    if request.method == "DELETE":
        env.writes.clear()
    return JSONResponse(list(env.writes))


async def _people(request: Request) -> Response:
    env: Environment = request.app.state.environment
    names = ("service", "admin", "operator", "outsider")
    return JSONResponse({name: getattr(env, name) for name in names} | {"organization": env.id})


async def _state(request: Request) -> Response:
    return JSONResponse(control_setup.state(request.app.state.environment))


# -- what users and time do to rows --------------------------------------------------------------------------------
def _seed(env: Environment, body: dict[str, Any]) -> Any:
    """Rows as an old import left them: no check, no line in the write log."""
    before = set(env.tables[body["table"]].cells)
    env.load(body["table"], body["rows"])
    return {"ids": [i for i in env.tables[body["table"]].cells if i not in before]}


def _as(env: Environment, body: dict[str, Any], deed: Callable[[Ask], Any]) -> Any:
    """Does something as a user, `ago` seconds ago: stamped then, its version that of now."""
    ago = timedelta(seconds=float(body.get("ago", 0)))
    env.offset -= ago
    try:
        with env.transaction():
            return deed(Ask(env=env, user=str(body.get("user") or env.admin), method="POST", root="", path=""))
    finally:
        env.offset += ago


def _create(env: Environment, body: dict[str, Any]) -> Any:
    table = env.tables[body["table"]]
    return {"id": _as(env, body, lambda ask: writing.insert(ask, table, body["values"])[0])}


def _update(env: Environment, body: dict[str, Any]) -> None:
    table = env.tables[body["table"]]
    _as(env, body, lambda ask: writing.change(ask, table, body["id"], body["values"]))


def _delete(env: Environment, body: dict[str, Any]) -> None:
    table = env.tables[body["table"]]
    _as(env, body, lambda ask: writing.drop(env, table, body["id"], ask.user))


def _merge(env: Environment, body: dict[str, Any]) -> None:
    """The losers are deactivated and name the winner, which takes the values that are given."""
    table = env.tables[body["table"]]

    def merged(ask: Ask) -> None:
        writing.change(ask, table, body["winner"], body.get("values", {}))
        for loser in body["losers"]:
            values = {"statecode": 1, "merged": True, "_masterid_value": body["winner"]}
            writing.alter(env, table, loser, values, ask.user)

    _as(env, body, merged)


_COPIED = ("firstname", "lastname", "emailaddress1", "emailaddress2", "emailaddress3", "donotbulkemail", "donotemail")


def _qualify(env: Environment, body: dict[str, Any]) -> Any:
    """A lead becomes a contact, and is closed."""
    leads, contacts = env.tables["lead"], env.tables["contact"]

    def qualified(ask: Ask) -> str:
        row = leads.values(leads.cells[body["id"]])
        made = writing.add(env, contacts, {name: row[name] for name in _COPIED}, ask.user)
        writing.alter(env, leads, body["id"], {"statecode": 1}, ask.user)
        return str(made[0])

    return {"id": _as(env, body, qualified)}


def _refuse(env: Environment, body: dict[str, Any]) -> None:
    """A customer's plug-in refuses every write to a row; with `"off": true` no longer."""
    if body.get("off"):
        env.refused.pop(body["id"], None)
        return
    words = body.get("message", "The record is kept by a plug-in.")
    env.refused[body["id"]] = (body.get("status", 400), body.get("code", "0x80040265"), words)


_DEEDS: dict[str, Deed] = {
    "seed": _seed,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "merge": _merge,
    "qualify": _qualify,
    "refuse": _refuse,
    **control_setup.DEEDS,
}
