"""Control: what can be read of an environment, what is refused, and the faults around it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import connector.emulators.dynamics as room
import pytest


def test_rows_and_writes_can_be_read(world):
    """Rows are told as they are held, filtered by equal text, and writes with who made them."""
    (id_,) = world.control("seed", table="contact", rows=[{"lastname": "Old", "emailaddress1": "a@x.com"}])["ids"]
    world.contact("b@x.com", lastname="New")
    world.call("PATCH", f"contacts({id_})", json={"donotbulkemail": True}, headers={"If-Match": "*"})
    url = f"{world.url}/_emulator"
    rows = world.session.get(f"{url}/rows/contact?lastname=Old").json()
    assert [row["donotbulkemail"] for row in rows] == [True]
    writes = world.session.get(f"{url}/writes").json()
    assert [(w["deed"], w["table"], w["user"]) for w in writes] == [
        ("create", "contact", world.env.admin),
        ("update", "contact", world.env.service),
    ]
    assert world.session.delete(f"{url}/writes").json() == []
    assert world.session.get(f"{url}/people").json()["service"] == world.env.service
    assert world.session.get(f"{url}/state").json()["rows"]["contact"] == 2
    assert world.session.get(f"{url}/rows/nothing").status_code == 404


def test_a_user_of_control_meets_their_rights(world):
    """A deed as a named user needs that user's privileges."""
    body = {"table": "contact", "values": {"lastname": "X"}, "user": world.env.outsider}
    answer = world.session.post(f"{world.url}/_emulator/create", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "0x80040220")


def test_a_deed_of_some_time_ago(world):
    """A row may be stamped in the past while its version is that of now, as by a slow transaction."""
    first = world.contact("a@x.com")
    id_ = world.control("create", table="contact", values={"lastname": "Late"}, ago=3_600)["id"]
    late, early = world.row("contact", id_), world.row("contact", first)
    assert (late["modifiedon"] < early["modifiedon"], late["versionnumber"] > early["versionnumber"]) == (True, True)


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("create", {"table": "nothing", "values": {}}),
        ("create", {"table": "contact", "values": {"nothing": 1}}),
        ("settings", {"nothing": 1}),
        ("rights", {"rights": {"prvNothing": ""}}),
        ("roles", {"roles": ["Nobody"]}),
        ("limit", {"kind": "nothing"}),
        ("secure", {"column": "nothing.at.all"}),
        ("delete", {"table": "contact", "id": "00000000-0000-0000-0000-000000000001"}),
    ],
)
def test_control_refuses_what_it_does_not_know(world, deed, body):
    """A table, column, setting or right that does not exist is an error, never passed over."""
    answer = world.session.post(f"{world.url}/_emulator/{deed}", data=json.dumps(body))
    assert answer.status_code >= 400
    assert answer.json()["error"]["message"]


def test_faults_stand_around_the_service(world):
    """A planned fault strikes the service and not control; a dead token looks like the vendor's."""
    fault = {"kind": "expired", "path": "WhoAmI"}
    world.session.post(f"{world.url}/_emulator/faults", json=fault)
    answer = world.call("GET", "WhoAmI")
    assert (answer.status_code, "Unauthorized" in answer.text) == (401, True)
    assert world.call("GET", "WhoAmI").status_code == 200


def test_the_readme_tells_every_deed(world):
    """Each deed of control and each setting stands in the README, and nothing else does."""
    from connector.emulators.dynamics import control, control_setup

    text = (Path(room.__file__).parent / "README.md").read_text(encoding="utf-8")
    table = text.partition("| Deed | Body |")[2].partition("| Read | |")[0]
    told = {name for cell in re.findall(r"(?m)^\| (`[^|]+) \|", table) for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(control._DEEDS)
    assert all(f"`{name}`" in table for name in control_setup.SETTINGS)
