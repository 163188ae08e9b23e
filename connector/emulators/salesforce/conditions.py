"""WHERE as a function of one row (SOQL and SOSL Reference, "Comparison Operators", "Semi-Joins with IN").

Text compares without case; `!=` and NOT IN are true of null; `<` and the like are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from connector.emulators.salesforce.access import field_of, table_of
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import is_id, long_id
from connector.emulators.salesforce.schema import Field
from connector.emulators.salesforce.soql import Compare, Day, Group, In, Query, comparable
from connector.emulators.salesforce.table import Cells, Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.org import Org

Getter = Callable[[Cells], Any]
Test = Callable[[Cells], bool]
Search = Callable[[Query], list[Any]]

_ORDERED = ("<", "<=", ">", ">=")
_PYTHON = {
    "boolean": bool,
    "datetime": datetime,
    "date": Day,
    "double": float,
    "int": float,
}


def resolve(org: Org, table: Table, path: tuple[str, ...], user: str) -> tuple[Field, Getter]:
    """The field at the end of a path, and how to read it from a row. Raises: `VendorError` INVALID_FIELD."""
    if len(path) == 1:
        field = field_of(org, table.object, path[0], user)
        return field, _own(table, field)
    if len(path) > 6:
        raise VendorError("INVALID_FIELD", "a relationship path may walk up to five parents")
    at, parent = _parent(org, table, path[0], user)
    field, inner = resolve(org, parent, path[1:], user)

    def get(cells: Cells) -> Any:
        row = parent.cells.get(cells[at])
        return None if row is None else inner(row)

    return field, get


def _parent(org: Org, table: Table, name: str, user: str) -> tuple[int, Table]:
    found = next((f for f in table.object.fields.values() if f.relationship.lower() == name.lower()), None)
    if found is None or len(found.parent.split()) > 1 or found.parent not in org.tables:
        raise VendorError(
            "INVALID_FIELD",
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name.",
        )
    reference = field_of(org, table.object, found.name, user)
    return table.column(reference.name), table_of(org, found.parent, user)


def _own(table: Table, field: Field) -> Getter:
    if field.parts and field.type == "address":
        places = [(part.removeprefix("Mailing").lower(), table.column(part)) for part in field.parts]
        return lambda cells: {name: cells[at] for name, at in places}
    if field.parts:
        columns = [table.column(part) for part in field.parts]
        return lambda cells: " ".join(cells[at] for at in columns if cells[at])
    return itemgetter(table.column(field.name))


def condition(org: Org, table: Table, where: Any, user: str, search: Search) -> Test | None:
    """What a WHERE asks of a row; None if there is none. `search` answers a semi-join."""
    _joins(where, outer=True)
    return None if where is None else _condition(org, table, where, user, search)


def _joins(where: Any, *, outer: bool, either: bool = False) -> int:
    """How many semi-joins there are. Two at most, none inside OR or inside another ("Semi-Joins": limits)."""
    if isinstance(where, Group):
        found = sum(_joins(part, outer=False, either=either or where.kind == "any") for part in where.parts)
        if outer and found > 2:
            raise VendorError("MALFORMED_QUERY", "maximum 2 semi join sub-selects are allowed")
        return found
    if not (isinstance(where, In) and isinstance(where.values, Query)):
        return 0
    if either:
        raise VendorError("MALFORMED_QUERY", "Semi join sub-selects are not allowed with the 'OR' operator")
    if _joins(where.values.where, outer=True):
        raise VendorError("MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported")
    return 1


def _condition(org: Org, table: Table, where: Any, user: str, search: Search) -> Test:
    if isinstance(where, Group):
        return _joined(where.kind, [_condition(org, table, part, user, search) for part in where.parts])
    field, get = resolve(org, table, where.field, user)
    if field.type == "address" or not field.filterable or field.long:
        raise VendorError("INVALID_QUERY_FILTER_OPERATOR", f"field '{field.name}' can not be filtered in a query call")
    if isinstance(where, In):
        return _in(field, get, where, search)
    return _compare(field, get, where)


def _joined(kind: str, tests: list[Test]) -> Test:
    if kind == "not":
        return lambda cells: not tests[0](cells)
    if len(tests) == 2:
        one, two = tests
        return (lambda c: one(c) and two(c)) if kind == "all" else (lambda c: one(c) or two(c))
    join = all if kind == "all" else any
    return lambda cells: join(test(cells) for test in tests)


def _in(field: Field, get: Getter, where: In, search: Search) -> Test:
    if isinstance(where.values, Query):
        values = {_folded(value) for value in search(where.values)} - {None}
    else:
        values = {_literal(field, value, "=") for value in where.values}
    negated = where.negated
    return lambda cells: (_folded(get(cells)) in values) is not negated


def _compare(field: Field, get: Getter, where: Compare) -> Test:
    value = _literal(field, where.value, where.op)
    if where.op == "like":
        pattern = _pattern(value or "")
        return lambda cells: (v := get(cells)) is not None and pattern.fullmatch(v.lower()) is not None
    if where.op in ("=", "!="):
        return _equal(get, value, negated=where.op == "!=")
    tests: dict[str, Test] = {
        "<": lambda cells: (v := _folded(get(cells))) is not None and v < value,
        "<=": lambda cells: (v := _folded(get(cells))) is not None and v <= value,
        ">": lambda cells: (v := _folded(get(cells))) is not None and v > value,
        ">=": lambda cells: (v := _folded(get(cells))) is not None and v >= value,
    }
    return tests[where.op] if value is not None else lambda _: False


def _equal(get: Getter, value: Any, *, negated: bool) -> Test:
    if value is None or isinstance(value, bool):
        return (lambda cells: get(cells) is not value) if negated else (lambda cells: get(cells) is value)
    if negated:
        return lambda cells: _folded(get(cells)) != value
    return lambda cells: _folded(get(cells)) == value


def _literal(field: Field, value: Any, op: str) -> Any:
    """A literal as rows hold it. One of the wrong type is refused, and so is an operator that the type has not."""
    kind = field.type
    if op == "like" and kind in ("id", "reference", "boolean", "date", "datetime", "double", "int"):
        raise VendorError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field")
    if op in _ORDERED and kind == "boolean":
        raise VendorError("INVALID_QUERY_FILTER_OPERATOR", "invalid operator on boolean field")
    if value is None:
        return None
    fits = isinstance(value, _PYTHON.get(kind, str)) and not (kind not in _PYTHON and isinstance(value, Day))
    if not fits:
        quotes = " and should be enclosed in quotes" if kind not in _PYTHON else ""
        quotes = " and should not be enclosed in quotes" if kind in _PYTHON and isinstance(value, str) else quotes
        words = f"value of filter criterion for field '{field.name}' must be of type {kind}{quotes}"
        raise VendorError("INVALID_FIELD", words)
    if kind in ("id", "reference") and value:
        if not is_id(value):
            raise VendorError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
        return long_id(value).lower()
    return _folded(comparable(value))


def _pattern(text: str) -> re.Pattern[str]:
    """LIKE: `%` is any text, `_` is one character, a backslash makes the next one plain."""
    made, rest = "", iter(text.lower())
    for letter in rest:
        if letter == "\\":
            made += re.escape(next(rest, "\\"))
        else:
            made += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    return re.compile(made, re.S)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
