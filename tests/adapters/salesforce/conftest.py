"""An emulated org on a real socket, its users, and the adapter that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from connector.adapters.crm.salesforce import ADAPTER
from connector.adapters.crm.salesforce.adapter import Salesforce
from connector.core.lists import Words
from connector.core.policy import Policy
from connector.core.restriction import Ref
from connector.emulators.faults import Faults
from connector.emulators.salesforce import Org, create_app
from connector.emulators.server import Running
from connector.ports.adapter import Context, ListMapping

EXPIRED = b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
PACKAGE = {
    "box": "Resubscribe_Requested__c",
    "request_date": "Resubscribe_Request_Date__c",
    "status": "Resubscription_Status__c",
    "reason": "Suppression_Reason__c",
    "since": "Suppression_Date__c",
}
LISTS = (
    ListMapping(name="News", field="News_List__c", words=Words(subscribed="true", unsubscribed="false")),
    ListMapping(name="Offers", field="Offers_List__c", words=Words(subscribed="Subscribed", unsubscribed="Left")),
)


class QuickClock:
    """The machine's time; its sleeps are remembered, and hardly slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0

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
        return "0" * 32


class Server:
    """A server that every test puts an org of its own behind: starting one takes longer than most tests."""

    def __init__(self) -> None:
        self.app = create_app(Org())
        self.faults = Faults(self.app, expired_body=EXPIRED)
        self.running = Running(self.faults)

    def serve(self, org: Org) -> None:
        """From now on this org, without faults, and without memory of another."""
        self.app.state.org, self.app.state.locators, self.app.state.jobs = org, {}, {}
        self.faults.faults.clear()
        self.faults.requests.clear()


class World:
    """One org, its server and control, and adapters that look at it. `kind` is the object that people are."""

    def __init__(self, server: Server, kind: str = "Contact", **org: Any) -> None:
        self.kind = kind
        self.org = Org(**org)
        self.org.install_package()
        if kind == "Account":
            self.org.enable_person_accounts()
        self._server = server
        server.serve(self.org)
        self.url = server.running.base_url
        self.clock = QuickClock()
        self.opened: list[Salesforce] = []

    def open(self, *, policy: Policy | None = None, lists: tuple[ListMapping, ...] = (), **settings: Any) -> Salesforce:
        """An adapter on this org; settings replace the plain ones."""
        auth = {"kind": "client_credentials", "client_id": self.org.client_id, "client_secret": self.org.client_secret}
        block: dict[str, Any] = {"login_url": self.url, "auth": auth, "objects": [{"name": self.kind}]}
        if self.kind == "Account":
            block["objects"].append({"name": "Contact"})
        block |= {"creates": "Lead" if self.kind == "Lead" else "Contact"} | settings
        context = Context(tenant="acme", clock=self.clock, policy=policy or Policy(), lists=lists)
        crm = ADAPTER.open(ADAPTER.Settings(**block), context)
        self.opened.append(crm)
        return crm

    def whole(self, **settings: Any) -> Salesforce:
        """An adapter with everything that the package brings, for contacts and leads."""
        objects = [{"name": "Contact", **PACKAGE}, {"name": "Lead", **PACKAGE}]
        return self.open(**{"objects": objects, "lists": LISTS, **settings})

    def control(self, deed: str, **body: Any) -> Any:
        """What an admin or time does; see the emulator's control."""
        return requests.post(f"{self.url}/_emulator/{deed}", json=body, timeout=10).json()

    def fault(self, kind: str, **more: Any) -> None:
        """Plans a fault; see the emulators' faults."""
        self.control("faults", kind=kind, **more)

    def requests(self, *, forget: bool = False) -> list[str]:
        """The requests so far, as `METHOD last-parts-of-path`, logins left out."""
        rows = self.raw_requests()
        if forget:
            requests.delete(f"{self.url}/_emulator/requests", timeout=10)
        return [
            f"{r['method']} {r['path'].partition('/services/data/')[2]}" for r in rows if "/oauth2/" not in r["path"]
        ]

    def raw_requests(self) -> list[dict[str, Any]]:
        """The requests so far, as the emulator logged them."""
        return requests.get(f"{self.url}/_emulator/requests", timeout=10).json()  # type: ignore[no-any-return]

    def planned(self) -> list[Any]:
        """The faults that were planned."""
        return self._server.faults.faults

    def server_state(self) -> Any:
        """The emulator's jobs and locators."""
        return self._server.app.state

    # -- the org's users ----------------------------------------------------------------------------------------
    def person(self, address: str, kind: str = "", **values: Any) -> Ref:
        """A record made by an admin."""
        kind = kind or self.kind
        body = {"LastName": "Person", **({"Company": "Example"} if kind == "Lead" else {}), **values}
        if address:
            body["PersonEmail" if kind == "Account" else "Email"] = address
        return Ref(entity=kind, id=self.control("create", object=kind, values=body)["id"])

    def set(self, ref: Ref, *, user: str = "", **values: Any) -> None:
        """A user changes a record."""
        answer = self.control("update", object=ref.entity, id=ref.id, values=values, user=user or self.org.admin)
        assert answer == {}, answer

    def row(self, ref: Ref) -> dict[str, Any]:
        """A record as the org holds it."""
        return self.org.rows(ref.entity)[ref.id]

    @property
    def flag_name(self) -> str:
        return "PersonHasOptedOutOfEmail" if self.kind == "Account" else "HasOptedOutOfEmail"

    # -- the contract's hand ------------------------------------------------------------------------------------
    def add(self, address: str, *, flag: bool = False) -> Ref:
        return self.person(address, **{self.flag_name: flag})

    def change(self, ref: Ref, *, address: str | None = None, flag: bool | None = None) -> None:
        values: dict[str, Any] = {}
        if address is not None:
            values["PersonEmail" if self.kind == "Account" else "Email"] = address
        if flag is not None:
            values[self.flag_name] = flag
        self.set(ref, **values)

    def delete(self, ref: Ref) -> None:
        self.control("delete", object=ref.entity, id=ref.id)

    def refuse(self, ref: Ref, words: str) -> None:
        self.control("refuse", id=ref.id, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=words)

    def hide(self) -> None:
        self.control("fields", **{f"{self.kind}.{self.flag_name}": "hidden"})

    def flag(self, ref: Ref) -> bool:
        return bool(self.row(ref)[self.flag_name])

    def notes(self, ref: Ref) -> list[str]:
        who = self.row(ref).get("PersonContactId") or ref.id
        return [str(t["Description"]) for t in self.org.rows("Task").values() if t["WhoId"] == who]

    def count(self, address: str) -> int:
        rows = [r for n in ("Contact", "Lead", "Account") for r in self.org.rows(n).values() if not r["IsDeleted"]]
        rows = [r for r in rows if "PersonEmail" in r or not r.get("IsPersonAccount")]
        return sum(address in (str(r.get("Email")).lower(), str(r.get("PersonEmail")).lower()) for r in rows)

    def close(self) -> None:
        """Gives every connection back."""
        for crm in self.opened:
            crm.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Where the orgs live."""
    server = Server()
    yield server
    server.running.stop()


@pytest.fixture
def kind() -> str:
    """The object that people are."""
    return "Contact"


@pytest.fixture
def world(server: Server, kind: str) -> Iterator[World]:
    """A fresh org."""
    world = World(server, kind)
    yield world
    world.close()
