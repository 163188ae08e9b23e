"""What every part of a tenant's store stands on: the database, the tenant, the clock, the journal, and the fence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connector.core.address import Address, Digest, Digester
from connector.core.errors import ConflictError
from connector.core.suppression import Reason
from connector.ports.clock import Clock
from connector.ports.store import Run
from connector.store.engine import Database
from connector.store.journal import Journal, Stop
from connector.store.ledger import Chain
from connector.store.many import execute_many
from connector.store.recovery import catch_up
from connector.store.times import to_text


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
        self._kept_addresses = False

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

    def _catch_up(self, connection: Connection, chain: Chain) -> int:
        """The journal's word before ours: whoever writes a stop looks whether the database has lost one."""
        return catch_up(connection, self.tenant, chain, self._journal) if self._journal is not None else 0

    def _write_down(
        self, connection: Connection, chain: Chain, stops: Sequence[tuple[str, str, Reason, datetime]]
    ) -> None:
        """Stops (digest, scope, reason, since) into the journal, as one unit, flushed before the caller commits."""
        if self._journal is None or not stops:
            return
        self._catch_up(connection, chain)
        chain.unit += 1
        self._journal.append(
            Stop(chain.unit, digest, scope, reason.value, to_text(since)) for digest, scope, reason, since in stops
        )

    def _keep_address(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        if rows:
            kept = execute_many(connection, _KEEP, rows)
            self._kept_addresses = self._kept_addresses or kept != 0


_KEEP = text(
    "INSERT INTO addresses (tenant, digest, address) VALUES (:tenant, :digest, :address) "
    "ON CONFLICT (tenant, digest) DO NOTHING"
)
