"""Rules 1 to 14 of the reconciliation by example, each named, and the cases from users' bug reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from connector.core.action import Deed, Settled, Side
from connector.core.decision import FactKind
from connector.core.lists import ListStatus
from connector.core.policy import BornRestricted, Cleared, Confirm, Lift, LiftAt, ListsOnLift, Moved, Policy
from connector.core.restriction import Access, Flag
from connector.core.resubscribe import Event, Origin, State
from connector.core.said import Kind
from connector.core.suppression import ALL, Reason
from connector.core.view import Cause, Esp, Word

from tests.core.known import (
    CONTACT,
    LEAD,
    NOW,
    SUPPRESSED,
    UNSUBSCRIBED,
    ago,
    arrival,
    ask_decide,
    blocked,
    deeds,
    keys,
    only,
    open_esp,
    quiet,
    rec,
    req,
    said,
    state,
    sup,
)  # fmt: skip

SET, CLEAR, HIDDEN = Flag.SET, Flag.CLEAR, Flag.UNREADABLE
LIFTED = {"unsuppress", "unrestrict Contact/1"}


# -- rule 1: opt-outs always win and always pass ---------------------------------------------------
@pytest.mark.requirement("S50")
def test_rule_1_a_new_flag_suppresses_everywhere() -> None:
    """Rule 1: a flag set in the CRM suppresses at the platform and restricts the other records of the address."""
    decision = ask_decide(records=(rec(SET), rec(ref=LEAD)))
    assert deeds(decision) == ["restrict Lead/1", "suppress"]
    assert keys(decision) == {SUPPRESSED}


@pytest.mark.requirement("S49")
def test_rule_1_a_new_word_of_the_platform_restricts_every_record() -> None:
    """Rule 1: an unsubscribe at the platform sets the restriction on every record of the address."""
    esp = blocked(since=ago(hours=1), agreed=Word.SUBSCRIBED, agreed_reason=None, agreed_since=None)
    decision = ask_decide(records=(rec(), rec(ref=LEAD)), esp=esp)
    assert deeds(decision) == ["restrict Contact/1", "restrict Lead/1"]


def test_rule_1_an_event_counts_though_the_present_word_is_subscribed() -> None:
    """Rule 1: an unsubscribe event of the platform counts even if its present word is subscribed."""
    decision = ask_decide(said=(said(Kind.STOP, ago(minutes=9), "esp"),))
    assert deeds(decision) == ["restrict Contact/1", "suppress"]


def test_rule_1_a_later_time_or_another_reason_is_new_and_renews() -> None:
    """Rule 1: a second stop at a later time renews `since`; another reason stands beside the first."""
    held = sup(since=ago(days=9))
    later = ask_decide(
        esp=blocked(since=ago(days=1), agreed_since=ago(days=9)), suppressions=(held,), records=(rec(SET, SET),)
    )
    assert [s.since for s in later.suppressions] == [ago(days=1)]
    assert [f.kind for f in later.facts] == [FactKind.RENEWED]
    other = ask_decide(
        esp=blocked(Reason.COMPLAINED, ago(days=9), agreed_reason=Reason.UNSUBSCRIBED, agreed_since=ago(days=9)),
        suppressions=(held,),
    )
    assert keys(other) == {UNSUBSCRIBED, (ALL, Reason.COMPLAINED)}


def test_rule_1_a_second_reading_of_the_same_moment_is_nothing_new() -> None:
    """Rule 1: a side's time measured anew, some seconds off, is the same time."""
    decision = ask_decide(
        esp=blocked(since=ago(days=9, seconds=40), agreed_since=ago(days=9)), suppressions=(sup(),),
        records=(rec(SET, SET, flag_at=ago(days=9), agreed_flag_at=ago(days=9, seconds=-50)),),
    )  # fmt: skip
    assert quiet(decision)


def test_rule_1_a_flag_ticked_when_ticked_counts_where_history_tells() -> None:
    """Rule 1: a flag set again is a new stop where the CRM tells a later time, and nothing where it does not."""
    held = (sup(Reason.SUPPRESSED, ago(days=9), "crm"),)
    told = rec(SET, SET, flag_at=ago(days=1), agreed_flag_at=ago(days=9))
    assert [f.kind for f in ask_decide(records=(told,), suppressions=held, esp=blocked()).facts] == [FactKind.RENEWED]
    assert quiet(ask_decide(records=(rec(SET, SET),), suppressions=held, esp=blocked()))


def test_bug_report_an_opt_out_set_and_cleared_between_two_looks_leaves_the_person_alone() -> None:
    """Rule 1: a CRM flag set and cleared again between two looks is clear, and nothing follows."""
    assert quiet(ask_decide(records=(rec(CLEAR, CLEAR),)))


def test_rule_1_blocks_pass_whatever_was_read() -> None:
    """Rules 1 and 4: a run that read half still carries every block."""
    decision = ask_decide(records=(rec(SET),), crm_complete=False, esp_complete=False)
    assert deeds(decision) == ["suppress"]


