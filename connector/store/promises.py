"""Promising: decisions are stored whole, in one transaction, before anything is done outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text

from connector.core.action import ANEW, Action
from connector.core.decision import Decision, FactKind
from connector.core.suppression import Reason, Suppression
from connector.core.view import Settled, View
from connector.ports.store import Run
from connector.store.bodies import request_to_text, to_json
from connector.store.ledger import Chain, without_addresses
from connector.store.many import execute_many
from connector.store.part import Part
from connector.store.times import or_none, to_text

_STOPS = (FactKind.ADDED, FactKind.RENEWED)


class Promises(Part):
    """From a decision to its rows."""

    def promise(
        self, run: Run, decided: Sequence[tuple[View, Decision]], now: datetime, hold: frozenset[str] = frozenset()
    ) -> None:
        """Stores decisions in one transaction; an action whose key is there already is not stored again."""
        with self._fenced(run) as connection:
            chain = self._chain(connection, run.id)
            self._write_down(connection, chain, _stops(decided))
            self._suppressions(connection, decided)
            self._requests(connection, decided)
            self._agree(connection, decided)
            for view, decision in decided:
                self._tell(chain, view, decision)
            self._unheld(connection, decided)
            self._outbox(connection, chain, decided, now, hold)
            heard = [{"tenant": self.tenant, "key": key} for _, d in decided for key in d.heard]
            if heard:
                execute_many(connection, _HEARD, heard)
            chain.close()

    def _suppressions(self, connection: Connection, decided: Sequence[tuple[View, Decision]]) -> None:
        """What the decided set says that the view's did not."""
        dropped, held = [], []
        for view, decision in decided:
            before = {s.key: s for s in view.suppressions}
            after = {s.key: s for s in decision.suppressions}
            dropped += [self._key(view.digest, s) for key, s in before.items() if key not in after]
            held += [self._held(view.digest, s) for key, s in after.items() if not _same(s, before.get(key))]
        if dropped:
            execute_many(connection, _DROP, dropped)
        if held:
            execute_many(connection, _HOLD, held)

    def _key(self, digest: str, s: Suppression) -> dict[str, object]:
        return {"tenant": self.tenant, "digest": digest, "scope": s.scope, "reason": s.reason.value}

    def _held(self, digest: str, s: Suppression) -> dict[str, object]:
        row = {"source": s.source, "since": to_text(s.since), "timed": int(s.timed), "word": without_addresses(s.word)}
        return self._key(digest, s) | row | {"evidence": s.evidence, "kind": s.kind.value}

    def _unheld(self, connection: Connection, decided: Sequence[tuple[View, Decision]]) -> None:
        """What the breaker held and nothing asks for any more is taken back."""
        stale = [
            {"tenant": self.tenant, "key": key}
            for view, decision in decided
            for key in _held_keys(view) - {action.key for action in decision.actions}
        ]
        if stale:
            execute_many(connection, _UNHELD, stale)

    def _requests(self, connection: Connection, decided: Sequence[tuple[View, Decision]]) -> None:
        changed = [(view.digest, request) for view, decision in decided for request in decision.requests]
        if not changed:
            return
        number = connection.execute(_LATEST_REQUEST, {"tenant": self.tenant}).scalar_one()
        rows = [
            {
                "tenant": self.tenant,
                "id": request.id,
                "digest": digest,
                "state": request.state.value,
                "open": int(request.open),
                "seq": seq,
                "asked_at": to_text(request.asked_at),
                "confirmed_at": or_none(request.confirmed_at),
                "body": request_to_text(request),
            }
            for seq, (digest, request) in enumerate(changed, number + 1)
        ]
        execute_many(connection, SAVE_REQUEST, rows)

    def _agree(self, connection: Connection, decided: Sequence[tuple[View, Decision]]) -> None:
        refs = [{"tenant": self.tenant, "entity": ref.entity, "id": ref.id} for _, d in decided for ref in d.agreed]
        if refs:
            execute_many(connection, _AGREE_RECORD, refs)
        words = [{"tenant": self.tenant, "digest": view.digest} for view, d in decided if d.agreed_esp]
        if words:
            execute_many(connection, _AGREE_WORD, words)

    def _tell(self, chain: Chain, view: View, decision: Decision) -> None:
        for fact in decision.facts:
            values: dict[str, Any] = dict(fact.values)
            if fact.suppression is not None:
                s = fact.suppression
                values |= {"scope": s.scope, "reason": s.reason.value, "source": s.source, "since": to_text(s.since)}
                values |= {"timed": s.timed, "word": s.word}
            chain.append(view.digest, fact.kind.value, fact.because, values)
        for move in decision.moves:
            values = {"request": move.request, "before": move.before.value, "after": move.after.value}
            chain.append(view.digest, f"request.{move.event.value}", move.because, values)

    def _outbox(
        self,
        connection: Connection,
        chain: Chain,
        decided: Sequence[tuple[View, Decision]],
        now: datetime,
        hold: frozenset[str],
    ) -> None:
        actions = [(view.digest, action) for view, decision in decided for action in decision.actions]
        if not actions:
            return
        keys = [action.key for _, action in actions]
        known = set(connection.execute(_KNOWN, {"tenant": self.tenant, "keys": keys}).scalars())
        execute_many(
            connection, _OWE, [self._owed(digest, action, now, action.key in hold) for digest, action in actions]
        )
        for digest, action in actions:
            if action.key not in known:
                values = {"key": action.key, "target": action.target, "request": action.request}
                chain.append(digest, f"{action.deed.value}.planned", action.because, values)

    def _owed(self, digest: str, action: Action, now: datetime, hold: bool) -> dict[str, object]:
        body = {"expects": action.expects, "values": dict(action.values)}
        return {
            "tenant": self.tenant,
            "key": action.key,
            "state": "held" if hold else "owed",
            "phase": action.phase,
            "side": action.side.value,
            "deed": action.deed.value,
            "digest": digest,
            "target": action.target,
            "because": action.because,
            "request": action.request,
            "kind": str(action.values.get("kind", "")),
            "body": to_json(body),
            "now": to_text(now),
        }

    def anew(self, run: Run) -> None:
        """Takes back every owed deed that is decided anew; what is still right will be promised again."""
        with self._fenced(run) as connection:
            connection.execute(_ANEW, {"tenant": self.tenant, "deeds": [deed.value for deed in ANEW]})


