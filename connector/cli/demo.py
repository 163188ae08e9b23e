"""`connector demo`: the whole loop on emulators, told step by step; it fails if a step does not come out as told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from connector.core.address import Address, normalise
from connector.core.errors import BugError
from connector.core.token import LinkDeed
from connector.ports.store import Trigger
from connector.sync.explain import explain
from connector.sync.run import sync_tenant
from connector.wiring import Installation

TENANT = "acme"
DYNAMICS = "dynamics365"


@click.command(short_help="show the whole loop in a minute, on emulators")
@click.option("--people", type=click.IntRange(10, 1_000_000), default=2_000, show_default=True, help="Contacts.")
def command(people: int) -> None:
    """Show on emulators: a first sync, a one-click unsubscribe, a confirmed return, an abuse report; and Dynamics."""
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder, _town(Path(folder), people) as town:
        _first_sync(town)
        ada = Address("ada.1@example.com")
        _unsubscribe(town, ada)
        _comes_back(town, ada)
        _abuse(town, Address("bo.2@example.com"))
        _proof(town, ada)
        _dynamics(town, Address("cy.3@example.com"))
    click.echo("\nDone. Nothing left this machine; the demo's folder is gone.")


@dataclass(frozen=True, kw_only=True)
class _Town:
    house: Installation
    emulated: Any
    pages: str

    def sync(self, tenant: str = TENANT, trigger: Trigger = Trigger.COMMAND) -> None:
        report = sync_tenant(self.house.runtime(tenant), trigger)
        click.echo(f"  sync: {report.sentence}")
        if report.failure:
            raise report.failure

    def opted_out(self, address: str) -> bool:
        rows = self.emulated.crms["salesforce"].state.tables["Contact"]
        found = [rows.rows[i] for i in rows.by_email.get(address, ())]
        return any(r["HasOptedOutOfEmail"] for r in found)

    def blocked(self, address: Address, tenant: str = TENANT) -> bool:
        return any(m.suppressed for m in self.house.platform(tenant).members([address]))

    def dynamics(self, deed: str, **body: Any) -> Any:
        """What a user does in Dynamics, by the emulator's control."""
        import json
        import ssl
        from urllib.request import Request, urlopen

        crm = self.emulated.crms[DYNAMICS]
        trusted = ssl.create_default_context(cafile=crm.shown["ca_bundle"])
        url = f"{crm.base_url}/_emulator/{deed}"
        request = Request(url, json.dumps(body).encode() if body else None)  # noqa: S310  # loopback
        with urlopen(request, timeout=10, context=trusted) as answer:  # noqa: S310  # loopback
            return json.loads(answer.read())

    def dynamics_shows(self, address: Address) -> str:
        (contact,) = self.dynamics(f"rows/contact?emailaddress1={address}")
        listed = self.dynamics(f"rows/sc_emailsuppression?sc_name={address}")
        bulk = "do not allow" if contact["donotbulkemail"] else "allow"
        word = "suppressed" if self.blocked(address, DYNAMICS) else "not suppressed"
        entry = "on" if listed else "not on"
        return f"Dynamics says bulk e-mail: {bulk}, {entry} Email suppressions; the e-mail platform says {word}"

    def shows(self, address: Address) -> str:
        flag = "opted out" if self.opted_out(address) else "may be mailed"
        word = "suppressed" if self.blocked(address) else "not suppressed"
        return f"Salesforce says {flag}, the e-mail platform says {word}"

    def expect(self, what: str, true: bool) -> None:
        if not true:
            raise BugError(f"The demo did not come out as told: {what}. Please report this.")
        click.echo(f"  {what}")

    def post(self, url: str, data: dict[str, str]) -> int:
        """Presses a button as a browser or a mail program does: no cookie, no redirect."""
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        with urlopen(Request(url, data=urlencode(data).encode(), method="POST"), timeout=10) as answer:  # noqa: S310  # loopback
            return int(answer.status)

    def links(self, address: str) -> dict[str, str]:
        mail = [m.plain() for m in self.emulated.mailbox.messages if address in m.recipients][-1]
        click.echo(f"  mail to {address}: {mail['subject']}")
        return {link.split("/")[4]: link for link in mail["links"]}


