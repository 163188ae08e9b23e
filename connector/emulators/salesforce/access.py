"""Who may see and do what: field-level security per profile, user permissions, custom permissions.

Implements what Object Reference tells of FieldPermissions, PermissionSetAssignment, SetupEntityAccess and
UserSetupEntityAccess. Sharing rules are not emulated: a row that a user may not write is `refuse`d by control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.schema import Field, Object
from connector.emulators.salesforce.table import Cells, Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.org import Org

DEFAULT_RIGHTS = {"ApiEnabled": True, "ViewSetup": True, "QueryAllFiles": False, "BulkApiHardDelete": False}
"""User permissions. `Read X` and `Edit X` for each object X are held unless taken away."""


def may(org: Org, user: str, right: str) -> bool:
    """Whether a user holds a user permission."""
    return org.rights.get(user, {}).get(right, DEFAULT_RIGHTS.get(right, True))


def _security(org: Org, user: str, key: str) -> str:
    if not org.profile_security:
        return "visible"
    row = org.tables["User"].rows.get(user)
    return org.profile_security.get(row["ProfileId"] if row else "", {}).get(key, "visible")


def sees(org: Org, user: str, object_: Object, field: str) -> bool:
    """Whether a user's profile may read a field."""
    key = f"{object_.name}.{field}"
    return key not in org.hidden and _security(org, user, key) != "hidden"


def edits(org: Org, user: str, object_: Object, field: str) -> bool:
    """Whether a user's profile may write a field that it can read."""
    key = f"{object_.name}.{field}"
    return key not in org.readonly and _security(org, user, key) == "visible" and may(org, user, f"Edit {object_.name}")


def table_of(org: Org, name: str, user: str = "") -> Table:
    """The table of an object that a user may see. Raises: `VendorError` INVALID_TYPE."""
    found = org.tables.get(name) or next((t for key, t in org.tables.items() if key.lower() == name.lower()), None)
    hidden = found is not None and bool(user) and not _seen(org, found.object, user)
    if found is None or hidden:
        raise VendorError(
            "INVALID_TYPE",
            f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
            "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate "
            "names.",
        )
    return found


def _seen(org: Org, object_: Object, user: str) -> bool:
    return may(org, user, f"Read {object_.name}") and (not object_.setup or may(org, user, "ViewSetup"))


def field_of(org: Org, object_: Object, name: str, user: str = "") -> Field:
    """A field the user may read. Raises: `VendorError` INVALID_FIELD, as for one that does not exist."""
    real = object_.by_lower.get(name.lower())
    if real is None or not sees(org, user, object_, real):
        raise VendorError(
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{object_.name}'. If you are attempting to use a custom field, be sure "
            "to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names.",
        )
    return object_.fields[real]


def holds_permission(org: Org, user: str) -> bool:
    """Whether a user holds a custom permission, by any of its permission sets."""
    return bool(own_permissions(org, user))


def own_permissions(org: Org, user: str) -> list[Cells]:
    """The rows of UserSetupEntityAccess: what the running user's permission sets grant."""
    if any(name not in org.tables for name in ("SetupEntityAccess", "PermissionSetAssignment")):
        return []
    sets = {r["PermissionSetId"] for r in org.rows("PermissionSetAssignment").values() if r["AssigneeId"] == user}
    granted = {r["SetupEntityId"] for r in org.rows("SetupEntityAccess").values() if r["ParentId"] in sets}
    table, made = org.tables["UserSetupEntityAccess"], []
    permissions = org.rows("CustomPermission") if "CustomPermission" in org.tables else {}
    for number, id_ in enumerate(sorted(granted)):
        name = permissions[id_]["DeveloperName"] if id_ in permissions else None
        values = {"Id": f"0J1{number:015d}", "UserId": user, "DeveloperName": name, "SetupEntityId": id_}
        made.append(table.row(values | {"SetupEntityType": "CustomPermission"}))
    return made
