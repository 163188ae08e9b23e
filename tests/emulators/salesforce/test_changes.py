"""What changes: getUpdated and getDeleted, the recycle bin, merge, conversion, history, person accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


def window(minutes_before: float, minutes_after: float = 5) -> dict[str, str]:
    """Start and end around now."""
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=minutes_before), now + timedelta(minutes=minutes_after)
    return {"start": start.isoformat(), "end": end.isoformat()}


def test_updated_and_deleted(world):
    """Written rows and deleted ones are told apart, up to now."""
    kept, gone = world.contact(), world.contact()
    world.control("delete", object="Contact", id=gone)
    world.control("seed", object="Contact", rows=[{"LastName": "Old"}])
    told = world.call("GET", "sobjects/Contact/updated/", params=window(5)).json()
    assert told["ids"] == [kept]
    assert told["latestDateCovered"] <= (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    told = world.call("GET", "sobjects/Contact/deleted", params=window(5)).json()
    assert [row["id"] for row in told["deletedRecords"]] == [gone]
    assert set(told) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


def test_an_open_transaction_holds_the_covered_date_back(world):
    """While a long transaction is open, latestDateCovered stays at its start."""
    start = (datetime.now(UTC) - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    world.control("settings", open_transaction=start)
    told = world.call("GET", "sobjects/Contact/updated", params=window(10)).json()
    assert told["latestDateCovered"] == start.replace("Z", "+0000")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("updated", {"start": "2026-01-01T00:00:00Z"}),
        ("updated", {"start": "yesterday", "end": "today"}),
        ("updated", window(-5, -1)),
        ("updated", window(31 * 24 * 60)),
        ("deleted", window(16 * 24 * 60)),
    ],
)
def test_windows_that_are_refused(world, kind, params):
    """A window without both ends, backwards, or too long ago is INVALID_REPLICATION_DATE."""
    answer = world.call("GET", f"sobjects/Contact/{kind}", params=params)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")


def test_a_row_stamped_early_and_seen_late(world):
    """Control writes with an older stamp, as a long transaction does."""
    id_ = world.control("create", object="Contact", values={"LastName": "Late"}, ago=120)["id"]
    age = datetime.now(UTC) - datetime.fromisoformat(world.row("Contact", id_)["SystemModstamp"])
    assert timedelta(seconds=118) < age < timedelta(seconds=130)


def test_merge(world):
    """Losers are deleted and name their winner, seen by queryAll alone; the winner keeps its own values or picked ones."""
    winner, loser = world.contact(), world.contact(HasOptedOutOfEmail=True)
    world.control("merge", object="Contact", winner=winner, losers=[loser])
    soql = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true AND MasterRecordId != null"
    assert world.found(soql) == []
    assert world.found(soql, everything=True) == [{"Id": loser, "MasterRecordId": winner}]
    assert world.row("Contact", winner)["HasOptedOutOfEmail"] is False
    other = world.contact()
    world.control("merge", object="Contact", winner=winner, losers=[other], values={"HasOptedOutOfEmail": True})
    assert world.row("Contact", winner)["HasOptedOutOfEmail"] is True
    assert (
        world.control("merge", object="Contact", winner=winner, losers=[loser])[0]["errorCode"] == "ENTITY_IS_DELETED"
    )
    assert world.control("merge", object="Task", winner=winner, losers=[loser])[0]["errorCode"] == "INVALID_TYPE"
    assert (
        world.control("merge", object="Contact", winner=winner, losers=["a", "b", "c"])[0]["errorCode"]
        == "INVALID_INPUT"
    )


def test_the_recycle_bin(world):
    """A deleted row comes back by undelete, and is gone for every query after a purge."""
    id_ = world.contact()
    world.control("delete", object="Contact", id=id_)
    world.control("undelete", object="Contact", id=id_)
    assert world.found("SELECT Id FROM Contact") == [{"Id": id_}]
    assert world.control("undelete", object="Contact", id=id_)[0]["errorCode"] == "UNDELETE_FAILED"
    world.control("delete", object="Contact", id=id_)
    world.control("purge", object="Contact")
    assert world.found("SELECT Id FROM Contact", everything=True) == []
    assert world.code("Contact", id_, {"Title": "x"}) == "INVALID_CROSS_REFERENCE_KEY"


def test_conversion(world):
    """A converted lead names its contact and account, is read-only, and its opt-out stays behind unless mapped."""
    lead = world.lead(Email="l@x.test", HasOptedOutOfEmail=True)
    contact = world.control("convert", id=lead)["id"]
    row = world.row("Lead", lead)
    assert (row["IsConverted"], row["ConvertedContactId"], row["Status"]) == (True, contact, "Closed - Converted")
    assert world.row("Contact", contact)["AccountId"] == row["ConvertedAccountId"]
    assert world.row("Contact", contact)["HasOptedOutOfEmail"] is False
    assert world.code("Lead", lead, {"HasOptedOutOfEmail": False}) == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert world.control("convert", id=lead)[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    mapped = world.control("convert", id=world.lead(), values={"HasOptedOutOfEmail": True})["id"]
    assert world.row("Contact", mapped)["HasOptedOutOfEmail"] is True
    assert world.control("convert", id=world.lead(), contact=contact)["id"] == contact


def test_history_of_tracked_fields(world):
    """A tracked field's changes name old, new, time and user; others, and untracked ones, leave none."""
    world.control("tracking", **{"Contact.HasOptedOutOfEmail": True, "Contact.Suppression_Notes__c": True})
    id_ = world.contact(HasOptedOutOfEmail=True)
    world.code("Contact", id_, {"HasOptedOutOfEmail": False, "Title": "x", "Suppression_Notes__c": "long"})
    world.code("Contact", id_, {"HasOptedOutOfEmail": False})
    soql = f"SELECT Field, OldValue, NewValue, CreatedById FROM ContactHistory WHERE ContactId = '{id_}' ORDER BY Id"
    by = {"CreatedById": world.org.integration}
    assert world.found(soql) == [
        {"Field": "created", "OldValue": None, "NewValue": None, "CreatedById": world.org.admin},
        {"Field": "HasOptedOutOfEmail", "OldValue": True, "NewValue": False, **by},
        {"Field": "Suppression_Notes__c", "OldValue": None, "NewValue": None, **by},
    ]
    world.control("tracking", **{"Contact.HasOptedOutOfEmail": False})
    world.code("Contact", id_, {"HasOptedOutOfEmail": True})
    assert len(world.found(soql)) == 3


