"""What the journal knows and the database has lost: after a crash between flush and commit, or after a restore."""

from __future__ import annotations

from sqlalchemy import Connection, text

from connector.core.action import ANEW, Value
from connector.core.suppression import KIND, Reason
from connector.store.journal import Journal, Stop
from connector.store.ledger import Chain


def catch_up(connection: Connection, tenant: str, chain: Chain, journal: Journal) -> int:
    """Takes in every stop of the journal's later units, inside the caller's unit of work; how many there were.

    One unit is what a crash between flush and commit leaves, for everybody who writes looks here first. More of them
    mean a restored database: what it takes for agreed, what it still owes of lifts and how far it read are then void.
    Raises: `ConfigError` where a journal is expected and there is none, or an older one.
    """
    lost = journal.after(chain.unit)
    if not lost:
        return 0
    restored = len({stop.unit for stop in lost}) > 1
    if restored:
        _void(connection, tenant)
    taken = [stop for stop in lost if connection.execute(_TAKE_IN, _row(tenant, stop)).rowcount]
    for stop in taken:
        because = "the journal knows this stop and the database had lost it"
        values: dict[str, Value] = {"scope": stop.scope, "reason": stop.reason, "since": stop.since}
        values |= {"source": "journal", "timed": True, "word": ""}
        chain.append(stop.digest, "suppression.added", because, values)
    why = "the database was restored: agreed values, owed lifts and cursors are void" if restored else "after a crash"
    chain.append("", "journal.recovered", why, {"stops": len(taken), "restored": restored})
    chain.unit = max(stop.unit for stop in lost)
    return len(taken)


def _void(connection: Connection, tenant: str) -> None:
    for statement in (_RECORDS, _WORDS, _CURSORS):
        connection.execute(statement, {"tenant": tenant})
    for deed in sorted(deed.value for deed in ANEW):
        connection.execute(_LIFTS, {"tenant": tenant, "deed": deed})


def _row(tenant: str, stop: Stop) -> dict[str, object]:
    row: dict[str, object] = {"tenant": tenant, "digest": stop.digest, "scope": stop.scope, "reason": stop.reason}
    return row | {"kind": KIND[Reason(stop.reason)].value, "since": stop.since}


_TAKE_IN = text(
    "INSERT INTO suppressions (tenant, digest, scope, reason, kind, source, since, timed, evidence) "
    "VALUES (:tenant, :digest, :scope, :reason, :kind, 'journal', :since, 1, 'journal') "
    "ON CONFLICT (tenant, digest, scope, reason) DO UPDATE SET source = excluded.source, since = excluded.since, "
    "timed = 1, word = '', evidence = excluded.evidence WHERE excluded.since > suppressions.since"
)
_RECORDS = text(
    "UPDATE records SET agreed = NULL, agreed_flag_at = NULL, changed = CASE WHEN digest = '' THEN 0 ELSE 1 END"
    " WHERE tenant = :tenant AND (flag = 'set' OR agreed = 'set')"
)
_WORDS = text(
    "UPDATE words SET agreed = NULL, agreed_reason = NULL, agreed_since = NULL, changed = 1"
    " WHERE tenant = :tenant AND (word IN ('suppressed', 'pending') OR agreed IN ('suppressed', 'pending'))"
)
_CURSORS = text("UPDATE cursors SET value = '', place = '' WHERE tenant = :tenant")
_LIFTS = text(
    "UPDATE outbox SET state = 'cancelled' WHERE tenant = :tenant AND state IN ('owed', 'held') AND deed = :deed"
)
