"""URLs as trees, parsed by a grammar (odata.lark); anything outside of it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path as File
from typing import Any

from lark import Lark, Transformer
from lark.exceptions import LarkError, UnexpectedInput, VisitError

from connector.emulators.dynamics.errors import VendorError, bad
from connector.emulators.dynamics.times import parsed

Path = tuple[str, ...]


class Guid(str):
    """A guid that stood without quotes, in lower case."""

    __slots__ = ()


class Moment(str):
    """A time that stood without quotes, as rows hold it."""

    __slots__ = ()


class Enum(str):
    """The word of an enumeration's literal."""

    __slots__ = ()


@dataclass(frozen=True)
class Alias:
    """`@name`, to be found among the query's parameters."""

    name: str


@dataclass(frozen=True)
class Compare:
    """`path op literal`; op is a comparison, or contains, startswith, endswith."""

    path: Path
    op: str
    value: Any


@dataclass(frozen=True)
class Within:
    """`Microsoft.Dynamics.CRM.In(PropertyName=…,PropertyValues=…)`."""

    property: Any
    values: Any


@dataclass(frozen=True)
class Group:
    """Conditions joined by `all`, `any`, or one under `not`."""

    kind: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Expand:
    """`name($select=…)`; an empty `select` is everything."""

    name: str
    select: tuple[str, ...] = ()


@dataclass(frozen=True)
class Segment:
    """One step of a path. `key` is None without parentheses, a `Guid`, or named values (none for `()`)."""

    name: str
    key: Guid | tuple[tuple[str, Any], ...] | None = None


@cache
def _grammar() -> Lark:
    text = (File(__file__).parent / "odata.lark").read_text(encoding="utf-8")
    starts = ["segment", "filter", "orderby", "select", "expand", "alone"]
    return Lark(text, parser="lalr", start=starts, maybe_placeholders=False)


@lru_cache(maxsize=4096)
def parse(what: str, text: str) -> Any:
    """The tree of a `segment`, `filter`, `orderby`, `select`, `expand`, or of a parameter's value (`alone`).

    Raises: `VendorError` 400.
    """
    try:
        return _Reader().transform(_grammar().parse(text, start=what))
    except UnexpectedInput as error:
        at = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(text)
        raise bad(f"Syntax error at position {at} in '{text}'.") from error
    except VisitError as error:
        if isinstance(error.orig_exc, VendorError):
            raise error.orig_exc from error
        raise bad(f"Unrecognized literal in '{text}': {error.orig_exc}") from error
    except LarkError as error:
        raise bad(f"Syntax error in '{text}'.") from error


def resolved(value: Any, aliases: Mapping[str, str]) -> Any:
    """A literal, or what its alias stands for. Raises: `VendorError` 400 if that is not given."""
    if not isinstance(value, Alias):
        return value
    if value.name not in aliases:
        raise bad(f"Missing alias: @{value.name}")
    return parse("alone", aliases[value.name])


class _Reader(Transformer):  # type: ignore[type-arg]  # lark's transformers are untyped
    def segment(self, parts: list[Any]) -> Segment:
        return Segment(parts[0], parts[1] if len(parts) > 1 else None)

    def name(self, parts: list[Any]) -> str:
        return str(parts[0])

    def one_key(self, parts: list[Any]) -> Guid:
        return Guid(parts[0].lower())

    def named_keys(self, parts: list[Any]) -> tuple[tuple[str, Any], ...]:
        return tuple(parts)

    def argument(self, parts: list[Any]) -> tuple[str, Any]:
        return (str(parts[0]), parts[1])

    def filter(self, parts: list[Any]) -> Any:
        return parts[0]

    def any(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else Group("any", tuple(parts))

    def all(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else Group("all", tuple(parts))

    def negated(self, parts: list[Any]) -> Group:
        return Group("not", tuple(parts))

    def compare(self, parts: list[Any]) -> Compare:
        return Compare(parts[0], str(parts[1]), parts[2])

    def function(self, parts: list[Any]) -> Compare:
        return Compare(parts[1], str(parts[0]), parts[2])

    def within(self, parts: list[Any]) -> Within:
        return Within(parts[0], parts[1])

    def path(self, parts: list[Any]) -> Path:
        return tuple(str(p) for p in parts)

    def orderby(self, parts: list[Any]) -> tuple[tuple[Path, bool], ...]:
        return tuple(parts)

    def ordering(self, parts: list[Any]) -> tuple[Path, bool]:
        return (parts[0], len(parts) > 1 and str(parts[1]) == "desc")

    def select(self, parts: list[Any]) -> tuple[str, ...]:
        return tuple(str(p) for p in parts)

    def expand(self, parts: list[Any]) -> tuple[Expand, ...]:
        return tuple(parts)

    def expansion(self, parts: list[Any]) -> Expand:
        return Expand(str(parts[0]), tuple(str(p) for p in parts[1:]))

    def alone(self, parts: list[Any]) -> Any:
        return parts[0]

    def string(self, parts: list[Any]) -> str:
        return str(parts[0][1:-1]).replace("''", "'")

    def json(self, parts: list[Any]) -> Any:
        return json.loads(parts[0])

    def guid(self, parts: list[Any]) -> Guid:
        return Guid(parts[0].lower())

    def moment(self, parts: list[Any]) -> Moment:
        return Moment(parsed(str(parts[0])))

    def number(self, parts: list[Any]) -> float:
        return float(parts[0]) if "." in parts[0] else int(parts[0])

    def true(self, _: list[Any]) -> bool:
        return True

    def false(self, _: list[Any]) -> bool:
        return False

    def null(self, _: list[Any]) -> None:
        return None

    def alias(self, parts: list[Any]) -> Alias:
        return Alias(str(parts[0][1:]))

    def enum(self, parts: list[Any]) -> Enum:
        return Enum(parts[0].split("'")[1])

    def list(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)
