"""Single answers that are not what they should be: none of them is ever read as fewer rows, or as a row that is clear."""

from __future__ import annotations

import json

import pytest
import responses
from connector.adapters.crm.salesforce import ADAPTER
from connector.core.errors import BugError, ConfigError, ConflictError, TransientError
from connector.core.policy import Policy
from connector.core.restriction import Flag, Ref
from connector.ports.adapter import Context, Status
from connector.ports.crm import RecordChange

HOME = "https://acme.my.salesforce.com"
DATA = f"{HOME}/services/data/v62.0"
RESULTS = f"{DATA}/jobs/query/750/results"
HEAD = '"Id","Email","HasOptedOutOfEmail","IsDeleted","MasterRecordId","SystemModstamp"\n'
ROW = '"003A","ann@example.com","false","false","","2026-11-20T00:00:00.000Z"\n'
CSV = "text/csv; charset=UTF-8"
CURSOR_OF = "2026-11-20T00:00:00Z"


@pytest.fixture
def net():
    """An org that signs in, and otherwise says what the test lets it."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        token = {"access_token": "t", "instance_url": HOME, "id": f"{HOME}/id/00D000000000001AAA/005000000000001AAA"}
        net.post(f"{HOME}/services/oauth2/token", json=token, headers={"Date": "Thu, 26 Nov 2026 21:00:00 GMT"})
        org = {"totalSize": 1, "done": True, "records": [{"Id": "00D"}]}
        net.get(f"{DATA}/query", json=org, headers={"Date": "Thu, 26 Nov 2026 21:00:00 GMT"})
        yield net


@pytest.fixture
def crm(world):
    """The adapter on that org."""
    auth = {"kind": "client_credentials", "client_id": "id", "client_secret": "s3cret"}
    crm = ADAPTER.open(
        ADAPTER.Settings(login_url=HOME, auth=auth, bulk_threshold=1),
        Context(tenant="acme", clock=world.clock, policy=Policy()),
    )
    yield crm
    crm.close()


def job(net, *, state="JobComplete", rows=1, error=None):
    """A query job that ended."""
    net.post(f"{DATA}/jobs/query", json={"id": "750", "state": "UploadComplete"})
    told = {"id": "750", "state": state, "numberRecordsProcessed": rows}
    net.get(f"{DATA}/jobs/query/750", json=told | ({"errorMessage": error} if error else {}))


def page(net, body, *, rows=1, locator="null", kind=CSV, **headers):
    """A page of its results."""
    told = {"Sforce-NumberOfRecords": str(rows), "Sforce-Locator": locator, **headers}
    net.get(RESULTS, body=body, content_type=kind, headers={k: v for k, v in told.items() if v is not None})


def load(crm):
    """The rows of a first load."""
    return [row for page in crm.changes("") for row in page.rows]


def test_a_whole_answer(crm, net):
    """What the others fall short of."""
    job(net)
    page(net, HEAD + ROW)
    assert [(row.id, row.flag) for row in load(crm)] == [("003A", Flag.CLEAR)]


def test_names_in_another_case_and_no_charset(crm, net):
    """Column names may come in another case; without a charset the bytes are UTF-8; a value may hold a line's end."""
    job(net)
    body = HEAD.upper() + '"003A","zoë@example.com","false","false","","2026-11-20T00:00:00.000Z"\n'
    page(net, body.encode(), kind="text/csv")
    assert [row.address for row in load(crm)] == ["zoë@example.com"]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("", {}),
        (HEAD, {}),
        (HEAD + ROW, {"rows": 2}),
        (HEAD + ROW + ROW, {"rows": 1}),
        (HEAD + ROW[:-12], {}),
        (HEAD + ROW[:30], {}),
        (HEAD + '"003A","ann@example.com"\n', {}),
        (HEAD + ROW.replace('"ann', '"an"n'), {}),
        (HEAD.replace("HasOptedOutOfEmail", "IsDeleted2"), {}),
        (HEAD.replace('"Email","HasOptedOutOfEmail"', '"HasOptedOutOfEmail","Email"') + ROW, {}),
        (ROW, {}),
        ((HEAD + ROW).encode("utf-16"), {}),
        (HEAD.encode() + ROW.encode().replace(b"ann", b"z\xeb"), {}),
        ("<html>Bad gateway</html>", {"kind": "text/html"}),
        ("<html>Bad gateway</html>", {}),
        (HEAD + ROW, {"kind": "text/html"}),
        (HEAD + ROW, {"Sforce-NumberOfRecords": None}),
        (HEAD + ROW, {"Sforce-Locator": None}),
        (HEAD + ROW, {"Sforce-NumberOfRecords": "many"}),
    ],
)
def test_a_page_that_falls_short(crm, net, body, more):
    """An empty, shortened, mangled or foreign page is asked for again, and then left for the next run."""
    job(net)
    page(net, body, **more)
    with pytest.raises(TransientError, match="not its answer"):
        load(crm)
    assert len([call for call in net.calls if call.request.url.startswith(RESULTS)]) == 3


