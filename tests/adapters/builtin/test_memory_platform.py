"""The platform in memory keeps the same contract as the store's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connector.core.address import Digester
from connector.ports.platform import Platform
from connector.ports.store import Store
from connector.store.engine import Database
from connector.store.sql import open_store
from connector.testing.memory_platform import MemoryPlatform
from connector.testing.platform_contract import LISTS, PlatformContract
from connector.testing.store_contract import Case, SteppingClock


@pytest.fixture
def store(database: Database, digester: Digester, clock: SteppingClock) -> Store:
    """The tenant's memory."""
    return open_store(database, "acme", digester, clock)


@pytest.fixture
def case(store: Store, clock: SteppingClock) -> Iterator[Case]:
    """A run of the tenant."""
    case = Case(store, clock)
    yield case
    case.close()


@pytest.fixture
def platform(store: Store, digester: Digester, clock: SteppingClock) -> Platform:
    """The platform in memory, before the real house."""
    return MemoryPlatform(clock=clock, digester=digester, lists=LISTS, door=store)


class TestMemoryPlatform(PlatformContract):
    """In memory."""
