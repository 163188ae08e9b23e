"""Reading rows: one by its key, many by a query, page by page ("Query data using the Web API", "Retrieve a row")."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from urllib.parse import quote

from connector.emulators.dynamics import cookies, render, tracking
from connector.emulators.dynamics.asks import JSON_TYPE, Answer, Ask, answer
from connector.emulators.dynamics.errors import bad, no_property
from connector.emulators.dynamics.filters import Search, Test
from connector.emulators.dynamics.grammar import parse
from connector.emulators.dynamics.keys import Place, absent
from connector.emulators.dynamics.schema import Column
from connector.emulators.dynamics.security import demand, demand_row, owns
from connector.emulators.dynamics.store import VERSION, Cells, Table

OPTIONS = ("$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$deltatoken", "$expand")
COUNT_LIMIT = 5_000
_AT_ONCE = 5_000
ANNOTATIONS = "odata.include-annotations"


@dataclass(kw_only=True)
class Query:
    """A collection's query, understood."""

    ask: Ask
    table: Table
    options: dict[str, str]
    chosen: list[Column]
    search: Search
    test: Test | None
    size: int


def chosen_columns(table: Table, options: Mapping[str, str]) -> list[Column]:
    """The columns of `$select`, the key always among them. Raises: `VendorError` 400."""
    known = table.definition.columns
    if "$select" not in options:
        return [c for c in known.values() if c.readable]
    names = parse("select", options["$select"])
    for name in names:
        if name not in known or not known[name].readable:
            raise no_property(name, table.definition.name)
    return [known[name] for name in dict.fromkeys((table.definition.key, *names))]


def many(ask: Ask, table: Table, only: Callable[[Cells], bool] | None = None) -> Answer:
    """`GET contacts?…`. `only` narrows to rows that a navigation reaches."""
    options = ask.options(*OPTIONS)
    depth = demand(ask.env, ask.user, "Read", table.definition)
    if tracking.wanted(ask, options):
        return tracking.read(ask, table, options, depth)
    if "$expand" in options:
        raise bad("The query option '$expand' is not part of this emulator.")
    search = Search(ask.env, table, ask.user, options)
    where = parse("filter", options["$filter"]) if "$filter" in options else None
    tests = [*([search.test(where)] if where is not None else []), *([only] if only else [])]
    tests += [lambda cells: owns(ask.user, table, cells)] if depth == "Basic" else []
    test = None if not tests else tests[0] if len(tests) == 1 else lambda cells: all(t(cells) for t in tests)
    query = Query(
        ask=ask,
        table=table,
        options=options,
        chosen=chosen_columns(table, options),
        search=search,
        test=test,
        size=page_size(ask),
    )
    candidates = search.candidates(where) if where is not None else None
    ids = table.order if candidates is None else sorted(candidates)
    return _ordered(query, ids) if "$orderby" in options else _by_key(query, ids)


def page_size(ask: Ask) -> int:
    """Rows per page: what is preferred, at most the server's own."""
    wanted = ask.preferences().get("odata.maxpagesize", "")
    if wanted and not (wanted.isdigit() and int(wanted) > 0):
        raise bad("The value of the preference odata.maxpagesize is not a positive integer.")
    return min(int(wanted or ask.env.page), ask.env.page)


def _top(query: Query) -> int | None:
    """`$top`, which a preferred page size makes void."""
    text = query.options.get("$top")
    if text is None:
        return None
    if not text.isdigit():
        raise bad(f"Invalid value '{text}' for $top query option found.")
    if "odata.maxpagesize" in query.ask.preferences():
        return None
    return min(int(text), query.ask.env.page)


def _matching(query: Query, ids: list[str], start: int) -> Iterator[Cells]:
    pieces = (ids[at : at + _AT_ONCE] for at in range(start, len(ids), _AT_ONCE))
    rows = map(query.table.cells.__getitem__, chain.from_iterable(pieces))
    return rows if query.test is None else filter(query.test, rows)


def _by_key(query: Query, ids: list[str]) -> Answer:
    top, page, start = _top(query), 1, 0
    if "$skiptoken" in query.options:
        state = cookies.state_of(query.ask, query.options)
        page, start = state["page"], bisect_right(ids, state["after"])
    rows = _matching(query, ids, start)
    if top is not None:
        return _answered(query, ids, list(islice(rows, top)), "")
    found = list(islice(rows, query.size + 1))
    more = len(found) > query.size
    found = found[: query.size]
    link = cookies.link(query.ask, query.options, page=page, after=found[-1][0]) if more else ""
    return _answered(query, ids, found, link)


def _ordered(query: Query, ids: list[str]) -> Answer:
    order = [(query.search.getter(path)[1], down) for path, down in parse("orderby", query.options["$orderby"])]
    rows, top = _sorted(query, ids, order), _top(query)
    if top is not None:
        return _answered(query, ids, rows[:top], "")

    def rank(cells: Cells) -> tuple[Any, ...]:
        return (*(_place(get(cells), down) for get, down in order), cells[0])

    page, start = 1, 0
    if "$skiptoken" in query.options:
        state = cookies.state_of(query.ask, query.options)
        *values, id_ = state["after"]
        last = (*(_place(v, down) for v, (_, down) in zip(values, order, strict=True)), id_)
        page, start = state["page"], bisect_right(rows, last, key=rank)
    found, link = rows[start : start + query.size], ""
    if start + query.size < len(rows):
        after = [*(get(found[-1]) for get, _ in order), found[-1][0]]
        link = cookies.link(query.ask, query.options, page=page, after=after)
    return _answered(query, ids, found, link)


