"""Single answers of the Organization Service and Data Service that no emulator gives: lies, halves, and other shapes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import requests
import responses
from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.organization_data import OrganizationData
from connector.adapters.crm.dynamics.organization_service import ENDPOINT
from connector.adapters.crm.dynamics.records import people
from connector.adapters.crm.dynamics.settings import TableSettings
from connector.adapters.crm.dynamics.wire import Write
from connector.core.errors import BugError, ConfigError, ConflictError, TransientError
from connector.ports.adapter import Status

ORG = "https://crm.example.com/Acme"
DATA = f"{ORG}/XRMServices/2011/OrganizationData.svc"
SETS = re.compile(rf"{DATA}/.*")
BARE = dict.fromkeys(("request_date", "status", "reason", "since"), "")
TABLE = people(TableSettings(name="contact", **BARE), (), null_means_clear=False)
ID, OTHER = "0a0b0c0d-1111-2222-3333-444455556666", "0a0b0c0d-1111-2222-3333-444455557777"
XML = "text/xml; charset=utf-8"
KINDS = {
    "ContactId": "Uniqueidentifier",
    "EMailAddress1": "String",
    "DoNotBulkEMail": "Boolean",
    "ModifiedOn": "DateTime",
    "MasterId": "Lookup",
    "VersionNumber": "BigInt",
}


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


def body(inside):
    """A SOAP answer."""
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inside}</s:Body></s:Envelope>'


def results(**by_key):
    """The answer to one message."""
    pairs = "".join(
        f'<a:KeyValuePairOfstringanyType><c:key>{k}</c:key><c:value i:type="d:string">{v}</c:value></a:KeyValuePairOfstringanyType>'
        for k, v in by_key.items()
    )
    return body(
        '<ExecuteResponse xmlns="http://schemas.microsoft.com/xrm/2011/Contracts/Services"'
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ExecuteResult'
        ' xmlns:a="http://schemas.microsoft.com/xrm/2011/Contracts" xmlns:d="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:c="http://schemas.datacontract.org/2004/07/System.Collections.Generic">'
        f"<a:ResponseName>X</a:ResponseName><a:Results>{pairs}</a:Results></ExecuteResult></ExecuteResponse>"
    )


def fault(code, message="no"):
    """A refusal of one message."""
    return body(
        "<s:Fault><faultcode>s:Client</faultcode><faultstring>said otherwise</faultstring><detail>"
        '<OrganizationServiceFault xmlns="http://schemas.microsoft.com/xrm/2011/Contracts">'
        f"<ErrorCode>{code}</ErrorCode><Message>{message}</Message><Timestamp/><InnerFault><ErrorCode>0</ErrorCode>"
        "</InnerFault></OrganizationServiceFault></detail></s:Fault>"
    )


def refusal(code, message="no"):
    """An error body of the Data Service."""
    return {"error": {"code": code, "message": {"lang": "en-US", "value": message}}}


def row(**values):
    """A contact."""
    plain = {"ContactId": ID, "EMailAddress1": "ann@example.com", "DoNotBulkEMail": True, "MasterId": None}
    return plain | {"ModifiedOn": "/Date(1663675291000)/", "VersionNumber": "7"} | values


def page(*rows, link=""):
    """A page."""
    return {"d": {"results": list(rows)} | ({"__next": link} if link else {})}


ATTRIBUTES = "".join(
    f"<AttributeMetadata><AttributeType>{kind}</AttributeType><LogicalName>{name.lower()}</LogicalName>"
    f"<SchemaName>{name}</SchemaName><IsValidForRead>true</IsValidForRead></AttributeMetadata>"
    for name, kind in KINDS.items()
)
METADATA = results(EntityMetadata=f"<Attributes>{ATTRIBUTES}</Attributes><SchemaName>Contact</SchemaName>")
WHO = results(UserId=ID, OrganizationId=OTHER)
DATE = {"Date": "Fri, 20 Nov 2026 10:00:00 GMT"}


@pytest.fixture
def vendor():
    """The vendor's answers, as told."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:

        def soap(request):
            name = re.search(rb"<a:RequestName>(\w+)<", request.body)[1]
            return (200, DATE, {b"WhoAmI": WHO, b"RetrieveEntity": METADATA}[name])

        mock.add_callback("POST", f"{ORG}/{ENDPOINT}", soap, content_type=XML)
        yield mock


