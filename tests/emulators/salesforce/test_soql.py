"""SOQL: what it finds, and what it refuses."""

from __future__ import annotations

import pytest

MALFORMED = "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT * FROM Contact", MALFORMED),
        ("SELECT FROM Contact", MALFORMED),
        ("SELECT Id Email FROM Contact", MALFORMED),
        ("SELECT Id FROM Contact c", MALFORMED),
        ("SELECT Id FROM Contact GROUP BY Id", MALFORMED),
        ("SELECT COUNT(Id) FROM Contact", MALFORMED),
        ("SELECT Id FROM Contact FOR UPDATE", MALFORMED),
        ("SELECT Id FROM Contact ALL ROWS", MALFORMED),
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Contact", MALFORMED),
        ("SELECT FIELDS(ALL) FROM Contact", MALFORMED),
        ("SELECT Id FROM Contact LIMIT 1 WHERE Id = null", MALFORMED),
        ("SELECT Id FROM Contact LIMIT -1", MALFORMED),
        ("SELECT Id FROM Contact; DROP", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName == 'a'", MALFORMED),
        ('SELECT Id FROM Contact WHERE LastName = "a"', MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'O'Brien'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'a\\q'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'a\\u12'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'a\\%'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = '" + "x" * 4001 + "'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName IN ()", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'a' AND Email = 'b' OR Email = 'c'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName = 'a' AND NOT Email = 'b'", MALFORMED),
        ("SELECT Id FROM Contact WHERE LastName NOT LIKE 'a'", MALFORMED),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01T00:00:00", MALFORMED),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-13-01T00:00:00Z", MALFORMED),
        ("SELECT Id FROM Contact WHERE CreatedDate = TODAY", MALFORMED),
        ("SELECT Id FROM Contact WHERE Id IN (SELECT WhoId FROM Task ORDER BY Id)", MALFORMED),
        ("SELECT Id FROM Contact WHERE Email = null OR Id IN (SELECT WhoId FROM Task)", MALFORMED),
        ("SELECT Id FROM Contact WHERE Id IN (SELECT WhoId FROM Task WHERE WhoId IN (SELECT Id FROM Lead))", MALFORMED),
        ("SELECT Id FROM Contact ORDER BY Suppression_Notes__c", MALFORMED),
        ("SELECT Id FROM ContentDocumentLink", MALFORMED),
        ("SELECT Id FROM ContentDocumentLink WHERE ShareType = 'V'", MALFORMED),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Nothing", "INVALID_FIELD"),
        ("SELECT Nothing.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT PersonEmail FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE LastName = true", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Task WHERE ActivityDate > 2026-01-01T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail > true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE MailingAddress = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Task WHERE Description = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM ContactHistory WHERE NewValue = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
def test_what_is_refused(world, soql, code):
    """What Salesforce refuses in a query is refused with its code, as a list of one error."""
    answer = world.soql(soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_refusal_says_where(world):
    """A malformed query is told with row, column and the unexpected token; an unknown field by its name."""
    words = world.soql("SELECT Id FROM Contact\nGROUP BY Id").json()[0]["message"]
    assert "ERROR at Row:2:Column:1" in words
    assert "unexpected token: 'GROUP'" in words
    assert "No such column 'Nope' on entity 'Contact'" in world.soql("SELECT Nope FROM Contact").json()[0]["message"]


@pytest.fixture
def town(world) -> dict[str, str]:
    """Five contacts and what they are found by; the last of them is deleted."""
    made = {
        "ann": world.contact(LastName="O'Brien", Email="Ann@X.test", HasOptedOutOfEmail=True),
        "bob": world.contact(LastName="b_b", Email="bob@x.test", Title="50% off"),
        "cat": world.contact(LastName="back\\slash", FirstName="Cat"),
        "dan": world.contact(LastName="Zoë", Email="dan@y.test"),
        "eve": world.contact(LastName="Eve", Email="eve@x.test"),
    }
    world.control("delete", object="Contact", id=made["eve"])
    return made


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'ann@x.TEST'", "ann"),
        ("email in ('ANN@x.test', 'bob@x.test', 'eve@x.test')", "ann bob"),
        ("Email NOT IN ('ann@x.test')", "bob cat dan"),
        ("Email != 'ann@x.test'", "bob cat dan"),
        ("Email <> null", "ann bob dan"),
        ("Email = ''", "cat"),
        ("Email LIKE '%@X.test'", "ann bob"),
        ("LastName LIKE 'b\\_b'", "bob"),
        ("LastName LIKE '_\\_b'", "bob"),
        ("LastName LIKE 'b%'", "bob cat"),
        ("Title LIKE '50\\%%'", "bob"),
        ("LastName LIKE 'back\\\\slash'", "cat"),
        ("LastName = 'back\\\\slash'", "cat"),
        ("LastName = 'o\\'brien'", "ann"),
        ("LastName = 'Zo\\u00eb'", "dan"),
        ("LastName > 'c'", "ann dan"),
        ("LastName >= 'b_b' AND LastName <= 'back\\\\slash'", "bob cat"),
        ("HasOptedOutOfEmail = TRUE", "ann"),
        ("HasOptedOutOfEmail = false AND Email != null", "bob dan"),
        ("NOT Email = null", "ann bob dan"),
        ("(NOT (Email = null OR HasOptedOutOfEmail = true))", "bob dan"),
        ("HasOptedOutOfEmail = true OR (Email = null AND FirstName = 'cat')", "ann cat"),
        ("CreatedDate > 2020-01-01T00:00:00Z AND CreatedDate < 2100-01-01T00:00:00.000+02:00", "ann bob cat dan"),
        ("SystemModstamp >= 2100-01-01T00:00:00Z", ""),
        ("Owner.Username = 'ADMIN@example.com' AND Email != null", "ann bob dan"),
        ("CreatedBy.Profile.Name = 'Standard User'", ""),
        ("Id IN (SELECT WhoId FROM Task WHERE Subject = 'call')", "dan"),
        ("Id NOT IN (SELECT WhoId FROM Task)", "ann bob cat"),
        ("Name = 'cat BACK\\\\slash'", "cat"),
    ],
)
def test_what_is_found(world, town, where, found):
    """Text compares without case, null by the documented rules, parents and semi-joins work, deleted rows stay away."""
    world.control("create", object="Task", values={"WhoId": town["dan"], "Subject": "Call"})
    rows = world.found(f"SELECT Id FROM Contact WHERE {where}")
    names = {id_: name for name, id_ in town.items()}
    assert sorted(names[row["Id"]] for row in rows) == found.split()


def test_ids_of_fifteen_characters_match(world):
    """An id filters in its short form, and answers come in the long one."""
    id_ = world.contact()
    assert world.found(f"SELECT Id FROM Contact WHERE Id = '{id_[:15]}'") == [{"Id": id_}]
    assert world.found(f"SELECT Id FROM Contact WHERE Id IN ('{id_[:15]}', '{id_}')") == [{"Id": id_}]


def test_order_limit_and_offset(world, town):
    """Rows are sorted by several fields, nulls first or last, and cut to size."""
    names = lambda rest: [r["Email"] for r in world.found(f"SELECT Email FROM Contact {rest}")]  # noqa: E731  # short
    ann, bob, dan = "Ann@X.test", "bob@x.test", "dan@y.test"
    assert names("ORDER BY Email") == [None, ann, bob, dan]
    assert names("ORDER BY Email ASC NULLS LAST") == [ann, bob, dan, None]
    assert names("ORDER BY Email DESC") == [None, dan, bob, ann]
    assert names("ORDER BY Email DESC NULLS LAST LIMIT 2 OFFSET 1") == [bob, ann]
    assert names("ORDER BY HasOptedOutOfEmail DESC, Id DESC LIMIT 2") == [ann, dan]
    assert names("ORDER BY SystemModstamp, Id") == [ann, bob, None, dan]


def test_count(world, town):
    """COUNT() answers with a number alone."""
    assert world.soql("SELECT COUNT() FROM Contact").json() == {"totalSize": 4, "done": True, "records": []}
    assert world.soql("SELECT count() FROM Contact WHERE IsDeleted = true", everything=True).json()["totalSize"] == 1


def test_parents_stand_in_their_own_object(world, town):
    """A dotted field is nested with its attributes, and null where there is no parent."""
    soql = f"SELECT Id, Owner.Username, Account.Name FROM Contact WHERE Id = '{town['ann']}'"
    (row,) = world.soql(soql).json()["records"]
    assert row["Owner"] == {"attributes": {"type": "Owner"}, "Username": "admin@example.com"}
    assert row["Account"] is None
    assert row["attributes"] == {
        "type": "Contact",
        "url": f"/services/data/v62.0/sobjects/Contact/{town['ann']}",
    }


def test_times_come_as_rest_writes_them(world, town):
    """A time has milliseconds and +0000, and names come as the org spells them."""
    (row,) = world.found(f"SELECT systemmodstamp FROM contact WHERE id = '{town['ann']}'")
    assert row["SystemModstamp"].endswith("+0000")


def test_deltas_by_keyset(world):
    """A keyset over (SystemModstamp, Id) walks every row once, in order."""
    ids = [world.contact() for _ in range(7)]
    seen: list[str] = []
    where = "SystemModstamp >= 2020-01-01T00:00:00Z"
    while True:
        soql = f"SELECT Id, SystemModstamp FROM Contact WHERE {where} ORDER BY SystemModstamp, Id LIMIT 3"
        rows = world.found(soql)
        if not rows:
            break
        seen += [row["Id"] for row in rows]
        stamp, last = rows[-1]["SystemModstamp"], rows[-1]["Id"]
        where = f"SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{last}')"
    assert seen == ids
