"""The lease of a tenant ends with the process that holds it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from connector.core.address import Digester
from connector.core.errors import ConflictError
from connector.ports.store import Ended, Trigger
from connector.store.engine import MEMORY, Database
from connector.store.sql import open_store
from connector.testing.store_contract import SteppingClock
from connector.testing.store_contract.world import record

HOLD = """
import sys, time
from connector.core.address import Digester
from connector.ports.store import Trigger
from connector.store.engine import Database
from connector.store.sql import open_store
from connector.testing.store_contract import SteppingClock
digester = Digester(key=b"0123456789abcdef", key_id="1")
database = Database(sys.argv[1])
database.open(digester)
with open_store(database, "acme", digester, SteppingClock(ids=iter(range(1000, 2000)))).begin(Trigger.SCHEDULE) as run:
    print(run.fence, flush=True)
    time.sleep(600)
"""


def test_ends_with_its_holder(tmp_path: Path, digester: Digester, clock: SteppingClock) -> None:
    """While another process holds the lease a run is refused; once that process was killed the next one begins."""
    url = f"sqlite:///{tmp_path / 'connector.db'}"
    database = Database(url)
    database.open(digester)
    store = open_store(database, "acme", digester, clock)
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        fence = int(holder.stdout.readline())
        with pytest.raises(ConflictError), store.begin(Trigger.COMMAND):
            pass
        holder.kill()
    with store.begin(Trigger.COMMAND) as run:
        assert run.fence == fence + 1
        assert [row.outcome for row in store.runs()] == [Ended.RUNNING, Ended.FAILED]
    database.close()


def test_in_memory_one_after_the_other(digester: Digester, clock: SteppingClock) -> None:
    """In memory, threads take turns: none sees another's unfinished work, and none is refused."""
    database = Database(MEMORY)
    database.open(digester)
    store = open_store(database, "acme", digester, clock)
    with store.begin(Trigger.COMMAND) as run:
        errors: list[BaseException] = []

        def stage(name: str) -> None:
            try:
                for number in range(20):
                    store.stage_records(run, [record(store, f"{name}{number}")])
                    store.counts()
            except BaseException as error:  # told to the test below
                errors.append(error)

        threads = [threading.Thread(target=stage, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.counts()["records"] == 80
    database.close()
