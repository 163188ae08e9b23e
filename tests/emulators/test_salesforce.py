"""The emulated org: simple-salesforce itself, unpatched, lives with it, and it refuses what Salesforce refuses."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from connector.emulators.faults import Faults
from connector.emulators.salesforce import Org, create_app
from connector.emulators.server import Running
from connector.emulators.town import people
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed


class Loopback(requests.Session):
    """Maps every https host to the emulator, as the notes on simple-salesforce advise."""

    def __init__(self, netloc: str) -> None:
        super().__init__()
        self.trust_env = False
        self.netloc = netloc

    def request(self, method, url, *args, **kwargs):
        """The same call on loopback."""
        parts = urlsplit(url)
        return super().request(method, urlunsplit(("http", self.netloc, parts.path, parts.query, "")), *args, **kwargs)


@pytest.fixture(scope="module")
def key_pair() -> tuple[str, str]:
    """A private key and its certificate, both PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return private, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class World:
    """An org, its server, and ready headers."""

    def __init__(self, certificate: str) -> None:
        self.org = Org(certificate_pem=certificate)
        self.org.install_package()
        self.server = Running(Faults(create_app(self.org), expired_body=b"[]"))
        self.url = self.server.base_url
        self.session = Loopback(urlsplit(self.url).netloc)
        self.headers = {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        """A client-credentials token."""
        form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "secret"}
        return str(self.session.post(f"{self.url}/services/oauth2/token", data=form).json()["access_token"])

    def call(self, method: str, path: str, **more):
        """One REST call at version 62.0."""
        headers = self.headers | more.pop("headers", {})
        return self.session.request(method, f"{self.url}/services/data/v62.0/{path}", headers=headers, **more)

    def soql(self, text: str, all_: bool = False):
        """One query's answer."""
        return self.call("GET", "queryAll" if all_ else "query", params={"q": text})

    def direct(self) -> Salesforce:
        """simple-salesforce in its direct mode."""
        return Salesforce(session_id=self.token(), instance_url=f"https://{self.session.netloc}", session=self.session)


@pytest.fixture
def world(key_pair) -> Iterator[World]:
    """A fresh org."""
    made = World(key_pair[1])
    yield made
    made.server.stop()


@pytest.mark.parametrize("flow", ["client_credentials", "jwt", "soap", "oauth_password"])
def test_simple_salesforce_logs_in_by_each_flow(world, key_pair, flow):
    """simple-salesforce, unpatched, signs in and reads by every flow."""
    world.org.load("Contact", people(3))
    login = {
        "client_credentials": {"consumer_key": "client", "consumer_secret": "secret", "domain": "acme.my"},
        "jwt": {"username": world.org.username, "consumer_key": "client", "privatekey": key_pair[0]},
        "soap": {"username": world.org.username, "password": "password", "security_token": "token"},
        "oauth_password": {
            "username": world.org.username,
            "password": "password",
            "consumer_key": "client",
            "consumer_secret": "secret",
        },
    }[flow]
    assert Salesforce(session=world.session, **login).query("SELECT Id FROM Contact")["totalSize"] == 3


@pytest.mark.parametrize(
    "login",
    [
        {"consumer_key": "client", "consumer_secret": "wrong", "domain": "acme.my"},
        {"username": "integration@example.com", "password": "wrong", "security_token": "token"},
    ],
)
def test_wrong_credentials_are_refused(world, login):
    """A wrong secret or password signs nobody in."""
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(session=world.session, **login)


