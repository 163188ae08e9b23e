"""What a deed that was done means for the mirror: the side now shows what was written, and that is agreed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connector.core.action import Action, Deed
from connector.core.lists import ListStatus
from connector.ports.adapter import Status
from connector.ports.store import Settlement
from connector.store.many import execute_many
from connector.store.times import to_text


def agree_done(connection: Connection, tenant: str, settled: Sequence[Settlement], now: datetime) -> None:
    """Writes the effect of every deed that was done into the mirror, as now and as agreed."""
    flags: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for item in settled:
        if item.outcome.status is not Status.DONE:
            continue
        deed, key = item.owed.action.deed, _key(tenant, item)
        if deed in (Deed.RESTRICT, Deed.UNRESTRICT):
            flags.append(key | {"flag": "clear" if deed is Deed.UNRESTRICT else "set", "cause": _cause(item)})
        elif deed in (Deed.SUPPRESS, Deed.UNSUPPRESS):
            words.append(key | _word(item))
        elif deed in _EFFECTS:
            _EFFECTS[deed](connection, key, item, now)
    execute_many(connection, _FLAG, flags)
    execute_many(connection, _WORD, words)


def _key(tenant: str, item: Settlement) -> dict[str, Any]:
    entity, _, id_ = item.owed.action.target.partition("/")
    return {"tenant": tenant, "digest": item.owed.digest, "entity": entity, "id": id_}


def _cause(item: Settlement) -> str:
    if item.owed.action.deed is Deed.UNRESTRICT:
        return "none"
    return "fault" if item.owed.action.values.get("kind") == "fault" else "wish"


def _word(item: Settlement) -> dict[str, Any]:
    if item.owed.action.deed is Deed.UNSUPPRESS:
        return {"word": "subscribed", "reason": None, "since": None}
    since = to_text(datetime.fromisoformat(item.outcome.since)) if item.outcome.since else None
    return {"word": "suppressed", "reason": str(item.owed.action.values.get("reason")), "since": since}


def _esp_list(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    joined = item.owed.action.deed is Deed.JOIN_LIST
    status = ListStatus.SUBSCRIBED if joined else ListStatus.UNSUBSCRIBED
    found = connection.execute(_ESP_LISTS, key).one_or_none()
    for column in ("lists", "agreed_lists"):
        lists = json.loads(getattr(found, column) or "{}") if found else {}
        lists[item.owed.action.target] = status.value
        key[column] = json.dumps(dict(sorted(lists.items())), ensure_ascii=False)
    connection.execute(_SET_ESP_LISTS, key)


def _record_lists(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    found = connection.execute(_RECORD_LISTS, key).one_or_none()
    for column in ("lists", "agreed_lists"):
        lists = json.loads(getattr(found, column) or "{}") if found else {}
        lists |= _written(item.owed.action)
        key[column] = json.dumps(dict(sorted(lists.items())), ensure_ascii=False)
    connection.execute(_SET_RECORD_LISTS, key)


def _written(action: Action) -> dict[str, str]:
    return {k.removeprefix("list:"): str(v) for k, v in action.values.items() if k.startswith("list:")}


def _clear_box(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    connection.execute(_BOX, key)


def _created(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    entity, _, id_ = item.outcome.made.partition("/")
    if id_:
        connection.execute(_CREATED, key | {"entity": entity, "id": id_})


def _entered(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    entity, _, id_ = item.outcome.made.partition("/")
    if id_:
        connection.execute(_ENTERED, key | {"entity": entity, "id": id_, "cause": _cause(item)})


def _removed(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    connection.execute(_REMOVED, key)


def _mailed(connection: Connection, key: dict[str, Any], item: Settlement, now: datetime) -> None:
    connection.execute(_MAIL, key | {"key": item.owed.action.key, "at": to_text(now)})


_EFFECTS: dict[Deed, Callable[[Connection, dict[str, Any], Settlement, datetime], None]] = {
    Deed.LEAVE_LIST: _esp_list,
    Deed.DROP_LIST: _esp_list,
    Deed.JOIN_LIST: _esp_list,
    Deed.WRITE_LIST: _record_lists,
    Deed.CLEAR_BOX: _clear_box,
    Deed.CREATE_RECORD: _created,
    Deed.ADD_ENTRY: _entered,
    Deed.REMOVE_ENTRY: _removed,
    Deed.MAIL: _mailed,
}

_WHERE = "WHERE tenant = :tenant AND entity = :entity AND id = :id"
_FLAG = text(
    "UPDATE records SET flag = :flag, agreed = :flag, agreed_number = agreed_number + 1, cause = :cause, refusing = 0, "  # noqa: S608  # a constant is added
    "flag_at = NULL, agreed_flag_at = NULL, agreed_deleted = deleted, "
    "changed = CASE WHEN digest = '' OR (agreed_digest = digest AND box = agreed_box "
    f"AND lists = COALESCE(agreed_lists, '')) THEN 0 ELSE 1 END {_WHERE}"
)
_WORD = text(
    "INSERT INTO words (tenant, digest, word, reason, since, agreed, agreed_reason, agreed_since, agreed_number) "
    "VALUES (:tenant, :digest, :word, :reason, :since, :word, :reason, :since, 1) "
    "ON CONFLICT (tenant, digest) DO UPDATE SET word = excluded.word, reason = excluded.reason, "
    "since = excluded.since, raw = '', proven = 0, agreed = excluded.word, agreed_reason = excluded.reason, "
    "agreed_since = excluded.since, agreed_number = words.agreed_number + 1, "
    "changed = CASE WHEN words.lists = COALESCE(words.agreed_lists, '') THEN 0 ELSE 1 END"
)
_ESP_LISTS = text("SELECT lists, agreed_lists FROM words WHERE tenant = :tenant AND digest = :digest")
_SET_ESP_LISTS = text(
    "INSERT INTO words (tenant, digest, lists, agreed_lists, agreed_number) "
    "VALUES (:tenant, :digest, :lists, :agreed_lists, 1) "
    "ON CONFLICT (tenant, digest) DO UPDATE SET lists = excluded.lists, agreed_lists = excluded.agreed_lists, "
    "agreed_number = words.agreed_number + 1"
)
_RECORD_LISTS = text(f"SELECT lists, agreed_lists FROM records {_WHERE}")  # noqa: S608  # a constant is added
_SET_RECORD_LISTS = text(
    f"UPDATE records SET lists = :lists, agreed_lists = :agreed_lists, agreed_number = agreed_number + 1 {_WHERE}"  # noqa: S608  # a constant is added
)
_BOX = text(f"UPDATE records SET box = 0, agreed_box = 0, tick = NULL {_WHERE}")  # noqa: S608  # a constant is added
_CREATED = text(
    "INSERT INTO records (tenant, entity, id, digest, flag, agreed, agreed_digest, agreed_number) "
    "VALUES (:tenant, :entity, :id, :digest, 'clear', 'clear', :digest, 1) ON CONFLICT DO NOTHING"
)
_ENTERED = text(
    "INSERT INTO records (tenant, entity, id, digest, flag, agreed, agreed_digest, agreed_number, cause) "
    "VALUES (:tenant, :entity, :id, :digest, 'set', 'set', :digest, 1, :cause) "
    "ON CONFLICT (tenant, entity, id) DO UPDATE SET digest = excluded.digest, agreed_digest = excluded.digest, "
    "flag = 'set', agreed = 'set', deleted = 0, agreed_deleted = 0, agreed_number = records.agreed_number + 1, "
    "cause = excluded.cause, changed = 0"
)
_REMOVED = text(
    "UPDATE records SET flag = 'clear', agreed = 'clear', deleted = 1, agreed_deleted = 1, box = 0, agreed_box = 0, "  # noqa: S608  # a constant is added
    f"tick = NULL, agreed_number = agreed_number + 1, cause = 'none', changed = 0 {_WHERE}"
)
_MAIL = text("INSERT INTO mails (tenant, digest, key, at) VALUES (:tenant, :digest, :key, :at) ON CONFLICT DO NOTHING")