@pytest.fixture
def org():
    """The organization, signed in."""
    return OrganizationData(Wire(vendor="Dynamics", base_url=ORG, clock=Clock()))


@pytest.fixture
def soap(vendor):
    """Answers every message so."""

    def answer(text, status=200, kind=XML):
        vendor.replace("POST", f"{ORG}/{ENDPOINT}", body=text, status=status, content_type=kind)

    return answer


# -- SOAP -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("-2147220960", ConfigError),  # 0x80040220
        ("-2147180284", ConfigError),  # 0x8004a104, the organization is disabled
        ("-2147220989", BugError),  # 0x80040203
        ("-2147204783", TransientError),  # 0x80044151
        ("0", TransientError),
        ("", TransientError),
    ],
)
def test_a_fault_by_its_code(soap, org, code, error):
    """A fault is one of the five families by its signed code, whatever its text says; an unknown one is for later."""
    soap(fault(code), status=500)
    with pytest.raises(error) as caught:
        org.version()
    assert caught.value.status == 500


def test_a_fault_of_the_transport(soap, org):
    """A fault that the server did not word itself is for later."""
    soap(
        body("<s:Fault><faultcode>s:Server</faultcode><faultstring>internal error</faultstring></s:Fault>"), status=500
    )
    with pytest.raises(TransientError, match="internal error"):
        org.version()


def test_no_address_in_a_fault(soap, org):
    """No address that a fault repeats stands in an error."""
    soap(fault("-2147220989", "bad ann@example.com"), status=500)
    with pytest.raises(BugError) as error:
        org.version()
    assert "example.com" not in f"{error.value.operator}{error.value.log}{error.value.excerpt}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<html>sign in</html>", "text/html"),
        (METADATA[: len(METADATA) // 2], XML),
        (body(""), XML),
        (results(), XML),
        ("", XML),
    ],
    ids=["page", "half", "empty body", "no results", "nothing"],
)
def test_an_answer_that_is_none(soap, org, text, kind):
    """What is not a whole answer to the message is for later, and is never read as empty."""
    soap(text, kind=kind)
    with pytest.raises(TransientError, match="not its answer"):
        org.version()
    with pytest.raises(TransientError, match="not its answer"):
        org.describe(TABLE)
    with pytest.raises(TransientError, match="not its answer"):
        org.solution("SuppressionConnector")


