"""An emulated organization on a real socket, its users, and the adapter that looks at it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from connector.adapters.crm.dynamics import ADAPTER
from connector.adapters.crm.dynamics.adapter import Dynamics
from connector.core.policy import Policy
from connector.core.restriction import ENTRY, Ref
from connector.emulators import organization
from connector.emulators.authority import authority
from connector.emulators.dynamics import Environment, create_app
from connector.emulators.server import Running
from connector.ports.adapter import Context, ListMapping

OLD = ("2011", "2013", "2015")
"""Servers without a Web API."""

BARE = dict.fromkeys(("request_date", "status", "reason", "since"), "")
"""A table without the columns of our solution."""


class QuickClock:
    """The machine's time; its sleeps are remembered, and hardly slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0
        self._ids = 0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        import time

        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        import time

        self.slept.append(seconds)
        self._ahead += seconds
        time.sleep(min(seconds, 0.005))

    def random(self) -> float:
        return 0.0

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"


class Server:
    """A server that every test puts an environment of its own behind: starting one takes longer than most tests."""

    def __init__(self, generation: str, files: Any) -> None:
        self.ca = str(files.ca)
        made = organization.create_app if generation in OLD else create_app
        self.faults = made(Environment(generation=generation))
        self.app: Any = self.faults.app.app if generation in OLD else self.faults.app
        self.running = Running(self.faults, tls=files.tls)

    def serve(self, environment: Environment) -> None:
        """From now on this environment, without faults."""
        self.app.state.environment = environment
        self.faults.faults.clear()
        self.faults.requests.clear()


