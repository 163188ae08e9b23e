"""Writing records: collections of 200 up to a threshold, a bulk job above it, an outcome for every key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.adapters._http import redacted
from connector.adapters.crm.salesforce import bulk
from connector.adapters.crm.salesforce.api import AT_ONCE, Api, RowResult
from connector.adapters.crm.salesforce.mapping import LOCKED, bulk_error, row_status
from connector.adapters.crm.salesforce.records import Fields
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import NewRecord, RecordChange

LOCKED_AGAIN = (20, 1)
"""How many rows are tried at once when somebody else held one of them: first twenty, then singly."""

LOCK_PAUSE = 2.0
"""Seconds before a locked row is tried again, doubled each time; Salesforce itself has waited ten."""

SPARED = "below the reserve of calls only opt-outs are sent"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class _Item:
    """One change as a row of Salesforce."""

    change: RecordChange
    row: dict[str, Any]
    told: str = ""
    """Why the row comes without some of its values."""


class Writes:
    """Changes to records of one org."""

    def __init__(self, api: Api, objects: Mapping[str, Fields], *, threshold: int) -> None:
        self._api, self._objects, self._threshold = api, objects, threshold
        self._dates: dict[str, frozenset[str]] = {}

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, grouped by object; every key gets its outcome."""
        by_object: dict[str, list[_Item]] = defaultdict(list)
        for change in changes:
            fields = self._objects.get(change.ref.entity)
            if fields is None:
                words = f"crm.objects does not name {change.ref.entity}"
                yield Outcome(key=change.key, status=Status.ASIDE, words=words)
            elif self._api.wire.budget.low and change.values.get("restriction") is not True:
                yield Outcome(key=change.key, status=Status.LATER, words=SPARED)
            elif row := fields.written(change.values, self._days(fields, change.values)):
                by_object[change.ref.entity].append(_Item(change, row))
            else:
                yield Outcome(key=change.key, status=Status.DONE, words="no field is mapped")
        for name, items in sorted(by_object.items()):
            for same in _alike(items):
                yield from self._same(name, same)

    def _days(self, fields: Fields, values: Mapping[str, Any]) -> frozenset[str]:
        """The fields of an object that hold a day without time; asked once, and only where a time is written."""
        if not {"since", "request_date"} & values.keys() or not (fields.settings.since or fields.settings.request_date):
            return frozenset()
        if fields.name not in self._dates:
            described = self._api.describe(fields.name)
            days = {f.name for f in described.fields if f.type == "date"} if described else set()
            self._dates[fields.name] = frozenset(days)
        return self._dates[fields.name]

    def _same(self, name: str, items: list[_Item]) -> Iterator[Outcome]:
        if len(items) > self._threshold:
            yield from self._bulk(name, items)
        else:
            for start in range(0, len(items), AT_ONCE):
                yield from self._collection(name, items[start : start + AT_ONCE])

    def _bulk(self, name: str, items: list[_Item]) -> Iterator[Outcome]:
        columns = sorted(items[0].row)
        rows = [[item.change.ref.id, *(item.row[c] for c in columns)] for item in items]
        errors = bulk.ingest(self._api, name, ["Id", *columns], rows)
        locked: list[_Item] = []
        bare: list[_Item] = []
        for item in items:
            error = errors.get(item.change.ref.id)
            code, words = bulk_error(error or "")
            status = Status.LATER if code == "LATER" else row_status(code)
            said = redacted(f"{code}: {words}")
            if error is None:
                yield Outcome(key=item.change.key, status=Status.DONE, words=item.told)
            elif code == LOCKED:
                locked.append(item)
            elif status is Status.ASIDE and (less := self._bare(item, said)):
                bare.append(less)
            else:
                yield Outcome(key=item.change.key, status=status, words=said)
        yield from self._same(name, bare)
        for start in range(0, len(locked), AT_ONCE):
            yield from self._collection(name, locked[start : start + AT_ONCE])

    def _collection(self, name: str, items: list[_Item], tries: int = 0) -> Iterator[Outcome]:
        records = [{"attributes": {"type": name}, "id": i.change.ref.id, **i.row} for i in items]
        # a change of values by id is as good twice as once, save a lift: somebody may have set the flag in between
        repeat = all(i.change.values.get("restriction") is not False for i in items)
        results = self._api.collection("PATCH", records, repeat=repeat, action=f"update {name}")
        locked: list[_Item] = []
        bare: list[_Item] = []
        for item, result in zip(items, results, strict=True):
            refused = not result.success and row_status(result.code) is Status.ASIDE
            if not result.success and result.code == LOCKED and tries < len(LOCKED_AGAIN):
                locked.append(item)
            elif refused and (less := self._bare(item, result.words)):
                bare.append(less)
            else:
                yield outcome(item.change.key, result, told=item.told)
        if bare:
            yield from self._collection(name, bare, tries)
        if locked:
            self._api.wire.clock.sleep(LOCK_PAUSE * 2**tries)
            size = LOCKED_AGAIN[tries]
            for start in range(0, len(locked), size):
                yield from self._collection(name, locked[start : start + size], tries + 1)

    def _bare(self, item: _Item, words: str) -> _Item | None:
        """An opt-out without its reason and date, which must not keep it from being written."""
        field = self._objects[item.change.ref.entity].settings.restriction
        stops = item.change.values.get("restriction") is True and len(item.row) > 1
        return _Item(item.change, {field: True}, f"without reason and date: {words}") if stops else None

    def create(self, name: str, new: Sequence[NewRecord]) -> Iterator[Outcome]:
        """New people, at most 200, each once; the caller has looked by address before. They are born unrestricted."""
        fields = self._objects[name]
        records = []
        for one in new:
            family = one.address.rpartition("@")[0].strip('"')[:LONGEST_NAME] or "Unknown"
            values = {"LastName": family, fields.settings.email: str(one.address), fields.settings.restriction: False}
            company = {"Company": "Unknown"} if name == "Lead" else {}
            records.append({"attributes": {"type": name}, **company, **fields.written(one.values), **values})
        results = self._api.collection("POST", records, repeat=False, action=f"create {name}")
        for one, result in zip(new, results, strict=True):
            made = f"{name}/{result.id}" if result.success else ""
            yield outcome(one.key, result, made=made)


def _alike(items: list[_Item]) -> Iterator[list[_Item]]:
    """Items with the same fields, in the order of their ids; a record that occurs twice comes in a later list."""
    groups: dict[tuple[int, tuple[str, ...]], list[_Item]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for item in items:
        turn = seen[item.change.ref.id]
        seen[item.change.ref.id] += 1
        groups[turn, tuple(sorted(item.row))].append(item)
    for _, same in sorted(groups.items(), key=lambda group: group[0]):
        yield sorted(same, key=lambda item: item.change.ref)


def outcome(key: str, result: RowResult, *, made: str = "", told: str = "") -> Outcome:
    """What became of one row."""
    if result.success:
        return Outcome(key=key, status=Status.DONE, made=made, words=told)
    return Outcome(key=key, status=row_status(result.code), words=result.words)
