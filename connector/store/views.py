"""Everything known of some addresses, gathered by a few queries for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text

from connector.core.address import Digest
from connector.core.restriction import Access, Flag, Ref
from connector.core.resubscribe import Request
from connector.core.said import Said
from connector.core.suppression import ALL, Kind, Reason, Suppression
from connector.core.view import Arrival, Cause, Esp, Record, Settled, View, Word
from connector.ports.store import Run, Trigger
from connector.store.bodies import (
    lists_from_text,
    request_from_text,
    said_from_text,
    suppression_from_row,
    tick_from_text,
)
from connector.store.part import Part
from connector.store.times import from_text, to_text

_SETTLED = {
    "owed": Settled.OWED,
    "sending": Settled.OWED,
    "done": Settled.DONE,
    "aside": Settled.ASIDE,
    "held": Settled.HELD,
}


@dataclass(kw_only=True)
class _Known:
    """What the queries found, by digest."""

    records: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    esp: dict[str, tuple[Esp, bool | None]] = field(default_factory=dict)
    suppressions: dict[str, list[Suppression]] = field(default_factory=lambda: defaultdict(list))
    request: dict[str, Request] = field(default_factory=dict)
    confirmed: dict[str, datetime] = field(default_factory=dict)
    said: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    settled: dict[str, dict[str, Settled]] = field(default_factory=lambda: defaultdict(dict))
    mails: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    arrivals: dict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    unsettled: set[str] = field(default_factory=set)


class Views(Part):
    """Building views."""

    def view(self, digest: Digest, now: datetime, run: Run | None = None) -> View:
        """All that is known of one address, as if both sides had just been read to their ends."""
        return next(self._views([digest], now, run, True, True))

    def _views(
        self, digests: Sequence[str], now: datetime, run: Run | None, crm_complete: bool, esp_complete: bool
    ) -> Iterator[View]:
        with self._database.reading() as connection:
            known = _gather(connection, self.tenant, digests, now, run.id if run else "")
        woken = run is not None and run.trigger is Trigger.INBOX
        for digest in digests:
            esp, elsewhere = known.esp.get(digest, (Esp(), None))
            yield View(
                tenant=self.tenant,
                digest=digest,
                records=tuple(known.records[digest]),
                esp=esp,
                suppressions=tuple(known.suppressions[digest]),
                request=known.request.get(digest),
                said=tuple(known.said[digest]),
                arrivals=tuple(known.arrivals[digest]),
                settled=known.settled[digest],
                mails=tuple(known.mails[digest]),
                last_confirmed_at=known.confirmed.get(digest),
                crm_complete=crm_complete,
                esp_complete=esp_complete,
                settles_moves=digest not in known.unsettled,
                lifts_restrictions=not woken,
                elsewhere=elsewhere,
            )


def _gather(connection: Connection, tenant: str, digests: Sequence[str], now: datetime, run: str) -> _Known:
    known = _Known()

    def rows(query: str, **more: object) -> Any:
        statement = text(query).bindparams(bindparam("digests", expanding=True))
        return connection.execute(statement, {"tenant": tenant, "digests": list(digests), **more})

    where = "WHERE tenant = :tenant AND digest IN :digests"
    for row in rows(f"SELECT * FROM records {where} ORDER BY entity, id"):  # noqa: S608  # constants
        known.records[row.digest].append(_record(row, run))
    for row in rows(f"SELECT * FROM words {where}"):  # noqa: S608  # constants
        known.esp[row.digest] = (_esp(row, run), None if row.elsewhere is None else row.elsewhere == "yes")
    for row in rows(f"SELECT * FROM suppressions {where} ORDER BY scope, reason"):  # noqa: S608  # constants
        known.suppressions[row.digest].append(suppression_from_row(row))
    for row in rows(f"SELECT * FROM requests {where} ORDER BY seq"):  # noqa: S608  # constants
        known.request[row.digest] = request_from_text(row.body)
        confirmed = from_text(row.confirmed_at)
        if confirmed:
            known.confirmed[row.digest] = max(confirmed, known.confirmed.get(row.digest, confirmed))
    for row in rows(f"SELECT digest, body FROM inbox {where} AND taken = 0 ORDER BY seq"):  # noqa: S608  # constants
        known.said[row.digest].append(said_from_text(row.body))
    since = to_text(now - timedelta(days=30))
    for row in rows(f"SELECT digest, at FROM mails {where} AND at > :since ORDER BY at", since=since):  # noqa: S608  # constants
        moment = from_text(row.at)
        assert moment is not None
        known.mails[row.digest].append(moment)
    for row in rows(f"SELECT digest, key, state, request FROM outbox {where}"):  # noqa: S608  # constants
        latest = known.request.get(row.digest)
        ours = row.state != "done" if not row.request else latest and latest.id == row.request
        if ours and row.state in _SETTLED:
            known.settled[row.digest][row.key] = _SETTLED[row.state]
    _arrivals(known, rows)
    return known


def _record(row: Any, run: str) -> Record:
    return Record(
        ref=Ref(entity=row.entity, id=row.id),
        flag=Flag(row.flag),
        agreed=Flag(row.agreed) if row.agreed else None,
        agreed_number=row.agreed_number,
        flag_at=from_text(row.flag_at),
        agreed_flag_at=from_text(row.agreed_flag_at),
        cause=Cause(row.cause),
        access=Access.REFUSING if row.refusing and row.access == "writable" else Access(row.access),
        deleted=bool(row.deleted),
        fresh=bool(run) and row.run == run,
        moved=row.agreed_digest not in (None, "", row.digest),
        gone=row.deleted != row.agreed_deleted,
        box=bool(row.box),
        agreed_box=bool(row.agreed_box),
        tick=tick_from_text(row.tick),
        lists=lists_from_text(row.lists),
        agreed_lists=lists_from_text(row.agreed_lists),
    )


def _esp(row: Any, run: str) -> Esp:
    return Esp(
        word=Word(row.word),
        reason=Reason(row.reason) if row.reason else None,
        since=from_text(row.since),
        raw=row.raw,
        proven=bool(row.proven),
        agreed=Word(row.agreed) if row.agreed else None,
        agreed_reason=Reason(row.agreed_reason) if row.agreed_reason else None,
        agreed_since=from_text(row.agreed_since),
        agreed_number=row.agreed_number,
        fresh=bool(run) and row.run == run,
        lists=lists_from_text(row.lists),
        agreed_lists=lists_from_text(row.agreed_lists),
    )


def _arrivals(known: _Known, rows: Any) -> None:
    """Wishes that come along with a record from its former address, or with a merged one from the loser's."""
    wishes: dict[tuple[str, str, str, bool, str | None], set[Suppression]] = defaultdict(set)
    for query, merged in ((_MOVED, False), (_MERGED, True)):
        for row in rows(query):
            if row.scope == ALL and row.kind == Kind.WISH.value:
                key = (row.to_digest, f"{row.entity}/{row.id_}", row.digest, merged, row.moved_at)
                wishes[key].add(suppression_from_row(row))
    for (digest, ref, _, merged, moved_at), found in wishes.items():
        arrival = Arrival(ref=Ref.parse(ref), wishes=frozenset(found), moved_at=from_text(moved_at), merged=merged)
        known.arrivals[digest].append(arrival)
    known.unsettled.update(rows(_UNSETTLED).scalars())


