"""What comes and goes in an org as a whole: the connector's package, and the feature Person Accounts.

The package is what `deploy/salesforce` deploys. On Account the fields of Contact appear as `__pc` (Person Accounts,
"Custom Fields"). Person Accounts cannot be switched off again in an org.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.emulators.salesforce.schema import IS_PERSON, LIST_FIELDS, PACKAGE_FIELDS, PERSON_FIELDS, Field
from connector.emulators.salesforce.table import Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.org import Org

PERMISSION = "Administrative_Data_Management"
BOX = "Resubscribe_Requested"
REFUSED_TICK = (
    "Re-Subscribe needs the permission Administrative Data Management. Ask your Salesforce administrator to assign "
    "the permission set Resubscribe Operators."
)

_FIELDS = (*PACKAGE_FIELDS, *LIST_FIELDS)
_GRANTS = ("CustomPermission", "SetupEntityAccess", "FieldPermissions")


def install(org: Org) -> None:
    """Fields, history tracking, the custom permission, two permission sets and who holds them."""
    for name in ("Contact", "Lead"):
        _add_fields(org, name, _FIELDS)
        org.tracked.add(f"{name}.{BOX}__c")
    if has_person_accounts(org):
        _add_person_fields(org)
    if "CustomPermission" in org.tables and not org.rows("CustomPermission"):
        _grant(org)


def _grant(org: Org) -> None:
    permission = org.plain("CustomPermission", DeveloperName=PERMISSION, MasterLabel="Administrative Data Management")
    operators = org.plain("PermissionSet", Name="Resubscribe_Operators", Label="Resubscribe Operators")
    ours = org.plain("PermissionSet", Name="Suppression_Connector", Label="Suppression Connector")
    for granting in (operators, ours):
        org.plain("SetupEntityAccess", ParentId=granting, SetupEntityId=permission, SetupEntityType="CustomPermission")
    for object_name in ("Contact", "Lead"):
        for field in ("HasOptedOutOfEmail", *(p.name for p in PACKAGE_FIELDS)):
            granted = {"PermissionsRead": True, "PermissionsEdit": True, "SobjectType": object_name}
            org.plain("FieldPermissions", ParentId=ours, Field=f"{object_name}.{field}", **granted)
    for user, granting in ((org.integration, ours), (org.admin, operators), (org.operator, operators)):
        org.plain("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granting)


def uninstall(org: Org) -> None:
    """An org without it: fields with what they held, permission, permission sets and assignments are gone."""
    for name, fields in (("Contact", _FIELDS), ("Lead", _FIELDS), ("Account", tuple(map(_mirrored, _FIELDS)))):
        table = org.tables[name]
        for field in fields:
            if table.object.fields.pop(field.name, None) is not None:
                table.drop_column(field.name)
    org.tracked = {key for key in org.tracked if BOX not in key}
    for name in (*_GRANTS, "PermissionSet", "PermissionSetAssignment"):
        org.tables[name] = Table(org.tables[name].object)
    org.touch_schema()


def has_person_accounts(org: Org) -> bool:
    """Whether the feature is on."""
    return "PersonEmail" in org.tables["Account"].object.fields


def enable_person_accounts(org: Org) -> None:
    """Switches the feature on."""
    _add_fields(org, "Account", PERSON_FIELDS)
    _add_fields(org, "Contact", (IS_PERSON,))
    if f"{BOX}__c" in org.tables["Contact"].object.fields:
        _add_person_fields(org)


def _mirrored(field: Field) -> Field:
    return replace(field, name=field.name.removesuffix("__c") + "__pc")


def _add_person_fields(org: Org) -> None:
    _add_fields(org, "Account", tuple(map(_mirrored, _FIELDS)))
    org.tracked.add(f"Account.{BOX}__pc")


def _add_fields(org: Org, object_name: str, fields: Iterable[Field]) -> None:
    table = org.tables[object_name]
    for field in fields:
        table.object.fields[field.name] = field
        table.column(field.name)
    org.touch_schema()
