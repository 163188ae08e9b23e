"""The implementations that the contracts run over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from connector.core.address import Digester
from connector.ports.store import Store
from connector.store.engine import MEMORY, Database
from connector.store.sql import open_store
from connector.testing.store_contract import Case, SteppingClock


@pytest.fixture
def digester() -> Digester:
    """The installation's key."""
    return Digester(key=b"0123456789abcdef", key_id="1")


@pytest.fixture
def clock() -> SteppingClock:
    """The time of both stores."""
    return SteppingClock()


@pytest.fixture(params=["memory", "file"])
def database(request: pytest.FixtureRequest, tmp_path: Path, digester: Digester) -> Iterator[Database]:
    """An installation's database, fresh."""
    database = Database(MEMORY if request.param == "memory" else f"sqlite:///{tmp_path / 'connector.db'}")
    database.open(digester)
    yield database
    database.close()


@pytest.fixture
def store(database: Database, digester: Digester, clock: SteppingClock) -> Store:
    """The tenant under test."""
    return open_store(database, "acme", digester, clock)


@pytest.fixture
def neighbour(database: Database, digester: Digester, clock: SteppingClock) -> Store:
    """Another tenant of the same installation."""
    return open_store(database, "other", digester, clock)


@pytest.fixture
def case(store: Store, clock: SteppingClock) -> Iterator[Case]:
    """A run of the tenant under test."""
    case = Case(store, clock)
    yield case
    case.close()
