"""Looking: what changed on both sides since they were last read, and a single look where a lift is near."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.core.action import Side
from connector.core.address import Address, Digest, Refusal, normalise
from connector.core.errors import ConflictError, TransientError
from connector.core.restriction import Ref
from connector.core.said import Said
from connector.ports.crm import CrmPage, CrmRow
from connector.ports.esp import EspEvent, EspPage, EspRow
from connector.ports.store import Run, StagedRecord, StagedWord
from connector.sync.runtime import Runtime

LOOKED_AT_ONCE = 100
"""Addresses in one single look."""


@dataclass(kw_only=True)
class Seen:
    """What a run read: whether each side was read to its end, how much, and why not."""

    crm_complete: bool = False
    esp_complete: bool = False
    records: int = 0
    words: int = 0
    refused: int = 0
    troubles: list[TransientError] = field(default_factory=list)


def gather(rt: Runtime, run: Run, *, sweep: bool = False) -> Seen:
    """Reads both sides since their cursors (from the start for a sweep) and stages every page.

    A side that cannot be reached is left incomplete and named in `troubles`. Raises: `ConfigError`, `BugError`.
    """
    seen = Seen()
    seen.crm_complete = _side(rt, run, Side.CRM, seen, sweep)
    seen.esp_complete = _side(rt, run, Side.ESP, seen, sweep)
    if seen.crm_complete:
        _attempt(seen, lambda: _ticks(rt, run))
        seen.crm_complete = not seen.troubles
    return seen


def _attempt(seen: Seen, deed: Callable[[], None]) -> bool:
    try:
        deed()
    except TransientError as trouble:
        seen.troubles.append(trouble)
        return False
    return True


def _side(rt: Runtime, run: Run, side: Side, seen: Seen, sweep: bool) -> bool:
    cursor = rt.store.cursor(side)
    value, place = ("", "") if sweep else (cursor.value, cursor.place)
    try:
        return _read(rt, run, side, seen, value, place)
    except ConflictError:
        rt.told(f"{side.value}: the last position is no longer accepted, reading from the start")
        try:
            return _read(rt, run, side, seen, "", "")
        except TransientError as trouble:
            seen.troubles.append(trouble)
    except TransientError as trouble:
        seen.troubles.append(trouble)
    return False


def _read(rt: Runtime, run: Run, side: Side, seen: Seen, value: str, place: str) -> bool:
    pages: Iterator[CrmPage] | Iterator[EspPage]
    pages = rt.crm.changes(value, place) if side is Side.CRM else rt.esp.changes(value, place)
    for page in pages:
        if isinstance(page, CrmPage):
            _stage_records(rt, run, page.rows, seen)
        else:
            _stage_words(rt, run, page.rows, seen)
            for event in page.events:
                _tell(rt, event)
        if page.complete:
            if side is Side.CRM and not value and not place:
                _unread(rt, run, seen)
            rt.store.move_cursor(run, side, page.cursor)
            return True
        if page.place:
            rt.store.keep_place(run, side, page.place)
        rt.told(f"{side.value}: {seen.records if side is Side.CRM else seen.words:,} read")
    raise TransientError(
        f"The {side.value.upper()} stopped answering before its last page; nobody is let go on half a reading. "
        "The next run reads on."
    )


def _stage_records(rt: Runtime, run: Run, rows: Iterable[CrmRow], seen: Seen) -> None:
    digest, offset = rt.store.digest, _offset(rt.crm.clock_offset())
    staged: list[StagedRecord] = []
    refused: list[tuple[str, str]] = []
    for row in rows:
        address = normalise(row.address) if row.address else ""
        if isinstance(address, Refusal):
            refused.append((f"{row.entity}/{row.id}", address.why))
            address = ""
        if row.flag_at is not None or row.changed_at is not None:
            row = row._replace(flag_at=offset(row.flag_at), changed_at=offset(row.changed_at))
        staged.append(StagedRecord(row, address, digest(Address(address)) if address else ""))
    rt.store.stage_records(run, staged)
    if refused:
        rt.store.refused_rows(run, Side.CRM, refused)
    seen.records += len(staged)
    seen.refused += len(refused)


def _stage_words(rt: Runtime, run: Run, rows: Iterable[EspRow], seen: Seen) -> None:
    digest, offset = rt.store.digest, _offset(rt.esp.clock_offset())
    staged: list[StagedWord] = []
    refused: list[tuple[str, str]] = []
    for row in rows:
        address = normalise(row.address)
        if isinstance(address, Refusal):
            refused.append((f"row {seen.words + len(staged) + len(refused) + 1}", address.why))
            continue
        if row.since is not None:
            row = row._replace(since=offset(row.since))
        staged.append(StagedWord(row, address, digest(address)))
    rt.store.stage_words(run, staged)
    if refused:
        rt.store.refused_rows(run, Side.ESP, refused)
    seen.words += len(staged)
    seen.refused += len(refused)


def _tell(rt: Runtime, event: EspEvent) -> None:
    address = normalise(event.address)
    if isinstance(address, Refusal):
        return
    at = event.at - rt.esp.clock_offset()
    said = Said(kind=event.kind, key=event.key, at=at, source="esp", reason=event.reason, scope=event.scope)
    rt.store.tell(said, address, rt.store.digest(address))


def _offset(offset: timedelta) -> Callable[[datetime | None], datetime | None]:
    """Turns a side's own time into ours."""
    return lambda moment: None if moment is None else moment - offset