def test_a_document_that_names_files(soap, org):
    """A document with a DTD is read by nobody: no entity in it is resolved, no file opened."""
    soap('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + results(Version="&e;"))
    with pytest.raises(TransientError, match="not its answer"):
        org.version()


def test_no_organization_there(soap, org):
    """A URL behind which there is no such service is the YAML's mistake."""
    soap("<html>404</html>", status=404, kind="text/html")
    with pytest.raises(ConfigError, match=r"crm\.url"):
        org.organization()


def test_a_table_that_is_not_there(soap, org):
    """A table that the organization does not know is no description, and no error."""
    soap(fault("-2147220969"), status=500)
    assert org.describe(TABLE) is None


def test_rights_on_columns_that_may_not_be_read(vendor, org):
    """Where the rights on a secured column are not told, it counts as one that may not be read."""
    secured = METADATA.replace(
        "</SchemaName><IsValidForRead>", "</SchemaName><IsSecured>true</IsSecured><IsValidForRead>"
    )

    def soap(request):
        if b">RetrieveEntity<" in request.body:
            return (200, DATE, secured)
        return (200, DATE, WHO) if b">WhoAmI<" in request.body else (500, DATE, fault("-2147220960"))

    vendor.remove("POST", f"{ORG}/{ENDPOINT}")
    vendor.add_callback("POST", f"{ORG}/{ENDPOINT}", soap, content_type=XML)
    column = org.describe(TABLE).columns["donotbulkemail"]
    assert (column.secured, column.readable, column.updatable) == (True, False, False)


# -- reading --------------------------------------------------------------------------------------------------------
def test_a_page_that_is_not_there_for_iis(vendor, org):
    """IIS's own page for a question that it does not take is no word on a record: nobody is gone by it."""
    vendor.get(SETS, body="<html>404</html>", status=404, content_type="text/html")
    for ask in (lambda: org.fetch(TABLE, ID, []), lambda: org.look(TABLE, ["ann@example.com"])):
        with pytest.raises(TransientError):
            ask()
    vendor.post(SETS, body="<html>404</html>", status=404, content_type="text/html")
    with pytest.raises(TransientError):
        list(org.write(TABLE, [Write(key="k", id=ID, values={"donotbulkemail": True})]))


def test_no_question_is_too_long(vendor, org):
    """However many and long the addresses, no query is longer than IIS takes, with room for the link to the next page."""
    asked = []

    def answer(request):
        asked.append(request.url.partition("?")[2])
        return (200, {"Content-Type": "application/json"}, '{"d": {"results": []}}')

    vendor.add_callback("GET", SETS, answer, content_type="application/json")
    people = [f"{'x' * n}'+%{n}@{'example.' * 20}com" for n in range(60)]
    org.look(TABLE, people)
    assert sum(query.count("%20eq%20") for query in asked) == 60
    assert max(map(len, asked)) <= 1500


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"d": []},
        {"d": {}},
        {"d": {"results": [{}]}},
        page(row(ModifiedOn="yesterday")),
        page(row(MasterId="a name")),
        page(row(), link="https://crm.example.com/Acme/XRMServices/2011/OrganizationData.svc/LeadSet?$skiptoken=1"),
        page(row(), link="https://crm.example.com/"),
    ],
    ids=str,
)
def test_a_page_that_is_none(vendor, org, answer):
    """A page, a row or a link that is not what was asked for ends the read, and it is not complete."""
    vendor.get(SETS, json=answer)
    with pytest.raises(TransientError, match="not its answer"):
        list(org.changes(TABLE, "", ""))


def test_a_server_of_another_name(vendor, org):
    """A link in which the server calls itself by another name is followed on the tenant's own host."""
    inside = "http://crmserver/Acme/XRMServices/2011/OrganizationData.svc/ContactSet?$skiptoken=1,'a'"
    vendor.get(f"{DATA}/ContactSet", json=page(row(), link=inside))
    vendor.get(f"{DATA}/ContactSet?$skiptoken=1,'a'", json=page(row(ContactId=OTHER)))
    pieces = list(org.changes(TABLE, "", ""))
    assert [r["contactid"] for piece in pieces for r in piece.rows] == [ID, OTHER]
    assert (pieces[0].mark, pieces[-1].place) == ("", "")


@pytest.mark.parametrize(("status", "code"), [(400, ""), (404, "-2147220969"), (500, "-2147220989")])
def test_a_place_that_is_refused(vendor, org, status, code):
    """A place that the server no longer takes, for whatever reason, leads back to the start."""
    vendor.get(SETS, json=refusal(code), status=status)
    with pytest.raises(ConflictError):
        list(org.changes(TABLE, "", '["organization", "$skiptoken=1", "2026-11-20T10:00:00+00:00"]'))


def test_a_column_that_is_missing(vendor, org):
    """A column that the YAML names and the organization lacks is a person's to mend, and nothing is read without it."""
    table = people(TableSettings(name="contact", restriction="sc_nobulk", **BARE), (), null_means_clear=False)
    with pytest.raises(ConfigError, match="sc_nobulk"):
        list(org.changes(table, "", ""))


