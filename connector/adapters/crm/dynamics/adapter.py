"""Dynamics behind the CRM port, on whichever wire its generation speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics import settings as blocks
from connector.adapters.crm.dynamics.check import Check
from connector.adapters.crm.dynamics.login import sign_in
from connector.adapters.crm.dynamics.organization_data import OrganizationData
from connector.adapters.crm.dynamics.privileges import READS, used
from connector.adapters.crm.dynamics.provision import Provision
from connector.adapters.crm.dynamics.reads import Reads
from connector.adapters.crm.dynamics.records import tables
from connector.adapters.crm.dynamics.ticks import Ticks
from connector.adapters.crm.dynamics.versions import refuse, solution_finding
from connector.adapters.crm.dynamics.web_api import VERSIONS, WebApi
from connector.adapters.crm.dynamics.wire import Organization
from connector.adapters.crm.dynamics.writes import Writes
from connector.core.address import Address
from connector.core.errors import ConfigError
from connector.core.restriction import Ref
from connector.core.view import Tick
from connector.ports.adapter import Context, Finding, Outcome, Part
from connector.ports.crm import CrmPage, CrmRow, EntryRemoval, NewEntry, NewNote, NewRecord, RecordChange


class Dynamics:
    """One organization: `Crm`, `KeepsEntries`, `Provisions`. Raises: `ConfigError` for a URL that cannot be used."""

    can = frozenset({"lists", "notes", "create", "ticks", "merge", "entries", "provision"})

    def __init__(self, settings: blocks.Settings, context: Context) -> None:
        self._settings = settings

        def wire(vendor: str, url: str) -> Wire:
            return Wire(
                vendor=vendor,
                base_url=url,
                clock=context.clock,
                proxies=context.proxies,
                ca_bundle=context.ca_bundle,
            )

        self._wire = wire("Dynamics", settings.url)
        self._issuer = sign_in(self._wire, settings, wire)
        self._organization = organization(self._wire, settings)
        named = tables(settings, context.lists)
        self._reads = Reads(self._organization, named)
        self._writes = Writes(self._organization, named, self._reads, settings.notes)
        self._ticks = Ticks(self._organization, named, context.policy.permission)
        self._check = Check(self._organization, settings, named, context.policy)
        maker = self._organization.maker if isinstance(self._organization, WebApi) else None
        privileges = [*used(settings, named, context.policy), *READS]
        self._provision = Provision(self._organization, settings, named, privileges, maker)
        self._served = settings.solution is None

    def identity(self) -> str:
        """`dynamics:<organization id>`."""
        return f"dynamics:{self._organization.organization().lower()}"

    def check(self) -> Iterable[Finding]:
        """Login, versions, clock, solution, tables, columns, rights."""
        return self._check.findings()

    def clock_offset(self) -> timedelta:
        """The server's clock minus ours, by its Date headers."""
        return self._wire.offset

    def changes(self, cursor: str, place: str = "") -> Iterator[CrmPage]:
        """Everything changed since `cursor`; everything there is for an empty one.

        Raises: `ConfigError` where the connector's solution is missing, unreadable or too old.
        """
        if not self._served and self._settings.solution:
            refuse(solution_finding(self._organization, self._settings.solution, self._settings.generation))
            self._served = True
        yield from self._reads.changes(cursor, place)

    def look(self, addresses: Sequence[Address]) -> Sequence[CrmRow]:
        """Every record and entry that holds one of these addresses, as it is now."""
        return self._reads.look(addresses)

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some record holds in any of its mail columns."""
        return self._reads.elsewhere(addresses)

    def ticks(self, refs: Sequence[Ref]) -> Mapping[Ref, Tick]:
        """Who saved the tick, and when."""
        return self._ticks.ticks(refs)

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, an outcome for every key; a lift only on the record as it was looked at."""
        return self._writes.write(changes)

    def create(self, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        """Creates people as the setting says, each once."""
        return self._writes.create(self._settings.creates, records)

    def note(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Leaves notes, each once."""
        return self._writes.note(notes)

    def enter(self, entries: Sequence[NewEntry]) -> Iterator[Outcome]:
        """Puts addresses on Email suppressions, each once."""
        return self._writes.enter(entries)

    def remove(self, removals: Sequence[EntryRemoval]) -> Iterator[Outcome]:
        """Takes entries off Email suppressions, as they were looked at."""
        return self._writes.remove(removals)

    @property
    def makes(self) -> bool:
        """Whether this server lets a program make tables."""
        return self._provision.makes

    def missing(self) -> Sequence[Part]:
        """What of ours is not there."""
        return self._provision.missing()

    def make(self, part: Part) -> None:
        """Makes one part."""
        self._provision.make(part)

    def close(self) -> None:
        """Gives back its connections."""
        self._wire.close()
        if self._issuer:
            self._issuer.close()


def organization(wire: Wire, settings: blocks.Settings) -> Organization:
    """The organization on the wire that its generation speaks."""
    return WebApi(wire, settings.generation) if settings.generation in VERSIONS else OrganizationData(wire)


class DynamicsAdapter:
    """The entry point `dynamics` of `connector.crm`."""

    name = "dynamics"
    Settings: type[Any] = blocks.Settings
    can = Dynamics.can

    def open(self, settings: blocks.Settings, context: Context) -> Dynamics:
        """An organization, nothing sent yet. Raises: `ConfigError`."""
        if context.policy.creates and settings.creates not in [t.name for t in settings.tables]:
            raise ConfigError(f"crm.creates is {settings.creates}, but crm.tables does not name it.")
        return Dynamics(settings, context)