@contextmanager
def _town(folder: Path, people: int) -> Iterator[_Town]:
    from connector.emulators import town as invented
    from connector.emulators.folder import Emulated
    from connector.emulators.server import Running
    from connector.web.public import public_app
    from connector.web.sites import sites

    known = [
        {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada.1@example.com", "HasOptedOutOfEmail": False},
        {"FirstName": "Bo", "LastName": "Derek", "Email": "bo.2@example.com", "HasOptedOutOfEmail": True},
        {"FirstName": "Cy", "LastName": "Young", "Email": "cy.3@example.com", "HasOptedOutOfEmail": True},
    ]
    click.echo(
        f"A Salesforce org and a Dynamics 365 environment with {people:,} contacts each, our own e-mail platform, and "
        "a mail server. All on this machine."
    )
    houses: list[Installation] = []

    from connector.wiring import SystemClock

    with Running(public_app(sites(lambda: houses[0]), SystemClock())) as pages:
        rows = [*known, *invented.people(people - len(known), first=len(known))]
        crms = ("salesforce", DYNAMICS)
        emulated = Emulated(folder, people=lambda: rows, public_url=pages.base_url, crms=crms)
        try:
            with Installation.open(emulated.config) as house:
                houses.append(house)
                yield _Town(house=house, emulated=emulated, pages=pages.base_url)
        finally:
            emulated.stop()


def _first_sync(town: _Town) -> None:
    click.secho("\n1. The first sync: both sides say the same", bold=True)
    town.sync()
    contacts = town.emulated.crm.state.rows("Contact").values()
    wanted = {normalise(r["Email"]) for r in contacts if r["HasOptedOutOfEmail"]}
    blocked = {m.address for m in town.house.platform(TENANT).changes(0, 10**7) if m.suppressed}
    town.expect(f"{len(wanted):,} people opted out in Salesforce are suppressed on the platform", wanted == blocked)
    writes = len(town.emulated.crm.state.writes)
    town.sync()
    town.expect("a second sync finds nothing to do", len(town.emulated.crm.state.writes) == writes)


def _unsubscribe(town: _Town, ada: Address) -> None:
    click.secho("\n2. A person unsubscribes with one click, and stays unsubscribed everywhere", bold=True)
    store = town.house.store(TENANT)
    town.house.platform(TENANT).set_list(ada, "News", _subscribed(), town.house.clock.now())
    url = town.house.letters(TENANT).url(LinkDeed.UNSUBSCRIBE, store.digest(ada))
    status = town.post(url, {"List-Unsubscribe": "One-Click"})
    town.expect(f"one click answered {status}; the platform blocks {ada} at once", status == 200 and town.blocked(ada))
    town.sync()
    town.expect(town.shows(ada), town.opted_out(ada) and town.blocked(ada))


def _subscribed() -> Any:
    from connector.core.lists import ListStatus

    return ListStatus.SUBSCRIBED


def _comes_back(town: _Town, ada: Address) -> None:
    click.secho("\n3. The same person comes back, and confirms", bold=True)
    town.post(f"{town.pages}/{TENANT}/signup", {"email": ada, "list": "News"})
    town.sync()
    links = town.links(ada)
    town.expect(f"until the answer nothing changes: {town.shows(ada)}", town.opted_out(ada) and town.blocked(ada))
    town.post(links["confirm"], {})
    town.sync()
    town.expect(town.shows(ada), not town.opted_out(ada) and not town.blocked(ada))


def _abuse(town: _Town, bo: Address) -> None:
    click.secho("\n4. Somebody asks in another's name; that person reports abuse, and stays blocked", bold=True)
    town.post(f"{town.pages}/{TENANT}/signup", {"email": bo})
    town.sync()
    links = town.links(bo)
    town.post(links["abuse"], {})
    town.post(links["confirm"], {})
    town.sync()
    town.expect(town.shows(bo), town.opted_out(bo) and town.blocked(bo))


def _proof(town: _Town, ada: Address) -> None:
    click.secho(f"\n5. The ledger explains each step for {ada}", bold=True)
    store = town.house.store(TENANT)
    said = explain(store, town.house.policy(TENANT), ada, town.house.clock.now())
    for entry in said.history:
        click.echo(f"  {entry.seq:>5}  {entry.event:<22} {entry.because}")
    town.expect("the chain verifies: no row was edited, removed or reordered", store.verify() is None)


def _dynamics(town: _Town, cy: Address) -> None:
    click.secho("\n6. The same in Dynamics: Request Resubscribe, ticked on the list of suppressions", bold=True)
    town.sync(DYNAMICS)
    click.echo(f"  {town.dynamics_shows(cy)}")
    (entry,) = town.dynamics(f"rows/sc_emailsuppression?sc_name={cy}")
    id_, user = entry["sc_emailsuppressionid"], town.dynamics("people")["operator"]
    ticked = {"sc_requestresubscribe": True}
    town.dynamics("update", table="sc_emailsuppression", id=id_, values=ticked, user=user)
    click.echo("  a user ticks Request Resubscribe on the entry, and saves; no mail leaves yet")
    town.sync(DYNAMICS)
    links = town.links(cy)
    asked = "do not allow, on Email suppressions; the e-mail platform says suppressed"
    town.expect(f"until the answer nothing changes: {town.dynamics_shows(cy)}", asked in town.dynamics_shows(cy))
    town.post(links["confirm"], {})
    town.sync(DYNAMICS, Trigger.INBOX)
    gone = "do not allow, not on Email suppressions; the e-mail platform says not suppressed"
    town.expect(f"once confirmed, at once: {town.dynamics_shows(cy)}", gone in town.dynamics_shows(cy))
    town.sync(DYNAMICS)
    free = "bulk e-mail: allow, not on Email suppressions"
    town.expect(f"after the next sync: {town.dynamics_shows(cy)}", free in town.dynamics_shows(cy))
