"""The objects and fields of the org, as `describe` tells them (sObject Describe; Object Reference)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. `type` is describe's word; `length` bounds text; `parent` names the object a reference points at."""

    name: str
    type: str = "string"
    length: int = 255
    label: str = ""
    custom: bool = False
    writable: bool = True
    nillable: bool = True
    default: Any = None
    parent: str = ""
    filterable: bool = True
    external: bool = False

    def describe(self, *, updateable: bool) -> dict[str, Any]:
        """The field's part of a describe answer, for a user who may or may not write it."""
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "length": self.length if self.type in ("string", "email", "textarea", "id", "reference", "phone") else 0,
            "custom": self.custom,
            "createable": updateable,
            "updateable": updateable,
            "nillable": self.nillable,
            "calculated": False,
            "filterable": self.filterable,
            "defaultedOnCreate": self.default is not None,
            "defaultValue": self.default,
            "externalId": self.external,
            "idLookup": self.name == "Id",
            "unique": self.name == "Id",
            "caseSensitive": self.name == "Id",
            "deprecatedAndHidden": False,
            "encrypted": False,
            "compoundFieldName": None,
            "picklistValues": [],
            "referenceTo": [self.parent] if self.parent else [],
            "relationshipName": self.name.removesuffix("Id") if self.parent else None,
        }


@dataclass(kw_only=True)
class Object:
    """One object: its fields by name, its key prefix, and which writes REST takes."""

    name: str
    prefix: str
    fields: dict[str, Field]
    writable: bool = True
    createable: bool = True
    required: tuple[str, ...] = ()
    custom: bool = False
    by_lower: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index()

    def index(self) -> None:
        """Names are case-insensitive; called again when a field comes or goes."""
        self.by_lower = {name.lower(): name for name in self.fields}


def _fields(*fields: Field) -> dict[str, Field]:
    system = (
        Field(name="Id", type="id", length=18, writable=False, nillable=False),
        Field(name="IsDeleted", type="boolean", writable=False, nillable=False, default=False),
        Field(name="CreatedDate", type="datetime", writable=False, nillable=False),
        Field(name="CreatedById", type="reference", writable=False, parent="User"),
        Field(name="LastModifiedDate", type="datetime", writable=False, nillable=False),
        Field(name="LastModifiedById", type="reference", writable=False, parent="User"),
        Field(name="SystemModstamp", type="datetime", writable=False, nillable=False),
    )
    return {f.name: f for f in (*system, *fields)}


_OPT_OUT = Field(name="HasOptedOutOfEmail", type="boolean", label="Email Opt Out", nillable=False, default=False)
_BOUNCE = (
    Field(name="EmailBouncedReason"),
    Field(name="EmailBouncedDate", type="datetime"),
)


def standard() -> dict[str, Object]:
    """A fresh org's objects, without the connector's package."""
    contact, lead = _people()
    account = Object(
        name="Account",
        prefix="001",
        required=("Name",),
        fields=_fields(
            Field(name="MasterRecordId", type="reference", parent="Account", writable=False),
            Field(name="Name", nillable=False),
            Field(name="OwnerId", type="reference", parent="User"),
        ),
    )
    return {o.name: o for o in (contact, lead, account, *_notes(), *_setup(), *_histories())}


def _people() -> tuple[Object, Object]:
    contact = Object(
        name="Contact",
        prefix="003",
        required=("LastName",),
        fields=_fields(
            Field(name="MasterRecordId", type="reference", parent="Contact", writable=False),
            Field(name="AccountId", type="reference", parent="Account"),
            Field(name="FirstName", length=40),
            Field(name="LastName", length=80, nillable=False),
            Field(name="Email", type="email", length=80),
            Field(name="External_Id__c", length=40, custom=True, external=True),
            Field(name="OwnerId", type="reference", parent="User"),
            _OPT_OUT,
            Field(name="IsEmailBounced", type="boolean", writable=False, nillable=False, default=False),
            *_BOUNCE,
        ),
    )
    lead = Object(
        name="Lead",
        prefix="00Q",
        required=("LastName", "Company"),
        fields=_fields(
            Field(name="MasterRecordId", type="reference", parent="Lead", writable=False),
            Field(name="FirstName", length=40),
            Field(name="LastName", length=80, nillable=False),
            Field(name="Company", nillable=False),
            Field(name="Email", type="email", length=80),
            Field(name="OwnerId", type="reference", parent="User"),
            _OPT_OUT,
            Field(name="IsConverted", type="boolean", writable=False, nillable=False, default=False),
            Field(name="ConvertedContactId", type="reference", parent="Contact", writable=False),
            Field(name="ConvertedAccountId", type="reference", parent="Account", writable=False),
            *_BOUNCE,
        ),
    )
    return contact, lead