# -- rule 2: first meeting -------------------------------------------------------------------------
@pytest.mark.requirement("S12")
def test_rule_2_at_first_meeting_the_union_suppresses() -> None:
    """Rule 2, and the bug report of a contact born opted out: with nothing agreed yet, either side's stop holds."""
    decision = ask_decide(records=(rec(SET, None), rec(CLEAR, None, LEAD)), esp=Esp(word=Word.SUBSCRIBED))
    assert deeds(decision) == ["restrict Lead/1", "suppress"]
    other = ask_decide(records=(rec(CLEAR, None),), esp=Esp(word=Word.SUPPRESSED, reason=Reason.UNSUBSCRIBED))
    assert deeds(other) == ["restrict Contact/1"]


def test_rule_2_a_first_meeting_lifts_nothing() -> None:
    """Rule 2: a clear record met for the first time takes nobody's block away."""
    decision = ask_decide(records=(rec(CLEAR, None),), suppressions=(sup(),), esp=blocked())
    assert deeds(decision) == ["restrict Contact/1"]


# -- rule 3: no lift without a confirmed request that names ----------------------------------------
@pytest.mark.requirement("S10", "S11", "S31", "S37")
def test_rule_3_a_confirmed_request_lifts_both_sides() -> None:
    """Rule 3: what a confirmed request names is lifted at the platform and on every record."""
    decision = ask_decide(records=(rec(SET, SET), rec(ref=LEAD)), suppressions=(sup(),), esp=blocked(), request=req())
    assert set(deeds(decision)) >= LIFTED
    assert "unrestrict Lead/1" not in deeds(decision)


@pytest.mark.requirement("S44")
@pytest.mark.parametrize("stage", [None, *(s for s in State if s not in (State.CONFIRMED, State.COMPLETING))])
def test_rule_3_nothing_else_lifts(stage: State | None) -> None:
    """Rule 3: without a request, or with one that nobody confirmed or that ended, nothing is lifted."""
    request = req(stage) if stage else None
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), request=request)
    assert not LIFTED & set(deeds(decision))


def test_rule_3_a_suppression_that_is_not_named_refuses() -> None:
    """Rule 3: a request lifts what it names and no other; one more suppression refuses it whole."""
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(), sup(Reason.SUPPRESSED, source="crm")), esp=blocked(),
        request=req(names=frozenset({UNSUBSCRIBED})),
    )  # fmt: skip
    assert state(decision) == "refused"
    assert not LIFTED & set(deeds(decision))


@pytest.mark.parametrize(("minutes", "ends"), [(-1, "withdrawn"), (1, "withdrawn"), (1.9, "withdrawn"), (2.1, "")])
def test_rule_3_late_evidence_is_judged_by_time_and_the_margin_is_the_stops(minutes: float, ends: str) -> None:
    """Rule 3: a stop read after the mail withdraws if later or less than two minutes before it; else it is named."""
    at = ago(hours=4) - timedelta(minutes=minutes)
    esp = blocked(since=at, agreed=Word.SUBSCRIBED, agreed_reason=None, agreed_since=None)
    decision = ask_decide(records=(rec(),), esp=esp, request=req(State.CHALLENGED, names=frozenset()))
    if ends:
        assert state(decision) == ends
    else:
        assert decision.requests[-1].names == {UNSUBSCRIBED}
        assert not decision.moves


def test_rule_3_evidence_without_a_time_happened_at_the_look_that_found_it() -> None:
    """Rule 3: a flag without a time, read after the mail left, is newer than the mail."""
    decision = ask_decide(records=(rec(SET),), request=req(State.CHALLENGED))
    assert state(decision) == "withdrawn"


def test_rule_3_a_stop_between_the_confirmation_and_a_second_copy_of_the_mail_is_newer() -> None:
    """Rule 3: what the person answered to is the mail they answered, not a copy that a crash sent once more."""
    request = req(State.CONFIRMED, mailed_at=ago(hours=1), confirmed_at=ago(hours=3))
    decision = ask_decide(records=(rec(SET, flag_at=ago(hours=2)),), request=request)
    assert state(decision) == "withdrawn"


def test_rule_3_a_dated_event_is_judged_though_an_undated_word_seems_later() -> None:
    """Rule 3: an event with its own time withdraws a request although the look at the word is held as later."""
    held = sup(since=ago(seconds=5), timed=False)
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(held,), esp=blocked(), request=req(),
        said=(said(Kind.STOP, ago(minutes=30), "esp"),),
    )  # fmt: skip
    assert state(decision) == "withdrawn"


@pytest.mark.requirement("S21")
def test_rule_3_the_platforms_proven_word_is_a_confirmation() -> None:
    """Rule 3: a resubscribe that the adapter proves starts a request that is confirmed, and is not undone."""
    esp = open_esp(agreed=Word.SUPPRESSED, agreed_reason=Reason.UNSUBSCRIBED, proven=True, since=ago(minutes=30))
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=esp)
    assert [m.event for m in decision.moves] == [Event.PROVEN]
    assert {"unrestrict Contact/1", "join_list All contacts"} <= set(deeds(decision))
    assert not {"suppress", "mail"} & set(deeds(decision))


@pytest.mark.parametrize("before", [Word.SUPPRESSED, Word.PENDING])
def test_rule_3_the_proof_reaches_over_a_pending_word(before: Word) -> None:
    """Rule 3: a proven resubscribe is recognised although a run met the address while it was pending."""
    esp = open_esp(agreed=before, proven=True, since=ago(minutes=30))
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=esp)
    assert decision.requests[-1].state is State.CONFIRMED


