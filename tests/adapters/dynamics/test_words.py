"""Dynamics' words and ours, without a wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from connector.adapters.crm.dynamics import mapping
from connector.adapters.crm.dynamics.mapping import url
from connector.adapters.crm.dynamics.records import ENTRY, entries, people
from connector.adapters.crm.dynamics.settings import Settings, Suppressions, TableSettings
from connector.adapters.crm.dynamics.writes import guid
from connector.core.address import normalise
from connector.core.errors import BugError, ConfigError, ConflictError, RejectedError, TransientError
from connector.core.lists import ListStatus, Words
from connector.core.restriction import Access, Flag
from connector.ports.adapter import ListMapping, Status
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

NEWS = ListMapping(name="News", field="sc_news", words=Words(subscribed="true", unsubscribed="false"))
OFFERS = ListMapping(name="Offers", field="sc_offers", words=Words(subscribed="100000000", unsubscribed="100000001"))
TIPS = ListMapping(name="Tips", field="sc_tips", words=Words(subscribed="In", unsubscribed="Out"))
AT = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
ID = "0a0b0c0d-1111-2222-3333-444455556666"


def contact(name="contact", *, null_means_clear=False, **more):
    """A table of people."""
    return people(TableSettings(name=name, **more), (NEWS, OFFERS, TIPS), null_means_clear=null_means_clear)


def row(table, secured=False, **values):
    """A row read."""
    return table.reader(lambda: secured)({table.key: ID, "emailaddress1": "a@b.c", "modifiedon": AT, **values})


@pytest.mark.parametrize(
    ("told", "means"),
    [(True, Flag.SET), (False, Flag.CLEAR), (None, Flag.UNREADABLE), ("false", Flag.UNREADABLE), (0, Flag.UNREADABLE)],
)
def test_a_flag_is_true_or_false_or_unreadable(told, means):
    """Only a clear false is clear; null, and what is no boolean, is unreadable."""
    assert row(contact(), donotbulkemail=told).flag is means


def test_null_means_clear_only_where_it_hides_nothing():
    """A tenant may say that an empty restriction is a clear one; in a secured column, or where none came, it is not."""
    table = contact(null_means_clear=True)
    assert row(table, donotbulkemail=None).flag is Flag.CLEAR
    assert row(table, True, donotbulkemail=None).flag is Flag.UNREADABLE
    assert row(table).flag is Flag.UNREADABLE


def test_a_row_is_told_whole():
    """A record says its id in lower case, its address, its time, its box, and its lists by the tenant's words."""
    table = contact(box="sc_box")
    told = table.reader(lambda: False)(
        {
            "contactid": ID.upper(),
            "emailaddress1": "a@b.c",
            "modifiedon": AT,
            "donotbulkemail": False,
            "sc_box": True,
            "sc_news": True,
            "sc_offers": 100000001,
            "sc_tips": "whatever",
        }
    )
    assert (told.entity, told.id, told.address, told.changed_at, told.box) == ("contact", ID, "a@b.c", AT, True)
    assert told.lists == {
        "News": ListStatus.SUBSCRIBED,
        "Offers": ListStatus.UNSUBSCRIBED,
        "Tips": ListStatus.UNREADABLE,
    }
    assert not told.deleted


@pytest.mark.parametrize(("state", "access"), [(0, Access.WRITABLE), (1, Access.READ_ONLY), (2, Access.READ_ONLY)])
def test_a_closed_lead_is_read_only(state, access):
    """A qualified or disqualified lead is evidence, and takes no writes."""
    assert row(contact("lead"), donotbulkemail=True, statecode=state).access is access


def test_a_merged_record_names_its_winner():
    """A record that was merged is gone, and says into which one, with its flag as it stood."""
    told = row(contact(), donotbulkemail=True, masterid="AAAA0000-1111-2222-3333-444455556666")
    assert told.deleted
    assert told.merged_into == "contact/aaaa0000-1111-2222-3333-444455556666"
    assert told.flag is Flag.SET


def test_an_entry_is_a_restriction_while_it_stands():
    """A row of Email suppressions is set while it is there, whatever stands in it, and clear once it is gone."""
    table = entries(Suppressions())
    told = table.reader(lambda: False)({table.key: ID, "sc_name": "a@b.c", "sc_requestresubscribe": True})
    assert (told.entity, told.flag, told.box) == (ENTRY, Flag.SET, True)
    assert table.gone(ID)[:4] == (ENTRY, ID, "", Flag.CLEAR)
    assert table.gone(ID).deleted


def test_what_is_gone_is_never_clear():
    """Of a deleted person nobody knows the flag."""
    assert contact().gone(ID).flag is Flag.UNREADABLE


