"""Salesforce behind the CRM port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.adapters._http import Wire
from connector.adapters.crm.salesforce import settings as blocks
from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.check import Check
from connector.adapters.crm.salesforce.login import COMPOSED, Login
from connector.adapters.crm.salesforce.mapping import fields_of
from connector.adapters.crm.salesforce.notes import NoteWriter
from connector.adapters.crm.salesforce.reads import Reads
from connector.adapters.crm.salesforce.ticks import Ticks
from connector.adapters.crm.salesforce.writes import Writes
from connector.core.address import Address, normalise
from connector.core.errors import ConfigError
from connector.core.restriction import Ref
from connector.core.view import Tick
from connector.ports.adapter import Context, Finding, Outcome, Status
from connector.ports.crm import CrmPage, CrmRow, NewNote, NewRecord, RecordChange


class Salesforce:
    """One org: `ports.crm.Crm`."""

    can = frozenset({"lists", "notes", "create", "ticks", "merge"})

    def __init__(self, settings: blocks.Settings, context: Context) -> None:
        self._settings = settings
        composed: dict[str, str] = {COMPOSED: settings.login_url}
        self._wire = Wire(
            vendor="Salesforce",
            base_url=settings.login_url,
            clock=context.clock,
            proxies=context.proxies,
            ca_bundle=context.ca_bundle,
            composed=composed,
        )
        self._login = Login(self._wire, settings)
        self._wire.authorise = self._login
        api = Api(self._wire, settings.api_version)
        persons = any(o.name == "Account" for o in settings.objects)
        resolved = [
            fields_of(o, context.lists, person_contacts=persons and o.name == "Contact") for o in settings.objects
        ]
        objects = {f.name: f for f in resolved}
        self._reads = Reads(api, resolved)
        self._writes = Writes(api, objects, threshold=settings.bulk_threshold, reserve=settings.api_reserve)
        self._notes = NoteWriter(api, settings.notes)
        self._ticks = Ticks(api, objects, context.policy.permission)
        self._check = Check(api, settings, objects, self._ticks, context.policy)
        self._api = api

    def identity(self) -> str:
        """`salesforce:00D…`, as the login told."""
        if not self._login.organization:
            self._api.server_now()
        if not self._login.organization:
            raise ConfigError("Salesforce did not tell which org this is; see crm.login_url in the tenant's YAML.")
        return f"salesforce:{self._login.organization[:15]}"

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
        for record in records:
            standing = [r for r in self._reads.look([record.address]) if normalise(r.address) == record.address]
            if standing:
                made = f"{standing[0].entity}/{standing[0].id}"
                yield Outcome(key=record.key, status=Status.DONE, made=made)
            else:
                yield self._writes.create(self._settings.creates, record)

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
        if settings.creates not in {o.name for o in settings.objects}:
            raise ConfigError(f"crm.creates is {settings.creates}, but crm.objects does not name it.")
        return Salesforce(settings, context)
