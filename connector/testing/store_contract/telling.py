"""The inbox, the ledger, answers, and the scratch copy of a dry run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.core.action import Deed, Side
from connector.core.decision import Decision, Fact, FactKind
from connector.core.resubscribe import Origin, State
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.ports.adapter import Status
from connector.ports.store import Store, Trigger
from connector.testing.store_contract.world import (
    SET,
    START,
    Case,
    SteppingClock,
    added,
    ask,
    asked,
    contact,
    deed,
    person,
    record,
    said,
    stop,
)


class InboxContract:
    """What pages, commands and events say."""

    def test_told(self, case: Case) -> None:
        """What is said comes once by its key, in its order, whole, and until a decision has heard it."""
        first = said(Kind.STOP, "k1", reason=Reason.COMPLAINED, scope="News", by="Ann", why="enough")
        second = ask("k2")
        second = replace(second, lists=frozenset({"News"}), allowed=True, request="r1", origin=Origin.LINK)
        assert not case.store.waiting()
        assert case.tell("ann", first)
        assert case.tell("ann", second)
        assert not case.tell("ann", replace(first, at=START + timedelta(days=1)))
        assert case.store.waiting()
        assert case.view("ann").said == (first, second)
        assert case.waits("ann")
        assert case.address("ann") == person("ann")
        case.promise("ann", Decision(heard=("k1",)))
        assert case.view("ann").said == (second,)
        case.promise("ann", Decision(heard=("k2",)))
        assert not case.store.waiting()
        assert not case.tell("ann", first)

    def test_woken(self, case: Case) -> None:
        """A run that the inbox woke leaves restrictions for later; another one does not."""
        assert case.view("ann").lifts_restrictions
        case.restart(Trigger.INBOX)
        assert not case.view("ann").lifts_restrictions

    def test_without_the_lease(self, case: Case) -> None:
        """People speak while a run holds the tenant."""
        assert case.tell("ann", said(Kind.STOP, "k1"))

    def test_tenants_apart(self, case: Case, neighbour: Store) -> None:
        """Nothing of one tenant is seen by another."""
        case.stage(record(case.store, "ann", SET))
        case.tell("ann", said(Kind.STOP, "k1"))
        case.think()
        digest = case.store.digest(person("ann"))
        assert not neighbour.waiting()
        view = neighbour.view(digest, START)
        assert (view.records, view.suppressions, view.said) == ((), (), ())
        assert (neighbour.address(digest), list(neighbour.suppressions()), list(neighbour.ledger())) == (None, [], [])
        assert set(neighbour.counts().values()) == {0}
        with neighbour.begin(Trigger.COMMAND) as run:
            assert neighbour.owed(run, 0, START) == []


class AnswersContract:
    """The ledger, and what people ask for."""

    def test_ledger(self, case: Case) -> None:
        """The ledger says what was learnt and done, by whom, in order, for one address or for all."""
        case.promise("ann", added(stop()))
        case.promise("bob", added(stop(Reason.ABUSE)))
        first, second = case.store.ledger()
        assert (first.seq, first.run, first.at, first.event) == (1, case.run.id, START, "suppression.added")
        assert first.values["reason"] == "unsubscribed"
        assert [e.seq for e in case.store.ledger(case.store.digest(person("bob")))] == [second.seq]
        assert [e.seq for e in case.store.ledger(after=1)] == [2]
        assert first.hash != second.hash
        assert case.store.verify() is None

    def test_no_address(self, case: Case) -> None:
        """No address stands in the ledger, in a suppression or in a vendor's words, however it is written."""
        odd = ['"ann lee"@example.com', "<ann@example.com>", "mailto:ann@example.com,", "ann@localhost"]
        for number, address in enumerate(odd):
            fact = Fact(kind=FactKind.HEARD, because=f"about {address}", values={"said": f"{address} left"})
            held = stop(scope=f"list {number}", word=f"user {address}")
            decision = added(held)
            case.promise("ann", replace(decision, facts=(*decision.facts, fact)))
            box = deed(Deed.CLEAR_BOX, "Contact/ann", number=number)
            case.do("ann", box, Status.ASIDE, words=f"no such user {address}")
        told = [f"{e.because} {e.values}" for e in case.store.ledger()]
        told += [s.word for s in case.view("ann").suppressions] + [a.words for a in case.store.aside()]
        assert not [text for text in told if "@" in text or "lee" in text]
        assert case.store.verify() is None

    def test_many(self, case: Case) -> None:
        """Long answers come whole and in order."""
        facts = tuple(Fact(kind=FactKind.HEARD, because=str(n)) for n in range(2500))
        case.promise("ann", Decision(facts=facts))
        assert [e.because for e in case.store.ledger()] == [f.because for f in facts]
        for start in range(0, 1200, 400):
            case.promise(f"p{start}", added(*(stop(scope=f"list {start + n:04}") for n in range(400))))
        assert len(set(case.store.suppressions())) == 1200
        assert len(list(case.store.suppressions(limit=1001))) == 1001

    def test_counts(self, case: Case) -> None:
        """The figures are those of what is remembered."""
        case.stage(record(case.store, "ann", SET), record(case.store, "bob", deleted=True))
        done = deed(Deed.RESTRICT, "Contact/ann")
        case.promise("ann", replace(added(stop()), requests=(asked(),), actions=(done,)))
        counts = case.store.counts()
        assert (counts["records"], counts["suppressed"], counts["open_requests"], counts["owed"]) == (1, 1, 1, 1)
        case.settle(case.owed(Deed.RESTRICT)[0], Status.ASIDE)
        counts = case.store.counts()
        assert (counts["owed"], counts["aside"], counts["held"]) == (0, 1, 0)

    def test_only_open(self, case: Case) -> None:
        """Ended requests are answered only where everything is asked for."""
        case.promise("ann", Decision(requests=(asked(State.EXPIRED, key="r1"),)))
        case.promise("bob", Decision(requests=(asked(key="r2"),)))
        assert [r.id for _, r in case.store.requests(only_open=True)] == ["r2"]
        assert [r.id for _, r in case.store.requests(limit=1)] == ["r2"]
        assert case.store.request("r3") is None

    def test_scratch(self, store: Store, clock: SteppingClock) -> None:
        """A scratch copy knows all that we know, takes no lease, and leaves nothing behind."""
        case = Case(store, clock)
        case.stage(record(store, "ann"))
        case.promise("ann", added(stop()))
        before = (list(store.ledger()), store.counts(), store.cursor(Side.CRM), store.runs())
        with store.scratch() as scratch:
            laid_over = Case(scratch, clock)
            assert [s for _, s in scratch.suppressions()] == [stop()]
            assert laid_over.waits("ann")
            laid_over.stage(record(scratch, "ann", SET), record(scratch, "bob", SET))
            laid_over.think()
            laid_over.tell("eve", said(Kind.STOP, "k1"))
            scratch.move_cursor(laid_over.run, Side.CRM, "later")
            assert scratch.counts()["records"] == 2
            laid_over.close()
        assert (list(store.ledger()), store.counts(), store.cursor(Side.CRM), store.runs()) == before
        assert case.view("ann").records[0].ref == contact("ann")
        case.close()
