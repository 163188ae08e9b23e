"""Looking: rows as read go into the mirror as *now*; what was agreed stays until a decision says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from connector.core.action import Side
from connector.core.address import Address, Digest
from connector.core.lists import ListStatus
from connector.core.restriction import Flag, Ref
from connector.core.view import Tick, Word
from connector.ports.store import Run, StagedRecord, StagedWord
from connector.store.part import Part
from connector.store.times import or_none, to_text

AT_ONCE = 5_000
"""Rows in one unit of work: about a twentieth of a second, so that a page never waits long for its turn."""


class Staging(Part):
    """The mirror of both sides."""

    def stage_records(self, run: Run, rows: Sequence[StagedRecord]) -> None:
        """Into the mirror as *now*. Addresses are kept only where the flag or the box is set."""
        memo: dict[tuple[tuple[str, str], ...], str] = {}
        for start in range(0, len(rows), AT_ONCE):
            piece = rows[start : start + AT_ONCE]
            kept = [
                self._address(s.digest, s.address) for s in piece if s.digest and (s.row.flag != "clear" or s.row.box)
            ]
            parameters = [self._record(run.id, s, memo) for s in piece]
            with self._fenced(run) as connection:
                _many(connection, _RECORD, parameters)
                self._keep_address(connection, kept)

    def _record(self, run: str, staged: StagedRecord, memo: dict[Any, str]) -> tuple[object, ...]:
        row, _, digest = staged
        clear = row.flag is Flag.CLEAR
        lists = _lists(row.lists, memo) if row.lists else ""
        plain = not lists or "scribed" not in lists
        return (
            self.tenant,
            row.entity,
            row.id,
            digest,
            row.flag.value,
            "clear" if clear else None,
            digest,
            or_none(row.flag_at),
            row.access.value,
            int(row.deleted),
            row.merged_into,
            int(row.box),
            lists,
            lists if plain else None,
            run,
            int(not clear or row.box or not plain or row.deleted),
        )

    def stage_words(self, run: Run, rows: Sequence[StagedWord]) -> None:
        """What the platform says now; addresses are kept where it blocks."""
        memo: dict[tuple[tuple[str, str], ...], str] = {}
        for start in range(0, len(rows), AT_ONCE):
            piece = rows[start : start + AT_ONCE]
            kept = [self._address(s.digest, s.address) for s in piece if s.row.word.blocks]
            with self._fenced(run) as connection:
                _many(connection, _WORD, [self._word(run.id, s, memo) for s in piece])
                self._keep_address(connection, kept)

    def _word(self, run: str, staged: StagedWord, memo: dict[Any, str]) -> tuple[object, ...]:
        row = staged.row
        quiet = row.word in (Word.SUBSCRIBED, Word.ABSENT)
        lists = _lists(row.lists, memo) if row.lists else ""
        return (
            self.tenant,
            staged.digest,
            row.word.value,
            row.reason.value if row.reason else None,
            or_none(row.since),
            row.raw,
            int(row.proven),
            lists,
            row.word.value if row.word is Word.SUBSCRIBED else None,
            run,
            int(not quiet or bool(lists)),
        )

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

    def looked(self, run: Run, digest: Digest, present: Sequence[Ref], elsewhere: bool | None) -> None:
        """A single look found exactly these records: others that the mirror has under the address left it."""
        key = {"tenant": self.tenant, "digest": digest, "run": run.id}
        with self._fenced(run) as connection:
            known = connection.execute(_KNOWN, key).all()
            gone = [r for r in known if Ref(entity=r.entity, id=r.id) not in present]
            for row in gone:
                connection.execute(_LEFT, key | {"entity": row.entity, "id": row.id})
            said = None if elsewhere is None else "yes" if elsewhere else "no"
            connection.execute(_ELSEWHERE, key | {"elsewhere": said})


def _many(connection: Connection, statement: str, rows: list[tuple[object, ...]]) -> None:
    """The raw driver's executemany: SQLAlchemy's own is several times slower on the one hot path."""
    connection.connection.cursor().executemany(statement, rows)


def _lists(lists: Mapping[str, ListStatus], memo: dict[tuple[tuple[str, str], ...], str]) -> str:
    key = tuple(sorted((name, status.value) for name, status in lists.items()))
    text_ = memo.get(key)
    if text_ is None:
        text_ = memo[key] = json.dumps(dict(key), ensure_ascii=False)
    return text_


_RECORD = """
INSERT INTO records (tenant, entity, id, digest, flag, agreed, agreed_digest, flag_at, access, deleted, merged_into,
                     box, lists, agreed_lists, run, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, entity, id) DO UPDATE SET
  digest = excluded.digest, flag = excluded.flag, flag_at = excluded.flag_at, deleted = excluded.deleted,
  access = excluded.access, merged_into = excluded.merged_into, box = excluded.box, lists = excluded.lists,
  run = excluded.run, tick = CASE WHEN excluded.box = 1 AND records.box = 1 THEN records.tick END,
  changed = CASE WHEN excluded.flag IS NOT DISTINCT FROM records.agreed
      AND excluded.digest IS NOT DISTINCT FROM records.agreed_digest
      AND excluded.deleted = records.agreed_deleted AND excluded.box = records.agreed_box
      AND (excluded.lists IS NOT DISTINCT FROM records.agreed_lists)
      AND (excluded.flag_at IS NULL OR excluded.flag_at IS NOT DISTINCT FROM records.agreed_flag_at)
    THEN 0 ELSE 1 END
