"""Windows authentication: one hand-shake for each connection, and a refusal that a person can mend."""

from __future__ import annotations

import pytest
from connector.core.errors import ConfigError
from connector.core.restriction import Flag
from connector.emulators.ntlm import Ntlm
from connector.ports.adapter import Status
from connector.ports.crm import RecordChange

AUTH = {"kind": "ntlm", "username": "CONTOSO\\connector", "password": "password"}


@pytest.fixture(params=["2016", "2015", "2013", "2011"])
def generation(request):
    """The servers that sign in like this."""
    return request.param


@pytest.fixture
def door(world, servers, generation, monkeypatch):
    """A server behind such a door; the older ones have no other."""
    if generation == "2016":
        app = Ntlm(servers["2016"].app, username=AUTH["username"], password=AUTH["password"])
        monkeypatch.setattr(servers["2016"].faults, "app", app)
    return world


def hands(world):
    """How often each status was answered."""
    return [r["status"] for r in world._server.faults.requests]


def test_one_hand_shake(door):
    """A connection signs in once; reads and writes go through it after that."""
    crm = door.open(auth=AUTH)
    refs = [door.add(f"p{n}@example.com") for n in range(3)]
    assert {row.flag for page in crm.changes("") for row in page.rows} == {Flag.CLEAR}
    changes = [RecordChange(key=r.id, ref=r, values={"restriction": True}) for r in refs]
    assert {o.status for o in crm.write(changes)} == {Status.DONE}
    assert all(door.flag(ref) for ref in refs)
    assert hands(door)[:2] == [401, 401]
    assert set(hands(door)[2:]) <= {200, 204}


def test_a_write_that_shakes_hands(door):
    """The first thing on a connection may be a write; it is done once."""
    crm, ann = door.open(auth=AUTH), door.add("ann@example.com")
    [outcome] = crm.write([RecordChange(key="k", ref=ann, values={"restriction": True})])
    assert outcome.status is Status.DONE
    assert len([w for w in door.environment.writes if w["values"] == {"donotbulkemail": True}]) == 1
    assert door.flag(ann)


def test_a_connection_that_breaks(door):
    """A connection that breaks is made anew, with its own hand-shake."""
    crm = door.open(auth=AUTH)
    door.add("ann@example.com")
    crm.identity()
    door.fault("cut_after", path="ontact")
    assert sum(len(page.rows) for page in crm.changes("")) == 1
    assert hands(door).count(401) >= 3


@pytest.mark.parametrize("wrong", [{"password": "hunter2"}, {"username": "CONTOSO\\nobody"}])
def test_wrong_credentials(door, wrong):
    """A refused hand-shake names the settings, never the password, and is not tried over and over."""
    with pytest.raises(ConfigError, match=r"crm\.auth") as error:
        door.open(auth=AUTH | wrong).identity()
    assert "hunter2" not in f"{error.value.operator} {error.value.log} {error.value.excerpt}"
    assert len(hands(door)) <= 3
