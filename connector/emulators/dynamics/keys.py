"""Which row an address means: by its id, or by an alternate key ("Use an alternate key to reference a record")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connector.emulators.dynamics.asks import Ask
from connector.emulators.dynamics.errors import VendorError, bad, no_row
from connector.emulators.dynamics.grammar import Guid, Segment, resolved
from connector.emulators.dynamics.store import Table

_UNSAFE = set("/<>*%&:\\?+")


@dataclass(kw_only=True)
class Place:
    """A row's id, empty if no row has this key; `values` are those of an alternate key."""

    id: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def place(ask: Ask, table: Table, segment: Segment) -> Place:
    """Raises: `VendorError` 400 for a key that nobody defined, or whose index is not ready, or with unsafe letters."""
    definition = table.definition
    if isinstance(segment.key, Guid):
        return Place(id=str(segment.key))
    values = {name: resolved(value, _aliases(ask)) for name, value in segment.key or ()}
    if set(values) == {definition.key} and isinstance(values[definition.key], Guid):
        return Place(id=str(values[definition.key]))
    known = next((key for key in definition.keys.values() if set(key.columns) == set(values)), None)
    if known is None or known.active > ask.env.now().isoformat():
        raise bad(
            "The key in the request URI is not valid for resource " + f"'Microsoft.Dynamics.CRM.{definition.name}'."
        )
    if any(_UNSAFE & set(value) for value in values.values() if isinstance(value, str)):
        raise VendorError(400, "0x80060888", "A potentially dangerous Request.Path value was detected from the client.")
    wires = {next(w for w, c in definition.columns.items() if c.name == name): v for name, v in values.items()}
    return Place(id=next(iter(table.having(wires)), ""), values=wires)


def absent(table: Table, place: Place) -> VendorError:
    """A row that is not there, by its id or by an alternate key."""
    if place.id or not place.values:
        return no_row(table.definition.label, place.id)
    return VendorError(
        404, "0x80060891", f"A record with the specified key values does not exist in {table.definition.name} entity"
    )


def _aliases(ask: Ask) -> dict[str, str]:
    found = ask.options("$select", "$filter", "$expand")
    return {name[1:]: value for name, value in found.items() if name.startswith("@")}
