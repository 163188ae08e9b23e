"""What an admin sets up in an org, as deeds of control: security, permissions, rules, settings, package, sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connector.emulators.salesforce import login
from connector.emulators.salesforce.access import own_permissions
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.package import has_person_accounts
from connector.emulators.salesforce.rules import Rule

SETTINGS = (
    "limit",
    "used",
    "bulk_delay",
    "bulk_stop",
    "page",
    "bulk_page",
    "validation",
    "edition",
    "api_enabled",
    "rotation",
    "open_transaction",
)


def state(org: Org) -> dict[str, Any]:
    """The settings of the org, and its users."""
    users = {
        id_: {n: row[n] for n in ("Username", "Name", "IsActive", "ProfileId")}
        | {"permission": org.holds_permission(id_)}
        for id_, row in org.rows("User").items()
    }
    return {name: getattr(org, name) for name in SETTINGS} | {
        "now": org.now().isoformat(),
        "clock_offset": org.offset.total_seconds(),
        "flows": sorted(org.flows),
        "package": bool(org.tables["Contact"].object.fields.get("Resubscribe_Requested__c")),
        "person_accounts": has_person_accounts(org),
        "hidden": sorted(org.hidden),
        "readonly": sorted(org.readonly),
        "profile_fields": org.profile_security,
        "tracked": sorted(org.tracked),
        "rules": [rule.name for rule in org.rules],
        "users": users,
        "rows": {name: len(table.cells) for name, table in org.tables.items()},
    }


def _settings(org: Org, body: dict[str, Any]) -> None:
    """Those of SETTINGS, `clock_offset` (seconds), and `flows`: {"soap": false}."""
    if "clock_offset" in body:
        org.offset = timedelta(seconds=body["clock_offset"])
    for name in SETTINGS:
        if name in body:
            setattr(org, name, body[name])
    for flow, on in body.get("flows", {}).items():
        (org.flows.add if on else org.flows.discard)(flow)
    if "edition" in body and "Organization" in org.tables:
        org.rows("Organization")[org.id]["OrganizationType"] = org.edition


def _fields(org: Org, body: dict[str, Any]) -> None:
    """Field-level security for everybody: `{"Contact.HasOptedOutOfEmail": "hidden" | "readonly" | "visible"}`."""
    for name, access in body.items():
        org.hidden.discard(name)
        org.readonly.discard(name)
        if access in ("hidden", "readonly"):
            getattr(org, access).add(name)
    org.touch_schema()


def _profile_fields(org: Org, body: dict[str, Any]) -> None:
    """The same for one profile, by its name or a user's: `{"profile": …, "fields": {…}}`."""
    profiles = {row["Name"]: id_ for id_, row in org.rows("Profile").items()}
    profile = profiles.get(body.get("profile", "")) or org.rows("User")[body["user"]]["ProfileId"]
    org.profile_security.setdefault(profile, {}).update(body["fields"])
    org.touch_schema()


def _rights(org: Org, body: dict[str, Any]) -> None:
    """User permissions: `{"user": …, "rights": {"ViewSetup": false, "Edit Contact": false}}`; see `access`."""
    org.rights.setdefault(body["user"], {}).update(body["rights"])
    org.touch_schema()


def _tracking(org: Org, body: dict[str, bool]) -> None:
    """Field history: `{"Contact.Email": true}`."""
    for name, on in body.items():
        (org.tracked.add if on else org.tracked.discard)(name)


def _rules(org: Org, body: dict[str, Any]) -> Any:
    """A validation rule (see `rules`); one of the same name is replaced, one without `when` removed."""
    org.rules = [rule for rule in org.rules if rule.name != body["name"]]
    if body.get("when"):
        given = {**body, "exempt": tuple(body.get("exempt", ()))}
        org.rules.append(Rule(**given))
    return {"rules": [rule.name for rule in org.rules]}


def _duplicates(org: Org, body: dict[str, bool]) -> None:
    """A rule that blocks a second row with an address: `{"Contact": true}`."""
    for name, on in body.items():
        (org.duplicate_rules.add if on else org.duplicate_rules.discard)(name)


