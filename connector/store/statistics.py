"""How large our tables are taken to be. SQLite's planner is told once, so that its plans never depend on the moment.

Without figures it takes the primary key for as good as an index over the few rows that changed, and reads a million.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

FIGURES = {
    ("records", "records"): "1000000 1000000 500000 1",
    ("records", "records_digest"): "1000000 1000000 1 1 1 1",
    ("records", "records_changed"): "100 100",
    ("records", "records_moved"): "10 10",
    ("records", "records_merged"): "1000 1000 1000 1",
    ("records", "records_fault"): "100 100",
    ("records", "records_box"): "10 10",
    ("words", "words"): "100000 100000 1",
    ("words", "words_changed"): "100 100",
    ("suppressions", "suppressions"): "50000 50000 1 1 1",
    ("addresses", "addresses"): "50000 50000 1",
    ("requests", "sqlite_autoindex_requests_1"): "10000 10000 1",
    ("requests", "requests_digest"): "10000 10000 2",
    ("requests", "requests_seq"): "10000 10000 1",
    ("requests", "requests_open"): "50 50",
    ("mails", "sqlite_autoindex_mails_1"): "10000 10000 2 1",
    ("outbox", "sqlite_autoindex_outbox_1"): "100000 100000 1",
    ("outbox", "outbox_digest"): "100000 100000 3",
    ("outbox", "outbox_state"): "100000 100000 200 50",
    ("outbox", "outbox_request"): "100000 100000 10",
    ("outbox", "outbox_lifts"): "1000 1000",
    ("outbox", "outbox_unknown"): "50 50",
    ("inbox", "inbox_key"): "10000 10000 1",
    ("inbox", "inbox_waiting"): "10 10",
    ("ledger", "sqlite_autoindex_ledger_1"): "500000 500000 1",
    ("ledger", "ledger_digest"): "500000 500000 5",
    ("builtin_members", "sqlite_autoindex_builtin_members_1"): "100000 100000 1",
    ("builtin_members", "builtin_members_digest"): "100000 100000 1",
    ("builtin_members", "builtin_members_seq"): "100000 100000 1",
}


def tell_planner(connection: Connection) -> None:
    """Writes the figures where SQLite's planner reads them; other databases count for themselves."""
    if connection.dialect.name != "sqlite":
        return
    connection.execute(text("ANALYZE meta"))
    connection.execute(text("DELETE FROM sqlite_stat1"))
    rows = [{"table": table, "index": index, "figures": figures} for (table, index), figures in FIGURES.items()]
    connection.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :figures)"), rows)
    connection.execute(text("ANALYZE sqlite_schema"))
