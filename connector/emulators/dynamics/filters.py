"""`$filter` and `$orderby` as functions of one row ("Filter rows using OData").

Text compares without case. `ne` is true of null, the other comparisons are not. `%`, `_` and `[` are wildcards in
contains, startswith and endswith.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from connector.emulators.dynamics.errors import bad, no_property
from connector.emulators.dynamics.grammar import Compare, Enum, Group, Guid, Moment, Path, Within, resolved
from connector.emulators.dynamics.schema import LOOKUPS, NUMBERS, TEXTS, Column
from connector.emulators.dynamics.security import unreadable
from connector.emulators.dynamics.store import Cells, Table

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

Getter = Callable[[Cells], Any]
Test = Callable[[Cells], bool]

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


class Search:
    """What a query asks of one table's rows, for one user."""

    def __init__(self, env: Environment, table: Table, user: str, aliases: Mapping[str, str]) -> None:
        self.env, self.table = env, table
        self.aliases = {name[1:]: value for name, value in aliases.items() if name.startswith("@")}
        self.hidden = unreadable(env, table.definition, user)

    # -- conditions ---------------------------------------------------------------------------------------------
    def test(self, where: Any) -> Test:
        """A condition. Raises: `VendorError` 400 for unknown columns and literals of another type."""
        if isinstance(where, Group):
            return _joined(where.kind, [self.test(part) for part in where.parts])
        if isinstance(where, Within):
            return self._within(where)
        column, get = self.getter(where.path)
        if where.op in ("contains", "startswith", "endswith"):
            return self._like(column, get, where)
        value = literal(column, resolved(where.value, self.aliases), where.op)
        if where.op in ("eq", "ne"):
            return _equal(get, value, negated=where.op == "ne")
        if value is None:
            raise bad(f"The operator '{where.op}' cannot be used with null.")
        op = _ORDERED[where.op]
        return lambda cells: (v := _folded(get(cells))) is not None and op(v, value)

    def getter(self, path: Path) -> tuple[Column, Getter]:
        """The column at the end of a path, which may step over one lookup, and how to read it."""
        definition = self.table.definition
        if len(path) == 1:
            column = definition.columns.get(path[0])
            if column is None or not column.readable:
                raise no_property(path[0], definition.name)
            if column.wire in self.hidden:
                return column, lambda _: None
            return column, itemgetter(self.table.columns[column.wire])
        step = definition.binding.get(path[0])
        if step is None or len(path) > 2:
            raise no_property("/".join(path), definition.name)
        at, target = self.table.columns[step[0].wire], self.env.tables[step[1]]
        column, inner = Search(self.env, target, "", {}).getter(path[1:])
        return column, lambda cells: inner(row) if (row := target.cells.get(cells[at])) else None

    def _within(self, where: Within) -> Test:
        _, get, values = self.within(where)
        return lambda cells: _folded(get(cells)) in values

    def within(self, where: Within) -> tuple[Column, Getter, Collection[Any]]:
        """The parts of an In: its column, how to read it, the values in their folded form."""
        name, values = resolved(where.property, self.aliases), resolved(where.values, self.aliases)
        if not isinstance(name, str) or not isinstance(values, tuple) or not values:
            raise bad("In needs PropertyName as text and PropertyValues as a collection of text.")
        if not all(isinstance(value, str) for value in values):
            raise bad("Cannot convert a value of PropertyValues to the expected type 'Edm.String'.")
        column, get = self.getter((name,))
        read = _READ.get(column.type)
        if read is None:
            raise bad(f"In cannot be used with '{name}'.")
        try:
            return column, get, {read(value) for value in values}
        except ValueError as error:
            raise bad(f"Cannot convert a value of PropertyValues to the expected type '{edm(column)}'.") from error

    def _like(self, column: Column, get: Getter, where: Compare) -> Test:
        value = resolved(where.value, self.aliases)
        if column.type not in TEXTS or type(value) is not str:
            raise bad(f"No function signature for the function with name '{where.op}' matches the specified arguments.")
        front, back = where.op != "startswith", where.op != "endswith"
        pattern = re.compile((".*" if front else "") + _pattern(value.lower()) + (".*" if back else ""), re.S)
        return lambda cells: (v := get(cells)) is not None and pattern.fullmatch(v.lower()) is not None

    # -- finding by index ---------------------------------------------------------------------------------------
    def candidates(self, where: Any) -> Collection[str] | None:
        """Ids among which every row of the answer is; None if that may be any."""
        if isinstance(where, Group) and where.kind == "all":
            found = [ids for part in where.parts if (ids := self.candidates(part)) is not None]
            return min(found, key=len, default=None)
        if isinstance(where, Group) and where.kind == "any":
            parts = [self.candidates(part) for part in where.parts]
            return None if None in parts else {i for ids in parts if ids for i in ids}
        if isinstance(where, Within):
            column, _, values = self.within(where)
            return self._indexed(column.wire, values)
        if isinstance(where, Compare) and where.op == "eq" and len(where.path) == 1:
            value = _folded(resolved(where.value, self.aliases))
            return None if value is None else self._indexed(where.path[0], (value,))
        return None

    def _indexed(self, wire: str, values: Collection[Any]) -> Collection[str] | None:
        if self.table.columns.get(wire) == 0:
            return [value for value in values if value in self.table.cells]
        index = self.table.indexes.get(wire)
        return None if index is None else {i for value in values for i in index.get(value, ())}


