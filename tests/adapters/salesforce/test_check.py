"""What check finds in an org: everything a sync needs, and never a guess."""

from __future__ import annotations

import pytest
from connector.adapters.crm.salesforce import ADAPTER
from connector.core.errors import ConfigError
from connector.core.lists import Words
from connector.core.policy import BornRestricted, Policy
from connector.emulators.salesforce.schema import Field
from connector.ports.adapter import Context, Level, ListMapping

pytestmark = pytest.mark.requirement("N14")
RESTRICTION = "Contact.HasOptedOutOfEmail"


def found(crm, level=Level.ERROR):
    """The findings of a level, by what was looked at."""
    return {f.what: f for f in crm.check() if f.level is level}


@pytest.mark.requirement("S7", "S16")
def test_an_org_that_has_everything(world):
    """Nothing is missing: version, edition, calls, clock, each field, history, notes, new people, permission are told."""
    findings = list(world.whole().check())
    assert {f.level for f in findings} == {Level.OK}
    told = {f.what: f.found for f in findings}
    assert {"API version", "edition", "API calls", "clock", RESTRICTION, "Lead.Email", "notes"} <= told.keys()
    assert told["history of Contact.Resubscribe_Requested__c"] == "tracked."
    assert told["custom permission Administrative_Data_Management"] == "there."
    assert told["a signup's record"] == "Contact may be created."
    assert "Enterprise" in told["edition"]


@pytest.mark.requirement("S8")
def test_an_org_without_the_package(world):
    """Every field that is missing is named one by one, and the permission, with what to install."""
    world.control("uninstall")
    wrong = found(world.whole())
    fields = ("Resubscribe_Requested__c", "Resubscription_Status__c", "Suppression_Reason__c", "Suppression_Date__c")
    assert {f"{o}.{f}" for o in ("Contact", "Lead") for f in fields} <= wrong.keys()
    assert "custom permission Administrative_Data_Management" in wrong
    assert all("deploy/salesforce/README.md" in f.todo for f in wrong.values())
    assert found(world.open(package=False)) == {}


@pytest.mark.parametrize("access", ["hidden", "readonly"])
def test_field_level_security(world, access):
    """A field that is hidden, or that we may not write, is an error for its object alone."""
    world.control("fields", **{RESTRICTION: access})
    wrong = found(world.whole())
    assert list(wrong) == [RESTRICTION]
    assert wrong[RESTRICTION].todo


def test_an_address_that_we_may_not_see(world):
    """The address must be readable; writing it is never asked for."""
    world.control("fields", **{"Contact.Email": "readonly"})
    assert found(world.whole()) == {}
    world.control("fields", **{"Contact.Email": "hidden"})
    assert list(found(world.whole())) == ["Contact.Email"]


@pytest.mark.requirement("S5")
def test_history_of_the_box(world):
    """A box whose history is not tracked is an error; one of which that cannot be told is unknown."""
    world.control("tracking", **{"Contact.Resubscribe_Requested__c": False})
    assert list(found(world.whole())) == ["history of Contact.Resubscribe_Requested__c"]
    world.control("tracking", **{"Contact.Resubscribe_Requested__c": True})
    del world.org.tables["LeadHistory"]
    assert list(found(world.whole(), Level.UNKNOWN)) == ["history of Lead.Resubscribe_Requested__c"]


def test_a_permission_that_cannot_be_read(world):
    """Where we may not see custom permissions it is unknown whether there is one."""
    del world.org.tables["CustomPermission"]
    unknown = found(world.whole(), Level.UNKNOWN)
    assert list(unknown) == ["custom permission Administrative_Data_Management"]
    assert found(world.whole(policy=Policy(permission="")), Level.UNKNOWN) == {}


@pytest.mark.requirement("S16")
@pytest.mark.parametrize(
    ("edition", "level", "words"),
    [
        ("Professional Edition", Level.OK, "has to be bought"),
        ("Unlimited Edition", Level.OK, "Enterprise and Unlimited"),
        ("Base Edition", Level.WARNING, "not one the guide knows"),
    ],
)
def test_editions(world, edition, level, words):
    """The edition is named, with the part of the guide that is right for it."""
    world.control("settings", edition=edition)
    finding = found(world.whole(), level)["edition"]
    assert edition in finding.found
    assert words in finding.found
    assert "deploy/salesforce/README.md" in finding.todo