def test_rule_3_a_stop_later_than_the_proven_resubscribe_is_not_named_by_it() -> None:
    """Rule 3: a stop in the CRM after the proven resubscribe, or within the margin before it, holds."""
    esp = open_esp(agreed=Word.SUPPRESSED, proven=True, since=ago(hours=2))
    for at in (ago(hours=1), ago(hours=2, minutes=1)):
        held = (sup(), sup(Reason.SUPPRESSED, at, "crm"))
        decision = ask_decide(records=(rec(SET, SET),), suppressions=held, esp=esp)
        assert state(decision) == "refused"
        assert "suppress" in deeds(decision)


def test_rule_3_a_proof_needs_its_time_and_mails_do_not_count() -> None:
    """Rule 3: a resubscribe without a time proves nothing; a proven one needs no mail and so no room for one."""
    lost = open_esp(agreed=Word.SUPPRESSED, proven=True)
    assert "suppress" in deeds(ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=lost))
    mails = (ago(days=3), ago(days=2), ago(days=1))
    esp = replace(lost, since=ago(minutes=30))
    proven = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=esp, mails=mails)
    assert state(proven) == "confirmed"


@pytest.mark.parametrize("reason", [Reason.COMPLAINED, Reason.ABUSE])
def test_rule_3_a_complaint_is_put_back_even_if_proven(reason: Reason) -> None:
    """Rule 3: the platform's proven word lifts no complaint; the block is put back."""
    esp = open_esp(agreed=Word.SUPPRESSED, agreed_reason=reason, proven=True, since=ago(minutes=30))
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(reason),), esp=esp)
    assert state(decision) == "refused"
    assert deeds(decision) == ["suppress"]


# -- rule 4: unreadable and absent never lift ------------------------------------------------------
@pytest.mark.requirement("N14")
@pytest.mark.parametrize(
    "parts",
    [
        {"records": (rec(HIDDEN, SET), rec(SET, SET, LEAD))},
        {"records": (rec(SET, SET, fresh=False),)},
        {"esp": blocked(fresh=False)},
        {"esp": Esp(word=Word.UNREADABLE, agreed=Word.SUPPRESSED, fresh=True)},
        {"crm_complete": False},
        {"esp_complete": False},
    ],
)
def test_rule_4_what_was_not_read_waits(parts: dict[str, object]) -> None:
    """Rule 4, and the bug report of a truncated answer: unread or unreadable on either side, nothing is lifted."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked(), "request": req()} | parts
    decision = ask_decide(**known)
    assert deeds(decision) == []
    assert decision.waits
    assert not decision.moves


@pytest.mark.parametrize("word", [Word.ABSENT, Word.UNREADABLE])
def test_rule_4_a_block_that_is_no_longer_shown_still_holds(word: Word) -> None:
    """Rule 4, and the bug report of an empty answer: an address gone from a list is blocked on, not lifted."""
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(),),
        esp=Esp(word=word, agreed=Word.SUPPRESSED, agreed_reason=Reason.UNSUBSCRIBED),
    )  # fmt: skip
    assert keys(decision) == {UNSUBSCRIBED}
    assert deeds(decision) == (["suppress"] if word is Word.ABSENT else [])


def test_rule_4_an_unreadable_flag_is_blocked_until_it_was_agreed_set() -> None:
    """Rules 4 and 7: a record whose flag nobody can read takes the block once, and is believed to keep it."""
    known = {"suppressions": (sup(),), "esp": blocked()}
    assert deeds(ask_decide(records=(rec(HIDDEN, CLEAR),), **known)) == ["restrict Contact/1"]
    assert quiet(ask_decide(records=(rec(HIDDEN, SET),), **known))


def test_rule_4_the_mail_leaves_only_after_both_sides_were_read() -> None:
    """Rules 3 and 4: a request names what both sides show, so its mail waits until both were read to their ends."""
    decision = ask_decide(request=req(State.REQUESTED, mails=0), esp_complete=False)
    assert deeds(decision) == []
    assert decision.waits


# -- rule 5: a reason that may not be lifted -------------------------------------------------------
@pytest.mark.requirement("N20", "S25")
@pytest.mark.parametrize("reason", [Reason.ABUSE, Reason.COMPLAINED, Reason.UNKNOWN, Reason.DOMAIN, Reason.BLOCKED])
@pytest.mark.parametrize("stage", [State.REQUESTED, State.CHALLENGED, State.CONFIRMED])
def test_rule_5_a_reason_that_may_not_be_lifted_refuses_in_words(reason: Reason, stage: State) -> None:
    """Rule 5: a request meets such a reason at any stage and is refused, with the reason in plain words."""
    request = req(stage, names=frozenset({(ALL, reason)}))
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(reason),), esp=blocked(reason), request=request)
    assert state(decision) == "refused"
    assert reason.value in decision.requests[-1].why
    assert deeds(decision) == []


# -- rule 6: cleared by hand -----------------------------------------------------------------------
@pytest.mark.requirement("N1")
def test_rule_6_a_flag_cleared_by_hand_is_set_again_and_told() -> None:
    """Rule 6: a flag cleared without a request is set again in the same run, marked as cleared by hand."""
    decision = ask_decide(records=(rec(CLEAR, SET),), suppressions=(sup(),), esp=blocked())
    assert only(decision, Deed.RESTRICT).values["cleared"] is True
    assert "by hand" in only(decision, Deed.RESTRICT).because
    assert not decision.requests


def test_rule_6_a_block_taken_off_the_platform_is_put_back() -> None:
    """Rules 3 and 6: an unproven turn to subscribed at the platform is undone under `reassert`."""
    lost = open_esp(agreed=Word.SUPPRESSED, agreed_reason=Reason.UNSUBSCRIBED)
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=lost)
    assert only(decision, Deed.SUPPRESS).values["cleared"] is True
    assert not decision.requests


@pytest.mark.parametrize("side", ["crm", "esp"])
def test_rule_6_policy_request_asks_the_person_once_per_clearing(side: str) -> None:
    """Rule 6: under `request` the block is set again and the person asked, once for however many records."""
    lost = open_esp(agreed=Word.SUPPRESSED, agreed_reason=Reason.UNSUBSCRIBED)
    policy = Policy(crm_cleared=Cleared.REQUEST, esp_cleared=Cleared.REQUEST)
    known = {"suppressions": (sup(),)} | (
        {"records": (rec(CLEAR, SET), rec(CLEAR, SET, LEAD)), "esp": blocked()}
        if side == "crm"
        else {"records": (rec(SET, SET),), "esp": lost}
    )
    decision = ask_decide(policy, **known)
    assert "mail" in deeds(decision)
    assert {"restrict Contact/1", "suppress"} & set(deeds(decision))
    [request] = decision.requests
    again = ask_decide(policy, **known, request=replace(request, state=State.REFUSED))
    assert not again.requests
    owed = {a.key: Settled.ASIDE for a in decision.actions if not a.request}
    assert not ask_decide(policy, **known, settled=owed).requests


# -- rule 7: one address, one decision -------------------------------------------------------------
@pytest.mark.requirement("N6", "S4")
def test_rule_7_bug_report_a_lead_and_a_contact_that_share_an_address_never_disagree() -> None:
    """Rule 7: blocks reach every record of the address, and a lift reaches every record of it."""
    both = (rec(SET), rec(ref=LEAD))
    assert "restrict Lead/1" in deeds(ask_decide(records=both))
    lifted = ask_decide(
        records=(rec(SET, SET), rec(SET, SET, LEAD)), suppressions=(sup(),), esp=blocked(), request=req()
    )
    assert {"unrestrict Contact/1", "unrestrict Lead/1"} <= set(deeds(lifted))


def test_rule_7_one_record_that_refuses_holds_the_whole_lift() -> None:
    """Rule 7: a lift is decided whole; a flagged record that refuses ends the request before its first step."""
    refusing = rec(SET, SET, LEAD, access=Access.REFUSING)
    decision = ask_decide(records=(rec(SET, SET), refusing), suppressions=(sup(),), esp=blocked(), request=req())
    assert state(decision) == "refused"
    assert "Lead/1" in decision.requests[-1].why
    assert deeds(decision) == []


def test_rule_7_bug_report_a_stale_flag_on_a_read_only_record_undoes_nothing() -> None:
    """Rule 7: a converted lead's flag is evidence once; agreed, it neither holds up a lift nor undoes one."""
    stale = rec(SET, SET, LEAD, access=Access.READ_ONLY, fresh=False)
    known = {"records": (rec(SET, SET), stale), "suppressions": (sup(),), "esp": blocked()}
    assert set(deeds(ask_decide(request=req(), **known))) >= LIFTED
    after = ask_decide(records=(rec(), stale), request=req(State.COMPLETED), last_confirmed_at=ago(hours=3))
    assert quiet(after)
    first = ask_decide(records=(rec(), replace(stale, agreed=None)))
    assert deeds(first) == ["restrict Contact/1", "suppress"]