def test_fewer_rows_than_the_job_counted(crm, net):
    """Pages that are whole in themselves, and together fewer than the job's own count, are no complete read."""
    job(net, rows=3)
    page(net, HEAD + ROW)
    with pytest.raises(TransientError, match="not its answer"):
        load(crm)
    net.replace(
        responses.GET,
        RESULTS,
        body=HEAD,
        content_type=CSV,
        headers={"Sforce-NumberOfRecords": "0", "Sforce-Locator": "null"},
    )
    with pytest.raises(TransientError):
        load(crm)


@pytest.mark.parametrize(
    ("error", "family"),
    [
        ("INVALID_FIELD: No such column 'HasOptedOutOfEmail'", ConfigError),
        ("InvalidEntity: Contact is not supported", ConfigError),
        ("Internal error", ConflictError),
        (None, ConflictError),
    ],
)
def test_a_job_that_failed(crm, net, error, family):
    """A failed job says why: a field that is hidden is a person's to mend, anything else begins anew."""
    job(net, state="Failed", error=error)
    with pytest.raises(family):
        load(crm)


# -- pages of REST -----------------------------------------------------------------------------------------------------


def cursor(crm):
    """A cursor of this adapter."""
    signature = crm._reads._objects[0].signature()
    return json.dumps({"Contact": {"mark": CURSOR_OF, "select": signature}})


def changes(crm):
    """The rows that changed."""
    return [row for page in crm.changes(cursor(crm)) for row in page.rows]


def record(id_="003A", **more):
    """One record of a page."""
    plain = {"Email": "ann@example.com", "HasOptedOutOfEmail": False, "IsDeleted": False, "MasterRecordId": None}
    return {"Id": id_, **plain, "SystemModstamp": "2026-11-20T00:00:00.000+0000", **more}


@pytest.mark.parametrize("link", ["/services/data/v62.0/query/0r8-1", f"{DATA}/query/0r8-1"])
def test_changes_of_single_answers(crm, net, link):
    """What the others fall short of, in two pages; a value that is missing is unreadable."""
    first = {"totalSize": 2, "done": False, "nextRecordsUrl": link, "records": [record()]}
    row = {"Id": "003B", "SystemModstamp": "2026-11-20T00:00:01.000Z"}
    second = {"totalSize": 2, "done": True, "nextRecordsUrl": None, "records": [row]}
    net.get(f"{DATA}/queryAll", json=first)
    net.get(f"{DATA}/query/0r8-1", json=second)
    assert [(row.id, row.flag) for row in changes(crm)] == [("003A", Flag.CLEAR), ("003B", Flag.UNREADABLE)]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"totalSize": 1, "done": True},
        {"totalSize": 2, "done": True, "records": [record()]},
        {"totalSize": 0, "done": True, "records": [record()]},
        {"totalSize": 2, "done": False, "records": [record()]},
        {"totalSize": 2, "done": False, "nextRecordsUrl": None, "records": [record()]},
        {"totalSize": "1", "done": True, "records": [record()]},
        [],
        [record()],
        None,
    ],
)
def test_a_rest_page_that_falls_short(crm, net, answer):
    """A page without its count, its rows or its successor is not a page, and fewer rows than counted are no read."""
    net.get(f"{DATA}/queryAll", json=answer)
    with pytest.raises(TransientError, match="not its answer"):
        changes(crm)


@pytest.mark.parametrize("link", ["https://evil.example/services/data", "//evil.example/x"])
def test_a_successor_on_a_foreign_host(crm, net, link):
    """A page that names a foreign host for the next one is not followed there."""
    net.get(f"{DATA}/queryAll", json={"totalSize": 2, "done": False, "nextRecordsUrl": link, "records": [record()]})
    with pytest.raises(ConfigError, match="foreign host"):
        changes(crm)


def test_a_query_that_takes_too_long(crm, net):
    """Where Salesforce does not finish a query of changes, the same window is read by a bulk job."""
    net.get(f"{DATA}/queryAll", status=400, json=[{"errorCode": "QUERY_TIMEOUT", "message": "too long"}])
    job(net)
    page(net, HEAD + ROW)
    assert [row.id for row in changes(crm)] == ["003A"]
    asked = json.loads(next(c.request.body for c in net.calls if c.request.url.endswith("jobs/query")))["query"]
    assert "SystemModstamp >= 2026-11-19T23:50:00Z AND SystemModstamp < 2026-11-26T21:00:0" in asked


