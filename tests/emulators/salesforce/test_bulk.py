"""Bulk API 2.0: query and ingest jobs, their states, results and refusals."""

from __future__ import annotations

import csv
import io
import time

import pytest
from connector.emulators.town import people

CSV = {"Content-Type": "text/csv"}
GONE = "003000000000999AAA"


def query_job(world, soql: str, **more) -> str:
    """A query job's id."""
    body = {"operation": "query", "query": soql, **more}
    return str(world.call("POST", "jobs/query", json=body).json()["id"])


def done(world, kind: str, job: str) -> dict:
    """The job when it is done."""
    for _ in range(200):
        told = world.call("GET", f"jobs/{kind}/{job}").json()
        if told["state"] not in ("UploadComplete", "InProgress"):
            return told
        time.sleep(0.01)
    raise AssertionError(told)


def table(answer, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV answer."""
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), delimiter=delimiter))


# -- query -----------------------------------------------------------------------------------------------------------


def test_a_query_job_walks_its_states(world):
    """A job waits, works and completes within the set delay; results come only then, with the job's own API version."""
    world.contact()
    world.control("settings", bulk_delay=0.4)
    made = world.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"}).json()
    assert (made["state"], made["object"], made["apiVersion"], made["id"][:3]) == (
        "UploadComplete",
        "Contact",
        62.0,
        "750",
    )
    path, seen = f"jobs/query/{made['id']}", []
    early = world.call("GET", f"{path}/results")
    assert (early.status_code, early.json()[0]["errorCode"]) == (412, "JOB_NOT_COMPLETE")
    assert world.call("DELETE", path).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    while not seen or seen[-1] != "JobComplete":
        told = world.call("GET", path).json()
        seen += [told["state"]] if told["state"] not in seen[-1:] else []
        time.sleep(0.02)
    assert seen == ["UploadComplete", "InProgress", "JobComplete"]
    assert (told["numberRecordsProcessed"], told["jobType"], told["retries"]) == (1, "V2Query", 0)
    assert world.call("GET", f"{path}/results", version="61.0").status_code == 409
    assert world.call("GET", "jobs/query").json()["records"][0]["id"] == made["id"]
    assert world.call("DELETE", path).status_code == 204
    assert world.call("GET", path).status_code == 404


def test_pages_of_results(world):
    """Pages repeat the header, say how many rows they hold, and lead on by a locator that can be read again."""
    world.org.load_contacts(people(5))
    job = query_job(world, "SELECT LastName, Id FROM Contact ORDER BY Id")
    done(world, "query", job)
    path, locator, seen = f"jobs/query/{job}/results", None, []
    for wanted in ("2", "2", "1"):
        params = {"maxRecords": 2} | ({"locator": locator} if locator else {})
        page = world.call("GET", path, params=params)
        assert world.call("GET", path, params=params).content == page.content
        assert page.headers["Sforce-NumberOfRecords"] == wanted
        assert page.headers["Content-Type"] == "text/csv; charset=UTF-8"
        assert page.text.startswith('"LastName","Id"\n')
        locator = page.headers["Sforce-Locator"]
        seen += [row["Id"] for row in table(page)]
    assert (locator, seen) == ("null", list(world.org.rows("Contact")))
    for bad in ({"locator": "Lx"}, {"locator": "L99"}, {"maxRecords": 0}, {"maxRecords": "x"}):
        assert world.call("GET", path, params=bad).status_code == 400


def test_cells_of_results(world):
    """Quotes are doubled, null and empty are both empty, booleans are words, times end in Z, parents have columns."""
    world.contact(LastName='Zoë "Z"\nline', FirstName=None, HasOptedOutOfEmail=True)
    job = query_job(world, "SELECT LastName, FirstName, HasOptedOutOfEmail, CreatedDate, Owner.Username FROM Contact")
    done(world, "query", job)
    (row,) = table(world.call("GET", f"jobs/query/{job}/results"))
    assert (row["LastName"], row["FirstName"], row["HasOptedOutOfEmail"]) == ('Zoë "Z"\nline', "", "true")
    assert row["CreatedDate"].endswith("Z")
    assert row["Owner.Username"] == "admin@example.com"
    job = query_job(world, "SELECT Id, LastName FROM Contact", columnDelimiter="PIPE", lineEnding="CRLF")
    done(world, "query", job)
    assert world.call("GET", f"jobs/query/{job}/results").text.startswith('"Id"|"LastName"\r\n"003')


def test_results_are_a_snapshot(world):
    """What is written after the job was made is not in its results, and a query job sees deleted rows only by queryAll."""
    id_, gone = world.contact(LastName="Old"), world.contact()
    world.control("delete", object="Contact", id=gone)
    job = query_job(world, "SELECT LastName FROM Contact")
    every = query_job(world, "SELECT Id FROM Contact", operation="queryAll")
    world.control("update", object="Contact", id=id_, values={"LastName": "New"})
    assert done(world, "query", every)["numberRecordsProcessed"] == 2
    done(world, "query", job)
    assert table(world.call("GET", f"jobs/query/{job}/results")) == [{"LastName": "Old"}]


def test_a_query_job_is_aborted(world):
    """An aborted job has no results."""
    world.control("settings", bulk_delay=60)
    job = query_job(world, "SELECT Id FROM Contact")
    assert world.call("PATCH", f"jobs/query/{job}", json={"state": "Open"}).status_code == 400
    assert world.call("PATCH", f"jobs/query/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert done(world, "query", job)["state"] == "Aborted"
    assert world.call("GET", f"jobs/query/{job}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "insert", "query": "SELECT Id FROM Contact"}, "INVALIDJOB"),
        ({"operation": "query"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT COUNT() FROM Contact"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Id FROM Contact OFFSET 1"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Id FROM Contact", "contentType": "JSON"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Id FROM Contact", "columnDelimiter": "COLON"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT MailingAddress FROM Contact"}, "INVALID_FIELD"),
        ({"operation": "query", "query": "SELECT Nothing FROM Contact"}, "INVALID_FIELD"),
        ({"operation": "query", "query": "SELECT Id FROM Nothing"}, "INVALID_TYPE"),
        ({"operation": "query", "query": "SELECT"}, "MALFORMED_QUERY"),
        ({"operation": "query", "query": "SELECT Id FROM ContentNote"}, "INVALIDENTITY"),
    ],
)
def test_query_jobs_that_are_refused(world, body, code):
    """Aggregates, offsets, compound fields, objects outside the Bulk API and other formats are refused at once."""
    answer = world.call("POST", "jobs/query", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


# -- ingest ----------------------------------------------------------------------------------------------------------


def ingest(world, data: str | bytes, operation: str = "update", object_: str = "Contact", **more) -> str:
    """An ingest job that was uploaded and closed."""
    body = {"operation": operation, "object": object_, **more}
    job = world.call("POST", "jobs/ingest", json=body).json()["id"]
    raw = data.encode() if isinstance(data, str) else data
    put = world.call("PUT", f"jobs/ingest/{job}/batches", data=raw, headers=CSV)
    assert (put.status_code, put.content) == (201, b"")
    assert (
        world.call("PATCH", f"jobs/ingest/{job}", json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    )
    return str(job)


def results(world, job: str, kind: str) -> list[dict[str, str]]:
    """One kind of an ingest job's results."""
    answer = world.call("GET", f"jobs/ingest/{job}/{kind}")
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    return table(answer)


def test_an_update_job(world):
    """Every row ends as successful or failed, with its own error; empty cells change nothing, #N/A makes null."""
    ids = [world.contact(FirstName="F", Title="T") for _ in range(3)]
    world.control("lock", id=ids[2])
    text = "ID,FIRSTNAME,title,HasOptedOutOfEmail\n"
    text += f'{ids[0]},,#N/A,1\n{ids[1][:15]}," x ""q""\n",,no\n{ids[2]},x,,\n{GONE},x,,\n,x,,\n'
    job = ingest(world, text)
    told = done(world, "ingest", job)
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 5, 3)
    first, second = world.row("Contact", ids[0]), world.row("Contact", ids[1])
    assert (first["FirstName"], first["Title"], first["HasOptedOutOfEmail"]) == ("F", None, True)
    assert (second["FirstName"], second["Title"]) == (' x "q"\n', "T")
    good = results(world, job, "successfulResults")
    assert list(good[0]) == ["sf__Id", "sf__Created", "ID", "FIRSTNAME", "title", "HasOptedOutOfEmail"]
    assert [(row["sf__Id"], row["sf__Created"]) for row in good] == [(ids[0], "false"), (ids[1], "false")]
    bad = results(world, job, "FAILEDRESULTS")
    codes = [row["sf__Error"].partition(":")[0] for row in bad]
    assert codes == ["UNABLE_TO_LOCK_ROW", "INVALID_CROSS_REFERENCE_KEY", "MISSING_ARGUMENT"]
    assert [row["sf__Id"] for row in bad] == [ids[2], GONE, ""]
    assert results(world, job, "unprocessedrecords") == []


def test_insert_upsert_and_delete_jobs(world):
    """The other operations, by key, by id and by a parent's key."""
    job = ingest(
        world, "LastName,External_Id__c,Owner.Email\nA,k1,user@example.com\n,k2,\nC,,nobody@x.test\n", "insert"
    )
    told = done(world, "ingest", job)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (3, 2)
    (made,) = results(world, job, "successfulResults")
    assert made["sf__Created"] == "true"
    assert world.row("Contact", made["sf__Id"])["OwnerId"] == world.org.plain_user
    errors = [row["sf__Error"] for row in results(world, job, "failedResults")]
    assert errors[0] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert errors[1].startswith("INVALID_FIELD:Foreign key external ID: nobody@x.test not found")
    key = {"externalIdFieldName": "External_Id__c"}
    job = ingest(world, "External_Id__c,LastName\nk1,B\nk3,D\n,E\n", "upsert", **key)
    assert done(world, "ingest", job)["numberRecordsFailed"] == 1
    assert [row["sf__Created"] for row in results(world, job, "successfulResults")] == ["false", "true"]
    job = ingest(world, f"Id\n{made['sf__Id']}\n{GONE}\n", "delete")
    assert done(world, "ingest", job)["numberRecordsFailed"] == 1
    assert world.row("Contact", made["sf__Id"])["IsDeleted"] is True


def test_hard_delete_needs_its_right(world):
    """hardDelete is refused without the permission, and leaves nothing in the recycle bin with it."""
    id_ = world.contact()
    body = {"operation": "hardDelete", "object": "Contact"}
    assert world.call("POST", "jobs/ingest", json=body).json()[0]["errorCode"] == "FEATURENOTENABLED"
    world.control("rights", user=world.org.integration, rights={"BulkApiHardDelete": True})
    done(world, "ingest", ingest(world, f"Id\n{id_}\n", "hardDelete"))
    assert id_ not in world.org.rows("Contact")


def test_a_job_works_whether_asked_after_or_not(world):
    """A closed job is worked through when its delay is over, though nobody polls."""
    id_ = world.contact()
    world.control("settings", bulk_delay=0.1)
    job = ingest(world, f"Id,Title\n{id_},x\n")
    assert world.call("GET", f"jobs/ingest/{job}").json()["state"] in ("UploadComplete", "InProgress")
    assert world.call("GET", f"jobs/ingest/{job}/failedResults").status_code == 412
    assert world.row("Contact", id_)["Title"] is None
    for _ in range(100):
        if world.row("Contact", id_)["Title"] == "x":
            return
        time.sleep(0.02)
    raise AssertionError("nothing was done")


def test_rows_that_are_not_come_to(world):
    """A job that stops early, and one that is aborted, tell the rest as unprocessed."""
    ids = [world.contact() for _ in range(3)]
    text = "Id,Title\n" + "".join(f"{i},x\n" for i in ids)
    world.control("settings", bulk_stop=1)
    job = ingest(world, text)
    told = done(world, "ingest", job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 1)
    assert [row["Id"] for row in results(world, job, "unprocessedRecords")] == ids[1:]
    world.control("settings", bulk_stop=None, bulk_delay=60)
    job = ingest(world, text.replace("x", "y"))
    assert world.call("PATCH", f"jobs/ingest/{job}", json={"state": "Aborted"}).status_code == 200
    assert [row["Id"] for row in results(world, job, "unprocessedrecords")] == ids
    assert world.row("Contact", ids[0])["Title"] == "x"
    assert world.call("DELETE", f"jobs/ingest/{job}").status_code == 204


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Id,Nothing\n{id},x\n", "InvalidBatch : Field name not found : Nothing"),
        ("Title\nx\n", "InvalidBatch : Field name not found : Id"),
        ("Id,Title\r\n{id},x\r\n", "LineEnding is invalid on user data"),
        ("Id,Title\n{id}\n", "expected 2"),
        ('Id,Title\n{id},"x\n', "Failed to parse CSV"),
        (b"Id,Title\nx,\xff\n", "not UTF-8"),
        ("", "empty"),
    ],
)
def test_data_that_fails_the_whole_job(world, data, words):
    """A column that is not there, other line ends, crooked rows and other encodings fail the job, no row written."""
    raw = data if isinstance(data, bytes) else data.replace("{id}", world.contact()).encode()
    told = done(world, "ingest", ingest(world, raw))
    assert told["state"] == "Failed"
    assert words in told["errorMessage"]
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (0, 0)


def test_a_hidden_column(world):
    """A hidden column fails the whole job, as one that does not exist."""
    id_ = world.contact()
    world.control("fields", **{"Contact.Title": "hidden"})
    job = ingest(world, f"Id,Title\n{id_},x\n")
    told = done(world, "ingest", job)
    assert (told["state"], told["numberRecordsFailed"]) == ("Failed", 0)
    assert len(results(world, job, "unprocessedrecords")) == 1


def test_an_ingest_job_keeps_its_order(world):
    """Another content type, a second upload, a second close, and a use of another version are refused."""
    job = world.call("POST", "jobs/ingest", json={"operation": "update", "object": "Contact"}).json()
    assert (job["state"], job["contentUrl"]) == ("Open", f"services/data/v62.0/jobs/ingest/{job['id']}/batches")
    path = f"jobs/ingest/{job['id']}"

    def put(kind, **more):
        return world.call("PUT", f"{path}/batches", data=b"Id\n", headers={"Content-Type": kind}, **more)

    assert put("text/csv", version="61.0").status_code == 409
    assert [put(kind).status_code for kind in ("application/json", "text/csv", "text/csv")] == [415, 201, 400]
    assert world.call("DELETE", path).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    close = lambda state="UploadComplete": world.call("PATCH", path, json={"state": state}).status_code  # noqa: E731  # short
    assert [close("InProgress"), close(), close(), close("Aborted")] == [400, 200, 400, 400]
    assert world.call("GET", f"{path}/successfulResults", version="61.0").status_code == 409
    assert world.call("GET", f"{path}/otherResults").status_code == 404
    assert world.call("GET", "jobs/ingest/750000000000999AAA").status_code == 404
    assert [row["id"] for row in world.call("GET", "jobs/ingest").json()["records"]] == [job["id"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "replace", "object": "Contact"}, "INVALIDJOB"),
        ({"operation": "update", "object": "Contact", "contentType": "XML"}, "INVALIDJOB"),
        ({"operation": "update", "object": "Contact", "lineEnding": "CR"}, "INVALIDJOB"),
        ({"operation": "upsert", "object": "Contact"}, "INVALIDJOB"),
        ({"operation": "update", "object": "Contact", "externalIdFieldName": "External_Id__c"}, "INVALIDJOB"),
        ({"operation": "upsert", "object": "Contact", "externalIdFieldName": "LastName"}, "INVALIDJOB"),
        ({"operation": "upsert", "object": "Contact", "externalIdFieldName": "Nothing"}, "INVALID_FIELD"),
        ({"operation": "update", "object": "Nothing"}, "INVALIDENTITY"),
        ({"operation": "insert", "object": "ContentNote"}, "INVALIDENTITY"),
        ({"operation": "update", "object": "User"}, "INVALIDENTITY"),
    ],
)
def test_ingest_jobs_that_are_refused(world, body, code):
    """Other operations and formats, a missing key, and objects outside the Bulk API are refused at once."""
    answer = world.call("POST", "jobs/ingest", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_an_ingest_job_needs_the_rights(world):
    """Who may not edit an object opens no job on it."""
    world.control("rights", user=world.org.integration, rights={"Edit Contact": False})
    answer = world.call("POST", "jobs/ingest", json={"operation": "update", "object": "Contact"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
