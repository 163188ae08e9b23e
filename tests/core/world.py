"""A small pure world: a CRM, an e-mail platform and an inbox whose people act, and a sync that remembers as the store.

A history is a tape of bytes: two for the tenant's policy, then three for each thing that happens. The world keeps,
beside what the sync can see, what truly was said and when; `World.broken` holds every promise that a step broke.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from connector.core.action import ANEW, BLOCKS, LIFTS, PHASE, Action, Deed, Settled
from connector.core.decide import decide
from connector.core.decision import Decision, Fact, FactKind, Move
from connector.core.lists import ListStatus
from connector.core.policy import BornRestricted, Cleared, Confirm, Lift, LiftAt, Moved, Policy
from connector.core.restriction import ENTRY, Access, Flag, Ref
from connector.core.resubscribe import Event, Origin, Request, State, after
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, COMPLAINTS, Reason, Suppression, liftable
from connector.core.suppression import Kind as Why
from connector.core.view import Arrival, Cause, Esp, Record, Tick, View, Word

T = TypeVar("T")
START = datetime(2026, 11, 26, 9, tzinfo=UTC)
ADDRESSES = 3
LIST = "News"
MARGIN = timedelta(minutes=3)
"""The clock margin of policy, and what two measurements of one clock may differ by."""

_STATES = {"owed": Settled.OWED, "done": Settled.DONE, "aside": Settled.ASIDE, "held": Settled.HELD}
_TURNS = (Kind.STOP, Kind.COMPLAINT, Kind.CANCEL)
_WISHES = (Reason.UNSUBSCRIBED, Reason.SUPPRESSED)


class Crash(Exception):
    """The process is gone; what was promised and settled stays."""


@dataclass(slots=True)
class Row:
    """One record as it truly is. `by` is whose the flag is: `user`, `us` or nobody's."""

    ref: Ref
    address: int
    flag: bool = False
    by: str = ""
    at: datetime | None = None
    readable: bool = True
    access: Access = Access.WRITABLE
    deleted: bool = False
    merged_into: Ref | None = None
    box: Tick | None = None
    born: bool = False
    again: bool = False
    touched: int = 0


@dataclass(slots=True)
class Place:
    """What the platform truly says of one address."""

    word: Word = Word.ABSENT
    reason: Reason | None = None
    at: datetime | None = None
    by: str = ""
    readable: bool = True
    proven: bool = False
    list: ListStatus = ListStatus.ABSENT
    touched: int = 0


@dataclass(slots=True)
class Mirror:
    """One row of the mirror: what was read, beside what was agreed."""

    record: Record
    address: int
    agreed_address: int
    merged_into: Ref | None = None
    agreed_deleted: bool = False
    run: int = -1


@dataclass(slots=True)
class Outboxed:
    """One deed of the outbox."""

    action: Action
    address: int
    state: str
    order: int
    approved: bool = False


@dataclass(slots=True)
class Truth:
    """What a person truly said last. A stop counts once a complete read could see it."""

    stop: datetime | None = None
    confirmed: datetime | None = None
    complained: bool = False

    def stopped(self, slack: timedelta = timedelta(0)) -> bool:
        """Whether the last word was stop, by more than `slack`."""
        return self.stop is not None and (self.confirmed is None or self.stop > self.confirmed + slack)

    def says(self, at: datetime) -> None:
        """A stop at that time."""
        self.stop = max(self.stop or at, at)

    def confirms(self, at: datetime) -> None:
        """A confirmation at that time."""
        self.confirmed = max(self.confirmed or at, at)


@dataclass(slots=True)
class Memory:
    """What the store remembers."""

    mirror: dict[Ref, Mirror] = field(default_factory=dict)
    esp: dict[int, Esp] = field(default_factory=lambda: {n: Esp() for n in range(ADDRESSES)})
    esp_run: dict[int, int] = field(default_factory=dict)
    elsewhere: dict[int, bool] = field(default_factory=dict)
    held: dict[int, dict[tuple[str, Reason], Suppression]] = field(default_factory=lambda: defaultdict(dict))
    requests: dict[int, dict[str, Request]] = field(default_factory=lambda: defaultdict(dict))
    outbox: dict[str, Outboxed] = field(default_factory=dict)
    inbox: list[tuple[int, Said]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    mails: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    ledger: list[tuple[int, Any]] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=lambda: {"crm": -1, "esp": -1})

    def latest(self, address: int) -> Request | None:
        """The latest request of an address."""
        return next(reversed(self.requests[address].values()), None)


def policy_of(one: int, two: int) -> Policy:
    """A tenant's policy from two bytes; zeros are the defaults."""
    return Policy(
        confirm=(Confirm.BEFORE, Confirm.BEFORE, Confirm.AFTER, Confirm.NONE)[one & 3],
        lift_at=LiftAt.NEXT_SYNC if one & 4 else LiftAt.ONCE,
        lift=Lift.OURS if one & 24 == 24 else Lift.ANY,
        faults_restrict=bool(one & 32),
        esp_cleared=Cleared.REQUEST if one & 64 else Cleared.REASSERT,
        crm_cleared=Cleared.REQUEST if one & 128 else Cleared.REASSERT,
        moved=(Moved.FOLLOW_PERSON, Moved.FOLLOW_PERSON, Moved.FOLLOW_ADDRESS, Moved.ASK)[two & 3],
        born_restricted=BornRestricted.IGNORE if two & 12 == 12 else BornRestricted.OPT_OUT,
        double_opt_in=not two & 16,
        lists=(LIST,),
        entries=(one + two) % 3 == 1,
    )


