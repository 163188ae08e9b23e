"""The person's way back, by form, by link and by a CRM user (S1-S25, S29-S38, S49, S50)."""

from __future__ import annotations

import pytest

requirement = pytest.mark.requirement


@requirement("S50", "S49", "N12")
def test_a_stop_on_one_side_reaches_the_other_and_comes_back_as_nothing(town):
    """An opt-out of either side blocks on both after one sync, and a second sync plans nothing."""
    ada, bo = town.contact("ada@example.com", HasOptedOutOfEmail=True), town.contact("bo@example.com")
    town.sync()
    assert town.suppressed("ada@example.com")
    assert not town.opted_out(bo)
    from connector.core.token import LinkDeed

    store = town.house.store("acme")
    url = town.house.letters("acme").url(LinkDeed.UNSUBSCRIBE, store.digest("bo@example.com"))
    town.sign_up("bo@example.com")
    town.sync()
    assert town.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    town.sync()
    assert town.opted_out(bo)
    assert town.opted_out(ada)
    plan = town.run("plan", "acme", "--json").json()
    assert plan["actions"] == []


@requirement(
    "S1", "S17", "S18", "S29", "S30", "S31", "S32", "S33", "S20", "S19", "S10", "S11", "S36", "S37", "S44", "S47"
)
def test_a_suppressed_person_comes_back_by_the_form(town):
    """A form submission by a suppressed address leads, without an operator, to the whole end state, and not before."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.house.platform("acme").set_list("ada@example.com", "Offers", _subscribed(), town.house.clock.now())
    assert town.sign_up("ada@example.com", "News").status_code == 200
    before = dict(town.row(ada))
    town.sync()
    assert town.state("ada@example.com") == "challenged"
    after = town.row(ada)
    assert (after["HasOptedOutOfEmail"], after["Resubscribe_Request_Date__c"]) == (True, None)
    assert before["HasOptedOutOfEmail"] is True
    assert town.suppressed("ada@example.com")
    assert town.confirm("ada@example.com").status_code == 200
    town.sync()
    assert town.state("ada@example.com") == "completed"
    assert not town.suppressed("ada@example.com")
    assert not town.opted_out(ada)
    lists = town.lists("ada@example.com")
    assert lists["All contacts"] == "subscribed"
    assert lists["News"] == "subscribed"
    assert lists["Offers"] != "subscribed"
    assert town.row(ada)["Resubscribe_Request_Date__c"]
    assert town.row(ada)["Resubscription_Status__c"].startswith("Resubscribed on ")


def _subscribed():
    from connector.core.lists import ListStatus

    return ListStatus.SUBSCRIBED


@requirement("S23", "S43", "N3")
def test_every_resubscription_has_one_mail(town):
    """However often the sync runs and the form is sent, one mail leaves for one request."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    for _ in range(3):
        town.sign_up("ada@example.com")
        town.sync()
    assert len({m.parsed["Message-ID"] for m in town.mails("ada@example.com")}) == 1
    assert len(town.mails("ada@example.com")) == 1
    town.confirm("ada@example.com")
    town.sync()
    town.sync()
    assert len(town.mails("ada@example.com")) == 1
    requests = town.run("requests", "list", "acme", "--json").json()
    assert [r["state"] for r in requests] == ["completed"]


@requirement("S38", "S46")
def test_the_steps_come_in_order(town):
    """Platform first, lists next, then status and note on the record, the restriction last."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com", "News")
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    done = [e for e in town.events("ada@example.com") if e.endswith(".done")]
    order = ["unsuppress.done", "join_list.done", "write_status.done", "unrestrict.done"]
    places = [done.index(name) for name in order]
    assert places == sorted(places)
    assert done.index("write_note.done") < done.index("unrestrict.done")
    (note,) = town.tasks(ada)
    assert "by the signup form" in note


@requirement("S24", "S25")
def test_an_abuse_report_fails_the_request_and_keeps_every_block(town):
    """After an abuse report the request is rejected, the report is an event, and both blocks stay, come what may."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.post(town.link("ada@example.com", "abuse"))
    town.confirm("ada@example.com")
    town.sync()
    assert town.state("ada@example.com") == "rejected"
    assert town.opted_out(ada)
    assert town.suppressed("ada@example.com")
    assert "abuse.reported" in town.events("ada@example.com")
    town.sign_up("ada@example.com")
    town.sync()
    assert len(town.mails("ada@example.com")) == 1
    assert town.opted_out(ada)


