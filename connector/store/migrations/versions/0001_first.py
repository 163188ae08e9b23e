"""The first schema. Frozen: what changes later is another step."""

from __future__ import annotations

from typing import Any

from alembic import op
from connector.store.statistics import tell_planner
from sqlalchemy import Column, Integer, Text, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes every table, and keeps the ledger from being rewritten."""
    _mirror()
    _people()
    _platform()
    _accounts()
    _doing()
    _running()
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_no_{deed.lower()} BEFORE {deed} ON ledger "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
    tell_planner(connection)


def _mirror() -> None:
    _table(
        "records",
        *_keys("tenant", "entity", "id"),
        _text("digest"),
        _text("flag"),
        _maybe("agreed"),
        _maybe("agreed_digest"),
        _number("agreed_number"),
        _maybe("flag_at"),
        _maybe("agreed_flag_at"),
        _text("cause", "none"),
        _text("access", "writable"),
        *(_number(n) for n in ("refusing", "deleted", "agreed_deleted")),
        _text("merged_entity"),
        _text("merged_id"),
        _maybe("moved_at"),
        _number("box"),
        _number("agreed_box"),
        _maybe("tick"),
        _text("lists"),
        _maybe("agreed_lists"),
        _text("run"),
        _number("changed"),
        sqlite_with_rowid=False,
    )
    _index("records_digest", "records", "tenant", "digest", "flag", "deleted", "access")
    _index("records_changed", "records", "tenant", where="changed = 1")
    _index("records_moved", "records", "tenant", where="agreed_digest <> digest")
    _index("records_merged", "records", "tenant", "merged_entity", "merged_id", where="merged_id <> ''")
    _index("records_fault", "records", "tenant", where="cause = 'fault'")
    _index("records_box", "records", "tenant", where="box = 1")


def _people() -> None:
    _table(
        "words",
        *_keys("tenant", "digest"),
        _text("word", "absent"),
        _maybe("reason"),
        _maybe("since"),
        _text("raw"),
        _number("proven"),
        _text("lists"),
        *(_maybe(n) for n in ("agreed", "agreed_reason", "agreed_since")),
        _number("agreed_number"),
        _maybe("agreed_lists"),
        _maybe("elsewhere"),
        _text("run"),
        _number("changed"),
        sqlite_with_rowid=False,
    )
    _index("words_changed", "words", "tenant", where="changed = 1")
    _table(
        "suppressions",
        *_keys("tenant", "digest", "scope", "reason"),
        *(_text(n) for n in ("kind", "source", "since")),
        _number("timed"),
        *(_text(n) for n in ("word", "evidence")),
        sqlite_with_rowid=False,
    )
    _table("addresses", *_keys("tenant", "digest"), _text("address"), sqlite_with_rowid=False)
    _table("mails", *_keys("tenant", "digest", "key"), _text("at"))


def _platform() -> None:
    _table(
        "builtin_members",
        *_keys("tenant", "address"),
        _text("digest"),
        _number("seq"),
        _maybe("reason"),
        _maybe("since"),
        _number("proven"),
        _text("lists"),
    )
    _index("builtin_members_seq", "builtin_members", "tenant", "seq")
    _index("builtin_members_digest", "builtin_members", "tenant", "digest")


def _accounts() -> None:
    words = ("at", "run", "digest", "event", "because", "body", "hash")
    _table("ledger", *_keys("tenant"), _number_key("seq"), *(_text(n) for n in words))
    _index("ledger_digest", "ledger", "tenant", "digest")
    _table("heads", *_keys("tenant"), _number("seq"), _text("hash"), _number("unit"))
    _table(
        "requests",
        *_keys("tenant", "id"),
        _text("digest"),
        _text("state"),
        _number("open"),
        _number("seq"),
        _text("asked_at"),
        _maybe("confirmed_at"),
        _text("body"),
    )
    _index("requests_digest", "requests", "tenant", "digest")
    _index("requests_seq", "requests", "tenant", "seq")
    _index("requests_open", "requests", "tenant", where="open = 1")


def _doing() -> None:
    _table(
        "outbox",
        *_keys("tenant", "key"),
        _text("state"),
        _number("phase"),
        *(_text(n) for n in ("side", "deed", "digest", "target", "because", "request", "kind", "body")),
        _number("approved"),
        _number("attempts"),
        _text("intended_at"),
        _text("next_at"),
        _maybe("settled_at"),
        _text("words"),
    )
    _index("outbox_state", "outbox", "tenant", "state", "phase")
    _index("outbox_request", "outbox", "tenant", "request")
    _index("outbox_digest", "outbox", "tenant", "digest")
    _index("outbox_lifts", "outbox", "tenant", where="deed IN ('unsuppress', 'unrestrict')")
    _index("outbox_unknown", "outbox", "tenant", where="kind = 'unknown'")
    said = ("tenant", "key", "at", "kind", "digest", "body")
    _table("inbox", _number_key("seq"), *(_text(n) for n in said), _number("taken"), sqlite_autoincrement=True)
    _index("inbox_key", "inbox", "tenant", "key", unique=True)
    _index("inbox_waiting", "inbox", "tenant", where="taken = 0")


def _running() -> None:
    _table("meta", *_keys("name"), _text("value"))
    _table("cursors", *_keys("tenant", "side"), _text("value"), _text("place"))
    _table("identities", *_keys("tenant", "side"), _text("identity"))
    _table("leases", *_keys("tenant"), _number("fence"), _text("run"))
    told = ("started", "trigger", "outcome", "sentence", "counts")
    _table("runs", *_keys("tenant", "id"), *(_text(n) for n in told), _maybe("ended"))
    _index("runs_started", "runs", "tenant", "started")
    _table("quarantine", *_keys("tenant", "side", "ref"), _text("why"), _text("at"))


def _table(name: str, *columns: Column[Any], **options: bool) -> None:
    op.create_table(name, *columns, **options)


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    partial: dict[str, Any] = {"sqlite_where": text(where), "postgresql_where": text(where)} if where else {}
    op.create_index(name, table, list(columns), unique=unique, **partial)


def _keys(*names: str) -> list[Column[str]]:
    return [Column(name, Text, primary_key=True, nullable=False) for name in names]


def _number_key(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, nullable=False)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def _maybe(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))
