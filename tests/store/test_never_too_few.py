"""Whoever needs a decision is among the candidates, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connector.core.action import PHASE, Deed
from connector.core.address import Digester
from connector.core.decide import decide
from connector.core.lists import ListStatus
from connector.core.policy import Moved, Policy
from connector.core.restriction import ENTRY, Access, Flag
from connector.core.resubscribe import Origin
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.core.view import Tick, View, Word
from connector.ports.adapter import Outcome, Status
from connector.ports.store import Settlement
from connector.store.engine import MEMORY, Database
from connector.store.sql import open_store
from connector.testing.store_contract import Case, SteppingClock
from connector.testing.store_contract.world import START, contact, person, record, said, word
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ("ann", "bob")
IDS = ("1", "2", "3")
Step = Callable[[Case], None]

names, ids = st.sampled_from(NAMES), st.sampled_from(IDS)
moments = st.sampled_from([None, START - timedelta(days=1), START + timedelta(hours=1), START + timedelta(hours=2)])
statuses = st.dictionaries(st.sampled_from(["News"]), st.sampled_from(list(ListStatus)))
policies = st.builds(
    Policy,
    lists=st.sampled_from([(), ("News",)]),
    faults_restrict=st.booleans(),
    moved=st.sampled_from(list(Moved)),
    permission=st.just(""),
    entries=st.booleans(),
)


def carry_out(case: Case, ends: list[Status]) -> None:
    """Everything that is owed is tried, and ends as told."""
    for phase in sorted(set(PHASE.values())):
        for number, owed in enumerate(case.store.owed(case.run, phase, case.now)):
            made = {Deed.CREATE_RECORD: "Contact/9", Deed.ADD_ENTRY: f"{ENTRY}/9"}.get(owed.action.deed, "")
            outcome = Outcome(key=owed.action.key, status=ends[number % 4], made=made)
            case.store.settle(case.run, [Settlement(owed=owed, outcome=outcome)], case.now)


@st.composite
def staged(draw: st.DrawFn) -> Step:
    """A record is read."""
    name, at = draw(st.sampled_from([*NAMES, ""])), draw(ids)
    row: dict[str, Any] = {"flag": draw(st.sampled_from([Flag.CLEAR, Flag.SET]))}
    if draw(st.sampled_from([False, False, True])):
        row["entity"] = ENTRY
    if draw(st.booleans()):
        row |= draw(odd_rows())
    return lambda case: case.stage(record(case.store, name, id=at, **row))


@st.composite
def odd_rows(draw: st.DrawFn) -> dict[str, Any]:
    """What is seldom read."""
    row: dict[str, Any] = {
        "flag": draw(st.sampled_from([Flag.CLEAR, Flag.SET, Flag.UNREADABLE])),
        "flag_at": draw(moments),
        "box": draw(st.booleans()),
        "deleted": draw(st.sampled_from([False, False, True])),
        "access": draw(st.sampled_from([Access.WRITABLE, Access.WRITABLE, Access.READ_ONLY])),
        "lists": draw(statuses),
    }
    if row["deleted"] and draw(st.booleans()):
        row["merged_into"] = str(contact(draw(ids)))
    return row


@st.composite
def heard(draw: st.DrawFn) -> Step:
    """The platform says a word."""
    name, now = draw(names), draw(st.sampled_from(list(Word)))
    reason = draw(st.sampled_from([Reason.UNSUBSCRIBED, Reason.HARD_BOUNCED, Reason.COMPLAINED, Reason.DOMAIN]))
    more: dict[str, Any] = {"lists": draw(statuses), "proven": draw(st.booleans())}
    if now is Word.SUPPRESSED:
        more |= {"reason": reason, "since": draw(moments)}
    return lambda case: case.hear(word(case.store, name, now, **more))


@st.composite
def told(draw: st.DrawFn) -> Step:
    """Somebody speaks to the inbox."""
    name, kind, key = draw(names), draw(st.sampled_from(list(Kind))), draw(st.integers(0, 9))

    def step(case: Case) -> None:
        request = case.view(name).request
        one = said(kind, str(key), at=case.now, request=request.id if request else "", origin=Origin.FORM, why="asked")
        case.tell(name, one)

    return step


@st.composite
def looked(draw: st.DrawFn) -> Step:
    """An address is looked at singly."""
    name, found, elsewhere = draw(names), draw(st.sets(ids)), draw(st.sampled_from([None, True, False]))
    refs = [contact(i) for i in found]
    return lambda case: case.store.looked(case.run, case.store.digest(person(name)), refs, elsewhere)


@st.composite
def delivered(draw: st.DrawFn) -> Step:
    """What is owed is carried out, well or not."""
    ends = draw(st.lists(st.sampled_from(list(Status)), min_size=4, max_size=4))

    return lambda case: carry_out(case, ends)


def ticks(case: Case) -> None:
    """Somebody looks up who ticked."""
    refs = case.store.unticked()
    case.store.stage_ticks(case.run, {ref: Tick(by="Eve", at=case.now, allowed=True) for ref in refs})


steps = st.one_of(staged(), staged(), heard(), told(), looked(), delivered(), st.just(ticks), st.just(Case.next_run))


def _needs(view: View, policy: Policy, case: Case) -> bool:
    decision = decide(view, policy, case.now)
    news = [a for a in decision.actions if a.key not in view.settled]
    learnt = (decision.facts, decision.moves, decision.requests, decision.heard, decision.agreed, decision.agreed_esp)
    return bool(news) or any(learnt)


@settings(max_examples=100)
@given(policy=policies, history=st.lists(st.tuples(steps, st.sampled_from([0, 0, 1, 2])), min_size=2, max_size=12))
def test_never_too_few(policy: Policy, history: list[tuple[Step, int]]) -> None:
    """Every address that a decision would change anything for is among the candidates."""
    database = Database(MEMORY)
    clock, digester = SteppingClock(), Digester(key=b"0123456789abcdef", key_id="1")
    database.open(digester)
    case = Case(open_store(database, "acme", digester, clock), clock)
    try:
        for step, rounds in history:
            step(case)
            clock.sleep(600)
            for _ in range(rounds):
                case.think(policy)
                carry_out(case, [Status.DONE] * 4)
        candidates = case.candidates(policy)
        for name in NAMES:
            view = case.view(name)
            assert view.digest in candidates or not _needs(view, policy, case), name
    finally:
        case.close()
        database.close()
