"""Salesforce's own side of the story: leads, person accounts, Re-Subscribe, lists, the package, the checks (S3-S16)."""

from __future__ import annotations

import pytest

requirement = pytest.mark.requirement
BOX = {"Resubscribe_Requested__c": True}


@requirement("S3", "S5", "S9", "S23", "S41", "S42", "S43")
@pytest.mark.parametrize("kind", ["Contact", "Lead"])
@requirement("S4", "S1")
def test_a_permitted_user_ticks_re_subscribe(town, kind):
    """A tick by a user who holds the permission starts a request, sends one mail, and ends as the person's own way does."""
    ada = town.record(kind, "ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert town.change(kind, ada, user="operator", **BOX) == {}
    town.sync()
    assert town.state("ada@example.com") == "challenged"
    assert len(town.mails("ada@example.com")) == 1
    town.sync()
    assert len(town.mails("ada@example.com")) == 1
    town.confirm("ada@example.com")
    town.sync()
    row = town.row(ada)
    assert (row["HasOptedOutOfEmail"], row["Resubscribe_Requested__c"]) == (False, False)
    assert town.state("ada@example.com") == "completed"
    assert town.lists("ada@example.com")["All contacts"] == "subscribed"


@requirement("S5", "S6", "N20")
def test_a_user_without_the_permission_is_refused_by_the_org_and_by_us(town):
    """The validation rule refuses on the spot; where it is off, the sync clears the box, says whom to ask, changes nothing."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    (refusal,) = town.change("Contact", ada, user="plain_user", **BOX)
    assert refusal["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert "Administrative Data Management" in refusal["message"]
    town.control("settings", validation=False)
    town.change("Contact", ada, user="plain_user", **BOX)
    town.sync()
    row = town.row(ada)
    assert (row["HasOptedOutOfEmail"], row["Resubscribe_Requested__c"]) == (True, False)
    assert town.mails("ada@example.com") == []
    (note,) = town.tasks(ada)
    assert "Administrative Data Management" in note
    assert "your Salesforce administrator" in note
    assert town.state("ada@example.com") == "refused"
    town.sync()
    assert len(town.tasks(ada)) == 1


@requirement("S5")
def test_a_tick_without_history_is_refused(town):
    """Where the field history does not tell who ticked, the tick is refused and the box cleared."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.control("tracking", **{"Contact.Resubscribe_Requested__c": False})
    town.change("Contact", ada, user="operator", **BOX)
    town.sync()
    row = town.row(ada)
    assert (row["HasOptedOutOfEmail"], row["Resubscribe_Requested__c"]) == (True, False)
    assert town.mails("ada@example.com") == []


@requirement("S10", "S11")
def test_policy_none_lifts_by_the_same_action(town):
    """With confirm none, a permitted tick lifts on both sides in the next sync, and no mail leaves before."""
    town.tenant(policy="{confirm: none}")
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.change("Contact", ada, user="operator", **BOX)
    town.sync()
    assert not town.opted_out(ada)
    assert not town.suppressed("ada@example.com")
    assert town.state("ada@example.com") == "completed"


@requirement("S12", "S13", "S14")
def test_a_list_stop_changes_that_list_alone(town):
    """Leaving one list is written to its field; the global flag stays clear; a global stop leaves list statuses alone."""
    from connector.core.lists import ListStatus

    ada = town.contact("ada@example.com")
    platform, now = town.house.platform("acme"), town.house.clock.now()
    for name in ("News", "Offers"):
        platform.set_list("ada@example.com", name, ListStatus.SUBSCRIBED, now)
    town.sync()
    assert (town.row(ada)["News_List__c"], town.row(ada)["Offers_List__c"]) == (True, "Subscribed")
    platform.set_list("ada@example.com", "News", ListStatus.UNSUBSCRIBED, now)
    town.sync()
    row = town.row(ada)
    assert (row["News_List__c"], row["Offers_List__c"], row["HasOptedOutOfEmail"]) == (False, "Subscribed", False)
    assert not town.suppressed("ada@example.com")
    town.change("Contact", ada, HasOptedOutOfEmail=True)
    town.sync()
    row = town.row(ada)
    assert (row["News_List__c"], row["Offers_List__c"], row["HasOptedOutOfEmail"]) == (False, "Subscribed", True)


@requirement("S14", "N12")
def test_a_check_box_that_cannot_say_left_is_written_once(town):
    """Who left a list that a check box stands for is written once and then left alone, sync after sync."""
    from connector.core.lists import ListStatus

    ada, bo = town.contact("ada@example.com"), town.contact("bo@example.com")
    platform, now = town.house.platform("acme"), town.house.clock.now()
    for who in ("ada@example.com", "bo@example.com"):
        platform.set_list(who, "News", ListStatus.SUBSCRIBED, now)
    town.sync()
    for who in ("ada@example.com", "bo@example.com", "new@example.com"):
        platform.set_list(who, "News", ListStatus.UNSUBSCRIBED, now)
    town.contact("new@example.com")
    town.sync()
    stamps = {id_: town.row(id_)["SystemModstamp"] for id_ in (ada, bo)}
    for _ in range(3):
        assert town.run("plan", "acme", "--json").json()["actions"] == []
        town.sync()
    assert {id_: town.row(id_)["SystemModstamp"] for id_ in (ada, bo)} == stamps
    assert town.row(ada)["News_List__c"] is False


@requirement("S15")
def test_a_list_field_changed_by_hand(town):
    """Unsubscribed by hand passes to the platform; subscribed by hand is set back."""
    from connector.core.lists import ListStatus

    ada, bo = town.contact("ada@example.com"), town.contact("bo@example.com")
    platform, now = town.house.platform("acme"), town.house.clock.now()
    platform.set_list("ada@example.com", "Offers", ListStatus.SUBSCRIBED, now)
    town.sync()
    town.change("Contact", ada, Offers_List__c="Unsubscribed")
    town.change("Contact", bo, Offers_List__c="Subscribed")
    town.sync()
    assert town.lists("ada@example.com")["Offers"] == "unsubscribed"
    assert town.row(bo)["Offers_List__c"] == "Unsubscribed"
    assert town.lists("bo@example.com").get("Offers") != "subscribed"
    assert [c["Email"] for c in town.org.rows("Contact").values() if c["Offers_List__c"] == "Subscribed"] == []


@requirement("S7", "S8", "S16", "N14")
def test_check_tells_an_org_with_the_package_from_one_without(town):
    """With everything there nothing more is needed; without the package every missing field is named, with what to install."""
    whole = town.run("check", "acme", "--json")
    assert whole.code == 0, whole.out
    assert {f["level"] for f in whole.json()["acme"]} == {"ok"}
    town.control("uninstall")
    bare = town.run("check", "acme", "--json")
    assert bare.code == 2
    wrong = {f["what"]: f for f in bare.json()["acme"] if f["level"] == "error"}
    assert "Contact.Resubscribe_Requested__c" in wrong
    assert "custom permission Administrative_Data_Management" in wrong
    assert all("deploy/salesforce/README.md" in f["todo"] for f in wrong.values())
    assert town.run("sync", "acme").code == 2


@requirement("S16", "N14")
def test_check_names_the_edition_and_missing_access(town):
    """Professional Edition is named with its guide; an org without API access is said to have none."""
    town.control("settings", edition="Professional Edition")
    found = town.run("check", "acme", "--json").json()["acme"]
    assert any("Professional Edition" in f["found"] for f in found)
    town.control("settings", api_enabled=False)
    refused = town.run("check", "acme", "--json")
    assert refused.code == 2
    assert "no API access" in refused.out


@requirement("N14")
@pytest.mark.parametrize("access", ["hidden", "readonly"])
def test_a_hidden_or_read_only_restriction_fails_the_check(town, access):
    """A restriction that the integration user cannot see or write is an error, and no sync reads it as clear."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.control("fields", **{"Contact.HasOptedOutOfEmail": access})
    assert town.run("check", "acme").code == 2
    if access == "hidden":
        assert town.run("sync", "acme").code == 2


@requirement("N6")
def test_a_lead_and_a_contact_never_disagree(town):
    """A lead and a contact that share an address show the same after one sync, whichever was opted out."""
    contact = town.contact("ada@example.com")
    lead = town.record("Lead", "Ada@Example.com", HasOptedOutOfEmail=True)
    town.sync()
    assert town.opted_out(contact)
    assert town.opted_out(lead)
    town.sign_up("ada@example.com")
    town.sync()
    town.confirm("ada@example.com")
    town.sync()
    assert (town.opted_out(contact), town.opted_out(lead)) == (False, False)


@requirement("N5")
def test_set_and_cleared_between_two_looks(town):
    """An opt-out set and cleared again between two looks leaves the person alone."""
    ada = town.contact("ada@example.com")
    town.sync()
    town.change("Contact", ada, HasOptedOutOfEmail=True)
    town.change("Contact", ada, HasOptedOutOfEmail=False)
    town.sync()
    assert not town.opted_out(ada)
    assert not town.suppressed("ada@example.com")


@requirement("N5")
def test_a_flag_cleared_by_hand_is_set_again(town):
    """A flag cleared in the CRM without a request is set again in the same run."""
    ada = town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.change("Contact", ada, HasOptedOutOfEmail=False)
    town.sync()
    assert town.opted_out(ada)
    assert town.suppressed("ada@example.com")


@requirement("N7")
def test_a_changed_address_takes_the_wish_along(town):
    """Whoever is suppressed and changes address stays suppressed under the new one."""
    ada = town.contact("old@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.change("Contact", ada, Email="new@example.com")
    town.sync()
    assert town.suppressed("new@example.com")
    assert town.opted_out(ada)


@requirement("S49")
def test_the_losers_opt_out_survives_a_merge(town):
    """When a suppressed contact is merged into another, the winner is restricted and its address suppressed."""
    winner = town.contact("win@example.com")
    loser = town.contact("lose@example.com", HasOptedOutOfEmail=True)
    town.sync()
    town.control("merge", object="Contact", winner=winner, losers=[loser])
    town.sync()
    assert town.opted_out(winner)
    assert town.suppressed("win@example.com")


@requirement("N15")
def test_one_refusing_record_blocks_no_other(town):
    """A record that a validation rule refuses is set aside with Salesforce's words; the others are written."""
    from connector.core.token import LinkDeed

    ids = {name: town.contact(f"{name}@example.com") for name in ("ada", "bo", "cy")}
    town.control("refuse", id=ids["bo"], code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Bo needs a phone number")
    town.sync()
    store = town.house.store("acme")
    for name in ids:
        address = f"{name}@example.com"
        town.house.platform("acme").set_list(address, "News", _subscribed(), town.house.clock.now())
        town.post(town.house.letters("acme").url(LinkDeed.UNSUBSCRIBE, store.digest(address)))
    out = town.sync(code=1)
    assert "set aside" in out
    assert [town.opted_out(i) for i in ids.values()] == [True, False, True]
    assert town.suppressed("bo@example.com")
    assert any("Bo needs a phone number" in e["because"] for e in town.explain("bo@example.com")["history"])


def _subscribed():
    from connector.core.lists import ListStatus

    return ListStatus.SUBSCRIBED


@requirement("N2")
def test_plan_writes_nothing_anywhere(town):
    """A plan lists each action with its because, and database and vendors are the same before and after."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    writes = len(town.org.writes)
    plan = town.run("plan", "acme", "--json").json()
    assert [(a["deed"], a["side"]) for a in plan["actions"]] == [("suppress", "esp")]
    assert plan["actions"][0]["because"]
    assert len(town.org.writes) == writes
    assert town.member("ada@example.com") is None
    assert town.explain("ada@example.com")["history"] == []


@requirement("N10")
def test_explain_and_the_ledger(town):
    """Explain tells what each side says, what was agreed, why, and what comes next; the chain verifies."""
    town.contact("ada@example.com", HasOptedOutOfEmail=True)
    town.sync()
    said = town.explain("ada@example.com")
    assert said["state"] == "suppressed"
    assert {s["where"].split()[0] for s in said["sides"]} == {"CRM", "e-mail"}
    assert said["suppressions"][0]["reason"] == "suppressed"
    assert [h["event"] for h in said["history"]] == ["suppression.added", "suppress.planned", "suppress.done"]
    assert said["next"] == ["nothing: both sides show what was agreed"]
    assert town.house.store("acme").verify() is None
