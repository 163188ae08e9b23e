"""What `connector check` asks a Salesforce org (N14, S8, S16): it fails closed, and names field and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.adapters.crm.salesforce.api import GUIDE, Api, Describe
from connector.adapters.crm.salesforce.described import field_findings
from connector.adapters.crm.salesforce.mapping import EDITIONS, literal
from connector.adapters.crm.salesforce.records import Fields, custom
from connector.adapters.crm.salesforce.settings import Password, Settings
from connector.adapters.crm.salesforce.ticks import Ticks
from connector.core.errors import ConfigError, Failure
from connector.core.policy import Policy
from connector.ports.adapter import Finding, Level

CLOCKS_APART = 300.0
"""Seconds between the clocks from which on a warning is given; the difference itself is corrected."""

GRANT = "Grant the permission set Suppression Connector"


class Check:
    """One org's findings, in the order in which a person would mend them."""

    def __init__(
        self, api: Api, settings: Settings, objects: Mapping[str, Fields], ticks: Ticks, policy: Policy
    ) -> None:
        self._api, self._settings, self._objects = api, settings, objects
        self._ticks, self._policy = ticks, policy
        self._described: dict[str, Describe | None] = {}

    def findings(self) -> Iterator[Finding]:
        """Every finding. Raises: `ConfigError`, `TransientError` where the org cannot even be asked."""
        self._described.clear()
        if isinstance(self._settings.auth, Password):
            yield Finding(
                level=Level.WARNING,
                what="login",
                found="user, password and token: Salesforce ends this login with Summer '27.",
                todo="Move to client credentials.",
            )
        edition = self._edition()
        yield self._version()
        yield edition
        yield self._limits()
        yield self._clock()
        for fields in self._objects.values():
            yield from self._object(fields)
        yield from self._notes()
        if self._policy.creates:
            yield self._may_create(self._settings.creates, "a signup's record")
        if self._settings.package and self._policy.permission:
            yield self._permission()

    def _describe(self, name: str) -> Describe | None:
        if name not in self._described:
            self._described[name] = self._api.describe(name)
        return self._described[name]

    def _version(self) -> Finding:
        """Versions, which the org tells without a call being counted."""
        pinned, what = self._api.version, "API version"
        served = self._api.call("GET", "/services/data", list[dict[str, Any]], action="versions")
        versions = sorted((str(v.get("version", "")) for v in served), key=lambda v: float(v or 0))
        if pinned not in versions:
            newest = versions[-1] if versions else "none"
            found = f"{pinned} is not served; the newest is {newest}."
            return Finding(level=Level.ERROR, what=what, found=found, todo="Set crm.api_version to one that is.")
        return Finding(level=Level.OK, what=what, found=f"{pinned} is served, up to {versions[-1]}.")

    def _edition(self) -> Finding:
        edition = str(self._api.organization().get("OrganizationType") or "unknown")
        known = EDITIONS.get(edition)
        found = f"{edition}: {known or 'not one the guide knows; what holds for Enterprise Edition should do.'}"
        level = Level.OK if known else Level.WARNING
        return Finding(level=level, what="edition", found=found, todo=f"Guide: {GUIDE}.")

    def _limits(self) -> Finding:
        budget = self._api.wire.budget
        if budget.used is None or budget.limit is None:
            return Finding(level=Level.UNKNOWN, what="API calls", found="Salesforce did not tell how many are left.")
        found = f"{budget.used:,} of {budget.limit:,} calls used in 24 hours."
        todo = "Below the reserve: only opt-outs are sent until calls are free again." if budget.low else ""
        return Finding(level=Level.WARNING if budget.low else Level.OK, what="API calls", found=found, todo=todo)

    def _clock(self) -> Finding:
        seconds = self._api.wire.offset.total_seconds()
        apart = abs(seconds) > CLOCKS_APART
        found = f"the org's clock is {seconds:+.0f} s from ours; times are corrected by that."
        return Finding(level=Level.WARNING if apart else Level.OK, what="clock", found=found)

    def _object(self, fields: Fields) -> Iterator[Finding]:
        name, described = fields.name, self._describe(fields.name)
        if described is None:
            found = f"the integration user may not see {name}, or the org has none."
            yield Finding(level=Level.ERROR, what=name, found=found, todo=f"{GRANT}: {GUIDE}.")
            return
        seen = {f.name: f for f in described.fields}
        if name == "Account" and "IsPersonAccount" not in seen:
            yield Finding(level=Level.ERROR, what=name, found="the org has no Person Accounts.", todo="Drop Account.")
            return
        if name == "Contact" and "IsPersonAccount" in seen and "Account" not in self._objects:
            found = "the org has Person Accounts, and crm.objects does not name Account: they are taken for contacts."
            yield Finding(level=Level.WARNING, what=name, found=found, todo="Add `- name: Account` to crm.objects.")
        yield from field_findings(fields, seen, self._policy)
        if fields.settings.box in seen:
            yield self._tracked(name, fields.settings.box)

    def _tracked(self, name: str, box: str) -> Finding:
        """Whether field history will tell who ticks the box: it is tracked (Tooling API), and may be read."""
        soql = (
            "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition "  # noqa: S608  # values are literals
            f"WHERE EntityDefinitionId = {literal(name)} AND QualifiedApiName = {literal(box)}"
        )
        what = f"history of {name}.{box}"
        try:
            answer = self._api.call("GET", "tooling/query", dict[str, Any], action="field history", params={"q": soql})
            rows = [r for r in answer.get("records") or () if r.get("QualifiedApiName") == box]
            self._api.rows(f"SELECT Id FROM {name}History LIMIT 1", action=f"history of {name}")  # noqa: S608  # as above
        except Failure as error:
            found = f"whether it is tracked cannot be read ({error})."
            return Finding(level=Level.UNKNOWN, what=what, found=found, todo=f"{GRANT}, and View Setup: {GUIDE}.")
        if not rows or rows[0].get("IsFieldHistoryTracked") is not True:
            found = "not tracked, so nobody can tell who ticked the box, and every tick would be refused."
            todo = f"Switch field history tracking on: {GUIDE}."
            return Finding(level=Level.ERROR, what=what, found=found, todo=todo)
        return Finding(level=Level.OK, what=what, found="tracked.")

    def _notes(self) -> Iterator[Finding]:
        match self._settings.notes.kind:
            case "task":
                yield self._may_create("Task", "notes")
            case "content_note":
                yield self._may_create("ContentNote", "notes")
            case "field":
                for fields in self._objects.values():
                    field = custom(fields.settings, self._settings.notes.field)
                    described = self._describe(fields.name)
                    good = described and any(f.name == field and f.updateable for f in described.fields)
                    level, found = (Level.OK, "may be written.") if good else (Level.ERROR, "missing, or not writable.")
                    todo = "" if good else f"See crm.notes, and {GUIDE}."
                    yield Finding(level=level, what=f"notes in {fields.name}.{field}", found=found, todo=todo)

    def _may_create(self, name: str, what: str) -> Finding:
        described = self._describe(name)
        if described and described.createable:
            return Finding(level=Level.OK, what=what, found=f"{name} may be created.")
        found = f"the integration user may not create {name}, or the org has none."
        return Finding(level=Level.ERROR, what=what, found=found, todo=f"{GRANT}: {GUIDE}.")

    def _permission(self) -> Finding:
        what = f"custom permission {self._policy.permission}"
        try:
            there = self._ticks.permission_id()
        except ConfigError as error:
            return Finding(level=Level.UNKNOWN, what=what, found=error.operator, todo=f"{GRANT}: {GUIDE}.")
        if there:
            return Finding(level=Level.OK, what=what, found="there.")
        return Finding(level=Level.ERROR, what=what, found="missing.", todo=f"Install the package: {GUIDE}.")
