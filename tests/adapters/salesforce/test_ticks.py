"""Who ticked the box: the field's history and the custom permission tell, and nothing else does."""

from __future__ import annotations

import pytest
from connector.core.policy import Policy
from connector.core.view import Tick
from connector.ports.crm import RecordChange

pytestmark = pytest.mark.requirement("S5")
BOX = "Resubscribe_Requested__c"


def ticked(world, kind="Contact", user=None):
    """A record whose box a user ticked."""
    ref = world.person("ann@example.com", kind)
    world.control("settings", validation=False)
    world.set(ref, user=user or world.org.operator, **{BOX: True})
    return ref


@pytest.mark.parametrize("kind", ["Contact", "Lead"])
def test_who_ticked_and_may(world, kind):
    """The user who ticked is named, with the time, and whether that user holds the permission."""
    yes, no = ticked(world, kind), ticked(world, kind, world.org.plain_user)
    ticks = world.whole().ticks([yes, no])
    assert (ticks[yes].by, ticks[yes].allowed) == (world.org.operator, True)
    assert (ticks[no].by, ticks[no].allowed) == (world.org.plain_user, False)
    assert abs((ticks[yes].at - world.org.now()).total_seconds()) < 10


def test_the_last_tick_counts(world):
    """A box that was ticked, cleared and ticked again was ticked by the last one; a cleared one by nobody."""
    ref, cleared = ticked(world), ticked(world)
    crm = world.whole()
    list(crm.write([RecordChange(key=r.id, ref=r, values={"box": False}) for r in (ref, cleared)]))
    world.set(ref, user=world.org.plain_user, **{BOX: True})
    ticks = crm.ticks([ref, cleared])
    assert (ticks[ref].by, ticks[ref].allowed) == (world.org.plain_user, False)
    assert ticks[cleared] == Tick()


def test_another_change_names_nobody(world):
    """Who changed the record last, or another field, did not tick the box."""
    ref = ticked(world)
    world.set(ref, user=world.org.plain_user, LastName="Other")
    assert world.whole().ticks([ref])[ref].by == world.org.operator


def test_without_history_nobody_is_named(world):
    """Where the history is not tracked, or may not be read, nobody is named, and it is unknown whether somebody may."""
    world.control("tracking", **{f"Contact.{BOX}": False})
    ref = ticked(world)
    crm = world.whole()
    assert crm.ticks([ref]) == {ref: Tick()}
    del world.org.tables["ContactHistory"]
    assert crm.ticks([ref]) == {ref: Tick()}
    assert world.open().ticks([ref]) == {ref: Tick()}


def test_an_org_without_the_permission(world):
    """Where the custom permission is missing nobody holds it; where it may not be read it is unknown who does."""
    ref = ticked(world)
    other = Policy(permission="No_Such_Permission")
    assert world.whole(policy=other).ticks([ref])[ref].allowed is False
    assert world.whole(policy=Policy(permission="")).ticks([ref])[ref].allowed is True
    del world.org.tables["CustomPermission"]
    tick = world.whole().ticks([ref])[ref]
    assert (tick.by, tick.allowed) == (world.org.operator, None)


def test_many_ticks(world):
    """Many ticks take one query for every hundred records."""
    refs = []
    for n in range(120):
        ref = world.person(f"p{n}@example.com")
        refs.append(ref)
    for ref in refs:
        world.set(ref, user=world.org.operator, **{BOX: True})
    crm = world.whole()
    crm.identity()
    world.requests(forget=True)
    ticks = crm.ticks(refs)
    assert {t.allowed for t in ticks.values()} == {True}
    assert world.requests() == ["GET v62.0/query"] * 4
