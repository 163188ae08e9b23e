"""A row as the Organization Data Service writes it (OData v2 JSON), and as the adapter does. Touches no wire.

CRM SDK, "Use the OData endpoint with Ajax and JScript web resources": properties by SchemaName, dates as
`/Date(1663715691000)/`, a choice as `{"Value": 2}`, a lookup as `{"Id", "LogicalName", "Name"}`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.adapters.crm.dynamics.records import MODIFIER, Table, Values
from connector.adapters.crm.dynamics.versions import GUIDE
from connector.core.errors import ConfigError

ROW_VERSION = "versionnumber"
"""Grows at every change of a row, whoever makes it and whatever column it is of."""

CHOICES = frozenset({"Picklist", "State", "Status"})
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """What the metadata says of one column. `schema` is its name in rows and URLs, `id` that of its metadata."""

    name: str
    schema: str
    kind: str
    id: str = ""
    readable: bool = True
    updatable: bool = True
    creatable: bool = True
    secured: bool = False
    default: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """What the metadata says of one table."""

    name: str
    schema: str
    attributes: Mapping[str, Attribute]

    @property
    def entity_set(self) -> str:
        """Its name in URLs."""
        return f"{self.schema}Set"

    def property(self, column: str) -> str:
        """A column's name in URLs and rows. Raises: `ConfigError` for a column that is not there."""
        if column not in self.attributes:
            words = f"Dynamics has no column {column} in {self.name}; see the columns under crm, and {GUIDE}."
            raise ConfigError(words, vendor="Dynamics", action=f"read {self.name}")
        return self.attributes[column].schema

    def state(self, table: Table) -> list[str]:
        """The columns by which a change of a row is seen."""
        told = ROW_VERSION in self.attributes and self.attributes[ROW_VERSION].readable
        return [*table.select(), *([ROW_VERSION] if told else [])]

    def decoded(self, row: Mapping[str, Any], columns: Sequence[str]) -> Values:
        """These columns by their logical names. One that the row lacks is left out.

        Raises: `ValueError` for a value that is none of its column's kind.
        """
        values: Values = {}
        for column in columns:
            attribute = self.attributes[column]
            if attribute.schema in row:
                said = row[attribute.schema]
                read = _named if column == MODIFIER else _READ.get(attribute.kind)
                values[column] = said if said is None or read is None else read(said)
        return values

    def encoded(self, values: Values) -> dict[str, Any]:
        """These values as a row to send. Raises: `ConfigError` for a column that is not there."""
        row: dict[str, Any] = {}
        for column, value in values.items():
            name = self.property(column)
            kind = self.attributes[column].kind
            if kind in CHOICES:
                row[name] = {"Value": value}
            elif isinstance(value, datetime):
                row[name] = f"/Date({(value - _EPOCH) // timedelta(milliseconds=1)})/"
            elif kind in ("String", "Memo") and value is not None:
                row[name] = value if isinstance(value, str) else str(value).lower()
            else:
                row[name] = value
        return row


def _moment(text: str) -> datetime:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("no /Date(…)/")
    return _EPOCH + timedelta(milliseconds=int(found[1]))


def _part(name: str) -> Callable[[Mapping[str, Any]], Any]:
    def read(said: Mapping[str, Any]) -> Any:
        if not isinstance(said, Mapping) or name not in said:
            raise ValueError(f"no {name}")
        return said[name]

    return read


_id, _value = _part("Id"), _part("Value")
_READ: dict[str, Callable[[Any], Any]] = {
    "DateTime": _moment,
    **dict.fromkeys(CHOICES, _value),
    "Lookup": _id,
    "Customer": _id,
    "Owner": _id,
}


def _named(said: Mapping[str, Any]) -> Any:
    """A user by name; by id where the name is not told."""
    return said.get("Name") or _id(said)


def version(values: Values, state: Sequence[str]) -> str:
    """What two readings of the same row share as long as nobody changed it."""
    seen = [(column, str(values.get(column))) for column in state]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def literal(moment: datetime) -> str:
    """A time in a filter. The servers keep seconds; without the Z they may take it for the user's own time."""
    return f"datetime'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z'"


def guid(id_: str) -> str:
    """An id in a filter or a path."""
    return f"guid'{id_}'"