@pytest.mark.requirement("N4")
@pytest.mark.parametrize(("cause", "lifts"), [(Cause.NONE, False), (Cause.WISH, True), (Cause.FAULT, True)])
def test_rule_7_policy_ours_lifts_only_what_the_sync_set(cause: Cause, lifts: bool) -> None:
    """Rule 7: under `lift: ours` a flag set by a person refuses the request; one of ours is lifted."""
    decision = ask_decide(
        Policy(lift=Lift.OURS), records=(rec(SET, SET, cause=cause),), suppressions=(sup(),), esp=blocked(),
        request=req(),
    )  # fmt: skip
    assert ("unrestrict Contact/1" in deeds(decision)) is lifts
    assert (state(decision) == "refused") is not lifts


@pytest.mark.parametrize("deed", [Deed.UNSUPPRESS, Deed.JOIN_LIST, Deed.UNRESTRICT, Deed.DROP_LIST])
def test_rule_7_a_step_refused_for_good_ends_the_request_and_leaves_no_other_step(deed: Deed) -> None:
    """A side that refuses a step for good refuses the request: what was lifted is blocked, no step is left."""
    esp = replace(blocked(), lists={"News": ListStatus.SUBSCRIBED}, agreed_lists={"News": ListStatus.SUBSCRIBED})
    known = {
        "records": (rec(SET, SET), rec(SET, SET, LEAD)), "suppressions": (sup(),), "esp": esp, "request": req(),
    }  # fmt: skip
    [*steps] = [a for a in ask_decide(**known).actions if a.deed is deed]
    decision = ask_decide(**known, settled={steps[0].key: Settled.ASIDE})
    assert state(decision) == "refused"
    assert not [a for a in decision.actions if a.request]
    lifted = known | {"records": (rec(SET, SET), rec(CLEAR, CLEAR, LEAD)), "esp": open_esp(lists=esp.lists)}
    if deed is Deed.UNRESTRICT:
        again = ask_decide(**lifted, settled={steps[0].key: Settled.ASIDE})
        assert {"restrict Lead/1", "suppress"} <= set(deeds(again))


