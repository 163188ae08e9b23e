"""R1 to R8 of the reconciliation, over generated histories: a promise each, 2,000 histories each."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from connector.core.decide import decide
from connector.core.decision import Decision
from connector.core.lists import ListStatus
from connector.core.policy import BornRestricted, Cleared, Confirm, Lift, LiftAt, ListsOnLift, Moved, Policy
from connector.core.restriction import ENTRY, Access, Flag, Ref
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, Reason, Suppression
from connector.core.view import Arrival, Cause, Esp, Record, Settled, Tick, View, Word
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.world import World

TAPES = st.binary(min_size=20, max_size=80)
HISTORIES = settings(max_examples=2000, deadline=None)


def _broken(world: World, *rules: str) -> list[str]:
    return [words for rule in rules for words in world.broken[rule]]


@pytest.mark.requirement("N5", "N6", "N11")
@HISTORIES
@given(TAPES)
def test_r1_nobody_whose_last_word_was_stop_is_mailable(tape: bytes) -> None:
    """Nobody whose last word was stop is mailable on any side once a sync has completed, save on refusing records."""
    assert not _broken(World(tape).play().settle(), "R1")


@pytest.mark.requirement("N4", "N9")
@HISTORIES
@given(TAPES)
def test_r2_nothing_is_lifted_without_a_confirmed_request(tape: bytes) -> None:
    """No address is lifted and no flag cleared without rule 3, rule 9, or the withdrawal of the sync's own fault."""
    assert not _broken(World(tape).play().settle(), "R2")


@pytest.mark.requirement("N12")
@HISTORIES
@given(TAPES)
def test_r3_a_carried_out_plan_leaves_an_empty_one(tape: bytes) -> None:
    """Once everything is carried out and nothing changed outside, nothing more is planned."""
    assert not _broken(World(tape).play().settle().check_end(), "R3")


@HISTORIES
@given(TAPES, st.integers(1, 3))
def test_r4_order_paging_and_repeats_change_nothing(tape: bytes, paging: int) -> None:
    """Pages of another size, turned round, overlapping and repeated, lead to the same end by the same deeds."""
    assert World(tape, paging=paging).play().settle().outcome() == World(tape).play().settle().outcome()


@pytest.mark.requirement("N10")
@HISTORIES
@given(TAPES)
def test_r5_every_action_has_a_because(tape: bytes) -> None:
    """Every action, every fact and every move says why."""
    assert not _broken(World(tape).play().settle(), "R5")


@pytest.mark.requirement("N10")
@HISTORIES
@given(TAPES)
def test_r6_replaying_the_ledger_gives_the_same_state(tape: bytes) -> None:
    """The facts and moves, replayed from empty, give the suppressions and every request's state."""
    assert not _broken(World(tape).play().settle().check_end(), "R6")


@HISTORIES
@given(TAPES)
def test_r7_a_complaint_is_never_lifted(tape: bytes) -> None:
    """What a person complained about is never lifted by the sync, on any side, whatever is asked or confirmed."""
    assert not _broken(World(tape).play().settle(), "R7")


@pytest.mark.requirement("N3")
@HISTORIES
@given(TAPES)
def test_r8_a_request_ends_or_waits_for_something_named(tape: bytes) -> None:
    """A request always ends, or works, or waits for something that can be told in words."""
    assert not _broken(World(tape).play().settle().check_end(), "R8")


# -- any view at all -------------------------------------------------------------------------------
START = datetime(2026, 11, 26, 12, tzinfo=UTC)
TIMES = st.integers(-60 * 24 * 90, 60 * 24 * 90).map(lambda minutes: START + timedelta(minutes=minutes))
MAYBE = st.none() | TIMES
REFS = st.sampled_from(
    [
        Ref(entity="Contact", id="1"),
        Ref(entity="Contact", id="2"),
        Ref(entity="Lead", id="1"),
        Ref(entity=ENTRY, id="e"),
    ]
)
SCOPES = st.sampled_from([ALL, "News", "Offers"])
LISTS = st.dictionaries(st.sampled_from(["News", "Offers", "All contacts"]), st.sampled_from(ListStatus), max_size=3)
BOOLS = st.booleans()
NUMBERS = st.integers(0, 3)
NAMES = st.frozensets(st.tuples(SCOPES, st.sampled_from(Reason)), max_size=3)

