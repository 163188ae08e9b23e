"""SOQL as a tree: parsed by a grammar, anything outside of it refused as MALFORMED_QUERY.

SOQL and SOSL Reference: SELECT, WHERE, "Quoted String Escape Sequences", "Date Formats and Date Literals".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput, VisitError

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.times import text_of

Path_ = tuple[str, ...]

LONGEST = 100_000
LONGEST_TEXT = 4_000


@dataclass(frozen=True)
class Compare:
    """`field op value`; `op` is one of = != < <= > >= like."""

    field: Path_
    op: str
    value: Any


@dataclass(frozen=True)
class In:
    """`field [NOT] IN (...)`; `values` is a tuple, or a `Query` of one field."""

    field: Path_
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

    fields: tuple[Path_, ...]
    object: str
    where: Any = None
    order: tuple[tuple[Path_, bool, str], ...] = ()
    limit: int | None = None
    offset: int = 0


@cache
def _grammar() -> Lark:
    text = (Path(__file__).parent / "soql.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=False)


@lru_cache(maxsize=256)
def parse(soql: str) -> Query:
    """The tree of one statement. Raises: `VendorError` MALFORMED_QUERY."""
    if len(soql) > LONGEST:
        raise VendorError("MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST} characters.")
    try:
        return _Reader().transform(_grammar().parse(soql))  # type: ignore[no-any-return]  # lark's transformers are untyped
    except UnexpectedInput as error:
        raise _malformed(soql, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, VendorError):
            raise error.orig_exc from error
        raise VendorError("MALFORMED_QUERY", str(error.orig_exc)) from error
    except LarkError as error:
        raise VendorError("MALFORMED_QUERY", "unexpected token") from error


def _malformed(soql: str, error: UnexpectedInput) -> VendorError:
    at = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(soql)
    row, column = soql.count("\n", 0, at) + 1, at - soql.rfind("\n", 0, at)
    found = re.match(r"\w+|\S|$", soql[at:].lstrip())
    token = (found.group() if found else "") or "<EOF>"
    shown = soql[max(0, at - 30) : at + 20]
    words = f"\n{shown}\n{' ' * min(at, 30)}^\nERROR at Row:{row}:Column:{column}\nunexpected token: '{token}'"
    return VendorError("MALFORMED_QUERY", words)


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\x07", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


def _unquoted(text: str, *, pattern: bool = False) -> str:
    """What a literal says. In a pattern, escaped wildcards keep their backslash, and so does the backslash itself."""

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "uU" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code in "_%":
            if not pattern:
                raise VendorError("MALFORMED_QUERY", f"Illegal escape sequence '\\{code}' outside of LIKE")
            return "\\" + code
        return "\\\\" if pattern and code == "\\" else _ESCAPES[code.lower()]

    said = re.sub(r"\\([uU][0-9A-Fa-f]{4}|.)", one, text[1:-1], flags=re.S)
    if len(said) > LONGEST_TEXT:
        raise VendorError("MALFORMED_QUERY", f"a string in a WHERE clause cannot exceed {LONGEST_TEXT} characters")
    return said


class _Reader(Transformer):  # type: ignore[type-arg]  # lark's transformers are untyped
    def start(self, parts: list[Any]) -> Query:
        fields, object_, *rest = parts
        return Query(fields=fields, object=str(object_), **dict(rest))

    def select(self, parts: list[Any]) -> tuple[Path_, ...]:
        return () if isinstance(parts[0], Token) else tuple(parts)

    def field(self, parts: list[Token]) -> Path_:
        return tuple(str(p) for p in parts)

    def where(self, parts: list[Any]) -> tuple[str, Any]:
        return ("where", parts[0])

    def order(self, parts: list[Any]) -> tuple[str, Any]:
        return ("order", tuple(parts))

    def ordering(self, parts: list[Any]) -> tuple[Path_, bool, str]:
        words = [str(p).lower() for p in parts[1:]]
        return (parts[0], "desc" in words, "last" if "last" in words else "first")

    def nulls(self, parts: list[Any]) -> str:
        return str(parts[0])

    def limit(self, parts: list[Any]) -> tuple[str, int]:
        return ("limit", int(parts[0]))

    def offset(self, parts: list[Any]) -> tuple[str, int]:
        return ("offset", int(parts[0]))

    def any(self, parts: list[Any]) -> Group:
        return Group("any", tuple(parts))

    def all(self, parts: list[Any]) -> Group:
        return Group("all", tuple(parts))

    def negated(self, parts: list[Any]) -> Group:
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

    def subquery(self, parts: list[Any]) -> Query:
        where = parts[2][1] if len(parts) > 2 else None
        return Query(fields=(parts[0],), object=str(parts[1]), where=where)

    def in_query(self, parts: list[Any]) -> In:
        return In(parts[0], parts[1])

    def not_in_query(self, parts: list[Any]) -> In:
        return In(parts[0], parts[1], negated=True)

    def string(self, parts: list[Any]) -> str:
        return _unquoted(parts[0])

    def datetime(self, parts: list[Any]) -> datetime:
        return datetime.fromisoformat(str(parts[0])).astimezone(UTC)

    def date(self, parts: list[Any]) -> Day:
        return Day(datetime.fromisoformat(str(parts[0])).date().isoformat())

    def number(self, parts: list[Any]) -> float:
        return float(parts[0])

    def true(self, _: list[Any]) -> bool:
        return True

    def false(self, _: list[Any]) -> bool:
        return False

    def null(self, _: list[Any]) -> None:
        return None


class Day(str):
    """A date literal: text as rows hold it, told apart from quoted text."""

    __slots__ = ()


def comparable(value: Any) -> Any:
    """A literal as rows hold it: times as their text, empty text as null, the rest as it is."""
    if isinstance(value, datetime):
        return text_of(value)
    return str(value) if isinstance(value, str) and value != "" else None if value == "" else value
