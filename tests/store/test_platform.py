"""Our own e-mail platform keeps its contract, and writes stops down before it acknowledges them."""

from __future__ import annotations

from pathlib import Path

import pytest
from connector.core.address import Digester
from connector.core.token import LinkDeed
from connector.ports.platform import Platform
from connector.ports.store import Store
from connector.store.engine import Database
from connector.store.journal import Journal
from connector.store.platform import SqlPlatform
from connector.testing.platform_contract import ANN, LISTS, PlatformContract
from connector.testing.store_contract import SteppingClock
from connector.testing.store_contract.world import START


def _journal(database: Database) -> Journal | None:
    return Journal(Path(f"{database.path}.acme.journal")) if database.path else None


@pytest.fixture
def platform(database: Database, digester: Digester, clock: SteppingClock) -> Platform:
    """The tenant's platform."""
    return SqlPlatform(database, "acme", digester, clock, _journal(database), LISTS)


class TestPlatform(PlatformContract):
    """In memory and in a file."""

    def test_written_down(self, platform: Platform, store: Store, database: Database) -> None:
        """A stop and a complaint stand in the journal once the button has answered."""
        journal = _journal(database)
        if journal is None:
            return
        platform.submit(ANN, frozenset(), START, "")
        assert journal.last() == 0
        platform.unsubscribe(self.link(store, LinkDeed.UNSUBSCRIBE), START)
        platform.reject(self.link(store, LinkDeed.ABUSE), START)
        assert [(s.unit, s.digest, s.reason) for s in journal.after(0)] == [
            (1, store.digest(ANN), "unsubscribed"),
            (2, store.digest(ANN), "abuse"),
        ]