def test_simple_salesforce_reads_pages_updates_and_runs_both_bulk_jobs(world):
    """query_all over several pages, an update, a collection, and bulk2 query and ingest, all by the unpatched library."""
    world.org.load("Contact", people(4500))
    sf = world.direct()
    rows = sf.query_all("SELECT Id, Email, HasOptedOutOfEmail FROM Contact ORDER BY Id")["records"]
    assert len({r["Id"] for r in rows}) == 4500
    assert sf.Contact.update(rows[0]["Id"], {"HasOptedOutOfEmail": True}) == 204
    body = {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, "id": rows[1]["Id"], "LastName": "New"}],
    }
    assert sf.restful("composite/sobjects", method="PATCH", json=body)[0]["success"] is True
    text = "".join(sf.bulk2.Contact.query("SELECT Id, LastName FROM Contact", wait=0.05))
    assert text.count("\n") == 4501
    records = [{"Id": r["Id"], "LastName": 'Zoë "Z"\nline'} for r in rows[:3]] + [
        {"Id": "003000000000999AAA", "LastName": "x"}
    ]
    (result,) = sf.bulk2.Contact.update(records=records, wait=0.05)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (4, 1)
    assert world.org.rows("Contact")[rows[2]["Id"]]["LastName"] == 'Zoë "Z"\nline'


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Contact GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName = 'a\\q'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName = 'O'Brien'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact; DROP", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Nothing.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Task WHERE Description = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
    ],
)
def test_queries_outside_the_grammar_are_refused(world, soql, code):
    """What Salesforce refuses in a query is refused, with its code, as a list."""
    answer = world.soql(soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_queries_find_what_they_should(world):
    """Text compares without case, lists and semi-joins work, deleted rows show in queryAll alone."""
    ids = world.org.load("Contact", [{"LastName": "O'Brien", "Email": "A@x.test"}, {"LastName": "B", "Email": None}])
    assert ids == 2
    count = lambda text, all_=False: world.soql(text, all_).json()["totalSize"]  # noqa: E731
    assert count("SELECT Id FROM Contact WHERE Email = 'a@X.test'") == 1
    assert count("SELECT Id FROM Contact WHERE LastName IN ('o\\'brien', 'c') AND Email != null") == 1
    assert count("SELECT Id FROM Contact WHERE NOT (LastName LIKE 'O%') ORDER BY Email NULLS LAST LIMIT 1") == 1
    assert count("SELECT COUNT() FROM Contact") == 2
    soql = "SELECT Assignee.Id FROM PermissionSetAssignment WHERE PermissionSetId IN (SELECT ParentId FROM SetupEntityAccess)"
    assert count(soql) == 3
    victim = next(iter(world.org.rows("Contact")))
    assert world.call("DELETE", f"sobjects/Contact/{victim}").status_code == 204
    assert (count("SELECT Id FROM Contact"), count("SELECT Id FROM Contact", True)) == (1, 2)


def _row_code(world: World, values: dict) -> str:
    id_ = next(iter(world.org.rows("Contact")))
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Contact"}, "id": id_, **values}]}
    (row,) = world.call("PATCH", "composite/sobjects", json=body).json()
    return "" if row["success"] else str(row["errors"][0]["statusCode"])


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"IsDeleted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Nothing": 1}, "INVALID_FIELD"),
        ({"HasOptedOutOfEmail": "perhaps"}, "JSON_PARSER_ERROR"),
        ({"Resubscribe_Request_Date__c": "yesterday"}, "JSON_PARSER_ERROR"),
        ({"HasOptedOutOfEmail": True}, ""),
    ],
)
def test_rows_are_refused_one_by_one(world, values, code):
    """A wrong row of a collection fails with its own code, inside an answer of 200."""
    world.org.load("Contact", people(1))
    assert _row_code(world, values) == code


def test_collections_have_their_limits(world):
    """201 rows, a repeated id, a missing type or eleven chunks are refused as a whole."""
    row = {"attributes": {"type": "Contact"}, "id": "003000000000001AAA"}
    mixed = [{"attributes": {"type": t}, "id": str(n)} for n, t in enumerate(["Contact", "Lead"] * 6)]
    for records in ([row] * 2, [{**row, "id": str(n)} for n in range(201)], [{"id": "1"}], mixed):
        assert world.call("PATCH", "composite/sobjects", json={"records": records}).status_code == 400


def test_versions_sessions_limits_and_editions(world):
    """Retired versions are gone, dead sessions and spent limits are refused, an org without API says so."""
    assert world.session.get(f"{world.url}/services/data/v25.0/limits", headers=world.headers).status_code == 410
    assert world.session.get(f"{world.url}/services/data/v62.0/limits").json()[0]["errorCode"] == "INVALID_SESSION_ID"
    world.org.limit = world.org.used
    assert world.call("GET", "limits").json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    world.org.limit += 10
    world.org.api_enabled = False
    assert world.call("GET", "limits").json()[0]["errorCode"] == "API_DISABLED_FOR_ORG"


def test_field_level_security(world):
    """A hidden field is missing from describe and unknown to queries; a read-only one cannot be written."""
    world.org.load("Contact", people(1))
    world.org.hidden.add("Contact.HasOptedOutOfEmail")
    names = {f["name"] for f in world.call("GET", "sobjects/Contact/describe").json()["fields"]}
    assert "HasOptedOutOfEmail" not in names
    assert world.soql("SELECT HasOptedOutOfEmail FROM Contact").status_code == 400
    world.org.hidden.clear()
    world.org.readonly.add("Contact.HasOptedOutOfEmail")
    assert _row_code(world, {"HasOptedOutOfEmail": True}) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_bulk_jobs_keep_their_order(world):
    """Results before completion, another version, a second upload and a foreign locator are refused."""
    world.org.load("Contact", people(5))
    world.org.bulk_delay = 30.0
    job = world.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"}).json()["id"]
    assert world.call("GET", f"jobs/query/{job}/results").status_code == 412
    world.org.bulk_delay = 0.0
    job = world.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"}).json()["id"]
    world.call("GET", f"jobs/query/{job}")
    assert world.call("GET", f"jobs/query/{job}/results", params={"locator": "Lx"}).status_code == 400
    first = world.call("GET", f"jobs/query/{job}/results", params={"maxRecords": 3})
    assert (first.headers["Sforce-NumberOfRecords"], first.headers["Sforce-Locator"]) == ("3", "L3")
    other = world.session.get(f"{world.url}/services/data/v61.0/jobs/query/{job}/results", headers=world.headers)
    assert other.status_code == 409
    ingest = world.call("POST", "jobs/ingest", json={"operation": "update", "object": "Contact"}).json()["id"]

    def put(kind):
        headers = {"Content-Type": kind}
        return world.call("PUT", f"jobs/ingest/{ingest}/batches", data=b"Id\n", headers=headers).status_code

    assert [put("application/json"), put("text/csv"), put("text/csv")] == [415, 201, 400]


