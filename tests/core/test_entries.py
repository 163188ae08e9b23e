"""The CRM's own list of suppressions: an entry stands while something holds, and what people do there counts."""

from __future__ import annotations

import pytest
from connector.core.action import BLOCKS, LIFTS, PHASE, Deed, Settled
from connector.core.policy import Cleared, Lift, LiftAt, Policy
from connector.core.restriction import ENTRY, Flag, Ref
from connector.core.resubscribe import State
from connector.core.suppression import Reason
from connector.core.view import Cause, Esp, Tick, Word

from tests.core.known import (
    SUPPRESSED,
    ago,
    ask_decide,
    blocked,
    deeds,
    keys,
    only,
    quiet,
    rec,
    req,
    state,
    sup,
)  # fmt: skip

LISTED = Policy(entries=True, permission="")
SET, CLEAR = Flag.SET, Flag.CLEAR
REF = Ref(entity=ENTRY, id="e")


def entry(agreed: Flag | None = SET, **more):
    """An entry that stands."""
    return rec(SET, agreed, REF, **more)


def taken_off(**more):
    """An entry that somebody has removed since it was agreed."""
    return rec(CLEAR, SET, REF, deleted=True, gone=True, **more)


@pytest.mark.requirement("S49")
def test_whoever_is_suppressed_stands_on_the_list():
    """What holds puts the address on the CRM's list, where the CRM has one; an entry that stands is enough."""
    parts = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked()}
    assert deeds(ask_decide(LISTED, **parts)) == ["add_entry"]
    assert quiet(ask_decide(Policy(), **parts))
    assert quiet(ask_decide(LISTED, **parts | {"records": (rec(SET, SET), entry())}))
    assert only(ask_decide(LISTED, **parts), Deed.ADD_ENTRY).values["reason"] == "unsubscribed"


def test_a_fault_is_listed_and_restricts_nobody():
    """Corner case 1: a bounce becomes an entry; the restriction stays clear. A platform's own rule is no entry."""
    parts = {"records": (rec(),), "suppressions": (sup(Reason.HARD_BOUNCED),), "esp": blocked(Reason.HARD_BOUNCED)}
    assert deeds(ask_decide(LISTED, **parts)) == ["add_entry"]
    domain = {"suppressions": (sup(Reason.DOMAIN),), "esp": blocked(Reason.DOMAIN)}
    assert quiet(ask_decide(LISTED, **parts | domain))


def test_an_entry_for_a_fault_goes_with_the_fault():
    """An entry that the sync added for a fault is removed once the fault was withdrawn; one of a person stays."""
    ours, theirs = entry(cause=Cause.FAULT), entry()
    assert deeds(ask_decide(LISTED, records=(rec(), ours))) == ["remove_entry Suppression/e"]
    assert quiet(ask_decide(LISTED, records=(rec(), theirs)))


@pytest.mark.requirement("S50")
def test_an_entry_added_by_hand_is_an_opt_out():
    """An address put on the list in the CRM is suppressed at the platform and restricted on every record."""
    decision = ask_decide(LISTED, records=(rec(), entry(agreed=None)))
    assert deeds(decision) == ["restrict Contact/1", "suppress"]
    assert keys(decision) == {SUPPRESSED}


def test_an_entry_taken_off_by_hand_is_put_back():
    """Rule 6: an entry removed without a request is added again in the same run, and nothing is lifted."""
    decision = ask_decide(LISTED, records=(rec(SET, SET), taken_off()), suppressions=(sup(),), esp=blocked())
    assert deeds(decision) == ["add_entry"]
    assert "taken off the CRM's list without a request, put back" in only(decision, Deed.ADD_ENTRY).because
    assert REF not in decision.agreed


def test_an_entry_taken_off_asks_the_person_where_policy_says_so():
    """Rule 6: under policy request the removal also asks the person, once."""
    policy = Policy(entries=True, crm_cleared=Cleared.REQUEST)
    parts = {"records": (rec(SET, SET), taken_off()), "suppressions": (sup(),), "esp": blocked()}
    first = ask_decide(policy, **parts)
    assert deeds(first) == ["add_entry", "mail"]
    owed = {only(first, Deed.ADD_ENTRY).key: Settled.OWED}
    assert deeds(ask_decide(policy, **parts, settled=owed)) == ["add_entry"]


@pytest.mark.requirement("S35", "S45", "S47", "S38")
def test_a_confirmed_request_takes_the_address_off_the_list():
    """A lift removes the entry, writing the request's date on it first, after the platform and before the status."""
    parts = {"suppressions": (sup(),), "esp": blocked()}
    decision = ask_decide(LISTED, records=(rec(SET, SET), entry()), request=req(), **parts)
    removal = only(decision, Deed.REMOVE_ENTRY)
    assert (removal.target, removal.expects) == (str(REF), "set")
    assert removal.values == {"request_date": ago(hours=3).isoformat()}
    order = [Deed.UNSUPPRESS, Deed.JOIN_LIST, Deed.CREATE_RECORD, Deed.REMOVE_ENTRY, Deed.WRITE_STATUS, Deed.UNRESTRICT]
    assert [PHASE[d] for d in order] == sorted({PHASE[d] for d in order})
    assert "add_entry" not in deeds(decision)
    assert {Deed.ADD_ENTRY in BLOCKS, Deed.REMOVE_ENTRY in LIFTS} == {True}


