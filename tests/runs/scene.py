"""One small town in which everything happens at once: 30 people, 3 pages, stops on both sides, and people coming back."""

from __future__ import annotations

import shutil
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


class Scene:
    """The town, its emulators, and how it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        people = [{"LastName": f"P{n}", "Email": f"p{n}@example.com", "HasOptedOutOfEmail": n < 6} for n in range(28)]
        for name in ("digest_key", "link_key"):
            # the same in every scene, so that end states can be compared
            (folder / "secrets").mkdir(parents=True, exist_ok=True)
            (folder / "secrets" / name).write_text("one key for every scene")
        self.emulated = Emulated(folder, people=lambda: people)
        self.org, self.mailbox = self.emulated.crm.state, self.emulated.mailbox
        self.org.page = self.org.bulk_page = 10
        lead = {"LastName": "L", "Company": "C"}
        self.org.load("Lead", [{**lead, "Email": "P3@Example.com"}, {**lead, "Email": "lea@example.com"}])
        tenant = self.emulated.config / "tenants" / "acme.yaml"
        # a low threshold, so that both ways of writing are walked
        tenant.write_text(tenant.read_text().replace("esp:\n", "  bulk_threshold: 3\nesp:\n", 1))
        self.clock = QuickClock()

    def open(self) -> Installation:
        """The installation, opened anew as a new process would."""
        return Installation.open(self.emulated.config, clock=self.clock)

    def prepare(self) -> None:
        """A first sync; then stops at the platform and asks by form, so that one run has every kind of deed to do."""
        with self.open() as house:
            self.sync(house)
            platform, store, now = house.platform("acme"), house.store("acme"), self.clock.now()
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
            # people 5 and 15 change in the CRM; person 1 is cleared by hand
            contacts = list(self.org.rows("Contact"))
            self._change(contacts[15], HasOptedOutOfEmail=True)
            self._change(contacts[1], HasOptedOutOfEmail=False)
            self._change(contacts[5], Email="moved@example.com")
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

    def _change(self, id_: str, **values: Any) -> None:
        from connector.emulators.salesforce import writes

        writes.update(self.org, "Contact", id_, values, self.org.admin)

    def sync(self, house: Installation, wrap: Callable[[Runtime], Runtime] = lambda rt: rt) -> Report:
        """One run."""
        return sync_tenant(wrap(house.runtime("acme")), Trigger.COMMAND)

    def settle(self) -> None:
        """Runs until nothing changes any more, as the service would."""
        self.emulated.crm.faults.faults.clear()
        for _ in range(6):
            self.clock.ahead += timedelta(hours=1)
            with self.open() as house:
                report = self.sync(house)
                owed = house.store("acme").counts()["owed"]
            if report.failure is None and not owed:
                return
        raise AssertionError(f"it does not come to rest: {report.sentence}")

    def state(self) -> dict[str, Any]:
        """What both sides show in the end, without times."""
        shown: dict[str, Any] = {}
        for name in ("Contact", "Lead"):
            for row in self.org.rows(name).values():
                status = (row["Resubscription_Status__c"] or "")[:12]
                key = f"{name} {row['Email']}"
                shown[key] = (row["HasOptedOutOfEmail"], row["News_List__c"], status, row["Suppression_Reason__c"])
        shown["tasks"] = sorted(t["Subject"].partition(" [")[0] + t["WhoId"] for t in self.org.rows("Task").values())
        shown["mails"] = sorted({str(m.parsed["Message-ID"]) for m in self.mailbox.messages})
        with self.open() as house:
            for member in house.platform("acme").changes(0, 10**6):
                lists = {k: v.value for k, v in member.lists.items()}
                shown[f"member {member.address}"] = (member.suppressed, tuple(sorted(lists.items())))
            store = house.store("acme")
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

    def writes(self) -> set[tuple[str, str, str]]:
        """What was written to Salesforce: record and field names with values, without times."""
        return {
            (w["object"], w["id"], str(sorted((k, v) for k, v in w["fields"].items() if isinstance(v, bool))))
            for w in self.org.writes
        }

    def close(self) -> None:
        """Stops the emulators."""
        self.emulated.stop()
