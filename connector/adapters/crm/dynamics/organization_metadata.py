"""What the servers of 2011, 2013 and 2015 tell of themselves: identity, versions, tables, columns, rights.

CRM SDK, messages WhoAmI, RetrieveVersion, RetrieveMultiple, RetrieveEntity, RetrieveUserPrivileges,
RetrievePrincipalAttributePrivileges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.organization_rows import Attribute, Entity
from connector.adapters.crm.dynamics.organization_service import CORE, Service, fetch
from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.refusals import of_the_asked
from connector.adapters.crm.dynamics.wire import Column, Described, Rights
from connector.core.errors import ConfigError, ConflictError, RejectedError

ALLOWED = "4"
"""What column security calls allowed; 0 is not."""

NOBODY = "00000000-0000-0000-0000-000000000000"


class Who(NamedTuple):
    """Who we are to the organization."""

    user: str
    organization: str


class Metadata:
    """What one organization says of itself. Tables are asked for once; `describe` asks again."""

    def __init__(self, wire: Wire, service: Service) -> None:
        self._wire, self._service = wire, service
        self._who: Who | None = None
        self._entities: dict[str, Entity] = {}

    def who(self, *, fresh: bool = False) -> Who:
        """Organization and user. Raises: `ConfigError` where crm.url leads to no Organization Service."""
        if self._who is None or fresh:
            told = self._service.execute("WhoAmI", action="WhoAmI")
            user, organization = (self._told(told, name, "WhoAmI").text for name in ("UserId", "OrganizationId"))
            self._who = Who(user=str(user), organization=str(organization))
        return self._who

    def version(self) -> str:
        """See `wire.Organization`."""
        action = "RetrieveVersion"
        return str(self._told(self._service.execute("RetrieveVersion", action=action), "Version", action).text)

    def solution(self, name: str) -> str:
        """See `wire.Organization`."""
        rows = self._rows("solution", ["uniquename", "version"], "uniquename", [name])
        return next((row.get("version", "") for row in rows), "")

    def entity(self, table: Table, *, fresh: bool = False) -> Entity:
        """The names that a table and its columns have in URLs and rows. Raises: `ConfigError` for a table unknown."""
        if fresh or table.name not in self._entities:
            self._entities[table.name] = self._entity(table.name)
        return self._entities[table.name]

    def _entity(self, name: str) -> Entity:
        action = f"metadata of {name}"
        parameters = {
            "EntityFilters": ("m:EntityFilters", "Attributes"),
            "LogicalName": ("x:string", name),
            "MetadataId": ("g:guid", NOBODY),
            "RetrieveAsIfPublished": ("x:boolean", "false"),
        }
        told = self._service.execute("RetrieveEntity", parameters, assembly=CORE, action=action, about="item")
        entity = self._told(told, "EntityMetadata", action)
        schema, listed = entity.findtext("{*}SchemaName"), entity.find("{*}Attributes")
        if not schema or listed is None:
            raise self._wire.garbled(action, "a table without name or columns")
        found = [_attribute(one) for one in listed]
        return Entity(name=name, schema=str(schema), attributes={a.name: a for a in found})

    def describe(self, table: Table) -> Described | None:
        """See `wire.Organization`."""
        try:
            entity = self.entity(table, fresh=True)
        except ConflictError:
            return None
        names = sorted({table.key, *table.wanted()})
        found = [entity.attributes[name] for name in names if name in entity.attributes]
        rights = self._secured() if any(a.secured for a in found) else {}
        return Described(columns={a.name: _column(a, rights.get(a.id, {})) for a in found})

    def _secured(self) -> Mapping[str, Mapping[str, str]]:
        """What this user may do with secured columns, by their metadata id; nothing where the server does not tell."""
        action = "rights on columns"
        principal = {"a:Id": self.who().user, "a:LogicalName": "systemuser", "a:Name": None}
        parameters = {"Principal": ("a:EntityReference", principal)}
        try:
            told = self._service.execute(
                "RetrievePrincipalAttributePrivileges", parameters, action=action, about="item"
            )
        except (ConfigError, ConflictError, RejectedError) as refusal:
            if not of_the_asked(refusal):
                raise
            return {}
        rights = [_texts(right) for right in self._told(told, "AttributePrivileges", action)]
        return {right.get("AttributeId", "").lower(): right for right in rights}

    def rights(self, names: Sequence[str]) -> Rights:
        """See `wire.Organization`."""
        action = "rights"
        user = {"UserId": ("g:guid", self.who().user)}
        told = self._service.execute("RetrieveUserPrivileges", user, action=action)
        rights = [_texts(right) for right in self._told(told, "RolePrivileges", action)]
        held = {right.get("PrivilegeId", "").lower(): right.get("Depth", "") for right in rights}
        rows = self._rows("privilege", ["name", "privilegeid"], "name", list(names))
        ids = {row["name"].lower(): row["privilegeid"].lower() for row in rows}
        return Rights(depths={name: held[id_] for name, id_ in ids.items() if id_ in held})

    def _rows(self, table: str, columns: list[str], column: str, values: list[str]) -> list[dict[str, str]]:
        """Columns as text of the rows of a small table."""
        query = {"a:Query": fetch(table, columns, column, values)}
        parameters = {"Query": ("a:FetchExpression", query)}
        told = self._service.execute("RetrieveMultiple", parameters, assembly=CORE, action=f"read {table}")
        entities = self._told(told, "EntityCollection", f"read {table}").find("{*}Entities")
        if entities is None:
            raise self._wire.garbled(f"read {table}", "no rows")
        return [
            {str(p.findtext("{*}key")): str(p.findtext("{*}value") or "") for p in entity.iterfind("{*}Attributes/*")}
            for entity in entities
        ]

    def _told(self, results: Mapping[str, Any], key: str, action: str) -> Any:
        if results.get(key) is None:
            raise self._wire.garbled(action, f"no {key}")
        return results[key]


def _texts(element: Any) -> dict[str, str]:
    """The children of an element as text by their local names."""
    return {child.tag.rpartition("}")[2]: child.text or "" for child in element}


def _attribute(element: Any) -> Attribute:
    told = _texts(element)
    default = {"true": True, "false": False}.get(told.get("DefaultValue", ""))
    return Attribute(
        name=told.get("LogicalName", ""),
        schema=told.get("SchemaName", ""),
        kind=told.get("AttributeType", ""),
        id=told.get("MetadataId", "").lower(),
        readable=told.get("IsValidForRead") == "true",
        updatable=told.get("IsValidForUpdate") == "true",
        creatable=told.get("IsValidForCreate") == "true",
        secured=told.get("IsSecured") == "true",
        default=default,
    )


def _column(attribute: Attribute, right: Mapping[str, str]) -> Column:
    held = attribute.secured
    return Column(
        name=attribute.name,
        kind=attribute.kind,
        readable=attribute.readable and (not held or right.get("CanRead") == ALLOWED),
        updatable=attribute.updatable and (not held or right.get("CanUpdate") == ALLOWED),
        creatable=attribute.creatable and (not held or right.get("CanCreate") == ALLOWED),
        secured=held,
        default=attribute.default,
    )
