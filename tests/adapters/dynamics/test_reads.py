"""What is read of an organization: deltas, deletions, expiry, polling, secured columns, odd addresses."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from connector.core.address import normalise
from connector.core.errors import ConfigError, ConflictError
from connector.core.lists import ListStatus, Words
from connector.core.restriction import Access, Flag, Ref
from connector.emulators.dynamics.schema import choice, flag, text
from connector.ports.adapter import ListMapping, Status
from connector.ports.crm import RecordChange

BARE = dict.fromkeys(("request_date", "status", "reason", "since"), "")
N, IN, OUT = 100_000_000, ListStatus.SUBSCRIBED, ListStatus.UNSUBSCRIBED
LISTS = (
    ListMapping(name="News", field="sc_news", words=Words(subscribed="true", unsubscribed="false")),
    ListMapping(name="Offers", field="sc_offers", words=Words(subscribed=f"{N}", unsubscribed=f"{N + 1}")),
    ListMapping(name="Tips", field="sc_tips", words=Words(subscribed="In", unsubscribed="Out")),
)
BOTH = pytest.mark.parametrize("generation", ["365", "2016"])


def told(crm, cursor="", place=""):
    """The last word on each record of a whole read, and its cursor."""
    pages = list(crm.changes(cursor, place))
    assert pages[-1].complete
    return {Ref(entity=r.entity, id=r.id): r for page in pages for r in page.rows}, pages[-1].cursor


def state(world, crm):
    """A cursor that has read everything."""
    return told(crm)[1]


@BOTH
def test_only_what_changed(world):
    """A delta tells the changed records and the deleted ones, and nobody else, in one request a table."""
    crm = world.open()
    ann, bob, cee = (world.add(f"{name}@example.com") for name in ("ann", "bob", "cee"))
    cursor = state(world, crm)
    world.change(ann, flag=True)
    world.delete(bob)
    world.requests(forget=True)
    rows, _ = told(crm, cursor)
    assert rows.keys() == {ann, bob}
    assert (rows[ann].flag, rows[bob].deleted) == (Flag.SET, True)
    assert cee not in rows
    assert world.requests() == ["GET contacts"]


def test_pages_of_everything(world):
    """A first read and a delta of more rows than one page holds tell each of them once."""
    crm = world.open()
    world.control("settings", page=3)
    people = {world.add(f"p{n}@example.com") for n in range(10)}
    rows, cursor = told(crm)
    assert rows.keys() == people
    for ref in people:
        world.change(ref, flag=True)
    changed, _ = told(crm, cursor)
    assert changed.keys() == people
    assert {row.flag for row in changed.values()} == {Flag.SET}


def test_made_and_gone_between(world):
    """A record that was made and deleted between two reads is told as gone, and clear of nobody."""
    crm = world.open()
    cursor = state(world, crm)
    ann = world.add("ann@example.com")
    world.delete(ann)
    rows, _ = told(crm, cursor)
    assert all(row.deleted and row.flag is Flag.UNREADABLE for row in rows.values())


@BOTH
def test_an_expired_mark(world):
    """A delta link that has expired is a conflict, so that the next read begins anew and shows who is gone."""
    crm = world.open()
    ann, bob = world.add("ann@example.com", flag=True), world.add("bob@example.com")
    cursor = state(world, crm)
    world.delete(ann)
    world.control("expire_delta")
    with pytest.raises(ConflictError):
        told(crm, cursor)
    assert told(crm)[0].keys() == {bob}


@pytest.mark.parametrize("spoil", [lambda url: url.replace("deltatoken=", "deltatoken=9"), lambda url: url + "x"])
def test_a_link_that_is_not_taken(world, spoil):
    """Any refusal of a delta link leads back to the start."""
    crm = world.open()
    cursor = json.loads(state(world, crm))
    kind, link = json.loads(cursor["contact"]["mark"])
    cursor["contact"]["mark"] = json.dumps([kind, spoil(link)])
    with pytest.raises(ConflictError):
        told(crm, json.dumps(cursor))


def test_a_link_to_another_host(world):
    """A link is followed on the organization's own host alone, and no token goes elsewhere."""
    crm = world.open()
    cursor = json.loads(state(world, crm))
    cursor["contact"]["mark"] = json.dumps(["tracked", "https://example.com/api/data/v9.2/contacts?$deltatoken=1"])
    with pytest.raises(ConfigError, match="foreign host"):
        told(crm, json.dumps(cursor))


