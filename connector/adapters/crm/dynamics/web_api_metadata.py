"""What the Web API tells of itself: identity, versions, tables, columns, rights.

Dataverse developer guide, "Query schema definitions"; functions WhoAmI, RetrieveVersion, RetrieveUserPrivileges,
RetrievePrincipalAttributePrivileges; tables solution, privilege.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connector.adapters.crm.dynamics.mapping import quoted, url
from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.refusals import of_the_asked
from connector.adapters.crm.dynamics.web_api_calls import Calls
from connector.adapters.crm.dynamics.wire import Column, Described, Rights
from connector.core.errors import ConfigError, ConflictError, RejectedError, TransientError

ALLOWED = 4
"""What column security calls allowed; 0 is not."""

NAMES_AT_ONCE = 15
"""Names in one filter, so that its URL stays short."""


class WhoAmI(msgspec.Struct):
    """Who we are to the organization."""

    UserId: str
    OrganizationId: str


class Version(msgspec.Struct):
    """The server's version."""

    Version: str


class Definition(msgspec.Struct):
    """What the metadata says of a table."""

    LogicalName: str
    ChangeTrackingEnabled: bool | None = None
    IsOptimisticConcurrencyEnabled: bool | None = None


class Metadata:
    """What one organization says of itself."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._who: WhoAmI | None = None

    def who(self, *, fresh: bool = False) -> WhoAmI:
        """Organization and user. Raises: `ConfigError` where crm.url leads to no Web API."""
        if self._who is None or fresh:
            try:
                self._who = self._calls.one("WhoAmI", WhoAmI, action="WhoAmI")
            except TransientError as error:
                if error.status != 404:
                    raise
                words = f"There is no Web API v{self._calls.version} at {self._calls.wire.base_url}; see crm.url and "
                words += "crm.generation. Dynamics CRM 2016 has it from update 8.2 on."
                raise ConfigError(words, vendor="Dynamics", action="WhoAmI", status=404) from None
        return self._who

    def version(self) -> str:
        """See `wire.Organization`."""
        found: Version = self._calls.one("RetrieveVersion()", Version, action="RetrieveVersion")
        return found.Version

    def solution(self, name: str) -> str:
        """See `wire.Organization`."""
        options = {"$select": "uniquename,version", "$filter": f"uniquename eq {quoted(name)}"}
        rows = self._calls.rows(url("solutions", options), action="solutions")
        return next((str(row.get("version") or "") for row in rows), "")

    def describe(self, table: Table) -> Described | None:
        """See `wire.Organization`."""
        wanted = "LogicalName,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
        path, action = f"EntityDefinitions(LogicalName={quoted(table.name)})", f"metadata of {table.name}"
        try:
            found: Definition = self._calls.one(url(path, {"$select": wanted}), Definition, action=action, about="item")
        except ConflictError:
            return None
        names = sorted({table.key, *table.wanted()})
        columns = {name: column for some in _some(names) for name, column in self._columns(path, some, action).items()}
        return Described(
            columns=columns, tracked=found.ChangeTrackingEnabled, versioned=found.IsOptimisticConcurrencyEnabled
        )

    def _columns(self, path: str, names: Sequence[str], action: str) -> dict[str, Column]:
        wanted = "LogicalName,MetadataId,AttributeType,IsValidForRead,IsValidForUpdate,IsValidForCreate,IsSecured"
        either = " or ".join(f"LogicalName eq {quoted(name)}" for name in names)
        rows = list(self._calls.rows(url(f"{path}/Attributes", {"$select": wanted, "$filter": either}), action=action))
        secured = self._secured() if any(row.get("IsSecured") for row in rows) else {}
        return {str(row["LogicalName"]): self._column(path, row, secured, action) for row in rows}

    def _column(self, path: str, row: Mapping[str, Any], secured: Mapping[str, Any], action: str) -> Column:
        name, kind = str(row["LogicalName"]), str(row.get("AttributeType"))
        held = row.get("IsSecured") is True
        right = secured.get(str(row.get("MetadataId")).lower(), {}) if held else {}
        default = None
        if kind == "Boolean":
            options = {"$select": "LogicalName,DefaultValue"}
            cast = f"{path}/Attributes(LogicalName={quoted(name)})/Microsoft.Dynamics.CRM.BooleanAttributeMetadata"
            default = self._calls.one(url(cast, options), dict[str, Any], action=action).get("DefaultValue")
        return Column(
            name=name,
            kind=kind,
            readable=row.get("IsValidForRead") is True and (not held or right.get("CanRead") == ALLOWED),
            updatable=row.get("IsValidForUpdate") is True and (not held or right.get("CanUpdate") == ALLOWED),
            creatable=row.get("IsValidForCreate") is True and (not held or right.get("CanCreate") == ALLOWED),
            secured=held,
            default=default,
        )

    def _secured(self) -> dict[str, Any]:
        """What this user may do with secured columns, by their metadata id; nothing where the server does not tell."""
        path = f"systemusers({self.who().UserId})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()"
        try:
            found: dict[str, Any] = self._calls.one(path, dict[str, Any], action="rights on columns", about="item")
        except (ConfigError, ConflictError, RejectedError) as refusal:
            if not of_the_asked(refusal):
                raise
            return {}
        return {str(right.get("AttributeId")).lower(): right for right in found.get("AttributePrivileges") or ()}

    def rights(self, names: Sequence[str]) -> Rights:
        """See `wire.Organization`."""
        path = f"systemusers({self.who().UserId})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
        found: dict[str, Any] = self._calls.one(path, dict[str, Any], action="rights")
        held = {str(right["PrivilegeId"]).lower(): str(right["Depth"]) for right in found["RolePrivileges"]}
        depths: dict[str, str] = {}
        for some in _some(sorted(names)):
            # some servers leave the names out of a user's rights
            either = " or ".join(f"name eq {quoted(name)}" for name in some)
            rows = self._calls.rows(url("privileges", {"$select": "name", "$filter": either}), action="privileges")
            told = {str(row["name"]).lower(): str(row["privilegeid"]).lower() for row in rows}
            depths |= {name: held[id_] for name, id_ in told.items() if id_ in held}
        return Rights(depths=depths)


def _some(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + NAMES_AT_ONCE] for start in range(0, len(names), NAMES_AT_ONCE)]