def test_values_by_column():
    """Our values are written in the columns that the YAML names, each in its column's kind; others are left out."""
    table = contact(status="", since="sc_since")
    written = table.written(
        {
            "restriction": True,
            "reason": "unsubscribed",
            "since": "2026-11-20T01:02:03.456+00:00",
            "status": "nowhere",
            "list:News": "unsubscribed",
            "list:Offers": "subscribed",
            "list:Tips": "absent",
            "list:Others": "subscribed",
        }
    )
    assert written == {
        "donotbulkemail": True,
        "sc_suppressionreason": "unsubscribed",
        "sc_since": AT,
        "sc_news": False,
        "sc_offers": 100000000,
        "sc_tips": "Out",
    }


def test_a_new_column_reads_from_the_start():
    """Where rows would be read otherwise, an older mark is not gone on from."""
    plain = contact().signature()
    assert contact().signature() == plain
    assert contact(box="sc_box").signature() != plain
    assert contact(null_means_clear=True).signature() != plain
    assert contact(restriction="donotemail").signature() != plain


@pytest.mark.parametrize(
    ("status", "code", "item", "call"),
    [
        (404, "0x80040217", ConflictError, ConfigError),
        (412, "", ConflictError, ConflictError),
        (412, "0x80060882", ConflictError, ConflictError),
        (403, "0x80040220", ConfigError, ConfigError),
        (403, "0x8004f507", ConfigError, ConfigError),
        (400, "0x80040265", RejectedError, BugError),
        (500, "0x80040265", RejectedError, BugError),
        (400, "0x80040230", RejectedError, BugError),
        (400, "0x80041103", RejectedError, ConfigError),
        (400, "0x80060888", RejectedError, ConfigError),
        (429, "0x80072322", TransientError, TransientError),
        (429, "", TransientError, TransientError),
        (400, "0x80044151", TransientError, TransientError),
        (500, "", TransientError, TransientError),
        (400, "0x8fffffff", RejectedError, BugError),
        (418, "", BugError, BugError),
    ],
)
def test_a_refusal_has_a_family(status, code, item, call):
    """The status says what it can, the code the rest; a whole call is never rejected for its own sake."""
    assert mapping.family(status, code, "item") is item
    assert mapping.family(status, code) is call


@pytest.mark.parametrize("status", [400, 404, 410, 412])
def test_a_refused_place_is_left(status):
    """A link that is no longer taken leads back to the start; a right that is missing, or tracking that is off, does not."""
    assert mapping.family(status, mapping.EXPIRED, "place") is ConflictError
    assert mapping.family(status, "", "place") is ConflictError
    assert mapping.family(403, "0x80040220", "place") is ConfigError
    assert mapping.family(429, "0x80072322", "place") is TransientError
    assert mapping.family(400, mapping.TRACKING_OFF, "place") is ConfigError


def test_every_code_ends_an_item():
    """Every code has a family of the five, and so an end for the row that met it."""
    assert {mapping.item_status(400, code) for code in mapping.CODES} == {Status.CONFLICT, Status.LATER, Status.ASIDE}
    assert all(code == code.lower() and len(code) == 10 for code in mapping.CODES)


def test_signed_numbers_are_the_same_codes():
    """A code is known in both of its forms."""
    assert mapping.hex_code(-2147220969) == "0x80040217"
    assert mapping.hex_code("-2147220891") == "0x80040265"
    assert mapping.hex_code("0x80040217") == "0x80040217"
    assert mapping.hex_code("nothing") == ""
    assert mapping.named("0x80040265") == "IsvAborted 0x80040265"


def test_addresses_arrive_as_they_are():
    """A plus, an apostrophe, a percent sign and letters of other scripts stand in a URL so that they arrive."""
    made = url("contacts", {"$filter": "emailaddress1 eq " + mapping.quoted("o'a+b%c&d#é@x.com")})
    assert made == "contacts?$filter=emailaddress1%20eq%20'o''a%2Bb%25c%26d%23%C3%A9%40x.com'"


def test_a_domain_of_another_script_is_asked_for_in_both_forms():
    """A column may hold a domain as letters or as its A-label."""
    assert mapping.spellings(normalise("a@bücher.example")) == ["a@xn--bcher-kva.example", "a@bücher.example"]
    assert mapping.spellings(normalise("a@example.com")) == ["a@example.com"]


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_an_id_is_of_its_words(one, other):
    """The same words give the same GUID, others another one."""
    assert (guid(*one) == guid(*other)) == ("\x1f".join(one) == "\x1f".join(other))
    assert len(guid(*one)) == 36


AUTH = {"kind": "entra_secret", "directory": "d", "client_id": "c", "client_secret": "s"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"generation": "2016"},
        {"auth": {"kind": "ntlm", "username": "D\\u", "password": "p"}},
        {"tables": [{"name": "contact"}, {"name": "contact"}]},
        {"tables": []},
        {"solution": {"minimum": "1.2"}},
        {"generation": "2010"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    """A login of another kind of server, a table twice or none, and a version that is none are mistakes in the YAML."""
    good = {"generation": "365", "url": "https://acme.crm4.dynamics.com", "auth": AUTH}
    Settings(**good)
    with pytest.raises(ValidationError):
        Settings(**good | wrong)
