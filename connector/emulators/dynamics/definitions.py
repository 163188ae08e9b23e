"""Tables, columns and keys as objects of the metadata API ("Web API Metadata EntityType Reference")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.emulators.dynamics import people
from connector.emulators.dynamics.schema import LOOKUPS, Column, Definition, Key

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

CRM = "Microsoft.Dynamics.CRM."
ENGLISH = 1033

ENUMS = ("AttributeType", "OwnershipType", "EntityKeyIndexStatus")
"""Properties that compare with an enumeration's literal alone."""


def label(text: str) -> dict[str, Any]:
    """A text in the environment's one language."""
    said = {"Label": text, "LanguageCode": ENGLISH, "IsManaged": False} if text else None
    return {"LocalizedLabels": [said] if said else [], "UserLocalizedLabel": said}


def managed(value: Any, name: str, *, changeable: bool = True) -> dict[str, Any]:
    """A managed property."""
    return {"Value": value, "CanBeChanged": changeable, "ManagedPropertyLogicalName": name}


def entity(env: Environment, definition: Definition) -> dict[str, Any]:
    """EntityMetadata."""
    return {
        "MetadataId": definition.id,
        "LogicalName": definition.name,
        "SchemaName": definition.schema,
        "EntitySetName": definition.set,
        "LogicalCollectionName": definition.set,
        "CollectionSchemaName": f"{definition.schema}s",
        "PrimaryIdAttribute": definition.key,
        "PrimaryNameAttribute": definition.primary or None,
        "ObjectTypeCode": definition.code,
        "OwnershipType": definition.owned,
        "ChangeTrackingEnabled": definition.tracking,
        "CanChangeTrackingBeEnabled": managed(definition.trackable, "canchangetrackingbeenabled"),
        "IsOptimisticConcurrencyEnabled": definition.optimistic,
        "IsCustomEntity": definition.custom,
        "IsManaged": not definition.custom,
        "IsActivity": False,
        "IsCustomizable": managed(True, "iscustomizable"),
        "DisplayName": label(definition.label),
        "DisplayCollectionName": label(definition.plural),
        "Privileges": [_privilege(env, definition, deed) for deed in people.deeds(definition)],
    }


def _privilege(env: Environment, definition: Definition, deed: str) -> dict[str, Any]:
    name = f"prv{deed}{definition.privilege}"
    wide = definition.owned == "UserOwned"
    can = {"CanBeBasic": wide, "CanBeLocal": wide, "CanBeDeep": wide, "CanBeGlobal": True}
    return {"Name": name, "PrivilegeId": env.privileges[name], "PrivilegeType": deed, **can}


BASE = (
    "MetadataId",
    "LogicalName",
    "SchemaName",
    "EntityLogicalName",
    "AttributeType",
    "AttributeTypeName",
    "AttributeOf",
    "DisplayName",
    "IsValidForRead",
    "IsValidForCreate",
    "IsValidForUpdate",
    "IsSecured",
    "CanBeSecuredForRead",
    "CanBeSecuredForCreate",
    "CanBeSecuredForUpdate",
    "IsCustomAttribute",
    "IsPrimaryId",
    "IsPrimaryName",
    "RequiredLevel",
    "IsLogical",
    "IsManaged",
)
"""What every column has; the rest is of its own kind, and asked for by a cast."""


def attribute(definition: Definition, column: Column) -> dict[str, Any]:
    """AttributeMetadata of the column's own kind, which `@odata.type` names."""
    return {
        "@odata.type": f"#{CRM}{kind(column)}",
        "MetadataId": column.id,
        "LogicalName": column.name,
        "SchemaName": column.schema,
        "EntityLogicalName": definition.name,
        "AttributeType": column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "AttributeOf": None,
        "DisplayName": label(column.label or column.schema),
        "IsValidForRead": column.readable,
        "IsValidForCreate": column.creatable,
        "IsValidForUpdate": column.updatable,
        "IsSecured": column.secured,
        **{f"CanBeSecuredFor{deed}": column.securable for deed in ("Read", "Create", "Update")},
        "IsCustomAttribute": column.custom,
        "IsPrimaryId": column.name == definition.key,
        "IsPrimaryName": column.name == definition.primary,
        "RequiredLevel": managed(column.required, "canmodifyrequirementlevelsettings"),
        "IsLogical": False,
        "IsManaged": not column.custom,
        **_own(column),
    }


def kind(column: Column) -> str:
    """The name of the column's metadata type."""
    names = {"BigInt": "BigInt", "Uniqueidentifier": "UniqueIdentifier", "EntityName": "EntityName"}
    word = "Lookup" if column.type in LOOKUPS else names.get(column.type, column.type)
    return f"{word}AttributeMetadata"


def _own(column: Column) -> dict[str, Any]:
    match column.type:
        case "String":
            return {"MaxLength": column.length, "Format": column.format, "FormatName": {"Value": column.format}}
        case "Memo":
            return {"MaxLength": column.length, "Format": column.format}
        case "DateTime":
            return {"Format": column.format or "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}
        case "Boolean":
            return {"DefaultValue": bool(column.default)}
        case "Picklist" | "State" | "Status":
            return {"DefaultFormValue": column.default}
        case "Lookup" | "Customer" | "Owner":
            return {"Targets": sorted(set(column.navigation.values()))}
        case "Integer":
            return {"MinValue": -(2**31), "MaxValue": 2**31 - 1}
    return {}


def options(column: Column) -> dict[str, Any] | None:
    """The option set of a choice or a two-option column, which `$expand=OptionSet` brings."""
    if column.type == "Boolean":
        words = {name: column.labels.get(value, "") for name, value in (("FalseOption", False), ("TrueOption", True))}
        return {name: {"Value": int(name == "TrueOption"), "Label": label(word)} for name, word in words.items()} | {
            "OptionSetType": "Boolean"
        }
    if column.type in ("Picklist", "State", "Status"):
        made = [{"Value": value, "Label": label(word)} for value, word in column.labels.items()]
        return {"OptionSetType": column.type, "Options": made}
    return None


def key(env: Environment, definition: Definition, key: Key) -> dict[str, Any]:
    """EntityKeyMetadata; its index is Pending until the time that it was given has passed."""
    return {
        "MetadataId": key.id,
        "SchemaName": key.schema,
        "LogicalName": key.schema.lower(),
        "EntityLogicalName": definition.name,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Active" if key.active <= env.now().isoformat() else "Pending",
        "DisplayName": label(key.schema),
        "IsManaged": False,
    }
