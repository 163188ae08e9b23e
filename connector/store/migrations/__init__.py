"""How the schema came about, step by step; alembic is imported only when a step is due.

Never imports: anything but tables.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from connector.core.errors import ConfigError


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest revision, in one transaction.

    Raises: `ConfigError` for a database that a newer version of the connector has made.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            "The connector's database was made by a newer version of the connector than this. Install that one.",
            log=f"migration: {error}",
        ) from error
