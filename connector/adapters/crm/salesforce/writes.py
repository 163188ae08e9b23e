"""Writing records: collections of 200 up to a threshold, a bulk job above it, an outcome for every key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.adapters._http import redacted
from connector.adapters.crm.salesforce import bulk
from connector.adapters.crm.salesforce.api import AT_ONCE, Api, RowResult
from connector.adapters.crm.salesforce.mapping import Fields, bulk_error, row_status
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import NewRecord, RecordChange

LOCKED_AGAIN = (20, 1)
"""How many rows are tried at once when somebody else held one of them: first twenty, then singly."""

LOCK_PAUSE = 2.0
"""Seconds before a locked row is tried again; Salesforce itself has waited ten."""


class Writes:
    """Changes to records of one org. `reserve` is the share of calls kept for opt-outs."""

    def __init__(self, api: Api, objects: Mapping[str, Fields], *, threshold: int, reserve: float) -> None:
        self._api, self._objects = api, objects
        self._threshold, self._reserve = threshold, reserve

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, grouped by object; every key gets its outcome."""
        by_object: dict[str, list[tuple[RecordChange, dict[str, Any]]]] = defaultdict(list)
        for change in changes:
            fields = self._objects.get(change.ref.entity)
            row = fields.written(change.values) if fields else {}
            if self._spare(change):
                words = "below the reserve of calls only opt-outs are sent"
                yield Outcome(key=change.key, status=Status.LATER, words=words)
            elif not row:
                yield Outcome(key=change.key, status=Status.DONE, words="no field is mapped")
            else:
                by_object[change.ref.entity].append((change, row))
        for name, items in sorted(by_object.items()):
            items.sort(key=lambda item: item[0].ref)
            yield from self._object(name, items)

    def _spare(self, change: RecordChange) -> bool:
        return self._api.wire.budget.left < self._reserve and change.values.get("restriction") is not True

    def _object(self, name: str, items: list[tuple[RecordChange, dict[str, Any]]]) -> Iterator[Outcome]:
        shapes: dict[tuple[str, ...], list[tuple[RecordChange, dict[str, Any]]]] = defaultdict(list)
        for item in items:
            shapes[tuple(sorted(item[1]))].append(item)
        for columns, same in shapes.items():
            if len(same) > self._threshold:
                yield from self._bulk(name, columns, same)
            else:
                for start in range(0, len(same), AT_ONCE):
                    yield from self._collection(name, same[start : start + AT_ONCE])

    def _bulk(
        self, name: str, columns: tuple[str, ...], items: list[tuple[RecordChange, dict[str, Any]]]
    ) -> Iterator[Outcome]:
        rows = [[change.ref.id, *(row[c] for c in columns)] for change, row in items]
        repeat = all(change.values.get("restriction") is True for change, _ in items)
        errors = bulk.ingest(self._api, name, ["Id", *columns], rows, repeat=repeat)
        for change, _ in items:
            error = errors.get(change.ref.id)
            if error is None:
                yield Outcome(key=change.key, status=Status.DONE)
            else:
                code, words = bulk_error(error)
                status = Status.LATER if code == "LATER" else row_status(code)
                yield Outcome(key=change.key, status=status, words=redacted(f"{code}: {words}"))

    def _collection(
        self, name: str, items: list[tuple[RecordChange, dict[str, Any]]], sizes: tuple[int, ...] = LOCKED_AGAIN
    ) -> Iterator[Outcome]:
        records = [{"attributes": {"type": name}, "id": change.ref.id, **row} for change, row in items]
        repeat = all(change.values.get("restriction") is not False for change, _ in items)
        results = self._api.collection("PATCH", records, repeat=repeat, action=f"update {name}")
        locked = []
        for item, result in zip(items, results, strict=True):
            if not result.success and _code(result) == "UNABLE_TO_LOCK_ROW" and sizes:
                locked.append(item)
            else:
                yield _outcome(item[0].key, result)
        if locked:
            self._api.wire.clock.sleep(LOCK_PAUSE)
            for start in range(0, len(locked), sizes[0]):
                yield from self._collection(name, locked[start : start + sizes[0]], sizes[1:])

    def create(self, name: str, new: NewRecord) -> Outcome:
        """A new person, once; the caller has looked by address before."""
        family = new.address.rpartition("@")[0][:80] or "Unknown"
        values: dict[str, Any] = {"LastName": family, self._objects[name].settings.email: str(new.address)}
        if name == "Lead":
            values["Company"] = "Unknown"
        record = {"attributes": {"type": name}, **values}
        result = self._api.collection("POST", [record], repeat=False, action=f"create a {name}")[0]
        outcome = _outcome(new.key, result)
        if not result.success:
            return outcome
        return Outcome(key=new.key, status=Status.DONE, made=f"{name}/{result.id}")


def _code(result: RowResult) -> str:
    return result.errors[0].statusCode if result.errors else "UNKNOWN_EXCEPTION"


def _outcome(key: str, result: RowResult) -> Outcome:
    if result.success:
        return Outcome(key=key, status=Status.DONE)
    words = result.errors[0].message if result.errors else "no reason given"
    return Outcome(key=key, status=row_status(_code(result)), words=redacted(f"{_code(result)}: {words}"))
