"""The platforms that the built-in adapter is seen through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from connector.adapters.esp.builtin import ADAPTER
from connector.adapters.esp.builtin.adapter import Builtin
from connector.core.address import Digester
from connector.core.policy import Policy
from connector.ports.adapter import Context
from connector.ports.platform import Platform
from connector.store.engine import MEMORY, Database
from connector.store.journal import Journal
from connector.store.platform import SqlPlatform
from connector.testing.esp_contract import LISTS
from connector.testing.memory_platform import MemoryPlatform
from connector.testing.store_contract.world import SteppingClock


@pytest.fixture
def clock() -> SteppingClock:
    """The platform's time."""
    return SteppingClock()


@pytest.fixture
def digester() -> Digester:
    """The installation's key."""
    return Digester(key=b"0123456789abcdef", key_id="1")


@pytest.fixture
def database(digester: Digester) -> Iterator[Database]:
    """A fresh database in memory."""
    database = Database(MEMORY)
    database.open(digester)
    yield database
    database.close()


@pytest.fixture(params=["memory", "store"])
def platform(
    request: pytest.FixtureRequest, clock: SteppingClock, digester: Digester, database: Database, tmp_path: Path
) -> Platform:
    """A tenant's platform: the one for tests, and the real one."""
    if request.param == "memory":
        return MemoryPlatform(clock=clock, digester=digester, lists=LISTS)
    return SqlPlatform(database, "acme", digester, clock, Journal(tmp_path / "acme.journal"), LISTS)


@pytest.fixture
def esp(platform: Platform, clock: SteppingClock) -> Builtin:
    """The platform as an ESP."""
    settings = ADAPTER.Settings(lists=list(LISTS))
    return ADAPTER.open(settings, Context(tenant="acme", clock=clock, policy=Policy(), platform=platform))
