"""Every kind of fault, once at every request of everything the adapter does, and then a healthy server."""

from __future__ import annotations

import pytest
from connector.core.address import normalise
from connector.core.errors import TransientError
from connector.core.restriction import Flag
from connector.ports.adapter import Status
from connector.ports.crm import NewNote, NewRecord, RecordChange

FAULTS = {
    "429": {"kind": "429", "retry_after": 1},
    "503": {"kind": "503"},
    "expired": {"kind": "expired"},
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
    "cut body": {"kind": "cut_body"},
    "proxy": {"kind": "wrong_body"},
    "empty list": {"kind": "wrong_body", "body": "[]", "content_type": "application/json"},
    "empty object": {"kind": "wrong_body", "body": "{}", "content_type": "application/json"},
}


CASES = [
    (server, name) for server in ("365", "2016", "2011") for name in FAULTS if (server, name) != ("2011", "expired")
]
"""Every fault of every wire; a connection that Windows signed in has no token that could expire."""


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    """Which server, and the kind of fault."""
    return request.param


@pytest.fixture
def generation(case):
    """Which server."""
    return case[0]


@pytest.fixture
def fault(case):
    """The kind of fault."""
    return FAULTS[case[1]]


def told(crm, cursor=""):
    """The flags of a whole read, and its cursor."""
    pages = list(crm.changes(cursor))
    assert pages[-1].complete
    return {row.address: row.flag for page in pages for row in page.rows}, pages[-1].cursor


def disturbed(world, deed, fault):
    """Does it with the fault at its first request, then at its second, and so on; how many requests there were.

    Each time it is done at once, or ends in a `TransientError` and is done when the server is well again.
    """
    for number in range(60):
        world.planned().clear()
        world.control("faults", after=number, **fault)
        [planned] = world.planned()
        try:
            deed(number)
        except TransientError:
            assert planned.done
            deed(number)
        if not planned.done:
            return number
    raise AssertionError("a fault at each of sixty requests")


def test_reads(world, fault):
    """No read ever tells fewer people, or another flag, and calls itself complete."""
    people = {f"p{n}@example.com": Flag.SET if n % 3 == 0 else Flag.CLEAR for n in range(6)}
    for address, flag in people.items():
        world.add(address, flag=flag is Flag.SET)
    _, cursor = told(world.open())
    for row in world.rows("contact"):
        world.control("update", table="contact", id=row["contactid"], values={"telephone1": "1"})
    world.control("settings", page=4)

    def first(_):
        assert told(world.open())[0] == people

    def later(_):
        assert told(world.open(), cursor)[0] == people

    def look(_):
        rows = world.open().look([normalise(a) for a in people])
        assert {row.address: row.flag for row in rows} == people

    for deed in (first, later, look):
        assert disturbed(world, deed, fault) >= 2


def test_an_opt_out(world, fault):
    """Whatever is disturbed, an opt-out is written."""
    ann = world.add("ann@example.com")

    def write(_):
        world.change(ann, flag=False)
        [outcome] = world.open().write([RecordChange(key="k", ref=ann, values={"restriction": True})])
        assert outcome.status is Status.DONE
        assert world.flag(ann)

    assert disturbed(world, write, fault) >= 2


def test_a_lift(world, fault):
    """Whatever is disturbed, a lift is done, or told as a conflict and found done by the next look."""
    ann = world.add("ann@example.com", flag=True)

    def lift(_):
        world.change(ann, flag=True)
        crm = world.open()
        crm.look([normalise("ann@example.com")])
        [outcome] = crm.write([RecordChange(key="k", ref=ann, values={"restriction": False})])
        assert outcome.status in (Status.DONE, Status.CONFLICT)
        [row] = crm.look([normalise("ann@example.com")])
        assert (outcome.status is Status.CONFLICT) or row.flag is Flag.CLEAR

    assert disturbed(world, lift, fault) >= 3


@pytest.mark.parametrize("kind_of", ["annotation", "column"])
def test_notes(world, fault, kind_of):
    """Whatever is disturbed, each note is left once."""
    ann = world.add("ann@example.com")

    def note(number):
        key = f"key{number}"
        [outcome] = world.open(notes={"kind": kind_of}).note([NewNote(key=key, ref=ann, title="Told", text=key)])
        assert outcome.status is Status.DONE
        left = "\n".join(world.notes(ann)) + str(world.row(ann)["description"])
        assert left.count(f"{key}" if kind_of == "annotation" else f"[{key}]") == 1

    assert disturbed(world, note, fault) >= 2


def test_new_people(world, fault):
    """Whatever is disturbed, each person is made once."""

    def create(number):
        address = normalise(f"new{number}@example.com")
        [outcome] = world.open().create([NewRecord(key="k", address=address, id=str(number), values={})])
        assert outcome.status is Status.DONE
        assert world.count(address) == 1

    assert disturbed(world, create, fault) >= 3
