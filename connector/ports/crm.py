"""What the rules need from a CRM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, runtime_checkable

from connector.core.action import Value
from connector.core.address import Address
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag, Ref
from connector.core.view import Tick
from connector.ports.adapter import Finding, Outcome


class CrmRow(NamedTuple):
    """One record as read. A tuple, not a dataclass: a first sync makes one for every contact.

    An entry is told alike, with `restriction.ENTRY` as its entity: set while it stands, then deleted and clear.

    `address` is the raw text of the flag field (empty where there is none). `merged_into` is the winner's ref text,
    `moved_to` the ref text of the contact a lead became. `changed_at` is the CRM's own time, `flag_at` the time of the
    flag's last change where the CRM tells it.
    """

    entity: str
    id: str
    address: str
    flag: Flag
    changed_at: datetime | None = None
    flag_at: datetime | None = None
    deleted: bool = False
    merged_into: str = ""
    access: Access = Access.WRITABLE
    box: bool = False
    lists: Mapping[str, ListStatus] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmPage:
    """A piece of a read. `place` resumes a long read after this page; `cursor` stands on the last page alone.

    `complete` says that the read reached its end with this page; nothing else proves it.
    """

    rows: Sequence[CrmRow]
    place: str = ""
    cursor: str = ""
    complete: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordChange:
    """Values to write on one record, by our own names.

    Names: `restriction` (bool), `reason` (text), `since` and `request_date` (ISO 8601 times), `status` (text), `box`
    (bool), and `list:NAME` with a `ListStatus` value. A name the tenant's YAML maps to no field is left out.
    """

    key: str
    ref: Ref
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecord:
    """A person to create, once: `id` is ours and lets the CRM (or a look by address) refuse a second one."""

    key: str
    address: Address
    id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewNote:
    """A note to leave on a record, once: `key` stands in the note and is looked for before it is written."""

    key: str
    ref: Ref
    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEntry:
    """An address to put on the CRM's own list of suppressions, once: `id` is ours, as in `NewRecord`.

    Values: `reason` (text) and `since` (ISO 8601 time).
    """

    key: str
    address: Address
    id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRemoval:
    """An entry to take off that list. Values (`request_date`) are written on it first, where it has a field."""

    key: str
    ref: Ref
    values: Mapping[str, Value]


class Crm(Protocol):
    """One org. Every method raises only the five families; `RejectedError` never for a whole batch."""

    can: frozenset[str]

    def identity(self) -> str:
        """Which org this is (`salesforce:00D…`); two tenants on one are refused."""

    def check(self) -> Iterable[Finding]:
        """Rights, fields, versions, limits, clock: one finding each, and never a guess."""

    def clock_offset(self) -> timedelta:
        """The CRM's clock minus ours, measured from its own answers."""

    def changes(self, cursor: str, place: str = "") -> Iterator[CrmPage]:
        """Everything changed since `cursor` (all there is, for an empty one), page by page, in overlap if need be.

        The last page is `complete` and carries the new cursor. Raises `ConflictError` for a cursor or place that the
        CRM no longer takes: read from the start.
        """

    def look(self, addresses: Sequence[Address]) -> Sequence[CrmRow]:
        """Every record whose flag field holds one of these addresses, as it is now; entries likewise."""

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some record holds in any of its mail fields."""

    def ticks(self, refs: Sequence[Ref]) -> Mapping[Ref, Tick]:
        """Who ticked the request box of each record and whether that user holds the permission policy names."""

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, each record once, with an outcome for every key. Any number may be given."""

    def create(self, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        """Creates people; one that exists already is `done` with its ref."""

    def note(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Leaves notes; one whose key stands there already is `done`."""

    def close(self) -> None:
        """Gives back what is held."""


@runtime_checkable
class KeepsEntries(Protocol):
    """A CRM that `can` "entries": it has a list of suppressions of its own (Dynamics' Email suppressions)."""

    def enter(self, entries: Sequence[NewEntry]) -> Iterator[Outcome]:
        """Puts addresses on the list, an outcome for every key, with the entry's ref; one that stands is `done`."""

    def remove(self, removals: Sequence[EntryRemoval]) -> Iterator[Outcome]:
        """Takes entries off it, an outcome for every key; one that is gone is `done`, one that
        changed between its last look and its removal is `conflict`.

        Never repeated where its fate is unknown.
        """