# -- writing --------------------------------------------------------------------------------------------------------
def test_a_plug_in_that_times_out(vendor, org):
    """A plug-in that times out for one row is that row's trouble, for later."""
    vendor.post(SETS, json=refusal("-2147204751"), status=500)  # 0x80044171
    [(_, result)] = org.write(TABLE, [Write(key="k", id=ID, values={"donotbulkemail": True})])
    assert (result.status, "0x80044171" in result.words) == (Status.LATER, True)


def test_a_column_that_cannot_be_written(vendor, org):
    """A row with a column that the organization lacks is set aside, and nothing of it is sent."""
    [(_, result)] = org.write(TABLE, [Write(key="k", id=ID, values={"sc_reason": "why"})])
    assert (result.status, "sc_reason" in result.words) == (Status.ASIDE, True)
    [(_, result)] = org.insert(TABLE, [Write(key="k", id=ID, values={"sc_reason": "why"})])
    assert result.status is Status.ASIDE
    assert not any(DATA in call.request.url for call in vendor.calls)


def test_a_lift_that_is_lost(vendor, org):
    """A lift whose answer is lost is not sent again: what came in between would be written over."""
    vendor.get(SETS, json=page(row()))
    sent = vendor.post(SETS, body=requests.exceptions.ConnectionError("lost"))
    [seen] = org.look(TABLE, ["ann@example.com"])
    with pytest.raises(TransientError):
        org.update(TABLE, ID, {"donotbulkemail": False}, seen.version)
    assert sent.call_count == 1


def test_an_opt_out_that_is_lost(vendor, org):
    """An opt-out whose answer is lost is sent again, for twice is as good as once."""
    vendor.post(SETS, body=requests.exceptions.ConnectionError("lost"))
    vendor.post(SETS, status=204)
    [(_, result)] = org.write(TABLE, [Write(key="k", id=ID, values={"donotbulkemail": True})])
    assert result.status is Status.DONE


def test_nobody_else_is_let_go(vendor, org):
    """Whose record got another address between look and lift is stopped again, and looked at again."""
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page(row(EMailAddress1="bob@example.com", DoNotBulkEMail=False, VersionNumber="9")))
    merged = vendor.post(f"{DATA}/ContactSet(guid'{ID}')", status=204)
    [seen] = org.look(TABLE, ["ann@example.com"])
    assert org.update(TABLE, ID, {"donotbulkemail": False}, seen.version).status is Status.CONFLICT
    assert [call.request.body for call in merged.calls] == [b'{"DoNotBulkEMail":false}', b'{"DoNotBulkEMail":true}']
    assert {call.request.headers["X-HTTP-Method"] for call in merged.calls} == {"MERGE"}


def test_who_is_stopped_again_at_once(vendor, org):
    """A restriction that stands again when the lift is looked at stays, and is looked at again."""
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page(row(VersionNumber="9")))
    merged = vendor.post(SETS, status=204)
    [seen] = org.look(TABLE, ["ann@example.com"])
    assert org.update(TABLE, ID, {"donotbulkemail": False}, seen.version).status is Status.CONFLICT
    assert merged.call_count == 1


@pytest.mark.parametrize(
    ("code", "status"), [("-2147220937", Status.DONE), ("-2147220685", Status.CONFLICT), ("-2147220989", Status.ASIDE)]
)
def test_a_row_that_is_there(vendor, org, code, status):
    """A row under our id that stands there already is made; one that only looks like another is not."""
    vendor.post(SETS, json=refusal(code), status=500)
    [(_, result)] = org.insert(TABLE, [Write(key="k", id=ID, values={"emailaddress1": "ann@example.com"})])
    assert result.status is status


def test_a_deletion_that_somebody_did(vendor, org):
    """A row that somebody deleted in between is gone, as it should be; one that only cannot be found there is not."""
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page(row()))
    vendor.get(SETS, json=page())
    vendor.delete(SETS, json=refusal("-2147220969"), status=404)
    [seen] = org.look(TABLE, ["ann@example.com"])
    assert org.delete(TABLE, ID, seen.version).status is Status.DONE
