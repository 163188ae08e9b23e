"""Email suppressions: read with the people, entered once, ticked, and taken off as they were looked at."""

from __future__ import annotations

import pytest
from connector.core.address import normalise
from connector.core.policy import Policy
from connector.core.restriction import ENTRY, Flag, Ref
from connector.ports.adapter import Status
from connector.ports.crm import EntryRemoval, NewEntry, RecordChange

OLD = ("2011", "2013", "2015")
ANN, BOB = normalise("a+nn@example.com"), normalise("o'bob@example.com")
SINCE = "2026-11-20T01:02:03+00:00"


@pytest.fixture(params=["365", "2016", "2015", "2013", "2011"])
def generation(request):
    """Which server."""
    return request.param


def told(crm, cursor=""):
    """The last word on each row of a whole read, and its cursor."""
    pages = list(crm.changes(cursor))
    return {Ref(entity=r.entity, id=r.id): r for page in pages for r in page.rows}, pages[-1].cursor


def new(address, key="k"):
    """An entry to make."""
    return NewEntry(key=key, address=address, id=key * 32, values={"reason": "unsubscribed", "since": SINCE})


@pytest.mark.requirement("S39", "S40", "S50")
def test_entries_are_read(world):
    """An entry is set while it stands, is found by its address, and is told as clear, or no more, once it was taken off."""
    crm, ann = world.whole(), world.person(ANN)
    entry = world.entry(ANN)
    rows, cursor = told(crm)
    assert rows.keys() == {ann, entry}
    assert (rows[entry].flag, rows[entry].address) == (Flag.SET, ANN)
    assert {Ref(entity=r.entity, id=r.id) for r in crm.look([ANN])} == {ann, entry}
    assert crm.elsewhere([ANN]) == {ANN}
    world.delete(entry)
    if world.generation in OLD:
        assert told(crm)[0].keys() == {ann}
        return
    rows, _ = told(crm, cursor)
    assert rows.keys() == {entry}
    assert (rows[entry].deleted, rows[entry].flag) == (True, Flag.CLEAR)


def test_an_entry_is_no_person(world):
    """Where only an entry has the address, no record has it."""
    crm = world.whole()
    world.entry(ANN)
    assert crm.elsewhere([ANN]) == frozenset()


@pytest.mark.requirement("S49")
def test_an_entry_is_made_once(world):
    """An entry is made with reason and time, once, and one that stands there already is left as it is."""
    crm = world.whole()
    standing = world.entry(BOB.upper(), sc_reason="by hand")
    for _ in range(2):
        first, second = crm.enter([new(ANN, "a"), new(BOB, "b")])
        assert {first.status, second.status} == {Status.DONE}
        assert second.made == str(standing)
    rows = {r["sc_name"]: r for r in world.rows("sc_emailsuppression")}
    assert rows.keys() == {ANN, BOB.upper()}
    made = rows[ANN]
    assert first.made == f"{ENTRY}/{made['sc_emailsuppressionid']}"
    assert (made["sc_reason"], made["sc_since"]) == ("unsubscribed", "2026-11-20T01:02:03Z")
    assert rows[BOB.upper()]["sc_reason"] == "by hand"


def test_many_entries(world):
    """More entries than one call holds are all made, each with its outcome."""
    crm = world.whole()
    people = [normalise(f"p{n}@example.com") for n in range(1005)]
    entries = [NewEntry(key=f"k{n}", address=a, id=f"{n:032x}", values={}) for n, a in enumerate(people)]
    outcomes = list(crm.enter(entries))
    assert [o.key for o in outcomes] == [e.key for e in entries]
    assert {o.status for o in outcomes} == {Status.DONE}
    assert {r["sc_name"] for r in world.rows("sc_emailsuppression")} == set(people)


