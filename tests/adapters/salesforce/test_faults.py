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
    "empty csv": {"kind": "wrong_body", "body": "", "content_type": "text/csv"},
}


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


@pytest.fixture(params=FAULTS)
def fault(request):
    """The kind of fault."""
    return FAULTS[request.param]


def test_reads(world, fault):
    """No read ever tells fewer people, or another flag, and calls itself complete."""
    people = {f"p{n}@example.com": Flag.SET if n % 3 == 0 else Flag.CLEAR for n in range(6)}
    for address, flag in people.items():
        world.person(address, HasOptedOutOfEmail=flag is Flag.SET)
    _, cursor = told(world.open())

    def first(_):
        assert told(world.open())[0] == people

    def later(_):
        assert told(world.open(), cursor)[0] == people

    def look(_):
        rows = world.open().look([normalise(a) for a in people])
        assert {row.address: row.flag for row in rows} == people

    for deed in (first, later, look):
        assert disturbed(world, deed, fault) >= 2


@pytest.mark.parametrize("threshold", [2000, 3])
def test_opt_outs(world, fault, threshold):
    """Whatever is disturbed, each opt-out is written."""
    refs = [world.person(f"p{n}@example.com") for n in range(4)]

    def write(_):
        for ref in refs:
            world.row(ref)["HasOptedOutOfEmail"] = False
        changes = [RecordChange(key=ref.id, ref=ref, values={"restriction": True}) for ref in refs]
        assert {o.status for o in world.open(bulk_threshold=threshold).write(changes)} == {Status.DONE}
        assert all(world.flag(ref) for ref in refs)

    assert disturbed(world, write, fault) >= 2


def test_notes(world, fault):
    """Whatever is disturbed, each note is left once."""
    ann = world.person("ann@example.com")

    def note(number):
        key = f"key{number}"
        [outcome] = world.open().note([NewNote(key=key, ref=ann, title="Told", text=key)])
        assert outcome.status is Status.DONE
        assert world.notes(ann).count(key) == 1

    assert disturbed(world, note, fault) >= 3


def test_new_people(world, fault):
    """Whatever is disturbed, each person is made once."""

    def create(number):
        address = normalise(f"new{number}@example.com")
        [outcome] = world.open().create([NewRecord(key="k", address=address, id="1", values={})])
        assert outcome.status is Status.DONE
        assert world.count(address) == 1

    assert disturbed(world, create, fault) >= 3
