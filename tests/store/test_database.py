"""Opening, migrating, copying: the database as a file."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from connector.core.address import Digester
from connector.core.errors import ConfigError, TransientError
from connector.core.policy import Policy
from connector.ports.store import Trigger
from connector.store.candidates import _query
from connector.store.engine import SCHEMA, Database
from connector.store.sql import open_store
from connector.store.tables import metadata
from connector.testing.store_contract import SteppingClock
from connector.testing.store_contract.world import record
from sqlalchemy import create_engine, text

OPEN = """
import sys
from connector.core.address import Digester
from connector.store.engine import Database
Database(sys.argv[1]).open(Digester(key=b"0123456789abcdef", key_id="1"))
print("alembic" in sys.modules)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that is not there yet."""
    return f"sqlite:///{tmp_path / 'new' / 'connector.db'}"


def _opened(url: str, digester: Digester) -> Database:
    database = Database(url)
    database.open(digester)
    return database


def _schema(path: Path) -> set[tuple[str, str, str]]:
    """Tables, indexes and columns, in one spelling."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    ours = [row for row in rows if not row[1].startswith(("sqlite_", "alembic_"))]
    return {(kind, name, re.sub(r"[\s\"]+", " ", sql).replace("( ", "(").strip()) for kind, name, sql in ours}


def test_migrated_is_fresh(url: str, tmp_path: Path, digester: Digester) -> None:
    """A migrated schema equals the one that the tables describe; the ledger's guards are all it has beside."""
    _opened(url, digester).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(engine)
    engine.dispose()
    migrated = {row for row in _schema(tmp_path / "new" / "connector.db") if row[0] != "trigger"}
    assert migrated == _schema(tmp_path / "fresh.db")


def test_alembic_stays_out(url: str) -> None:
    """Alembic is imported to make a database, and not to open one that is up to date."""
    told = [
        subprocess.run([sys.executable, "-c", OPEN, url], capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert told == ["True", "False"]


def test_newer_database(url: str, digester: Digester) -> None:
    """A database of a newer version is refused in one sentence and left alone."""
    database = _opened(url, digester)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer version"):
        database.open(digester)
    assert database.revision() == "9999"
    database.close()


def test_other_key(url: str, digester: Digester) -> None:
    """Another digest key than the installation's stops everything, and the right one goes on."""
    _opened(url, digester).close()
    database = Database(url)
    with pytest.raises(ConfigError, match="digest key"):
        database.open(Digester(key=b"another key here", key_id="1"))
    database.open(digester)
    database.close()


def test_pragmas(url: str, digester: Digester) -> None:
    """Every connection writes ahead, checks references, waits half a minute, and keeps 16 MB at most."""
    database = _opened(url, digester)
    names = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout", "cache_size")
    with database.reading() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]
    assert found[:4] == ["wal", 1, 1, 30000]
    assert -16000 <= int(found[4] or 0) < 0
    database.close()


def test_whole_or_not_at_all(url: str, digester: Digester) -> None:
    """A unit of work that fails leaves nothing."""
    database = _opened(url, digester)

    def fails() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO meta (name, value) VALUES ('a', 'b')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM meta WHERE name = 'a'")).scalar() == 0
    database.close()


def test_damaged(url: str, tmp_path: Path, digester: Digester) -> None:
    """A damaged file is for a person to mend; one that cannot be written may be writable later."""
    _opened(url, digester).close()
    path = tmp_path / "new" / "connector.db"
    database = Database(url)
    with pytest.raises(TransientError), database.reading() as connection:
        connection.execute(text("INSERT INTO nowhere (a) VALUES (1)"))
    database.close()
    path.write_bytes(b"no database at all, " * 1000)
    with pytest.raises(ConfigError, match="damaged"):
        Database(url).open(digester)


def test_backup(url: str, tmp_path: Path, digester: Digester, clock: SteppingClock) -> None:
    """A backup made while a run writes is a whole database of its own."""
    database = _opened(url, digester)
    store = open_store(database, "acme", digester, clock)
    with store.begin(Trigger.COMMAND) as run:
        store.stage_records(run, [record(store, "ann")])
        database.backup(tmp_path / "deep" / "copy.db")
        store.stage_records(run, [record(store, "bob")])
    copy = _opened(f"sqlite:///{tmp_path / 'deep' / 'copy.db'}", digester)
    assert open_store(copy, "acme", digester, clock).counts()["records"] == 1
    with pytest.raises(ConfigError, match="backup"):
        database.backup(tmp_path)
    copy.close()
    database.close()


def test_plans(url: str, digester: Digester) -> None:
    """No part of the search for candidates reads all records, however few or many there are."""
    database = _opened(url, digester)
    query, paths = _query(Policy())
    with database.reading() as connection:
        parameters = {"tenant": "acme", "faults": 0, **paths}
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"), parameters)]
    whole = [step for step in plan if re.search(r"(SCAN|SEARCH) (records|r|l|w|o)\b.*PRIMARY KEY \(tenant=\?\)", step)]
    assert any("records_changed" in step for step in plan)
    assert not whole
    assert not [step for step in plan if re.match(r"SCAN (records|r|words|w)\b", step)]
    database.close()


def test_revision(url: str, digester: Digester) -> None:
    """The code and its migrations agree on the newest revision."""
    database = _opened(url, digester)
    assert database.revision() == SCHEMA
    database.close()
