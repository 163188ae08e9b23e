"""Change tracking: a first reading of everything, then what changed and what went ("Use change tracking")."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from connector.emulators.dynamics import cookies, reading, render
from connector.emulators.dynamics.asks import JSON_TYPE, Answer, Ask
from connector.emulators.dynamics.errors import VendorError, bad, invalid
from connector.emulators.dynamics.filters import Search
from connector.emulators.dynamics.store import VERSION, Cells, Table

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

PREFERENCE = "odata.track-changes"
_REFUSED = ("$filter", "$orderby", "$expand", "$top")
_TOKEN = re.compile(r"(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)")


def wanted(ask: Ask, options: Mapping[str, str]) -> bool:
    """Whether a query is one of change tracking, by its header, its delta token, or the page it goes on from."""
    tracked = "$skiptoken" in options and 'istracking="True"' in options["$skiptoken"]
    return tracked or "$deltatoken" in options or PREFERENCE in ask.preferences()


def read(ask: Ask, table: Table, options: dict[str, str], depth: str) -> Answer:
    """A page of everything, or of what changed; the last page has the delta link.

    Raises: `VendorError` where tracking is off, for options that it refuses, for a token that has expired, and for
    a user without read rights in the whole organization.
    """
    definition = table.definition
    if not definition.tracking:
        raise VendorError(400, "0x80072491", f"ChangeTracking is not enabled for entity {definition.name}.")
    for name in _REFUSED:
        if name in options:
            raise bad(f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.')
    if depth != "Global":
        words = f"Principal user (Id={ask.user}, type=8) is missing prvRead{definition.privilege} privilege"
        raise VendorError(403, "0x80040220", f"{words} of organization depth.")
    state: dict[str, Any] = {"page": 1, "until": ask.env.version, "after": ""}
    if "$deltatoken" in options:
        _selected_as_before(ask, table, options)
        state |= {"since": _since(ask, table, options), "after": [0, 0]}
    if "$skiptoken" in options:
        state |= cookies.state_of(ask, options)
    return _changes(ask, table, options, state) if "since" in state else _everything(ask, table, options, state)


def _everything(ask: Ask, table: Table, options: dict[str, str], state: dict[str, Any]) -> Answer:
    size, start = reading.page_size(ask), bisect_right(table.order, state["after"])
    ids = table.order[start : start + size]
    more = start + size < len(table.order)
    state = {**state, "after": ids[-1] if more else ""}
    return _page(
        ask, table, options, list(map(table.cells.__getitem__, ids)), [], state if more else None, state["until"]
    )


def _changes(ask: Ask, table: Table, options: dict[str, str], state: dict[str, Any]) -> Answer:
    """Changed rows in the order of their versions, then deleted ones."""
    since, until, (done, dropped) = state["since"], state["until"], state["after"]
    table.compact()
    size = reading.page_size(ask)
    rows = ((cells[VERSION], cells, "") for cells in table.changes(max(since, done), until))
    gone = ((version, (), id_) for version, id_ in table.deletions(max(since, dropped), until))
    found: list[tuple[int, Cells, str]] = list(islice(chain(rows, gone), size + 1))
    more, found = len(found) > size, found[:size]
    live = [cells for _, cells, _ in found if cells]
    dead = [(version, id_) for version, _, id_ in found if id_]
    after = [live[-1][VERSION] if live else done, dead[-1][0] if dead else dropped]
    return _page(ask, table, options, live, [i for _, i in dead], {**state, "after": after} if more else None, until)


def _page(
    ask: Ask,
    table: Table,
    options: dict[str, str],
    rows: list[Cells],
    dead: list[str],
    state: dict[str, Any] | None,
    until: int,
) -> Answer:
    definition = table.definition
    chosen, search = reading.chosen_columns(table, options), Search(ask.env, table, ask.user, options)
    made = [render.rows(table, chosen, search.hidden, rows)] if rows else []
    context = f"{ask.root}/$metadata#{definition.set}"
    gone = {"@odata.context": f"{context}/$deletedEntity"}
    made += [json.dumps({**gone, "id": id_, "reason": "deleted"}, separators=(",", ":")) for id_ in dead]
    head = f'{{"@odata.context":{json.dumps(context + "/$delta")},'
    if state is not None:
        page = state.pop("page")
        state.pop("tracking", None)
        link = cookies.link(ask, options, page=page, tracking=True, **state)
        head += f'"@odata.nextLink":{json.dumps(link)},'
    elif not (ask.env.generation == "2016" and reading.ANNOTATIONS in ask.preferences()):  # issue 439 of the documents
        head += f'"@odata.deltaLink":{json.dumps(_link(ask, table, options, until))},'
    applied = [PREFERENCE] if PREFERENCE in ask.preferences() else []
    if "odata.maxpagesize" in ask.preferences():
        applied.append(f"odata.maxpagesize={ask.preferences()['odata.maxpagesize']}")
    headers = {"Content-Type": JSON_TYPE} | ({"Preference-Applied": ",".join(applied)} if applied else {})
    return Answer(200, (head + '"value":[' + ",".join(made) + "]}").encode(), headers)


# -- delta tokens ----------------------------------------------------------------------------------------------------
def _link(ask: Ask, table: Table, options: Mapping[str, str], until: int) -> str:
    token = f"{until}!{ask.env.now():%m/%d/%Y %H:%M:%S}"
    ask.env.delta_tokens.setdefault((table.definition.name, token), set()).add(options.get("$select", ""))
    rest = [part for part in ask.query.split("&") if unquote(part.partition("=")[0]) == "$select"]
    return f"{ask.url}?" + "&".join([*rest, f"$deltatoken={quote(token, safe='')}"])


def _since(ask: Ask, table: Table, options: Mapping[str, str]) -> int:
    """The version of a delta token. Raises: `VendorError` for one of another table or selection, and for an old one."""
    token = options["$deltatoken"]
    found = _TOKEN.fullmatch(token)
    if found is None or (table.definition.name, token) not in ask.env.delta_tokens:
        raise invalid("The delta token is not valid.")
    version, made = int(found[1]), datetime.strptime(found[2], "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
    if version < ask.env.expired_before or ask.env.now() - made > timedelta(days=days(ask.env)):
        words = "Version stamp associated with the client has expired. Please perform a full sync."
        raise VendorError(400, "0x80044352", words)
    return version


def _selected_as_before(ask: Ask, table: Table, options: Mapping[str, str]) -> None:
    given = ask.env.delta_tokens.get((table.definition.name, options["$deltatoken"]), {options.get("$select", "")})
    if options.get("$select", "") not in given:
        raise invalid("The columns selected are not those that the delta token was made for.")


def days(env: Environment) -> int:
    """After how many days a delta token expires."""
    table = env.tables["organization"]
    return int(table.cells[env.id][table.columns["expirechangetrackingindays"]])


def count(ask: Ask, table: Table, options: Mapping[str, str]) -> int:
    """`contacts/$count?$deltatoken=…`: how many rows changed or went."""
    since, until = _since(ask, table, options), ask.env.version
    return sum(1 for _ in chain(table.changes(since, until), table.deletions(since, until)))
