"""The Organization Data Service's words and ours, without a wire: rows, dates, filters, envelopes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from connector.adapters.crm.dynamics.organization_calls import question
from connector.adapters.crm.dynamics.organization_reads import _fitting
from connector.adapters.crm.dynamics.organization_rows import Attribute, Entity, literal, version
from connector.adapters.crm.dynamics.organization_service import CORE, NAMES, envelope, fetch
from connector.adapters.crm.dynamics.records import people
from connector.adapters.crm.dynamics.settings import TableSettings
from connector.core.errors import ConfigError
from lxml import etree

KINDS = {
    "ContactId": "Uniqueidentifier",
    "EMailAddress1": "String",
    "DoNotBulkEMail": "Boolean",
    "ModifiedOn": "DateTime",
    "ModifiedBy": "Lookup",
    "MasterId": "Lookup",
    "StateCode": "State",
    "new_Choice": "Picklist",
    "new_Text": "String",
    "VersionNumber": "BigInt",
}
CONTACT = Entity(
    name="contact",
    schema="Contact",
    attributes={n.lower(): Attribute(name=n.lower(), schema=n, kind=kind) for n, kind in KINDS.items()},
)
AT = datetime(2022, 9, 20, 12, 1, 31, tzinfo=UTC)


def user(name):
    """A lookup to a user."""
    kind = {"type": "Microsoft.Crm.Sdk.Data.Services.EntityReference"}
    return {"__metadata": kind, "Id": "0a0b0c0d-1111-2222-3333-444455556666", "LogicalName": "systemuser", "Name": name}


@pytest.mark.parametrize(
    ("name", "said", "read"),
    [
        ("ModifiedOn", "/Date(1663675291000)/", AT),
        ("ModifiedOn", "/Date(1663675291000+0200)/", AT),
        ("ModifiedOn", "/Date(-1000)/", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("StateCode", {"Value": 1}, 1),
        ("new_Choice", {"__metadata": {}, "Value": None}, None),
        ("new_Choice", None, None),
        ("MasterId", user("Ann"), "0a0b0c0d-1111-2222-3333-444455556666"),
        ("ModifiedBy", user("Operator"), "Operator"),
        ("ModifiedBy", user(None), "0a0b0c0d-1111-2222-3333-444455556666"),
        ("DoNotBulkEMail", None, None),
        ("DoNotBulkEMail", False, False),
        ("new_Text", "/Date(1663675291000)/", "/Date(1663675291000)/"),
    ],
)
def test_a_value_as_read(name, said, read):
    """Each value is read by the kind of its column, and null stays null."""
    assert CONTACT.decoded({"__metadata": {}, name: said}, [name.lower()]) == {name.lower(): read}


@pytest.mark.parametrize(
    ("name", "said"),
    [("ModifiedOn", "2022-09-20"), ("ModifiedOn", "/Date()/"), ("StateCode", 1), ("MasterId", {"Name": "Ann"})],
)
def test_a_value_of_another_kind(name, said):
    """A value that is none of its column's kind is refused, and never guessed at."""
    with pytest.raises(ValueError):
        CONTACT.decoded({name: said}, [name.lower()])


@pytest.mark.parametrize(
    ("column", "value", "sent"),
    [
        ("donotbulkemail", True, {"DoNotBulkEMail": True}),
        ("new_choice", 100000001, {"new_Choice": {"Value": 100000001}}),
        ("new_choice", None, {"new_Choice": {"Value": None}}),
        ("new_text", 5, {"new_Text": "5"}),
        ("new_text", True, {"new_Text": "true"}),
        ("new_text", "O'Brien", {"new_Text": "O'Brien"}),
        ("new_text", None, {"new_Text": None}),
        ("modifiedon", AT.astimezone(timezone(timedelta(hours=5))), {"ModifiedOn": "/Date(1663675291000)/"}),
    ],
)
def test_a_value_as_sent(column, value, sent):
    """Each value is sent as its column takes it: a choice in braces, a time in milliseconds, words as text."""
    assert CONTACT.encoded({column: value}) == sent


def test_a_column_that_is_not_there():
    """A column that the organization does not have is the YAML's mistake, by its name."""
    with pytest.raises(ConfigError, match="sc_reason in contact"):
        CONTACT.property("sc_reason")


def test_a_change_in_the_same_second():
    """A row's version tells a change within one second, for it holds the row version and every column that is read."""
    state = CONTACT.state(people(TableSettings(name="contact"), (), null_means_clear=False))
    row = {"modifiedon": AT, "versionnumber": "7", "donotbulkemail": True}
    versions = {version(row | change, state) for change in ({}, {"versionnumber": "8"}, {"donotbulkemail": None})}
    assert len(versions) == 3
    assert version(dict(reversed(row.items())), state) in versions


def test_a_time_in_a_filter():
    """A time in a filter is in UTC, says so, and has whole seconds."""
    assert literal(AT.replace(microsecond=999_999).astimezone(timezone(timedelta(hours=-8)))) == (
        "datetime'2022-09-20T12:01:31Z'"
    )


def test_an_address_in_a_query():
    """What an address may hold arrives: a plus as %2B, an apostrophe doubled by who makes the literal."""
    assert question({"$filter": "EMailAddress1 eq 'a+b&c#d%@x.com'"}) == (
        "$filter=EMailAddress1%20eq%20'a%2Bb%26c%23d%25%40x.com'"
    )


def test_filters_that_fit():
    """Clauses are put into as few filters as there is room for; a clause that fits nowhere stands alone."""
    clauses = ["a eq 1", "b eq 2", "c eq " + "'" * 40, "d eq 4"]
    filters = list(_fitting(clauses, len(question({"": "a eq 1 or b eq 2"}))))
    assert filters == ["a eq 1 or b eq 2", clauses[2], "d eq 4"]
    assert list(_fitting([], 10)) == []


def test_an_envelope():
    """A message goes as the contracts say: its type, its parameters by type, its name last; what is in them is escaped."""
    query = {"a:Query": fetch("solution", ["version"], "uniquename", ["<Ours> & 'co'"])}
    root = etree.fromstring(envelope("RetrieveMultiple", {"Query": ("a:FetchExpression", query)}, CORE))
    request = root.find(".//{*}Execute/{*}request")
    assert request.get(f"{{{NAMES['i']}}}type") == "a:RetrieveMultipleRequest"
    assert [child.tag.rpartition("}")[2] for child in request] == ["Parameters", "RequestId", "RequestName"]
    assert request.findtext("{*}RequestName") == "RetrieveMultiple"
    value = request.find(".//{*}value")
    assert value.get(f"{{{NAMES['i']}}}type") == "a:FetchExpression"
    fetched = etree.fromstring(value.findtext("{*}Query"))
    assert fetched.findtext(".//condition/value") == "<Ours> & 'co'"
    assert fetched.find("entity").get("name") == "solution"
