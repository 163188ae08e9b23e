"""Doing: what is owed, and what an outcome means for the mirror, the ledger and the next attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text

from connector.core.action import BLOCKS, Deed, Side
from connector.core.address import Address, Digest
from connector.ports.adapter import Status
from connector.ports.answers import Aside, HeldDeed
from connector.ports.store import LiftRoom, Owed, Run, Settlement
from connector.store.agree import agree_done
from connector.store.bodies import action_from_row, request_to_text
from connector.store.ledger import Chain, without_addresses
from connector.store.many import execute_many
from connector.store.part import Part
from connector.store.times import from_text, or_none, to_text

_STATE = {Status.DONE: "done", Status.ASIDE: "aside", Status.LATER: "owed", Status.CONFLICT: "conflict"}
_FIRST_WAIT = {Status.LATER: timedelta(seconds=30), Status.ASIDE: timedelta(hours=1)}
_LONGEST_WAIT = timedelta(hours=24)


class Outbox(Part):
    """Owed deeds and their outcomes."""

    def owed(self, run: Run, phase: int, now: datetime, limit: int = 10_000) -> Sequence[Owed]:
        """Deeds of a phase that are due; of a request only those whose earlier deeds are settled."""
        key = {"tenant": self.tenant, "phase": phase, "now": to_text(now), "limit": limit}
        with self._database.reading() as connection:
            # one by one: the rows and what is made of them would be twice the memory
            return [_owed(row) for row in connection.execute(_OWED, key)]

    def sending(self, run: Run, keys: Sequence[str]) -> None:
        """Commits the intent to do what may not be repeated blindly: from here on a crash leaves it `begun`."""
        with self._fenced(run) as connection:
            execute_many(connection, _SENDING, [{"tenant": self.tenant, "key": key} for key in keys])

    def settle(self, run: Run, settled: Sequence[Settlement], now: datetime) -> None:
        """Outbox rows settled, the mirror agreed, the ledger told, in one transaction."""
        with self._fenced(run) as connection:
            chain = self._chain(connection, run.id)
            keys = {"tenant": self.tenant, "keys": [item.owed.action.key for item in settled]}
            aside = set(connection.execute(_ASIDE_BEFORE, keys).scalars())
            execute_many(connection, _SETTLE, [self._settled(item, now) for item in settled])
            for item in settled:
                self._one(connection, chain, item, told=item.owed.action.key in aside)
            agree_done(connection, self.tenant, settled, now)
            chain.close()

    def _settled(self, item: Settlement, now: datetime) -> dict[str, object]:
        outcome, attempts = item.outcome, item.owed.attempts + 1
        wait = _FIRST_WAIT.get(outcome.status)
        next_at = to_text(now + min(wait * 2 ** min(attempts - 1, 12), _LONGEST_WAIT)) if wait else ""
        if outcome.status is Status.ASIDE and item.owed.action.deed not in BLOCKS:
            next_at = ""
        return {
            "tenant": self.tenant,
            "key": item.owed.action.key,
            "state": _STATE[outcome.status],
            "attempts": attempts,
            "next_at": next_at,
            "settled_at": None if outcome.status is Status.LATER else to_text(now),
            "words": without_addresses(outcome.words)[:1000],
        }

    def _one(self, connection: Connection, chain: Chain, item: Settlement, *, told: bool) -> None:
        """One outcome. `told`: it was set aside before, which the ledger says only once."""
        action, outcome, digest = item.owed.action, item.outcome, item.owed.digest
        if outcome.status is Status.LATER:
            return
        values = {"key": action.key, "target": action.target, "request": action.request}
        because = outcome.words or action.because
        if outcome.status is not Status.ASIDE or not told:
            chain.append(digest, f"{action.deed.value}.{outcome.status.value}", because, values)
        if outcome.status is Status.ASIDE and action.deed in (Deed.RESTRICT, Deed.UNRESTRICT):
            _refuses(connection, self.tenant, action.target)
        if item.request is not None and item.event is not None:
            request = item.request
            row = {"tenant": self.tenant, "id": request.id, "state": request.state.value, "open": int(request.open)}
            confirmed = or_none(request.confirmed_at)
            connection.execute(_MOVE, row | {"body": request_to_text(request), "confirmed_at": confirmed})
            moved = {"request": request.id, "before": "", "after": request.state.value}
            chain.append(digest, f"request.{item.event.value}", "the mail left", moved)

    def lift_room(self, now: datetime) -> LiftRoom:
        """What the breaker counts."""
        key = {"tenant": self.tenant, "since": to_text(now - timedelta(hours=24))}
        with self._database.reading() as connection:
            row = connection.execute(_ROOM, key).one()
        return LiftRoom(confirmed=row.confirmed, other=row.other, suppressed=row.suppressed, unknown=row.unknown)

    def aside(self) -> Sequence[Aside]:
        """What was set aside: deeds that a side refuses, and rows whose address nobody can use."""
        with self._database.reading() as connection:
            rows = connection.execute(_ASIDE, {"tenant": self.tenant}).all()
        return [
            Aside(
                side=Side(row.side),
                target=row.target,
                deed=row.deed,
                digest=row.digest,
                words=row.words,
                attempts=row.attempts,
                next_at=from_text(row.next_at),
                key=row.key,
            )
            for row in rows
        ]

    def held(self) -> Sequence[HeldDeed]:
        """What the breaker holds."""
        with self._database.reading() as connection:
            rows = connection.execute(_HELD, {"tenant": self.tenant}).all()
        found = []
        for row in rows:
            since = from_text(row.intended_at)
            assert since is not None
            found.append(
                HeldDeed(
                    key=row.key,
                    digest=row.digest,
                    deed=row.deed,
                    target=row.target,
                    because=row.because,
                    since=since,
                )
            )
        return found

    def approve(self, keys: Sequence[str], by: str, reason: str) -> int:
        """Lets held lifts go; how many."""
        with self._database.writing() as connection:
            chain = self._chain(connection)
            count = 0
            for key in keys:
                row = connection.execute(_APPROVE, {"tenant": self.tenant, "key": key}).one_or_none()
                if row is not None:
                    count += 1
                    chain.append(row.digest, "lift.approved", f"approved by {by}: {reason}", {"key": key})
            chain.close()
        return count


def _owed(row: Any) -> Owed:
    moment = from_text(row.intended_at)
    assert moment is not None
    return Owed(
        action=action_from_row(row),
        digest=Digest(row.digest),
        address=Address(row.address or ""),
        attempts=row.attempts,
        intended_at=moment,
        begun=row.state == "sending",
    )


def _refuses(connection: Connection, tenant: str, target: str) -> None:
    entity, _, id_ = target.partition("/")
    connection.execute(
        text("UPDATE records SET refusing = 1 WHERE tenant = :tenant AND entity = :entity AND id = :id"),
        {"tenant": tenant, "entity": entity, "id": id_},
    )


_OWED = text(
    "SELECT o.*, a.address FROM outbox o LEFT JOIN addresses a ON a.tenant = o.tenant AND a.digest = o.digest"
    " WHERE o.tenant = :tenant AND o.phase = :phase AND (o.state IN ('owed', 'sending')"
    " OR (o.state = 'aside' AND o.next_at <> '')) AND o.next_at <= :now"
    " AND (o.side = 'crm' AND o.deed NOT IN ('create_record', 'unrestrict', 'add_entry', 'remove_entry')"
    " OR a.address IS NOT NULL)"
    " AND (o.request = '' OR o.deed = 'notice' OR NOT EXISTS (SELECT 1 FROM outbox e WHERE e.tenant = o.tenant"
    " AND e.request = o.request AND e.phase < o.phase AND e.state IN ('owed', 'sending', 'held')))"
    " AND (o.deed NOT IN ('unsuppress', 'unrestrict', 'remove_entry') OR NOT EXISTS (SELECT 1 FROM outbox b"
    " WHERE b.tenant = o.tenant AND b.digest = o.digest AND b.phase <= 1 AND b.state = 'owed'))"
    " ORDER BY o.intended_at, o.key LIMIT :limit"
)
_SENDING = text("UPDATE outbox SET state = 'sending' WHERE tenant = :tenant AND key = :key AND state = 'owed'")
_ASIDE_BEFORE = text("SELECT key FROM outbox WHERE tenant = :tenant AND state = 'aside' AND key IN :keys").bindparams(
    bindparam("keys", expanding=True)
)
_SETTLE = text(
    "UPDATE outbox SET state = :state, attempts = :attempts, next_at = :next_at, settled_at = :settled_at, "
    "words = :words WHERE tenant = :tenant AND key = :key"
)
_MOVE = text(
    "UPDATE requests SET state = :state, open = :open, body = :body, confirmed_at = :confirmed_at "
    "WHERE tenant = :tenant AND id = :id"
)
_STANDS = "(o.state IN ('owed', 'sending') OR (o.state = 'done' AND o.settled_at > :since))"
_LIFT = f"o.tenant = :tenant AND o.deed IN ('unsuppress', 'unrestrict', 'remove_entry') AND {_STANDS}"
_BY_PERSON = '(r.body LIKE \'%"confirmed_by": "by the %\')'
_UNKNOWN = f"o.tenant = :tenant AND o.kind = 'unknown' AND {_STANDS}"
_ROOM = text(
    "SELECT "  # noqa: S608  # constants
    f"(SELECT COUNT(DISTINCT o.digest) FROM outbox o JOIN requests r ON r.tenant = o.tenant AND r.id = o.request"
    f" WHERE {_LIFT} AND {_BY_PERSON}) AS confirmed, "
    f"(SELECT COUNT(DISTINCT o.digest) FROM outbox o LEFT JOIN requests r ON r.tenant = o.tenant AND r.id = o.request"
    f" WHERE {_LIFT} AND (r.id IS NULL OR NOT {_BY_PERSON})) AS other, "
    f"(SELECT COUNT(DISTINCT o.digest) FROM outbox o WHERE {_UNKNOWN}) AS unknown, "
    "(SELECT COUNT(DISTINCT digest) FROM suppressions WHERE tenant = :tenant AND scope = '*') AS suppressed"
)
_ASIDE = text(
    "SELECT side, target, deed, digest, words, attempts, next_at, key, intended_at AS at FROM outbox"
    " WHERE tenant = :tenant AND state = 'aside'"
    " UNION ALL SELECT side, ref, 'read', '', why, 1, '', '', at FROM quarantine WHERE tenant = :tenant"
    " ORDER BY at, key, target"
)
_HELD = text("SELECT * FROM outbox WHERE tenant = :tenant AND state = 'held' ORDER BY intended_at, key")
_APPROVE = text(
    "UPDATE outbox SET state = 'owed', approved = 1 WHERE tenant = :tenant AND key = :key AND state = 'held' "
    "RETURNING digest"
)
