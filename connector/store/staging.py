"""Looking: rows as read go into the mirror as *now*; what was agreed stays until a decision says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from threading import Event
from typing import Any

from sqlalchemy import Connection, text

from connector.core.action import Side
from connector.core.address import Address, Digest
from connector.core.restriction import ENTRY, Flag, Ref
from connector.core.view import Tick
from connector.ports.store import Run, StagedRecord, StagedWord
from connector.store.mirror import RECORD, WORD, record_rows, word_rows
from connector.store.part import Part
from connector.store.times import or_none, to_text

AT_ONCE = 10_000
"""Rows in one unit of work: about a tenth of a second, so that a page never waits long for its turn."""

_BY_DIGEST = itemgetter(3)
"""Rows go in by digest, so that the index is walked from one end to the other and not back and forth."""

_GAP = 0.006
"""Seconds: longer than what lies between two attempts of a writer who waits (`engine`)."""


class Staging(Part):
    """The mirror of both sides."""

    _missing_of: tuple[str, frozenset[str]] = ("", frozenset())
    _first_of: tuple[str, bool] = ("", False)
    _staged = 0
    _gap = Event()

    def stage_records(self, run: Run, rows: Sequence[StagedRecord]) -> None:
        """Into the mirror as *now*. Addresses are kept only where something may have to be done about them."""
        memo: dict[Any, str] = {}
        for start in range(0, len(rows), AT_ONCE):
            piece = rows[start : start + AT_ONCE]
            self._let_others_in(len(piece))
            with self._fenced(run) as connection:
                piece = self._gone_entries_found(connection, piece)
                parameters = record_rows(self.tenant, run.id, piece, memo, first=self._first(connection, run))
                # Of a record that was read twice the later reading counts, wherever its digest stands.
                latest = {row[1:3]: row for row in parameters}
                _many(connection, RECORD, sorted(latest.values(), key=_BY_DIGEST))
                self._keep(connection, [(s.digest, s.address) for s in self._worth_keeping(connection, run, piece)])
                self._mended(connection, piece)

    def stage_words(self, run: Run, rows: Sequence[StagedWord]) -> None:
        """What the platform says now; addresses are kept where it blocks."""
        memo: dict[Any, str] = {}
        for start in range(0, len(rows), AT_ONCE):
            piece = rows[start : start + AT_ONCE]
            self._let_others_in(len(piece))
            with self._fenced(run) as connection:
                _many(connection, WORD, word_rows(self.tenant, run.id, piece, memo))
                missing = self._missing(connection, run)
                self._keep(
                    connection, [(s.digest, s.address) for s in piece if s.row.word.blocks or s.digest in missing]
                )

    def _let_others_in(self, rows: int) -> None:
        """Leaves a gap in which waiting pages are served, before more than `AT_ONCE` rows were staged without one."""
        self._staged += rows
        if self._staged > AT_ONCE:
            self._staged = rows
            self._gap.wait(_GAP)

    def _first(self, connection: Connection, run: Run) -> bool:
        """Whether the mirror was empty before this run; asked once a run."""
        if self._first_of[0] != run.id:
            found = connection.execute(_ANY_RECORD, {"tenant": self.tenant}).scalar()
            self._first_of = (run.id, found is None)
        return self._first_of[1]

    def _worth_keeping(self, connection: Connection, run: Run, piece: Sequence[StagedRecord]) -> list[StagedRecord]:
        """Flagged or ticked ones, winners of a merge, and those whose digest has a stop or brings one along."""
        missing = self._missing(connection, run) | self._arriving(connection, piece)
        winners = {s.row.merged_into for s in piece if s.row.merged_into}
        left = self._left_a_list(connection, [s for s in piece if s.row.lists])
        return [
            s
            for s in piece
            if s.digest
            and s.address
            and (
                s.row.flag is Flag.SET
                or s.row.box
                or s.digest in missing
                or f"{s.row.entity}/{s.row.id}" in left
                or (winners and f"{s.row.entity}/{s.row.id}" in winners)
            )
        ]

    def _gone_entries_found(self, connection: Connection, piece: Sequence[StagedRecord]) -> Sequence[StagedRecord]:
        """An entry that is gone has no address any more: the mirror still knows whose it was, or nobody does."""
        gone = [s.row.id for s in piece if s.row.deleted and not s.digest and s.row.entity == ENTRY]
        if not gone:
            return piece
        found = connection.execute(_WHOSE, {"tenant": self.tenant, "entity": ENTRY, "ids": json.dumps(gone)}).all()
        whose = {row.id: row.digest for row in found}
        told = [s._replace(digest=Digest(whose[s.row.id])) for s in piece if s.row.id in whose and s.row.id in gone]
        return [s for s in piece if s.row.id not in gone] + told

    def _left_a_list(self, connection: Connection, piece: Sequence[StagedRecord]) -> frozenset[str]:
        """Records whose list field says something new: the platform has to be told, by address."""
        if not piece:
            return frozenset()
        refs = json.dumps([[s.row.entity, s.row.id] for s in piece])
        return frozenset(connection.execute(_LISTED, {"tenant": self.tenant, "refs": refs}).scalars())

    def _missing(self, connection: Connection, run: Run) -> frozenset[str]:
        """Digests that something stands against or is owed to, and whose address is not known; asked once a run."""
        if self._missing_of[0] != run.id:
            found = connection.execute(_MISSING, {"tenant": self.tenant}).scalars()
            self._missing_of = (run.id, frozenset(found))
        return self._missing_of[1]

    def _arriving(self, connection: Connection, piece: Sequence[StagedRecord]) -> frozenset[str]:
        """Digests to which a record of this piece has moved from one with a stop."""
        if connection.execute(_ANY_MOVED, {"tenant": self.tenant}).scalar() is None:
            return frozenset()
        refs = json.dumps([[s.row.entity, s.row.id] for s in piece])
        return frozenset(connection.execute(_ARRIVING, {"tenant": self.tenant, "refs": refs}).scalars())

    def _keep(self, connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
        self._keep_address(connection, [self._address(digest, address) for digest, address in pairs])

    def _mended(self, connection: Connection, piece: Sequence[StagedRecord]) -> None:
        """A row that reads well again leaves the quarantine."""
        if connection.execute(_ANY_REFUSED, {"tenant": self.tenant}).scalar() is not None:
            refs = json.dumps([f"{s.row.entity}/{s.row.id}" for s in piece if s.digest])
            connection.execute(_MENDED, {"tenant": self.tenant, "refs": refs})

    def _address(self, digest: str, address: str) -> dict[str, Any]:
        return {"tenant": self.tenant, "digest": digest, "address": address}

    def refused_rows(self, run: Run, side: Side, rows: Sequence[tuple[str, str]]) -> None:
        """Rows whose address cannot be one, into quarantine."""
        at = to_text(self._clock.now())
        values = [{"tenant": self.tenant, "side": side.value, "ref": ref, "why": why, "at": at} for ref, why in rows]
        with self._fenced(run) as connection:
            connection.execute(_REFUSED, values)

    def unticked(self) -> Sequence[Ref]:
        """Records whose box is set and whose tick nobody has looked up yet."""
        with self._database.reading() as connection:
            rows = connection.execute(_UNTICKED, {"tenant": self.tenant}).all()
        return [Ref(entity=row.entity, id=row.id) for row in rows]

    def stage_ticks(self, run: Run, ticks: Mapping[Ref, Tick]) -> None:
        """Who ticked."""
        values = [
            {
                "tenant": self.tenant,
                "entity": ref.entity,
                "id": ref.id,
                "tick": json.dumps({"by": tick.by, "at": or_none(tick.at), "allowed": tick.allowed}),
            }
            for ref, tick in ticks.items()
        ]
        if values:
            with self._fenced(run) as connection:
                connection.execute(_TICK, values)

    def to_look(self) -> Sequence[tuple[Digest, Address]]:
        """Addresses with an open request or a new ask: looked at singly, for a list proves no absence."""
        with self._database.reading() as connection:
            rows = connection.execute(_TO_LOOK, {"tenant": self.tenant}).all()
        return [(Digest(row.digest), Address(row.address)) for row in rows]

    def unread(self, run: Run) -> Sequence[tuple[Digest, Address]]:
        """After a reading of the whole CRM in this run: records that it did not show leave their clusters.

        Of entries that it did not show the addresses are given back, to be asked for singly: a list proves no absence.
        """
        key = {"tenant": self.tenant, "run": run.id, "entry": ENTRY}
        with self._fenced(run) as connection:
            connection.execute(_UNREAD_PEOPLE, key)
            rows = connection.execute(_UNREAD_ENTRIES, key).all()
        return [(Digest(row.digest), Address(row.address)) for row in rows]

    def looked(self, run: Run, digest: Digest, present: Sequence[Ref], elsewhere: bool | None) -> None:
        """A single look found exactly these records: others that the mirror has under the address left it."""
        key = {"tenant": self.tenant, "digest": digest, "run": run.id}
        with self._fenced(run) as connection:
            known = connection.execute(_KNOWN, key).all()
            gone = [r for r in known if Ref(entity=r.entity, id=r.id) not in present]
            for row in gone:
                left = _TAKEN_OFF if row.entity == ENTRY else _LEFT
                connection.execute(left, key | {"entity": row.entity, "id": row.id})
            said = None if elsewhere is None else "yes" if elsewhere else "no"
            connection.execute(_ELSEWHERE, key | {"elsewhere": said})


def _many(connection: Connection, statement: str, rows: list[tuple[object, ...]]) -> None:
    """The raw driver's executemany: SQLAlchemy's own is several times slower on the one hot path."""
    connection.connection.cursor().executemany(statement, rows)


_REFUSED = text(
    "INSERT INTO quarantine (tenant, side, ref, why, at) VALUES (:tenant, :side, :ref, :why, :at) "
    "ON CONFLICT (tenant, side, ref) DO UPDATE SET why = excluded.why"
)
_UNTICKED = text(
    "SELECT entity, id FROM records WHERE tenant = :tenant AND box = 1 AND deleted = 0"
    " AND agreed_box = 0 AND tick IS NULL AND digest <> '' ORDER BY entity, id"
)
_TICK = text("UPDATE records SET tick = :tick WHERE tenant = :tenant AND entity = :entity AND id = :id AND box = 1")
_TO_LOOK = text(
    "SELECT a.digest, a.address FROM addresses a WHERE a.tenant = :tenant AND a.digest IN ("
    " SELECT digest FROM requests WHERE tenant = :tenant AND open = 1"
    " UNION SELECT digest FROM inbox WHERE tenant = :tenant AND taken = 0 AND kind IN ('ask', 'confirm')"
    " UNION SELECT digest FROM records WHERE tenant = :tenant AND box = 1) ORDER BY a.digest"
)
_KNOWN = text("SELECT entity, id FROM records WHERE tenant = :tenant AND digest = :digest AND deleted = 0")
_LEFT = text(
    "UPDATE records SET digest = '', run = :run, changed = 0 WHERE tenant = :tenant AND entity = :entity AND id = :id"
)
_TAKEN_OFF = text(
    "UPDATE records SET flag = 'clear', deleted = 1, box = 0, run = :run, changed = 1"
    " WHERE tenant = :tenant AND entity = :entity AND id = :id"
)
_WHOSE = text(
    "SELECT id, digest FROM records WHERE tenant = :tenant AND entity = :entity AND digest <> ''"
    " AND id IN (SELECT value FROM json_each(:ids))"
)
_UNREAD_PEOPLE = text(
    "UPDATE records SET digest = '', changed = 0"
    " WHERE tenant = :tenant AND run <> :run AND entity <> :entry AND digest <> '' AND deleted = 0"
)
_UNREAD_ENTRIES = text(
    "SELECT r.digest, a.address FROM records r JOIN addresses a ON a.tenant = r.tenant AND a.digest = r.digest"
    " WHERE r.tenant = :tenant AND r.run <> :run AND r.entity = :entry AND r.deleted = 0 ORDER BY r.digest"
)
_ELSEWHERE = text(
    "INSERT INTO words (tenant, digest, elsewhere) VALUES (:tenant, :digest, :elsewhere) "
    "ON CONFLICT (tenant, digest) DO UPDATE SET elsewhere = excluded.elsewhere"
)
_MISSING = text(
    "SELECT x.digest FROM (SELECT digest FROM suppressions WHERE tenant = :tenant UNION"
    " SELECT digest FROM outbox WHERE tenant = :tenant AND state IN ('owed', 'aside', 'held')) x"
    " WHERE NOT EXISTS (SELECT 1 FROM addresses a WHERE a.tenant = :tenant AND a.digest = x.digest)"
)
_ANY_RECORD = text("SELECT 1 FROM records WHERE tenant = :tenant LIMIT 1")
_ANY_MOVED = text("SELECT 1 FROM records WHERE tenant = :tenant AND agreed_digest <> digest LIMIT 1")
_ARRIVING = text(
    "SELECT r.digest FROM json_each(:refs) j CROSS JOIN records r ON r.tenant = :tenant"
    " AND r.entity = json_extract(j.value, '$[0]') AND r.id = json_extract(j.value, '$[1]')"
    " WHERE r.agreed_digest <> r.digest AND EXISTS (SELECT 1 FROM suppressions s WHERE s.tenant = :tenant"
    " AND s.digest = r.agreed_digest)"
)
_LISTED = text(
    "SELECT r.entity || '/' || r.id FROM json_each(:refs) j CROSS JOIN records r ON r.tenant = :tenant"
    " AND r.entity = json_extract(j.value, '$[0]') AND r.id = json_extract(j.value, '$[1]')"
    " WHERE r.lists <> COALESCE(r.agreed_lists, '')"
)
_ANY_REFUSED = text("SELECT 1 FROM quarantine WHERE tenant = :tenant AND side = 'crm' LIMIT 1")
_MENDED = text(
    "DELETE FROM quarantine WHERE tenant = :tenant AND side = 'crm' AND ref IN (SELECT value FROM json_each(:refs))"
)
