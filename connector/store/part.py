"""What every part of a tenant's store stands on: the database, the tenant, the clock, the journal, and the fence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from connector.core.address import Address, Digest, Digester
from connector.core.errors import ConflictError
from connector.ports.clock import Clock
from connector.ports.store import Run
from connector.store.engine import Database
from connector.store.journal import Journal
from connector.store.ledger import Chain


class Part:
    """One tenant in one database. `journal` is None where none is kept (in memory, in a scratch copy)."""

    def __init__(
        self, database: Database, tenant: str, digester: Digester, clock: Clock, journal: Journal | None
    ) -> None:
        self.tenant = tenant
        self._database = database
        self._digester = digester
        self._clock = clock
        self._journal = journal

    def digest(self, address: Address) -> Digest:
        """The digest of an address under the installation's key."""
        return self._digester(address)

    @contextmanager
    def _fenced(self, run: Run) -> Iterator[Connection]:
        """A unit of work that holds only while `run` holds the lease. Raises: `ConflictError`."""
        with self._database.writing() as connection:
            fence = connection.execute(
                text("SELECT fence FROM leases WHERE tenant = :tenant"), {"tenant": self.tenant}
            ).scalar()
            if fence != run.fence:
                raise ConflictError(f"Another run took over {self.tenant}; this one stopped without writing.")
            yield connection

    def _chain(self, connection: Connection, run: str = "") -> Chain:
        return Chain(connection, self.tenant, run, self._clock.now())

    def _keep_address(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        if rows:
            connection.execute(_KEEP, rows)


_KEEP = text(
    "INSERT INTO addresses (tenant, digest, address) VALUES (:tenant, :digest, :address) "
    "ON CONFLICT (tenant, digest) DO NOTHING"
)
