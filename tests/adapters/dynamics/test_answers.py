"""Single answers that no emulator gives: lies, halves, and refusals in other shapes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
import responses
from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.records import people
from connector.adapters.crm.dynamics.settings import TableSettings
from connector.adapters.crm.dynamics.web_api import WebApi
from connector.adapters.crm.dynamics.wire import Write
from connector.core.errors import BugError, ConfigError, TransientError
from connector.ports.adapter import Status

ORG = "https://acme.crm4.dynamics.com"
API = f"{ORG}/api/data/v9.2"
CONTACTS = re.compile(rf"{API}/contacts.*")
TABLE = people(TableSettings(name="contact"), (), null_means_clear=False)
ID, OTHER = "0a0b0c0d-1111-2222-3333-444455556666", "0a0b0c0d-1111-2222-3333-444455557777"


class Clock:
    """A clock that waits for nobody."""

    def now(self):
        return datetime.now(UTC)

    def monotonic(self):
        return 0.0

    def sleep(self, seconds):
        """Not at all."""

    def random(self):
        return 0.0

    def new_id(self):
        return "1" * 32


@pytest.fixture
def vendor():
    """The vendor's answers, as told."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        who = {"UserId": ID, "OrganizationId": OTHER, "BusinessUnitId": ID}
        mock.get(f"{API}/WhoAmI", json=who, headers={"Date": "Fri, 20 Nov 2026 10:00:00 GMT"})
        yield mock


@pytest.fixture
def org():
    """The organization, signed in."""
    wire = Wire(vendor="Dynamics", base_url=ORG, clock=Clock())
    wire.authorise = lambda: "Bearer token"
    return WebApi(wire, "365")


def refusal(code, message="no"):
    """An error body."""
    return {"error": {"code": code, "message": message}}


def bulk(vendor, *, there=True):
    """Whether the server has UpdateMultiple."""
    rows = [{"sdkmessagefilterid": ID}] if there else []
    vendor.get(re.compile(rf"{API}/sdkmessagefilters.*"), json={"value": rows})


def two():
    """Two opt-outs."""
    return [Write(key=id_, id=id_, values={"donotbulkemail": True}) for id_ in (ID, OTHER)]


def multipart(*parts):
    """A batch's answer."""
    return "".join(f"--b\r\nContent-Type: application/http\r\n\r\n{p}\r\n" for p in parts) + "--b--\r\n"


NO_CONTENT = "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n"
REFUSED = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{json.dumps(refusal('0x80040265'))}"


def test_a_page_without_its_successor(vendor, org):
    """A page that ends without a delta link is no end of a read."""
    applied = {"Preference-Applied": "odata.track-changes"}
    vendor.get(CONTACTS, json={"value": []}, headers=applied)
    with pytest.raises(TransientError, match="not its answer"):
        list(org.changes(TABLE, "", ""))


def test_a_preference_that_was_not_applied(vendor, org):
    """A server that does not say that it tracks is asked by modifiedon, whatever it sends."""
    vendor.get(CONTACTS, json={"value": [], "@odata.deltaLink": f"{API}/contacts?$deltatoken=1"})
    [piece] = org.changes(TABLE, "", "")
    assert json.loads(piece.mark) == ["polled", "2026-11-20T10:00:00Z"]


@pytest.mark.parametrize("status", [200, 404, 400])
def test_a_batch_that_ended_early(vendor, org, status):
    """A batch whose status is its first error's still tells the parts it holds; those it did not come to are for later."""
    bulk(vendor, there=False)
    parts = [NO_CONTENT, REFUSED] if status == 200 else [REFUSED]
    kind = 'multipart/mixed; boundary="b"'
    vendor.post(f"{API}/$batch", body=multipart(*parts), status=status, content_type=kind)
    ended = [result.status for _, result in org.write(TABLE, two())]
    assert ended == ([Status.DONE, Status.ASIDE] if status == 200 else [Status.ASIDE, Status.LATER])


@pytest.mark.parametrize("parts", [[NO_CONTENT], [NO_CONTENT] * 3, ["nonsense", NO_CONTENT]])
def test_a_batch_that_does_not_add_up(vendor, org, parts):
    """A batch that answered well and tells fewer parts, more, or nonsense proves nothing."""
    bulk(vendor, there=False)
    vendor.post(f"{API}/$batch", body=multipart(*parts), content_type="multipart/mixed; boundary=b")
    with pytest.raises(TransientError):
        list(org.write(TABLE, two()))