@BOTH
def test_where_tracking_is_off(world):
    """Where a table tracks no changes, what was modified since is read, with an overlap, and deletions are not told."""
    world.control("tracking", contact=False)
    crm = world.open()
    ann, bob = world.add("ann@example.com"), world.add("bob@example.com", flag=True)
    rows, cursor = told(crm)
    assert rows.keys() == {ann, bob}
    assert json.loads(json.loads(cursor)["contact"]["mark"])[0] == "polled"
    old = world.control("create", table="contact", values={"lastname": "Old", "emailaddress1": "old@x.com"}, ago=7200)
    world.change(ann, flag=True)
    rows, _ = told(crm, cursor)
    assert rows[ann].flag is Flag.SET
    assert old["id"] not in {ref.id for ref in rows}


def test_a_polled_read_goes_on(world):
    """A polled read that is cut goes on behind its last page, and its mark is still of its beginning."""
    world.control("tracking", contact=False)
    world.control("settings", page=2)
    people = {world.add(f"p{n}@example.com") for n in range(5)}
    pages = list(world.open().changes(""))
    first = pages[0]
    rest, cursor = told(world.open(), "", first.place)
    assert {Ref(entity=r.entity, id=r.id) for r in first.rows} | rest.keys() == people
    until = json.loads(json.loads(first.place)["at"])[2]
    assert json.loads(json.loads(cursor)["contact"]["mark"]) == ["polled", until]


def test_another_column_reads_from_the_start(world):
    """Where the YAML asks for more of a table, it is read from the start once."""
    ann = world.add("ann@example.com")
    cursor = state(world, world.open())
    other = world.open(tables=[{"name": "contact", "restriction": "donotemail", **BARE}])
    assert told(other, cursor)[0].keys() == {ann}


def test_two_tables(world):
    """Each table has its own mark, and a cut read goes on with the table in hand and those after it."""
    tables = [{"name": name, **BARE} for name in ("contact", "lead")]
    ann, lee = world.person("ann@example.com"), world.person("lee@example.com", "lead", donotbulkemail=True)
    crm = world.open(tables=tables)
    rows, cursor = told(crm)
    assert {ref: row.flag for ref, row in rows.items()} == {ann: Flag.CLEAR, lee: Flag.SET}
    assert json.loads(cursor).keys() == {"contact", "lead"}
    world.set(lee, donotbulkemail=False)
    assert told(crm, cursor)[0].keys() == {lee}


def test_a_secured_restriction(world):
    """A null in a secured column lifts nobody, even where null otherwise means clear."""
    ann = world.add("ann@example.com", flag=True)
    world.hide()
    for null_means_clear in (False, True):
        crm = world.open(null_means_clear=null_means_clear)
        assert told(crm)[0][ann].flag is Flag.UNREADABLE
        [row] = crm.look([normalise("ann@example.com")])
        assert row.flag is Flag.UNREADABLE


def test_a_merged_record(world):
    """Of two merged records the loser is told as gone into the winner, with its flag, and a look no longer finds it."""
    crm = world.open()
    ann, bob = world.add("ann@example.com", flag=True), world.add("bob@example.com")
    cursor = state(world, crm)
    world.control("merge", table="contact", winner=bob.id, losers=[ann.id])
    rows, _ = told(crm, cursor)
    assert (rows[ann].deleted, rows[ann].merged_into, rows[ann].flag) == (True, str(bob), Flag.SET)
    assert not rows[bob].deleted
    assert crm.look([normalise("ann@example.com")]) == []


