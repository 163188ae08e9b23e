"""The twelve corner cases of the reconciliation that are decided in the core, each by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from connector.core.action import Deed, Settled
from connector.core.decision import FactKind
from connector.core.policy import Confirm, Policy
from connector.core.restriction import Flag
from connector.core.resubscribe import Event, Origin, State
from connector.core.said import Kind
from connector.core.suppression import ALL, Reason
from connector.core.view import Cause, Tick, Word

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

SET, CLEAR = Flag.SET, Flag.CLEAR
JO = Tick(by="Jo", at=ago(minutes=20), allowed=True)


@pytest.mark.parametrize("faults_restrict", [False, True])
def test_case_1_a_bounce_restricts_only_where_policy_says_so(faults_restrict: bool) -> None:
    """Case 1: a fault is kept, and sets the CRM's flag only under `faults_restrict`, marked as a fault."""
    esp = blocked(Reason.HARD_BOUNCED, ago(hours=1), agreed=Word.SUBSCRIBED, agreed_reason=None, agreed_since=None)
    decision = ask_decide(Policy(faults_restrict=faults_restrict), esp=esp)
    assert keys(decision) == {(ALL, Reason.HARD_BOUNCED)}
    assert deeds(decision) == (["restrict Contact/1"] if faults_restrict else [])
    if faults_restrict:
        assert only(decision, Deed.RESTRICT).values["kind"] == "fault"


def test_case_1_a_fault_withdrawn_by_its_source_clears_what_the_sync_set_for_it() -> None:
    """Case 1 and R2: the platform no longer reports the bounce: the flag set for it goes, unless a wish holds."""
    esp = open_esp(agreed=Word.SUPPRESSED, agreed_reason=Reason.HARD_BOUNCED)
    known = {"records": (rec(SET, SET, cause=Cause.FAULT),), "esp": esp}
    policy, fault = Policy(faults_restrict=True), sup(Reason.HARD_BOUNCED)
    withdrawn = ask_decide(policy, **known, suppressions=(fault,))
    assert [f.kind for f in withdrawn.facts] == [FactKind.WITHDRAWN]
    assert deeds(withdrawn) == ["unrestrict Contact/1"]
    assert deeds(ask_decide(policy, **known, suppressions=(fault, sup(source="page")))) == ["suppress"]


@pytest.mark.requirement("S24", "S25")
@pytest.mark.parametrize("stage", list(State))
def test_case_2_abuse_is_kept_whatever_the_state_of_its_request(stage: State) -> None:
    """Case 2: an abuse report adds its suppression always; it rejects a request from challenged to completed."""
    decision = ask_decide(request=req(stage), said=(said(Kind.COMPLAINT, request="q", reason=Reason.ABUSE),))
    assert (ALL, Reason.ABUSE) in keys(decision)
    assert {"restrict Contact/1", "suppress"} <= set(deeds(decision))
    rejectable = stage in (State.CHALLENGED, State.CONFIRMED, State.COMPLETING, State.COMPLETED)
    assert (state(decision) == "rejected") is rejectable


@pytest.mark.parametrize(("days", "ends"), [(29, "rejected"), (31, "")])
@pytest.mark.parametrize("by", ["page", "word"])
def test_case_2_a_completed_request_is_rejected_within_30_days(days: int, ends: str, by: str) -> None:
    """Case 2: a complaint, from the page or as the platform's word, rejects a request that ended within 30 days."""
    request = req(State.COMPLETED, ended_at=ago(days=days))
    if by == "page":
        decision = ask_decide(request=request, said=(said(Kind.COMPLAINT, NOW),))
    else:
        decision = ask_decide(request=request, esp=blocked(Reason.COMPLAINED, agreed=Word.SUBSCRIBED))
    assert state(decision) == ends


def test_case_3_a_request_names_what_was_read_up_to_the_mail() -> None:
    """Case 3: a flag without a time, first read in the run that hands the mail over, is named: it stood at the ask."""
    decision = ask_decide(
        records=(rec(SET),), request=req(State.REQUESTED, names=frozenset()), suppressions=(sup(),), esp=blocked()
    )
    assert decision.requests[-1].names == {UNSUBSCRIBED, SUPPRESSED}
    assert "mail" in deeds(decision)