@pytest.mark.requirement("S16")
def test_an_org_without_api_access(world):
    """An org without API access says so, with what to do."""
    world.control("settings", api_enabled=False)
    with pytest.raises(ConfigError, match="Professional Edition has it only where it was bought"):
        list(world.whole().check())


def test_versions(world):
    """A version that the org does not serve is an error, with the newest it does."""
    with pytest.raises(ConfigError, match=r"crm\.api_version"):
        list(world.open(api_version="30.0").check())
    with pytest.raises(ConfigError, match=r"crm\.api_version"):
        list(world.open(api_version="99.0").check())
    assert "up to 67.0" in found(world.whole(api_version="66.0"), Level.OK)["API version"].found


@pytest.mark.requirement("N13")
def test_calls_that_run_out(world):
    """Below the reserve check warns."""
    world.control("settings", limit=1000, used=950)
    assert "API calls" in found(world.whole(), Level.WARNING)


def test_clocks_that_differ(world):
    """A clock that is more than five minutes off is told, in seconds."""
    world.control("settings", clock_offset=-3600)
    assert "-36" in found(world.whole(), Level.WARNING)["clock"].found


@pytest.mark.requirement("S4")
def test_person_accounts(world):
    """Person Accounts where the org has none are an error; an org that has them is asked to name them."""
    accounts = [{"name": "Contact"}, {"name": "Account"}]
    assert found(world.open(objects=accounts))["Account"].todo == "Drop Account."
    world.org.enable_person_accounts()
    assert found(world.open(objects=accounts)) == {}
    assert "Add `- name: Account`" in found(world.open(), Level.WARNING)["Contact"].todo


def test_a_restriction_that_is_born_set(world):
    """A restriction whose default is true needs a decision of the tenant."""
    fields = world.org.tables["Contact"].object.fields
    fields["HasOptedOutOfEmail"] = Field(name="HasOptedOutOfEmail", type="boolean", nillable=False, default=True)
    assert "born_restricted" in found(world.whole())[RESTRICTION].todo
    for said in BornRestricted:
        assert found(world.whole(policy=Policy(born_restricted=said))) == {}


def test_words_that_a_field_cannot_hold(world):
    """A checkbox holds true and false alone; a restriction is a checkbox; an object that is hidden is named."""
    yes = ListMapping(name="News", field="News_List__c", words=Words(subscribed="yes", unsubscribed="no"))
    assert "checkbox" in found(world.whole(lists=(yes,)))["Contact.News_List__c"].found
    odd = world.open(objects=[{"name": "Contact", "restriction": "LastName"}])
    assert "checkbox is needed" in found(odd)["Contact.LastName"].found
    del world.org.tables["Lead"]
    assert "may not see Lead" in found(world.whole())["Lead"].found


@pytest.mark.parametrize(("kind", "table"), [("task", "Task"), ("content_note", "ContentNote")])
def test_notes_that_cannot_be_left(world, kind, table):
    """Notes of a kind that the org, or our rights, do not have are an error."""
    assert found(world.whole(notes={"kind": kind})) == {}
    del world.org.tables[table]
    assert list(found(world.whole(notes={"kind": kind}))) == ["notes"]


def test_notes_in_a_field_that_is_not_there(world):
    """A field for notes must be there, and writable, on every object."""
    assert found(world.whole(notes={"kind": "field"})) == {}
    world.control("fields", **{"Lead.Suppression_Notes__c": "readonly"})
    assert list(found(world.whole(notes={"kind": "field"}))) == ["notes in Lead.Suppression_Notes__c"]


def test_settings_that_contradict_themselves(world):
    """What is created must be an object that is read, and no object is named twice."""
    auth = {"kind": "client_credentials", "client_id": "x", "client_secret": "y"}

    def opened(policy=None, **more):
        settings = ADAPTER.Settings(login_url=world.url, auth=auth, **more)
        return ADAPTER.open(settings, Context(tenant="acme", clock=world.clock, policy=policy or Policy()))

    with pytest.raises(ConfigError, match=r"crm\.creates"):
        opened(creates="Lead")
    opened(Policy(creates=False), creates="Lead").close()
    with pytest.raises(ConfigError, match="twice"):
        opened(objects=[{"name": "Contact"}, {"name": "Contact"}])