# -- person accounts ---------------------------------------------------------------------------------------------------


def test_without_person_accounts(world):
    """Where the feature is off its fields do not exist."""
    assert "IsPersonAccount" not in {f["name"] for f in world.call("GET", "sobjects/Account/describe").json()["fields"]}
    assert world.soql("SELECT IsPersonAccount FROM Contact").json()[0]["errorCode"] == "INVALID_FIELD"


def test_a_person_is_an_account_and_a_contact(world):
    """A person account has a hidden contact that says the same, whichever half is written; custom fields are mirrored."""
    world.control("person_accounts")
    values = {"FirstName": "Pat", "LastName": "P", "PersonEmail": "pat@x.test"}
    account = world.call("POST", "sobjects/Account", json=values).json()["id"]
    row = world.row("Account", account)
    contact = row["PersonContactId"]
    assert (row["IsPersonAccount"], row["Name"]) == (True, "Pat P")
    soql = "SELECT Id, Email, AccountId, IsPersonAccount FROM Contact"
    assert world.found(soql) == [{"Id": contact, "Email": "pat@x.test", "AccountId": account, "IsPersonAccount": True}]
    before = world.row("Contact", contact)["SystemModstamp"]
    written = {"PersonHasOptedOutOfEmail": True, "Suppression_Reason__pc": "r", "LastName": "Q"}
    assert world.code("Account", account, written) == ""
    half = world.row("Contact", contact)
    assert (half["HasOptedOutOfEmail"], half["Suppression_Reason__c"], half["LastName"]) == (True, "r", "Q")
    assert half["SystemModstamp"] >= before
    assert world.row("Account", account)["Name"] == "Pat Q"
    assert world.code("Contact", contact, {"HasOptedOutOfEmail": False}) == ""
    assert world.row("Account", account)["PersonHasOptedOutOfEmail"] is False
    firm = world.call("POST", "sobjects/Account", json={"Name": "A firm"}).json()["id"]
    assert (world.row("Account", firm)["IsPersonAccount"], world.row("Account", firm)["PersonContactId"]) == (
        False,
        None,
    )


def test_the_history_of_a_person_is_the_accounts(world):
    """A tick on a person account stands in AccountHistory under the mirrored name."""
    world.control("person_accounts")
    values = {"LastName": "P", "PersonEmail": "pat@x.test"}
    account = world.control("create", object="Account", values=values)["id"]
    tick = {"Resubscribe_Requested__pc": True}
    world.control("update", object="Account", id=account, values=tick, user=world.org.operator)
    soql = f"SELECT Field, CreatedById FROM AccountHistory WHERE AccountId = '{account}' AND Field != 'created'"
    assert world.found(soql) == [{"Field": "Resubscribe_Requested__pc", "CreatedById": world.org.operator}]
    refused = world.control("update", object="Account", id=account, values={"Resubscribe_Requested__pc": False})
    assert refused == {}
    refused = world.control("update", object="Account", id=account, values=tick, user=world.org.plain_user)
    assert refused[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_loaded_people_have_their_contacts(world):
    """A load of person accounts makes the hidden contacts as well."""
    world.org.enable_person_accounts()
    world.org.load("Account", [{"LastName": "P", "PersonEmail": "p@x.test", "PersonHasOptedOutOfEmail": True}])
    (row,) = world.found("SELECT Email, HasOptedOutOfEmail, IsPersonAccount FROM Contact")
    assert row == {"Email": "p@x.test", "HasOptedOutOfEmail": True, "IsPersonAccount": True}
