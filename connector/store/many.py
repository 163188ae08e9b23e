"""Many rows through one statement, by the driver itself: SQLAlchemy's own way takes several times as long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, TextClause


def execute_many(connection: Connection, statement: TextClause, rows: Sequence[Mapping[str, Any]]) -> int:
    """Runs a statement with `:name` parameters for every row, inside the unit of work; how many rows it changed."""
    if not rows:
        return 0
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(statement.text, rows)
        return int(cursor.rowcount)
    finally:
        cursor.close()
