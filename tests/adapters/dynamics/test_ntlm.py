"""Windows authentication: one hand-shake for each connection, and a refusal that a person can mend."""

from __future__ import annotations

import base64

import pytest
import spnego
from connector.core.errors import ConfigError
from connector.core.restriction import Flag
from connector.ports.adapter import Status
from connector.ports.crm import RecordChange

AUTH = {"kind": "ntlm", "username": "CONTOSO\\connector", "password": "password"}


class Door:
    """What IIS does in front of a server: each connection shakes hands once, by pyspnego's acceptor."""

    def __init__(self, app):
        self.app, self.contexts = app, {}

    async def __call__(self, scope, receive, send):
        if scope["path"].startswith("/_emulator/"):
            await self.app(scope, receive, send)
            return
        context = self.contexts.get(scope["client"])
        challenge = "NTLM"
        if context is None or not context.complete:
            kind, _, token = dict(scope["headers"]).get(b"authorization", b"").decode().partition(" ")
            if token:
                challenge, context = self.step(scope["client"], kind, token)
        if context is not None and context.complete:
            await self.app({**scope, "ntlm_user": context.client_principal}, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        headers = [(b"www-authenticate", challenge.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def step(self, client, kind, token):
        """One message of the hand-shake: what is answered, and how far it came."""
        fresh = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        context = self.contexts.setdefault(client, fresh)
        try:
            answer = context.step(base64.b64decode(token)) or b""
        except spnego.exceptions.SpnegoError:
            del self.contexts[client]
            return "NTLM", None
        return f"{kind} {base64.b64encode(answer).decode()}", context


@pytest.fixture
def generation():
    """The server that signs in like this."""
    return "2016"


@pytest.fixture
def door(world, servers, tmp_path, monkeypatch):
    """A server behind such a door."""
    users = tmp_path / "users"
    users.write_text("CONTOSO:connector:password\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    monkeypatch.setattr(servers["2016"].faults, "app", Door(servers["2016"].app))
    return world


def hands(world):
    """How often each status was answered."""
    return [r["status"] for r in world._server.faults.requests if "/api/data/" in r["path"]]


def test_one_hand_shake(door):
    """A connection signs in once; reads and writes go through it after that."""
    crm = door.open(auth=AUTH)
    refs = [door.add(f"p{n}@example.com") for n in range(3)]
    assert {row.flag for page in crm.changes("") for row in page.rows} == {Flag.CLEAR}
    changes = [RecordChange(key=r.id, ref=r, values={"restriction": True}) for r in refs]
    assert {o.status for o in crm.write(changes)} == {Status.DONE}
    assert all(door.flag(ref) for ref in refs)
    assert hands(door)[:2] == [401, 401]
    assert set(hands(door)[2:]) == {200}


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
    door.fault("cut_after", path="/api/data/")
    assert sum(len(page.rows) for page in crm.changes("")) == 1
    assert hands(door).count(401) >= 3


@pytest.mark.parametrize("wrong", [{"password": "hunter2"}, {"username": "CONTOSO\\nobody"}])
def test_wrong_credentials(door, wrong):
    """A refused hand-shake names the settings, never the password, and is not tried over and over."""
    with pytest.raises(ConfigError, match=r"crm\.auth") as error:
        door.open(auth=AUTH | wrong).identity()
    assert "hunter2" not in f"{error.value.operator} {error.value.log} {error.value.excerpt}"
    assert len(hands(door)) <= 3