class World:
    """Runs one tape. `paging` reads in other pages, in another order and with repeats; nothing else may differ."""

    def __init__(self, tape: bytes, *, paging: int = 0) -> None:
        one, two = tape[0] if tape else 0, tape[1] if len(tape) > 1 else 0
        self.policy = policy_of(one, two)
        self.crm_times = not two & 32
        self.esp_times = not two & 64
        self.breaker = bool(two & 128)
        self.paging = paging
        self.now = START
        self.clock = 0
        self.runs = 0
        self.fuse = -1
        self.interrupt: int | None = None
        self.orders = 0
        self.offsets = {"crm": timedelta(minutes=(one % 21) - 10), "esp": timedelta(minutes=(two % 21) - 10)}
        self.error = {"crm": timedelta(0), "esp": timedelta(0)}
        self.read = (False, False)
        self.woken = False
        self.second = False
        self.rows: dict[Ref, Row] = {}
        self.places = [Place() for _ in range(ADDRESSES)]
        self.events: list[tuple[int, int, Said]] = []
        self.truth = [Truth() for _ in range(ADDRESSES)]
        self.mailbox: list[tuple[int, str, datetime]] = []
        self.memory = Memory()
        self.dirty: set[int] = set()
        self.broken: dict[str, list[str]] = defaultdict(list)
        self.deeds: list[tuple[Deed, str, int]] = []
        self.looked_at: datetime = START
        self.merged: dict[Ref, datetime] = {}
        self.homes: dict[tuple[Ref, datetime], int] = {}
        self.first_heard: dict[tuple[int, datetime], datetime] = {}
        for number in (1, 2):
            self._row("Contact", str(number), number - 1)
        self._row("Lead", "1", 0)
        self.tape = [tape[i : i + 3] for i in range(2, len(tape) - 2, 3)]

    # -- the tape -------------------------------------------------------------------------------------------------
    def play(self) -> World:
        """Lets everything on the tape happen."""
        for kind, who, how in self.tape:
            self.now += (timedelta(seconds=20), timedelta(minutes=4), timedelta(minutes=50), timedelta(hours=30))[
                how & 3
            ]
            _HAPPENINGS[kind % len(_HAPPENINGS)](self, who, how >> 2)
        return self

    def settle(self) -> World:
        """Ends the history in peace: everything readable, nothing held, and runs until nothing is owed."""
        for row in self.rows.values():
            row.readable = True
            self._touch(row)
        for place in self.places:
            place.readable = True
            self._touch(place)
        for _ in range(4):
            self.now += timedelta(minutes=10)
            self._approve()
            self.run()
        return self

    def _row(self, entity: str, id_: str, address: int, *, born: bool = False) -> Row:
        row = Row(ref=Ref(entity=entity, id=id_), address=address, born=born)
        self.rows[row.ref] = row
        self._touch(row)
        return row

    def _touch(self, thing: Row | Place) -> None:
        self.clock += 1
        thing.touched = self.clock

    def pick(self, who: int) -> Row:
        """A record by number."""
        rows = [row for row in self.rows.values() if not row.ref.is_entry]
        return rows[who % len(rows)]

    def listed(self, address: int) -> list[Row]:
        """The entries of an address that stand on the CRM's own list."""
        return [r for r in self.rows.values() if r.ref.is_entry and r.address == address and not r.deleted]

    # -- what people do -------------------------------------------------------------------------------------------
    def stop(self, address: int, *, via: str, lists: bool = False) -> None:
        """The person unsubscribes, on our page or at the platform."""
        key = f"{via}/{len(self.memory.told)}"
        scope = LIST if lists else ALL
        said = Said(kind=Kind.STOP, key=key, at=self.now, source=via, scope=scope)
        place = self.places[address]
        if lists:
            place.list = ListStatus.UNSUBSCRIBED
        if via == "esp":
            self.clock += 1
            self.events.append((self.clock, address, said))
            if not lists:
                self._suppressed(address, Reason.UNSUBSCRIBED, "event")
            self.memory.told.add(f"{key}!")
        else:
            self.tell(address, said)
        self._touch(place)
        if not lists:
            self.truth[address].says(self.now)

    def _suppressed(self, address: int, reason: Reason, by: str) -> None:
        place = self.places[address]
        place.word, place.reason, place.at, place.by, place.proven = Word.SUPPRESSED, reason, self.now, by, False
        self._touch(place)

    def tell(self, address: int, said: Said) -> None:
        """Appends to the inbox, once for each key."""
        if said.key not in self.memory.told:
            self.memory.told.add(said.key)
            self.memory.inbox.append((address, said))
            self.dirty.add(address)

    def ask(self, address: int, origin: Origin, *, lists: bool = False) -> None:
        """Somebody asks for a resubscribe."""
        key = f"ask/{len(self.memory.told)}"
        names = frozenset({LIST} if lists else ())
        said = Said(
            kind=Kind.ASK, key=key, at=self.now, source="page", origin=origin, by="Jo", why="asked by phone",
            allowed=True, lists=names,
        )  # fmt: skip
        self.tell(address, said)
        waived = {Origin.FORM: Confirm.AFTER, Origin.COMMAND: Confirm.NONE}.get(origin)
        signup = origin is Origin.FORM and not self.policy.double_opt_in and not self.truth[address].stopped()
        if origin is Origin.LINK or waived is self.policy.confirm or signup:
            self.truth[address].confirms(self.now)

    def confirm(self, who: int) -> None:
        """A person clicks the button behind the link of one of the mails."""
        if not self.mailbox:
            return
        address, request_id, expires = self.mailbox[-1 - who % len(self.mailbox)]
        request = self.memory.requests[address].get(request_id)
        key = f"confirm/{request_id}/{len(self.memory.told)}"
        self.tell(address, Said(kind=Kind.CONFIRM, key=key, at=self.now, source="page", request=request_id))
        if request and request.state in (State.REQUESTED, State.CHALLENGED) and self.now < expires:
            self.truth[address].confirms(self.now)

    def complain(self, address: int, request_id: str = "") -> None:
        """The person reports abuse."""
        key = f"abuse/{len(self.memory.told)}"
        said = Said(kind=Kind.COMPLAINT, key=key, at=self.now, source="page", request=request_id, reason=Reason.ABUSE)
        self.tell(address, said)
        self.truth[address].complained = True

    # -- one run --------------------------------------------------------------------------------------------------
    def run(self, *, crm: bool = True, esp: bool = True, woken: bool = False, fuse: int = -1) -> None:
        """One sync, which may read half, be woken by a page, or die after `fuse` steps."""
        self.runs += 1
        self.fuse, self.woken = fuse, woken
        noise = timedelta(seconds=self.runs * 37 % 61 - 30)
        self.error = {"crm": noise, "esp": -noise}
        before, homes = [replace(truth) for truth in self.truth], dict(self.homes)
        try:
            self._story(crm, esp)
            if crm and esp:
                self._check_completed()
        except Crash:
            # What only a killed run has read was never seen: cleared before the next look, it is clear.
            self.truth, self.homes = before, homes
        finally:
            self.fuse, self.interrupt = -1, None

    def _story(self, crm: bool, esp: bool) -> None:
        self.second = False
        self._deliver((0, 1))
        for owed in self.memory.outbox.values():
            if owed.state == "owed" and owed.action.deed in ANEW:
                owed.state = "taken"
        self._gather(crm, esp)
        for _ in range(6):
            self._look()
            moved = self._promise()
            lifts = sum(deed in LIFTS for deed, _, _ in self.deeds)
            ended = self._deliver(range(13))
            if self.second and not ended and not moved:
                break
            self.second = sum(deed in LIFTS for deed, _, _ in self.deeds) == lifts
            if not self.second:
                self._gather(crm, esp)  # what was said meanwhile; a pass that only hears comes first again
            for owed in self.memory.outbox.values():
                if owed.state == "owed" and owed.action.deed in ANEW:
                    owed.state = "taken"

    def _tick(self) -> None:
        """One port call or unit of work: here the process may die, or somebody may say stop meanwhile."""
        self.now += timedelta(seconds=1)
        if self.fuse > 0:
            self.fuse -= 1
            if self.fuse == 0:
                if self.interrupt is None:
                    raise Crash
                self.stop(self.interrupt, via="esp" if self.runs & 1 else "page")

    # -- looking --------------------------------------------------------------------------------------------------
    def _gather(self, crm: bool, esp: bool) -> None:
        self._tick()
        self.looked_at = self.now
        memory, until = self.memory, self.clock
        rows = sorted((r for r in self.rows.values() if r.touched > memory.cursors["crm"] - 2), key=_touched)
        for row in self._pages(rows, whole=crm):
            self._stage_row(row)
        if crm:
            memory.cursors["crm"] = until
        self._tick()
        places = [n for n, p in enumerate(self.places) if p.touched > memory.cursors["esp"] - 2]
        for address in self._pages(places, whole=esp):
            self._stage_place(address)
        for seq, address, said in self.events:
            if seq > memory.cursors["esp"] - 2 and (esp or seq & 1):
                at = said.at + self.error["esp"]
                self.tell(address, replace(said, at=at))
        if esp:
            memory.cursors["esp"] = until
        self.read = (crm, esp)
        self._witness(crm and esp)

    def _pages(self, found: list[T], *, whole: bool) -> Iterator[T]:
        """The rows page by page; an unfinished read ends halfway, another paging repeats and turns pages round."""
        found = found if whole else found[: len(found) // 2]
        if not self.paging:
            yield from found
            return
        for start in range(0, len(found), self.paging):
            page = found[max(0, start - 1) : start + self.paging]
            yield from reversed(page)
            yield from page

    def _witness(self, complete: bool) -> None:
        """What a complete read has seen was truly said; a flag set and cleared before it is clear."""
        if not complete:
            return
        for row in self.rows.values():
            fresh = row.flag and row.by == "user" and row.readable and row.at is not None
            known = self.memory.mirror.get(row.ref)
            ignored = row.born and self.policy.born_restricted is BornRestricted.IGNORE and not row.ref.is_entry
            if fresh and not ignored and row.at is not None:
                agreed = known is not None and known.record.agreed is Flag.SET
                home = self.homes.setdefault((row.ref, row.at), self._home(row, agreed))
                self.truth[home].says(self._heard(home, row.at, self.crm_times))
        for m in self.memory.mirror.values():
            if self.policy.moved is Moved.FOLLOW_PERSON and not m.record.deleted:
                self._travels(m.agreed_address, m.address, self.looked_at)
            winner = self.memory.mirror.get(m.merged_into) if m.merged_into else None
            if winner:
                self._travels(m.address, winner.address, min(self.looked_at, self.merged[m.record.ref]))
        for address, place in enumerate(self.places):
            if place.word is Word.SUPPRESSED and place.by == "operator" and place.readable and place.at:
                self.truth[address].says(self._heard(address, place.at, self.esp_times))

    def _home(self, row: Row, agreed: bool) -> int:
        """Where a flag was said: where it was first seen, or agreed; one that was set again, where that is seen."""
        if row.again:
            return row.address
        return self.memory.mirror[row.ref].agreed_address if agreed else row.address

    def _travels(self, old: int, new: int, until: datetime) -> None:
        """Under follow_person, and by a merge, a stop that stands at the old address by then is one at the new."""
        truth = self.truth[old]
        if old != new and truth.stopped() and truth.stop and truth.stop <= until:
            self.truth[new].says(self._heard(new, truth.stop, self.crm_times and self.esp_times))

    def _heard(self, address: int, at: datetime, timed: bool) -> datetime:
        """When a stop was said; corner case 3: one without a time, read before the mail, stood when they asked."""
        if timed:
            return at
        latest = self.memory.latest(address)
        asks = [s.at for a, s in self.memory.inbox if a == address and s.kind is Kind.ASK]
        asks += [r.box.at for r in self.rows.values() if r.box and r.box.at and r.address == address]
        asks += [latest.asked_at] if latest and latest.state is State.REQUESTED else []
        return self.first_heard.setdefault((address, at), min([at, *asks]))

    def _time(self, side: str, at: datetime | None, told: bool) -> datetime | None:
        """A side's own time, told by its clock and corrected by what we measured of it."""
        if at is None or not told:
            return None
        return at + self.offsets[side] - (self.offsets[side] - self.error[side])

    def _stage_row(self, row: Row) -> None:
        memory = self.memory
        if row.flag and row.readable and row.at is not None:
            known = memory.mirror.get(row.ref)
            before = known is not None and known.record.agreed is Flag.SET
            self.homes.setdefault((row.ref, row.at), self._home(row, before))
        flag = (Flag.SET if row.flag else Flag.CLEAR) if row.readable else Flag.UNREADABLE
        known = memory.mirror.get(row.ref)
        read: dict[str, Any] = {
            "flag": flag,
            "flag_at": self._time("crm", row.at, self.crm_times) if row.flag else None,
            "access": row.access if row.access is not Access.REFUSING else Access.WRITABLE,
            "deleted": row.deleted,
            "box": row.box is not None,
            "tick": row.box,
            "lists": known.record.lists if known else {} if row.ref.is_entry else {LIST: ListStatus.ABSENT},
        }
        row.born = row.born or (row.flag and (known is None or known.record.agreed is None))
        if known is None:
            agreed = Flag.CLEAR if flag is Flag.CLEAR else None
            record = Record(ref=row.ref, agreed=agreed, **read)
            known = Mirror(record=record, address=row.address, agreed_address=row.address)
            memory.mirror[row.ref] = known
        elif known.record.access is Access.REFUSING:
            read["access"] = Access.REFUSING
        self.dirty |= {known.address, known.agreed_address, row.address}
        known.record = replace(known.record, **read)
        known.address, known.merged_into, known.run = row.address, row.merged_into, self.runs

    def _stage_place(self, address: int) -> None:
        place = self.places[address]
        self.memory.esp[address] = replace(
            self.memory.esp[address],
            word=place.word if place.readable else Word.UNREADABLE,
            reason=place.reason if place.readable else None,
            since=self._time("esp", place.at, self.esp_times) if place.readable else None,
            proven=place.proven and place.readable,
            lists={LIST: place.list} if place.readable else {LIST: ListStatus.UNREADABLE},
        )
        self.memory.esp_run[address] = self.runs
        self.dirty.add(address)

    def _look(self) -> None:
        """Single looks for every address that waits for a lift or a mail."""
        waiting = {a for a, requests in self.memory.requests.items() if any(r.open for r in requests.values())}
        waiting |= {a for a, said in self.memory.inbox if said.kind in (Kind.ASK, Kind.CONFIRM)}
        waiting |= {m.address for m in self.memory.mirror.values() if m.record.box}
        for address in sorted(waiting):
            self.dirty.add(address)
            if self.read[0]:
                self._tick()
                found = [r for r in self.rows.values() if r.address == address]
                for row in found:
                    self._stage_row(row)
                self.memory.elsewhere[address] = False
            if self.read[1]:
                self._tick()
                self._stage_place(address)
        if self.read == (True, True):
            self._witness(True)

    # -- thinking and promising -----------------------------------------------------------------------------------
    def view(self, address: int) -> View:
        """All that is known of one address."""
        memory = self.memory
        latest = memory.latest(address)
        esp, read = memory.esp[address], memory.esp_run.get(address) == self.runs
        if esp.fresh is not read:
            memory.esp[address] = esp = replace(esp, fresh=read)
        confirmed = [r.confirmed_at for r in memory.requests[address].values() if r.confirmed_at]
        ours = latest.id if latest else "-"
        return View(
            tenant="t",
            digest=str(address),
            records=tuple(self._record(m) for m in memory.mirror.values() if m.address == address),
            esp=esp,
            suppressions=tuple(memory.held[address].values()),
            request=latest,
            said=tuple(s for a, s in memory.inbox if a == address),
            arrivals=tuple(self._arrivals(address)),
            settled={
                k: _STATES[o.state]
                for k, o in memory.outbox.items()
                if o.state in _STATES and o.address == address and self._ours(o, ours)
            },
            mails=tuple(m for m in memory.mails[address] if m > self.now - timedelta(days=30)),
            last_confirmed_at=max(confirmed, default=None),
            crm_complete=self.read[0],
            esp_complete=self.read[1],
            settles_moves=self.second,
            lifts_restrictions=not self.woken,
            elsewhere=memory.elsewhere.get(address),
        )

    def _ours(self, owed: Outboxed, request: str) -> bool:
        return owed.action.request == request if owed.action.request else owed.state != "done"

    def _record(self, m: Mirror) -> Record:
        r, fresh, moved = m.record, m.run == self.runs, m.agreed_address != m.address
        gone = r.deleted != m.agreed_deleted
        if (r.fresh, r.moved, r.gone) != (fresh, moved, gone):
            m.record = r = replace(r, fresh=fresh, moved=moved, gone=gone)
        return r

    def _arrivals(self, address: int) -> Iterator[Arrival]:
        mirror = self.memory.mirror
        for m in mirror.values():
            if m.address == address and m.agreed_address != address and not m.record.deleted:
                wishes = self._wishes(m.agreed_address)
                if wishes:
                    yield Arrival(ref=m.record.ref, wishes=wishes)
            winner = mirror.get(m.merged_into) if m.merged_into else None
            if winner and winner.address == address != m.address:
                wishes = self._wishes(m.address)
                if wishes:
                    yield Arrival(ref=winner.record.ref, wishes=wishes, merged=True)

    def _wishes(self, address: int) -> frozenset[Suppression]:
        held = self.memory.held[address].values()
        return frozenset(s for s in held if s.scope == ALL and s.kind is Why.WISH)

    def _promise(self) -> bool:
        """Decides what is dirty and stores it; whether a request moved."""
        moved = False
        for address in sorted(self.dirty):
            view = self.view(address)
            decision = decide(view, self.policy, self.now)
            self._check_decision(address, view, decision)
            if empty(decision):
                if self.read == (True, True) and self.second:
                    self.dirty.discard(address)
                continue
            self._tick()
            self._store(address, decision)
            moved = moved or bool(decision.moves)
            self._tick()
        return moved

    def _store(self, address: int, decision: Decision) -> None:
        memory = self.memory
        for fact in decision.facts:
            memory.ledger.append((address, fact))
            if fact.suppression is not None:
                if fact.kind in (FactKind.LIFTED, FactKind.WITHDRAWN):
                    memory.held[address].pop(fact.suppression.key, None)
                else:
                    memory.held[address][fact.suppression.key] = fact.suppression
        memory.ledger += [(address, move) for move in decision.moves]
        for m in memory.mirror.values() if decision.facts else ():
            winner = memory.mirror.get(m.merged_into) if m.merged_into else None
            if winner and m.address == address:
                self.dirty.add(winner.address)
            if m.agreed_address == address:
                self.dirty.add(m.address)
        for request in decision.requests:
            memory.requests[address][request.id] = request
        for ref in decision.agreed:
            self._agree(memory.mirror[ref])
        if decision.agreed_esp:
            self._agree_esp(address)
        memory.taken |= set(decision.heard)
        memory.inbox = [(a, s) for a, s in memory.inbox if s.key not in memory.taken]
        for action in decision.actions:
            self._owe(address, action)

    def _owe(self, address: int, action: Action) -> None:
        known = self.memory.outbox.get(action.key)
        held = self.breaker and action.deed in LIFTS and not (known and known.approved)
        if known is None:
            self.orders += 1
            state = "held" if held else "owed"
            self.memory.outbox[action.key] = Outboxed(action, address, state, self.orders)
        elif known.state in ("taken", "cancelled"):
            known.action, known.state = action, "held" if held else "owed"

    def _agree(self, m: Mirror) -> None:
        r = m.record
        news = r.flag is not r.agreed or r.lists != r.agreed_lists or r.box != r.agreed_box
        m.record = replace(
            r,
            agreed_number=r.agreed_number + news,
            cause=Cause.NONE if r.flag is not r.agreed else r.cause,
            agreed=r.flag,
            agreed_flag_at=r.flag_at,
            agreed_box=r.box,
            agreed_lists=r.lists,
        )
        m.agreed_address, m.agreed_deleted = m.address, r.deleted

    def _agree_esp(self, address: int) -> None:
        e = self.memory.esp[address]
        news = e.word is not e.agreed or e.lists != e.agreed_lists
        self.memory.esp[address] = replace(
            e,
            agreed_number=e.agreed_number + news,
            agreed=e.word,
            agreed_reason=e.reason,
            agreed_since=e.since,
            agreed_lists=e.lists,
        )

    def _approve(self) -> None:
        for owed in self.memory.outbox.values():
            if owed.state == "held":
                owed.state, owed.approved = "owed", True
                self.dirty.add(owed.address)

    # -- doing ----------------------------------------------------------------------------------------------------
    def _deliver(self, phases: range | tuple[int, ...]) -> int:
        ended = 0
        waiting = [o for o in self.memory.outbox.values() if o.state in ("owed", "aside")]
        for phase in phases if waiting else ():
            for owed in sorted(waiting, key=_order):
                if PHASE[owed.action.deed] == phase and self._due(owed):
                    self._tick()
                    outcome = _DOERS[owed.action.deed](self, owed)
                    self._tick()
                    self._settle(owed, outcome)
                    ended += 1
        return ended

    def _due(self, owed: Outboxed) -> bool:
        again = owed.state == "aside" and owed.action.deed in BLOCKS and phase_zero(owed) and not self.second
        if owed.state != "owed" and not again:
            return False
        mine = [o for o in self.memory.outbox.values() if o.address == owed.address]
        if owed.action.request and owed.action.deed is not Deed.NOTICE:
            for other in mine:
                earlier = other.action.request == owed.action.request and other.action.phase < owed.action.phase
                if earlier and other.state in ("owed", "held"):
                    return False
        blocks = any(o.state == "owed" and o.action.phase <= 1 for o in mine)
        return not (owed.action.deed in LIFTS and blocks)

    def _settle(self, owed: Outboxed, outcome: str) -> None:
        if outcome == "done":
            self.deeds.append((owed.action.deed, owed.action.target, owed.address))
            _EFFECTS.get(owed.action.deed, _nothing)(self, owed)
        elif outcome == "aside" and owed.action.deed in (Deed.RESTRICT, Deed.UNRESTRICT):
            m = self.memory.mirror[Ref.parse(owed.action.target)]
            m.record = replace(m.record, access=Access.REFUSING)
        owed.state = {"done": "done", "aside": "aside", "conflict": "cancelled"}[outcome]
        self.dirty.add(owed.address)

    def _turned(self, owed: Outboxed) -> bool:
        latest = self.memory.latest(owed.address)
        closed = bool(owed.action.request) and not (latest and latest.lifting)
        return closed or any(a == owed.address and s.kind in _TURNS for a, s in self.memory.inbox)

    # -- promises -------------------------------------------------------------------------------------------------
    def _check_decision(self, address: int, view: View, decision: Decision) -> None:
        things: tuple[Action | Move | Fact, ...] = (*decision.actions, *decision.moves, *decision.facts)
        for thing in things:
            if not thing.because.strip():
                self.broken["R5"].append(f"{thing} has no because")
        after_ = decision.requests[-1] if decision.requests else view.request
        for fact in decision.facts:
            s = fact.suppression
            if s and fact.kind is FactKind.LIFTED and (s.reason in COMPLAINTS or s.reason is Reason.UNKNOWN):
                self.broken["R7"].append(f"{s.reason} was lifted at {address}")
            asked = [r for r in (view.request, *decision.requests) if r]
            named = any(s.key in r.names for r in asked) if s else False
            if s and s.scope == ALL and fact.kind is FactKind.LIFTED and not named:
                self.broken["R2"].append(f"{s.key} was lifted at {address}, and no request names it")
        for action in decision.actions:
            if action.deed in LIFTS:
                self._check_lift(address, action, decision, after_)
        if after_ and after_.open and self.second:
            works = [a for a in decision.actions if a.request == after_.id]
            if not (decision.waits or works or decision.moves):
                self.broken["R8"].append(f"the request at {address} is {after_.state} and waits for nothing")
        stored = dict(self.memory.held[address])
        for fact in decision.facts:
            if fact.suppression is not None:
                stored.pop(fact.suppression.key, None)
                if fact.kind not in (FactKind.LIFTED, FactKind.WITHDRAWN):
                    stored[fact.suppression.key] = fact.suppression
        if set(stored.values()) != set(decision.suppressions):
            self.broken["R6"].append(f"the facts at {address} do not lead to the suppressions")

    def _check_lift(self, address: int, action: Action, decision: Decision, request: Request | None) -> None:
        held = [s for s in decision.suppressions if s.scope == ALL]
        if any(s.reason in COMPLAINTS for s in held):
            self.broken["R7"].append(f"{action.deed} at {address} under a complaint")
        if action.request:
            named = request is not None and {s.key for s in held} <= request.names
            kept = all(liftable(s.reason, self.policy.lift_faults) for s in held)
            if not (request and request.lifting and request.confirmed_at and named and kept):
                self.broken["R2"].append(f"{action.deed} at {address} without a confirmed request that names all")
            if self.read != (True, True):
                self.broken["R2"].append(f"{action.deed} at {address} in a run that read half")
        elif action.deed is Deed.UNSUPPRESS:
            self.broken["R2"].append(f"unsuppress at {address} without a request")
        elif any(s.kind is Why.WISH for s in held):
            self.broken["R2"].append(f"unrestrict at {address} although a wish stands")

    def _check_done_lift(self, address: int, action: Action) -> None:
        truth, latest = self.truth[address], self.memory.latest(address)
        ticked = latest is not None and latest.origin is Origin.TICK
        if truth.stopped(MARGIN if ticked else timedelta(0)) and truth.stop and truth.stop <= self.looked_at:
            self.broken["R2"].append(f"{action.deed} at {address}: the last word was stop at {truth.stop}")

    def _check_completed(self) -> None:
        """R1, after a sync that read both sides to their ends and was not killed."""
        for address, truth in enumerate(self.truth):
            stopped = truth.complained or truth.stopped(MARGIN)
            if stopped and truth.stop and truth.stop > self.looked_at:
                continue
            if not stopped or any(a == address for a, _ in self.memory.inbox):
                continue
            if any(o.state in ("held",) and o.action.deed in BLOCKS for o in self.memory.outbox.values()):
                continue
            place = self.places[address]
            hidden = not place.readable and self.memory.esp[address].agreed is Word.SUPPRESSED
            if not hidden and place.word not in (Word.SUPPRESSED, Word.PENDING):
                self.broken["R1"].append(f"{address} said stop and is {place.word} at the platform")
            if self.policy.entries and not self.listed(address):
                self.broken["R1"].append(f"{address} said stop and is not on the CRM's list")
            for row in self.rows.values():
                bound = row.address == address and not row.deleted and row.access is Access.WRITABLE
                known = self.memory.mirror.get(row.ref)
                hidden = not row.readable and known is not None and known.record.agreed is Flag.SET
                if bound and not row.flag and not hidden:
                    self.broken["R1"].append(f"{address} said stop and {row.ref} is clear")

    def check_end(self) -> World:
        """R3, R6 and R8, once everything is carried out."""
        self.second = True
        for address in range(ADDRESSES):
            decision = decide(self.view(address), self.policy, self.now)
            if not empty(decision):
                self.broken["R3"].append(f"{address}: {decision.actions or decision.facts or decision}")
            for request in list(self.memory.requests[address].values())[:-1]:
                if request.open:
                    self.broken["R8"].append(f"{request.id} at {address} was left open")
            latest = self.memory.latest(address)
            if latest and latest.open and not decision.waits:
                self.broken["R8"].append(f"the request at {address} is {latest.state} for good")
            self._replay(address)
        return self

    def _replay(self, address: int) -> None:
        held: dict[tuple[str, Reason], Suppression] = {}
        states: dict[str, State] = {}
        for who, told in self.memory.ledger:
            if who != address:
                continue
            kind = getattr(told, "kind", None)
            suppression = getattr(told, "suppression", None)
            if suppression is not None:
                held.pop(suppression.key, None)
                if kind not in (FactKind.LIFTED, FactKind.WITHDRAWN):
                    held[suppression.key] = suppression
            elif kind is FactKind.ASKED:
                states.setdefault(str(told.values["request"]), State.REQUESTED)
            elif kind is None:
                if states.get(told.request) is not told.before:
                    self.broken["R6"].append(f"{told} does not follow from the ledger")
                states[told.request] = told.after
        if held != self.memory.held[address]:
            self.broken["R6"].append(f"replaying the ledger gives other suppressions at {address}")
        if states != {r.id: r.state for r in self.memory.requests[address].values()}:
            self.broken["R6"].append(f"replaying the ledger gives other requests at {address}")

    def outcome(self) -> object:
        """What R4 compares: what holds, what both sides show, and where every request stands."""
        return (
            [sorted((s.scope, s.reason.value) for s in self.memory.held[n].values()) for n in range(ADDRESSES)],
            [[r.state for r in self.memory.requests[n].values()] for n in range(ADDRESSES)],
            [(p.word, p.list) for p in self.places],
            [(str(r.ref), r.flag, r.box is not None) for r in self.rows.values()],
            sorted(deed.value for deed, _, _ in self.deeds),
        )


def empty(decision: Decision) -> bool:
    """Whether a decision changes nothing."""
    return not (
        decision.actions or decision.moves or decision.facts or decision.requests or decision.agreed
        or decision.agreed_esp or decision.heard
    )  # fmt: skip


def _touched(row: Row) -> int:
    return row.touched


def _order(owed: Outboxed) -> int:
    return owed.order


def phase_zero(owed: Outboxed) -> bool:
    """Whether a deed is a block that every run tries first."""
    return owed.action.phase == 0


def _nothing(world: World, owed: Outboxed) -> None:
    return None


# -- what the sides do with a deed -----------------------------------------------------------------
def _restrict(world: World, owed: Outboxed) -> str:
    row = world.rows[Ref.parse(owed.action.target)]
    if row.access is not Access.WRITABLE or row.deleted:
        return "aside"
    m = world.memory.mirror[row.ref]
    unseen = row.by == "user" and m.record.agreed is not Flag.SET
    if not row.flag or row.address != owed.address or unseen:
        # A flag that nobody had read yet cannot be told from the one that we write over it.
        row.flag, row.by, row.at = True, "us", world.now
        world._touch(row)
    return "done"


def _unrestrict(world: World, owed: Outboxed) -> str:
    row = world.rows[Ref.parse(owed.action.target)]
    shown = row.flag and row.readable and row.address == owed.address and not row.deleted
    if not shown or world._turned(owed):
        return "conflict"
    if row.access is not Access.WRITABLE:
        return "aside"
    world._check_done_lift(owed.address, owed.action)
    row.flag, row.by, row.at, row.born = False, "", None, False
    world._touch(row)
    return "done"


def _suppress(world: World, owed: Outboxed) -> str:
    place = world.places[owed.address]
    if place.word is not Word.SUPPRESSED:
        world._suppressed(owed.address, Reason(str(owed.action.values["reason"])), "us")
    return "done"


def _unsuppress(world: World, owed: Outboxed) -> str:
    place = world.places[owed.address]
    since = world._time("esp", place.at, world.esp_times)
    shown = f"{place.word.value}|{place.reason.value if place.reason else ''}|{since.isoformat() if since else ''}"
    if not place.readable or shown != owed.action.expects or world._turned(owed):
        return "conflict"
    world._check_done_lift(owed.address, owed.action)
    place.word, place.reason, place.at, place.by, place.proven = Word.SUBSCRIBED, None, None, "", False
    world._touch(place)
    return "done"


def _leave(world: World, owed: Outboxed) -> str:
    place = world.places[owed.address]
    if owed.action.target == LIST:
        place.list = ListStatus.UNSUBSCRIBED
        world._touch(place)
    return "done"


def _join(world: World, owed: Outboxed) -> str:
    place = world.places[owed.address]
    if place.word is Word.ABSENT:
        place.word = Word.SUBSCRIBED
    if owed.action.target == LIST:
        place.list = ListStatus.SUBSCRIBED
    world._touch(place)
    return "done"


def _create(world: World, owed: Outboxed) -> str:
    people = [r for r in world.rows.values() if not r.ref.is_entry]
    if not any(r.address == owed.address and not r.deleted for r in people):
        world._row("Lead", f"new{owed.action.request[:6]}{len(world.rows)}", owed.address)
    return "done"


def _write(world: World, owed: Outboxed) -> str:
    return "done"


def _add_entry(world: World, owed: Outboxed) -> str:
    for row in world.listed(owed.address):
        row.by = "us"  # an entry that nobody had read yet cannot be told from our own
        return "done"
    row = world._row(ENTRY, f"e{len(world.rows)}", owed.address)
    row.flag, row.by, row.at = True, "us", world.now
    return "done"


def _remove_entry(world: World, owed: Outboxed) -> str:
    row = world.rows[Ref.parse(owed.action.target)]
    if row.deleted:
        return "done"
    if world._turned(owed):
        return "conflict"
    world._check_done_lift(owed.address, owed.action)
    _take_off(world, row)
    return "done"


def _take_off(world: World, row: Row) -> None:
    row.deleted, row.flag, row.by, row.at, row.box = True, False, "", None, None
    world._touch(row)


def _clear_box(world: World, owed: Outboxed) -> str:
    row = world.rows[Ref.parse(owed.action.target)]
    row.box = None
    world._touch(row)
    return "done"


def _mail(world: World, owed: Outboxed) -> str:
    request = world.memory.requests[owed.address].get(owed.action.request)
    if request is None or not request.open:
        return "conflict"
    world.mailbox.append((owed.address, request.id, request.expires_at))
    return "done"


def _notice(world: World, owed: Outboxed) -> str:
    return "done"


_DOERS = {
    Deed.SUPPRESS: _suppress,
    Deed.RESTRICT: _restrict,
    Deed.ADD_ENTRY: _add_entry,
    Deed.REMOVE_ENTRY: _remove_entry,
    Deed.LEAVE_LIST: _leave,
    Deed.WRITE_LIST: _write,
    Deed.CLEAR_BOX: _clear_box,
    Deed.TELL: _write,
    Deed.MAIL: _mail,
    Deed.DROP_LIST: _leave,
    Deed.UNSUPPRESS: _unsuppress,
    Deed.JOIN_LIST: _join,
    Deed.CREATE_RECORD: _create,
    Deed.WRITE_STATUS: _write,
    Deed.WRITE_NOTE: _write,
    Deed.UNRESTRICT: _unrestrict,
    Deed.NOTICE: _notice,
}


# -- what an outcome means for the mirror ----------------------------------------------------------
def _flagged(world: World, owed: Outboxed) -> None:
    m = world.memory.mirror[Ref.parse(owed.action.target)]
    lifted = owed.action.deed is Deed.UNRESTRICT
    fault = owed.action.values.get("kind") == "fault"
    flag = Flag.CLEAR if lifted else Flag.SET
    m.record = replace(
        m.record,
        flag=flag,
        agreed=flag,
        agreed_number=m.record.agreed_number + 1,
        cause=Cause.NONE if lifted else Cause.FAULT if fault else Cause.WISH,
        access=Access.WRITABLE if m.record.access is Access.REFUSING else m.record.access,
        flag_at=None if lifted or not world.crm_times else world.now,
        agreed_flag_at=None if lifted or not world.crm_times else world.now,
    )
    m.agreed_deleted = m.record.deleted


def _entered(world: World, owed: Outboxed) -> None:
    (row,) = world.listed(owed.address)[:1]
    known = world.memory.mirror.get(row.ref)
    record = known.record if known else Record(ref=row.ref, flag=Flag.SET)
    number = record.agreed_number + 1
    cause = Cause.FAULT if owed.action.values.get("kind") == "fault" else Cause.WISH
    record = replace(record, flag=Flag.SET, agreed=Flag.SET, agreed_number=number, cause=cause, deleted=False)
    world.memory.mirror[row.ref] = Mirror(record=record, address=row.address, agreed_address=row.address)


def _taken_off(world: World, owed: Outboxed) -> None:
    m = world.memory.mirror[Ref.parse(owed.action.target)]
    m.record = replace(
        m.record, flag=Flag.CLEAR, agreed=Flag.CLEAR, deleted=True, box=False, agreed_box=False, tick=None,
        agreed_number=m.record.agreed_number + 1, cause=Cause.NONE,
    )  # fmt: skip
    m.agreed_deleted = True


def _worded(world: World, owed: Outboxed) -> None:
    e, place = world.memory.esp[owed.address], world.places[owed.address]
    lifted = owed.action.deed is Deed.UNSUPPRESS
    since = None if lifted else world._time("esp", place.at, world.esp_times)
    word = Word.SUBSCRIBED if lifted else Word.SUPPRESSED
    reason = None if lifted else Reason(str(owed.action.values["reason"]))
    world.memory.esp[owed.address] = replace(
        e, word=word, reason=reason, since=since, proven=False, agreed=word, agreed_reason=reason, agreed_since=since,
        agreed_number=e.agreed_number + 1,
    )  # fmt: skip


def _listed(world: World, owed: Outboxed) -> None:
    e = world.memory.esp[owed.address]
    status = ListStatus.SUBSCRIBED if owed.action.deed is Deed.JOIN_LIST else ListStatus.UNSUBSCRIBED
    change = {owed.action.target: status}
    world.memory.esp[owed.address] = replace(
        e, lists={**e.lists, **change}, agreed_lists={**e.agreed_lists, **change}, agreed_number=e.agreed_number + 1
    )


def _fields(world: World, owed: Outboxed) -> None:
    m = world.memory.mirror[Ref.parse(owed.action.target)]
    wrote = {k[5:]: ListStatus(str(v)) for k, v in owed.action.values.items() if k.startswith("list:")}
    m.record = replace(
        m.record,
        lists={**m.record.lists, **wrote},
        agreed_lists={**m.record.agreed_lists, **wrote},
        agreed_number=m.record.agreed_number + 1,
    )


def _unboxed(world: World, owed: Outboxed) -> None:
    m = world.memory.mirror[Ref.parse(owed.action.target)]
    m.record = replace(m.record, box=False, agreed_box=False, tick=None)


def _mailed(world: World, owed: Outboxed) -> None:
    memory = world.memory
    memory.mails[owed.address].append(world.now)
    request = memory.requests[owed.address].get(owed.action.request)
    if owed.action.deed is Deed.MAIL and request is not None:
        number = int(str(owed.action.values["mail"]))
        state = after(request.state, Event.MAILED)
        mailed = replace(request, mails=number, mailed_at=world.now, state=state)
        memory.requests[owed.address][request.id] = mailed
        if state is not request.state:
            memory.ledger.append((owed.address, _Left(request=request.id, before=request.state, after=state)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Left:
    """The ledger's row for a mail that left."""

    request: str
    before: State
    after: State
    because: str = "the mail left"


_EFFECTS = {
    Deed.RESTRICT: _flagged,
    Deed.UNRESTRICT: _flagged,
    Deed.ADD_ENTRY: _entered,
    Deed.REMOVE_ENTRY: _taken_off,
    Deed.SUPPRESS: _worded,
    Deed.UNSUPPRESS: _worded,
    Deed.LEAVE_LIST: _listed,
    Deed.DROP_LIST: _listed,
    Deed.JOIN_LIST: _listed,
    Deed.WRITE_LIST: _fields,
    Deed.CLEAR_BOX: _unboxed,
    Deed.MAIL: _mailed,
    Deed.NOTICE: _mailed,
}


# -- what may happen -------------------------------------------------------------------------------
def _who(who: int) -> int:
    """An address; the first one most often, so that much happens to one person."""
    return (0, 0, 0, 1, 1, 2)[who % 6]


def _run(world: World, who: int, how: int) -> None:
    world.run()


def _half(world: World, who: int, how: int) -> None:
    world.run(crm=bool(how & 1), esp=bool(how & 2))


def _wake(world: World, who: int, how: int) -> None:
    world.run(woken=True)


def _die(world: World, who: int, how: int) -> None:
    world.run(fuse=1 + who % 48, woken=bool(how & 1))


def _meanwhile(world: World, who: int, how: int) -> None:
    world.interrupt = _who(how)
    world.run(fuse=1 + who % 48)


def _set_flag(world: World, who: int, how: int) -> None:
    if world.policy.entries and how & 32:
        _enter_by_hand(world, _who(who))
        return
    row = world.pick(who)
    if row.deleted or (row.flag and (row.by != "user" or not world.crm_times)):
        return
    m = world.memory.mirror.get(row.ref)
    # Cleared and set again between two looks is seen only where history tells.
    unseen = m is not None and m.record.agreed is Flag.SET and not world.crm_times
    row.flag, row.by, row.at, row.born = True, "us" if unseen else "user", world.now, False
    row.again = m is not None and m.record.agreed is Flag.SET
    world._touch(row)


def _enter_by_hand(world: World, address: int) -> None:
    if not world.listed(address):
        row = world._row(ENTRY, f"e{len(world.rows)}", address)
        row.flag, row.by, row.at = True, "user", world.now


def _clear_flag(world: World, who: int, how: int) -> None:
    if world.policy.entries and how & 32:
        for entry in world.listed(_who(who)):
            _take_off(world, entry)
        return
    row = world.pick(who)
    if not row.deleted:
        row.flag, row.by, row.at, row.born = False, "", None, False
        world._touch(row)


def _unsubscribe(world: World, who: int, how: int) -> None:
    world.stop(_who(who), via="esp" if how & 1 else "page", lists=how & 14 == 14)


def _operator(world: World, who: int, how: int) -> None:
    reason = (*_WISHES, Reason.HARD_BOUNCED, Reason.SOFT_BOUNCED, Reason.DOMAIN, Reason.UNKNOWN, Reason.COMPLAINED)
    given = reason[how % len(reason)]
    place = world.places[_who(who)]
    if place.word is Word.SUPPRESSED and (place.reason is given or not world.esp_times):
        return
    unseen = world.memory.esp[_who(who)].agreed is Word.SUPPRESSED and not world.esp_times
    world._suppressed(_who(who), given, "operator" if given in _WISHES and not unseen else "fault")
    if given is Reason.COMPLAINED:
        world.clock += 1
        key = f"esp/complaint/{world.clock}"
        at = world.now
        world.events.append(
            (world.clock, _who(who), Said(kind=Kind.COMPLAINT, key=key, at=at, source="esp", reason=given))
        )
        world.truth[_who(who)].complained = True
        world.truth[_who(who)].says(world.now)


def _release(world: World, who: int, how: int) -> None:
    place = world.places[_who(who)]
    place.word, place.reason, place.at, place.by = Word.SUBSCRIBED, None, None, ""
    place.proven = bool(how & 1)
    if place.proven:
        place.at = world.now
        if world.esp_times:
            world.truth[_who(who)].confirms(world.now)
    world._touch(place)


def _blur(world: World, who: int, how: int) -> None:
    if how & 1:
        row = world.pick(who)
        row.readable = not row.readable
        world._touch(row)
    else:
        place = world.places[_who(who)]
        place.readable = not place.readable
        world._touch(place)


def _ask(world: World, who: int, how: int) -> None:
    origin = (Origin.FORM, Origin.FORM, Origin.LINK, Origin.COMMAND)[how & 3]
    world.ask(_who(who), origin, lists=bool(how & 4))


def _ask_and_mail(world: World, who: int, how: int) -> None:
    world.ask(_who(who), Origin.FORM, lists=bool(how & 4))
    world.now += timedelta(minutes=5)
    world.run(woken=bool(how & 1))


def _return(world: World, who: int, how: int) -> None:
    """The whole way back: asked by the form, mailed, confirmed, lifted as far as policy lets one run."""
    _ask_and_mail(world, who, how)
    _click_and_run(world, 0, how >> 1)


def _box(world: World, who: int, how: int) -> None:
    row = world.pick(who)
    if world.policy.entries and how & 32:
        row = next(iter(world.listed(_who(who))), row)
    if row.deleted or row.access is Access.READ_ONLY:
        return
    if row.box is None:
        allowed = (True, True, False, None)[how & 3]
        row.box = Tick(by="Jo", at=world.now, allowed=allowed)
        if allowed and world.policy.confirm is Confirm.NONE:
            world.truth[row.address].confirms(world.now)
    else:
        row.box = None
    world._touch(row)


def _click(world: World, who: int, how: int) -> None:
    world.confirm(who)


def _click_and_run(world: World, who: int, how: int) -> None:
    world.confirm(0)
    world.now += timedelta(minutes=5)
    world.run(woken=bool(how & 1))


def _abuse(world: World, who: int, how: int) -> None:
    if world.mailbox and how & 1:
        address, request_id, _ = world.mailbox[-1 - who % len(world.mailbox)]
        world.complain(address, request_id)
    else:
        world.complain(_who(who))


def _cancel(world: World, who: int, how: int) -> None:
    address = _who(who)
    latest = world.memory.latest(address)
    if latest:
        kind = Kind.CANCEL if how & 1 else Kind.RESEND
        key = f"command/{len(world.memory.told)}"
        said = Said(kind=kind, key=key, at=world.now, source="command", request=latest.id, by="Jo", why="asked")
        world.tell(address, said)


def _move(world: World, who: int, how: int) -> None:
    row = world.pick(who)
    if not row.deleted:
        row.address = _who(how)
        if row.box and row.box.at and row.box.allowed and world.policy.confirm is Confirm.NONE:
            # Moved and back again between two looks, a record never moved: its tick is for where it is seen.
            world.truth[row.address].confirms(row.box.at)
        world._touch(row)


def _merge(world: World, who: int, how: int) -> None:
    winner, loser = world.pick(who), world.pick(how)
    if winner is loser or winner.deleted or loser.deleted or winner.ref.entity != loser.ref.entity:
        return
    loser.deleted, loser.merged_into = True, winner.ref
    world.merged[loser.ref] = world.now
    world._touch(winner)
    world._touch(loser)


def _delete(world: World, who: int, how: int) -> None:
    row = world.pick(who)
    if sum(not r.deleted for r in world.rows.values()) > 1:
        row.deleted = True
        world._touch(row)


def _appear(world: World, who: int, how: int) -> None:
    if len(world.rows) < 6:
        row = world._row(("Contact", "Lead")[how & 1], f"n{len(world.rows)}", _who(who), born=bool(how & 2))
        if how & 2:
            row.flag, row.by, row.at = True, "user", world.now


def _grip(world: World, who: int, how: int) -> None:
    row = world.pick(who)
    kinds = (Access.WRITABLE, Access.READ_ONLY, Access.REFUSING)
    row.access = kinds[how % 3]
    world._touch(row)


def _wait(world: World, who: int, how: int) -> None:
    world.now += (timedelta(hours=30), timedelta(days=11), timedelta(days=31))[how % 3]


def _let_go(world: World, who: int, how: int) -> None:
    world._approve()


_HAPPENINGS = (
    _run, _ask_and_mail, _click_and_run, _unsubscribe, _set_flag, _run, _clear_flag, _die, _operator, _release, _move,
    _half, _box, _ask, _click, _meanwhile, _blur, _abuse, _wake, _cancel, _merge, _appear, _grip, _delete, _wait,
    _return, _unsubscribe, _return, _click_and_run, _let_go,
)  # fmt: skip
