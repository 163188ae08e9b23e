"""What is read by the Organization Data Service: pages of 50, by ModifiedOn, swept; odd addresses; what is hidden."""

from __future__ import annotations

import json

import pytest
from connector.core.address import normalise
from connector.core.errors import ConfigError
from connector.core.lists import ListStatus, Words
from connector.core.policy import Policy
from connector.core.restriction import Flag
from connector.ports.adapter import Level, ListMapping, Status
from connector.ports.crm import RecordChange

PLAIN = Policy(permission="")
ANN, BOB = normalise("ann@example.com"), normalise("bob@example.com")


@pytest.fixture(params=["2011", "2013", "2015"])
def generation(request):
    """Which server."""
    return request.param


def told(pages):
    """The addresses of pages."""
    return [row.address for page in pages for row in page.rows]


def test_a_sweep_of_many_pages(world):
    """A read of everything tells everybody once, in pages of 50, and is complete at its end alone."""
    people = [f"p{n:03d}@example.com" for n in range(120)]
    for address in people:
        world.add(address)
    pages = list(world.open().changes(""))
    assert [len(page.rows) for page in pages] == [50, 50, 20, 0]
    assert sorted(told(pages)) == people
    assert [page.complete for page in pages] == [False] * 3 + [True]


def test_whoever_is_changed_while_all_are_read(world):
    """Nobody slips through a read of everything by being changed meanwhile, or because others were deleted."""
    refs = [world.add(f"p{n:03d}@example.com") for n in range(120)]
    pages, crm = [], world.open()
    for page in crm.changes(""):
        if not pages:
            for ref in refs[:10]:
                world.delete(ref)
            for ref in (refs[60], refs[110]):
                world.set(ref, telephone1="1")
        pages.append(page)
    assert set(told(pages)) >= {f"p{n:03d}@example.com" for n in range(10, 120)}


def test_what_changed_is_one_request(world):
    """Where nothing changed one request tells it, once the names of columns are known."""
    crm, ann = world.open(), world.add(ANN)
    world.control("update", table="contact", id=ann.id, values={"telephone1": "1"}, ago=3600)
    cursor = list(crm.changes(""))[-1].cursor
    world.requests(forget=True)
    assert told(crm.changes(cursor)) == []
    assert world.requests() == ["GET ContactSet"]


def test_what_a_long_transaction_stamped(world):
    """A row that is stamped before the last read and seen after it is told: what is asked overlaps by ten minutes."""
    crm = world.open()
    cursor = list(crm.changes(""))[-1].cursor
    ann = world.add(ANN)
    world.control("update", table="contact", id=ann.id, values={"donotbulkemail": True}, ago=500)
    assert ANN in told(crm.changes(cursor))


def test_a_server_whose_clock_goes_wrong(world):
    """The mark is in the server's own time, whatever the machine's says."""
    world.control("settings", clock_offset=-7200)
    crm = world.open()
    cursor = list(crm.changes(""))[-1].cursor
    world.add(ANN)
    assert ANN in told(crm.changes(cursor))
    assert -7210 < crm.clock_offset().total_seconds() < -7190


def test_a_read_that_goes_on_later(world):
    """A read that was cut goes on at its next page, and its mark is of the time when it began."""
    for n in range(60):
        world.add(f"p{n:03d}@example.com")
    crm = world.open()
    first = next(iter(crm.changes("")))
    world.control("settings", clock_offset=7200)
    rest = list(world.open().changes("", first.place))
    assert len(set(told([first, *rest]))) == 60
    world.control("settings", clock_offset=0)
    assert json.loads(rest[-1].cursor)["contact"]["mark"] == json.dumps(json.loads(json.loads(first.place)["at"])[::2])


@pytest.mark.parametrize(
    "address", ["a+b@x.com", "o'brien@x.com", "a&b=c@x.com", "100%@x.com", "a#b@x.com", "x/y?z@x.com"]
)
def test_an_odd_address(world, address):
    """Whatever an address holds, its record and its entry are found, alone, restricted and taken off the list."""
    crm, odd = world.whole(), normalise(address)
    person, _, entry = world.person(odd), world.person(BOB), world.entry(odd)
    assert {(r.entity, r.id) for r in crm.look([odd])} == {(person.entity, person.id), (entry.entity, entry.id)}
    assert crm.elsewhere([odd, ANN]) == {odd}
    [outcome] = crm.write([RecordChange(key="k", ref=person, values={"restriction": True})])
    assert (outcome.status, world.flag(person)) == (Status.DONE, True)


def test_no_question_is_too_long_for_iis(world):
    """Looks at hundreds of long addresses, each with more than a page of records, come through IIS's limit."""
    people = [normalise(f"{'o' * 40}'{n:03d}@example.com") for n in range(100)]
    for _ in range(60):
        world.add(people[0])
    world.add(people[99])
    assert len(world.open().look(people)) == 61


@pytest.mark.parametrize("null_means_clear", [False, True])
def test_a_hidden_restriction_lifts_nobody(world, null_means_clear):
    """Null in a secured column is unreadable, whatever the YAML says of null."""
    from connector.emulators.dynamics.schema import Column

    world.environment.add_column("contact", Column(schema="new_NoBulk", type="Boolean", custom=True))
    ann = world.person(ANN, new_nobulk=True)
    world.control("secure", column="contact.new_nobulk", read=False, update=False)
    bare = dict.fromkeys(("request_date", "status", "reason", "since"), "")
    tables = [{"name": "contact", "restriction": "new_nobulk", **bare}]
    crm = world.open(tables=tables, null_means_clear=null_means_clear)
    [row] = crm.look([ANN])
    assert row.flag is Flag.UNREADABLE
    assert {r.flag for page in crm.changes("") for r in page.rows} == {Flag.UNREADABLE}
    [outcome] = crm.write([RecordChange(key="k", ref=ann, values={"restriction": False})])
    assert outcome.status is Status.ASIDE
    assert world.row(ann)["new_nobulk"] is True
    wrong = [f for f in crm.check() if f.level is Level.ERROR]
    assert any("new_nobulk" in f.what and "secured" in f.found for f in wrong)


