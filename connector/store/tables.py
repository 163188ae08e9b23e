"""Every table we remember things in. Times are ISO 8601 text in UTC with microseconds, so that they sort as text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()


def _text(name: str, *, null: bool = False, key: bool = False, default: str | None = "") -> Column[str]:
    standing = None if null or key or default is None else text(f"'{default}'")
    return Column(name, Text, primary_key=key, nullable=null, server_default=standing)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=False, server_default=None if key else text("0"))


meta = Table("meta", metadata, _text("name", key=True), _text("value"))
addresses = Table(
    "addresses",
    metadata,
    _text("tenant", key=True),
    _text("digest", key=True),
    _text("address"),
    sqlite_with_rowid=False,
)

records = Table(
    "records",
    metadata,
    *(_text(n, key=True) for n in ("tenant", "entity", "id")),
    _text("digest"),
    _text("flag"),
    _text("agreed", null=True),
    _text("agreed_digest", null=True),
    _number("agreed_number"),
    _text("flag_at", null=True),
    _text("agreed_flag_at", null=True),
    _text("cause", default="none"),
    _text("access", default="writable"),
    _number("refusing"),
    _number("deleted"),
    _number("agreed_deleted"),
    _text("merged_entity"),
    _text("merged_id"),
    _text("moved_at", null=True),
    _number("box"),
    _number("agreed_box"),
    _text("tick", null=True),
    _text("lists"),
    _text("agreed_lists", null=True),
    _text("run"),
    _number("changed"),
    sqlite_with_rowid=False,
)
Index("records_digest", *(records.c[n] for n in ("tenant", "digest", "flag", "deleted", "access")))


def _where(name: str, condition: str, *columns: Column[Any]) -> None:
    """An index over the few rows that a run looks for."""
    Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


_where("records_changed", "changed = 1", records.c.tenant)
_where("records_moved", "agreed_digest <> digest", records.c.tenant)
_where("records_merged", "merged_id <> ''", records.c.tenant, records.c.merged_entity, records.c.merged_id)
_where("records_fault", "cause = 'fault'", records.c.tenant)
_where("records_box", "box = 1", records.c.tenant)

words = Table(
    "words",
    metadata,
    _text("tenant", key=True),
    _text("digest", key=True),
    _text("word", default="absent"),
    _text("reason", null=True),
    _text("since", null=True),
    _text("raw"),
    _number("proven"),
    _text("lists"),
    _text("agreed", null=True),
    _text("agreed_reason", null=True),
    _text("agreed_since", null=True),
    _number("agreed_number"),
    _text("agreed_lists", null=True),
    _text("elsewhere", null=True),
    _text("run"),
    _number("changed"),
    sqlite_with_rowid=False,
)
_where("words_changed", "changed = 1", words.c.tenant)

suppressions = Table(
    "suppressions",
    metadata,
    *(_text(n, key=True) for n in ("tenant", "digest", "scope", "reason")),
    _text("kind"),
    _text("source"),
    _text("since"),
    _number("timed"),
    _text("word"),
    _text("evidence"),
    sqlite_with_rowid=False,
)

requests = Table(
    "requests",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("digest"),
    _text("state"),
    _number("open"),
    _number("seq"),
    _text("asked_at"),
    _text("confirmed_at", null=True),
    _text("body"),
)
Index("requests_digest", requests.c.tenant, requests.c.digest)
Index("requests_seq", requests.c.tenant, requests.c.seq)
_where("requests_open", "open = 1", requests.c.tenant)

mails = Table("mails", metadata, *(_text(n, key=True) for n in ("tenant", "digest", "key")), _text("at"))

ledger = Table(
    "ledger",
    metadata,
    _text("tenant", key=True),
    _number("seq", key=True),
    *(_text(n) for n in ("at", "run", "digest", "event", "because", "body", "hash")),
)
Index("ledger_digest", ledger.c.tenant, ledger.c.digest)
heads = Table("heads", metadata, _text("tenant", key=True), _number("seq"), _text("hash"), _number("unit"))

outbox = Table(
    "outbox",
    metadata,
    _text("tenant", key=True),
    _text("key", key=True),
    _text("state"),
    _number("phase"),
    _text("side"),
    _text("deed"),
    _text("digest"),
    _text("target"),
    _text("because"),
    _text("request"),
    _text("kind"),
    _text("body"),
    _number("approved"),
    _number("attempts"),
    _text("intended_at"),
    _text("next_at"),
    _text("settled_at", null=True),
    _text("words"),
)
Index("outbox_state", outbox.c.tenant, outbox.c.state, outbox.c.phase)
Index("outbox_request", outbox.c.tenant, outbox.c.request)
Index("outbox_digest", outbox.c.tenant, outbox.c.digest)
_where("outbox_lifts", "deed IN ('unsuppress', 'unrestrict')", outbox.c.tenant)
_where("outbox_unknown", "kind = 'unknown'", outbox.c.tenant)

inbox = Table(
    "inbox",
    metadata,
    _number("seq", key=True),
    *(_text(n) for n in ("tenant", "key", "at", "kind", "digest", "body")),
    _number("taken"),
    sqlite_autoincrement=True,
)
Index("inbox_key", inbox.c.tenant, inbox.c.key, unique=True)
_where("inbox_waiting", "taken = 0", inbox.c.tenant)

cursors = Table("cursors", metadata, _text("tenant", key=True), _text("side", key=True), _text("value"), _text("place"))
identities = Table("identities", metadata, _text("tenant", key=True), _text("side", key=True), _text("identity"))
leases = Table("leases", metadata, _text("tenant", key=True), _number("fence"), _text("run"))

runs = Table(
    "runs",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    *(_text(n) for n in ("started", "trigger", "outcome", "sentence", "counts")),
    _text("ended", null=True),
)
Index("runs_started", runs.c.tenant, runs.c.started)

quarantine = Table(
    "quarantine", metadata, *(_text(n, key=True) for n in ("tenant", "side", "ref")), _text("why"), _text("at")
)

builtin_members = Table(
    "builtin_members",
    metadata,
    _text("tenant", key=True),
    _text("address", key=True),
    _text("digest"),
    _number("seq"),
    _text("reason", null=True),
    _text("since", null=True),
    _number("proven"),
    _text("lists"),
)
Index("builtin_members_seq", builtin_members.c.tenant, builtin_members.c.seq)
Index("builtin_members_digest", builtin_members.c.tenant, builtin_members.c.digest)
