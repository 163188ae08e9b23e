"""Making solution, table, columns and role by the Web API's metadata operations (8.x, 9.x).

Dataverse developer guide, "Create and update table definitions using the Web API", "Create and update column
definitions using the Web API"; actions AddPrivilegesRole; tables publisher, solution, role, businessunit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.adapters.crm.dynamics.mapping import quoted, url
from connector.adapters.crm.dynamics.provision import NewColumn
from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.web_api_calls import Calls
from connector.core.errors import ConfigError

NAMES_AT_ONCE = 15
ENGLISH = 1033
MADE = (200, 201, 204)
_CRM = "Microsoft.Dynamics.CRM"


class WebApiProvision:
    """`provision.Maker` over the Web API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def has_role(self, name: str, privileges: Sequence[str]) -> bool:
        """Whether the role holds all of these privileges, everywhere."""
        role = self._role_id(name)
        if not role:
            return False
        path = f"RetrieveRolePrivilegesRole(RoleId={role})"
        found: dict[str, Any] = self._calls.one(path, dict[str, Any], action="privileges of the role")
        held = {str(r["PrivilegeId"]).lower() for r in found["RolePrivileges"] if str(r["Depth"]) in ("Global", "3")}
        return set(self._ids(privileges).values()) <= held

    def solution(self, name: str, version: str, prefix: str) -> None:
        """A publisher with the prefix, where none has it, and an empty solution."""
        options = {"$select": "publisherid", "$filter": f"customizationprefix eq {quoted(prefix)}"}
        found = list(self._calls.rows(url("publishers", options), action="publishers"))
        if not found:
            body = {
                "uniquename": "suppressionconnector",
                "friendlyname": "Suppression Connector",
                "customizationprefix": prefix,
                "customizationoptionvalueprefix": 41_870,
            }
            self._post("publishers", body, "making the publisher")
            found = list(self._calls.rows(url("publishers", options), action="publishers"))
        bind = f"/publishers({found[0]['publisherid']})"
        body = {"uniquename": name, "friendlyname": "Suppression Connector", "version": version}
        self._post("solutions", body | {"publisherid@odata.bind": bind}, "making the solution")

    def table(self, table: Table, solution: str) -> None:
        """The table of entries, owned by the organization, tracked, with the address as its primary column."""
        primary = _text(table.email, "Email", 320) | {"IsPrimaryName": True}
        body = {
            "@odata.type": f"{_CRM}.EntityMetadata",
            "SchemaName": table.name,
            "DisplayName": _label("Email suppression"),
            "DisplayCollectionName": _label("Email suppressions"),
            "Description": _label("Addresses that get no bulk mail, and why."),
            "OwnershipType": "OrganizationOwned",
            "IsActivity": False,
            "HasActivities": False,
            "HasNotes": False,
            "ChangeTrackingEnabled": True,
            "Attributes": [primary],
        }
        self._post("EntityDefinitions", body, f"making the table {table.name}", solution)

    def column(self, column: NewColumn, solution: str) -> None:
        """One column of the kind that its role needs."""
        made = {"box": _yes_no, "since": _time, "request_date": _time}
        body = made[column.role](column) if column.role in made else _text(column.name, column.label, 100)
        path = f"EntityDefinitions(LogicalName={quoted(column.table)})/Attributes"
        self._post(path, body, f"making the column {column.table}.{column.name}", solution)

    def role(self, name: str, privileges: Sequence[str]) -> None:
        """The role in the root business unit, and these privileges for the whole organization."""
        role = self._role_id(name)
        if not role:
            options = {"$select": "businessunitid", "$filter": "_parentbusinessunitid_value eq null"}
            (root, *_) = self._calls.rows(url("businessunits", options), action="business units")
            bind = {"businessunitid@odata.bind": f"/businessunits({root['businessunitid']})"}
            self._post("roles", {"name": name} | bind, "making the role")
            role = self._role_id(name)
        ids = self._ids(privileges)
        lacking = [p for p in privileges if p.lower() not in ids]
        if lacking:
            raise ConfigError(f"Dynamics knows no privilege {', '.join(lacking)}; are the tables of crm: there?")
        body = {"Privileges": [{"PrivilegeId": id_, "Depth": "Global"} for id_ in ids.values()]}
        self._post(f"roles({role})/{_CRM}.AddPrivilegesRole", body, "giving the role its privileges")

    def _role_id(self, name: str) -> str:
        options = {"$select": "roleid,name", "$filter": f"name eq {quoted(name)}"}
        rows = self._calls.rows(url("roles", options), action="roles")
        return next((str(row["roleid"]) for row in rows), "")

    def _ids(self, privileges: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(privileges), NAMES_AT_ONCE):
            either = " or ".join(f"name eq {quoted(p)}" for p in privileges[start : start + NAMES_AT_ONCE])
            rows = self._calls.rows(url("privileges", {"$select": "name", "$filter": either}), action="privileges")
            found |= {str(row["name"]).lower(): str(row["privilegeid"]).lower() for row in rows}
        return found

    def _post(self, path: str, body: Any, action: str, solution: str = "") -> None:
        headers = {"MSCRM.SolutionUniqueName": solution} if solution else {}
        self._calls.call("POST", path, action=action, repeat=False, ok=MADE, body=body, headers=headers)


def _label(text: str) -> dict[str, Any]:
    labels = [{"@odata.type": f"{_CRM}.LocalizedLabel", "Label": text, "LanguageCode": ENGLISH}]
    return {"@odata.type": f"{_CRM}.Label", "LocalizedLabels": labels}


def _attribute(kind: str, name: str, label: str) -> dict[str, Any]:
    return {
        "@odata.type": f"{_CRM}.{kind}AttributeMetadata",
        "SchemaName": name,
        "DisplayName": _label(label),
        "RequiredLevel": {"Value": "None"},
    }


def _text(name: str, label: str, length: int) -> dict[str, Any]:
    return _attribute("String", name, label) | {"MaxLength": length, "FormatName": {"Value": "Text"}}


def _time(column: NewColumn) -> dict[str, Any]:
    return _attribute("DateTime", column.name, column.label) | {"Format": "DateAndTime"}


def _yes_no(column: NewColumn) -> dict[str, Any]:
    options = {
        "@odata.type": f"{_CRM}.BooleanOptionSetMetadata",
        "TrueOption": {"Value": 1, "Label": _label("Yes")},
        "FalseOption": {"Value": 0, "Label": _label("No")},
    }
    return _attribute("Boolean", column.name, column.label) | {"DefaultValue": False, "OptionSet": options}
