"""Dynamics' side of the story, on each generation: restrictions, Email suppressions, Request Resubscribe (S17-S50)."""

from __future__ import annotations

import pytest

requirement = pytest.mark.requirement
ADA, BO = "ada@example.com", "bo@example.com"


@requirement("S49", "S39", "S40", "N6")
def test_an_opt_out_at_the_platform_reaches_every_record_and_the_list(dynamics):
    """Who unsubscribes at the platform is restricted on every record of the address, and entered, at the next sync."""
    town = dynamics
    contact, lead = town.contact(ADA), town.record("lead", "Ada@Example.com")
    town.sync()
    assert town.run("suppressions", "list", town.name, "--json").json() == []
    platform = town.house.platform(town.name)
    from connector.core.suppression import Reason

    platform.suppress(ADA, Reason.UNSUBSCRIBED, town.house.clock.now())
    town.sync()
    assert (town.restricted(contact), town.restricted(lead, "lead")) == (True, True)
    (entry,) = town.entries(ADA)
    assert entry["sc_reason"] == "unsubscribed"
    assert entry["sc_since"]
    town.sync()
    assert len(town.entries(ADA)) == 1


@requirement("S50")
def test_an_entry_added_by_hand_suppresses_everywhere(dynamics):
    """An address that a user puts on Email suppressions is suppressed at the platform and restricted, at the next sync."""
    town = dynamics
    contact = town.contact(ADA)
    town.sync()
    town.enter(ADA)
    town.sync()
    assert town.suppressed(ADA)
    assert town.restricted(contact)
    assert len(town.entries(ADA)) == 1


@requirement("S50")
def test_a_restriction_set_by_hand_suppresses_everywhere(dynamics):
    """Do not allow bulk e-mail, set by a user, suppresses at the platform and enters the address."""
    town = dynamics
    contact = town.contact(ADA)
    town.sync()
    town.change("contact", contact, donotbulkemail=True)
    town.sync()
    assert town.suppressed(ADA)
    assert len(town.entries(ADA)) == 1


@requirement("S17", "S18", "S23", "S29", "S30", "S31", "S32", "S33", "S19", "S20", "S34", "S35", "S36", "S38", "S48")
def test_the_way_by_the_signup_form(dynamics):
    """A suppressed person signs up, confirms, and is let go: platform, lists, entry and status at once, restriction at the next sync."""
    town = dynamics
    contact = town.contact(ADA, donotbulkemail=True)
    town.sync()
    assert len(town.entries(ADA)) == 1
    town.sign_up(ADA, "News")
    town.sync()
    town.sync()
    assert len(town.mails(ADA)) == 1
    assert (town.suppressed(ADA), town.restricted(contact), len(town.entries(ADA))) == (True, True, 1)
    town.confirm(ADA)
    town.woken()
    assert town.lists(ADA) == {"All contacts": "subscribed", "News": "subscribed"}
    assert not town.suppressed(ADA)
    assert town.entries(ADA) == []
    assert town.row("contact", contact)["sc_resubscribestatus"].startswith("Resubscribed")
    assert town.restricted(contact)
    town.sync()
    assert not town.restricted(contact)
    assert town.state(ADA) == "completed"
    assert town.run("plan", town.name, "--json").json()["actions"] == []


@requirement("S34", "S7")
def test_a_signup_makes_the_contact_once(dynamics):
    """Who is in no table becomes a contact, once; whom a lead or another mail column holds already is not made again."""
    town = dynamics
    town.record("lead", BO)
    town.contact("main@example.com", emailaddress2="second@example.com")
    town.sync()
    for email in (ADA, BO, "second@example.com"):
        town.sign_up(email)
    town.sync()
    for email in (ADA, BO, "second@example.com"):
        town.confirm(email)
    for _ in range(3):
        town.sync()
    (made,) = town.rows("contact", emailaddress1=ADA)
    assert made["donotbulkemail"] is False
    assert town.rows("contact", emailaddress1=BO) == []
    assert town.rows("contact", emailaddress1="second@example.com") == []


