"""The Organization Data Service: reading, creating, merging, replacing and deleting rows by OData v2.

CRM SDK, "Use the OData endpoint with Ajax and JScript web resources"; pages have 50 rows, and there is no $batch.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_plus

from connector.emulators.dynamics import writing
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.errors import VendorError, bad, no_row
from connector.emulators.dynamics.schema import Column
from connector.emulators.dynamics.security import demand
from connector.emulators.dynamics.store import Cells, Table
from connector.emulators.organization.filters import Filter
from connector.emulators.organization.rows import shown, values

PAGE = 50
_KNOWN = frozenset({"$select", "$filter", "$orderby", "$top", "$skip", "$skiptoken"})
_PATH = re.compile(r"(\w+)Set(?:\(guid'\{?([0-9A-Fa-f-]{36})\}?'\))?")


def respond(ask: Ask) -> Answer:
    """One request's answer. Raises: `VendorError`."""
    table, id_ = _place(ask)
    verb = ask.headers.get("x-http-method", ask.method).upper() if ask.method == "POST" else ask.method
    if verb == "GET":
        demand(ask.env, ask.user, "Read", table.definition)
        return _one(ask, table, id_) if id_ else _page(ask, table)
    if verb == "POST" and not id_:
        return _create(ask, table)
    if id_ and verb in ("MERGE", "PUT"):
        return _write(ask, table, id_, blank=verb == "PUT")
    if id_ and verb == "DELETE":
        with ask.env.transaction():
            writing.drop(ask.env, table, id_, ask.user)
        return Answer()
    raise VendorError(405, "", f"The method {verb} is not allowed here.")


def _place(ask: Ask) -> tuple[Table, str]:
    found = _PATH.fullmatch(ask.path)
    tables = {t.definition.schema: t for t in ask.env.tables.values()}
    if found is None or found[1] not in tables:
        raise VendorError(404, "", f"Resource not found for the segment '{ask.path}'.")
    return tables[found[1]], (found[2] or "").lower()


def _options(ask: Ask) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in ask.query.split("&") if ask.query else ():
        name, _, text = part.partition("=")
        if unquote_plus(name) not in _KNOWN or unquote_plus(name) in found:
            raise bad(f"The query parameter {name} is not supported.", "")
        found[unquote_plus(name)] = unquote_plus(text)
    return found


def _chosen(table: Table, text: str) -> list[Column]:
    columns = {c.schema: c for c in table.definition.columns.values()}
    names = [name.strip() for name in text.split(",")] if text else list(columns)
    for name in names:
        if name not in columns:
            raise bad(f"No property '{name}' exists in type '{table.definition.schema}'.", "")
    return [columns[name] for name in names]


def _one(ask: Ask, table: Table, id_: str) -> Answer:
    options = _options(ask)
    if id_ not in table.cells:
        raise no_row(table.definition.label, id_)
    row = shown(ask.env, table, table.cells[id_], _chosen(table, options.get("$select", "")), ask.root, ask.user)
    return _json(200, row)


def _page(ask: Ask, table: Table) -> Answer:
    options = _options(ask)
    columns = _chosen(table, options.get("$select", ""))
    test = Filter(table, options["$filter"]) if "$filter" in options else None
    size = min(PAGE, ask.env.page)
    top = min(_number(options, "$top", size), size)
    after, skipped = _token(options)
    rows, found = _ordered(table, options.get("$orderby", ""), test, after), list[Cells]()
    for cells in rows:
        if test is None or test.test(cells):
            skipped -= 1
            if skipped < 0:
                found.append(cells)
        if len(found) > top:
            break
    page = [shown(ask.env, table, cells, columns, ask.root, ask.user) for cells in found[:top]]
    body: dict[str, Any] = {"results": page}
    if len(found) > top and "$top" not in options:
        body["__next"] = _next(ask, table, options, found[top - 1])
    return _json(200, body)


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdigit():
        raise bad(f"{name} takes a number.", "")
    return int(text)


def _token(options: dict[str, str]) -> tuple[str, int]:
    """After which id, or how many rows, a page begins."""
    text = options.get("$skiptoken", "")
    if not text:
        return "", _number(options, "$skip", 0)
    by_key = re.fullmatch(r"1,'\w+','\{([0-9a-f-]{36})\}','\{[0-9a-f-]{36}\}'", text)
    by_number = re.fullmatch(r"2,'(\d+)'", text)
    if by_key:
        return by_key[1], 0
    if by_number:
        return "", int(by_number[1])
    raise bad("The skip token is none of this service's.", "")


def _ordered(table: Table, order: str, test: Filter | None, after: str) -> Iterator[Cells]:
    ids = table.order if test is None or test.ids is None else test.ids
    if _by_key(table, order):
        return (table.cells[id_] for id_ in ids[bisect_right(ids, after) :])
    found = [table.cells[id_] for id_ in ids]
    for part in reversed(order.split(",")):
        name, _, way = part.strip().partition(" ")
        (column,) = _chosen(table, name)
        at = table.columns[column.wire]
        if way not in ("", "asc", "desc"):
            raise bad(f"'{way}' is no order.", "")
        found.sort(key=lambda cells, at=at: (cells[at] is not None, cells[at]), reverse=way == "desc")  # type: ignore[misc]  # a default argument
    return iter(found)


def _by_key(table: Table, order: str) -> bool:
    return order.strip().removesuffix(" asc").lower() in ("", table.definition.key)


def _next(ask: Ask, table: Table, options: dict[str, str], last: Cells) -> str:
    kept = {name: text for name, text in options.items() if name not in ("$skiptoken", "$skip")}
    if _by_key(table, options.get("$orderby", "")):
        kept["$skiptoken"] = f"1,'{table.definition.key}','{{{last[0]}}}','{{{last[0]}}}'"
    else:
        kept["$skiptoken"] = f"2,'{_token(options)[1] + min(PAGE, ask.env.page)}'"
    return f"{ask.url}?" + "&".join(f"{name}={quote(text)}" for name, text in kept.items())


def _create(ask: Ask, table: Table) -> Answer:
    with ask.env.transaction():
        cells = writing.insert(ask, table, values(table, ask.env, ask.json()))
    columns = table.definition.columns.values()
    found = _json(201, shown(ask.env, table, cells, columns, ask.root, ask.user))
    found.headers["Location"] = f"{ask.root}/{table.definition.schema}Set(guid'{cells[0]}')"
    return found


def _write(ask: Ask, table: Table, id_: str, *, blank: bool) -> Answer:
    body = values(table, ask.env, ask.json())
    if blank:
        left = (c.name for c in table.definition.columns.values() if c.updatable and c.wire == c.name)
        body = {name: None for name in left if name != table.definition.key} | body
    with ask.env.transaction():
        writing.change(ask, table, id_, body)
    return Answer()


def _json(status: int, found: Any) -> Answer:
    body = json.dumps({"d": found}, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json;charset=utf-8", "DataServiceVersion": "1.0;"})
