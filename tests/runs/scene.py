"""One small town in which everything happens at once: 30 people, 3 pages, stops on both sides, and people coming back."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.core.address import normalise
from connector.core.lists import ListStatus
from connector.core.resubscribe import Origin
from connector.core.said import Kind, Said
from connector.core.suppression import Reason
from connector.emulators.folder import Emulated
from connector.ports.store import Trigger
from connector.sync.run import Report, sync_tenant
from connector.sync.runtime import Runtime
from connector.wiring import Installation, SystemClock


class QuickClock(SystemClock):
    """Sleeps by moving its own hands; nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The present, moved by what was slept."""
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        """Likewise."""
        return super().monotonic() + self.ahead.total_seconds()

    def sleep(self, seconds: float) -> None:
        """Moves the hands."""
        self.ahead += timedelta(seconds=seconds)

    def random(self) -> float:
        """The same every time."""
        return 0.5


class Scene(ABC):
    """The town, its emulators, and how it is run. `crm` names the emulated CRM, whose ways a subclass knows."""

    crm: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        people = [{"LastName": f"P{n}", "Email": f"p{n}@example.com", "HasOptedOutOfEmail": n < 6} for n in range(28)]
        for name in ("digest_key", "link_key"):
            # the same in every scene, so that end states can be compared
            (folder / "secrets").mkdir(parents=True, exist_ok=True)
            (folder / "secrets" / name).write_text("one key for every scene")
        self.emulated = Emulated(folder, people=lambda: people, crms=(self.crm,))
        self.tenant, self.mailbox = self.emulated.crm.tenant, self.emulated.mailbox
        self.org = self.emulated.crm.state
        self.populate()
        self.clock = QuickClock()

    @abstractmethod
    def populate(self) -> None:
        """Small pages, low thresholds, and two leads beside the contacts, one of them with a contact's address."""

    @abstractmethod
    def happen(self) -> None:
        """What people do in the CRM: person 15 is restricted, person 1 is cleared by hand, person 5 has moved."""

    @abstractmethod
    def rows(self) -> dict[str, Any]:
        """What the CRM shows in the end, without times; its notes by the key `notes`."""

    @abstractmethod
    def writes(self) -> set[tuple[str, ...]]:
        """What was written to the CRM: record and yes or no by field, without times."""

    def open(self) -> Installation:
        """The installation, opened anew as a new process would."""
        return Installation.open(self.emulated.config, clock=self.clock)

    def prepare(self) -> None:
        """A first sync; then stops at the platform and asks by form, so that one run has every kind of deed to do."""
        with self.open() as house:
            self.sync(house)
            platform, store, now = house.platform(self.tenant), house.store(self.tenant), self.clock.now()
            for n in range(10, 15):
                address = normalise(f"p{n}@example.com")
                assert isinstance(address, str)
                platform.suppress(address, Reason.UNSUBSCRIBED, now)
            member = normalise("p20@example.com")
            assert isinstance(member, str)
            platform.set_list(member, "News", ListStatus.SUBSCRIBED, now)
            for name in ("p3@example.com", "new@example.com"):
                self.ask(store, name, now)
            self.sync(house)
            for digest, request in store.requests(only_open=True):
                address = store.address(digest)
                assert address is not None
                key, at = f"confirm/{request.id}", self.clock.now()
                said = Said(kind=Kind.CONFIRM, key=key, at=at, source="page", request=request.id)
                store.tell(said, address, digest)
            self.ask(store, "p4@example.com", self.clock.now())
            self.happen()
        self.org.writes.clear()

    def keep(self) -> None:
        """Remembers this moment of the vendors' sides and of our own folder, for `restore`."""
        self._kept = (deepcopy(vars(self.org)), list(self.mailbox.messages), self.clock.ahead)
        shutil.rmtree(self.folder / "kept", ignore_errors=True)
        (self.folder / "kept").mkdir()
        for path in self.folder.glob("connector.db*"):
            shutil.copy(path, self.folder / "kept" / path.name)

    def restore(self) -> Scene:
        """Back to that moment."""
        state, messages, self.clock.ahead = self._kept
        vars(self.org).update(deepcopy(state))
        self.mailbox.messages[:] = messages
        self.emulated.crm.faults.faults.clear()
        self.emulated.crm.faults.requests.clear()
        for path in self.folder.glob("connector.db*"):
            path.unlink()
        for path in (self.folder / "kept").iterdir():
            shutil.copy(path, self.folder / path.name)
        return self

    def ask(self, store: Any, name: str, at: datetime) -> None:
        """A person's ask by the form."""
        address = normalise(name)
        assert isinstance(address, str)
        said = Said(kind=Kind.ASK, key=f"form/{name}", at=at, source="page", origin=Origin.FORM, by="the person")
        store.tell(said, address, store.digest(address))

    def sync(self, house: Installation, wrap: Callable[[Runtime], Runtime] = lambda rt: rt) -> Report:
        """One run."""
        return sync_tenant(wrap(house.runtime(self.tenant)), Trigger.COMMAND)

    def settle(self) -> None:
        """Runs until nothing changes any more, as the service would."""
        self.emulated.crm.faults.faults.clear()
        for _ in range(6):
            self.clock.ahead += timedelta(hours=1)
            with self.open() as house:
                report = self.sync(house)
                owed = house.store(self.tenant).counts()["owed"]
            if report.failure is None and not owed:
                return
        raise AssertionError(f"it does not come to rest: {report.sentence}")

    def state(self) -> dict[str, Any]:
        """What both sides show in the end, without times."""
        shown = self.rows()
        shown["mails"] = sorted({str(m.parsed["Message-ID"]) for m in self.mailbox.messages})
        with self.open() as house:
            for member in house.platform(self.tenant).changes(0, 10**6):
                lists = {k: v.value for k, v in member.lists.items()}
                shown[f"member {member.address}"] = (member.suppressed, tuple(sorted(lists.items())))
            store = house.store(self.tenant)
            done = {
                (e.event, str(e.values.get("target", "")), e.digest)
                for e in store.ledger()
                if e.event.endswith(".done")
            }
            shown["deeds"] = sorted(done)
            shown["requests"] = sorted((d, r.state.value) for d, r in store.requests())
            shown["held"] = sorted((d, s.scope, s.reason.value) for d, s in store.suppressions())
            damage = store.verify()
            assert damage is None, damage
        return shown

    def close(self) -> None:
        """Stops the emulators."""
        self.emulated.stop()


