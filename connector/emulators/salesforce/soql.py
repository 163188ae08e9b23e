"""SOQL as a tree: parsed by a grammar, anything outside of it refused as MALFORMED_QUERY."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.times import text_of


@dataclass(frozen=True)
class Compare:
    """`field op value`; `op` is one of = != < <= > >= like."""

    field: tuple[str, ...]
    op: str
    value: Any


@dataclass(frozen=True)
class In:
    """`field [NOT] IN (...)`; `values` is a tuple, or a `Query` of one field."""

    field: tuple[str, ...]
    values: Any
    negated: bool = False


@dataclass(frozen=True)
class Group:
    """Conditions joined by `all`, `any`, or one condition under `not`."""

    kind: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Query:
    """One parsed statement. `fields` is empty for COUNT()."""

    fields: tuple[tuple[str, ...], ...]
    object: str
    where: Any = None
    order: tuple[tuple[tuple[str, ...], bool, str], ...] = ()
    limit: int | None = None
    offset: int = 0


@cache
def _grammar() -> Lark:
    text = (Path(__file__).parent / "soql.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=False)


def parse(soql: str) -> Query:
    """The tree of one statement. Raises: `VendorError` MALFORMED_QUERY."""
    try:
        tree = _grammar().parse(soql)
        return _Reader().transform(tree)  # type: ignore[no-any-return]  # lark's transformers are untyped
    except UnexpectedInput as error:
        where = f"ERROR at Row:{max(error.line, 1)}:Column:{max(error.column, 1)}"
        raise VendorError("MALFORMED_QUERY", f"{where} unexpected token near {soql[:60]!r}") from error
    except LarkError as error:
        raise VendorError("MALFORMED_QUERY", "unexpected token") from error


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\x07", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


def _unquoted(text: str, *, pattern: bool = False) -> str:
    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "uU" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code in "_%":
            if not pattern:
                raise VendorError("MALFORMED_QUERY", "invalid escape outside LIKE")
            return "\\" + code
        return _ESCAPES[code.lower()]

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", one, text[1:-1])


class _Reader(Transformer):  # type: ignore[type-arg]  # lark's transformers are untyped
    def start(self, parts: list[Any]) -> Query:
        fields, object_, *rest = parts
        found = dict(rest)
        return Query(fields=fields, object=str(object_), **found)

    def select(self, parts: list[Any]) -> tuple[tuple[str, ...], ...]:
        return () if parts == ["count"] else tuple(parts)

    def count(self, _: list[Any]) -> str:
        return "count"

    def field(self, parts: list[Token]) -> tuple[str, ...]:
        return tuple(str(p) for p in parts)

    def where(self, parts: list[Any]) -> tuple[str, Any]:
        return ("where", parts[0])

    def order(self, parts: list[Any]) -> tuple[str, Any]:
        return ("order", tuple(parts))

    def ordering(self, parts: list[Any]) -> tuple[tuple[str, ...], bool, str]:
        words = [str(p).lower() for p in parts[1:]]
        nulls = next((w.split()[1] for w in words if w.startswith("nulls")), "first")
        return (parts[0], "desc" in words, nulls)

    def limit(self, parts: list[Any]) -> tuple[str, int]:
        return ("limit", int(parts[0]))

    def offset(self, parts: list[Any]) -> tuple[str, int]:
        return ("offset", int(parts[0]))

    def any(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else Group("any", tuple(parts))

    def all(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else Group("all", tuple(parts))

    def not_(self, parts: list[Any]) -> Group:
        return Group("not", tuple(parts))

    def compare(self, parts: list[Any]) -> Compare:
        op = "!=" if parts[1] == "<>" else str(parts[1])
        return Compare(parts[0], op, parts[2])

    def like(self, parts: list[Any]) -> Compare:
        return Compare(parts[0], "like", _unquoted(parts[1], pattern=True))

    def in_list(self, parts: list[Any]) -> In:
        return In(parts[0], tuple(parts[1:]))

    def not_in_list(self, parts: list[Any]) -> In:
        return In(parts[0], tuple(parts[1:]), negated=True)

    def in_query(self, parts: list[Any]) -> In:
        where = parts[3][1] if len(parts) > 3 else None
        return In(parts[0], Query(fields=(parts[1],), object=str(parts[2]), where=where))

    def string(self, parts: list[Any]) -> str:
        return _unquoted(parts[0])

    def datetime(self, parts: list[Any]) -> datetime:
        return datetime.fromisoformat(str(parts[0])).astimezone(UTC)

    def date(self, parts: list[Any]) -> str:
        return str(parts[0])

    def number(self, parts: list[Any]) -> float:
        return float(parts[0])

    def true(self, _: list[Any]) -> bool:
        return True

    def false(self, _: list[Any]) -> bool:
        return False

    def null(self, _: list[Any]) -> None:
        return None


def comparable(value: Any) -> Any:
    """A literal as rows hold it: times as their text, the rest as it is."""
    return text_of(value) if isinstance(value, datetime) else value
