"""Salesforce behind the CRM port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.adapters._http import Wire
from connector.adapters.crm.salesforce import settings as blocks
from connector.adapters.crm.salesforce.api import AT_ONCE, Api
from connector.adapters.crm.salesforce.check import Check
from connector.adapters.crm.salesforce.login import COMPOSED, Login
from connector.adapters.crm.salesforce.mapping import usage
from connector.adapters.crm.salesforce.notes import NoteWriter
from connector.adapters.crm.salesforce.reads import Reads
from connector.adapters.crm.salesforce.records import fields_of
from connector.adapters.crm.salesforce.ticks import Ticks
from connector.adapters.crm.salesforce.writes import SPARED, Writes
from connector.core.address import Address, normalise
from connector.core.errors import ConfigError
from connector.core.restriction import Ref
from connector.core.view import Tick
from connector.ports.adapter import Context, Finding, Outcome, Status
from connector.ports.crm import CrmPage, CrmRow, NewNote, NewRecord, RecordChange


class Salesforce:
    """One org: `ports.crm.Crm`. Raises: `ConfigError` for a login_url or CA bundle that cannot be used."""

    can = frozenset({"lists", "notes", "create", "ticks", "merge"})

    def __init__(self, settings: blocks.Settings, context: Context) -> None:
        self._settings = settings
        self._wire = Wire(
            vendor="Salesforce",
            base_url=settings.login_url,
            clock=context.clock,
            proxies=context.proxies,
            ca_bundle=context.ca_bundle,
            composed={COMPOSED: settings.login_url},
            usage=usage,
            reserve=settings.api_reserve,
        )
        self._login = Login(self._wire, settings)
        self._wire.authorise = self._login
        api = Api(self._wire, settings.api_version)
        persons = any(o.name == "Account" for o in settings.objects)
        resolved = [
            fields_of(
                o,
                context.lists,
                person_contacts=persons and o.name == "Contact",
                null_means_clear=settings.null_means_clear,
            )
            for o in settings.objects
        ]
        objects = {f.name: f for f in resolved}
        self._reads = Reads(api, resolved)
        self._writes = Writes(api, objects, threshold=settings.bulk_threshold)
        self._notes = NoteWriter(api, settings.notes, objects)
        self._ticks = Ticks(api, objects, context.policy.permission)
        self._check = Check(api, settings, objects, self._ticks, context.policy)
        self._api = api

    def identity(self) -> str:
        """`salesforce:00D…`, as the login or the org itself told."""
        organization = self._login.organization or str(self._api.organization().get("Id") or "")
        if not organization:
            raise ConfigError("Salesforce did not tell which org this is; see crm.login_url in the tenant's YAML.")
        return f"salesforce:{organization[:15]}"

    def check(self) -> Iterable[Finding]:
        """Rights, fields, versions, limits, clock."""
        return self._check.findings()

    def clock_offset(self) -> timedelta:
        """The org's clock minus ours, by its Date headers."""
        return self._wire.offset

    def changes(self, cursor: str, place: str = "") -> Iterator[CrmPage]:
        """Everything changed since `cursor`; everything there is for an empty one."""
        return self._reads.changes(cursor, place)

    def look(self, addresses: Sequence[Address]) -> Sequence[CrmRow]:
        """Every record whose flag field holds one of these addresses, as it is now."""
        return self._reads.look(addresses)

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some record holds in any of its mail fields."""
        return self._reads.elsewhere(addresses)

    def ticks(self, refs: Sequence[Ref]) -> Mapping[Ref, Tick]:
        """Who ticked the request box, and whether that user holds the permission."""
        return self._ticks.ticks(refs)

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, an outcome for every key."""
        return self._writes.write(changes)

    def create(self, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        """Creates people as the setting says; looks by address first, so that none is made twice."""
        for start in range(0, len(records), AT_ONCE):
            yield from self._create(records[start : start + AT_ONCE])

    def _create(self, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        if self._wire.budget.low:
            yield from (Outcome(key=r.key, status=Status.LATER, words=SPARED) for r in records)
            return
        made: dict[Any, str] = {}
        for row in self._reads.look(sorted({r.address for r in records})):
            made.setdefault(normalise(row.address), f"{row.entity}/{row.id}")
        new = {r.address: r for r in reversed(records) if r.address not in made}
        for outcome in self._writes.create(self._settings.creates, list(new.values())) if new else ():
            record = next(r for r in new.values() if r.key == outcome.key)
            if outcome.made:
                made[record.address] = outcome.made
            yield outcome
        told = {r.key for r in new.values()}
        for record in records:
            if record.key not in told:
                ref = made.get(record.address, "")
                status = Status.DONE if ref else Status.LATER
                yield Outcome(key=record.key, status=status, made=ref)

    def note(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Leaves notes, each once."""
        return self._notes.write(notes)

    def close(self) -> None:
        """Gives back its connections."""
        self._wire.close()


class SalesforceAdapter:
    """The entry point `salesforce` of `connector.crm`."""

    name = "salesforce"
    Settings: type[Any] = blocks.Settings
    can = Salesforce.can

    def open(self, settings: blocks.Settings, context: Context) -> Salesforce:
        """An org, nothing sent yet. Raises: `ConfigError`."""
        names = [o.name for o in settings.objects]
        if len(set(names)) != len(names):
            raise ConfigError("crm.objects names an object twice.")
        if context.policy.creates and settings.creates not in names:
            raise ConfigError(f"crm.creates is {settings.creates}, but crm.objects does not name it.")
        return Salesforce(settings, context)