def test_case_3_a_stop_later_than_the_ask_withdraws_and_no_mail_goes_out() -> None:
    """Case 3: an opt-out whose own time is later than the ask withdraws the request before its mail."""
    decision = ask_decide(records=(rec(SET, flag_at=ago(hours=1)),), request=req(State.REQUESTED, mails=0))
    assert state(decision) == "withdrawn"
    assert "mail" not in deeds(decision)


@pytest.mark.parametrize("confirm", [Confirm.BEFORE, Confirm.NONE])
def test_case_3_a_tick_that_a_later_stop_has_overtaken_asks_for_nothing(confirm: Confirm) -> None:
    """Case 3: a tick read together with a later stop is withdrawn, under every policy."""
    box = rec(SET, SET, box=True, tick=JO)
    decision = ask_decide(
        Policy(confirm=confirm), records=(box, rec(SET, CLEAR, LEAD, flag_at=ago(minutes=5))),
        suppressions=(sup(),), esp=blocked(),
    )  # fmt: skip
    assert state(decision) == "withdrawn"
    assert not {"mail", "unsuppress"} & set(deeds(decision))


def test_case_3_evidence_of_before_the_mail_seen_later_is_added_to_the_names() -> None:
    """Case 3: a stop first read after the mail left, but said before it, is one that the answer lifts."""
    flagged = rec(SET, flag_at=ago(hours=20))
    decision = ask_decide(records=(flagged,), suppressions=(sup(),), esp=blocked(),
                          request=req(names=frozenset({UNSUBSCRIBED})))  # fmt: skip
    assert decision.requests[-1].names == {UNSUBSCRIBED, SUPPRESSED}
    assert "unrestrict Contact/1" in deeds(decision)


@pytest.mark.requirement("N7")
def test_case_4_a_travelling_wish_never_reaches_who_confirmed_later() -> None:
    """Case 4: at an address that confirmed later than the wish, the wish does not arrive and its flag goes."""
    known = {"records": (rec(SET, SET, moved=True),), "arrivals": (arrival(sup(since=ago(days=9))),)}
    answered = ask_decide(**known, last_confirmed_at=ago(days=1))
    assert not answered.suppressions
    assert deeds(answered) == ["unrestrict Contact/1"]
    first_pass = ask_decide(**known, last_confirmed_at=ago(days=1), settles_moves=False)
    assert quiet(first_pass)
    close = ask_decide(**known, last_confirmed_at=ago(days=9, minutes=-1))
    assert keys(close) == {UNSUBSCRIBED}


def test_case_4_a_wish_that_a_confirmed_request_names_no_longer_travels() -> None:
    """Case 4: a merged loser's wish that the winner's request lifted does not come back with every run."""
    request = req(State.COMPLETED, names=frozenset({UNSUBSCRIBED}))
    wish = sup(since=ago(hours=3, minutes=1))
    decision = ask_decide(arrivals=(arrival(wish, merged=True),), request=request, last_confirmed_at=ago(hours=3))
    assert quiet(decision)


@pytest.mark.parametrize(("hours", "timed", "travels"), [(2, True, False), (4, True, True), (2, False, True)])
def test_case_4_only_wishes_of_before_the_move_travel(hours: int, timed: bool, travels: bool) -> None:
    """Case 4: a wish said after the move stays behind; where the order is unknown it travels."""
    wish = sup(since=ago(hours=hours), timed=timed)
    decision = ask_decide(records=(rec(moved=True),), arrivals=(arrival(wish, moved_at=ago(hours=3)),))
    assert bool(decision.suppressions) is travels


@pytest.mark.parametrize("parts", [{"crm_complete": False}, {"esp_complete": False}, {"settles_moves": False}])
def test_case_5_a_move_is_agreed_only_in_a_complete_run(parts: dict[str, bool]) -> None:
    """Case 5: a changed address is the base of the next merge only after both sides and the old address were heard."""
    known = {"records": (rec(SET, SET, moved=True),), "arrivals": (arrival(sup()),)}
    assert ask_decide(**known, **parts).agreed == ()
    assert ask_decide(**known).agreed == (CONTACT,)