@requirement("S17", "S22", "S23", "S40", "S41", "S42", "S43", "S44", "S45", "S46", "S47", "S48", "S37")
def test_request_resubscribe(dynamics):
    """The box on the entry: one mail at the next sync, nothing changes until the answer, then entry, note and date, then the restriction."""
    town = dynamics
    contact = town.contact(ADA, donotbulkemail=True, description="Likes tea.")
    town.sync()
    town.request(ADA)
    assert town.mails(ADA) == []
    town.sync()
    assert len(town.mails(ADA)) == 1
    town.sync()
    assert len(town.mails(ADA)) == 1
    row = town.row("contact", contact)
    assert (row["donotbulkemail"], row["sc_resubscriberequestdate"], town.notes(contact)) == (True, None, [])
    assert (len(town.entries(ADA)), town.suppressed(ADA)) == (1, True)
    said = town.explain(ADA)["request"]
    assert said["asked_by"] == "Operator"
    assert said["asked_at"]
    town.confirm(ADA)
    town.woken()
    assert town.entries(ADA) == []
    assert not town.suppressed(ADA)
    (note,) = town.notes(contact)
    assert note.startswith("Resubscribed")
    row = town.row("contact", contact)
    assert row["sc_resubscriberequestdate"]
    assert row["description"] == "Likes tea."
    assert row["donotbulkemail"] is True
    town.sync()
    assert not town.restricted(contact)
    assert town.state(ADA) == "completed"
    assert town.lists(ADA) == {"All contacts": "subscribed"}


@requirement("S37")
def test_a_clear_restriction_is_not_written(dynamics):
    """A restriction that was clear already is not written at all by a lift."""
    town = dynamics
    first, second = town.contact(ADA, donotbulkemail=True), town.contact(ADA)
    town.sync()
    town.change("contact", second, donotbulkemail=False)
    town.sign_up(ADA)
    town.sync()
    town.confirm(ADA)
    town.sync()
    town.sync()
    before = len(town.writes())
    town.sync()
    assert (town.restricted(first), town.restricted(second)) == (False, False)
    assert len(town.writes()) == before


@requirement("S24", "S25")
def test_an_abuse_report_keeps_everything(dynamics):
    """After an abuse report the request has failed; suppression, entry and restriction stay, and a complaint is on record."""
    town = dynamics
    contact = town.contact(ADA, donotbulkemail=True)
    town.sync()
    town.request(ADA)
    town.sync()
    town.post(town.link(ADA, "abuse"))
    town.sync()
    town.confirm(ADA)
    town.sync()
    assert town.state(ADA) == "rejected"
    assert "abuse.reported" in town.events(ADA)
    assert (town.suppressed(ADA), town.restricted(contact), len(town.entries(ADA))) == (True, True, 1)
    assert town.entries(ADA)[0]["sc_requestresubscribe"] is False


@requirement("S22")
def test_a_manual_resubscribe_needs_a_reason(dynamics):
    """By command nobody is asked without the place where the person's own wish is recorded."""
    town = dynamics
    town.contact(ADA, donotbulkemail=True)
    town.sync()
    assert town.run("requests", "add", town.name, ADA).code == 2
    assert town.run("requests", "add", town.name, ADA, "--reason", "call of 26 November").code == 0
    town.sync()
    assert len(town.mails(ADA)) == 1


def test_an_entry_taken_off_by_hand_is_put_back(dynamics):
    """An entry removed without a request comes back in the same run, and lets nobody go."""
    town = dynamics
    contact = town.contact(ADA, donotbulkemail=True)
    town.sync()
    (entry,) = town.entries(ADA)
    town.control("delete", table="sc_emailsuppression", id=entry["sc_emailsuppressionid"], user=town.org.operator)
    # servers at home up to 2015 tell nothing of what is deleted: the sweep finds it
    assert town.run("sync", town.name, *(["--sweep"] if town.polled else [])).code == 0
    assert len(town.entries(ADA)) == 1
    assert (town.suppressed(ADA), town.restricted(contact)) == (True, True)


