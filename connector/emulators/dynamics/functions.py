"""Functions and actions of the whole service ("Web API Function Reference"), and those bound to a user or a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.emulators.dynamics import people
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.errors import VendorError, bad, no_row, no_segment, not_allowed, payload
from connector.emulators.dynamics.grammar import Guid, Segment, resolved
from connector.emulators.dynamics.security import demand, demand_named, permitted

Arguments = dict[str, Any]


def _response(ask: Ask, name: str, values: dict[str, Any]) -> Answer:
    context = f"{ask.root}/$metadata#Microsoft.Dynamics.CRM.{name}Response"
    return answer({"@odata.context": context, **values})


def _who(ask: Ask, given: Arguments) -> Answer:
    found = {"BusinessUnitId": ask.env.unit, "UserId": ask.user, "OrganizationId": ask.env.id}
    return _response(ask, "WhoAmI", found)


def _version(ask: Ask, given: Arguments) -> Answer:
    return _response(ask, "RetrieveVersion", {"Version": ask.env.server_version})


def _organization(ask: Ask, given: Arguments) -> Answer:
    env = ask.env
    root = ask.root.partition("/api/data/")[0]
    detail = {
        "OrganizationId": env.id,
        "FriendlyName": env.organization,
        "OrganizationVersion": env.server_version,
        "EnvironmentId": env.id if env.generation == "365" else None,
        "UrlName": env.organization,
        "UniqueName": env.organization,
        "State": "Enabled",
        "Endpoints": {"Count": 1, "Keys": ["WebApplication"], "Values": [f"{root}/"]},
    }
    return _response(ask, "RetrieveCurrentOrganization", {"Detail": detail})


def _totals(ask: Ask, given: Arguments) -> Answer:
    names = given.get("EntityNames")
    if not isinstance(names, tuple):
        raise bad("RetrieveTotalRecordCount needs EntityNames.")
    for name in names:
        if name not in ask.env.tables:
            raise VendorError(
                400, "0x80041102", f"The entity with a name = '{name}' was not found in the MetadataCache."
            )
    counts = [len(ask.env.tables[name].cells) for name in names]
    found = {"Count": len(names), "IsReadOnly": False, "Keys": list(names), "Values": counts}
    return _response(ask, "RetrieveTotalRecordCount", {"EntityRecordCountCollection": found})


def _role_privileges(ask: Ask, given: Arguments) -> Answer:
    demand(ask.env, ask.user, "Read", ask.env.tables["role"].definition)
    role = str(given.get("RoleId", ""))
    if role not in ask.env.roles:
        raise no_row("Role", role)
    return _response(ask, "RetrieveRolePrivilegesRole", {"RolePrivileges": _privileges(ask, [role])})


def publish(ask: Ask) -> Answer:
    """`POST PublishXml` and `PublishAllXml`: nothing here waits for being published."""
    if ask.method != "POST":
        raise not_allowed(ask.method)
    demand_named(ask.env, ask.user, "prvWriteCustomization")
    if ask.path == "PublishXml" and not isinstance(ask.json().get("ParameterXml"), str):
        raise payload("PublishXml needs ParameterXml.")
    return Answer(204)


FUNCTIONS: dict[str, tuple[Callable[[Ask, Arguments], Answer], frozenset[str]]] = {
    "WhoAmI": (_who, frozenset()),
    "RetrieveVersion": (_version, frozenset()),
    "RetrieveCurrentOrganization": (_organization, frozenset({"AccessType"})),
    "RetrieveTotalRecordCount": (_totals, frozenset({"EntityNames"})),
    "RetrieveRolePrivilegesRole": (_role_privileges, frozenset({"RoleId"})),
}
"""Unbound functions with their parameters."""


def function(ask: Ask, segment: Segment) -> Answer:
    """`GET WhoAmI`, with or without parentheses."""
    if ask.method != "GET":
        raise not_allowed(ask.method)
    options = ask.options()
    made, known = FUNCTIONS[segment.name]
    if segment.name == "RetrieveTotalRecordCount" and ask.env.generation == "2016":
        raise no_segment(segment.name)  # it came with 9.0
    aliases = {name[1:]: value for name, value in options.items() if name.startswith("@")}
    pairs = segment.key if isinstance(segment.key, tuple) else ()
    if isinstance(segment.key, Guid) or {name for name, _ in pairs} != known:
        words = f"The function '{segment.name}' needs the parameters {sorted(known)}."
        raise VendorError(404, "0x8006088a", f"Resource not found for the segment '{segment.name}'. {words}")
    return made(ask, {name: resolved(value, aliases) for name, value in pairs})


# -- privileges --------------------------------------------------------------------------------------------------------
def user_privileges(ask: Ask, user: str) -> Answer:
    """`systemusers(id)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`: ids and depths; names are left out here."""
    ask.options()
    demand(ask.env, ask.user, "Read", ask.env.tables["systemuser"].definition)
    held = sorted(ask.env.holders.get(user, ()))
    return _response(ask, "RetrieveUserPrivileges", {"RolePrivileges": _privileges(ask, held)})


def column_privileges(ask: Ask, user: str) -> Answer:
    """`…RetrievePrincipalAttributePrivileges()`: what a user may do with secured columns, 0 or 4 for each deed."""
    ask.options()
    demand(ask.env, ask.user, "Read", ask.env.tables["systemuser"].definition)
    found = []
    for table in ask.env.tables.values():
        for column in (c for c in table.definition.columns.values() if c.secured):
            rights = {d: permitted(ask.env, user, table.definition, column, d) for d in ("Create", "Read", "Update")}
            if any(rights.values()):
                found.append({"AttributeId": column.id} | {f"Can{deed}": 4 * may for deed, may in rights.items()})
    return _response(ask, "RetrievePrincipalAttributePrivileges", {"AttributePrivileges": found})


def _privileges(ask: Ask, roles: list[str]) -> list[dict[str, Any]]:
    env, found = ask.env, dict[str, str]()
    for role in roles:
        every = dict.fromkeys(env.privileges, people.GLOBAL)
        mine = every if role == env.administrators else env.roles[role]
        for name, depth in mine.items():
            if people.DEPTHS.index(depth) >= people.DEPTHS.index(found.get(name, "Basic")):
                found[name] = depth
    name_field = {"PrivilegeName": ""} if env.generation == "365" else {}
    return [
        {"Depth": depth, "PrivilegeId": env.privileges[name], "BusinessUnitId": env.unit, **name_field}
        for name, depth in found.items()
    ]