@pytest.mark.parametrize("deed", [Deed.WRITE_NOTE, Deed.WRITE_STATUS])
def test_rule_7_a_note_or_status_refused_for_good_holds_up_nothing(deed: Deed) -> None:
    """Rule 7: a note, status or date that a record refuses is listed, and the lift goes on."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked(), "request": req()}
    key = only(ask_decide(**known), deed).key
    decision = ask_decide(**known, settled={key: Settled.ASIDE})
    assert set(deeds(decision)) >= LIFTED
    assert not decision.moves


def test_rule_7_a_flag_set_after_the_confirmation_is_never_lifted() -> None:
    """Rule 7: a flag that a person set after the confirmation withdraws the request, and what was lifted is blocked."""
    late = rec(SET, flag_at=ago(hours=1))
    decision = ask_decide(records=(late, rec(ref=LEAD)), suppressions=(sup(),), request=req())
    assert state(decision) == "withdrawn"
    assert deeds(decision) == ["restrict Lead/1", "suppress"]


# -- rule 8: scopes --------------------------------------------------------------------------------
NEWS = Policy(lists=("News",))
IN, OUT = {"News": ListStatus.SUBSCRIBED}, {"News": ListStatus.UNSUBSCRIBED}


@pytest.mark.requirement("S13")
def test_rule_8_a_list_level_stop_touches_no_global_flag() -> None:
    """Rule 8: leaving one list is kept for that list, and written to the record's field; the flag stays clear."""
    decision = ask_decide(NEWS, records=(rec(lists=IN, agreed_lists=IN),), esp=open_esp(lists=OUT, agreed_lists=IN))
    assert keys(decision) == {("News", Reason.UNSUBSCRIBED)}
    assert deeds(decision) == ["write_list Contact/1"]
    assert only(decision, Deed.WRITE_LIST).values == {"list:News": "unsubscribed"}


def test_rule_8_a_list_field_set_to_unsubscribed_by_hand_passes() -> None:
    """Rule 8: unsubscribed in the CRM's field leaves the list at the platform."""
    decision = ask_decide(NEWS, records=(rec(lists=OUT, agreed_lists=IN),), esp=open_esp(lists=IN, agreed_lists=IN))
    assert deeds(decision) == ["leave_list News"]


def test_rule_8_a_list_field_set_to_subscribed_by_hand_is_set_back() -> None:
    """Rule 8: subscribed in the CRM's field, where the platform says otherwise, is set back and told."""
    decision = ask_decide(NEWS, records=(rec(lists=IN, agreed_lists=OUT),), esp=open_esp(lists=OUT, agreed_lists=OUT))
    assert only(decision, Deed.WRITE_LIST).values == {"list:News": "unsubscribed"}
    assert "by hand" in only(decision, Deed.WRITE_LIST).because


@pytest.mark.requirement("S14", "S15")
def test_rule_8_the_platforms_status_is_written_to_the_record() -> None:
    """Rule 8: who joined a list at the platform is subscribed in the record's field."""
    absent = {"News": ListStatus.ABSENT}
    decision = ask_decide(
        NEWS, records=(rec(lists=absent, agreed_lists=absent),), esp=open_esp(lists=IN, agreed_lists=IN)
    )
    assert only(decision, Deed.WRITE_LIST).values == {"list:News": "subscribed"}


@pytest.mark.requirement("S20", "S33")
@pytest.mark.parametrize(("policy", "dropped"), [(ListsOnLift.NONE, True), (ListsOnLift.KEEP, False)])
def test_rule_8_a_lift_first_leaves_every_list_not_ticked(policy: ListsOnLift, dropped: bool) -> None:
    """Rule 8: memberships that would outlive the block are left before it is lifted; the ticked ones are joined."""
    lists = IN | {"Offers": ListStatus.UNSUBSCRIBED}
    decision = ask_decide(
        Policy(lists_on_lift=policy), records=(rec(SET, SET),), suppressions=(sup(),),
        esp=replace(blocked(), lists=lists, agreed_lists=lists), request=req(lists=frozenset({"Offers"})),
    )  # fmt: skip
    assert ("drop_list News" in deeds(decision)) is dropped
    assert {"join_list All contacts", "join_list Offers"} <= set(deeds(decision))
    assert "join_list News" not in deeds(decision)


def test_rule_8_a_stop_for_one_list_takes_it_out_of_the_request() -> None:
    """Rule 8: a newer stop for one list stays, and the request goes on without that list."""
    request = req(lists=frozenset({"News"}), names=frozenset({UNSUBSCRIBED, ("News", Reason.UNSUBSCRIBED)}))
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(), sup(scope="News")), esp=blocked(), request=request,
        said=(said(Kind.STOP, scope="News"),),
    )  # fmt: skip
    assert decision.requests[-1].lists == frozenset()
    assert ("News", Reason.UNSUBSCRIBED) not in decision.requests[-1].names
    assert "join_list News" not in deeds(decision)
    assert set(deeds(decision)) >= LIFTED


