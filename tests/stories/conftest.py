"""A town for stories: emulators on real sockets, the pages, and the command line as a person would use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from connector.cli.group import connector
from connector.emulators.folder import Emulated
from connector.emulators.mailbox.server import Kept
from connector.emulators.server import Running
from connector.ports.store import Trigger
from connector.sync.run import sync_tenant
from connector.web.public import public_app
from connector.web.sites import sites
from connector.wiring import Installation, SystemClock

PAGE = {"User-Agent": "a browser"}


@dataclass
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


class Town:
    """One tenant on emulators, driven from outside: commands, pages, mail, and the vendors' own users."""

    crm = "salesforce"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._houses: dict[str, Installation] = {}
        self.pages = Running(public_app(sites(lambda: self.house), SystemClock()))
        self.emulated = Emulated(folder, public_url=self.pages.base_url, crms=(self.crm,))
        self.name = self.emulated.crm.tenant
        self.org = self.emulated.crm.state
        self.mailbox = self.emulated.mailbox
        self.vendor = self.emulated.crm.base_url

    @property
    def house(self) -> Installation:
        """The installation behind the pages, as `serve` would hold it."""
        if "one" not in self._houses:
            self._houses["one"] = Installation.open(self.emulated.config)
        return self._houses["one"]

    # -- the command line ---------------------------------------------------------------------------------------
    def run(self, *words: str) -> Result:
        """One command, as typed."""
        result = CliRunner().invoke(connector, ["--config", str(self.emulated.config), *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    def sync(self, code: int = 0) -> str:
        """`connector sync` of the tenant, which must end with that code."""
        result = self.run("sync", self.name)
        assert result.code == code, result.out + result.err
        return result.out

    def woken(self) -> None:
        """The run that an inbox row wakes, as the service would start it."""
        report = sync_tenant(self.house.runtime(self.name), Trigger.INBOX)
        assert report.failure is None, report.sentence

    def tenant(self, **changes: Any) -> None:
        """Changes the tenant's YAML: top-level blocks given as text."""
        path = self.emulated.config / "tenants" / f"{self.name}.yaml"
        text = path.read_text()
        for name, block in changes.items():
            text += f"{name}: {block}\n"
        path.write_text(text)
        self._houses.clear()

    # -- the person ---------------------------------------------------------------------------------------------
    def post(self, url: str, data: Any = None, **more: Any) -> requests.Response:
        """Presses a button, without cookies."""
        return requests.post(url, data=data or {}, headers=PAGE, timeout=10, allow_redirects=False, **more)

    def sign_up(self, email: str, *lists: str) -> requests.Response:
        """Fills in the form."""
        return self.post(f"{self.pages.base_url}/{self.name}/signup", {"email": email, "list": list(lists)})

    def mails(self, email: str) -> list[Kept]:
        """The mails that reached an address."""
        return [m for m in self.mailbox.messages if email.lower() in [r.lower() for r in m.recipients]]

    def link(self, email: str, deed: str) -> str:
        """The link for a deed in the latest mail."""
        links = self.mails(email)[-1].plain()["links"]
        return next(link for link in links if f"/{deed}/" in link)

    def confirm(self, email: str) -> requests.Response:
        """Presses the confirm button of the latest mail."""
        return self.post(self.link(email, "confirm"))

    # -- the platform -------------------------------------------------------------------------------------------
    def member(self, email: str) -> Any:
        """What the built-in platform holds of an address, or None."""
        found = self.house.platform(self.name).members([email])  # type: ignore[list-item]  # a normal form
        return found[0] if found else None

    def suppressed(self, email: str) -> bool:
        """Whether the platform blocks the address."""
        member = self.member(email)
        return member is not None and member.suppressed is not None

    def lists(self, email: str) -> dict[str, str]:
        """The platform's list statuses of an address."""
        member = self.member(email)
        return {k: v.value for k, v in member.lists.items()} if member else {}

    def state(self, email: str) -> str:
        """The state of the address's latest request."""
        request = self.explain(email)["request"]
        return request["state"] if request else ""

    def explain(self, email: str) -> dict[str, Any]:
        """`connector explain`, as data."""
        return self.run("explain", self.name, email, "--json").json()

    def events(self, email: str) -> list[str]:
        """The ledger's events of an address."""
        return [e["event"] for e in self.explain(email)["history"]]

    def close(self) -> None:
        """Stops everything."""
        for house in self._houses.values():
            house.close()
        self.emulated.stop()
        self.pages.stop()


class SalesforceTown(Town):
    """A Salesforce org, driven by its own users."""

    def contact(self, email: str, **values: Any) -> str:
        """A contact made by an admin; its id."""
        return self.record("Contact", email, **values)

    def record(self, name: str, email: str, **values: Any) -> str:
        """A record made by an admin; its id."""
        extra = {"Company": "Example"} if name == "Lead" else {}
        body = {"object": name, "values": {"LastName": "Person", "Email": email, **extra, **values}}
        return str(self._control("create", body)["id"])

    def change(self, name: str, id_: str, user: str = "admin", **values: Any) -> Any:
        """A user changes a record in Salesforce."""
        body = {"object": name, "id": id_, "values": values, "user": getattr(self.org, user)}
        return self._control("update", body)

    def _control(self, deed: str, body: dict[str, Any]) -> Any:
        return requests.post(f"{self.vendor}/_emulator/{deed}", json=body, timeout=10).json()

    def control(self, deed: str, **body: Any) -> Any:
        """What an admin or time does to the org; see the emulator's control."""
        return self._control(deed, body)

    def row(self, id_: str) -> dict[str, Any]:
        """A record as Salesforce holds it."""
        return next(t.rows[id_] for t in self.org.tables.values() if id_ in t.rows)

    def opted_out(self, id_: str) -> bool:
        """Whether Email Opt Out is set."""
        return bool(self.row(id_)["HasOptedOutOfEmail"])

    def tasks(self, id_: str) -> list[str]:
        """The descriptions of a record's tasks."""
        return [t["Description"] for t in self.org.rows("Task").values() if t["WhoId"] == id_]


class DynamicsTown(Town):
    """A Dynamics organization of one generation, driven by its own users. Columns go by their logical names."""

    def __init__(self, folder: Path, generation: str) -> None:
        self.crm, self.generation = f"dynamics{generation}", generation
        self.polled = generation in ("2015", "2013", "2011")
        super().__init__(folder)
        shown = json.loads((folder / "emulators.json").read_text())[self.crm]
        self._ca = shown.get("ca_bundle")

    def control(self, deed: str, **body: Any) -> Any:
        """What an admin, a user or time does to the organization; see the emulator's control."""
        answer = requests.post(f"{self.vendor}/_emulator/{deed}", json=body, timeout=10, verify=self._ca)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def rows(self, table: str, **wanted: str) -> list[dict[str, Any]]:
        """Rows as the organization holds them."""
        answer = requests.get(f"{self.vendor}/_emulator/rows/{table}", params=wanted, timeout=10, verify=self._ca)
        return list(answer.json())

    def record(self, table: str, email: str, **values: Any) -> str:
        """A record made by an admin; its id."""
        body = {"lastname": "Person", "emailaddress1": email, **values}
        return str(self.control("create", table=table, values=body)["id"])

    def contact(self, email: str, **values: Any) -> str:
        """A contact made by an admin; its id."""
        return self.record("contact", email, **values)

    def change(self, table: str, id_: str, user: str = "operator", **values: Any) -> None:
        """A user saves a change."""
        self.control("update", table=table, id=id_, values=values, user=getattr(self.org, user))

    def row(self, table: str, id_: str) -> dict[str, Any]:
        """One row."""
        (found,) = self.rows(table, **{KEYS[table]: id_})
        return found

    def restricted(self, id_: str, table: str = "contact") -> bool:
        """Whether bulk e-mail is not allowed."""
        return bool(self.row(table, id_)["donotbulkemail"])

    def entries(self, email: str) -> list[dict[str, Any]]:
        """The entries of an address in Email suppressions."""
        return self.rows(ENTRIES, sc_name=email)

    def enter(self, email: str) -> str:
        """A user puts an address on Email suppressions; the entry's id."""
        made = self.control("create", table=ENTRIES, values={"sc_name": email}, user=self.org.operator)
        return str(made["id"])

    def request(self, email: str) -> None:
        """A user ticks Request Resubscribe on the entry, and saves."""
        (entry,) = self.entries(email)
        self.change(ENTRIES, entry[KEYS[ENTRIES]], sc_requestresubscribe=True)

    def notes(self, id_: str) -> list[str]:
        """The notes on a record's timeline."""
        return [note["notetext"] for note in self.rows("annotation", _objectid_value=id_)]

    def writes(self) -> list[dict[str, Any]]:
        """What was written there by API so far."""
        return list(requests.get(f"{self.vendor}/_emulator/writes", timeout=10, verify=self._ca).json())


ENTRIES = "sc_emailsuppression"
KEYS = {"contact": "contactid", "lead": "leadid", "account": "accountid", ENTRIES: "sc_emailsuppressionid"}
GENERATIONS = (
    "365",
    "2016",
    # one wire for three generations: make prove walks the other two
    pytest.param("2015", marks=pytest.mark.prove),
    pytest.param("2013", marks=pytest.mark.prove),
    "2011",
)


@pytest.fixture(params=GENERATIONS)
def dynamics(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DynamicsTown]:
    """A fresh town around a Dynamics organization, once for each generation."""
    town = DynamicsTown(tmp_path, request.param)
    yield town
    town.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[SalesforceTown]:
    """A fresh town around a Salesforce org."""
    town = SalesforceTown(tmp_path)
    yield town
    town.close()