"""
_WORD = """
INSERT INTO words (tenant, digest, word, reason, since, raw, proven, lists, agreed, run, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, digest) DO UPDATE SET
  word = excluded.word, reason = excluded.reason, since = excluded.since, raw = excluded.raw,
  proven = excluded.proven, lists = excluded.lists, run = excluded.run,
  changed = CASE WHEN excluded.word IS NOT DISTINCT FROM words.agreed
      AND excluded.reason IS NOT DISTINCT FROM words.agreed_reason
      AND excluded.since IS NOT DISTINCT FROM words.agreed_since
      AND excluded.lists = COALESCE(words.agreed_lists, '')
    THEN 0 ELSE 1 END
"""
_REFUSED = text(
    "INSERT INTO quarantine (tenant, side, ref, why, at) VALUES (:tenant, :side, :ref, :why, :at) "
    "ON CONFLICT (tenant, side, ref) DO UPDATE SET why = excluded.why"
)
_UNTICKED = text(
    "SELECT entity, id FROM records WHERE tenant = :tenant AND changed = 1 AND box = 1 AND deleted = 0"
    " AND agreed_box = 0 AND tick IS NULL ORDER BY entity, id"
)
_TICK = text("UPDATE records SET tick = :tick WHERE tenant = :tenant AND entity = :entity AND id = :id AND box = 1")
_TO_LOOK = text(
    "SELECT a.digest, a.address FROM addresses a WHERE a.tenant = :tenant AND a.digest IN ("
    " SELECT digest FROM requests WHERE tenant = :tenant AND open = 1"
    " UNION SELECT digest FROM inbox WHERE tenant = :tenant AND taken = 0 AND kind IN ('ask', 'confirm')"
    " UNION SELECT digest FROM records WHERE tenant = :tenant AND changed = 1 AND box = 1) ORDER BY a.digest"
)
_KNOWN = text("SELECT entity, id FROM records WHERE tenant = :tenant AND digest = :digest AND deleted = 0")
_LEFT = text(
    "UPDATE records SET digest = '', run = :run, changed = 1 WHERE tenant = :tenant AND entity = :entity AND id = :id"
)
_ELSEWHERE = text(
    "INSERT INTO words (tenant, digest, elsewhere) VALUES (:tenant, :digest, :elsewhere) "
    "ON CONFLICT (tenant, digest) DO UPDATE SET elsewhere = excluded.elsewhere"
)
