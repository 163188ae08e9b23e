"""$filter as a test of one row. Text compares without case, as the database does; only null is like null."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lark import Lark, LarkError, Token, Tree

from connector.emulators.dynamics.errors import bad
from connector.emulators.dynamics.schema import CHOICES, LOOKUPS, Column
from connector.emulators.dynamics.store import Cells, Table

Test = Callable[[Cells], bool]

_PARSER = Lark((Path(__file__).parent / "filter.lark").read_text(encoding="utf-8"), parser="lalr")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip


class Filter:
    """A parsed filter. `ids` are the only rows that can pass, where an index tells them."""

    def __init__(self, table: Table, text: str) -> None:
        self._table, self._columns = table, {c.schema: c for c in table.definition.columns.values()}
        try:
            tree = _PARSER.parse(text)
        except LarkError as error:
            raise bad(f"Syntax error in the filter: {str(error).splitlines()[0]}", "") from None
        self.test = self._made(tree.children[0])
        self.ids = self._indexed(tree.children[0])

    def _made(self, node: Any) -> Test:
        match node.data:
            case "either":
                some = [self._made(child) for child in node.children]
                return lambda cells: any(test(cells) for test in some)
            case "both":
                all_ = [self._made(child) for child in node.children]
                return lambda cells: all(test(cells) for test in all_)
            case "negated":
                (inner,) = [self._made(child) for child in node.children]
                return lambda cells: not inner(cells)
            case "comparison":
                return self._comparison(*node.children)
            case _:
                return self._called(node)

    def _comparison(self, path: Any, sign: Any, literal: Any) -> Test:
        at, column = self._place(path)
        value, compare = _value(literal, column), _OPERATORS[str(sign)]
        if value is None:
            if str(sign) not in ("eq", "ne"):
                raise bad("null can be equal or not, nothing else.", "")
            return lambda cells: (cells[at] is None) is (str(sign) == "eq")
        return lambda cells: (
            (cells[at] is not None and compare(_folded(cells[at]), value)) or (cells[at] is None and str(sign) == "ne")
        )

    def _called(self, node: Any) -> Test:
        name, one, two, *_ = node.children
        path, literal = (two, one) if str(name) == "substringof" else (one, two)
        if path.data != "path" or literal.data != "string":
            raise bad(f"{name} takes a property and a text.", "")
        at, column = self._place(path)
        value = str(_value(literal, column))
        if str(name) == "startswith":
            return lambda cells: str(cells[at] or "").lower().startswith(value)
        if str(name) == "endswith":
            return lambda cells: str(cells[at] or "").lower().endswith(value)
        return lambda cells: value in str(cells[at] or "").lower()

    def _place(self, path: Tree[Token]) -> tuple[int, Column]:
        name, part = str(path.children[0]), path.children[1]
        column = self._columns.get(name)
        if column is None:
            raise bad(f"No property '{name}' exists in type '{self._table.definition.schema}'.", "")
        needed = "Value" if column.type in CHOICES else "Id" if column.type in LOOKUPS else None
        if (str(part) if part else None) != needed:
            raise bad(f"'{name}' is asked for as {name}{f'/{needed}' if needed else ''}.", "")
        return self._table.columns[column.wire], column

    def _indexed(self, node: Any) -> list[str] | None:
        """Ids where everything asked for is the equality of indexed columns, joined by or."""
        found: dict[str, None] = {}
        for one in _alternatives(node):
            if one.data != "comparison" or str(one.children[1]) != "eq":
                return None
            _, column = self._place(one.children[0])
            value = _value(one.children[2], column)
            if column.wire == self._table.definition.key:
                found |= {value: None} if value in self._table.cells else {}
            elif column.wire in self._table.indexes and value is not None:
                found |= dict.fromkeys(self._table.having({column.wire: value}))
            else:
                return None
        return sorted(found)


def _alternatives(node: Any) -> Iterator[Any]:
    if node.data == "either":
        for child in node.children:
            yield from _alternatives(child)
    else:
        yield node


def _value(literal: Tree[Token], column: Column) -> Any:
    text = str(literal.children[0]) if literal.children else ""
    match literal.data:
        case "null":
            return None
        case "string" if column.type in ("String", "Memo", "EntityName"):
            return text[1:-1].replace("''", "'").lower()
        case "guid" if column.type == "Uniqueidentifier" or column.type in LOOKUPS:
            found = text[1:-1].strip("{}").lower()
            if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found):
                return found
        case "moment" if column.type == "DateTime":
            if re.fullmatch(r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?'", text):
                return text[1:20] + "Z"
        case "boolean" if column.type == "Boolean":
            return text == "true"
        case "number" if column.type in ("Integer", "BigInt", *CHOICES):
            return int(text)
    raise bad(f"{text} does not fit the property {column.schema}.", "")


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and not value.endswith("Z") else value
