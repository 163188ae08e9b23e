"""The rows of the mirror and their upserts: what is new beside what was agreed. The one hot path of a first sync.

A row read as clear for the first time is agreed at once; what else is new is marked `changed` until a decision
agrees to it. What nobody can read changes nothing, and a record without an address waits until it has one. A moment
read twice differs by the error of the clocks (`core.agreeing.MEASURED`), so times within 58 seconds are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag
from connector.core.view import Word
from connector.ports.store import StagedRecord, StagedWord
from connector.store.ledger import without_addresses
from connector.store.times import or_none

Row = tuple[object, ...]


def record_rows(
    tenant: str, run: str, staged: Sequence[StagedRecord], memo: dict[Any, str], *, first: bool = False
) -> list[Row]:
    """The parameters of `RECORD`. Most rows are clear and nothing else, so these are told first.

    `first`: the mirror was empty before this run, so that no row can have moved.
    """
    rows: list[Row] = []
    clear, writable = Flag.CLEAR, Access.WRITABLE
    for row, _, digest in staged:
        entity, id_, _, flag, changed_at, flag_at, deleted, merged, access, box, lists = row
        moved_at = None if first and not merged else or_none(changed_at)
        if flag is clear and access is writable and not (flag_at or deleted or merged or box or lists):
            rows.append(
                (tenant, entity, id_, digest, "clear", "clear", digest, None, None, "writable", 0, 0, "", "", moved_at,
                 0, "", "", run, 0)
            )  # fmt: skip
        else:
            rows.append(_other_row(tenant, run, row, digest, moved_at, memo))
    return rows


def _other_row(tenant: str, run: str, row: Any, digest: str, moved_at: str | None, memo: dict[Any, str]) -> Row:
    clear = row.flag is Flag.CLEAR
    flag_at = or_none(row.flag_at)
    entity, _, id_ = row.merged_into.partition("/")
    lists = lists_to_text(row.lists, memo) if row.lists else ""
    plain = "scribed" not in lists
    news = row.flag is Flag.SET or row.box or not plain or (row.deleted and not clear)
    return (
        tenant,
        row.entity,
        row.id,
        digest,
        row.flag.value,
        "clear" if clear else None,
        digest,
        flag_at,
        flag_at if clear else None,
        row.access.value,
        int(row.deleted),
        int(row.deleted and clear),
        entity,
        id_,
        moved_at,
        int(row.box),
        lists,
        lists if plain else None,
        run,
        int(bool(news and digest)),
    )


def word_rows(tenant: str, run: str, staged: Sequence[StagedWord], memo: dict[Any, str]) -> list[Row]:
    """The parameters of `WORD`."""
    return [_word_row(tenant, run, s.row, s.digest, memo) for s in staged]


def _word_row(tenant: str, run: str, row: Any, digest: str, memo: dict[Any, str]) -> Row:
    lists = lists_to_text(row.lists, memo) if row.lists else ""
    plain = "unsubscribed" not in lists and "unreadable" not in lists
    return (
        tenant,
        digest,
        row.word.value,
        row.reason.value if row.reason else None,
        or_none(row.since),
        without_addresses(row.raw) if "@" in row.raw else row.raw,
        int(row.proven),
        lists,
        "subscribed" if row.word is Word.SUBSCRIBED else None,
        lists if plain else None,
        run,
        int(row.word.blocks or not plain),
    )


def lists_to_text(lists: Mapping[str, ListStatus], memo: dict[Any, str]) -> str:
    """Canonical JSON, so that equal statuses are equal text. `memo` remembers: few combinations serve everybody."""
    key = tuple(lists.items())
    text = memo.get(key)
    if text is None:
        statuses = {name: status.value for name, status in sorted(lists.items())}
        text = memo[key] = json.dumps(statuses, ensure_ascii=False) if statuses else ""
    return text


RECORD = """
INSERT INTO records (tenant, entity, id, digest, flag, agreed, agreed_digest, flag_at, agreed_flag_at, access, deleted,
                     agreed_deleted, merged_entity, merged_id, moved_at, box, lists, agreed_lists, run, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, entity, id) DO UPDATE SET
  digest = excluded.digest, flag = excluded.flag, flag_at = excluded.flag_at, access = excluded.access,
  deleted = excluded.deleted, merged_entity = excluded.merged_entity, merged_id = excluded.merged_id,
  box = excluded.box, lists = excluded.lists, run = excluded.run,
  tick = CASE WHEN excluded.box = 1 AND records.box = 1 THEN records.tick END,
  moved_at = CASE WHEN excluded.digest <> records.digest OR excluded.merged_id <> records.merged_id
    THEN excluded.moved_at ELSE records.moved_at END,
  agreed_digest = CASE WHEN records.agreed_digest = '' THEN excluded.digest ELSE records.agreed_digest END,
  agreed_flag_at = CASE WHEN records.agreed_flag_at IS NULL AND excluded.flag = records.agreed THEN excluded.flag_at
    ELSE records.agreed_flag_at END,
  changed = CASE
    WHEN excluded.digest = '' THEN 0
    WHEN (excluded.flag = records.agreed OR excluded.flag = 'unreadable')
      AND records.agreed_digest IN ('', excluded.digest)
      AND excluded.deleted = records.agreed_deleted
      AND excluded.box = records.agreed_box
      AND excluded.lists = COALESCE(records.agreed_lists, '')
      AND (excluded.flag <> 'set' OR excluded.flag_at IS NULL OR records.agreed_flag_at IS NULL
        OR excluded.flag_at = records.agreed_flag_at
        OR ABS(unixepoch(excluded.flag_at) - unixepoch(records.agreed_flag_at)) <= 58)
    THEN 0 ELSE 1 END
"""

WORD = """
INSERT INTO words (tenant, digest, word, reason, since, raw, proven, lists, agreed, agreed_lists, run, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, digest) DO UPDATE SET
  word = excluded.word, reason = excluded.reason, since = excluded.since, raw = excluded.raw,
  proven = excluded.proven, lists = excluded.lists, run = excluded.run,
  agreed_since = CASE WHEN words.agreed_since IS NULL AND excluded.word = words.agreed
      AND excluded.reason = words.agreed_reason THEN excluded.since ELSE words.agreed_since END,
  changed = CASE
    WHEN (excluded.word = words.agreed OR excluded.word = 'unreadable'
        OR (excluded.word = 'absent' AND words.agreed IS NULL))
      AND (excluded.word <> 'suppressed' OR (excluded.reason IS NOT DISTINCT FROM words.agreed_reason
        AND (words.agreed_since IS NULL OR excluded.since IS NOT DISTINCT FROM words.agreed_since
          OR COALESCE(ABS(unixepoch(excluded.since) - unixepoch(words.agreed_since)) <= 58, 0))))
      AND excluded.lists = COALESCE(words.agreed_lists, '')
    THEN 0 ELSE 1 END
"""