@pytest.mark.parametrize("kind", ["lead"])
def test_a_qualified_lead(world):
    """A lead that was qualified is read-only from then on."""
    crm = world.open()
    lee = world.add("lee@example.com")
    world.control("qualify", id=lee.id)
    rows, _ = told(crm)
    assert rows[lee].access is Access.READ_ONLY


@BOTH
@pytest.mark.parametrize(
    "address",
    ["a+b@x.com", "o'brien@x.com", "per%cent@x.com", "a&b=c@x.com", "under_score@x.com", "a#b?c@x.com", "müller@x.com"],
)
def test_odd_addresses(world, address):
    """Whatever stands in an address, it is found in the address column and in the others, and alone."""
    other = world.person("else@x.com", emailaddress2=address)
    odd = world.add(address)
    crm = world.open(tables=[{"name": "contact", **BARE}])
    assert [row.id for row in crm.look([normalise(address)])] == [odd.id]
    assert crm.elsewhere([normalise(address)]) == {normalise(address)}
    world.delete(odd)
    assert crm.elsewhere([normalise(address)]) == {normalise(address)}
    world.delete(other)
    assert crm.elsewhere([normalise(address)]) == frozenset()


def test_a_domain_of_another_script(world):
    """A record whose domain stands there in letters is found by its A-label."""
    ann = world.add("ann@bücher.example")
    [row] = world.open().look([normalise("ann@xn--bcher-kva.example")])
    assert row.id == ann.id


@pytest.mark.parametrize("generation", ["2016"])
def test_a_look_fits_the_query(world):
    """No look has a query longer than the 2,048 characters that IIS takes."""
    people = [normalise(f"{'o+' * 20}{n}@example.com") for n in range(100)]
    world.add(people[57])
    assert len(world.open().look(people)) == 1
    queries = [r["query"] for r in world._server.faults.requests if "In(" in unquote(r["query"])]
    assert len(queries) > 1
    assert all(len(query) <= 2048 for query in queries)


def test_an_empty_restriction(world):
    """Null in a column without security is unreadable, or clear where the tenant says so."""
    ann = world.person("ann@example.com", donotbulkemail=None)
    assert told(world.open())[0][ann].flag is Flag.UNREADABLE
    assert told(world.open(null_means_clear=True))[0][ann].flag is Flag.CLEAR


@pytest.mark.requirement("S14", "S15")
@BOTH
def test_lists_in_columns(world):
    """A list's status is read from a yes/no column, a choice and a text, and written there in the column's own kind."""
    columns = (flag("sc_News", default=None), choice("sc_Offers", "Picklist", {N: "In", N + 1: "Out"}, default=None))
    for column in (*columns, text("sc_Tips")):
        world.environment.add_column("contact", column)
    crm = world.open(lists=LISTS)
    ann = world.person("ann@example.com", sc_news=True, sc_offers=N + 1, sc_tips="whatever")
    bob = world.person("bob@example.com")
    rows, _ = told(crm)
    assert rows[ann].lists == {"News": IN, "Offers": OUT, "Tips": ListStatus.UNREADABLE}
    assert set(rows[bob].lists.values()) == {ListStatus.ABSENT}
    values = {"list:News": "unsubscribed", "list:Offers": "subscribed", "list:Tips": "subscribed"}
    [outcome] = crm.write([RecordChange(key="k", ref=bob, values=values)])
    assert outcome.status is Status.DONE
    row = world.row(bob)
    assert (row["sc_news"], row["sc_offers"], row["sc_tips"]) == (False, N, "In")
    assert told(crm)[0][bob].lists == {"News": ListStatus.ABSENT, "Offers": IN, "Tips": IN}
