"""Opening the database, migrated at first use, and the units of work in which it is read and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
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
        pool: dict[str, Any] = {"poolclass": StaticPool} if self.path is None else {"pool_size": 8, "max_overflow": 32}
        self.engine: Engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, **pool)
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)

    def open(self, digester: Digester) -> None:
        """Creates or migrates the schema where needed, and refuses a digest key that is not the installation's.

        Raises: `ConfigError`.
        """
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.revision() != SCHEMA:
            from connector.store.migrations import upgrade

            upgrade(self.engine)
        with self.writing() as connection:
            found = connection.execute(text("SELECT value FROM meta WHERE name = 'digest_key'")).scalar()
            if found is None:
                insert = text("INSERT INTO meta (name, value) VALUES ('digest_key', :value)")
                connection.execute(insert, {"value": digester.check_value()})
            elif found != digester.check_value():
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
        """One unit of work that writes: whole or not at all. Raises: `TransientError` where the database is busy."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(
                "The connector's own database is busy or cannot be written; nothing was lost, try again.",
                log=f"database: {error.orig}",
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look that never blocks a writer."""
        with self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def backup(self, target: Path) -> None:
        """Copies the database while it is in use. Raises: `ConfigError` where there is no file to copy."""
        if self.path is None:
            raise ConfigError("A database in memory has no backup.")
        import sqlite3

        target.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(self.path) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        copy.close()
        source.close()

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "synchronous=NORMAL",
        "cache_size=-16000",
        "busy_timeout=30000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