def _joined(kind: str, tests: list[Test]) -> Test:
    if kind == "not":
        return lambda cells: not tests[0](cells)
    if len(tests) == 2:
        one, two = tests
        return (lambda c: one(c) and two(c)) if kind == "all" else (lambda c: one(c) or two(c))
    join = all if kind == "all" else any
    return lambda cells: join(test(cells) for test in tests)


def _equal(get: Getter, value: Any, *, negated: bool) -> Test:
    if value is None or isinstance(value, bool):
        return (lambda cells: get(cells) is not value) if negated else (lambda cells: get(cells) is value)
    if negated:
        return lambda cells: _folded(get(cells)) != value
    return lambda cells: _folded(get(cells)) == value


_FITS: dict[str, Callable[[Any], bool]] = {
    "Boolean": lambda v: isinstance(v, bool),
    "DateTime": lambda v: isinstance(v, Moment),
    "Uniqueidentifier": lambda v: isinstance(v, Guid),
    **dict.fromkeys(LOOKUPS, lambda v: isinstance(v, Guid)),
    **dict.fromkeys(TEXTS, lambda v: type(v) is str),
    **dict.fromkeys(NUMBERS, lambda v: isinstance(v, int) and not isinstance(v, bool)),
}
_READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("Uniqueidentifier", *LOOKUPS), lambda v: str(uuid.UUID(v))),
    **dict.fromkeys(TEXTS, str.lower),
    **dict.fromkeys(NUMBERS, int),
}
_EDM = {"Boolean": "Boolean", "DateTime": "DateTimeOffset", "Uniqueidentifier": "Guid", "BigInt": "Int64"}
_EDM |= dict.fromkeys(LOOKUPS, "Guid") | dict.fromkeys(TEXTS, "String")


def edm(column: Column) -> str:
    """The type of a column in OData's words."""
    return f"Edm.{_EDM.get(column.type, 'Int32')}"


def literal(column: Column, value: Any, op: str) -> Any:
    """A literal as rows compare with it. One of another type is refused, as is an order of what has none."""
    if value is None:
        return None
    if not _FITS[column.type](value):
        found = {bool: "Boolean", int: "Int32", float: "Double", Guid: "Guid", Moment: "DateTimeOffset"}
        shown = f"Edm.{found.get(type(value), 'String')}"
        words = (
            f"A binary operator with incompatible types was detected. Found operand types '{edm(column)}' and '{shown}'"
        )
        raise bad(f"{words} for operator kind '{op}'.")
    if op in _ORDERED and column.type in ("Boolean", "Uniqueidentifier", *LOOKUPS):
        raise bad(f"The operator '{op}' is not supported for '{edm(column)}'.")
    return _folded(value)


def _pattern(text: str) -> str:
    """SQL's LIKE: `%` is any text, `_` one character, `[…]` one of these."""
    made = ""
    for piece in re.split(r"(%|_|\[[^\]]+\])", text):
        if piece in ("%", "_"):
            made += ".*" if piece == "%" else "."
        elif piece.startswith("[") and piece.endswith("]"):
            inner = piece[1:-1]
            made += f"[^{re.escape(inner[1:])}]" if inner.startswith("^") else f"[{re.escape(inner)}]"
        else:
            made += re.escape(piece)
    return made.replace(r"\-", "-")


def _folded(value: Any) -> Any:
    return str(value).lower() if isinstance(value, str) and not isinstance(value, Enum) else value
