"""sObject Collections and Composite."""

from __future__ import annotations

import pytest

GONE = "003000000000999AAA"


def record(id_: str = "", type_: str = "Contact", **values) -> dict:
    """One record of a collection."""
    return {"attributes": {"type": type_}, **({"id": id_} if id_ else {}), **values}


def test_every_row_has_its_own_result(world):
    """Rows are answered in order, each with its own success or code, in an answer of 200."""
    ids = [world.contact(), world.contact()]
    records = [record(ids[0], Title="x"), record(GONE, Title="x"), record("abc"), record(ids[1], Email="no"), record()]
    answer = world.call("PATCH", "composite/sobjects", json={"allOrNone": False, "records": records})
    codes = [row["errors"][0]["statusCode"] if row["errors"] else "" for row in answer.json()]
    wanted = ["", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "INVALID_EMAIL_ADDRESS", "MISSING_ARGUMENT"]
    assert (answer.status_code, codes) == (200, wanted)
    assert answer.json()[0] == {"id": ids[0], "success": True, "errors": []}


def test_all_or_none(world):
    """With allOrNone one culprit undoes the others, history, stamps and the write log included."""
    world.control("tracking", **{"Contact.Title": True})
    good, bad = world.contact(), world.contact()
    before, logged = dict(world.row("Contact", good)), len(world.org.writes)
    history = len(world.org.rows("ContactHistory"))
    records = [record(good, Title="x"), record(bad, Email="no")]
    rows = world.call("PATCH", "composite/sobjects", json={"allOrNone": True, "records": records}).json()
    assert [row["errors"][0]["statusCode"] for row in rows] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_EMAIL_ADDRESS",
    ]
    assert dict(world.row("Contact", good)) == before
    assert (len(world.org.writes), len(world.org.rows("ContactHistory"))) == (logged, history)
    made = world.call(
        "POST", "composite/sobjects", json={"allOrNone": True, "records": [record(LastName="A"), record()]}
    )
    assert [row["success"] for row in made.json()] == [False, False]
    assert len(world.org.rows("Contact")) == 2


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([record(f"{n:015d}") for n in range(201)], "EXCEEDED_MAX_SIZE_REQUEST"),
        ([record(GONE), record(GONE)], "INVALID_INPUT"),
        ([record(GONE), record(GONE[:15])], "INVALID_INPUT"),
        ([{"id": GONE}], "INVALID_INPUT"),
        ([record(str(n), "Lead" if n % 2 else "Contact") for n in range(11)], "INVALID_INPUT"),
        ([], "REQUIRED_FIELD_MISSING"),
        (None, "REQUIRED_FIELD_MISSING"),
        (["x"], "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_collection_has_its_limits(world, records, code):
    """201 rows, an id twice, a missing type, eleven chunks of types or no rows are refused as a whole."""
    answer = world.call("PATCH", "composite/sobjects", json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_create_upsert_delete_and_read(world):
    """The other verbs of a collection: POST, PATCH by key, DELETE, and reading by ids with null for what is not there."""
    made = world.call(
        "POST", "composite/sobjects", json={"records": [record(LastName="A"), record(GONE, LastName="B")]}
    )
    id_ = made.json()[0]["id"]
    assert made.json()[1]["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    rows = [record(LastName="K", External_Id__c="k"), record(LastName="L"), record(type_="Lead", LastName="M")]
    path = "composite/sobjects/Contact/External_Id__c"
    for created in (True, False):
        put = world.call("PATCH", path, json={"records": rows}).json()
        assert (put[0]["success"], put[0]["created"]) == (True, created)
    assert [row["errors"][0]["statusCode"] for row in put[1:]] == ["MISSING_ARGUMENT", "INVALID_INPUT"]
    read = world.call("POST", "composite/sobjects/Contact", json={"ids": [id_, GONE], "fields": ["LastName"]}).json()
    assert (read[0]["LastName"], read[1]) == ("A", None)
    query = {"ids": f"{id_},{GONE}", "fields": "LastName"}
    assert world.call("GET", "composite/sobjects/Contact", params=query).json() == read
    assert world.call("POST", "composite/sobjects/Contact", json={"ids": [id_]}).status_code == 400
    gone = world.call("DELETE", "composite/sobjects", params={"ids": f"{id_},{GONE}"}).json()
    assert [row["success"] for row in gone] == [True, False]
    again = world.call("DELETE", "composite/sobjects", params={"ids": id_}).json()
    assert again[0]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    assert world.code("Contact", id_, {"Title": "x"}) == "ENTITY_IS_DELETED"
    assert world.call("DELETE", "composite/sobjects").status_code == 400


BASE = "/services/data/v62.0/sobjects/Contact"


def part(method: str, url: str, name: str, **more) -> dict:
    """One subrequest."""
    return {"method": method, "url": url, "referenceId": name, **more}


def test_composite_counts_once_and_tells_each_part(world):
    """Subrequests refer to earlier ones, fail alone, and cost one call."""
    used = world.org.used
    parts = [
        part("POST", BASE, "made", body={"LastName": "New"}),
        part("PATCH", f"{BASE}/@{{made.id}}", "changed", body={"FirstName": "A"}),
        part("GET", "/services/data/v62.0/query?q=SELECT+Id+FROM+Contact", "found"),
        part("PATCH", f"{BASE}/@{{found.records[0].Id}}", "again", body={"FirstName": "B"}),
        part("POST", BASE, "wrong", body={}),
        part("PATCH", f"{BASE}/@{{wrong.id}}", "halted", body={}),
        part("GET", "/services/data/v62.0/nothing", "unknown"),
        part("GET", "/services/data/v25.0/limits", "retired"),
    ]
    answer = world.call("POST", "composite", json={"compositeRequest": parts})
    told = {p["referenceId"]: p["httpStatusCode"] for p in answer.json()["compositeResponse"]}
    wanted = {"made": 201, "changed": 204, "found": 200, "again": 204, "wrong": 400, "halted": 400}
    assert (answer.status_code, told) == (200, {**wanted, "unknown": 404, "retired": 410})
    assert world.org.used == used + 1
    halted = answer.json()["compositeResponse"][5]["body"]
    assert halted[0]["errorCode"] == "PROCESSING_HALTED"
    assert next(iter(world.org.rows("Contact").values()))["FirstName"] == "B"


def test_composite_all_or_none(world):
    """With allOrNone a failing subrequest undoes the others."""
    parts = [part("POST", BASE, "a", body={"LastName": "A"}), part("POST", BASE, "b", body={})]
    answer = world.call("POST", "composite", json={"allOrNone": True, "compositeRequest": parts}).json()
    codes = [p["body"][0]["errorCode"] for p in answer["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert len(world.org.rows("Contact")) == 0


@pytest.mark.parametrize(
    "parts",
    [
        [],
        None,
        [{"method": "GET"}],
        [part("GET", BASE, "same"), part("GET", BASE, "same")],
        [part("GET", BASE, "no-dash")],
        [part("GET", 1, "a")],
        ["x"],
        [part("GET", BASE, f"r{n}") for n in range(26)],
        [part("GET", "/services/data/v62.0/query?q=x", f"r{n}") for n in range(6)],
    ],
)
def test_composite_has_its_limits(world, parts):
    """More than 25 subrequests, more than five reads, and subrequests without a name of their own are refused."""
    answer = world.call("POST", "composite", json={"compositeRequest": parts})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