def _stops(decided: Sequence[tuple[View, Decision]]) -> list[tuple[str, str, Reason, datetime]]:
    return [
        (view.digest, s.scope, s.reason, s.since)
        for view, decision in decided
        for fact in decision.facts
        if fact.kind in _STOPS and (s := fact.suppression) is not None
    ]


def _same(one: Suppression, other: Suppression | None) -> bool:
    return one == other and other is not None and one.evidence == other.evidence


def _held_keys(view: View) -> set[str]:
    return {key for key, settled in view.settled.items() if settled is Settled.HELD}


_UNHELD = text("UPDATE outbox SET state = 'taken_back' WHERE tenant = :tenant AND key = :key AND state = 'held'")
_HEARD = text("UPDATE inbox SET taken = 1 WHERE tenant = :tenant AND key = :key")
_DROP = text(
    "DELETE FROM suppressions WHERE tenant = :tenant AND digest = :digest AND scope = :scope AND reason = :reason"
)
_HOLD = text(
    "INSERT INTO suppressions (tenant, digest, scope, reason, kind, source, since, timed, word, evidence) "
    "VALUES (:tenant, :digest, :scope, :reason, :kind, :source, :since, :timed, :word, :evidence) "
    "ON CONFLICT (tenant, digest, scope, reason) DO UPDATE SET source = excluded.source, since = excluded.since, "
    "timed = excluded.timed, word = excluded.word, evidence = excluded.evidence"
)
_LATEST_REQUEST = text("SELECT COALESCE(MAX(seq), 0) FROM requests WHERE tenant = :tenant")
SAVE_REQUEST = text(
    "INSERT INTO requests (tenant, id, digest, state, open, seq, asked_at, confirmed_at, body) "
    "VALUES (:tenant, :id, :digest, :state, :open, :seq, :asked_at, :confirmed_at, :body) "
    "ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, open = excluded.open, body = excluded.body, "
    "confirmed_at = excluded.confirmed_at"
)
_AGREE_RECORD = text(
    "UPDATE records SET agreed_number = agreed_number + (CASE WHEN flag IS DISTINCT FROM agreed "
    "OR lists <> COALESCE(agreed_lists, '') OR box <> agreed_box THEN 1 ELSE 0 END), "
    "cause = CASE WHEN flag IS DISTINCT FROM agreed THEN 'none' ELSE cause END, "
    "agreed = flag, agreed_flag_at = flag_at, agreed_digest = digest, agreed_deleted = deleted, agreed_box = box, "
    "agreed_lists = lists, changed = 0 WHERE tenant = :tenant AND entity = :entity AND id = :id"
)
_AGREE_WORD = text(
    "UPDATE words SET agreed_number = agreed_number + (CASE WHEN word IS DISTINCT FROM agreed "
    "OR lists <> COALESCE(agreed_lists, '') THEN 1 ELSE 0 END), "
    "agreed = word, agreed_reason = reason, agreed_since = since, agreed_lists = lists, changed = 0 "
    "WHERE tenant = :tenant AND digest = :digest"
)
_KNOWN = text("SELECT key FROM outbox WHERE tenant = :tenant AND key IN :keys").bindparams(
    bindparam("keys", expanding=True)
)
_OWE = text(
    "INSERT INTO outbox "
    "(tenant, key, state, phase, side, deed, digest, target, because, request, kind, body, intended_at) "
    "VALUES (:tenant, :key, :state, :phase, :side, :deed, :digest, :target, :because, :request, :kind, :body, :now) "
    "ON CONFLICT (tenant, key) DO UPDATE SET because = excluded.because, kind = excluded.kind, "
    "body = excluded.body, "
    "state = CASE WHEN outbox.approved = 1 THEN 'owed' ELSE excluded.state END "
    "WHERE outbox.state IN ('taken_back', 'cancelled', 'conflict')"
)
_ANEW = text(
    "UPDATE outbox SET state = 'taken_back' WHERE tenant = :tenant AND state = 'owed' AND deed IN :deeds"
).bindparams(bindparam("deeds", expanding=True))
