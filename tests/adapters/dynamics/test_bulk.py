"""Opt-outs in bulk: UpdateMultiple where the server has it, else batches; what one bad row does to the others."""

from __future__ import annotations

from collections import Counter

import pytest
from connector.ports.adapter import Status
from connector.ports.crm import RecordChange


@pytest.fixture(params=["365", "2016"])
def generation(request):
    """Which server."""
    return request.param


def seeded(world, count):
    """So many people, as an old import left them."""
    from connector.core.restriction import Ref

    rows = [{"emailaddress1": f"p{n}@example.com", "lastname": "P", "donotbulkemail": False} for n in range(count)]
    ids = world.control("seed", table="contact", rows=rows)["ids"]
    return [Ref(entity="contact", id=id_) for id_ in ids]


def restrict(refs):
    """An opt-out of each."""
    return [RecordChange(key=f"k{ref.id}", ref=ref, values={"restriction": True}) for ref in refs]


def ended(crm, changes):
    """Statuses by key; each key once."""
    outcomes = list(crm.write(changes))
    assert Counter(o.key for o in outcomes) == Counter(c.key for c in changes)
    return {o.key: o for o in outcomes}


def test_few_calls(world, generation):
    """A thousand opt-outs go in one call, and are all there."""
    crm, refs = world.open(), seeded(world, 2001)
    crm.identity()
    world.requests(forget=True)
    assert {o.status for o in ended(crm, restrict(refs)).values()} == {Status.DONE}
    assert all(world.flag(ref) for ref in refs)
    calls = Counter(r.partition("(")[0] for r in world.requests())
    if generation == "365":
        assert calls == {
            "GET sdkmessagefilters": 1,
            "POST contacts/Microsoft.Dynamics.CRM.UpdateMultiple": 2,
            "PATCH contacts": 1,
        }
    else:
        assert calls == {"POST $batch": 2, "PATCH contacts": 1}


def test_a_rolled_back_call(world):
    """A bulk call that one bad row takes back suppresses all but the bad row."""
    crm, refs = world.open(), seeded(world, 50)
    world.refuse(refs[17], "not this one")
    world.delete(refs[30])
    outcomes = ended(crm, restrict(refs))
    assert {k for k, o in outcomes.items() if o.status is not Status.DONE} == {f"k{refs[17].id}", f"k{refs[30].id}"}
    assert outcomes[f"k{refs[17].id}"].status is Status.ASIDE
    assert "not this one" in outcomes[f"k{refs[17].id}"].words
    assert outcomes[f"k{refs[30].id}"].status is Status.CONFLICT
    assert all(world.flag(ref) for n, ref in enumerate(refs) if n not in (17, 30))
    assert refs[30].id not in {row["contactid"] for row in world.rows("contact")}


def test_a_right_that_is_missing(world):
    """Where a column may not be written, each row says so, and the call is nobody's end."""
    crm, refs = world.open(), seeded(world, 3)
    world.control("secure", column="contact.donotbulkemail", read=True, update=False)
    outcomes = ended(crm, restrict(refs))
    assert {o.status for o in outcomes.values()} == {Status.ASIDE}
    assert all("0x8004f507" in o.words for o in outcomes.values())


def test_an_opt_out_without_its_reason(world):
    """An opt-out goes without its reason and date where these keep it from being written."""
    crm, refs = world.whole(), seeded(world, 3)
    world.control("secure", column="contact.sc_suppressionreason", read=True, update=False)
    values = {"restriction": True, "reason": "unsubscribed"}
    outcomes = ended(crm, [RecordChange(key=f"k{r.id}", ref=r, values=values) for r in refs])
    assert {o.status for o in outcomes.values()} == {Status.DONE}
    assert all("without reason" in o.words for o in outcomes.values())
    assert all(world.flag(ref) for ref in refs)


def test_the_same_record_twice(world):
    """Two changes of one record are both made, in their order."""
    crm, refs = world.open(notes={"kind": "column"}), seeded(world, 3)
    twice = [*restrict(refs), *(RecordChange(key=f"two{r.id}", ref=r, values={"restriction": True}) for r in refs)]
    assert {o.status for o in ended(crm, twice).values()} == {Status.DONE}


@pytest.mark.parametrize("fault", ["429", "503", "cut_before", "cut_after", "cut_body", "wrong_body"])
def test_a_disturbed_call(world, fault):
    """Whatever happens to a bulk call once, each opt-out is written."""
    crm, refs = world.open(), seeded(world, 5)
    crm.identity()
    world.fault(fault, method="POST")
    assert {o.status for o in ended(crm, restrict(refs)).values()} == {Status.DONE}
    assert all(world.flag(ref) for ref in refs)