# -- rule 9: a changed address ---------------------------------------------------------------------
@pytest.mark.requirement("N7")
def test_rule_9_follow_person_takes_every_wish_along_with_its_own_time() -> None:
    """Rule 9: under `follow_person` the new address is suppressed too, since when the wish was said."""
    wish = sup(since=ago(days=30))
    decision = ask_decide(records=(rec(SET, SET, moved=True), rec(ref=LEAD)), arrivals=(arrival(wish),))
    assert [s.since for s in decision.suppressions] == [ago(days=30)]
    assert deeds(decision) == ["restrict Lead/1", "suppress"]


def test_rule_9_a_fault_stays_with_the_old_address() -> None:
    """Rule 9: a flag that the sync set for a fault of the old address is cleared at the new one."""
    decision = ask_decide(records=(rec(SET, SET, moved=True, cause=Cause.FAULT),))
    assert deeds(decision) == ["unrestrict Contact/1"]
    assert not decision.suppressions


def test_rule_9_follow_address_gives_the_new_address_its_own_status() -> None:
    """Rule 9: under `follow_address` a flag that only stood for the old address is cleared, another one is not."""
    policy = Policy(moved=Moved.FOLLOW_ADDRESS)
    moved = {"records": (rec(SET, SET, moved=True),), "arrivals": (arrival(sup()),)}
    assert deeds(ask_decide(policy, **moved)) == ["unrestrict Contact/1"]
    assert deeds(ask_decide(policy, **moved, suppressions=(sup(),), esp=blocked())) == []
    assert deeds(ask_decide(policy, records=(rec(SET, CLEAR, moved=True),))) == ["suppress"]


def test_rule_9_ask_holds_and_reports() -> None:
    """Rule 9: under `ask` nothing travels, nothing is cleared, nothing is agreed, and it is told."""
    decision = ask_decide(Policy(moved=Moved.ASK), records=(rec(SET, SET, moved=True),), arrivals=(arrival(sup()),))
    assert quiet(decision)
    assert "another address" in decision.waits[0]


def test_rule_9_a_flag_that_came_along_unexplained_stops_the_new_address() -> None:
    """Rule 9: a flag that came with its record, and that no known wish explains, is a stop at the new address."""
    decision = ask_decide(records=(rec(SET, SET, moved=True),))
    assert keys(decision) == {SUPPRESSED}
    assert deeds(decision) == ["suppress"]


# -- rule 10: deletion and merge -------------------------------------------------------------------
def test_rule_10_a_deleted_record_leaves_and_the_suppression_stays() -> None:
    """Rule 10: a deleted record is written no more; what it showed holds."""
    gone = rec(SET, SET, deleted=True, gone=True)
    decision = ask_decide(records=(gone,), suppressions=(sup(Reason.SUPPRESSED, source="crm"),), esp=blocked())
    assert keys(decision) == {SUPPRESSED}
    assert deeds(decision) == []
    assert decision.agreed == (CONTACT,)


@pytest.mark.parametrize("policy", list(Moved))
def test_rule_10_the_losers_opt_out_survives_in_the_winner(policy: Moved) -> None:
    """Rule 10: of merged records the loser's opt-out holds for the winner, whatever policy says of moves."""
    decision = ask_decide(Policy(moved=policy), arrivals=(arrival(sup(), merged=True),))
    assert keys(decision) == {UNSUBSCRIBED}
    assert deeds(decision) == ["restrict Contact/1", "suppress"]


# -- rule 12: unknown ------------------------------------------------------------------------------
def test_rule_12_an_unknown_word_is_kept_with_the_vendors_own_and_marked() -> None:
    """Rule 12: a word nobody knows suppresses here at once, with the vendor's word; its blocks can be told apart."""
    esp = blocked(Reason.UNKNOWN, agreed=Word.SUBSCRIBED, agreed_reason=None, raw="Quarantined")
    decision = ask_decide(esp=esp)
    assert [(s.reason, s.word) for s in decision.suppressions] == [(Reason.UNKNOWN, "Quarantined")]
    assert only(decision, Deed.RESTRICT).values["kind"] == "unknown"


# -- rule 13: born restricted ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("born", "stops"), [(None, True), (BornRestricted.OPT_OUT, True), (BornRestricted.IGNORE, False)]
)
def test_rule_13_a_flag_never_seen_clear_is_what_policy_says(born: BornRestricted | None, stops: bool) -> None:
    """Rule 13: a flag on a record never seen without it is what policy says; seen clear before, an opt-out."""
    policy = Policy(born_restricted=born)
    assert bool(ask_decide(policy, records=(rec(SET, None),)).suppressions) is stops
    assert ask_decide(policy, records=(rec(SET, CLEAR),)).suppressions


@pytest.mark.requirement("S34")
@pytest.mark.parametrize(
    ("parts", "made"),
    [
        ({"elsewhere": False}, True),
        ({"elsewhere": True}, False),
        ({"elsewhere": None}, False),
        ({"elsewhere": False, "records": (rec(ref=LEAD, access=Access.READ_ONLY),)}, False),
    ],
)
def test_rule_13_a_record_is_created_only_after_a_look_by_address(parts: dict[str, object], made: bool) -> None:
    """Rule 13: who confirmed is created where a look found no record anywhere; an existing lead counts."""
    known = {"records": (), "request": req(names=frozenset())} | parts
    decision = ask_decide(**known)
    assert ("create_record" in deeds(decision)) is made
    assert bool(decision.waits) is (parts["elsewhere"] is None)