@pytest.mark.requirement("S45", "S47")
def test_an_entry_is_taken_off(world):
    """An entry goes as it was looked at, its request date written first; one that is gone is done."""
    crm, entry = world.whole(), world.entry(ANN)
    removal = EntryRemoval(key="k", ref=entry, values={"request_date": SINCE})
    crm.look([ANN])
    [outcome] = crm.remove([removal])
    assert outcome.status is Status.DONE
    assert world.rows("sc_emailsuppression") == []
    assert [w["values"] for w in world.environment.writes if "sc_resubscriberequestdate" in str(w)]
    [outcome] = crm.remove([removal])
    assert outcome.status is Status.DONE


@pytest.mark.parametrize("values", [{}, {"request_date": SINCE}])
def test_an_entry_that_changed(world, values):
    """An entry that anybody changed since it was looked at stays, and is looked at again."""
    crm, entry = world.whole(), world.entry(ANN)
    crm.look([ANN])
    world.set(entry, sc_reason="a new one")
    [outcome] = crm.remove([EntryRemoval(key="k", ref=entry, values=values)])
    assert outcome.status is Status.CONFLICT
    assert world.row(entry)["sc_reason"] == "a new one"


@pytest.mark.requirement("S22", "S41", "S42", "S43")
def test_a_tick(world):
    """A saved tick says who saved it and when; it is the record where no permission is demanded, else nobody can tell."""
    crm = world.whole()
    entry, other = world.entry(ANN), world.entry(BOB)
    _, cursor = told(crm)
    world.set(entry, user=world.environment.operator, sc_requestresubscribe=True)
    rows, _ = told(crm, cursor)
    assert rows[entry].box
    ticks = crm.ticks([entry, other])
    assert (ticks[entry].by, ticks[entry].allowed) == ("Operator", True)
    assert ticks[entry].at == rows[entry].changed_at
    assert (ticks[other].by, ticks[other].at, ticks[other].allowed) == ("", None, None)
    strict = world.open(suppressions={}, policy=Policy(permission="Any_Permission"))
    assert strict.ticks([entry])[entry].allowed is None


def test_a_box_is_cleared(world):
    """A box is cleared and a status written on the entry, and the entry stands on."""
    crm, entry = world.whole(), world.entry(ANN, sc_requestresubscribe=True)
    change = RecordChange(key="k", ref=entry, values={"box": False, "status": "refused: no reason"})
    [outcome] = crm.write([change])
    assert outcome.status is Status.DONE
    row = world.row(entry)
    assert (row["sc_requestresubscribe"], row["sc_status"]) == (False, "refused: no reason")


@pytest.mark.requirement("S36", "S47")
def test_the_record_is_told(world):
    """Status, request date, reason and date of a suppression stand on the record."""
    crm, ann = world.whole(), world.person(ANN)
    values = {"status": "resubscribed", "request_date": SINCE, "reason": "unsubscribed", "since": SINCE}
    [outcome] = crm.write([RecordChange(key="k", ref=ann, values=values)])
    assert outcome.status is Status.DONE
    row = world.row(ann)
    assert (row["sc_resubscribestatus"], row["sc_resubscriberequestdate"]) == ("resubscribed", "2026-11-20T01:02:03Z")
    assert (row["sc_suppressionreason"], row["sc_suppressedsince"]) == ("unsubscribed", "2026-11-20T01:02:03Z")


def test_where_there_is_no_list(world):
    """Where the tenant has no list of suppressions, an entry is set aside."""
    crm = world.open()
    removal = EntryRemoval(key="r", ref=Ref(entity=ENTRY, id="1"), values={})
    assert {o.status for o in (*crm.enter([new(ANN)]), *crm.remove([removal]))} == {Status.ASIDE}


@pytest.mark.requirement("S26", "S27", "S28")
@pytest.mark.parametrize(
    ("version", "says"), [("", "not installed"), ("0.9.0.0", "too old"), ("one", "no version")], ids=str
)
def test_a_solution_that_does_not_serve(world, version, says):
    """Nothing is read of an organization whose solution is missing, too old, or of no version."""
    from connector.core.errors import ConfigError

    crm = world.whole(version=version or "1.0.0.0")
    if not version:
        world.control("solution")
    with pytest.raises(ConfigError, match=says):
        list(crm.changes(""))
    assert not any("contacts" in r for r in world.requests())