def test_null_that_means_clear(world):
    """Null in a column that nobody secured is clear where the YAML says so, and else unreadable."""
    world.person(ANN, donotbulkemail=None)
    assert [r.flag for r in world.open().look([ANN])] == [Flag.UNREADABLE]
    assert [r.flag for r in world.open(null_means_clear=True).look([ANN])] == [Flag.CLEAR]


def test_lists_in_columns_of_each_kind(world):
    """The status of a list is read from and written to a yes/no column, a choice and a text, each in its own form."""
    from connector.emulators.dynamics.schema import choice, flag, text

    labels = {100000000: "Yes", 100000001: "No"}
    for column in (
        flag("new_News", "News"),
        choice("new_Offers", "Picklist", labels, default=None, custom=True),
        text("new_Tips", custom=True),
    ):
        world.environment.add_column("contact", column)
    words = {
        "News": ("new_news", "true", "false"),
        "Offers": ("new_offers", "100000000", "100000001"),
        "Tips": ("new_tips", "Subscribed", "Unsubscribed"),
    }
    lists = tuple(
        ListMapping(name=name, field=field, words=Words(subscribed=yes, unsubscribed=no))
        for name, (field, yes, no) in words.items()
    )
    ann = world.person(ANN, new_news=True, new_offers=100000001, new_tips="Subscribed")
    crm = world.open(lists=lists)
    [row] = crm.look([ANN])
    subscribed, unsubscribed = ListStatus.SUBSCRIBED, ListStatus.UNSUBSCRIBED
    assert row.lists == {"News": subscribed, "Offers": unsubscribed, "Tips": subscribed}
    values = {"list:News": unsubscribed.value, "list:Offers": subscribed.value, "list:Tips": unsubscribed.value}
    [outcome] = crm.write([RecordChange(key="k", ref=ann, values=values)])
    assert outcome.status is Status.DONE, outcome
    held = world.row(ann)
    assert (held["new_news"], held["new_offers"], held["new_tips"]) == (False, 100000000, "Unsubscribed")


def test_a_merged_contact(world):
    """A record that was merged away is told as gone into its winner."""
    ann, bob = world.add(ANN), world.add(BOB)
    world.control("merge", table="contact", winner=ann.id, losers=[bob.id])
    rows = {row.id: row for page in world.open().changes("") for row in page.rows}
    assert (rows[bob.id].deleted, rows[bob.id].merged_into) == (True, f"contact/{ann.id}")


# -- versions, rights -----------------------------------------------------------------------------------------------
@pytest.mark.requirement("S26", "S27", "S28")
@pytest.mark.parametrize(("low", "least"), [(True, False), (False, True)])
def test_the_solution_of_each_generation(world, generation, low, least):
    """The minimum of each generation serves, one build older does not, and the finding names both."""
    minimum = {"2011": "5.0.0.14", "2013": "6.0.1.719", "2015": "7.0.1.721"}[generation]
    *front, last = minimum.split(".")
    version = ".".join([*front, str(int(last) - low)])
    crm = world.whole(version=version)
    [found] = [f for f in crm.check() if f.what.startswith("solution")]
    assert (found.level is Level.OK) is least
    assert minimum in found.found + found.todo
    if low:
        with pytest.raises(ConfigError, match="too old"):
            list(crm.changes(""))


@pytest.mark.requirement("N14")
def test_a_whole_organization(world):
    """Where everything is there, nothing is wrong; `provision` finds nothing missing, and says that it makes nothing."""
    minimum = {"2011": "5.0.0.14", "2013": "6.0.1.719", "2015": "7.0.1.721"}[world.generation]
    crm = world.whole(version=minimum)
    findings = list(crm.check())
    assert [f for f in findings if f.level is not Level.OK] == []
    assert f"Dynamics {world.generation}" in next(f.found for f in findings if f.what == "server")
    assert (crm.makes, list(crm.missing())) == (False, [])


def test_what_is_missing_is_told_by_hand(world):
    """Where nothing of ours is there, the recipe names solution, table and columns."""
    parts = list(world.open(tables=[{"name": "contact"}], suppressions={}, solution={}).missing())
    assert parts[0].name == "solution"
    assert any("sc_emailsuppression" in p.what for p in parts)
    assert any("sc_resubscribestatus" in p.by_hand for p in parts)


def test_a_right_that_is_missing(world):
    """A privilege that the role lacks is named by `check`, and stops a read."""
    world.control("rights", rights={"prvReadContact": "", "prvWriteContact": "Basic"})
    crm = world.open(policy=PLAIN)
    wrong = " ".join(f.found for f in crm.check() if f.level is Level.ERROR)
    assert "prvReadContact" in wrong
    assert "prvWriteContact" in wrong
    with pytest.raises(ConfigError, match="PrivilegeDenied"):
        list(crm.changes(""))


def test_a_user_who_is_none(world):
    """A user who is disabled is a person's to mend."""
    world.control("disable")
    with pytest.raises(ConfigError, match="disabled"):
        world.open().identity()