def test_a_deleted_contact_stays_deleted(dynamics):
    """A contact that a user deletes is never made again by a write of ours."""
    town = dynamics
    contact = town.contact(ADA)
    town.contact(BO)
    town.sync()
    town.control("delete", table="contact", id=contact, user=town.org.operator)
    from connector.core.suppression import Reason

    town.house.platform(town.name).suppress(ADA, Reason.UNSUBSCRIBED, town.house.clock.now())
    town.run("sync", town.name)
    town.run("sync", town.name, "--sweep")
    assert town.rows("contact", emailaddress1=ADA) == []
    assert town.suppressed(ADA)


@pytest.mark.parametrize(
    "email", ["a+b@example.com", "o'brien@example.com", "a%b&c=d#e@example.com", "straße@example.com"]
)
def test_odd_addresses_work(dynamics, email):
    """A plus, an apostrophe and whatever else an address may hold arrive, both ways and back."""
    town = dynamics
    contact = town.contact(email, donotbulkemail=True)
    town.sync()
    assert town.suppressed(email)
    town.sign_up(email)
    town.sync()
    town.confirm(email)
    town.sync()
    town.sync()
    assert not town.restricted(contact)
    assert town.entries(email) == []
    assert len(town.rows("contact")) == 1


@requirement("S39", "S7", "N14")
def test_provision_makes_what_is_missing_and_check_then_finds_everything(dynamics):
    """Without our solution a check names each part; provision shows the same, makes it when told to, and once."""
    town = dynamics
    town.control("solution")
    bare = town.run("check", town.name, "--json")
    assert bare.code == 2
    wrong = {f["what"] for f in bare.json()[town.name] if f["level"] == "error"}
    assert {"solution SuppressionConnector", "sc_emailsuppression", "contact.sc_resubscribestatus"} <= wrong
    shown = town.run("provision", town.name)
    assert "table sc_emailsuppression with its column sc_name" in shown.out
    assert town.run("check", town.name).code == 2
    made = town.run("provision", town.name, "--yes")
    if town.polled:
        # no program makes tables there: the recipe is told, and an admin follows it
        assert (made.code, "by hand" in made.out, "Entities (Tables), New" in made.out) == (0, True, True)
        town.control("solution", version=NEW_ENOUGH[town.generation][0])
    else:
        assert (made.code, "made security role Suppression Connector Service" in made.out) == (0, True)
    assert town.run("provision", town.name).out == f"{town.name}: nothing is missing.\n"
    whole = town.run("check", town.name, "--json")
    assert (whole.code, {f["level"] for f in whole.json()[town.name]}) == (0, {"ok"})
    (menu,) = [f["found"] for f in whole.json()[town.name] if "users find it" in f["found"]]
    assert menu.endswith("Email suppressions.")
    contact = town.contact(ADA, donotbulkemail=True)
    town.sync()
    assert (town.suppressed(ADA), len(town.entries(ADA)), town.restricted(contact)) == (True, 1, True)


TOO_OLD = {"365": "0.9.9.9", "2016": "7.0.1.720", "2015": "7.0.1.720", "2013": "6.0.1.718", "2011": "5.0.0.13"}
NEW_ENOUGH = {
    "365": ("1.0.0.0", "1.0.0.1000"),
    "2016": ("7.0.1.721", "7.0.1.1000", "7.0.2.0"),
    "2015": ("7.0.1.721", "7.0.1.1000", "7.0.2.0"),
    "2013": ("6.0.1.719", "6.0.1.1000", "6.1.0.0"),
    "2011": ("5.0.0.14", "5.0.0.100", "5.0.1.0"),
}


@requirement("S26", "S27", "S28", "N20")
def test_an_older_solution_is_refused(dynamics):
    """A solution below the generation's minimum stops check and sync with what to install; missing is another sentence."""
    town = dynamics
    town.contact(ADA, donotbulkemail=True)
    for version in NEW_ENOUGH[town.generation]:
        town.control("solution", version=version)
        assert town.run("check", town.name).code == 0, version
    town.sync()
    town.control("solution", version=TOO_OLD[town.generation])
    refused = town.run("sync", town.name)
    assert refused.code == 2
    assert f"{TOO_OLD[town.generation]} is too old; {NEW_ENOUGH[town.generation][0]} is needed" in refused.out
    assert "deploy/dynamics/README.md" in refused.out
    town.control("solution")
    missing = town.run("sync", town.name)
    assert (missing.code, "is not installed" in missing.out) == (2, True)