# -- rule 14: quiescence ---------------------------------------------------------------------------
@pytest.mark.requirement("N12")
def test_rule_14_what_is_as_agreed_plans_nothing() -> None:
    """Rule 14: a carried-out suppression, with both sides as agreed, asks for nothing."""
    assert quiet(ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(since=ago(days=9))))


@pytest.mark.requirement("N12")
def test_rule_14_our_own_writes_coming_back_plan_nothing() -> None:
    """Rule 14: our block comes back in the platform's words, our flag with the CRM's time; only agreed anew."""
    esp = blocked(Reason.SUPPRESSED, ago(minutes=2), agreed_reason=Reason.UNSUBSCRIBED, agreed_since=None)
    record = rec(SET, SET, flag_at=ago(minutes=2), cause=Cause.WISH)
    decision = ask_decide(records=(record,), suppressions=(sup(),), esp=esp)
    assert not decision.facts
    assert not decision.actions
    assert decision.agreed == (CONTACT,)
    assert decision.agreed_esp


def test_rule_14_our_own_leaving_of_a_list_is_no_stop_of_the_person() -> None:
    """Rule 14: a former list that a lift left, read back before that was recorded, is no list-level stop."""
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(),), request=req(),
        esp=replace(blocked(), lists=OUT, agreed_lists=IN),
    )  # fmt: skip
    assert ("News", Reason.UNSUBSCRIBED) not in keys(decision)


def test_the_same_deed_has_one_key_until_it_is_done_and_another_tomorrow() -> None:
    """A deed's key names what it replaces: the same while it is owed, another once the value was agreed anew."""
    known = {"suppressions": (sup(),), "esp": blocked()}
    first = only(ask_decide(records=(rec(CLEAR, CLEAR, agreed_number=3),), **known), Deed.RESTRICT)
    again = only(ask_decide(records=(rec(CLEAR, CLEAR, agreed_number=3),), **known), Deed.RESTRICT)
    tomorrow = only(ask_decide(records=(rec(CLEAR, SET, agreed_number=4),), **known), Deed.RESTRICT)
    assert first.key == again.key != tomorrow.key


def test_a_deed_on_a_reading_agreed_just_now_keeps_its_key() -> None:
    """A deed decided together with a new reading has the key that the next run gives it, so it is stored once."""
    out_of_step = open_esp(lists=IN, agreed_lists=IN)
    now = ask_decide(NEWS, records=(rec(lists=OUT, agreed_lists={}, agreed_number=3),), esp=out_of_step)
    later = rec(lists=OUT, agreed_lists=OUT, agreed_number=4)
    held = now.suppressions
    again = ask_decide(NEWS, records=(later,), esp=out_of_step, suppressions=held)
    assert CONTACT in now.agreed
    assert only(now, Deed.LEAVE_LIST).key == only(again, Deed.LEAVE_LIST).key
    written = ask_decide(NEWS, records=(rec(lists=IN, agreed_lists=OUT, agreed_number=3),), esp=open_esp(lists=OUT))
    next_run = ask_decide(NEWS, records=(rec(lists=IN, agreed_lists=IN, agreed_number=4),), esp=open_esp(lists=OUT))
    assert CONTACT in written.agreed
    assert only(written, Deed.WRITE_LIST).key == only(next_run, Deed.WRITE_LIST).key


# -- order and next_sync ---------------------------------------------------------------------------
@pytest.mark.requirement("S32", "S38", "S45", "S46", "S47")
def test_the_order_of_a_lift_is_that_of_the_seed() -> None:
    """The platform first, then its lists, then the record's status and note, last the restriction (S38)."""
    esp = replace(blocked(), lists=IN, agreed_lists=IN)
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=esp, request=req())
    ordered = [a.deed for a in sorted(decision.actions, key=lambda a: a.phase) if a.request]
    assert ordered == [
        Deed.DROP_LIST, Deed.UNSUPPRESS, Deed.JOIN_LIST, Deed.WRITE_STATUS, Deed.WRITE_NOTE, Deed.UNRESTRICT,
    ]  # fmt: skip
    status = only(decision, Deed.WRITE_STATUS)
    assert status.values["request_date"] == ago(hours=3).isoformat()
    assert "Resubscribed" in str(only(decision, Deed.WRITE_NOTE).values["text"])


@pytest.mark.requirement("S48")
def test_next_sync_leaves_the_restriction_of_a_woken_run_to_the_next() -> None:
    """`next_sync`: a run woken by the page does all but the restriction, also at its second look; the next lifts."""
    policy = Policy(lift_at=LiftAt.NEXT_SYNC)
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "request": req()}
    woken = ask_decide(policy, **known, esp=blocked(), lifts_restrictions=False)
    assert "unsuppress" in deeds(woken)
    assert "unrestrict Contact/1" not in deeds(woken)
    done = {a.key: Settled.DONE for a in woken.actions}
    looked = ask_decide(policy, **known, esp=open_esp(), settled=done, lifts_restrictions=False)
    assert state(looked) == "completing"
    assert deeds(looked) == []
    assert looked.waits == ("the restriction is lifted by the next sync",)
    following = ask_decide(policy, **known | {"request": looked.requests[-1]}, esp=open_esp(), settled=done)
    assert deeds(following) == ["unrestrict Contact/1"]