@pytest.mark.parametrize(
    ("status", "body", "family", "words"),
    [
        (400, [{"errorCode": "MALFORMED_QUERY", "message": "unexpected token: ann@example.com"}], BugError, "report"),
        (400, [{"errorCode": "INVALID_FIELD", "message": "No such column 'X'"}], ConfigError, "No such column"),
        (403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "no"}], ConfigError, "Professional Edition"),
        (403, [{"errorCode": "TXN_SECURITY_METERING_ERROR", "message": "wait"}], TransientError, "METERING"),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests"}], TransientError, "LIMIT"),
        (410, [{"errorCode": "UNSUPPORTED_API_VERSION", "message": "gone"}], ConfigError, "62.0"),
        (404, [{"errorCode": "NOT_FOUND", "message": "gone"}], ConfigError, "login_url"),
        (400, {"error": "odd"}, TransientError, "400"),
        (400, [], TransientError, "400"),
        (503, [{"errorCode": "SERVER_UNAVAILABLE", "message": None}], TransientError, "503"),
    ],
)
def test_refusals(crm, net, status, body, family, words):
    """Each refusal is of its family, in words for a person, and shows no address."""
    net.get(f"{DATA}/queryAll", status=status, json=body)
    with pytest.raises(family, match=words) as caught:
        changes(crm)
    error = caught.value
    assert (error.vendor, error.status) == ("Salesforce", status)
    assert len([c for c in net.calls if "queryAll" in c.request.url]) == (1 if status < 500 else 6)
    assert "ann@example.com" not in error.operator + error.log + error.excerpt


# -- writes ------------------------------------------------------------------------------------------------------------


def restrict(crm, count):
    """Opt-outs for so many records."""
    changes = [
        RecordChange(key=f"k{n}", ref=Ref(entity="Contact", id=f"003{n}"), values={"restriction": True})
        for n in range(count)
    ]
    return {o.key: o for o in crm.write(changes)}


@pytest.mark.parametrize("answer", [[], {}, [{"id": "003A"}], [{"success": True}, {"success": True}], None])
def test_a_collection_without_an_outcome_for_each_row(crm, net, answer):
    """Without exactly one outcome for each row nobody knows what was written."""
    net.patch(f"{DATA}/composite/sobjects", json=answer)
    with pytest.raises(TransientError, match="not its answer"):
        restrict(crm, 1)


def test_a_row_without_a_reason(crm, net):
    """A row that failed without saying why is not done."""
    net.patch(f"{DATA}/composite/sobjects", json=[{"success": False}])
    assert restrict(crm, 1)["k0"].status is Status.LATER


def ingest(net, *, processed, failed=0, state="JobComplete", error=None):
    """An ingest job that ended."""
    net.post(f"{DATA}/jobs/ingest", json={"id": "750", "state": "Open"})
    net.put(f"{DATA}/jobs/ingest/750/batches", status=201)
    net.patch(f"{DATA}/jobs/ingest/750", json={"id": "750", "state": "UploadComplete"})
    counts = {"numberRecordsProcessed": processed, "numberRecordsFailed": failed, "errorMessage": error}
    net.get(f"{DATA}/jobs/ingest/750", json={"id": "750", "state": state, **counts})


def results(net, kind, body, content_type=CSV):
    """The rows of one kind."""
    net.get(f"{DATA}/jobs/ingest/750/{kind}", body=body, content_type=content_type)


def test_every_row_of_a_bulk_job_is_accounted_for(crm, net):
    """Failed and unprocessed rows are told apart; the rest is done."""
    ingest(net, processed=3, failed=2)
    refused = "FIELD_CUSTOM_VALIDATION_EXCEPTION:call ann@example.com:Phone --"
    rows = f'"","{refused}","0031","true"\n"0032","ENTITY_IS_DELETED:gone:--","0032","true"\n'
    results(net, "failedResults", '"sf__Id","sf__Error","Id","HasOptedOutOfEmail"\n' + rows)
    results(net, "unprocessedrecords", "Id,HasOptedOutOfEmail\n0033,true\n")
    ended = restrict(crm, 4)
    assert [ended[f"k{n}"].status.value for n in range(4)] == ["done", "aside", "conflict", "later"]
    assert ended["k1"].words == "FIELD_CUSTOM_VALIDATION_EXCEPTION: call <address>:Phone"
    sent = next(c.request.body for c in net.calls if c.request.method == "PUT").decode()
    assert sent == "Id,HasOptedOutOfEmail\n0030,true\n0031,true\n0032,true\n0033,true\n"


def test_a_bulk_job_that_failed_half_way(crm, net):
    """Of a job that failed half-way, what it did is done and the rest comes later, with the reason."""
    ingest(net, processed=1, state="Failed", error="TooManyLockFailure: too many")
    results(net, "unprocessedrecords", "Id,HasOptedOutOfEmail\n0031,true\n0032,true\n")
    ended = restrict(crm, 3)
    assert [o.status.value for o in ended.values()] == ["done", "later", "later"]
    assert "TooManyLockFailure" in ended["k1"].words


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [
        ("failedResults", "", CSV),
        ("failedResults", '"sf__Id","sf__Error","Id"\n', CSV),
        ("failedResults", '"Id","HasOptedOutOfEmail"\n"0031","true"\n', CSV),
        ("failedResults", '"sf__Id","sf__Error","Id"\n"0031","X:y', CSV),
        ("failedResults", "<html>", "text/html"),
    ],
)
def test_a_bulk_job_whose_rows_do_not_add_up(crm, net, kind, body, content_type):
    """Fewer failed rows than the job counts are never taken for done."""
    ingest(net, processed=2, failed=1)
    results(net, kind, body, content_type)
    with pytest.raises(TransientError, match="not its answer"):
        restrict(crm, 2)