@pytest.mark.requirement("S48")
def test_the_entry_goes_at_once_and_the_restriction_waits():
    """Under next_sync a run that a page woke removes the entry, and leaves the restriction to the next sync."""
    policy = Policy(entries=True, lift_at=LiftAt.NEXT_SYNC)
    parts = {"suppressions": (sup(),), "esp": blocked(), "lifts_restrictions": False}
    found = deeds(ask_decide(policy, records=(rec(SET, SET), entry()), request=req(), **parts))
    assert "remove_entry Suppression/e" in found
    assert not [deed for deed in found if deed.startswith("unrestrict")]


@pytest.mark.requirement("S44")
@pytest.mark.parametrize("stage", [None, State.REQUESTED, State.CHALLENGED, State.CANCELLED, State.EXPIRED])
def test_nothing_else_takes_an_address_off_the_list(stage):
    """Without a confirmed request no entry is removed."""
    parts = {"suppressions": (sup(),), "esp": blocked(), "request": req(stage) if stage else None}
    assert "remove_entry Suppression/e" not in deeds(ask_decide(LISTED, records=(rec(SET, SET), entry()), **parts))


def test_an_entry_that_policy_leaves_alone_refuses_the_request():
    """Under `lift: ours` an entry that a person added is not removed, and nothing else is lifted either."""
    policy = Policy(entries=True, lift=Lift.OURS)
    records = (rec(SET, SET, cause=Cause.WISH), entry())
    decision = ask_decide(policy, records=records, suppressions=(sup(),), esp=blocked(), request=req())
    assert state(decision) == "refused"
    assert not {"remove_entry Suppression/e", "unsuppress"} & set(deeds(decision))


def test_an_entry_that_was_not_read_waits():
    """Rule 4: an entry that this run did not read is not removed, and nothing else is lifted."""
    records = (rec(SET, SET), entry(fresh=False))
    decision = ask_decide(LISTED, records=records, suppressions=(sup(),), esp=blocked(), request=req())
    assert "Suppression/e was not read in this run" in decision.waits
    assert "unsuppress" not in deeds(decision)


@pytest.mark.requirement("S34")
def test_an_entry_is_nobodys_record():
    """An address that only the list knows gets its record at a lift: an entry is no contact."""
    parts = {"suppressions": (sup(),), "esp": blocked(), "request": req(), "elsewhere": False}
    assert "create_record" in deeds(ask_decide(LISTED, records=(entry(),), **parts))


def test_an_entry_takes_no_restriction_and_no_note():
    """What is written on people's records is never written on an entry."""
    parts = {"suppressions": (sup(),), "esp": Esp(word=Word.SUBSCRIBED)}
    assert [d for d in deeds(ask_decide(LISTED, records=(rec(), entry()), **parts)) if "restrict" in d] == [
        "restrict Contact/1"
    ]
    lifted = deeds(
        ask_decide(LISTED, records=(rec(SET, SET), entry()), suppressions=(sup(),), esp=blocked(), request=req())
    )
    assert [d for d in lifted if REF.id in d and "Suppression" in d] == ["remove_entry Suppression/e"]


@pytest.mark.requirement("S40", "S41", "S42", "S43", "S22")
def test_a_saved_tick_on_an_entry_asks_once():
    """Request Resubscribe, saved, asks the person once; who ticked and when is the record; no permission is needed."""
    tick = Tick(by="Jo", at=ago(minutes=20))
    ticked = entry(box=True, tick=tick)
    parts = {"suppressions": (sup(),), "esp": blocked()}
    decision = ask_decide(LISTED, records=(rec(SET, SET), ticked), **parts)
    assert deeds(decision) == ["mail"]
    request = decision.requests[-1]
    assert (request.asked_by, request.asked_at, request.reason) == ("Jo", tick.at, "a saved tick on Suppression/e")
    assert REF in decision.agreed
    again = entry(box=True, agreed_box=True, tick=tick)
    assert quiet(ask_decide(LISTED, records=(rec(SET, SET), again), request=req(State.CHALLENGED), **parts))


def test_the_box_is_cleared_at_any_end_of_its_request():
    """A request that ended without a lift clears the box on the entry."""
    ticked = entry(box=True, agreed_box=True, tick=Tick(by="Jo", at=ago(days=2)))
    parts = {"records": (rec(SET, SET), ticked), "suppressions": (sup(),), "esp": blocked()}
    for stage in (State.EXPIRED, State.REJECTED, State.REFUSED, State.WITHDRAWN):
        assert "clear_box Suppression/e" in deeds(ask_decide(LISTED, request=req(stage), **parts))


def test_taking_an_entry_off_is_no_untick():
    """An entry removed while its request is open leaves the request alone: its box went with it."""
    tick = f"tick/{REF}/x"
    gone = taken_off(agreed_box=True)
    parts = {"suppressions": (sup(),), "esp": blocked(), "request": req(State.CHALLENGED, evidence=tick)}
    assert state(ask_decide(LISTED, records=(rec(SET, SET), gone), **parts)) == ""


def test_a_complaint_puts_the_address_back_on_the_list():
    """After an abuse report the entry comes back with everything else."""
    parts = {"suppressions": (sup(Reason.ABUSE, source="page"),), "esp": blocked(Reason.ABUSE)}
    was = rec(CLEAR, CLEAR, REF, deleted=True, agreed_number=2)
    decision = ask_decide(LISTED, records=(rec(SET, SET), was), request=req(State.REJECTED), **parts)
    assert deeds(decision) == ["add_entry"]
