"""Change tracking: everything first, then what changed and what went, until the link is too old."""

from __future__ import annotations

import pytest

TRACK = "odata.track-changes"
QUERY = "contacts?$select=emailaddress1,donotbulkemail"


def start(world) -> str:
    """The delta link of a first reading."""
    return str(world.pages(QUERY, prefer=TRACK)[-1]["@odata.deltaLink"])


def test_everything_first(world):
    """A first reading has all rows page by page; only the last page has the delta link, and the header says it applied."""
    for n in range(3):
        world.contact(f"n{n}@x.com")
    pages = world.pages(QUERY, prefer=f"{TRACK},odata.maxpagesize=2")
    assert [len(page["value"]) for page in pages] == [2, 1]
    assert ["@odata.deltaLink" in page for page in pages] == [False, True]
    assert TRACK in world.call("GET", QUERY, prefer=TRACK).headers["Preference-Applied"]
    assert "Preference-Applied" not in world.call("GET", QUERY).headers


def test_then_only_what_changed(world):
    """A delta has changed rows with their etags, then deleted ones, and a new link; the next is empty."""
    kept, changed, gone = (world.contact(f"{n}@x.com") for n in ("kept", "changed", "gone"))
    link = start(world)
    world.control("update", table="contact", id=changed, values={"donotbulkemail": True})
    world.control("delete", table="contact", id=gone)
    born = world.contact("born@x.com")
    body = world.got(link)
    assert [(row.get("contactid"), row.get("reason")) for row in body["value"]] == [
        (changed, None),
        (born, None),
        (None, "deleted"),
    ]
    assert body["value"][2]["id"] == gone
    assert body["value"][2]["@odata.context"].endswith("$metadata#contacts/$deletedEntity")
    assert body["value"][0]["@odata.etag"] == world.etag(f"contacts({changed})")
    assert world.got(body["@odata.deltaLink"])["value"] == []
    assert kept not in str(body)


def test_a_delta_in_pages(world):
    """Pages of a delta hold each change once, deletions too, and the old link can be read again."""
    made = [world.contact(f"n{n}@x.com") for n in range(6)]
    link = start(world)
    for id_ in made[:3]:
        world.control("update", table="contact", id=id_, values={"firstname": "Ada"})
    for id_ in made[3:]:
        world.control("delete", table="contact", id=id_)
    for _ in range(2):
        pages = world.pages(link, prefer="odata.maxpagesize=2")
        found = [row.get("contactid") or row["id"] for page in pages for row in page["value"]]
        assert found == made
        assert len(pages) == 3


def test_what_changes_while_pages_are_read_comes_with_the_next_delta(world):
    """A row that changes, and one that goes, between two pages of the first reading are told by its delta link."""
    made = [world.contact(f"n{n}@x.com") for n in range(4)]
    first = world.got(QUERY, prefer=f"{TRACK},odata.maxpagesize=2")
    world.control("update", table="contact", id=made[0], values={"donotbulkemail": True})
    world.control("delete", table="contact", id=made[1])
    link = world.pages(first["@odata.nextLink"], prefer=f"{TRACK},odata.maxpagesize=2")[-1]["@odata.deltaLink"]
    assert [row.get("contactid") or row["id"] for row in world.got(link)["value"]] == made[:2]


@pytest.mark.parametrize(
    "option", ["$filter=donotbulkemail eq true", "$orderby=modifiedon", "$top=1", "$expand=ownerid"]
)
def test_options_that_tracking_refuses(world, option):
    """A condition, an order, a bound or an expansion beside tracking is refused by name."""
    answer = world.call("GET", f"contacts?{option}", prefer=TRACK)
    assert answer.status_code == 400
    assert "isn't supported when Change Tracking is enabled" in answer.json()["error"]["message"]


def test_a_table_without_tracking(world):
    """A table whose tracking is off is refused with the code for it."""
    world.control("tracking", contact=False)
    assert world.code(world.call("GET", "contacts", prefer=TRACK)) == (400, "0x80072491")


def test_a_link_expires(world):
    """A link is refused once it is older than the organization allows, and after control made all of them old."""
    link = start(world)
    assert world.got(link)["value"] == []
    world.control("expire_delta")
    assert world.code(world.call("GET", link)) == (400, "0x80044352")
    link = start(world)
    world.control("settings", clock_offset=8 * 86_400)
    world.token = world.signed_in(world.env.service)
    assert world.code(world.call("GET", link)) == (400, "0x80044352")
    world.control("settings", expire_tracking_days=30)
    assert world.got(link)["value"] == []


def test_the_columns_belong_to_the_link(world):
    """A delta link with other columns, or a token that the server never made, is refused."""
    link = start(world)
    assert world.call("GET", link.replace("donotbulkemail", "donotemail")).status_code == 400
    assert world.call("GET", link.replace("$deltatoken=1", "$deltatoken=2")).status_code == 400


def test_tracking_needs_the_whole_organization(world):
    """Who may read only their own rows may read them, and is refused change tracking."""
    world.control("rights", rights={"prvReadContact": "Basic"})
    world.contact()
    assert world.got("contacts")["value"] == []
    assert world.code(world.call("GET", "contacts", prefer=TRACK)) == (403, "0x80040220")


def test_how_many_changed(world):
    """`$count` of a delta token tells how many rows it would bring."""
    gone = world.contact()
    token = start(world).partition("$deltatoken=")[2]
    world.control("delete", table="contact", id=gone)
    world.contact()
    assert world.call("GET", f"contacts/$count?$deltatoken={token}").text == "2"


def test_annotations_cost_the_link_on_premises(old):
    """8.2 loses the delta link beside include-annotations, as reported; without them it is there."""
    assert "@odata.deltaLink" in old.got(QUERY, prefer=TRACK)
    assert "@odata.deltaLink" not in old.got(QUERY, prefer=f'{TRACK},odata.include-annotations="*"')