@requirement("S25")
def test_an_abuse_report_after_the_end_puts_the_blocks_back(town):
    """Abuse reported once all is done blocks again on both sides."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    assert not town.opted_out(ada)
    town.post(town.link("ada@example.com", "abuse"))
    town.sync()
    assert town.opted_out(ada)
    assert town.suppressed("ada@example.com")
    assert town.state("ada@example.com") == "rejected"


@requirement("S2", "N19")
def test_the_resubscribe_link_acts_on_a_press_alone_and_once(town):
    """Opening the link changes nothing; its button lifts that address alone; the one mail is the notice."""
    from connector.core.token import LinkDeed

    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    bo = town.contact("bo@example.com", HasOptedOutOfEmail=True)
    town.sync()
    store = town.house.store("acme")
    url = town.house.letters("acme").url(LinkDeed.RESUBSCRIBE, store.digest("ada@example.com"), "mail-7")
    import requests

    assert "button" in requests.get(url, timeout=10).text
    town.sync()
    assert town.opted_out(ada)
    assert town.post(url).status_code == 200
    town.sync()
    assert not town.opted_out(ada)
    assert town.opted_out(bo)
    (mail,) = town.mails("ada@example.com")
    assert "again" in str(mail.parsed["Subject"])
    town.change("Contact", ada, HasOptedOutOfEmail=True)
    town.sync()
    assert "used before" in town.post(url).text or "do" in town.post(url).text
    town.sync()
    assert town.opted_out(ada)


@requirement("S22")
def test_a_manual_resubscribe_needs_a_reason(town):
    """Without the person's recorded request a command is refused and changes nothing; with it one mail leaves."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    refused = town.run("requests", "add", "acme", "ada@example.com")
    assert refused.code == 2
    assert "--reason" in refused.err
    town.sync()
    assert town.mails("ada@example.com") == []
    assert town.run("requests", "add", "acme", "ada@example.com", "--reason", "ticket 17").code == 0
    town.sync()
    assert len(town.mails("ada@example.com")) == 1
    town.confirm("ada@example.com")
    town.sync()
    assert not town.opted_out(ada)
    assert town.lists("ada@example.com") == {"All contacts": "subscribed"}


@requirement("S34")
def test_a_signup_creates_the_contact_once(town):
    """A person nobody knows is created after confirming, once; an address that a lead has is not created again."""
    lead = town.record("Lead", "lea@example.com")
    town.sync()
    for email in ("new@example.com", "lea@example.com"):
        town.sign_up(email, "News")
    town.sync()
    assert not [c for c in town.org.rows("Contact").values() if c["Email"] == "new@example.com"]
    for email in ("new@example.com", "lea@example.com"):
        town.confirm(email)
    town.sync()
    town.sync()
    made = [c["Email"] for c in town.org.rows("Contact").values()]
    assert made == ["new@example.com"]
    assert town.row(lead)["Email"] == "lea@example.com"


def test_a_newer_stop_wins_over_the_confirmation(town):
    """Who confirms and then says stop again stays blocked on both sides."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    town.post(town.link("ada@example.com", "unsubscribe"))
    town.sync()
    assert town.opted_out(ada)
    assert town.suppressed("ada@example.com")
    assert town.state("ada@example.com") == "withdrawn"


@requirement("S29", "S23", "S25")
def test_policy_after_lifts_at_once_and_abuse_puts_back(town):
    """With confirm after, the form lifts in the next sync and one mail tells; its abuse link puts every block back."""
    town.tenant(policy="{confirm: after}")
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com", "News")
    town.sync()
    assert not town.opted_out(ada)
    assert not town.suppressed("ada@example.com")
    assert town.state("ada@example.com") == "completed"
    (mail,) = town.mails("ada@example.com")
    assert "again" in str(mail.parsed["Subject"])
    town.post(town.link("ada@example.com", "abuse"))
    town.sync()
    assert town.opted_out(ada)
    assert town.suppressed("ada@example.com")
    assert town.state("ada@example.com") == "rejected"
    assert len(town.mails("ada@example.com")) == 1


@requirement("S48")
def test_next_sync_leaves_the_restriction_to_the_following_sync(town):
    """With lift_at next_sync a run that the click woke does all but the restriction; the following sync lifts it."""
    from connector.ports.store import Trigger
    from connector.sync.run import sync_tenant

    town.tenant(policy="{lift_at: next_sync}")
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    assert sync_tenant(town.house.runtime("acme"), Trigger.INBOX).failure is None
    assert town.opted_out(ada)
    assert not town.suppressed("ada@example.com")
    assert town.row(ada)["Resubscribe_Request_Date__c"]
    assert town.state("ada@example.com") == "completing"
    town.sync()
    assert not town.opted_out(ada)
    assert town.state("ada@example.com") == "completed"


@requirement("N4")
def test_lift_ours_leaves_a_hand_set_restriction(town):
    """With lift ours, a restriction that a person set is not lifted by a request; the request is refused in words."""
    town.tenant(policy="{lift: ours}")
    ada, bo = town.contact("ada@example.com", HasOptedOutOfEmail=True), town.contact("bo@example.com")
    town.sync()
    from connector.core.suppression import Reason

    town.house.platform("acme").suppress("bo@example.com", Reason.UNSUBSCRIBED, town.house.clock.now())
    town.sync()
    for email in ("ada@example.com", "bo@example.com"):
        town.sign_up(email)
    town.sync()
    for email in ("ada@example.com", "bo@example.com"):
        town.confirm(email)
    town.sync()
    assert (town.opted_out(ada), town.opted_out(bo)) == (True, False)
    assert town.state("ada@example.com") == "refused"
    assert "not set by the sync" in town.explain("ada@example.com")["request"]["why"]
