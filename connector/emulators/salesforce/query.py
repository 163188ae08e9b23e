"""Answering a parsed query: names checked against what the user may see, indexes used where they fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org, Table
from connector.emulators.salesforce.schema import Field, Object
from connector.emulators.salesforce.soql import Compare, Group, In, Query, comparable

Row = dict[str, Any]
Getter = Callable[[Row], Any]


def table_of(org: Org, name: str) -> Table:
    """The table of an object. Raises: `VendorError` INVALID_TYPE."""
    found = next((t for key, t in org.tables.items() if key.lower() == name.lower()), None)
    if found is None:
        raise VendorError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def field_of(org: Org, object_: Object, name: str) -> Field:
    """A field the user may read. Raises: `VendorError` INVALID_FIELD, as for one that does not exist."""
    real = object_.by_lower.get(name.lower())
    if real is None or f"{object_.name}.{real}" in org.hidden:
        raise VendorError(
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{object_.name}'. If you are attempting to use a custom field, be sure "
            "to append the '__c' after the custom field name.",
        )
    return object_.fields[real]


def getter(org: Org, object_: Object, path: tuple[str, ...]) -> Getter:
    """Reads one field of a row, through a parent where the path has a dot."""
    if len(path) == 1:
        name = field_of(org, object_, path[0]).name
        return lambda row: row.get(name)
    reference = field_of(org, object_, path[0] + "Id")
    if not reference.parent:
        raise VendorError("INVALID_FIELD", f"Didn't understand relationship '{path[0]}' in field path.")
    parent = org.tables[reference.parent]
    inner = getter(org, parent.object, path[1:])
    return lambda row: inner(parent.rows[row[reference.name]]) if row.get(reference.name) in parent.rows else None


def run(org: Org, query: Query, *, deleted: bool) -> list[Row]:
    """The matching rows, in order. Raises: `VendorError`."""
    table = table_of(org, query.object)
    for path in query.fields:
        getter(org, table.object, path)
    _strict(table, query)
    test = _condition(org, table.object, query.where)
    rows: Iterable[Row] = _narrowed(table, query.where)
    found = [r for r in rows if (deleted or not r["IsDeleted"]) and test(r)]
    for path, descending, nulls in reversed(query.order):
        get = getter(org, table.object, path)
        last = (nulls == "last") != descending
        found.sort(key=lambda r: ((get(r) is None) == last, get(r) if get(r) is not None else ""), reverse=descending)
    return found[query.offset : None if query.limit is None else query.offset + query.limit]


def _strict(table: Table, query: Query) -> None:
    """ContentDocumentLink refuses an unfiltered query (its own documented restriction)."""
    if table.object.name == "ContentDocumentLink":
        parts = query.where.parts if isinstance(query.where, Group) and query.where.kind == "all" else (query.where,)
        wanted = {"id", "linkedentityid", "contentdocumentid"}
        filtered = (isinstance(p, Compare | In) and p.field[-1].lower() in wanted and len(p.field) == 1 for p in parts)
        if not any(filtered):
            raise VendorError(
                "MALFORMED_QUERY",
                "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
                "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
            )


def _narrowed(table: Table, where: Any) -> Iterable[Row]:
    """Rows that can match at all, by an index where a top-level condition allows one."""
    parts = where.parts if isinstance(where, Group) and where.kind == "all" else (where,)
    low, high = "", "~"
    for part in parts:
        if isinstance(part, In) and not part.negated and isinstance(part.values, tuple) and len(part.field) == 1:
            ids = _by_key(table, part.field[0], part.values)
            if ids is not None:
                return [table.rows[i] for i in ids if i in table.rows]
        if isinstance(part, Compare) and len(part.field) == 1:
            if part.op == "=" and (ids := _by_key(table, part.field[0], (part.value,))) is not None:
                return [table.rows[i] for i in ids if i in table.rows]
            if part.field[0].lower() == "systemmodstamp" and part.op in (">=", ">"):
                low = max(low, comparable(part.value))
            if part.field[0].lower() == "systemmodstamp" and part.op == "<":
                high = min(high, comparable(part.value))
    return table.between(low, high) if (low, high) != ("", "~") else table.rows.values()


def _by_key(table: Table, name: str, values: tuple[Any, ...]) -> list[str] | None:
    if name.lower() == "id":
        return [_long(table, str(v)) for v in values]
    if name.lower() == table.email.lower() and all(isinstance(v, str) for v in values):
        return sorted({i for v in values for i in table.by_email.get(v.lower(), ())})
    return None


def _long(table: Table, id_: str) -> str:
    from connector.emulators.salesforce.org import checksum

    return id_ + checksum(id_) if len(id_) == 15 else id_


def _condition(org: Org, object_: Object, where: Any) -> Callable[[Row], bool]:
    if where is None:
        return lambda _: True
    if isinstance(where, Group):
        tests = [_condition(org, object_, part) for part in where.parts]
        if where.kind == "not":
            return lambda row: not tests[0](row)
        join = all if where.kind == "all" else any
        return lambda row: join(t(row) for t in tests)
    get = getter(org, object_, where.field)
    field = _leaf(org, object_, where.field)
    if not field.filterable:
        raise VendorError(
            "INVALID_QUERY_FILTER_OPERATOR", f"{field.name} can not be filtered in a query call", status=400
        )
    if isinstance(where, In):
        return _in(org, get, field, where)
    return _compare(get, field, where)


def _leaf(org: Org, object_: Object, path: tuple[str, ...]) -> Field:
    for step in path[:-1]:
        object_ = org.tables[field_of(org, object_, step + "Id").parent].object
    return field_of(org, object_, path[-1])


def _in(org: Org, get: Getter, field: Field, where: In) -> Callable[[Row], bool]:
    if isinstance(where.values, Query):
        inner = table_of(org, where.values.object)
        read = getter(org, inner.object, where.values.fields[0])
        values = {_folded(read(r)) for r in run(org, where.values, deleted=False)}
    else:
        values = {_folded(comparable(v)) for v in where.values}
        for v in where.values:
            _typed(field, v)
    return lambda row: (_folded(get(row)) in values) != where.negated


def _compare(get: Getter, field: Field, where: Compare) -> Callable[[Row], bool]:
    _typed(field, where.value)
    value = _folded(comparable(where.value))
    if where.op == "like":
        escaped = re.escape(value).replace("%", ".*").replace("_", ".")
        pattern = re.compile(escaped.replace("\\\\.*", "%").replace("\\\\.", "_"), re.S)
        return lambda row: get(row) is not None and bool(pattern.fullmatch(_folded(get(row))))
    if where.op == "=":
        return lambda row: _folded(get(row)) == value
    if where.op == "!=":
        return lambda row: _folded(get(row)) != value
    tests: dict[str, Callable[[Any], bool]] = {
        "<": lambda v: v < value,
        "<=": lambda v: v <= value,
        ">": lambda v: v > value,
        ">=": lambda v: v >= value,
    }
    test = tests[where.op]
    return lambda row: get(row) is not None and test(_folded(get(row)))


def _typed(field: Field, value: Any) -> None:
    """A literal of the wrong type is refused: INVALID_QUERY_FILTER_OPERATOR or INVALID_FIELD at the vendor."""
    from datetime import datetime

    if value is None:
        return
    fits = {"boolean": bool, "datetime": datetime, "double": float, "int": float}.get(field.type, str)
    if not isinstance(value, fits):
        raise VendorError(
            "INVALID_FIELD", f"value of filter criterion for field '{field.name}' must be of type {field.type}"
        )


def _folded(value: Any) -> Any:
    """Text compares without case (SOQL reference, comparison operators)."""
    return value.lower() if isinstance(value, str) else value