class SalesforceScene(Scene):
    """A Salesforce org."""

    crm = "salesforce"

    def populate(self) -> None:
        self.org.page = self.org.bulk_page = 10
        lead = {"LastName": "L", "Company": "C"}
        self.org.load("Lead", [{**lead, "Email": "P3@Example.com"}, {**lead, "Email": "lea@example.com"}])
        tenant = self.emulated.config / "tenants" / f"{self.tenant}.yaml"
        # a low threshold, so that both ways of writing are walked
        tenant.write_text(tenant.read_text().replace("esp:\n", "  bulk_threshold: 3\nesp:\n", 1))

    def happen(self) -> None:
        from connector.emulators.salesforce import writes

        contacts = list(self.org.rows("Contact"))
        for number, values in (
            (15, {"HasOptedOutOfEmail": True}),
            (1, {"HasOptedOutOfEmail": False}),
            (5, {"Email": "moved@example.com"}),
        ):
            writes.update(self.org, "Contact", contacts[number], values, self.org.admin)

    def rows(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name in ("Contact", "Lead"):
            for row in self.org.rows(name).values():
                status = (row["Resubscription_Status__c"] or "")[:12]
                key = f"{name} {row['Email']}"
                shown[key] = (row["HasOptedOutOfEmail"], row["News_List__c"], status, row["Suppression_Reason__c"])
        shown["notes"] = sorted(t["Subject"].partition(" [")[0] + t["WhoId"] for t in self.org.rows("Task").values())
        return shown

    def writes(self) -> set[tuple[str, ...]]:
        return {
            (w["object"], w["id"], str(sorted((k, v) for k, v in w["fields"].items() if isinstance(v, bool))))
            for w in self.org.writes
        }


class DynamicsScene(Scene):
    """A Dynamics organization; entries of Email suppressions are told by address, for their ids are made."""

    crm = "dynamics365"

    def populate(self) -> None:
        self.org.page = 10
        lead = {"lastname": "L"}
        self.org.load(
            "lead", [{**lead, "emailaddress1": "P3@Example.com"}, {**lead, "emailaddress1": "lea@example.com"}]
        )

    def _table(self, name: str) -> list[dict[str, Any]]:
        table = self.org.tables[name]
        return [table.values(cells) for cells in table.cells.values()]

    def happen(self) -> None:
        from connector.emulators.dynamics import control

        contacts = [row["contactid"] for row in self._table("contact")]
        for number, values in (
            (15, {"donotbulkemail": True}),
            (1, {"donotbulkemail": False}),
            (5, {"emailaddress1": "moved@example.com"}),
        ):
            control._update(self.org, {"table": "contact", "id": contacts[number], "values": values})

    def rows(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name in ("contact", "lead"):
            for row in self._table(name):
                status = (row["sc_resubscribestatus"] or "")[:12]
                shown[f"{name} {row['emailaddress1']}"] = (
                    row["donotbulkemail"],
                    row["new_news"],
                    status,
                    row["sc_suppressionreason"],
                )
        shown["entries"] = sorted((e["sc_name"], e["sc_reason"]) for e in self._table("sc_emailsuppression"))
        shown["notes"] = sorted(n["subject"] + n["_objectid_value"] for n in self._table("annotation"))
        return shown

    def writes(self) -> set[tuple[str, ...]]:
        return {
            (w["table"], w["id"], str(sorted((k, v) for k, v in w["values"].items() if isinstance(v, bool))))
            for w in self.org.writes
            if w["table"] != "sc_emailsuppression"
        }
