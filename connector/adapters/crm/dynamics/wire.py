"""What the adapter needs of a wire, named by what the port needs: the Web API and the Organization Data Service do it.

A wire speaks of columns by their logical names and of rows as `records.Values`; it knows nothing of suppressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from connector.adapters.crm.dynamics.records import Table, Values
from connector.core.address import Address
from connector.ports.adapter import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of a read: rows, the ids of deleted ones, and the place after it; `mark` stands on the last alone."""

    rows: Sequence[Values] = ()
    gone: Sequence[str] = ()
    place: str = ""
    mark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How one row ended, with the vendor's words, addresses replaced."""

    status: Status
    words: str = ""


DONE = Result(status=Status.DONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Versioned:
    """One row as it is now. `version` is what a conditional write names: an ETag, or the time and state as read."""

    values: Values
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Columns to write on one row. `key` is the caller's, and comes back with the result."""

    key: str
    id: str
    values: Values


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What the metadata, and this user's rights, say of one column."""

    name: str
    kind: str
    """Boolean, String, Memo, DateTime, Picklist, …"""
    readable: bool = True
    updatable: bool = True
    creatable: bool = True
    secured: bool = False
    default: bool | None = None
    """The default of a boolean, where the server tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What the metadata says of one table. `tracked` and `versioned` are None where the server knows no such thing."""

    columns: Mapping[str, Column]
    tracked: bool | None = None
    versioned: bool | None = None
    bulk: bool | None = None
    """Whether many rows may be updated in one call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """Our privileges, by name in lower case (`prvreadcontact`), and how deep each goes: Basic, Local, Deep, Global."""

    depths: Mapping[str, str]


class Organization(Protocol):
    """One organization over one wire. Raises the five families; `RejectedError` never for a whole batch."""

    def organization(self) -> str:
        """The organization's id."""

    def version(self) -> str:
        """The server's version, as 9.2.24044.00168."""

    def solution(self, name: str) -> str:
        """The installed version of a solution by its unique name; empty where it is not installed.

        Raises: `ConfigError` where solutions may not be read.
        """

    def describe(self, table: Table) -> Described | None:
        """Table and columns that the YAML names, or None where there is no such table. Columns missing are left out."""

    def rights(self, names: Sequence[str]) -> Rights:
        """Those of these privileges that this user has."""

    def changes(self, table: Table, mark: str, place: str) -> Iterator[Piece]:
        """Every row changed since `mark` (all there are, for an empty one), or what follows `place`.

        Raises: `ConflictError` for a mark or place that the server no longer takes, or that is not this wire's.
        """

    def look(self, table: Table, addresses: Sequence[Address]) -> list[Versioned]:
        """The rows whose address column may hold one of these, each with its version; the caller compares exactly."""

    def holding(self, table: Table, column: str, addresses: Sequence[Address]) -> list[str]:
        """The texts of one column, on every row where it may hold one of these addresses."""

    def fetch(self, table: Table, id_: str, columns: Sequence[str]) -> Versioned | None:
        """One row as it is now, or None where it is gone."""

    def write(self, table: Table, writes: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """Writes rows unconditionally, as many a call as the server takes; never makes one that is gone.

        The caller gives each row once; doing it twice must be as good as once.
        """

    def update(self, table: Table, id_: str, values: Values, version: str) -> Result:
        """Writes one row if it still has this version; `Status.CONFLICT` where it has another one, or is gone."""

    def insert(self, table: Table, rows: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """Makes rows under ids of ours (GUIDs as text); one that stands there already is `DONE`, and is not touched."""

    def delete(self, table: Table, id_: str, version: str) -> Result:
        """Deletes one row if it still has this version; one that is gone is `DONE`."""

    def annotate(self, table: Table, id_: str, note_id: str, title: str, text: str) -> Result:
        """Leaves a note on the timeline of one row, under an id of ours; one that stands there already is `DONE`."""

    def server_now(self) -> datetime:
        """The server's clock, as its answers tell it."""

    def clock_offset(self) -> timedelta:
        """The server's clock minus ours."""
