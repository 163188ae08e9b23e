"""One request and its answer, the same whether it came alone or inside a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from connector.emulators.dynamics.errors import VendorError, bad, payload

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

JSON_TYPE = "application/json; odata.metadata=minimal"


@dataclass
class Answer:
    """What goes back."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Ask:
    """What was asked. `path` is below the service's root, with its percent signs; header names are lower case."""

    env: Environment
    user: str
    method: str
    root: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    references: dict[str, str] = field(default_factory=dict)
    """Where entities that this change set created are, by Content-ID."""
    batched: bool = False

    @property
    def url(self) -> str:
        """Where this request went, without its query."""
        return f"{self.root}/{self.path}"

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises: `VendorError` for another content type, and for what is no object."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            words = f"A supported MIME type could not be found that matches the content type of the request '{kind}'."
            raise VendorError(415, "0x80060888", words)
        try:
            found = json.loads(self.body, object_pairs_hook=_once)
        except ValueError as error:
            raise payload(f"Invalid JSON. {error}") from error
        if not isinstance(found, dict):
            raise payload("A node of type 'StartObject' was expected.")
        return found

    def preferences(self) -> dict[str, str]:
        """What the Prefer headers ask for, by name."""
        found = {}
        for part in _split(self.headers.get("prefer", "")):
            name, _, value = part.partition("=")
            found[name.strip().lower()] = value.strip().strip('"')
        return found

    def options(self, *known: str) -> dict[str, str]:
        """The query's parameters, decoded; parameter aliases with their @. Raises: `VendorError` for an unknown one."""
        found: dict[str, str] = {}
        for part in self.query.split("&") if self.query else ():
            name, _, value = part.partition("=")
            name = unquote_plus(name)
            if name in found:
                raise bad(f"Query option '{name}' was specified more than once, but it must be specified at most once.")
            if not name.startswith("@") and name not in (*known, "tag"):
                raise bad(f"The query parameter {name} is not supported.")
            found[name] = _decoded(value)
        return found


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A JSON answer."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Answer(status, text.encode(), {"Content-Type": JSON_TYPE, **(headers or {})})


def _decoded(value: str) -> str:
    try:
        return unquote_plus(value, errors="strict")
    except UnicodeDecodeError as error:
        raise bad("The query is not UTF-8.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a property stands twice")
    return found


def _split(text: str) -> list[str]:
    """Preferences between commas; a comma in quotes parts nothing."""
    pieces, quoted = [""], False
    for letter in text:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [p for p in pieces if p.strip()]
