"""simple-salesforce itself, unpatched, through a session that maps https to loopback."""

from __future__ import annotations

import datetime

import pytest
from connector.emulators.town import people
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceMalformedRequest


@pytest.mark.parametrize("flow", ["client_credentials", "jwt", "soap", "ipfilter", "oauth_password"])
def test_it_signs_in_by_each_flow(world, key_pair, flow):
    """The library signs in by every flow that it has, and reads."""
    world.contact()
    username, org_id = world.org.username, world.org.id
    login = {
        "client_credentials": {"consumer_key": "client", "consumer_secret": "secret", "domain": "acme.my"},
        "jwt": {"username": username, "consumer_key": "client", "privatekey": key_pair[0]},
        "soap": {"username": username, "password": "password", "security_token": "token"},
        "ipfilter": {"username": username, "password": "password", "organizationId": org_id},
        "oauth_password": {
            "username": username,
            "password": "password",
            "consumer_key": "client",
            "consumer_secret": "secret",
        },
    }[flow]
    assert Salesforce(session=world.session, **login).query("SELECT Id FROM Contact")["totalSize"] == 1


@pytest.mark.parametrize(
    "login",
    [
        {"consumer_key": "client", "consumer_secret": "wrong", "domain": "acme.my"},
        {"username": "integration@example.com", "password": "wrong", "security_token": "token"},
        {"username": "integration@example.com", "password": "password", "security_token": "token", "version": "65.0"},
    ],
)
def test_it_is_refused(world, login):
    """A wrong secret, a wrong password, and SOAP login at an API version without it sign nobody in."""
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(session=world.session, **login)


@pytest.fixture
def sf(world) -> Salesforce:
    """The library in its direct mode."""
    return Salesforce(session_id=world.token, instance_url=f"https://{world.session.netloc}", session=world.session)


def test_it_reads_several_pages(world, sf):
    """query_all follows the locators to the end."""
    world.org.load_contacts(people(4500))
    rows = sf.query_all("SELECT Id, Email FROM Contact ORDER BY Id")["records"]
    assert len({row["Id"] for row in rows}) == 4500


def test_it_writes_single_rows(world, sf):
    """Create, get, update, upsert, describe and delete by the object's methods."""
    made = sf.Contact.create({"LastName": "New", "Email": "new@example.com"})["id"]
    assert sf.Contact.update(made, {"HasOptedOutOfEmail": True}) == 204
    assert sf.Contact.get(made)["HasOptedOutOfEmail"] is True
    assert sf.Contact.upsert("External_Id__c/a b", {"LastName": "Keyed"}) == 201
    assert sf.Contact.get("External_Id__c/a%20b")["LastName"] == "Keyed"
    assert "HasOptedOutOfEmail" in {f["name"] for f in sf.Contact.describe()["fields"]}
    assert sf.Contact.delete(made) == 204
    with pytest.raises(SalesforceMalformedRequest):
        sf.query("SELECT Nothing FROM Contact")


def test_it_writes_collections(world, sf):
    """restful reaches sObject Collections, and each row has its own result."""
    ids = [world.contact(), world.contact()]
    records = [
        {"attributes": {"type": "Contact"}, "id": i, "Email": e} for i, e in zip(ids, ("a@x.io", "no"), strict=True)
    ]
    good, bad = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records})
    assert good["success"] is True
    assert bad["errors"][0]["statusCode"] == "INVALID_EMAIL_ADDRESS"


def test_it_runs_both_bulk_jobs(world, sf):
    """bulk2 reads every row by a query job and writes by ingest jobs, text with quotes and line ends included."""
    world.org.load_contacts(people(4500))
    text = "".join(sf.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=2000, wait=0.01))
    assert text.count("\n") == 4503  # each of three pages repeats the header
    ids = list(world.org.rows("Contact"))[:3]
    records = [{"Id": i, "LastName": 'Zoë "Z"\nline'} for i in ids] + [{"Id": "003000000000999AAA", "LastName": "x"}]
    (result,) = sf.bulk2.Contact.update(records=records, wait=0.01)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (4, 1)
    assert world.row("Contact", ids[2])["LastName"] == 'Zoë "Z"\nline'
    job = result["job_id"]
    assert "INVALID_CROSS_REFERENCE_KEY" in sf.bulk2.Contact.get_failed_records(job)
    assert sf.bulk2.Contact.get_successful_records(job).count("false") == 3
    assert sf.bulk2.Contact.get_unprocessed_records(job).count("\n") == 1  # the header alone
    (made,) = sf.bulk2.Contact.insert(records=[{"LastName": "One"}, {"LastName": "Two"}], wait=0.01)
    assert (made["numberRecordsProcessed"], made["numberRecordsFailed"]) == (2, 0)


def test_it_asks_what_changed(world, sf):
    """updated and deleted name what was written and what was deleted."""
    kept, gone = world.contact(), world.contact()
    world.control("delete", object="Contact", id=gone)
    now = datetime.datetime.now(datetime.UTC)
    start, end = now - datetime.timedelta(minutes=5), now + datetime.timedelta(minutes=5)
    assert sf.Contact.updated(start, end)["ids"] == [kept]
    assert [row["id"] for row in sf.Contact.deleted(start, end)["deletedRecords"]] == [gone]


def test_it_refreshes_a_dead_session(world):
    """After the session ended the library signs in again by itself, because the refusal is the documented one."""
    login = {"consumer_key": "client", "consumer_secret": "secret", "domain": "acme.my"}
    sf = Salesforce(session=world.session, **login)
    world.control("expire")
    assert sf.query("SELECT Id FROM Contact")["totalSize"] == 0