@pytest.mark.parametrize(("status", "code"), [(500, "0x80044151"), (400, "0x80044150"), (400, "0x80040203")])
def test_a_bulk_call_that_is_too_much(vendor, org, status, code):
    """A bulk call that the database gives up, or that the server refuses, is sent again in a batch."""
    bulk(vendor)
    vendor.post(f"{API}/contacts/Microsoft.Dynamics.CRM.UpdateMultiple", json=refusal(code), status=status)
    vendor.post(f"{API}/$batch", body=multipart(NO_CONTENT, NO_CONTENT), content_type="multipart/mixed; boundary=b")
    assert {result.status for _, result in org.write(TABLE, two())} == {Status.DONE}


def test_bulk_messages_that_may_not_be_asked_for(vendor, org):
    """Who may not ask for bulk messages writes by batches."""
    vendor.get(re.compile(rf"{API}/sdkmessagefilters.*"), json=refusal("0x80040220"), status=403)
    vendor.post(f"{API}/$batch", body=multipart(NO_CONTENT, NO_CONTENT), content_type="multipart/mixed; boundary=b")
    assert {result.status for _, result in org.write(TABLE, two())} == {Status.DONE}


def test_a_row_that_always_times_out(vendor, org):
    """A plug-in that times out for one row is that row's trouble, for later; the others go on."""
    vendor.patch(CONTACTS, json=refusal("0x80044171"), status=500)
    [(_, result)] = org.write(TABLE, two()[:1])
    assert (result.status, "0x80044171" in result.words) == (Status.LATER, True)


@pytest.mark.parametrize("status", [404, 412, 403, 400])
def test_a_page_of_somebody_in_between(vendor, org, status):
    """A refusal that is not in Dynamics' own words proves nothing of the row: it is not gone, and not set aside."""
    vendor.patch(CONTACTS, body="<html>no</html>", status=status, content_type="text/html")
    with pytest.raises(TransientError):
        list(org.write(TABLE, two()[:1]))


@pytest.mark.parametrize(("status", "code", "is_gone"), [(404, "0x80040217", True), (404, "", True)])
def test_an_empty_code(vendor, org, status, code, is_gone):
    """The documents show refusals with an empty code: the status tells then."""
    vendor.get(CONTACTS, json=refusal(code), status=status)
    assert (org.fetch(TABLE, ID, ["contactid"]) is None) is is_gone


def test_a_row_without_its_version(vendor, org):
    """A row that comes without an ETag is no row to be lifted by."""
    vendor.get(CONTACTS, json={"contactid": ID, "donotbulkemail": True})
    with pytest.raises(TransientError):
        org.fetch(TABLE, ID, ["contactid", "donotbulkemail"])


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(400, "0x80060888", ConfigError), (400, "0x80040203", BugError), (403, "0x80040220", ConfigError)],
)
def test_a_look_that_is_refused(vendor, org, status, code, error):
    """A look that names a column which is not there is the YAML's mistake, another one ours, a right a person's."""
    vendor.get(CONTACTS, json=refusal(code), status=status)
    with pytest.raises(error):
        org.look(TABLE, ["ann@example.com"])


def test_no_address_in_the_words(vendor, org):
    """No address that a refusal repeats stands in an error."""
    vendor.get(CONTACTS, json=refusal("0x80040203", "bad ann@example.com and a%40example.com"), status=400)
    with pytest.raises(BugError) as error:
        org.look(TABLE, ["ann@example.com"])
    told = f"{error.value.operator}{error.value.log}{error.value.excerpt}"
    assert "example.com" not in told


def test_a_solution_that_may_not_be_read(vendor, org):
    """Solutions that may not be read are a third answer beside missing and old."""
    vendor.get(re.compile(rf"{API}/solutions.*"), json=refusal("0x80040220"), status=403)
    with pytest.raises(ConfigError):
        org.solution("SuppressionConnector")


def test_the_request_id_is_told(vendor, org):
    """An error names the vendor's own id of the request."""
    headers = {"x-ms-service-request-id": "req-1"}
    vendor.get(re.compile(rf"{API}/solutions.*"), json=refusal("0x80040220"), status=403, headers=headers)
    with pytest.raises(ConfigError) as error:
        org.solution("SuppressionConnector")
    assert error.value.request_id == "req-1"
