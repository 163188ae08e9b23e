"""Promising: from a decision to what is owed, held and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.core.action import ANEW, Deed, Settled
from connector.core.decision import Decision, Fact, FactKind, Move
from connector.core.resubscribe import Event, State
from connector.core.suppression import Reason
from connector.ports.adapter import Status
from connector.testing.store_contract.world import (
    START,
    Case,
    added,
    asked,
    deed,
    stop,
)

RESTRICT = deed(Deed.RESTRICT, "Contact/ann", restriction=True, kind="wish")
UNRESTRICT = deed(Deed.UNRESTRICT, "Contact/ann", request="r1")
WRITE = deed(Deed.WRITE_STATUS, "Contact/ann", request="r1", status="Resubscribed")


class PromisingContract:
    """From a decision to what is owed."""

    def test_whole(self, case: Case) -> None:
        """A decision is stored whole: suppressions with all they say, the request, the deeds, the ledger."""
        held = stop(scope="News", timed=False, word="OptedOut", evidence="Contact/ann@0")
        names = frozenset({("*", Reason.UNSUBSCRIBED), ("News", Reason.COMPLAINED)})
        request = asked(names=names, lists=frozenset({"News", "Größen"}), reason="phone call", in_doubt=True)
        moved = Move(
            request="r1", event=Event.REFUSE, before=State.REQUESTED, after=State.REFUSED, because="it cannot be"
        )
        fact = Fact(kind=FactKind.ASKED, because="asked by the form", values={"request": "r1"})
        decision = replace(added(held), requests=(request,), moves=(moved,), actions=(RESTRICT,))
        case.promise("ann", replace(decision, facts=(*decision.facts, fact)))
        view = case.view("ann")
        assert view.suppressions == (held,)
        assert view.suppressions[0].evidence == "Contact/ann@0"
        assert view.request == request
        assert case.store.request("r1") == (view.digest, request)
        assert [r for _, r in case.store.requests(only_open=True)] == [request]
        [owed] = case.owed(Deed.RESTRICT)
        assert (owed.action, owed.digest, owed.attempts, owed.intended_at) == (RESTRICT, view.digest, 0, START)
        assert case.ledger("ann") == ["suppression.added", "request.asked", "request.refuse", "restrict.planned"]

    def test_lifted(self, case: Case) -> None:
        """What the decided set no longer holds is gone; the others stay."""
        case.promise("ann", added(stop(), stop(Reason.ABUSE)))
        case.promise("ann", Decision(suppressions=(stop(Reason.ABUSE),)))
        assert [s.reason for _, s in case.store.suppressions()] == [Reason.ABUSE]

    def test_latest_request(self, case: Case) -> None:
        """The view shows the latest request and its deeds alone, and when one was last confirmed."""
        first = asked(State.COMPLETED, key="r1", confirmed_at=START)
        case.promise("ann", Decision(requests=(first,), actions=(WRITE,)))
        assert case.view("ann").settled == {WRITE.key: Settled.OWED}
        case.promise("ann", Decision(requests=(asked(key="r2"),)))
        view = case.view("ann")
        assert view.request is not None
        assert (view.request.id, view.settled, view.last_confirmed_at) == ("r2", {}, START)
        assert [r.id for _, r in case.store.requests()] == ["r2", "r1"]

    def test_once(self, case: Case) -> None:
        """A deed with the same key is promised once, and told once."""
        for _ in range(2):
            case.promise("ann", Decision(actions=(RESTRICT,)))
            case.clock.sleep(60)
        [owed] = case.owed(Deed.RESTRICT)
        assert owed.intended_at == START
        case.settle(owed)
        case.promise("ann", Decision(actions=(RESTRICT,)))
        assert case.owed(Deed.RESTRICT) == []
        assert case.ledger("ann") == ["restrict.planned", "restrict.done"]

    @pytest.mark.parametrize("kind", list(Deed))
    def test_anew(self, case: Case, kind: Deed) -> None:
        """Deeds that are decided anew are taken back, and owed again with their first date once promised again."""
        case.know("ann")
        action = deed(kind, "Contact/ann")
        case.promise("ann", Decision(actions=(action,)))
        case.clock.sleep(60)
        case.store.anew(case.run)
        assert [o.action for o in case.owed(kind)] == ([] if kind in ANEW else [action])
        assert case.view("ann").settled == ({} if kind in ANEW else {action.key: Settled.OWED})
        case.promise("ann", Decision(actions=(action,)))
        assert [(o.action, o.intended_at) for o in case.owed(kind)] == [(action, START)]

    def test_held(self, case: Case) -> None:
        """What the breaker holds waits for an approval, and is not held a second time."""
        case.know("ann")
        lift = Decision(requests=(asked(State.CONFIRMED),), actions=(UNRESTRICT,))
        case.promise("ann", lift, hold=[UNRESTRICT.key])
        assert case.owed(Deed.UNRESTRICT) == []
        assert case.view("ann").settled == {UNRESTRICT.key: Settled.HELD}
        [held] = case.store.held()
        assert (held.key, held.deed, held.target, held.since) == (UNRESTRICT.key, "unrestrict", "Contact/ann", START)
        assert case.store.approve([UNRESTRICT.key, "unknown"], "Eve", "it is right") == 1
        assert case.ledger("ann")[-1] == "lift.approved"
        assert len(case.owed(Deed.UNRESTRICT)) == 1
        case.store.anew(case.run)
        case.promise("ann", lift, hold=[UNRESTRICT.key])
        assert len(case.owed(Deed.UNRESTRICT)) == 1

    def test_held_no_more(self, case: Case) -> None:
        """What was held is taken back when the next decision no longer asks for it."""
        case.promise("ann", Decision(requests=(asked(State.CONFIRMED),), actions=(UNRESTRICT,)), hold=[UNRESTRICT.key])
        case.promise("ann", Decision(requests=(asked(State.WITHDRAWN),)))
        assert case.store.held() == []
        assert case.store.approve([UNRESTRICT.key], "Eve", "too late") == 0

    def test_room(self, case: Case) -> None:
        """The breaker counts addresses let go in 24 hours or about to be, by who confirmed; not those held or back."""
        case.know("ann")
        case.know("bob")
        by_person = asked(State.CONFIRMED, confirmed_at=START, confirmed_by="by the person's answer to the mail")
        by_policy = asked(
            State.CONFIRMED, key="r2", confirmed_at=START, confirmed_by="by Eve, who holds the permission"
        )
        case.promise("ann", replace(added(stop()), requests=(by_person,), actions=(UNRESTRICT,)))
        other = deed(Deed.UNRESTRICT, "Contact/bob", request="r2")
        unknown = deed(Deed.SUPPRESS, kind="unknown", reason="unknown")
        case.promise("bob", Decision(requests=(by_policy,), actions=(other, unknown)))
        room = case.store.lift_room(case.now)
        assert (room.confirmed, room.other, room.suppressed, room.unknown) == (1, 1, 1, 1)
        case.settle(case.owed(Deed.SUPPRESS)[0])
        for owed in case.owed(Deed.UNRESTRICT):
            case.settle(owed, Status.DONE if owed.action == UNRESTRICT else Status.ASIDE)
        room = case.store.lift_room(case.now + timedelta(hours=23))
        assert (room.confirmed, room.other) == (1, 0)
        assert case.store.lift_room(case.now + timedelta(hours=25)).confirmed == 0
