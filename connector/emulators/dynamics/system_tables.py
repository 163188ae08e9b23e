"""The tables of the system itself: users, roles, solutions, messages. None takes bulk messages or tracks changes."""

from __future__ import annotations

from connector.emulators.dynamics.schema import Column, Definition, choice, flag, lookup, memo, table, text

_PLAIN = {"owned": False, "bulk": False, "trackable": False, "optimistic": False}
_DEEDS = ("Create", "Read", "Update")


def system() -> list[Definition]:
    """All of them."""
    return [*_security(), *_organization(), *_customizing(), *_columns()]


def _security() -> list[Definition]:
    name = text("Name", 100, required="SystemRequired")
    user = table(
        "SystemUser",
        "systemusers",
        8,
        "User",
        text("FullName", 200),
        text("DomainName", 1024),
        text("InternalEMailAddress", 100, format="Email"),
        flag("IsDisabled", labels=("Enabled", "Disabled")),
        Column(schema="ApplicationId", type="Uniqueidentifier"),
        lookup("BusinessUnitId", businessunitid="businessunit"),
        primary="fullname",
        privilege="User",
        **_PLAIN,
    )
    unit = lookup("BusinessUnitId", businessunitid="businessunit")
    role = table("Role", "roles", 1036, "Security Role", name, unit, primary="name", **_PLAIN)
    privilege = table("Privilege", "privileges", 1023, "Privilege", text("Name"), primary="name", **_PLAIN)
    return [user, role, privilege]


def _organization() -> list[Definition]:
    days = Column(schema="ExpireChangeTrackingInDays", type="Integer", default=7)
    name = text("Name", 160)
    parent = lookup("ParentBusinessUnitId", parentbusinessunitid="businessunit")
    unit = table("BusinessUnit", "businessunits", 10, "Business Unit", name, parent, primary="name", **_PLAIN)
    whole = table(
        "Organization", "organizations", 1019, "Organization", text("Name", 160), days, primary="name", **_PLAIN
    )
    message = table("SdkMessage", "sdkmessages", 4606, "Sdk Message", text("Name", 256), primary="name", **_PLAIN)
    narrowed = table(
        "SdkMessageFilter",
        "sdkmessagefilters",
        4607,
        "Sdk Message Filter",
        Column(schema="PrimaryObjectTypeCode", type="EntityName"),
        lookup("SdkMessageId", sdkmessageid="sdkmessage"),
        **_PLAIN,
    )
    return [unit, whole, message, narrowed]


def _customizing() -> list[Definition]:
    publisher = table(
        "Publisher",
        "publishers",
        7101,
        "Publisher",
        text("UniqueName", 256, required="SystemRequired"),
        text("FriendlyName", 256, required="SystemRequired"),
        text("CustomizationPrefix", 8, required="SystemRequired"),
        Column(schema="CustomizationOptionValuePrefix", type="Integer"),
        memo("Description", 2000),
        primary="friendlyname",
        **_PLAIN,
    )
    solution = table(
        "Solution",
        "solutions",
        7100,
        "Solution",
        text("UniqueName", 65, required="SystemRequired"),
        text("FriendlyName", 256, required="SystemRequired"),
        text("Version", 256, required="SystemRequired"),
        memo("Description", 2000),
        flag("IsManaged", labels=("Unmanaged", "Managed")),
        Column(schema="InstalledOn", type="DateTime", format="DateAndTime", creatable=False, updatable=False),
        lookup("PublisherId", publisherid="publisher"),
        primary="friendlyname",
        **_PLAIN,
    )
    return [publisher, solution]


def _columns() -> list[Definition]:
    """Column security: profiles, and what each lets its users do."""
    profile = table(
        "FieldSecurityProfile",
        "fieldsecurityprofiles",
        1200,
        "Column Security Profile",
        text("Name"),
        primary="name",
        **_PLAIN,
    )
    permission = table(
        "FieldPermission",
        "fieldpermissions",
        1201,
        "Field Permission",
        Column(schema="EntityName", type="EntityName"),
        text("AttributeLogicalName", 50),
        *(choice(f"Can{deed}", "Picklist", {0: "Not Allowed", 4: "Allowed"}) for deed in _DEEDS),
        lookup("FieldSecurityProfileId", fieldsecurityprofileid="fieldsecurityprofile"),
        **_PLAIN,
    )
    return [profile, permission]
