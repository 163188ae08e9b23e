"""Salesforce's words and ours, without a wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from connector.adapters.crm.salesforce import mapping
from connector.adapters.crm.salesforce.records import fields_of
from connector.adapters.crm.salesforce.settings import ObjectSettings
from connector.core.errors import BugError, ConfigError, ConflictError, RejectedError, TransientError
from connector.core.lists import ListStatus, Words
from connector.core.restriction import Access, Flag
from connector.ports.adapter import ListMapping, Status
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

BOX = "Resubscribe_Requested__c"
NEWS = ListMapping(name="News", field="News__c", words=Words(subscribed="true", unsubscribed="false"))
OFFERS = ListMapping(name="Offers", field="Offers__c", words=Words(subscribed="In", unsubscribed="Out"))
STAMP = "2026-11-20T01:02:03.456Z"


def contact(**more):
    """A contact's fields."""
    return fields_of(ObjectSettings(name="Contact", **more), (NEWS, OFFERS) if "box" in more else ())


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ("true", Flag.SET),
        (True, Flag.SET),
        ("false", Flag.CLEAR),
        (False, Flag.CLEAR),
        ("", Flag.UNREADABLE),
        (None, Flag.UNREADABLE),
        ("True", Flag.UNREADABLE),
        ("0", Flag.UNREADABLE),
        ("no", Flag.UNREADABLE),
    ],
)
def test_a_flag_is_true_or_false_or_unreadable(told, means):
    """Only a clear false is clear; what is neither true nor false is unreadable, from CSV and from JSON."""
    row = contact().reader(times=False)(["003", "a@b.c", told, "false", "", STAMP])
    assert row.flag is means


def test_null_means_clear_only_where_the_tenant_says_so():
    """A tenant may say that an empty restriction is a clear one; nothing else becomes clear by that."""
    read = fields_of(ObjectSettings(name="Contact"), null_means_clear=True).reader(times=False)
    assert [read(["003", "", told, "false", "", STAMP]).flag for told in ("", None, "maybe")] == [
        Flag.CLEAR,
        Flag.CLEAR,
        Flag.UNREADABLE,
    ]


def test_a_plain_row():
    """A contact without anything special; its time is told only where it is asked for, or where it is gone."""
    read = contact().reader(times=False)
    row = read(["003A", "a@b.c", "false", "false", "", STAMP])
    assert row == ("Contact", "003A", "a@b.c", Flag.CLEAR, None, None, False, "", Access.WRITABLE, False, {})
    assert contact().reader(times=True)(["003A", "", "false", "false", "", STAMP]).changed_at == datetime(
        2026, 11, 20, 1, 2, 3, 456000, UTC
    )
    gone = read(["003A", None, "true", "true", "003B", STAMP])
    assert (gone.address, gone.deleted, gone.merged_into, gone.flag) == ("", True, "Contact/003B", Flag.SET)
    assert gone.changed_at is not None


def test_box_and_lists():
    """The box and each list's field are read by the words of the tenant; a word nobody knows is unreadable."""
    fields = contact(box=BOX)
    assert fields.select()[6:] == [BOX, "News__c", "Offers__c"]
    read = fields.reader(times=False)

    def told(*tail):
        row = read(["003", "a@b.c", "false", "false", "", STAMP, *tail])
        return row.box, row.lists["News"], row.lists["Offers"]

    subscribed, left, absent, unreadable = ListStatus
    assert told("true", "true", "In") == (True, subscribed, subscribed)
    assert told(True, True, "in ") == (True, subscribed, subscribed)
    assert told("false", "false", "Out") == (False, absent, left)
    assert told(False, False, None) == (False, absent, absent)
    assert told("", "", "Perhaps") == (False, absent, unreadable)


def test_many_kinds_of_rows_do_not_fill_the_memory():
    """A text field with a different word for everybody is read as well as one with few."""
    read = contact(box=BOX).reader(times=False)
    rows = [read(["003", "", "false", "false", "", STAMP, "false", "true", f"word {n}"]) for n in range(10_000)]
    assert {row.lists["Offers"] for row in rows} == {ListStatus.UNREADABLE}


def test_a_converted_lead():
    """A converted lead takes no more writes, and says which contact it became; another lead is as a contact is."""
    fields = fields_of(ObjectSettings(name="Lead"))
    assert fields.select()[6:] == ["IsConverted", "ConvertedContactId"]
    read = fields.reader(times=False)
    row = read(["00Q", "a@b.c", "true", "false", "", STAMP, "true", "003C"])
    assert (row.access, row.merged_into, row.flag) == (Access.READ_ONLY, "Contact/003C", Flag.SET)
    lead = read(["00Q", "a@b.c", "true", "false", "", STAMP, False, None])
    assert (lead.access, lead.merged_into) == (Access.WRITABLE, "")


def test_a_person_account_is_one_record():
    """Of a person account's two rows the account's counts; business accounts are nobody."""
    account = fields_of(ObjectSettings(name="Account"), (NEWS,))
    assert account.select()[1:3] == ["PersonEmail", "PersonHasOptedOutOfEmail"]
    assert account.select()[6:] == ["IsPersonAccount", "News__pc"]
    assert account.only() == "IsPersonAccount = true"
    row = ["001", "a@b.c", "false", "false", "", STAMP]
    assert account.reader(times=False)([*row, "true", "true"]).lists == {"News": ListStatus.SUBSCRIBED}
    assert account.reader(times=False)([*row, "false", "true"]) is None
    hidden = fields_of(ObjectSettings(name="Contact"), person_contacts=True)
    assert hidden.only() == "IsPersonAccount = false"
    assert hidden.reader(times=False)([*row, True]) is None


