"""The objects of setup: users, profiles, permission sets and what they grant (Object Reference).

`SetupEntityAccess`, `CustomPermission` and `FieldPermissions` are seen only by who may view setup;
`UserSetupEntityAccess` tells the running user's own, without that right.
"""

from __future__ import annotations

from connector.emulators.salesforce.schema import Field, Object, fields


def _read_only(name: str, prefix: str, *given: Field, setup: bool = False) -> Object:
    return Object(name=name, prefix=prefix, writable=False, createable=False, setup=setup, fields=fields(*given))


def _to(name: str, parent: str) -> Field:
    return Field(name=name, type="reference", length=18, parent=parent)


def _flag(name: str) -> Field:
    return Field(name=name, type="boolean", nillable=False, default=False)


def setup_objects() -> tuple[Object, ...]:
    """They are read by clients; only an admin, through control, writes them."""
    return (*_people(), *_sets(), *_grants())


def _people() -> tuple[Object, ...]:
    return (
        _read_only(
            "User",
            "005",
            Field(name="Username"),
            Field(name="Name"),
            Field(name="Email", type="email", length=128),
            _flag("IsActive"),
            _to("ProfileId", "Profile"),
        ),
        _read_only("Profile", "00e", Field(name="Name")),
        _read_only("Organization", "00D", Field(name="Name"), Field(name="OrganizationType"), _flag("IsSandbox")),
    )


def _sets() -> tuple[Object, ...]:
    return (
        _read_only("PermissionSet", "0PS", Field(name="Name"), Field(name="Label"), _flag("IsOwnedByProfile")),
        _read_only(
            "PermissionSetAssignment", "0Pa", _to("AssigneeId", "User"), _to("PermissionSetId", "PermissionSet")
        ),
    )


def _grants() -> tuple[Object, ...]:
    return (
        _read_only(
            "SetupEntityAccess",
            "0J0",
            _to("ParentId", "PermissionSet"),
            Field(name="SetupEntityId", type="reference", length=18),
            Field(name="SetupEntityType"),
            setup=True,
        ),
        _read_only(
            "CustomPermission",
            "0CP",
            Field(name="DeveloperName"),
            Field(name="MasterLabel"),
            Field(name="NamespacePrefix"),
            setup=True,
        ),
        _read_only(
            "FieldPermissions",
            "01k",
            _to("ParentId", "PermissionSet"),
            Field(name="SobjectType"),
            Field(name="Field"),
            _flag("PermissionsRead"),
            _flag("PermissionsEdit"),
            setup=True,
        ),
        _read_only(
            "UserSetupEntityAccess",
            "0J1",
            _to("UserId", "User"),
            Field(name="DeveloperName"),
            Field(name="NamespacePrefix"),
            Field(name="SetupEntityId", type="reference", length=18),
            Field(name="SetupEntityType"),
        ),
    )
