"""Answering a parsed query: names checked against what the user may see, indexes used where they fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from connector.emulators.salesforce.access import field_of, may, own_permissions, table_of
from connector.emulators.salesforce.conditions import Getter, Test, condition, resolve
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.schema import Field
from connector.emulators.salesforce.soql import Compare, Group, In, Query, comparable
from connector.emulators.salesforce.table import Cells, Table

__all__ = ["Answer", "Column", "field_of", "run", "table_of"]

MOST_SKIPPED = 2_000
_LOWEST, _HIGHEST = "", "\x7f"
_FOLDED = ("string", "email", "textarea", "phone", "picklist")


@dataclass(frozen=True)
class Column:
    """One selected field: its path as the org spells it, and how to read it."""

    path: tuple[str, ...]
    field: Field
    get: Getter

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Answer:
    """The rows that a query found, as they were at that moment."""

    table: Table
    columns: tuple[Column, ...]
    rows: list[Cells]


def run(org: Org, query: Query, user: str, *, deleted: bool) -> Answer:
    """The matching rows, in order. Raises: `VendorError`."""
    table = table_of(org, query.object, user)
    columns = _columns(org, table, query, user)
    _restricted(org, table, query, user)
    if query.offset > MOST_SKIPPED:
        raise VendorError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MOST_SKIPPED}")

    def search(inner: Query) -> list[Any]:
        found = run(org, inner, user, deleted=False)
        return [found.columns[0].get(cells) for cells in found.rows]

    test = condition(org, table, query.where, user, search)
    for path, _, _ in query.order:
        _sortable(resolve(org, table, path, user)[0])
    source: Iterable[Cells]
    if table.object.name == "UserSetupEntityAccess":
        source, sorted_by = own_permissions(org, user), 0
    else:
        source, sorted_by = _source(table, query)
    found = _kept(table, source, test, deleted=deleted)
    rows = _ordered(org, table, query, user, found, done=sorted_by == len(query.order))
    return Answer(table, columns, rows)


def _columns(org: Org, table: Table, query: Query, user: str) -> tuple[Column, ...]:
    made = []
    for path in query.fields:
        field, get = resolve(org, table, path, user)
        made.append(Column((*map(_spelled, path[:-1]), field.name), field, get))
    names = [column.name for column in made]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise VendorError("INVALID_FIELD", f"duplicate field selected: {doubled}")
    return tuple(made)


def _spelled(relationship: str) -> str:
    return relationship[:1].upper() + relationship[1:]


def _sortable(field: Field) -> None:
    if field.long or field.type in ("anyType", "address"):
        raise VendorError("MALFORMED_QUERY", f"field '{field.name}' can not be sorted in a query call")


def _restricted(org: Org, table: Table, query: Query, user: str) -> None:
    """ContentDocumentLink refuses an unfiltered query (Object Reference, ContentDocumentLink, special access rules)."""
    wanted = table.object.filtered
    if not wanted or may(org, user, "QueryAllFiles"):
        return
    filtered = (
        len(p.field) == 1 and p.field[0].lower() in wanted and (isinstance(p, In) or p.op == "=")
        for p in _conjuncts(query.where)
        if isinstance(p, Compare | In)
    )
    if not any(filtered):
        raise VendorError(
            "MALFORMED_QUERY",
            f"Implementation restriction: {table.object.name} requires a filter by a single Id on ContentDocumentId or "
            "LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
        )


def _conjuncts(where: Any) -> Iterator[Any]:
    if isinstance(where, Group) and where.kind == "all":
        for part in where.parts:
            yield from _conjuncts(part)
    else:
        yield where


def _kept(table: Table, source: Iterable[Cells], test: Test | None, *, deleted: bool) -> Iterator[Cells]:
    at = table.deleted
    live = source if deleted else (cells for cells in source if not cells[at])
    return iter(live) if test is None else filter(test, live)


# -- where rows come from ------------------------------------------------------------------------------------------
def _source(table: Table, query: Query) -> tuple[Iterable[Cells], int]:
    """Rows that can match at all, and by how many of the wanted orderings they are sorted already."""
    for part in _conjuncts(query.where):
        ids = _by_key(table, part)
        if ids is not None:
            return [table.cells[i] for i in ids if i in table.cells], 0
    sorted_by = _stamp_order(query)
    low, high = _bounds(query.where)
    if (low, high) != (_LOWEST, _HIGHEST) or (sorted_by and sorted_by == len(query.order)):
        return table.between(low, high), sorted_by
    return list(table.cells.values()), 0


def _stamp_order(query: Query) -> int:
    """The stamps' index is in the order of stamp and id."""
    names = [(path[0].lower() if len(path) == 1 else "", down) for path, down, _ in query.order]
    return len(names) if names in ([("systemmodstamp", False)], [("systemmodstamp", False), ("id", False)]) else 0


def _by_key(table: Table, part: Any) -> list[str] | None:
    """The ids that an index knows for an equality or a list."""
    if isinstance(part, Compare) and part.op == "=":
        values: tuple[Any, ...] = (part.value,)
    elif isinstance(part, In) and not part.negated and isinstance(part.values, tuple):
        values = part.values
    else:
        return None
    name = table.object.by_lower.get(part.field[0].lower(), "") if len(part.field) == 1 else ""
    if name == "Id":
        return list(dict.fromkeys(long_id(str(v)) for v in values))
    index = table.indexes.get(name)
    if index is None or not all(isinstance(v, str) and v for v in values):
        return None
    keys = (v.lower() if table.object.fields[name].type != "reference" else long_id(v).lower() for v in values)
    return sorted({i for key in keys for i in index.get(key, ())})


def _bounds(where: Any) -> tuple[str, str]:
    """Between which stamps every match lies; the test itself decides what is on the edge."""
    if isinstance(where, Group) and where.kind in ("all", "any"):
        lows, highs = zip(*map(_bounds, where.parts), strict=True)
        return (max(lows), min(highs)) if where.kind == "all" else (min(lows), max(highs))
    if isinstance(where, Compare) and where.field[0].lower() == "systemmodstamp" and len(where.field) == 1:
        value = str(comparable(where.value))
        low = value if where.op in (">", ">=", "=") else _LOWEST
        return low, value if where.op in ("<", "<=", "=") else _HIGHEST
    return _LOWEST, _HIGHEST


# -- in which order ------------------------------------------------------------------------------------------------
def _ordered(org: Org, table: Table, query: Query, user: str, found: Iterator[Cells], *, done: bool) -> list[Cells]:
    last = None if query.limit is None else query.offset + query.limit
    if done:
        return list(islice(found, query.offset, last))
    rows = list(found)
    for path, descending, nulls in reversed(query.order):
        field, get = resolve(org, table, path, user)
        fold = field.type in _FOLDED
        key = (lambda cells, get=get: get(cells).lower()) if fold else get
        empty = [cells for cells in rows if get(cells) is None]
        filled = [cells for cells in rows if get(cells) is not None] if empty else rows
        filled.sort(key=key, reverse=descending)
        rows = [*filled, *empty] if nulls == "last" else [*empty, *filled]
    return rows[query.offset : last]