def _notes() -> tuple[Object, ...]:
    task = Object(
        name="Task",
        prefix="00T",
        fields=_fields(
            Field(name="WhoId", type="reference"),
            Field(name="WhatId", type="reference"),
            Field(name="Subject"),
            Field(name="Status", default="Not Started"),
            Field(name="ActivityDate", type="date"),
            Field(name="Description", type="textarea", length=32000, filterable=False),
        ),
    )
    note = Object(
        name="ContentNote",
        prefix="069",
        required=("Title",),
        fields=_fields(
            Field(name="Title"), Field(name="Content", type="base64"), Field(name="FileType", default="SNOTE")
        ),
    )
    document = Object(
        name="ContentDocument",
        prefix="069",
        writable=False,
        createable=False,
        fields=_fields(Field(name="Title"), Field(name="FileType")),
    )
    link = Object(
        name="ContentDocumentLink",
        prefix="06A",
        required=("ContentDocumentId", "LinkedEntityId"),
        fields=_fields(
            Field(name="ContentDocumentId", type="reference", parent="ContentDocument"),
            Field(name="LinkedEntityId", type="reference"),
            Field(name="ShareType", default="V"),
            Field(name="Visibility", default="AllUsers"),
        ),
    )
    return task, note, document, link


def _setup() -> tuple[Object, ...]:
    def read_only(name: str, prefix: str, *fields: Field) -> Object:
        return Object(name=name, prefix=prefix, writable=False, createable=False, fields=_fields(*fields))

    return (
        read_only("User", "005", Field(name="Username"), Field(name="Name"), Field(name="IsActive", type="boolean")),
        read_only(
            "Organization",
            "00D",
            Field(name="Name"),
            Field(name="OrganizationType"),
            Field(name="IsSandbox", type="boolean"),
        ),
        read_only("PermissionSet", "0PS", Field(name="Name"), Field(name="Label")),
        read_only(
            "PermissionSetAssignment",
            "0Pa",
            Field(name="AssigneeId", type="reference", parent="User"),
            Field(name="PermissionSetId", type="reference", parent="PermissionSet"),
        ),
        read_only(
            "SetupEntityAccess",
            "0J0",
            Field(name="ParentId", type="reference", parent="PermissionSet"),
            Field(name="SetupEntityId", type="reference"),
            Field(name="SetupEntityType"),
        ),
        read_only("CustomPermission", "0CP", Field(name="DeveloperName"), Field(name="NamespacePrefix")),
        read_only(
            "FieldPermissions",
            "01k",
            Field(name="ParentId", type="reference", parent="PermissionSet"),
            Field(name="SobjectType"),
            Field(name="Field"),
            Field(name="PermissionsRead", type="boolean"),
            Field(name="PermissionsEdit", type="boolean"),
        ),
        read_only(
            "UserSetupEntityAccess",
            "0J1",
            Field(name="DeveloperName"),
            Field(name="NamespacePrefix"),
            Field(name="SetupEntityId", type="reference"),
        ),
    )


def _histories() -> tuple[Object, ...]:
    made = []
    for parent, prefix in (("Contact", "017"), ("Lead", "017"), ("Account", "017")):
        made.append(
            Object(
                name=f"{parent}History",
                prefix=prefix,
                writable=False,
                createable=False,
                fields=_fields(
                    Field(name=f"{parent}Id", type="reference", parent=parent),
                    Field(name="Field"),
                    Field(name="OldValue", type="anyType", filterable=False),
                    Field(name="NewValue", type="anyType", filterable=False),
                ),
            )
        )
    return tuple(made)


_PACKAGE = (
    Field(name="Resubscribe_Requested__c", type="boolean", label="Re-Subscribe", nillable=False, default=False),
    Field(name="Resubscribe_Request_Date__c", type="datetime", label="Resubscribe Request Date"),
    Field(name="Resubscription_Status__c", length=255, label="Resubscription Status"),
    Field(name="Suppression_Reason__c", length=255, label="Suppression Reason"),
    Field(name="Suppression_Date__c", type="datetime", label="Suppression Date"),
    Field(name="Suppression_Notes__c", type="textarea", length=32768, label="Suppression Notes", filterable=False),
)
_LISTS = (
    Field(name="News_List__c", type="boolean", label="News list", nillable=False, default=False),
    Field(name="Offers_List__c", length=40, label="Offers list"),
)
PACKAGE_FIELDS = tuple(replace(f, custom=True) for f in _PACKAGE)
"""What the connector's package adds to Contact and Lead; the box has its history tracked."""
LIST_FIELDS = tuple(replace(f, custom=True) for f in _LISTS)
"""Two fields that an admin made for lists: a checkbox and a text."""

PERSON_FIELDS = (
    Field(name="IsPersonAccount", type="boolean", writable=False, nillable=False, default=False),
    Field(name="PersonEmail", type="email", length=80),
    replace(_OPT_OUT, name="PersonHasOptedOutOfEmail"),
    Field(name="PersonContactId", type="reference", parent="Contact", writable=False),
    Field(name="PersonEmailBouncedReason"),
    Field(name="PersonEmailBouncedDate", type="datetime"),
    Field(name="FirstName", length=40),
    Field(name="LastName", length=80),
)
"""What the feature Person Accounts adds to Account."""
