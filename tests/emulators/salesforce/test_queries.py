"""Pages of a query, locators, and what the HTTP side refuses."""

from __future__ import annotations

import pytest
from connector.emulators.town import people


def test_pages_and_locators(world):
    """2,000 rows a page, the rest by a path with a locator of 18 characters and a position."""
    world.org.load_contacts(people(4500))
    first = world.soql("SELECT Id FROM Contact").json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (4500, False, 2000)
    locator, _, start = first["nextRecordsUrl"].rpartition("/")[2].rpartition("-")
    assert (len(locator), locator[:3], start) == (18, "0r8", "2000")
    seen = {row["Id"] for row in first["records"]}
    while not first["done"]:
        path = first["nextRecordsUrl"].partition("/v62.0/")[2]
        first = world.call("GET", path).json()
        seen |= {row["Id"] for row in first["records"]}
    assert len(seen) == 4500
    assert "nextRecordsUrl" not in first


@pytest.mark.parametrize(("asked", "given"), [("1", 200), ("200", 200), ("500", 500), ("2000", 2000), ("9999", 2000)])
def test_batch_size(world, asked, given):
    """The batch size is a wish between 200 and 2,000."""
    world.org.load_contacts(people(2500))
    answer = world.soql("SELECT Id FROM Contact", headers={"Sforce-Query-Options": f"batchSize={asked}"})
    assert len(answer.json()["records"]) == given


def test_a_cursor_shows_the_rows_as_they_were(world):
    """What changes between two pages is not seen by the later one."""
    ids = [world.contact(LastName="Old") for _ in range(201)]
    header = {"Sforce-Query-Options": "batchSize=200"}
    first = world.soql("SELECT LastName FROM Contact ORDER BY Id", headers=header).json()
    world.control("update", object="Contact", id=ids[-1], values={"LastName": "New"})
    last = world.call("GET", first["nextRecordsUrl"].partition("/v62.0/")[2]).json()
    assert [row["LastName"] for row in last["records"]] == ["Old"]


def test_query_all_keeps_its_path(world):
    """The pages of queryAll go on under queryAll, deleted rows among them."""
    gone = world.contact()
    world.control("delete", object="Contact", id=gone)
    world.org.load_contacts(people(2000))
    body = world.soql("SELECT Id FROM Contact", everything=True).json()
    assert body["totalSize"] == 2001
    assert "/queryAll/0r8" in body["nextRecordsUrl"]


def test_locators_die(world):
    """A locator that is unknown, out of range, forgotten, another user's, or two days old is refused."""
    world.org.load_contacts(people(2500))
    path = world.soql("SELECT Id FROM Contact").json()["nextRecordsUrl"].partition("/v62.0/")[2]
    code = lambda at=path, **more: world.call("GET", at, **more).json()  # noqa: E731  # short
    refused = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
    assert code()["done"] is True
    assert code("query/0r8000000000000XXX-2000") == refused
    assert code(path.replace("-2000", "-9000")) == refused
    assert code(path.replace("-2000", "")) == refused
    assert code(token=world.signed_in(world.org.admin)) == refused
    world.control("settings", clock_offset=3 * 86_400)
    assert code() == refused
    world.control("settings", clock_offset=0)
    world.session.delete(f"{world.url}/_emulator/cursors")
    assert code() == refused


def test_versions(world):
    """Live versions are listed without a session; retired ones are gone, others were never there."""
    listed = world.session.get(f"{world.url}/services/data").json()
    assert [row["version"] for row in (listed[0], listed[-1])] == ["31.0", "67.0"]
    labels = {row["version"]: row["label"] for row in listed}
    assert (labels["65.0"], labels["66.0"], labels["67.0"]) == ("Winter '26", "Spring '26", "Summer '26")
    answer = world.call("GET", "limits", version="30.0")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (410, "UNSUPPORTED_API_VERSION")
    for version in ("68.0", "20.0", "62", "x"):
        assert world.call("GET", "limits", version=version).status_code == 404


def test_http_refusals(world):
    """Unknown resources, other methods, content types and bodies are refused in the vendor's form."""
    errors = {
        ("GET", "nothing", None): (404, "NOT_FOUND"),
        ("PUT", "sobjects/Contact", None): (405, "METHOD_NOT_ALLOWED"),
        ("GET", "query", None): (400, "MALFORMED_QUERY"),
        ("POST", "sobjects/Contact", "text/plain"): (415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "sobjects/Contact", "application/json"): (400, "JSON_PARSER_ERROR"),
    }
    for (method, path, kind), wanted in errors.items():
        more = {"data": b"{broken", "headers": {"Content-Type": kind}} if kind else {}
        answer = world.call(method, path, **more)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == wanted, path
    assert world.call("POST", "sobjects/Contact", json=[1]).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert world.soql(f"SELECT Id FROM Contact WHERE LastName = '{'x' * 17_000}'").status_code == 414


def test_limits(world):
    """Every call counts and says so; when the day's budget is spent each is refused, until there is more."""
    before = world.call("GET", "limits")
    used, most = map(int, before.headers["Sforce-Limit-Info"].removeprefix("api-usage=").split("/"))
    assert before.json()["DailyApiRequests"] == {"Max": most, "Remaining": most - used}
    world.control("settings", limit=used + 1)
    assert world.soql("SELECT Id FROM Contact").status_code == 200
    refused = world.soql("SELECT Id FROM Contact")
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert (refused.status_code, refused.json()) == (403, body)
    assert refused.headers["Sforce-Limit-Info"] == f"api-usage={used + 1}/{used + 1}"


def test_an_org_without_api(world):
    """An org without API access, and a user without API Enabled, are refused with 403."""
    world.control("settings", api_enabled=False, edition="Professional Edition")
    answer = world.call("GET", "limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")
    world.control("settings", api_enabled=True)
    assert world.found("SELECT OrganizationType FROM Organization") == [{"OrganizationType": "Professional Edition"}]
    world.control("rights", user=world.org.integration, rights={"ApiEnabled": False})
    assert world.call("GET", "limits").json()[0]["errorCode"] == "API_CURRENTLY_DISABLED"


@pytest.mark.parametrize("offset", [-600, 600])
def test_the_orgs_clock(world, offset):
    """Stamps and the Date header follow the org's own clock."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    world.control("settings", clock_offset=offset)
    answer = world.call("GET", "limits")
    ahead = (parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)).total_seconds()
    assert abs(ahead - offset) < 5
    stamp = world.row("Contact", world.contact())["SystemModstamp"]
    assert abs((datetime.fromisoformat(stamp) - datetime.now(UTC)).total_seconds() - offset) < 5