def test_what_is_written():
    """Our names become the tenant's fields; what is mapped to nothing is left out; times are whole seconds in UTC."""
    more = {"box": BOX, "reason": "Reason__c", "since": "Since__c", "status": "Status__c", "request_date": "Asked__c"}
    at = datetime(2026, 11, 26, 23, 30, 1, 999999, timezone(timedelta(hours=-2))).isoformat()
    values = {
        "restriction": True,
        "reason": "unsubscribed",
        "since": at,
        "request_date": at,
        "status": None,
        "box": False,
        "kind": "wish",
        "list:News": "subscribed",
        "list:Offers": "unsubscribed",
        "list:Other": "subscribed",
    }
    assert contact(**more).written(values, frozenset({"Since__c"})) == {
        "HasOptedOutOfEmail": True,
        "Reason__c": "unsubscribed",
        "Since__c": "2026-11-27",
        "Asked__c": "2026-11-27T01:30:01Z",
        "Status__c": None,
        BOX: False,
        "News__c": True,
        "Offers__c": "Out",
    }
    assert contact().written({"reason": "x", "box": True, "list:News": "subscribed"}) == {}


def test_a_signature_changes_with_what_is_read():
    """An older cursor says nothing of a field, or of words, that were added since."""
    plain, boxed = contact(), contact(box=BOX)
    assert plain.signature() == contact().signature()
    other = ListMapping(name="News", field="News__c", words=Words(subscribed="yes", unsubscribed="no"))
    reworded = fields_of(ObjectSettings(name="Contact", box=BOX), (other, OFFERS))
    assert len({plain.signature(), boxed.signature(), reworded.signature()}) == 3


@pytest.mark.parametrize(
    ("header", "used"),
    [
        ("api-usage=18/5000", (18, 5000)),
        ("api-usage=17/250; per-app-api-usage=3/9(appName=sample)", (17, 250)),
        ("per-app-api-usage=3/9(appName=sample); api-usage=17/250", (17, 250)),
        ("api-usage=10018/100000; api-bursts=1/750", (10018, 100000)),
        ("per-app-api-usage=3/9", None),
        ("soon", None),
        ("", None),
    ],
)
def test_the_limit_header(header, used):
    """The org's own count is read, whatever stands beside it."""
    assert mapping.usage({"Sforce-Limit-Info": header}) == used


@pytest.mark.parametrize(
    "text", ["2026-11-20T00:00:01.000+0000", "2026-11-20T00:00:01.000Z", "2026-11-20T02:00:01+02:00"]
)
def test_times(text):
    """REST's and Bulk's ways to write a time are one time."""
    assert mapping.moment(text) == datetime(2026, 11, 20, 0, 0, 1, tzinfo=UTC)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_literals(text):
    """A literal is written as simple-salesforce writes it."""
    assert mapping.literal(text) == format_soql("{}", text)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("UNABLE_TO_LOCK_ROW", Status.LATER),
        ("REQUEST_LIMIT_EXCEEDED", Status.LATER),
        ("ENTITY_IS_DELETED", Status.CONFLICT),
        ("INVALID_CROSS_REFERENCE_KEY", Status.CONFLICT),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Status.ASIDE),
        ("CANNOT_UPDATE_CONVERTED_LEAD", Status.ASIDE),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Status.ASIDE),
        ("A_CODE_OF_NEXT_YEAR", Status.ASIDE),
        ("", Status.ASIDE),
    ],
)
def test_a_refused_row(code, status):
    """A refused row is tried later, looked at again, or set aside; a code nobody knows is set aside, never done."""
    assert mapping.row_status(code) is status


@pytest.mark.parametrize(
    ("code", "http", "where", "family"),
    [
        ("REQUEST_LIMIT_EXCEEDED", 403, {}, TransientError),
        ("TXN_SECURITY_METERING_ERROR", 403, {}, TransientError),
        ("QUERY_TIMEOUT", 400, {}, TransientError),
        ("API_DISABLED_FOR_ORG", 403, {}, ConfigError),
        ("INVALID_FIELD", 400, {}, ConfigError),
        ("INVALID_TYPE", 400, {}, ConfigError),
        ("SOMETHING_NEW", 403, {}, ConfigError),
        ("UNSUPPORTED_API_VERSION", 410, {}, ConfigError),
        ("NOT_FOUND", 404, {}, ConfigError),
        ("NOT_FOUND", 404, {"place": True}, ConflictError),
        ("INVALID_QUERY_LOCATOR", 400, {"place": True}, ConflictError),
        ("InvalidJobState", 400, {"place": True}, ConflictError),
        ("CONFLICT", 409, {"place": True}, ConflictError),
        ("MALFORMED_QUERY", 400, {}, BugError),
        ("SOMETHING_NEW", 400, {}, BugError),
        ("STRING_TOO_LONG", 400, {"row": True}, RejectedError),
        ("INVALID_FIELD", 400, {"row": True}, ConfigError),
    ],
)
def test_a_refused_call(code, http, where, family):
    """A refused call is of one family, by its code, and by what it asked for."""
    assert mapping.call_family(code, http, **{"place": False, "row": False, **where}) is family


def test_a_bulk_error():
    """The error of a bulk row is its code and its words."""
    assert mapping.bulk_error("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --") == (
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [Name]:Name",
    )
