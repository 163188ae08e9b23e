"""What the contract's tests stand on: a clock that stands still, people, rows, deeds, and one run at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.core.action import Action, Deed, Side, Value, action_key
from connector.core.address import Address, normalise
from connector.core.decide import decide
from connector.core.decision import Decision, Fact, FactKind
from connector.core.policy import Policy
from connector.core.restriction import Flag, Ref
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import Reason, Suppression
from connector.core.view import View, Word
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import CrmRow
from connector.ports.esp import EspRow
from connector.ports.store import Ended, Owed, Settlement, StagedRecord, StagedWord, Store, Trigger

START = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
POLICY = Policy()
SET, CLEAR = Flag.SET, Flag.CLEAR


@dataclass
class SteppingClock:
    """A clock that stands still until it is told to go on."""

    moment: datetime = START
    ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def random(self) -> float:
        return 0.5

    def new_id(self) -> str:
        return f"{next(self.ids):032x}"


def person(name: str) -> Address:
    """The address of a test person."""
    address = normalise(f"{name}@example.com")
    assert isinstance(address, str)
    return address


def record(store: Store, name: str, flag: Flag = CLEAR, **more: Any) -> StagedRecord:
    """A contact as read; `id` is the person's name unless given. A name of "" has no address."""
    address = person(name) if name else ""
    digest = store.digest(Address(address)) if address else ""
    entity, id_ = more.pop("entity", "Contact"), more.pop("id", name)
    row = CrmRow(entity=entity, id=id_, address=address, flag=flag, **more)
    return StagedRecord(row, address, digest)


def word(store: Store, name: str, said: Word = Word.SUPPRESSED, **more: Any) -> StagedWord:
    """What the platform says of a person."""
    address = person(name)
    return StagedWord(EspRow(address=address, word=said, **more), address, store.digest(address))


def contact(name: str) -> Ref:
    """The ref of a person's contact."""
    return Ref(entity="Contact", id=name)


def stop(reason: Reason = Reason.UNSUBSCRIBED, **more: Any) -> Suppression:
    """A suppression of all mail, said at the start."""
    return Suppression(reason=reason, source=more.pop("source", "form"), since=more.pop("since", START), **more)


def asked(state: State = State.REQUESTED, key: str = "r1", **more: Any) -> Request:
    """A request from the form."""
    return Request(
        id=key,
        state=state,
        origin=Origin.FORM,
        asked_by="the person",
        asked_at=more.pop("asked_at", START),
        expires_at=START + timedelta(days=30),
        **more,
    )


def deed(
    kind: Deed,
    target: str = "",
    lists: Mapping[str, str] | None = None,
    /,
    *,
    request: str = "",
    number: int = 0,
    **values: Value,
) -> Action:
    """An action with a key of its own."""
    side = Side.MAIL if kind in (Deed.MAIL, Deed.NOTICE) else Side.ESP if target.count("/") == 0 else Side.CRM
    key = action_key("acme", side, target, kind, request, number)
    because = "the test asks for it"
    return Action(
        deed=kind,
        side=side,
        target=target,
        because=because,
        key=key,
        request=request,
        values=values | dict(lists or {}),
    )


def added(*suppressions: Suppression) -> Decision:
    """A decision that takes suppressions in."""
    facts = tuple(Fact(kind=FactKind.ADDED, because="somebody said stop", suppression=s) for s in suppressions)
    return Decision(suppressions=suppressions, facts=facts)


def said(kind: Kind, key: str, **more: Any) -> Said:
    """One row of the inbox, said by a page."""
    return Said(kind=kind, key=key, at=more.pop("at", START), source="page", **more)


def ask(key: str) -> Said:
    """An ask from the form."""
    return said(Kind.ASK, key, origin=Origin.FORM, by="the person")


class Case:
    """One run at a time, and short words for what it does."""

    def __init__(self, store: Store, clock: SteppingClock) -> None:
        self.store, self.clock = store, clock
        self._lease = ExitStack()
        self.run = self._lease.enter_context(store.begin(Trigger.COMMAND))

    def next_run(self, trigger: Trigger = Trigger.COMMAND) -> None:
        """Ends this run well, and begins another a minute later."""
        self.store.finish(self.run, Ended.DONE, "done", {})
        self.restart(trigger)

    def restart(self, trigger: Trigger = Trigger.COMMAND) -> None:
        """The run ends without a word, as if its process had died, and another begins a minute later."""
        self.close()
        self.clock.sleep(60)
        self.run = self._lease.enter_context(self.store.begin(trigger))

    def close(self) -> None:
        """Gives the lease back."""
        self._lease.close()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def address(self, name: str) -> str | None:
        """The readable address of a person, where one is kept."""
        return self.store.address(self.store.digest(person(name)))

    def know(self, name: str) -> None:
        """Lets the store keep somebody's readable address: the person said something that was heard."""
        self.tell(name, said(Kind.RESEND, f"know/{name}"))
        self.promise(name, Decision(heard=(f"know/{name}",)))

    def tell(self, name: str, said: Said) -> bool:
        """Appends to the inbox."""
        return self.store.tell(said, person(name), self.store.digest(person(name)))

    def view(self, name: str) -> View:
        return self.store.view(self.store.digest(person(name)), self.now, self.run)

    def stage(self, *rows: StagedRecord) -> None:
        self.store.stage_records(self.run, rows)

    def hear(self, *rows: StagedWord) -> None:
        self.store.stage_words(self.run, rows)

    def candidates(self, policy: Policy = POLICY) -> dict[str, View]:
        """The views to decide, by the person's digest."""
        return {v.digest: v for v in self.views(policy)}

    def views(self, policy: Policy = POLICY) -> Iterator[View]:
        return self.store.candidates(self.run, policy, self.now, crm_complete=True, esp_complete=True)

    def waits(self, name: str, policy: Policy = POLICY) -> bool:
        """Whether the person is among the candidates."""
        return self.store.digest(person(name)) in self.candidates(policy)

    def promise(self, name: str, decision: Decision, hold: Iterable[str] = ()) -> None:
        """Stores a decision; what it leaves out of the set of suppressions stays as it is."""
        view = self.view(name)
        if not decision.suppressions:
            decision = replace(decision, suppressions=view.suppressions)
        self.store.promise(self.run, [(view, decision)], self.now, frozenset(hold))

    def think(self, policy: Policy = POLICY) -> None:
        """Decides every candidate and stores what follows."""
        decided = [(view, decide(view, policy, self.now)) for view in self.views(policy)]
        self.store.promise(self.run, decided, self.now)

    def owed(self, kind: Deed) -> Sequence[Owed]:
        phase = deed(kind, "Contact/x").phase
        return [o for o in self.store.owed(self.run, phase, self.now) if o.action.deed is kind]

    def settle(self, owed: Owed, status: Status = Status.DONE, **more: Any) -> None:
        outcome = Outcome(key=owed.action.key, status=status, words=more.pop("words", ""), **more)
        self.store.settle(self.run, [Settlement(owed=owed, outcome=outcome)], self.now)

    def do(self, name: str, action: Action, status: Status = Status.DONE, **more: Any) -> None:
        """Promises one deed and settles it."""
        self.promise(name, Decision(actions=(action,)))
        [owed] = [o for o in self.owed(action.deed) if o.action.key == action.key]
        self.settle(owed, status, **more)

    def ledger(self, name: str) -> list[str]:
        return [entry.event for entry in self.store.ledger(self.store.digest(person(name)))]
