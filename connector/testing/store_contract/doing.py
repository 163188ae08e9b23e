"""Doing: what is owed, in which order, and what an outcome means."""

from __future__ import annotations

from datetime import timedelta

from connector.core.action import Deed, Settled
from connector.core.decision import Decision
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag
from connector.core.resubscribe import Event, State
from connector.core.suppression import Reason
from connector.core.view import Cause, Word
from connector.ports.adapter import Outcome, Status
from connector.ports.store import Settlement
from connector.testing.store_contract.world import (
    CLEAR,
    SET,
    START,
    Case,
    asked,
    contact,
    deed,
    person,
    record,
    word,
)

RESTRICT = deed(Deed.RESTRICT, "Contact/ann", restriction=True, kind="wish")
UNRESTRICT = deed(Deed.UNRESTRICT, "Contact/ann", request="r1")
WRITE = deed(Deed.WRITE_STATUS, "Contact/ann", request="r1", status="Resubscribed")


class DoingContract:
    """Order, outcomes, and what they mean for the mirror."""

    def test_order_in_a_request(self, case: Case) -> None:
        """A later step of a request waits until every earlier one is settled; another request's does not."""
        case.know("ann")
        other = deed(Deed.UNRESTRICT, "Contact/bob", request="r2")
        case.promise("ann", Decision(requests=(asked(),), actions=(WRITE, UNRESTRICT, other)))
        assert [o.action for o in case.owed(Deed.UNRESTRICT)] == [other]
        [written] = case.owed(Deed.WRITE_STATUS)
        case.settle(written, Status.ASIDE)
        assert len(case.owed(Deed.UNRESTRICT)) == 2

    def test_blocks_first(self, case: Case) -> None:
        """A lift waits while a block of the same address is owed."""
        case.know("ann")
        case.promise("ann", Decision(requests=(asked(),), actions=(RESTRICT, UNRESTRICT)))
        assert case.owed(Deed.UNRESTRICT) == []
        [block] = case.owed(Deed.RESTRICT)
        case.settle(block)
        assert len(case.owed(Deed.UNRESTRICT)) == 1

    def test_oldest_first(self, case: Case) -> None:
        """The oldest are given first, and no more than asked for."""
        for number in range(3):
            case.promise("ann", Decision(actions=(deed(Deed.RESTRICT, f"Contact/{number}"),)))
            case.clock.sleep(1)
        owed = case.store.owed(case.run, RESTRICT.phase, case.now, 2)
        assert [o.action.target for o in owed] == ["Contact/0", "Contact/1"]

    def test_sending(self, case: Case) -> None:
        """What was begun is given again after a crash, as begun and as it was, whatever is decided anew."""
        case.know("ann")
        mail = deed(Deed.MAIL, request="r1", mail=1)
        case.promise("ann", Decision(requests=(asked(),), actions=(mail,)))
        case.store.sending(case.run, [mail.key])
        case.restart()
        case.store.anew(case.run)
        [owed] = case.owed(Deed.MAIL)
        assert (owed.action, owed.intended_at, owed.address, owed.begun) == (mail, START, person("ann"), True)
        assert case.view("ann").settled == {mail.key: Settled.OWED}

    def test_mailed(self, case: Case) -> None:
        """A letter that left moves its request and counts among the mails of 30 days, in one unit of work."""
        case.know("ann")
        mail = deed(Deed.MAIL, request="r1", mail=1)
        case.promise("ann", Decision(requests=(asked(),), actions=(mail,)))
        [owed] = case.owed(Deed.MAIL)
        moved = asked(State.CHALLENGED, mails=1, mailed_at=case.now)
        outcome = Outcome(key=mail.key, status=Status.DONE)
        settlement = Settlement(owed=owed, outcome=outcome, request=moved, event=Event.MAILED)
        case.store.settle(case.run, [settlement], case.now)
        view = case.view("ann")
        assert (view.request, view.mails, view.settled) == (moved, (START,), {mail.key: Settled.DONE})
        assert case.ledger("ann")[-2:] == ["mail.done", "request.mailed"]
        case.clock.sleep(31 * 86400)
        assert case.view("ann").mails == ()

    def test_record_effects(self, case: Case) -> None:
        """A block or lift that was done is what the record shows and what is agreed, with its cause."""
        case.know("ann")
        case.stage(record(case.store, "ann"))
        case.do("ann", RESTRICT)
        [ann] = case.view("ann").records
        assert (ann.flag, ann.agreed, ann.cause, ann.agreed_number) == (SET, SET, Cause.WISH, 1)
        case.do("ann", deed(Deed.UNRESTRICT, "Contact/ann"))
        [ann] = case.view("ann").records
        assert (ann.flag, ann.agreed, ann.cause, ann.agreed_number) == (CLEAR, CLEAR, Cause.NONE, 2)
        case.do("ann", deed(Deed.RESTRICT, "Contact/ann", number=2, kind="fault"))
        assert case.view("ann").records[0].cause is Cause.FAULT
        assert not case.waits("zoe")

    def test_platform_effects(self, case: Case) -> None:
        """A block at the platform is agreed with its reason, and its time where the platform told it."""
        case.know("ann")
        case.do("ann", deed(Deed.SUPPRESS, reason="abuse"), since=START.isoformat())
        esp = case.view("ann").esp
        assert (esp.word, esp.agreed, esp.agreed_reason, esp.agreed_since) == (
            Word.SUPPRESSED,
            Word.SUPPRESSED,
            Reason.ABUSE,
            START,
        )
        case.do("ann", deed(Deed.UNSUPPRESS))
        esp = case.view("ann").esp
        assert (esp.word, esp.agreed, esp.since, esp.agreed_number) == (Word.SUBSCRIBED, Word.SUBSCRIBED, None, 2)

    def test_list_effects(self, case: Case) -> None:
        """What was written of a list is shown and agreed, on either side; other lists stay as they are."""
        inside, left = ListStatus.SUBSCRIBED, ListStatus.UNSUBSCRIBED
        case.hear(word(case.store, "ann", Word.SUBSCRIBED, lists={"Old": inside}))
        case.know("ann")
        case.stage(record(case.store, "ann", lists={"News": left}))
        case.do("ann", deed(Deed.JOIN_LIST, "News"))
        case.do("ann", deed(Deed.DROP_LIST, "Old"))
        case.do("ann", deed(Deed.WRITE_LIST, "Contact/ann", {"list:News": "subscribed"}))
        view = case.view("ann")
        assert view.esp.lists == view.esp.agreed_lists == {"News": inside, "Old": left}
        assert view.records[0].lists == view.records[0].agreed_lists == {"News": inside}

    def test_box_and_birth(self, case: Case) -> None:
        """A cleared box is clear, and a person who was created is in the mirror."""
        case.know("ann")
        case.stage(record(case.store, "ann", box=True))
        case.do("ann", deed(Deed.CLEAR_BOX, "Contact/ann", box=False))
        [ann] = case.view("ann").records
        assert (ann.box, ann.agreed_box, ann.tick) == (False, False, None)
        case.do("ann", deed(Deed.CREATE_RECORD, id="r1"), made="Contact/new")
        assert contact("new") in [r.ref for r in case.view("ann").records]

    def test_aside(self, case: Case) -> None:
        """A refused block is listed with the vendor's words and tried again after growing waits; told once."""
        case.stage(record(case.store, "ann"))
        case.promise("ann", Decision(actions=(RESTRICT,)))
        waits = []
        for _ in range(7):
            [owed] = case.owed(Deed.RESTRICT)
            case.settle(owed, Status.ASIDE, words=f"FIELD_CUSTOM_VALIDATION for {person('ann')}")
            assert case.owed(Deed.RESTRICT) == []
            [aside] = case.store.aside()
            assert aside.next_at is not None
            waits.append((aside.next_at - case.now) / timedelta(hours=1))
            case.clock.moment = aside.next_at
        assert waits == [1, 2, 4, 8, 16, 24, 24]
        assert (aside.attempts, aside.words, aside.key) == (7, "FIELD_CUSTOM_VALIDATION for <address>", RESTRICT.key)
        assert case.view("ann").records[0].access is Access.REFUSING
        assert case.view("ann").settled == {RESTRICT.key: Settled.ASIDE}
        assert case.ledger("ann") == ["restrict.planned", "restrict.aside"]
        [owed] = case.owed(Deed.RESTRICT)
        case.settle(owed)
        assert case.store.aside() == []
        assert case.view("ann").records[0].access is Access.WRITABLE

    def test_later_then_aside(self, case: Case) -> None:
        """What is put off waits seconds, then minutes, and is not told; a refusal that follows is."""
        case.promise("ann", Decision(actions=(RESTRICT,)))
        [owed] = case.owed(Deed.RESTRICT)
        case.settle(owed, Status.LATER)
        assert case.owed(Deed.RESTRICT) == []
        case.clock.sleep(60)
        [owed] = case.owed(Deed.RESTRICT)
        case.settle(owed, Status.LATER)
        case.clock.sleep(45)
        assert case.owed(Deed.RESTRICT) == []
        case.clock.sleep(60)
        [owed] = case.owed(Deed.RESTRICT)
        assert owed.attempts == 2
        case.settle(owed, Status.ASIDE)
        assert case.ledger("ann") == ["restrict.planned", "restrict.aside"]

    def test_refused_lift(self, case: Case) -> None:
        """A lift refused for good is not tried again by itself."""
        case.know("ann")
        case.do("ann", UNRESTRICT, Status.ASIDE)
        case.clock.sleep(30 * 86400)
        assert case.owed(Deed.UNRESTRICT) == []
        assert [a.next_at for a in case.store.aside()] == [None]

    def test_conflict(self, case: Case) -> None:
        """What met a changed record is looked at again, in this run and the next, and may be promised again."""
        case.stage(record(case.store, "ann", SET))
        case.promise("ann", Decision(agreed=(contact("ann"),)))
        box = deed(Deed.CLEAR_BOX, "Contact/ann")
        case.do("ann", box, Status.CONFLICT)
        assert case.ledger("ann")[-1] == "clear_box.conflict"
        assert case.view("ann").settled == {}
        assert case.waits("ann")
        case.next_run()
        assert case.waits("ann")
        case.promise("ann", Decision(actions=(box,)))
        assert len(case.owed(Deed.CLEAR_BOX)) == 1
        case.settle(case.owed(Deed.CLEAR_BOX)[0], Status.CONFLICT)
        case.next_run()
        case.next_run()
        assert not case.waits("ann")

    def test_address_for_the_platform(self, case: Case) -> None:
        """A deed that needs a readable address waits until there is one; one on a record does not."""
        case.promise("ann", Decision(actions=(RESTRICT, deed(Deed.SUPPRESS, reason="unsubscribed"))))
        assert [o.action.deed for o in case.store.owed(case.run, 0, case.now)] == [Deed.RESTRICT]
        case.stage(record(case.store, "ann", Flag.SET))
        assert {o.address for o in case.store.owed(case.run, 0, case.now)} == {person("ann")}
