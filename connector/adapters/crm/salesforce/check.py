"""What `connector check` asks a Salesforce org (N14, S8, S16): it fails closed, and names field and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import Fields, literal
from connector.adapters.crm.salesforce.settings import ObjectSettings, Password, Settings
from connector.adapters.crm.salesforce.ticks import Ticks
from connector.core.errors import ConfigError, Failure
from connector.core.policy import Policy
from connector.ports.adapter import Finding, Level

GUIDE = "deploy/salesforce/README.md"
CLOCKS_APART = 300.0
"""Seconds between the clocks from which on a warning is given; the difference itself is corrected."""

EDITIONS = {
    "Professional Edition": "Professional Edition: API access has to be bought; the guide's part on Professional applies",
    "Enterprise Edition": "Enterprise Edition: the guide's part on Enterprise and Unlimited applies",
    "Unlimited Edition": "Unlimited Edition: the guide's part on Enterprise and Unlimited applies",
    "Developer Edition": "Developer Edition: as Enterprise",
}


class Check:
    """One org's findings, in the order in which a person would mend them."""

    def __init__(
        self, api: Api, settings: Settings, objects: Mapping[str, Fields], ticks: Ticks, policy: Policy
    ) -> None:
        self._api, self._settings, self._objects = api, settings, objects
        self._ticks, self._policy = ticks, policy

    def findings(self) -> Iterator[Finding]:
        """Every finding. Raises: `ConfigError`, `TransientError` where the org cannot even be asked."""
        if isinstance(self._settings.auth, Password):
            yield Finding(
                level=Level.WARNING,
                what="login",
                found="user, password and token: Salesforce ends this login with Summer '27.",
                todo="Move to client credentials.",
            )
        yield from self._edition()
        yield from self._limits()
        yield self._clock()
        for fields in self._objects.values():
            yield from self._object(fields)
        if self._settings.package:
            yield from self._permission()

    def _edition(self) -> Iterator[Finding]:
        row = self._api.rows("SELECT Id, Name, OrganizationType, IsSandbox FROM Organization", action="edition")[0]
        edition = str(row.get("OrganizationType") or "unknown")
        found = EDITIONS.get(edition, f"{edition}: not one we know")
        level = Level.OK if edition in EDITIONS else Level.WARNING
        yield Finding(level=level, what="edition", found=f"{found}.", todo=f"Guide: {GUIDE}.")

    def _limits(self) -> Iterator[Finding]:
        left = self._api.wire.budget.left
        used, limit = self._api.wire.budget.used, self._api.wire.budget.limit
        if used is None:
            yield Finding(level=Level.UNKNOWN, what="API calls", found="Salesforce did not tell how many are left.")
            return
        low = left < self._settings.api_reserve
        found = f"{used:,} of {limit:,} calls used in 24 hours."
        todo = "Below the reserve: only opt-outs are sent until calls are free again." if low else ""
        yield Finding(level=Level.WARNING if low else Level.OK, what="API calls", found=found, todo=todo)

    def _clock(self) -> Finding:
        seconds = self._api.wire.offset.total_seconds()
        apart = abs(seconds) > CLOCKS_APART
        found = f"the org's clock is {seconds:+.0f} s from ours; times are corrected by that."
        return Finding(level=Level.WARNING if apart else Level.OK, what="clock", found=found)

    def _object(self, fields: Fields) -> Iterator[Finding]:
        name, settings = fields.name, fields.settings
        described = self._api.describe(name)
        if described is None:
            found = f"the integration user may not see {name}, or the org has none."
            yield Finding(
                level=Level.ERROR, what=name, found=found, todo="Grant the permission set Suppression Connector."
            )
            return
        seen = {str(f["name"]): f for f in described["fields"]}
        if name == "Account" and "IsPersonAccount" not in seen:
            yield Finding(level=Level.ERROR, what=name, found="the org has no Person Accounts.", todo="Drop Account.")
            return
        for field, writes in _wanted(fields):
            yield self._field(name, field, writes, seen.get(field))
        yield from self._default(name, settings, seen.get(settings.restriction))
        if settings.box and settings.box in seen:
            yield self._tracked(name, settings.box)

    def _field(self, name: str, field: str, writes: bool, described: dict[str, Any] | None) -> Finding:
        what = f"{name}.{field}"
        if described is None:
            return Finding(
                level=Level.ERROR,
                what=what,
                found="missing, or hidden from the integration user by field-level security.",
                todo=f"Install the package or make it visible: {GUIDE}.",
            )
        if writes and not described.get("updateable"):
            todo = f"Grant edit access on it: {GUIDE}."
            return Finding(level=Level.ERROR, what=what, found="may be read but not written.", todo=todo)
        return Finding(level=Level.OK, what=what, found="readable and writable." if writes else "readable.")

    def _default(self, name: str, settings: ObjectSettings, field: dict[str, Any] | None) -> Iterator[Finding]:
        """Rule 13: a restriction that is born set needs a decision."""
        if field and field.get("defaultValue") in (True, "true") and self._policy.born_restricted.value == "opt_out":
            yield Finding(
                level=Level.ERROR,
                what=f"{name}.{settings.restriction}",
                found="is set on every new record by its default.",
                todo="Clear the default, or set policy.born_restricted to ignore.",
            )

    def _tracked(self, name: str, box: str) -> Finding:
        soql = (
            "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition "  # noqa: S608  # literals are escaped
            f"WHERE EntityDefinitionId = {literal(name)} AND QualifiedApiName = {literal(box)}"
        )
        what = f"history of {name}.{box}"
        try:
            response = self._api.call("GET", "tooling/query", action="field history", params={"q": soql})
            rows = self._api.wire.json(response, dict[str, Any], "field history")["records"]
        except (Failure, KeyError) as error:
            found = f"whether it is tracked cannot be read ({error})."
            return Finding(level=Level.UNKNOWN, what=what, found=found, todo="Grant View Setup and Configuration.")
        if not rows or not rows[0].get("IsFieldHistoryTracked"):
            found = "not tracked, so nobody can tell who ticked the box, and every tick would be refused."
            return Finding(
                level=Level.ERROR, what=what, found=found, todo=f"Switch field history tracking on: {GUIDE}."
            )
        return Finding(level=Level.OK, what=what, found="tracked.")

    def _permission(self) -> Iterator[Finding]:
        if not self._policy.permission:
            return
        what = f"custom permission {self._policy.permission}"
        try:
            there = self._ticks.permission_id()
        except ConfigError as error:
            yield Finding(level=Level.UNKNOWN, what=what, found=error.operator)
            return
        if there:
            yield Finding(level=Level.OK, what=what, found="there.")
        else:
            yield Finding(level=Level.ERROR, what=what, found="missing.", todo=f"Install the package: {GUIDE}.")


def _wanted(fields: Fields) -> Iterator[tuple[str, bool]]:
    """Every field the YAML names, and whether we write it."""
    s = fields.settings
    yield s.email, False
    for name in s.other_emails:
        yield name, False
    for name in (s.restriction, s.box, s.request_date, s.status, s.reason, s.since):
        if name:
            yield name, True
    for _, field in fields.lists:
        yield field, True