def test_case_5_a_lift_waits_for_a_move_to_settle() -> None:
    """Case 5: while an address from which a record moved or was merged may still have news, nothing is lifted."""
    for record in (rec(SET, SET, moved=True), rec(SET, SET)):
        decision = ask_decide(
            records=(record,), suppressions=(sup(),), esp=blocked(), request=req(), settles_moves=False
        )
        assert deeds(decision) == []
        assert "other addresses" in decision.waits[0]


def test_case_6_a_deleted_row_that_shows_the_flag_is_evidence() -> None:
    """Case 6: a record deleted with its flag set, first seen so, suppresses."""
    decision = ask_decide(records=(rec(SET, CLEAR, LEAD, deleted=True, gone=True), rec()))
    assert deeds(decision) == ["restrict Contact/1", "suppress"]


def test_case_7_an_operators_suppress_and_unsuppress_between_looks_is_clear() -> None:
    """Case 7: at the platform too, what was set and taken back by an operator between two looks never was."""
    assert quiet(ask_decide(esp=open_esp()))


def test_case_8_ask_stop_ask_in_one_look_keeps_the_order() -> None:
    """Case 8: the stop withdraws the first ask, and the second ask is a new request, which sends its mail."""
    words = (said(Kind.ASK, ago(minutes=9)), said(Kind.STOP, ago(minutes=8)), said(Kind.ASK, ago(minutes=7)))
    decision = ask_decide(said=words)
    assert [m.event for m in decision.moves] == [Event.OPT_OUT]
    assert [r.state.value for r in decision.requests] == ["withdrawn", "requested"]
    assert only(decision, Deed.MAIL).request == decision.requests[-1].id
    assert decision.requests[-1].names == {UNSUBSCRIBED}


def test_case_8_a_stop_after_the_last_ask_ends_it() -> None:
    """Case 8: ask and stop in one look leave the stop."""
    decision = ask_decide(said=(said(Kind.ASK, ago(minutes=9)), said(Kind.STOP, ago(minutes=8))))
    assert state(decision) == "withdrawn"
    assert deeds(decision) == ["restrict Contact/1", "suppress"]


@pytest.mark.parametrize(("double_opt_in", "sends"), [(True, True), (False, False)])
def test_case_9_the_form_by_one_who_is_not_blocked_is_a_signup(double_opt_in: bool, sends: bool) -> None:
    """Case 9: a signup gets the same mail under `double_opt_in`; without it it is confirmed by policy."""
    decision = ask_decide(Policy(double_opt_in=double_opt_in), said=(said(Kind.ASK),))
    assert ("mail" in deeds(decision)) is sends
    assert state(decision) == ("requested" if sends else "confirmed")


def test_case_9_a_signup_that_nobody_confirmed_clears_no_flag() -> None:
    """Rule 3: where a flag stands, policy's waiver for signups does not reach, and the person is asked."""
    policy = Policy(double_opt_in=False)
    decision = ask_decide(policy, records=(rec(SET, SET),), said=(said(Kind.ASK),))
    assert deeds(decision) == ["mail"]


@pytest.mark.parametrize("origin", [Origin.COMMAND, Origin.TICK])
def test_case_9_by_hand_there_is_nothing_to_lift(origin: Origin) -> None:
    """Case 9: a tick or a command for an address that is not suppressed is refused: nothing to lift."""
    if origin is Origin.TICK:
        decision = ask_decide(records=(rec(box=True, tick=JO),))
    else:
        decision = ask_decide(said=(said(Kind.ASK, origin=origin, why="phone"),))
    assert state(decision) == "refused"
    assert "nothing to lift" in decision.requests[-1].why