class World:
    """One environment, its server and control, and adapters that look at it. `kind` is the table that people are."""

    def __init__(self, server: Server, generation: str, kind: str = "contact", **environment: Any) -> None:
        self.kind, self.generation = kind, generation
        self.environment = Environment(generation=generation, **environment)
        self._server = server
        server.serve(self.environment)
        self.url = server.running.base_url
        self.clock = QuickClock()
        self.opened: list[Dynamics] = []

    @property
    def auth(self) -> dict[str, Any]:
        """The login of this generation."""
        env = self.environment
        if self.generation == "365":
            secret = {"client_id": env.client_id, "client_secret": env.client_secret}
            return {"kind": "entra_secret", "directory": env.tenant, "authority": self.url, **secret}
        user = {"username": env.username, "password": env.password}
        if self.generation in OLD:
            return {"kind": "ntlm", **user}
        return {"kind": "adfs", "authority": f"{self.url}/adfs", "client_id": env.client_id, **user}

    @property
    def creates(self) -> str:
        """What a signup creates; an account is no person's."""
        return "lead" if self.kind == "lead" else "contact"

    @property
    def organization(self) -> str:
        """The organization's URL."""
        return self.url if self.generation == "365" else f"{self.url}/{self.environment.organization}"

    def open(self, *, policy: Policy | None = None, lists: tuple[ListMapping, ...] = (), **settings: Any) -> Dynamics:
        """An adapter on this organization; settings replace the plain ones."""
        block: dict[str, Any] = {
            "generation": self.generation,
            "url": self.organization,
            "auth": self.auth,
            "tables": [{"name": name, **BARE} for name in dict.fromkeys((self.kind, self.creates))],
            "suppressions": None,
            "solution": None,
            "creates": self.creates,
        }
        policy = policy or Policy(permission="")
        context = Context(tenant="acme", clock=self.clock, policy=policy, lists=lists, ca_bundle=self._server.ca)
        crm = ADAPTER.open(ADAPTER.Settings(**block | settings), context)
        self.opened.append(crm)
        return crm

    def whole(self, version: str = "9.0.0.0", **settings: Any) -> Dynamics:
        """An adapter with everything that the solution brings, for contacts and leads."""
        self.control("solution", version=version)
        block = {"tables": [{"name": "contact"}, {"name": "lead"}], "suppressions": {}, "solution": {}}
        return self.open(**block | settings)

    def control(self, deed: str, **body: Any) -> Any:
        """What an admin or time does; see the emulator's control."""
        answer = requests.post(f"{self.url}/_emulator/{deed}", json=body, timeout=10, verify=self._server.ca).json()
        assert not isinstance(answer, dict) or "error" not in answer, answer
        return answer

    def fault(self, kind: str, **more: Any) -> None:
        """Plans a fault; see the emulators' faults."""
        self.control("faults", kind=kind, **more)

    def planned(self) -> list[Any]:
        """The faults that were planned."""
        return self._server.faults.faults

    def requests(self, *, forget: bool = False) -> list[str]:
        """The requests so far, as `METHOD last-parts-of-path`, logins left out."""
        rows = list(self._server.faults.requests)
        if forget:
            self._server.faults.requests.clear()
        if self.generation in OLD:
            return [f"{r['method']} {r['path'].partition('.svc/')[2]}" for r in rows if r["status"] != 401]
        return [f"{r['method']} {r['path'].partition('/api/data/v')[2][4:]}" for r in rows if "/api/data/" in r["path"]]

    # -- the organization's users ---------------------------------------------------------------------------------
    def person(self, address: str, kind: str = "", **values: Any) -> Ref:
        """A record made by an admin."""
        kind = kind or self.kind
        name = {"name": "Person"} if kind == "account" else {"lastname": "Person"}
        body = name | ({"emailaddress1": address} if address else {}) | values
        return Ref(entity=kind, id=self.control("create", table=kind, values=body)["id"])

    def entry(self, address: str, **values: Any) -> Ref:
        """An entry on Email suppressions, made by a person."""
        body = {"sc_name": address, **values}
        made = self.control("create", table="sc_emailsuppression", values=body, user=self.environment.operator)
        return Ref(entity=ENTRY, id=made["id"])

    def table(self, ref: Ref) -> str:
        """The table of a ref."""
        return "sc_emailsuppression" if ref.entity == ENTRY else ref.entity

    def set(self, ref: Ref, *, user: str = "", **values: Any) -> None:
        """A user changes a record."""
        self.control("update", table=self.table(ref), id=ref.id, values=values, user=user or self.environment.admin)

    def row(self, ref: Ref) -> dict[str, Any]:
        """A record as the organization holds it."""
        table = self.environment.tables[self.table(ref)]
        return table.values(table.cells[ref.id])

    # -- the contract's hand ----------------------------------------------------------------------------------------
    def add(self, address: str, *, flag: bool = False) -> Ref:
        return self.person(address, donotbulkemail=flag)

    def change(self, ref: Ref, *, address: str | None = None, flag: bool | None = None) -> None:
        values: dict[str, Any] = {}
        if address is not None:
            values["emailaddress1"] = address
        if flag is not None:
            values["donotbulkemail"] = flag
        self.set(ref, **values)

    def delete(self, ref: Ref) -> None:
        self.control("delete", table=self.table(ref), id=ref.id)

    def refuse(self, ref: Ref, words: str) -> None:
        self.control("refuse", id=ref.id, message=words)

    def hide(self) -> None:
        if self.generation in ("2011", "2013"):
            # before 2015 no standard column can be secured: the right to read is all that can be taken
            self.control("rights", rights={f"prvRead{self.kind.capitalize()}": ""})
            return
        self.control("secure", column=f"{self.kind}.donotbulkemail", read=False, update=False)

    def flag(self, ref: Ref) -> bool:
        return bool(self.row(ref)["donotbulkemail"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        found = self.environment.tables[table]
        return [found.values(cells) for cells in found.cells.values()]

    def notes(self, ref: Ref) -> list[str]:
        return [html.unescape(r["notetext"]) for r in self.rows("annotation") if r["_objectid_value"] == ref.id]

    def count(self, address: str) -> int:
        people = [r for name in ("contact", "lead", "account") for r in self.rows(name)]
        return sum(str(r["emailaddress1"]).lower() == address for r in people)

    def close(self) -> None:
        """Gives every connection back."""
        for crm in self.opened:
            crm.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A certificate to throw away."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def servers(files: Any) -> Iterator[dict[str, Server]]:
    """Where the environments live, by generation."""
    servers = {generation: Server(generation, files) for generation in ("365", "2016", *OLD)}
    yield servers
    for server in servers.values():
        server.running.stop()


@pytest.fixture
def generation() -> str:
    """Which server."""
    return "365"


@pytest.fixture
def kind() -> str:
    """The table that people are."""
    return "contact"


@pytest.fixture
def world(servers: dict[str, Server], generation: str, kind: str) -> Iterator[World]:
    """A fresh environment."""
    world = World(servers[generation], generation, kind)
    yield world
    world.close()
