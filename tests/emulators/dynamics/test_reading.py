"""Reading: addresses, filters, order, pages, what is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest


def test_who_and_which_version(world, old):
    """The connection's own questions are answered, with parentheses or without; the versions are the generations'."""
    assert world.got("WhoAmI")["UserId"] == world.got("WhoAmI()")["UserId"] == world.env.service
    assert world.got("RetrieveVersion()")["Version"].startswith("9.2.")
    assert old.got("RetrieveVersion()")["Version"].startswith("8.2.")
    assert world.got("RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')")


def test_one_row(world):
    """A row has its etag, its key and the columns that were selected; columns that are read-only are there too."""
    id_ = world.contact("a+b@x.com", firstname="Ada")
    answer = world.call("GET", f"contacts({id_})?$select=emailaddress1,donotbulkemail,modifiedon,fullname")
    body = answer.json()
    assert set(body) == {
        "@odata.context",
        "@odata.etag",
        "contactid",
        "emailaddress1",
        "donotbulkemail",
        "modifiedon",
        "fullname",
    }
    assert (body["emailaddress1"], body["donotbulkemail"], body["fullname"]) == ("a+b@x.com", False, "Ada Person")
    assert answer.headers["ETag"] == body["@odata.etag"]
    missing = "00000000-0000-0000-0000-000000000001"
    assert world.code(world.call("GET", f"contacts({missing})")) == (404, "0x80040217")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("emailaddress1 eq 'A+B@x.com'", ["a+b@x.com"]),
        ("emailaddress1 eq 'o''brien@x.com'", ["o'brien@x.com"]),
        ("donotbulkemail eq true", ["o'brien@x.com"]),
        ("donotbulkemail ne true", ["a+b@x.com", "z@x.com", None]),
        ("emailaddress1 eq null", [None]),
        ("emailaddress1 ne null and (firstname eq 'Ada' or firstname eq 'Zoe')", ["a+b@x.com", "z@x.com"]),
        ("not (donotbulkemail eq false)", ["o'brien@x.com"]),
        ("contains(emailaddress1,'brien')", ["o'brien@x.com"]),
        ("startswith(emailaddress1,'%b@')", ["a+b@x.com"]),
        ("endswith(emailaddress1,'X.COM') and firstname gt 'b'", ["z@x.com"]),
        ("modifiedon ge 2001-01-01T00:00:00Z and createdon lt 2001-01-01T00:00:00Z", []),
        ("statecode eq 0 and firstname eq 'Zoe'", ["z@x.com"]),
        ('Microsoft.Dynamics.CRM.In(PropertyName=\'emailaddress1\',PropertyValues=["Z@x.com","q@x.com"])', ["z@x.com"]),
    ],
)
def test_filters(world, where, expected):
    """Text compares without case, ne is true of null, and conditions nest."""
    world.contact("a+b@x.com", firstname="Ada")
    world.contact("o'brien@x.com", donotbulkemail=True)
    world.contact("z@x.com", firstname="Zoe")
    world.contact(None)
    assert world.found("contacts", where) == expected


def test_in_by_aliases(world):
    """In takes its property and its values by parameter aliases, as encoded JSON."""
    for address in ("a+b@x.com", "o'brien@x.com", "z@x.com"):
        world.contact(address)
    values = quote('["a+b@x.com","O\'Brien@x.com"]', safe="")
    where = "$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"
    body = world.got(f"contacts?$select=emailaddress1&{where}&@p1='emailaddress1'&@p2={values}")
    assert [row["emailaddress1"] for row in body["value"]] == ["a+b@x.com", "o'brien@x.com"]
    assert world.code(world.call("GET", f"contacts?{where}&@p1='emailaddress1'")) == (400, "0x80060888")


def test_a_plus_that_is_not_encoded_is_a_space(world):
    """`+` in a query means a space: who does not encode it finds nobody."""
    world.contact("a+b@x.com")
    assert world.got("contacts?$filter=emailaddress1%20eq%20'a+b@x.com'")["value"] == []


@pytest.mark.parametrize(
    "query",
    [
        "$filter=emailaddress1 = 'a'",
        "$filter=emailaddress9 eq 'a'",
        "$filter=modifiedon ge '2026-01-01T00:00:00Z'",
        "$filter=contactid eq '00000000-0000-0000-0000-000000000001'",
        "$filter=donotbulkemail eq 'true'",
        "$filter=donotbulkemail gt false",
        "$filter=emailaddress1 eq a@x.com",
        "$filter=tolower(emailaddress1) eq 'a'",
        "$filter=emailaddress1 in ('a')",
        "$filter=EMailAddress1 eq 'a'",
        "$select=EMailAddress1",
        "$select=ownerid",
        "$orderby=nothing",
        "$skip=1",
        "$top=many",
        "$apply=aggregate(contactid with countdistinct as n)",
        "$expand=parentcustomerid_account",
        "pagesize=2",
        "$select=firstname&$select=lastname",
    ],
)
def test_what_is_unknown_is_refused(world, query):
    """A construct, column, literal or option that the service does not have is a 400, never passed over."""
    assert world.code(world.call("GET", f"contacts?{query}"))[0] == 400


def test_an_unknown_set_and_an_unknown_verb(world):
    """What does not exist is 404, a verb that a resource does not have 405."""
    assert world.code(world.call("GET", "contact")) == (404, "0x8006088a")
    assert world.call("GET", "contacts(1)").status_code == 400
    assert world.call("DELETE", "contacts").status_code == 405
    assert world.call("POST", "WhoAmI", json={}).status_code == 405


def test_pages(world):
    """Each page has at most the preferred size, in the order of keys; links are followed as they are."""
    made = [world.contact(f"n{n}@x.com") for n in range(5)]
    pages = world.pages("contacts?$select=emailaddress1", prefer="odata.maxpagesize=2")
    assert [[row["contactid"] for row in page["value"]] for page in pages] == [made[:2], made[2:4], made[4:]]
    answer = world.call("GET", "contacts", prefer="odata.maxpagesize=2")
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=2"


def test_pages_in_an_order(world):
    """Ordered pages neither lose nor repeat a row when another one moves to the end between them."""
    made = {n: world.contact(f"n{n}@x.com", firstname=f"{n}") for n in range(5)}
    query = "contacts?$select=firstname&$orderby=firstname desc,contactid"
    first = world.got(query, prefer="odata.maxpagesize=2")
    world.control("update", table="contact", id=made[4], values={"firstname": "0"})
    rest = world.pages(first["@odata.nextLink"], prefer="odata.maxpagesize=2")
    names = [row["firstname"] for page in [first, *rest] for row in page["value"]]
    assert names == ["4", "3", "2", "1", "0", "0"]


def test_an_altered_link_is_refused(world):
    """A nextLink with another column, another condition or a broken cookie is a 400."""
    for n in range(3):
        world.contact(f"n{n}@x.com")
    link = world.got("contacts?$select=firstname", prefer="odata.maxpagesize=2")["@odata.nextLink"]
    for altered in (link.replace("firstname", "lastname"), link + "&$filter=firstname eq null", link[:-9]):
        assert world.call("GET", altered).status_code == 400


def test_top_is_void_beside_a_page_size(world):
    """`$top` bounds an answer, but not where a page size is preferred."""
    for n in range(3):
        world.contact(f"n{n}@x.com")
    assert len(world.got("contacts?$top=2")["value"]) == 2
    assert len(world.got("contacts?$top=1", prefer="odata.maxpagesize=2")["value"]) == 2


def test_counts(world):
    """`$count` tells how many rows a condition finds, beside the rows or alone."""
    for n in range(3):
        world.contact(f"n{n}@x.com", donotbulkemail=n > 0)
    assert world.got("contacts?$count=true&$top=1")["@odata.count"] == 3
    assert world.call("GET", "contacts/$count?$filter=donotbulkemail eq true").text == "2"
    total = world.got("RetrieveTotalRecordCount(EntityNames=@p)?@p=['contact']")
    assert total["EntityRecordCountCollection"]["Values"] == [3]


def test_what_8_2_does_not_have(old):
    """On premises there is no RetrieveTotalRecordCount, no v9.2, and no other organization."""
    assert old.call("GET", "RetrieveTotalRecordCount(EntityNames=@p)?@p=['contact']").status_code == 404
    for path in ("/acme/api/data/v9.2/WhoAmI", "/other/api/data/v8.2/WhoAmI", "/api/data/v8.2/WhoAmI"):
        answer = old.call("GET", old.url + path)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (404, "text/html")
    assert old.call("GET", old.url + "/acme/api/data/v8.0/WhoAmI").status_code == 200


def test_annotations(world):
    """Formatted values come for who prefers them."""
    id_ = world.contact(donotbulkemail=True)
    path = f"contacts({id_})?$select=donotbulkemail"
    prefer = 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"'
    found = world.got(path, prefer=prefer)
    assert found["donotbulkemail@OData.Community.Display.V1.FormattedValue"] == "Do Not Allow"
    assert not any("donotbulkemail@" in name for name in world.got(path))


def test_304_while_nothing_changed(world):
    """A row that is asked for by its etag is sent again only once it changed, or with annotations."""
    id_ = world.contact()
    headers = {"If-None-Match": world.etag(f"contacts({id_})")}
    assert world.call("GET", f"contacts({id_})", headers=headers).status_code == 304
    prefer = 'odata.include-annotations="*"'
    assert world.call("GET", f"contacts({id_})", headers=headers, prefer=prefer).status_code == 200
    world.control("update", table="contact", id=id_, values={"firstname": "Ada"})
    assert world.call("GET", f"contacts({id_})", headers=headers).status_code == 200


def test_addresses_that_are_too_long(world, old):
    """365 refuses an address above 32,768 characters; on premises IIS answers a long query with a page of HTML."""
    where = " or ".join(f"emailaddress1 eq 'n{n}@x.com'" for n in range(60))
    assert world.found("contacts", where) == []
    assert world.call("GET", "contacts?$filter=" + "x" * 33_000).status_code == 414
    answer = old.call("GET", f"contacts?$filter={quote(where)}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_the_servers_clock(world):
    """The Date header is the environment's own clock."""
    world.control("settings", clock_offset=365 * 86_400 * 10)
    assert int(world.call("GET", "WhoAmI").headers["Date"].split()[3]) > 2030