def test_case_9_a_command_is_not_refused_for_a_block_that_this_run_reads_first() -> None:
    """Case 9: a command that comes with the first sight of the block is about that block."""
    esp = blocked(since=ago(days=1), agreed=Word.SUBSCRIBED, agreed_reason=None, agreed_since=None)
    decision = ask_decide(esp=esp, said=(said(Kind.ASK, origin=Origin.COMMAND, why="phone"),))
    assert "mail" in deeds(decision)


@pytest.mark.requirement("S3", "S41", "S42")
def test_the_tick_asks_once_and_any_end_clears_it() -> None:
    """A saved tick opens one request; read again, agreed, it asks nothing; the end of the request clears the box."""
    known = {"suppressions": (sup(),), "esp": blocked()}
    decision = ask_decide(records=(rec(SET, SET, box=True, tick=JO),), **known)
    request = decision.requests[-1]
    assert (request.origin, request.asked_by) == (Origin.TICK, "Jo")
    assert CONTACT in decision.agreed
    agreed = (rec(SET, SET, box=True, agreed_box=True, tick=JO),)
    mailed = replace(request, state=State.CHALLENGED, mails=1, mailed_at=NOW)
    assert quiet(ask_decide(records=agreed, **known, request=mailed))
    ended = ask_decide(records=agreed, **known, request=replace(mailed, state=State.EXPIRED))
    assert deeds(ended) == ["clear_box Contact/1"]


def test_the_tick_is_asked_in_the_decision_that_agrees_to_it() -> None:
    """A box ticked as the flag was cleared is asked after the flag is set again, so that it is asked once."""
    box = rec(CLEAR, SET, box=True, tick=JO)
    known = {"suppressions": (sup(),), "esp": blocked()}
    first = ask_decide(records=(box,), **known)
    assert deeds(first) == ["restrict Contact/1"]
    assert not first.requests
    assert ask_decide(records=(replace(box, flag=SET),), **known).requests


@pytest.mark.requirement("S5", "S6", "N20")
@pytest.mark.parametrize("allowed", [False, None])
def test_a_tick_without_the_permission_is_refused_and_told(allowed: bool | None) -> None:
    """Who lacks the permission, or whom nobody can name, is refused: the box cleared, the note says whom to ask."""
    tick = replace(JO, allowed=allowed, by="Jo" if allowed is False else "")
    decision = ask_decide(records=(rec(SET, SET, box=True, tick=tick),), suppressions=(sup(),), esp=blocked())
    assert state(decision) == "refused"
    assert deeds(decision) == ["clear_box Contact/1", "tell Contact/1"]
    text = str(only(decision, Deed.TELL).values["text"])
    assert "Administrative Data Management" in text
    assert "administrator" in text


def test_case_10_a_tick_older_than_the_change_of_address_is_refused() -> None:
    """Case 10: a tick of before the record's change of address, or of unknown order, is refused."""
    box = rec(SET, SET, box=True, tick=JO, moved=True)
    known = {"suppressions": (sup(),), "esp": blocked()}
    for policy in (Policy(), Policy(permission="")):
        decision = ask_decide(policy, records=(box,), **known)
        assert state(decision) == "refused"
        assert "clear_box Contact/1" in deeds(decision)
    since = ask_decide(records=(box,), **known, arrivals=(arrival(sup(), moved_at=ago(hours=1)),))
    assert state(since) == "requested"


def test_case_10_an_untick_while_the_request_is_open_cancels_it() -> None:
    """Case 10: a box read clear again cancels the request that its tick opened, and no other."""
    record = rec(SET, SET, agreed_box=True)
    known = {"records": (record,), "suppressions": (sup(),), "esp": blocked()}
    mine = req(State.CHALLENGED, origin=Origin.TICK, evidence="tick/Contact/1/then")
    assert state(ask_decide(**known, request=mine)) == "cancelled"
    assert not ask_decide(**known, request=replace(mine, evidence="tick/Lead/1/then")).moves


