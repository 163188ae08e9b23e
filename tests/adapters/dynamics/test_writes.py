"""What is written to an organization: opt-outs, lifts by their version, people, notes."""

from __future__ import annotations

import pytest
from connector.core.address import normalise
from connector.core.errors import TransientError
from connector.core.restriction import Flag, Ref
from connector.ports.adapter import Status
from connector.ports.crm import NewNote, NewRecord, RecordChange

ALL = pytest.mark.parametrize("generation", ["365", "2016", "2015", "2013", "2011"])
ANN = normalise("ann@example.com")


def change(ref, **values):
    """One change."""
    return RecordChange(key=f"k{ref.id}", ref=ref, values=values)


def only(outcomes):
    """The one outcome."""
    [outcome] = outcomes
    return outcome


@ALL
def test_a_deleted_contact_stays_deleted(world):
    """Nothing that is written makes a record that is gone: not an opt-out, not a lift, not a note's column."""
    crm, ann = world.open(notes={"kind": "column"}), world.add(ANN, flag=True)
    crm.look([ANN])
    world.delete(ann)
    note = NewNote(key="k", ref=ann, title="Told", text="why")
    outcomes = [
        only(crm.write([change(ann, restriction=True)])),
        only(crm.write([change(ann, restriction=False)])),
        only(crm.write([change(ann, restriction=False)])),
        only(crm.note([note])),
    ]
    assert {o.status for o in outcomes} == {Status.CONFLICT}
    assert world.rows("contact") == []


@ALL
def test_a_lift_is_tied_to_its_look(world):
    """A record that anybody changed between the look and the lift is not lifted, but looked at again."""
    crm, ann = world.open(), world.add(ANN, flag=True)
    crm.look([ANN])
    world.set(ann, telephone1="1")
    assert only(crm.write([change(ann, restriction=False)])).status is Status.CONFLICT
    assert world.flag(ann)
    crm.look([ANN])
    assert only(crm.write([change(ann, restriction=False)])).status is Status.DONE
    assert not world.flag(ann)


def test_a_look_counts_once(world):
    """A version serves one lift: what was lifted and set again is not lifted by the old look."""
    crm, ann = world.open(), world.add(ANN, flag=True)
    crm.look([ANN])
    world.requests(forget=True)
    only(crm.write([change(ann, restriction=False)]))
    assert world.requests() == [f"PATCH contacts({ann.id})"]
    only(crm.write([change(ann, restriction=False)]))
    assert world.requests()[1:] == [f"GET contacts({ann.id})"]


def test_nothing_is_lifted_that_is_clear(world):
    """A restriction that is clear is not written at all."""
    crm, ann = world.open(), world.add(ANN)
    only(crm.write([change(ann, restriction=False)]))
    assert not any(r.startswith("PATCH") for r in world.requests())


@ALL
def test_a_closed_lead(world):
    """A closed lead refuses for its own sake, with Dynamics' words."""
    crm = world.open(tables=[{"name": "lead", **BARE}], creates="lead")
    lee = world.person("lee@example.com", "lead")
    world.control("qualify", id=lee.id)
    outcome = only(crm.write([change(lee, restriction=True)]))
    assert outcome.status is Status.ASIDE
    assert "Inactive" in outcome.words


BARE = dict.fromkeys(("request_date", "status", "reason", "since"), "")


def test_a_plug_in_that_refuses(world):
    """What a customer's plug-in says is told, without addresses."""
    crm, ann = world.open(), world.add(ANN)
    world.refuse(ann, f"call {ANN} first")
    outcome = only(crm.write([change(ann, restriction=True)]))
    assert outcome.status is Status.ASIDE
    assert "IsvAborted" in outcome.words
    assert ANN not in outcome.words


def test_a_record_of_no_table(world):
    """A record of a table that the YAML does not name is set aside."""
    outcome = only(world.open().write([change(Ref(entity="account", id="1"), restriction=True)]))
    assert outcome.status is Status.ASIDE
    assert "crm.tables" in outcome.words