def _ticks(rt: Runtime, run: Run) -> None:
    refs = rt.store.unticked()
    if refs:
        offset = _offset(rt.crm.clock_offset())
        ticks = rt.crm.ticks(refs)
        rt.store.stage_ticks(run, {ref: replace(tick, at=offset(tick.at)) for ref, tick in ticks.items()})


def look(rt: Runtime, run: Run, seen: Seen) -> None:
    """Asks both sides singly for every address that waits for a lift or a mail: absence is proven no other way."""
    waiting = rt.store.to_look()
    for start in range(0, len(waiting), LOOKED_AT_ONCE):
        batch = waiting[start : start + LOOKED_AT_ONCE]
        if seen.crm_complete and not _attempt(seen, lambda batch=batch: _look_crm(rt, run, seen, batch)):  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            seen.crm_complete = False
        if seen.esp_complete and not _attempt(seen, lambda batch=batch: _look_esp(rt, run, seen, batch)):  # type: ignore[misc]  # as above
            seen.esp_complete = False


def _unread(rt: Runtime, run: Run, seen: Seen) -> None:
    """What a whole reading did not show any more."""
    doubted = rt.store.unread(run)
    for start in range(0, len(doubted), LOOKED_AT_ONCE):
        _look_crm(rt, run, seen, doubted[start : start + LOOKED_AT_ONCE])


def _look_crm(rt: Runtime, run: Run, seen: Seen, batch: Sequence[tuple[Digest, Address]]) -> None:
    addresses = [address for _, address in batch]
    rows = rt.crm.look(addresses)
    _stage_records(rt, run, rows, seen)
    found: dict[str, list[Ref]] = {}
    for row in rows:
        found.setdefault(str(normalise(row.address)), []).append(Ref(entity=row.entity, id=row.id))
    people = {address for address, refs in found.items() if any(not ref.is_entry for ref in refs)}
    missing = [address for address in addresses if address not in people]
    elsewhere = rt.crm.elsewhere(missing) if missing else frozenset()
    for digest, address in batch:
        rt.store.looked(run, digest, found.get(address, []), address in elsewhere if address in missing else None)


def _look_esp(rt: Runtime, run: Run, seen: Seen, batch: list[tuple[Digest, Address]]) -> None:
    _stage_words(rt, run, rt.esp.look([address for _, address in batch]), seen)