@pytest.mark.requirement("S23")
def test_case_11_three_mails_in_30_days_and_no_more() -> None:
    """Case 11: a fourth ask within 30 days is refused, whoever asks by mail."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked()}
    mails = (ago(days=20), ago(days=10), ago(days=1))
    refused = ask_decide(**known, said=(said(Kind.ASK),), mails=mails)
    assert state(refused) == "refused"
    assert "mail" not in deeds(refused)
    assert "mail" in deeds(ask_decide(**known, said=(said(Kind.ASK),), mails=mails[:2]))


@pytest.mark.parametrize("kind", [Kind.ASK, Kind.RESEND])
@pytest.mark.parametrize(("hours", "mails", "sends"), [(23, 1, False), (25, 1, True), (25, 3, False)])
def test_case_11_a_mail_is_sent_once_more_only_after_a_day(kind: Kind, hours: int, mails: int, sends: bool) -> None:
    """A new ask of the person or a command sends once more after `resend_after`, three in 30 days at most."""
    request = req(State.CHALLENGED, mailed_at=ago(hours=hours), asked_at=ago(hours=hours + 1))
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), request=request,
        said=(said(kind, NOW, request="q", by="Jo"),), mails=tuple(ago(days=n) for n in range(mails)),
    )  # fmt: skip
    assert ("mail" in deeds(decision)) is sends
    if sends:
        assert only(decision, Deed.MAIL).values == {"mail": 2}


@pytest.mark.parametrize(("hours", "ends"), [(1, "refused"), (9, "")])
def test_case_12_a_fault_newer_than_the_mail_refuses(hours: int, ends: str) -> None:
    """Case 12: a bounce later than the mail says that it did not arrive; an earlier one is named."""
    esp = blocked(Reason.HARD_BOUNCED, ago(hours=hours), agreed=Word.SUBSCRIBED, agreed_reason=None, agreed_since=None)
    decision = ask_decide(esp=esp, request=req(State.CHALLENGED, names=frozenset()))
    if ends:
        assert state(decision) == ends
    else:
        assert (ALL, Reason.HARD_BOUNCED) in decision.requests[-1].names


@pytest.mark.parametrize(("minutes", "confirmed"), [(-1, True), (0, False), (1, False)])
def test_case_12_a_click_after_the_links_own_expiry_is_no_confirmation(minutes: int, confirmed: bool) -> None:
    """Case 12: a click counts by its own time, whether or not a run has marked the request as expired."""
    ends = ago(hours=1)
    click = said(Kind.CONFIRM, ends + timedelta(minutes=minutes), request="q")
    decision = ask_decide(
        records=(rec(SET, SET),), suppressions=(sup(),), esp=blocked(), said=(click,),
        request=req(State.CHALLENGED, expires_at=ends),
    )  # fmt: skip
    assert state(decision) == ("confirmed" if confirmed else "expired")


@pytest.mark.requirement("N9")
def test_a_lift_that_the_breaker_holds_says_what_it_waits_for() -> None:
    """R8: a held lift leaves the request where it is, and `explain` can say what would let it go."""
    known = {"records": (rec(SET, SET),), "suppressions": (sup(),), "esp": blocked(), "request": req()}
    held = {a.key: Settled.HELD for a in ask_decide(**known).actions if a.deed is Deed.UNSUPPRESS}
    decision = ask_decide(**known, settled=held)
    assert not decision.moves
    assert any("approve" in words for words in decision.waits)


def test_an_event_of_before_the_last_confirmation_suppresses_nobody() -> None:
    """Rule 1: an unsubscribe event first read after the person came back, and said before, is not later than agreed."""
    known = {"request": req(State.COMPLETED), "last_confirmed_at": ago(hours=3)}
    old = ask_decide(**known, said=(said(Kind.STOP, ago(hours=9), "esp"),))
    assert not old.suppressions
    late = ask_decide(**known, said=(said(Kind.STOP, ago(hours=3, minutes=1), "esp"),))
    assert keys(late) == {UNSUBSCRIBED}


def test_a_time_in_the_future_is_now() -> None:
    """Nothing happened later than the look that found it: a clock far ahead does not hide the next stop."""
    decision = ask_decide(records=(rec(SET, flag_at=NOW + timedelta(days=999)),))
    assert [s.since for s in decision.suppressions] == [NOW]
