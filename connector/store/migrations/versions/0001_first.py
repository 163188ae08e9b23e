"""The first schema."""

from __future__ import annotations

from alembic import op
from connector.store.statistics import tell_planner
from connector.store.tables import metadata
from sqlalchemy import text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes every table, and keeps the ledger from being rewritten."""
    connection = op.get_bind()
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER ledger_no_{deed.lower()} BEFORE {deed} ON ledger "
                    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
                )
            )
    tell_planner(connection)
