"""One organization of 2011, 2013 or 2015: rows by the Organization Data Service, questions of its own by SOAP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.organization_calls import Calls
from connector.adapters.crm.dynamics.organization_metadata import Metadata
from connector.adapters.crm.dynamics.organization_reads import Reads
from connector.adapters.crm.dynamics.organization_service import Service
from connector.adapters.crm.dynamics.organization_writes import Writes
from connector.adapters.crm.dynamics.records import Table, Values
from connector.adapters.crm.dynamics.wire import Described, Piece, Result, Rights, Versioned, Write
from connector.core.address import Address

FRESH = 30.0
"""Seconds for which what the server's clock said is taken for what it says."""


class OrganizationData:
    """`wire.Organization` by the Organization Data Service."""

    def __init__(self, wire: Wire) -> None:
        calls = Calls(wire)
        self._wire, self._metadata = wire, Metadata(wire, Service(wire))
        self._reads = Reads(calls, self._metadata)
        self._writes = Writes(calls, self._metadata, self._reads)

    def organization(self) -> str:
        """The organization's id."""
        return self._metadata.who().organization

    def version(self) -> str:
        """The server's version."""
        return self._metadata.version()

    def solution(self, name: str) -> str:
        """The installed version of a solution, or empty."""
        return self._metadata.solution(name)

    def describe(self, table: Table) -> Described | None:
        """Table and columns, or None where there is no such table."""
        return self._metadata.describe(table)

    def rights(self, names: Sequence[str]) -> Rights:
        """Those of these privileges that this user has."""
        return self._metadata.rights(names)

    def changes(self, table: Table, mark: str, place: str) -> Iterator[Piece]:
        """Every row changed since `mark`, or what follows `place`."""
        return self._reads.changes(table, mark, place, self.server_now())

    def look(self, table: Table, addresses: Sequence[Address]) -> list[Versioned]:
        """The rows whose address column may hold one of these."""
        return self._reads.look(table, addresses)

    def holding(self, table: Table, column: str, addresses: Sequence[Address]) -> list[str]:
        """The texts of one column where it may hold one of these."""
        return self._reads.holding(table, column, addresses)

    def fetch(self, table: Table, id_: str, columns: Sequence[str]) -> Versioned | None:
        """One row as it is now, or None where it is gone."""
        return self._reads.fetch(table, id_, columns)

    def write(self, table: Table, writes: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """Writes rows unconditionally."""
        return self._writes.write(table, writes)

    def update(self, table: Table, id_: str, values: Values, version: str) -> Result:
        """Writes one row if it still has this version."""
        return self._writes.update(table, id_, values, version)

    def insert(self, table: Table, rows: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """Makes rows under ids of ours."""
        return self._writes.insert(table, rows)

    def delete(self, table: Table, id_: str, version: str) -> Result:
        """Deletes one row if it still has this version."""
        return self._writes.delete(table, id_, version)

    def annotate(self, table: Table, id_: str, note_id: str, title: str, text: str) -> Result:
        """Leaves a note on the timeline of one row."""
        return self._writes.annotate(table, id_, note_id, title, text)

    def server_now(self) -> datetime:
        """The server's clock, right to about half a second."""
        heard = self._wire.heard_at
        if heard is None or self._wire.clock.monotonic() - heard > FRESH:
            self._metadata.who(fresh=True)
        return self._wire.server_now()

    def clock_offset(self) -> timedelta:
        """The server's clock minus ours."""
        return self._wire.offset