def test_upsert_by_an_external_id(world):
    """A new value creates, a known one updates, two matches are told apart, and no other field serves."""
    put = lambda value, body: world.call("PATCH", f"sobjects/Contact/External_Id__c/{value}", json=body)  # noqa: E731
    assert put("a1", {"LastName": "A"}).status_code == 201
    assert (put("a1", {"LastName": "B"}).status_code, put("a1", {"LastName": "B"}).json()["created"]) == (200, False)
    world.org.load("Contact", [{"LastName": "C", "External_Id__c": "a1"}])
    twice = put("a1", {"LastName": "D"})
    assert (twice.status_code, len(twice.json())) == (300, 2)
    assert world.call("PATCH", "sobjects/Contact/LastName/B", json={}).status_code == 404


def test_composite_counts_once_and_tells_each_part(world):
    """Subrequests refer to each other, fail alone, and cost one call; a malformed body is refused whole."""
    used = world.org.used
    base = "/services/data/v62.0/sobjects/Contact"
    parts = [
        {"method": "POST", "url": base, "referenceId": "made", "body": {"LastName": "New"}},
        {"method": "PATCH", "url": f"{base}/@{{made.id}}", "referenceId": "changed", "body": {"FirstName": "A"}},
        {"method": "POST", "url": base, "referenceId": "wrong", "body": {}},
    ]
    answer = world.call("POST", "composite", json={"compositeRequest": parts})
    codes = [part["httpStatusCode"] for part in answer.json()["compositeResponse"]]
    assert (answer.status_code, codes, world.org.used) == (200, [201, 204, 400], used + 1)
    assert world.call("POST", "composite", json={"compositeRequest": parts * 9}).status_code == 400
    assert world.call("POST", "composite", json={"compositeRequest": [{"method": "GET"}]}).status_code == 400


def test_merge_convert_and_the_recycle_bin(world):
    """Losers name their winner, converted leads are read-only, and a purged row is gone."""
    world.org.load("Contact", people(2))
    world.org.load("Lead", [{"LastName": "L", "Company": "C", "Email": "l@x.test"}])
    winner, loser = world.org.rows("Contact")
    lead = next(iter(world.org.rows("Lead")))
    control = lambda deed, **body: world.session.post(f"{world.url}/_emulator/{deed}", json=body).json()  # noqa: E731
    control("merge", object="Contact", winner=winner, losers=[loser])
    (row,) = world.soql("SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true", all_=True).json()["records"]
    assert (row["Id"], row["MasterRecordId"]) == (loser, winner)
    contact = control("convert", id=lead)["id"]
    assert world.org.rows("Lead")[lead]["ConvertedContactId"] == contact
    answer = world.call("PATCH", f"sobjects/Lead/{lead}", json={"HasOptedOutOfEmail": True})
    assert answer.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    control("purge", object="Contact")
    assert world.soql("SELECT Id FROM Contact WHERE IsDeleted = true", all_=True).json()["totalSize"] == 0


@pytest.mark.parametrize(("kind", "written"), [("cut_before", False), ("cut_after", True)])
def test_a_cut_is_a_real_one(world, kind, written):
    """A connection cut before or after the write is seen as broken by the client, and the write has not or has been made."""
    world.org.load("Contact", people(1))
    id_ = next(iter(world.org.rows("Contact")))
    was = world.org.rows("Contact")[id_]["LastName"]
    world.session.post(f"{world.url}/_emulator/faults", json={"kind": kind, "path": "sobjects"})
    with pytest.raises(requests.exceptions.RequestException):
        world.call("PATCH", f"sobjects/Contact/{id_}", json={"LastName": "Other"})
    assert (world.org.rows("Contact")[id_]["LastName"] != was) is written


def test_a_cut_body_is_a_real_one(world):
    """A body cut off in the middle is seen as broken by the client."""
    world.org.load("Contact", people(10))
    world.session.post(f"{world.url}/_emulator/faults", json={"kind": "cut_body", "path": "query"})
    with pytest.raises(requests.exceptions.RequestException):
        world.soql("SELECT Id, Email FROM Contact")
