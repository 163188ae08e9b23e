"""Doing: owed deeds, phase by phase, in batches; every item gets its own outcome and is recorded at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from connector.core.action import ANEW, LIFTS, Deed, Side
from connector.core.address import Address, normalise
from connector.core.agreeing import same_time
from connector.core.errors import BugError, TransientError
from connector.core.restriction import Flag, Ref
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.core.view import Word
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import EntryRemoval, KeepsEntries, NewEntry, NewNote, NewRecord, RecordChange
from connector.ports.esp import EspChange
from connector.ports.store import Owed, Run, Settlement
from connector.sync.confirm import send
from connector.sync.runtime import Runtime

SETTLED_AT_ONCE = 2500
"""Outcomes recorded in one transaction."""

_WRITES = frozenset({Deed.RESTRICT, Deed.UNRESTRICT, Deed.WRITE_LIST, Deed.CLEAR_BOX, Deed.WRITE_STATUS})
_ON_ENTRY = frozenset({"request_date"})
_LETTERS = frozenset({Deed.MAIL, Deed.NOTICE})
_FREE = frozenset({Flag.CLEAR.value, Word.SUBSCRIBED.value, Word.ABSENT.value})
_TURNS = frozenset({Kind.STOP, Kind.COMPLAINT, Kind.CANCEL})


@dataclass(kw_only=True)
class Delivered:
    """What a run carried out: outcomes by deed and status, and the sides that stopped answering."""

    done: Counter[str] = field(default_factory=Counter)
    aside: int = 0
    later: int = 0
    conflicts: int = 0
    troubles: dict[Side, TransientError] = field(default_factory=dict)

    @property
    def lifted(self) -> int:
        return sum(self.done[deed.value] for deed in LIFTS)


def deliver(rt: Runtime, run: Run, phases: Iterable[int], delivered: Delivered, *, begun_only: bool = False) -> int:
    """Carries out what is owed in these phases; how many items ended. A side that fails is left alone from then on.

    `begun_only`: just what was sent before and never recorded, which has to be known before anything is decided anew.
    Raises: `ConfigError`, `BugError`.
    """
    ended = 0
    for phase in phases:
        tried: set[str] = set()
        while True:
            owed = rt.store.owed(run, phase, rt.clock.now())
            batch = [o for o in owed if _due(o, delivered, tried) and (o.begun or not begun_only)]
            if not batch:
                break
            tried |= {o.action.key for o in batch}
            for deed in sorted({o.action.deed for o in batch}):
                ended += _deed(rt, run, deed, [o for o in batch if o.action.deed is deed], delivered)
    return ended


def _due(owed: Owed, delivered: Delivered, tried: set[str]) -> bool:
    return owed.action.side not in delivered.troubles and owed.action.key not in tried


def _deed(rt: Runtime, run: Run, deed: Deed, batch: Sequence[Owed], delivered: Delivered) -> int:
    if deed in LIFTS:
        batch = _still_right(rt, run, deed, batch, delivered)
    if deed in ANEW and deed not in _LETTERS:
        batch = _still_wanted(rt, run, batch, delivered)
        fresh = [o.action.key for o in batch if not o.begun]
        if fresh:
            rt.store.sending(run, fresh)
    by_key = {o.action.key: o for o in batch}
    ended = 0
    buffer: list[Settlement] = []
    try:
        for settlement in _settlements(rt, run, deed, batch, by_key):
            buffer.append(settlement)
            ended += 1
            if len(buffer) >= SETTLED_AT_ONCE:
                _record(rt, run, buffer, delivered)
    except TransientError as trouble:
        if batch:
            delivered.troubles[batch[0].action.side] = trouble
    _record(rt, run, buffer, delivered)
    return ended


def _settlements(
    rt: Runtime, run: Run, deed: Deed, batch: Sequence[Owed], by_key: dict[str, Owed]
) -> Iterator[Settlement]:
    if deed in _LETTERS:
        for owed in batch:
            yield send(rt.store, rt.mailer, rt.letters, rt.clock, run, owed)
        return
    for outcome in _outcomes(rt, deed, batch):
        yield Settlement(owed=by_key[outcome.key], outcome=outcome)


def _outcomes(rt: Runtime, deed: Deed, batch: Sequence[Owed]) -> Iterator[Outcome]:
    if not batch:
        return iter(())
    if deed in _WRITES:
        return rt.crm.write([_change(o) for o in batch])
    if deed in (Deed.WRITE_NOTE, Deed.TELL):
        # an entry takes no note: what is told about it stands in its status
        told, noted = ([o for o in batch if Ref.parse(o.action.target).is_entry is entry] for entry in (True, False))
        return chain(rt.crm.note([_note(o) for o in noted]), rt.crm.write([_told(o) for o in told]))
    if deed in (Deed.ADD_ENTRY, Deed.REMOVE_ENTRY):
        return _entries(rt, deed, batch)
    if deed is Deed.CREATE_RECORD:
        return rt.crm.create([_new(o) for o in batch])
    at_esp = {
        Deed.SUPPRESS: rt.esp.suppress,
        Deed.UNSUPPRESS: rt.esp.unsuppress,
        Deed.LEAVE_LIST: rt.esp.leave,
        Deed.DROP_LIST: rt.esp.leave,
        Deed.JOIN_LIST: rt.esp.join,
    }
    if deed not in at_esp:
        raise BugError(f"Nobody carries out the deed {deed.value}. Please report this.")
    return at_esp[deed]([_esp_change(o) for o in batch])


def _change(owed: Owed) -> RecordChange:
    action = owed.action
    values = {"restriction": False} if action.deed is Deed.UNRESTRICT else dict(action.values)
    return RecordChange(key=action.key, ref=Ref.parse(action.target), values=values)


def _note(owed: Owed) -> NewNote:
    action = owed.action
    title, text = str(action.values.get("title", "")), str(action.values.get("text", ""))
    return NewNote(key=action.key, ref=Ref.parse(action.target), title=title, text=text)


def _told(owed: Owed) -> RecordChange:
    action = owed.action
    return RecordChange(
        key=action.key, ref=Ref.parse(action.target), values={"status": str(action.values["text"])[:255]}
    )


def _entries(rt: Runtime, deed: Deed, batch: Sequence[Owed]) -> Iterator[Outcome]:
    if not isinstance(rt.crm, KeepsEntries):
        raise BugError(f"The deed {deed.value} was asked of a CRM without a list of its own. Please report this.")
    if deed is Deed.REMOVE_ENTRY:
        actions = [o.action for o in batch]
        return rt.crm.remove(
            [
                EntryRemoval(
                    key=a.key, ref=Ref.parse(a.target), values={k: a.values[k] for k in _ON_ENTRY & {*a.values}}
                )
                for a in actions
            ]
        )
    return rt.crm.enter(
        [
            NewEntry(
                key=o.action.key,
                address=Address(o.address),
                id=o.action.key,
                values={k: o.action.values[k] for k in ("reason", "since")},
            )
            for o in batch
        ]
    )


def _new(owed: Owed) -> NewRecord:
    action = owed.action
    return NewRecord(key=action.key, address=Address(owed.address), id=str(action.values.get("id", "")), values={})


def _esp_change(owed: Owed) -> EspChange:
    action = owed.action
    reason = Reason(str(action.values.get("reason", Reason.UNSUBSCRIBED.value)))
    address = Address(owed.address)
    return EspChange(key=action.key, address=address, reason=reason, list=action.target, request=action.request)


def _record(rt: Runtime, run: Run, buffer: list[Settlement], delivered: Delivered) -> None:
    if not buffer:
        return
    rt.store.settle(run, buffer, rt.clock.now())
    for settlement in buffer:
        match settlement.outcome.status:
            case Status.DONE:
                delivered.done[settlement.owed.action.deed.value] += 1
            case Status.ASIDE:
                delivered.aside += 1
            case Status.LATER:
                delivered.later += 1
            case Status.CONFLICT:
                delivered.conflicts += 1
    buffer.clear()


def _still_right(rt: Runtime, run: Run, deed: Deed, batch: Sequence[Owed], delivered: Delivered) -> list[Owed]:
    """Looks again before a lift: the side must still show what it was decided on, and nobody said stop."""
    try:
        shown = _shown_words(rt, batch) if deed is Deed.UNSUPPRESS else _shown_flags(rt, batch)
    except TransientError as trouble:
        delivered.troubles[batch[0].action.side] = trouble
        return []
    measured = deed is Deed.UNSUPPRESS and rt.esp.clock_offset() != timedelta()
    right, ended = [], []
    for owed in batch:
        key, now = owed.action.key, shown.get((owed.address, owed.action.target), "")
        gone = deed is Deed.REMOVE_ENTRY and not now
        if gone or (owed.begun and now.partition("|")[0] in _FREE):
            words = "found done: the answer to it had been lost" if owed.begun else "found done by somebody else"
            ended.append(Settlement(owed=owed, outcome=Outcome(key=key, status=Status.DONE, words=words)))
        elif still_shows(now, owed.action.expects, measured) and not _turned(rt, run, owed):
            right.append(owed)
        else:
            words = "the address changed between the look and the lift; it is looked at again"
            ended.append(Settlement(owed=owed, outcome=Outcome(key=key, status=Status.CONFLICT, words=words)))
    _record(rt, run, ended, delivered)
    return right


def still_shows(shown: str, expected: str, measured: bool) -> bool:
    """Whether a side shows what a lift was decided on: a flag, or the platform's `word|reason|since`.

    `measured`: the platform's clock is not ours, so that one moment read twice differs by the error of its offset.
    """
    if shown == expected or not measured:
        return shown == expected
    (now, _, at), (then, _, since) = shown.rpartition("|"), expected.rpartition("|")
    if now != then or not at or not since:
        return False
    return same_time(datetime.fromisoformat(at), datetime.fromisoformat(since))


def _still_wanted(rt: Runtime, run: Run, batch: Sequence[Owed], delivered: Delivered) -> list[Owed]:
    """A step of a request that is no longer on its way is not taken."""
    lifting: dict[str, bool] = {"": True}
    for request in {o.action.request for o in batch} - {""}:
        found = rt.store.request(request)
        lifting[request] = found is not None and found[1].lifting
    words = "its request is no longer on its way"
    stale = [
        Settlement(owed=o, outcome=Outcome(key=o.action.key, status=Status.CONFLICT, words=words))
        for o in batch
        if not lifting[o.action.request]
    ]
    _record(rt, run, stale, delivered)
    return [o for o in batch if lifting[o.action.request]]


def _turned(rt: Runtime, run: Run, owed: Owed) -> bool:
    view = rt.store.view(owed.digest, rt.clock.now(), run)
    closed = bool(owed.action.request) and not (view.request and view.request.lifting)
    return closed or any(said.kind in _TURNS for said in view.said)


def _shown_flags(rt: Runtime, batch: Sequence[Owed]) -> dict[tuple[str, str], str]:
    rows = rt.crm.look(sorted({Address(o.address) for o in batch}))
    return {
        (str(normalise(row.address)), f"{row.entity}/{row.id}"): "set" if row.flag is Flag.SET else row.flag.value
        for row in rows
    }


def _shown_words(rt: Runtime, batch: Sequence[Owed]) -> dict[tuple[str, str], str]:
    offset = rt.esp.clock_offset()
    shown = {}
    for row in rt.esp.look(sorted({Address(o.address) for o in batch})):
        since = (row.since - offset).isoformat() if row.since else ""
        reason = row.reason.value if row.reason else ""
        shown[str(normalise(row.address)), ""] = f"{row.word.value}|{reason}|{since}"
    return shown
