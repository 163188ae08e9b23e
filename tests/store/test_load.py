"""Pages go on speaking while a run stages many contacts."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import pytest
from connector.core.address import Address, Digester
from connector.core.restriction import Flag
from connector.core.said import Kind, Said
from connector.ports.crm import CrmRow
from connector.ports.store import StagedRecord, Store, Trigger
from connector.store.engine import Database
from connector.store.sql import open_store
from connector.testing.store_contract import SteppingClock
from connector.testing.store_contract.world import START

PAGE = 2_000


def _pages(store: Store, rows: int) -> list[list[StagedRecord]]:
    made = []
    for number in range(rows):
        address = Address(f"p{number}@example.com")
        flag = Flag.SET if number % 20 == 0 else Flag.CLEAR
        row = CrmRow(entity="Contact", id=f"003{number:012}", address=address, flag=flag)
        made.append(StagedRecord(row, address, store.digest(address)))
    return [made[start : start + PAGE] for start in range(0, rows, PAGE)]


def _posts(store: Store, count: int, staging: threading.Event) -> list[float]:
    """Seconds that each post took, spread over the staging; the last ones after it if it was too short."""
    times = []
    for number in range(count):
        address = Address(f"poster{number}@example.com")
        began = time.perf_counter()
        kind = Kind.STOP if number % 2 else Kind.ASK
        told = store.tell(Said(kind=kind, key=f"k{number}", at=START, source="page"), address, store.digest(address))
        times.append(time.perf_counter() - began)
        assert told
        if staging.is_set():
            time.sleep(0.01)
    return times


def _loaded(tmp_path: Path, digester: Digester, rows: int, posts: int) -> list[float]:
    database = Database(f"sqlite:///{tmp_path / 'connector.db'}")
    database.open(digester)
    clock = SteppingClock()
    staging, times = threading.Event(), []
    pages = _pages(open_store(database, "acme", digester, clock), rows)

    def stage() -> None:
        store = open_store(database, "acme", digester, clock)
        with store.begin(Trigger.COMMAND) as run:
            staging.set()
            # goes on until the posts are done, so that every one of them meets the load
            for page in itertools.chain(pages, itertools.cycle(pages)):
                store.stage_records(run, page)
                if not staging.is_set():
                    return

    runner = threading.Thread(target=stage)
    runner.start()
    staging.wait()
    try:
        times = _posts(open_store(database, "acme", digester, clock), posts, staging)
    finally:
        staging.clear()
        runner.join()
    store = open_store(database, "acme", digester, clock)
    assert store.verify() is None
    assert len(list(database_said(database))) == posts
    database.close()
    return sorted(times)


def database_said(database: Database) -> list[str]:
    """The keys in the inbox."""
    from sqlalchemy import text

    with database.reading() as connection:
        return list(connection.execute(text("SELECT key FROM inbox")).scalars())


def test_posts_under_load(tmp_path: Path, digester: Digester) -> None:
    """Posts during a load all arrive, and none waits a second."""
    assert _loaded(tmp_path, digester, 20_000, 20)[-1] < 1


@pytest.mark.prove
def test_a_hundred_posts(tmp_path: Path, digester: Digester) -> None:
    """Of 100 posts during a 200,000-contact load none fails, and 99 take less than a second."""
    assert _loaded(tmp_path, digester, 200_000, 100)[98] < 1