_MOVED = (
    "SELECT r.digest AS to_digest, r.entity, r.id AS id_, r.moved_at, s.* FROM records r JOIN suppressions s"
    " ON s.tenant = r.tenant AND s.digest = r.agreed_digest"
    " WHERE r.tenant = :tenant AND r.digest IN :digests AND r.agreed_digest <> r.digest AND r.deleted = 0"
)
_MERGED = (
    "SELECT w.digest AS to_digest, w.entity, w.id AS id_, l.moved_at, s.* FROM records w JOIN records l"
    " ON l.tenant = w.tenant AND l.merged_entity = w.entity AND l.merged_id = w.id AND l.merged_id <> ''"
    " JOIN suppressions s ON s.tenant = l.tenant AND s.digest = l.digest"
    " WHERE w.tenant = :tenant AND w.digest IN :digests AND w.digest <> l.digest"
)
_UNSETTLED = (
    "SELECT r.digest FROM records r WHERE r.tenant = :tenant AND r.digest IN :digests AND r.agreed_digest <> r.digest"
    " AND (EXISTS (SELECT 1 FROM words w WHERE w.tenant = r.tenant AND w.digest = r.agreed_digest AND w.changed = 1"
    " AND w.word = 'suppressed')"
    " OR EXISTS (SELECT 1 FROM inbox i WHERE i.tenant = r.tenant AND i.digest = r.agreed_digest AND i.taken = 0"
    " AND i.kind IN ('stop', 'complaint'))"
    " OR EXISTS (SELECT 1 FROM records o WHERE o.tenant = r.tenant AND o.digest = r.agreed_digest AND o.changed = 1"
    " AND o.flag = 'set' AND COALESCE(o.agreed, '') <> 'set' AND o.agreed_digest = o.digest))"
)
"""Records whose former address has a stop that no decision took in yet."""