def test_a_lift_ends_once_no_restriction_stands() -> None:
    """A request whose steps are done and whose records are clear is completed, and what it names is lifted."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(), sup(Reason.SUPPRESSED)), "request": req()}
    steps = {a.key: Settled.DONE for a in ask_decide(**known, esp=blocked()).actions}
    decision = ask_decide(**known | {"records": (rec(),)}, esp=open_esp(), settled=steps)
    assert [m.after for m in decision.moves] == [State.COMPLETING, State.COMPLETED]
    assert not decision.suppressions
    assert decision.requests[-1].ended_at == NOW


# -- the mail and the confirmation -----------------------------------------------------------------
@pytest.mark.requirement("S43", "S23")
def test_one_mail_for_a_request() -> None:
    """A request asks for one mail, with a key of its own; once it left, no run asks for another."""
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), request=req(State.REQUESTED))
    mail = only(decision, Deed.MAIL)
    assert (mail.side, mail.values) == (Side.MAIL, {"mail": 1})
    later = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), request=req(State.CHALLENGED))
    assert quiet(later)
    assert later.waits


def test_every_resubscription_by_link_has_its_own_notice() -> None:
    """Each of two resubscriptions of one address gets the one mail of its own: their keys differ."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked()}
    one = only(ask_decide(**known, request=req(id="one", origin=Origin.LINK)), Deed.NOTICE)
    two = only(ask_decide(**known, request=req(id="two", origin=Origin.LINK)), Deed.NOTICE)
    assert one.key != two.key


@pytest.mark.requirement("S18", "S29", "S30")
def test_a_form_by_a_suppressed_address_starts_the_process_without_an_operator() -> None:
    """Being unsubscribed is no obstacle: the form's ask opens a request, names what stands, and sends the mail."""
    decision = ask_decide(records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), said=(said(Kind.ASK),))
    assert decision.requests[-1].names == {UNSUBSCRIBED}
    assert deeds(decision) == ["mail"]


@pytest.mark.parametrize(
    ("origin", "confirm", "reason", "event"),
    [
        (Origin.FORM, Confirm.BEFORE, "", None),
        (Origin.FORM, Confirm.AFTER, "", Event.FORM_LIFTS),
        (Origin.FORM, Confirm.NONE, "", None),
        (Origin.LINK, Confirm.BEFORE, "", Event.WAIVED),
        (Origin.COMMAND, Confirm.NONE, "asked by phone", Event.WAIVED),
        (Origin.COMMAND, Confirm.AFTER, "asked by phone", None),
        (Origin.TICK, Confirm.NONE, "a saved tick", Event.WAIVED),
        (Origin.TICK, Confirm.BEFORE, "a saved tick", None),
        (Origin.CLEARED, Confirm.NONE, "", None),
    ],
)
def test_who_is_asked_by_mail_and_who_is_not(
    origin: Origin, confirm: Confirm, reason: str, event: Event | None
) -> None:
    """The mail is waived for the person's link, the form under `after`, operators under `none`; else not."""
    request = req(State.REQUESTED, origin=origin, reason=reason, mails=0, asked_by="Jo")
    decision = ask_decide(
        Policy(confirm=confirm), records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), request=request
    )
    assert [m.event for m in decision.moves] == ([event] if event else [])
    assert ("mail" in deeds(decision)) is (event is None)
    if event:
        assert decision.requests[-1].confirmed_at == request.asked_at


@pytest.mark.requirement("S22", "S5", "S6")
@pytest.mark.parametrize(
    ("why", "words"),
    [
        (" ", "recorded request"),
        ("phone", ""),
    ],
)
def test_a_command_needs_a_recorded_reason(why: str, words: str) -> None:
    """A resubscribe by hand without the person's recorded request is refused and says so."""
    decision = ask_decide(
        records=(rec(SET, SET),),
        suppressions=(sup(),),
        esp=blocked(),
        said=(said(Kind.ASK, origin=Origin.COMMAND, why=why),),
    )
    assert (state(decision) == "refused") is bool(words)
    assert words in decision.requests[-1].why


@pytest.mark.requirement("N3")
def test_a_request_expires() -> None:
    """A request that nobody confirmed in its time is expired, whether its mail left or not."""
    for stage in (State.REQUESTED, State.CHALLENGED):
        decision = ask_decide(request=req(stage, expires_at=NOW))
        assert state(decision) == "expired"


def test_a_second_click_or_one_after_the_end_changes_no_state() -> None:
    """A click on a request that was confirmed or has ended changes nothing and is in the ledger."""
    for stage in (State.CONFIRMED, State.COMPLETED, State.CANCELLED, State.EXPIRED):
        decision = ask_decide(request=req(stage, names=frozenset()), said=(said(Kind.CONFIRM, request="q"),))
        assert Event.CONFIRM not in [m.event for m in decision.moves]
        assert FactKind.HEARD in [f.kind for f in decision.facts]


def test_an_answer_waits_for_the_record_of_the_mail_that_it_answers() -> None:
    """A click that comes before its mail's leaving is recorded stays in the inbox, and counts as an answer to it."""
    click = said(Kind.CONFIRM, request="q")
    decision = ask_decide(request=req(State.REQUESTED, mails=0), said=(click,))
    assert decision.heard == ()
    flagged = ask_decide(records=(rec(SET),), request=req(State.REQUESTED, mails=0), said=(click,))
    assert state(flagged) == "withdrawn"