def test_a_secured_column(world):
    """A column that we may not write sets the record aside, naming the right."""
    crm, ann = world.open(), world.add(ANN)
    world.control("secure", column="contact.donotbulkemail", read=True, update=False)
    outcome = only(crm.write([change(ann, restriction=True)]))
    assert outcome.status is Status.ASIDE
    assert "AttributePermissionUpdateIsMissing" in outcome.words


@pytest.mark.requirement("S34")
@ALL
def test_a_person_is_born_clear(world, kind):
    """Who is created is not restricted, even where the restriction's default is true; a lead of the address counts."""
    world.control("default", column="contact.donotbulkemail", value=True)
    tables = [{"name": name, **BARE} for name in ("contact", "lead")]
    crm, lee = world.open(tables=tables), world.person("lee@example.com", "lead")
    made = only(crm.create([NewRecord(key="k", address=ANN, id="1" * 32, values={})])).made
    assert not world.flag(Ref.parse(made))
    kept = only(crm.create([NewRecord(key="k", address=normalise("lee@example.com"), id="2" * 32, values={})]))
    assert kept.made == str(lee)
    assert len(world.rows("contact")) == 1


@pytest.mark.requirement("S46")
@ALL
def test_a_note_below_what_stands_there(world):
    """In a text column a note comes below what stands there, once, and never cuts it."""
    crm, ann = world.open(notes={"kind": "column"}), world.person(ANN, description="Likes tea.")
    note = NewNote(key="key1", ref=ann, title="Resubscribed", text="On 2026-11-26.")
    assert only(crm.note([note])).status is Status.DONE
    assert only(crm.note([note])).status is Status.DONE
    assert world.row(ann)["description"] == "Likes tea.\nResubscribed: On 2026-11-26. [key1]"
    full = "x" * 1990
    world.set(ann, description=full)
    assert only(crm.note([note])).status is Status.ASIDE
    assert world.row(ann)["description"] == full


@pytest.mark.requirement("S46")
@ALL
def test_a_note_on_the_timeline(world):
    """On the timeline a note is one annotation, its text escaped where it is shown as HTML, its title short."""
    crm, ann = world.open(), world.add(ANN)
    note = NewNote(key="key1", ref=ann, title="T" * 600, text="<b> & so")
    assert [only(crm.note([note])).status for _ in range(2)] == [Status.DONE] * 2
    [row] = world.rows("annotation")
    shown = "<b> & so" if world.generation in ("2011", "2013", "2015") else "&lt;b&gt; &amp; so"
    assert (row["notetext"], row["subject"]) == (shown, "T" * 500)
    assert row["_objectid_value"] == ann.id


@pytest.mark.parametrize("limit", ["requests", "time", "concurrent"])
def test_service_protection(world, limit):
    """Each of the three limits is waited out as long as the server asks."""
    world.control("limit", kind=limit, retry_after=7)
    assert world.open().identity()
    assert any(7 <= slept < 9 for slept in world.clock.slept)


def test_a_limit_that_stays(world):
    """A server that asks for more than a minute ends the run; the opt-out is owed still."""
    crm, ann = world.open(), world.add(ANN)
    crm.identity()
    world.control("limit", kind="requests", retry_after=300)
    with pytest.raises(TransientError) as error:
        list(crm.write([change(ann, restriction=True)]))
    assert error.value.retry_after == 300
    assert not world.flag(ann)


def test_a_lost_answer_to_a_lift(world):
    """A lift whose answer was lost meets its own write when it is sent again, and is found done."""
    crm, ann = world.open(), world.add(ANN, flag=True)
    crm.look([ANN])
    world.fault("cut_after", method="PATCH")
    ended = only(crm.write([change(ann, restriction=False)]))
    assert (ended.status, ended.words) == (Status.DONE, "found done: it had been written already")
    [row] = crm.look([ANN])
    assert row.flag is Flag.CLEAR
