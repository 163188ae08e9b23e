"""Opening the database, migrated at first use, and the units of work in which it is read and written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from connector.core.address import Digester
from connector.core.errors import ConfigError, TransientError

SCHEMA = "0001"
"""The revision that this code works with; `store/migrations` makes it."""

MEMORY = "sqlite:///:memory:"


class Database:
    """One database, shared by every tenant of an installation."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. `url` is an SQLAlchemy URL."""
        self.url = url
        self.path = None if ":memory:" in url else Path(url.removeprefix("sqlite:///"))
        # The connection that came back last is taken first, so that few of them ever fill their caches.
        pool: dict[str, Any] = {"pool_size": 8, "max_overflow": 32, "pool_use_lifo": True}
        if self.path is None:
            # Everybody shares one connection, which must not be reset under somebody else's unit of work.
            pool = {"poolclass": StaticPool, "pool_reset_on_return": None}
        self.engine: Engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, **pool)
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        self.turn: AbstractContextManager[Any] = RLock() if self.path is None else nullcontext()
        """Held during every unit of work: in memory one connection serves all threads, one after the other."""
        self.leases: dict[str, Lock] = {}
        """The tenants' leases where there is no file to lock."""

    def open(self, digester: Digester) -> None:
        """Creates or migrates the schema where needed, and refuses a digest key that is not the installation's.

        Raises: `ConfigError`.
        """
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.revision() != SCHEMA:
            from connector.store.migrations import upgrade

            upgrade(self.engine)
        expected = digester.check_value()
        with self.reading() as connection:
            found = connection.execute(_KNOWN_KEY).scalar()
        if found is None:
            with self.writing() as connection:
                connection.execute(_REMEMBER_KEY, {"value": expected})
                found = connection.execute(_KNOWN_KEY).scalar()
        if found != expected:
            raise ConfigError(
                "The digest key is not the one this database was made with, so nobody in it would be recognised. "
                "Put the former key back in connector.yaml (digest_key)."
            )

    def revision(self) -> str | None:
        """The schema's revision, or None for an empty database."""
        with self.reading() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One unit of work that writes: whole or not at all.

        Raises: `TransientError` where the database is busy or full, `ConfigError` where its file is damaged.
        """
        with self.turn, _families(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look that never blocks a writer. Raises: as `writing`."""
        with self.turn, _families(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    @contextmanager
    def holding(self) -> Iterator[Connection]:
        """A connection for tables of its own, in short looks: commit each, and hold `turn` meanwhile."""
        with _families(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def backup(self, target: Path) -> None:
        """Copies the database while it is in use. Raises: `ConfigError` where the copy cannot be written."""
        with self.turn:
            source = self.engine.raw_connection()
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                copy = sqlite3.connect(target)
                try:
                    source.driver_connection.backup(copy)  # type: ignore[union-attr]  # sqlite3's own method
                finally:
                    copy.close()
            except (OSError, sqlite3.Error) as error:
                raise ConfigError(f"The backup could not be written to {target.name}: {error}.") from error
            finally:
                source.close()

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()


@contextmanager
def _families() -> Iterator[None]:
    """The driver's errors, typed by what to do next."""
    try:
        yield
    except OperationalError as error:
        raise TransientError(
            "The connector's own database is busy or cannot be written; nothing was lost, try again.",
            log=f"database: {error.orig}",
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise ConfigError(
            "The connector's own database is damaged. Restore its latest backup, with the journals left as they are.",
            log=f"database: {error.orig}",
        ) from error


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "synchronous=NORMAL",
        "cache_size=-4000",
        f"busy_timeout={_WAITED_MS}",
        # A load of many contacts dirties the same index pages again and again, so checkpoints are rare.
        "wal_autocheckpoint=8000",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Readers begin at once; writers ask for their turn every few milliseconds, for half a minute at most.

    SQLite's own waiting doubles its pauses up to a tenth of a second, and so misses the gaps that a busy writer leaves.
    """
    if connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN")
        return
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_ASKED_EVERY_MS}")
    try:
        for attempt in range(_WAITED_MS // _ASKED_EVERY_MS):
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt == _WAITED_MS // _ASKED_EVERY_MS - 1:
                    raise OperationalError("BEGIN IMMEDIATE", (), error) from error
            else:
                return
    finally:
        cursor.execute(f"PRAGMA busy_timeout={_WAITED_MS}")


_ASKED_EVERY_MS = 4
_WAITED_MS = 30_000


_KNOWN_KEY = text("SELECT value FROM meta WHERE name = 'digest_key'")
_REMEMBER_KEY = text("INSERT INTO meta (name, value) VALUES ('digest_key', :value) ON CONFLICT (name) DO NOTHING")