RECORDS = st.builds(
    Record, ref=REFS, flag=st.sampled_from(Flag), agreed=st.none() | st.sampled_from(Flag), agreed_number=NUMBERS,
    flag_at=MAYBE, agreed_flag_at=MAYBE, cause=st.sampled_from(Cause), access=st.sampled_from(Access), deleted=BOOLS,
    fresh=BOOLS, moved=BOOLS, gone=BOOLS, box=BOOLS, agreed_box=BOOLS,
    tick=st.none() | st.builds(Tick, by=st.sampled_from(["", "Jo"]), at=MAYBE, allowed=st.none() | BOOLS),
    lists=LISTS, agreed_lists=LISTS,
)  # fmt: skip
PLATFORMS = st.builds(
    Esp, word=st.sampled_from(Word), reason=st.none() | st.sampled_from(Reason), since=MAYBE, raw=st.just("Raw"),
    proven=BOOLS, agreed=st.none() | st.sampled_from(Word), agreed_reason=st.none() | st.sampled_from(Reason),
    agreed_since=MAYBE, agreed_number=NUMBERS, fresh=BOOLS, refusing=BOOLS, lists=LISTS, agreed_lists=LISTS,
)  # fmt: skip
SUPPRESSIONS = st.builds(
    Suppression, reason=st.sampled_from(Reason), source=st.sampled_from(["crm", "esp", "page"]), since=TIMES,
    scope=SCOPES, timed=BOOLS, evidence=st.sampled_from(["", "Contact/1@0"]),
)  # fmt: skip
REQUESTS = st.builds(
    Request, id=st.sampled_from(["q", "r"]), state=st.sampled_from(State), origin=st.sampled_from(Origin),
    asked_by=st.sampled_from(["", "Jo"]), asked_at=TIMES, expires_at=TIMES, reason=st.sampled_from(["", "said so"]),
    evidence=st.sampled_from(["a", "tick/Contact/1/x"]), names=NAMES, lists=st.frozensets(SCOPES, max_size=2),
    wanted=NUMBERS, mails=NUMBERS, mailed_at=MAYBE, confirmed_at=MAYBE,
    confirmed_by=st.sampled_from(["", "by the form, as policy after says"]), ended_at=MAYBE,
)  # fmt: skip
WORDS = st.builds(
    Said, kind=st.sampled_from(Kind), key=st.sampled_from("abcdef"), at=TIMES, source=st.sampled_from(["page", "esp"]),
    request=st.sampled_from(["", "q"]), reason=st.sampled_from(Reason), scope=SCOPES, origin=st.sampled_from(Origin),
    by=st.just("Jo"), why=st.sampled_from(["", "phone"]), allowed=st.none() | BOOLS,
    lists=st.frozensets(st.sampled_from(["News"]), max_size=1),
)  # fmt: skip
ARRIVALS = st.builds(
    Arrival, ref=REFS, wishes=st.frozensets(SUPPRESSIONS, max_size=3), moved_at=MAYBE, merged=BOOLS
)  # fmt: skip
VIEWS = st.builds(
    View, tenant=st.just("t"), digest=st.just("d"),
    records=st.lists(RECORDS, max_size=3, unique_by=lambda r: r.ref).map(tuple), esp=PLATFORMS,
    suppressions=st.lists(SUPPRESSIONS, max_size=3, unique_by=lambda s: s.key).map(tuple),
    request=st.none() | REQUESTS, said=st.lists(WORDS, max_size=3).map(tuple),
    arrivals=st.lists(ARRIVALS, max_size=2, unique_by=lambda a: (a.ref, a.merged)).map(tuple),
    mails=st.lists(TIMES, max_size=3).map(tuple),
    last_confirmed_at=MAYBE, crm_complete=BOOLS, esp_complete=BOOLS, settles_moves=BOOLS, lifts_restrictions=BOOLS,
    elsewhere=st.none() | BOOLS,
)  # fmt: skip
POLICIES = st.builds(
    Policy, confirm=st.sampled_from(Confirm), lift_at=st.sampled_from(LiftAt), lift=st.sampled_from(Lift),
    lift_faults=st.frozensets(st.sampled_from(Reason), max_size=3), faults_restrict=BOOLS,
    esp_cleared=st.sampled_from(Cleared), crm_cleared=st.sampled_from(Cleared), moved=st.sampled_from(Moved),
    born_restricted=st.sampled_from([None, *BornRestricted]), lists_on_lift=st.sampled_from(ListsOnLift), double_opt_in=BOOLS, entries=BOOLS,
    permission=st.sampled_from(["", "Administrative_Data_Management"]), creates=BOOLS, lists=st.just(("News",)),
)  # fmt: skip


def _with_settled(view: View, policy: Policy, ends: list[Settled]) -> View:
    """The view with the deeds it leads to settled in some way, as a run before may have left them."""
    actions = decide(view, policy, START).actions
    return replace(view, settled={a.key: end for a, end in zip(actions, ends, strict=False)})


@settings(max_examples=1000, deadline=None)
@given(VIEWS, POLICIES, st.lists(st.sampled_from(Settled), max_size=8), st.randoms(use_true_random=False))
def test_deciding_is_total_and_the_same_for_the_same_view(
    view: View, policy: Policy, ends: list[Settled], shuffle: random.Random
) -> None:
    """Any view gets an answer; the same view, its parts in another order, gets the same one; every key stands once."""
    view = _with_settled(view, policy, ends)
    decision = decide(view, policy, START)
    records, held = list(view.records), list(view.suppressions)
    shuffle.shuffle(records)
    shuffle.shuffle(held)
    other = replace(view, records=tuple(records), suppressions=tuple(held), arrivals=tuple(reversed(view.arrivals)))
    assert decide(other, policy, START) == decision
    assert len({a.key for a in decision.actions}) == len(decision.actions)
    assert all(a.because for a in decision.actions)
    assert all(f.because for f in decision.facts)
    assert all(m.because for m in decision.moves)
    _check_moves(view, decision)


def _check_moves(view: View, decision: Decision) -> None:
    states = {view.request.id: view.request.state} if view.request else {}
    for move in decision.moves:
        assert states.get(move.request, State.REQUESTED) is move.before
        states[move.request] = move.after
    for request in decision.requests:
        assert states.get(request.id, State.REQUESTED) is request.state