# -- users and what they hold --------------------------------------------------------------------------------------
def _user(org: Org, body: dict[str, Any]) -> Any:
    """A new user, or with `id` changes to one: username, name, profile (by name), active, approved (of the app)."""
    profiles = {row["Name"]: id_ for id_, row in org.rows("Profile").items()}
    id_ = body.get("id") or org.user(body["username"], body.get("name", body["username"]), body.get("profile", ""))
    row = org.rows("User")[id_]
    names = {"username": "Username", "name": "Name", "active": "IsActive"}
    for name, field in names.items():
        if name in body:
            row[field] = body[name]
    if "profile" in body:
        row["ProfileId"] = profiles.get(body["profile"], body["profile"])
    if "approved" in body:
        (org.approved.add if body["approved"] else org.approved.discard)(id_)
    return {"id": id_}


def _set(org: Org, name: str) -> str:
    found = (id_ for id_, row in org.rows("PermissionSet").items() if name in (id_, row["Name"]))
    return next(found, "") or org.plain("PermissionSet", Name=name, Label=name.replace("_", " "))


def _assign(org: Org, body: dict[str, Any]) -> None:
    """Gives a user a permission set by its name: `{"user": …, "permission_set": "Resubscribe_Operators"}`."""
    held = {"AssigneeId": body["user"], "PermissionSetId": _set(org, body["permission_set"])}
    rows = org.rows("PermissionSetAssignment").values()
    if not any(all(row[n] == v for n, v in held.items()) for row in rows):
        org.plain("PermissionSetAssignment", **held)


def _unassign(org: Org, body: dict[str, Any]) -> None:
    """Takes it away again."""
    held, table = _set(org, body["permission_set"]), org.tables["PermissionSetAssignment"]
    for id_, row in list(table.rows.items()):
        if row["AssigneeId"] == body["user"] and row["PermissionSetId"] == held:
            table.drop(id_)


def _permission(org: Org, body: dict[str, Any]) -> Any:
    """A custom permission, and the sets that grant it: `{"name": …, "permission_sets": […]}`; its id."""
    found = (i for i, row in org.rows("CustomPermission").items() if row["DeveloperName"] == body["name"])
    id_ = next(found, "") or org.plain("CustomPermission", DeveloperName=body["name"], MasterLabel=body["name"])
    for name in body.get("permission_sets", ()):
        granted = {"ParentId": _set(org, name), "SetupEntityId": id_}
        org.plain("SetupEntityAccess", SetupEntityType="CustomPermission", **granted)
    return {"id": id_}


def _holds(org: Org, body: dict[str, Any]) -> Any:
    table = org.tables["UserSetupEntityAccess"]
    return {"permissions": [table.values(cells)["DeveloperName"] for cells in own_permissions(org, body["user"])]}


# -- sessions ------------------------------------------------------------------------------------------------------
def _expire(org: Org, body: dict[str, Any]) -> None:
    """Every session ends, or those of one user, or one token."""
    user, token = body.get("user"), body.get("token")
    everything = user is None and token is None
    org.sessions = {t: u for t, u in org.sessions.items() if not everything and u != user and t != token}


def _session(org: Org, body: dict[str, Any]) -> Any:
    """An access token and a refresh token of any user, as by a web server flow."""
    user = body.get("user") or org.integration
    return {"access_token": login.session(org, user), "refresh_token": login.refresh_token(org, user)}


DEEDS: dict[str, Callable[[Org, dict[str, Any]], Any]] = {
    "settings": _settings,
    "fields": _fields,
    "profile_fields": _profile_fields,
    "rights": _rights,
    "tracking": _tracking,
    "rules": _rules,
    "duplicates": _duplicates,
    "user": _user,
    "assign": _assign,
    "unassign": _unassign,
    "permission": _permission,
    "holds": _holds,
    "expire": _expire,
    "session": _session,
    "install": lambda org, body: org.install_package(),
    "uninstall": lambda org, body: org.uninstall_package(),
    "person_accounts": lambda org, body: org.enable_person_accounts(),
}