def _sorted(query: Query, ids: list[str], order: list[tuple[Callable[[Cells], Any], bool]]) -> list[Cells]:
    """Every row of the answer in its order. The last one made is kept for the pages to come, while nothing changes."""
    rest = tuple(sorted((k, v) for k, v in query.options.items() if k not in ("$skiptoken", "$select", "$count")))
    key = (query.table.definition.name, rest, query.ask.user, query.search.hidden, query.ask.env.version)
    if query.ask.env.sorted[0] != key:
        rows = list(_matching(query, ids, 0))
        for get, down in reversed(order):
            rows.sort(key=lambda cells, get=get: _up(get(cells)), reverse=down)  # type: ignore[misc]  # bound now
        query.ask.env.sorted = (key, rows)
    return query.ask.env.sorted[1]


def _up(value: Any) -> tuple[bool, Any]:
    """Nulls come first, text without case."""
    return (value is not None, value.lower() if isinstance(value, str) else value or 0)


class _Down(tuple[bool, Any]):
    """The same, the other way round."""

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return tuple.__gt__(self, other)


def _place(value: Any, down: bool) -> tuple[bool, Any]:
    return _Down(_up(value)) if down else _up(value)


def _answered(query: Query, ids: list[str], rows: list[Cells], link: str) -> Answer:
    extra = f',"@odata.nextLink":{json.dumps(link)}' if link else ""
    count = ""
    if query.options.get("$count", "false") == "true":
        total = sum(1 for _ in _matching(query, ids, 0))
        count = f'"@odata.count":{min(total, COUNT_LIMIT)},'
        if "*" in query.ask.preferences().get(ANNOTATIONS, ""):
            over = "true" if total > COUNT_LIMIT else "false"
            count += f'"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":{over},'
    return collection(query.ask, query.table, query.chosen, query.search, rows, before=count, after=extra)


def collection(
    ask: Ask,
    table: Table,
    chosen: list[Column],
    search: Search,
    rows: list[Cells],
    *,
    before: str = "",
    after: str = "",
) -> Answer:
    """Rows in their envelope; `before` and `after` are written around `value`."""
    context = json.dumps(f"{ask.root}/$metadata#{table.definition.set}{_selected(ask, chosen)}")
    made = '{"@odata.context":' + context + "," + before + '"value":['
    if ANNOTATIONS in ask.preferences():
        shown = [render.annotated(table, chosen, search.hidden, cells) for cells in rows]
        made += json.dumps(shown, ensure_ascii=False)[1:-1]
    else:
        made += render.rows(table, chosen, search.hidden, rows)
    applied = [f"{n}={v}" for n, v in ask.preferences().items() if n in ("odata.maxpagesize", ANNOTATIONS)]
    headers = {"Content-Type": JSON_TYPE} | ({"Preference-Applied": ",".join(applied)} if applied else {})
    return Answer(200, (made + "]" + after + "}").encode(), headers)


def _selected(ask: Ask, chosen: list[Column]) -> str:
    return "(" + ",".join(c.wire for c in chosen) + ")" if "$select=" in ask.query else ""


def one(ask: Ask, table: Table, place: Place) -> Answer:
    """`GET contacts(id)`, also with `If-None-Match: W/"…"`, which says 304 while nothing changed."""
    options = ask.options("$select", "$expand")
    if "$expand" in options:
        raise bad("The query option '$expand' is not part of this emulator.")
    demand(ask.env, ask.user, "Read", table.definition)
    chosen = chosen_columns(table, options)
    cells = table.cells.get(place.id)
    if cells is None:
        raise absent(table, place)
    demand_row(ask.env, ask.user, "Read", table, cells)
    etag = f'W/"{cells[VERSION]}"'
    unadorned = ANNOTATIONS not in ask.preferences()
    if unadorned and table.definition.optimistic and ask.headers.get("if-none-match") == etag:
        return Answer(304, headers={"ETag": etag})
    return representation(ask, table, cells, chosen)


def representation(ask: Ask, table: Table, cells: Cells, chosen: list[Column], status: int = 200) -> Answer:
    """One row in its envelope."""
    hidden = Search(ask.env, table, ask.user, {}).hidden
    context = f"{ask.root}/$metadata#{table.definition.set}{_selected(ask, chosen)}/$entity"
    row = render.annotated(table, chosen, hidden, cells)
    if ANNOTATIONS not in ask.preferences():
        row = {name: value for name, value in row.items() if name.startswith("@") or "@" not in name}
    return answer({"@odata.context": context, **row}, status, {"ETag": str(row["@odata.etag"])})


def count(ask: Ask, table: Table) -> Answer:
    """`GET contacts/$count`: at most 5,000, as plain text."""
    options = ask.options("$filter", "$deltatoken")
    demand(ask.env, ask.user, "Read", table.definition)
    if "$deltatoken" in options:
        total = tracking.count(ask, table, options)
    else:
        search = Search(ask.env, table, ask.user, options)
        test = search.test(parse("filter", options["$filter"])) if "$filter" in options else lambda _: True
        total = min(sum(1 for cells in table.cells.values() if test(cells)), COUNT_LIMIT)
    return Answer(200, str(total).encode(), {"Content-Type": "text/plain"})


def entity_url(ask: Ask, table: Table, id_: str) -> str:
    """Where a row lives."""
    return f"{ask.root}/{table.definition.set}({quote(id_)})"
