"""One tenant's whole memory, put together from its parts, and the scratch copy that a dry run works on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.core.address import Digester
from connector.ports.clock import Clock
from connector.ports.store import Store
from connector.store.answers import Answers
from connector.store.candidates import Candidates
from connector.store.cursors import Cursors
from connector.store.engine import Database
from connector.store.inbox import Inbox
from connector.store.journal import Journal
from connector.store.leases import Leases
from connector.store.outbox import Outbox
from connector.store.promises import Promises
from connector.store.staging import Staging


class SqlStore(Leases, Cursors, Staging, Inbox, Candidates, Promises, Outbox, Answers):
    """`ports.store.Store` over SQLAlchemy."""

    @contextmanager
    def scratch(self) -> Iterator[Store]:
        """A store laid over a copy of this one; what it learns is thrown away."""
        with tempfile.TemporaryDirectory(prefix="connector-plan-") as folder:
            target = Path(folder) / "scratch.db"
            self._database.backup(target)
            copy = Database(f"sqlite:///{target}")
            try:
                yield SqlStore(copy, self.tenant, self._digester, self._clock, None)
            finally:
                copy.close()

    def close(self) -> None:
        """Nothing of its own: the database belongs to the installation."""


def open_store(database: Database, tenant: str, digester: Digester, clock: Clock) -> SqlStore:
    """One tenant's store over an opened database; its journal stands beside the database file."""
    journal = None if database.path is None else Journal(Path(f"{database.path}.{tenant}.journal"))
    return SqlStore(database, tenant, digester, clock, journal)
