"""What an object and a field are, as `describe` tells them (sObject Describe, Object Reference); and our package's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_TEXTUAL = ("string", "email", "textarea", "id", "reference", "phone", "picklist")
_SOAP = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. `type` is describe's word; `length` bounds text; `parent` names the objects a reference points at.

    `createable` is told where it differs from `writable`; `parts` are the fields that a compound one is made of.
    """

    name: str
    type: str = "string"
    length: int = 255
    label: str = ""
    custom: bool = False
    writable: bool = True
    createable: bool | None = None
    nillable: bool = True
    default: Any = None
    parent: str = ""
    filterable: bool = True
    external: bool = False
    unique: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    parts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The label that people see."""
        return self.label or _WORDS.sub(" ", self.name.removesuffix("__c").removesuffix("__pc"))

    @property
    def relationship(self) -> str:
        """The name by which a query walks along this reference."""
        return self.name.removesuffix("Id") if self.parent else ""

    @property
    def long(self) -> bool:
        """Long text and files: neither filtered nor sorted by."""
        return self.type == "base64" or (self.type == "textarea" and self.length > 255)

    def describe(self, *, updateable: bool, createable: bool | None = None) -> dict[str, Any]:
        """The field's part of a describe answer, for a user who may or may not write it."""
        return {
            "name": self.name,
            "label": self.words,
            "type": self.type,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "length": self.length if self.type in _TEXTUAL else 0,
            "byteLength": 3 * self.length if self.type in _TEXTUAL else 0,
            "custom": self.custom,
            "createable": updateable if createable is None else createable,
            "updateable": updateable,
            "permissionable": self.nillable and self.name not in ("Id", "Name"),
            "nillable": self.nillable,
            "calculated": False,
            "defaultedOnCreate": self.default is not None,
            "defaultValue": self.default,
            "nameField": self.name == "Name",
            "deprecatedAndHidden": False,
            "encrypted": False,
            "compoundFieldName": None,
            **self._searched(),
            **self._choices(),
        }

    def _searched(self) -> dict[str, Any]:
        """How it can be asked for."""
        filterable = self.filterable and not self.long and self.type not in ("anyType", "address")
        return {
            "filterable": filterable,
            "sortable": filterable,
            "groupable": filterable and self.type != "datetime",
            "externalId": self.external,
            "idLookup": self.name == "Id" or self.external or self.type == "email",
            "unique": self.name == "Id" or self.unique,
            "caseSensitive": self.name == "Id",
        }

    def _choices(self) -> dict[str, Any]:
        """What it may hold, or point at."""
        reference = self.parent.split()
        return {
            "restrictedPicklist": self.restricted,
            "picklistValues": [
                {
                    "active": True,
                    "defaultValue": value == self.default,
                    "label": value,
                    "validFor": None,
                    "value": value,
                }
                for value in self.values
            ],
            "polymorphicForeignKey": len(reference) > 1,
            "referenceTo": reference,
            "relationshipName": self.relationship or None,
        }


class Fields(dict[str, Field]):
    """Fields by name, that knows the lower-case name of each: names are case-insensitive."""

    def __init__(self, given: Mapping[str, Field]) -> None:
        super().__init__(given)
        self.lower = {name.lower(): name for name in given}

    def __setitem__(self, name: str, value: Field) -> None:
        super().__setitem__(name, value)
        self.__dict__.setdefault("lower", {})[name.lower()] = name

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.lower.pop(name.lower(), None)

    def pop(self, name: str, default: Any = None) -> Any:
        """Takes a field away."""
        self.lower.pop(name.lower(), None)
        return super().pop(name, default)


@dataclass(kw_only=True)
class Object:
    """One object: its fields by name, its key prefix, and which writes REST takes.

    `bulk`: the Bulk API takes it. `setup`: only who may view setup sees it. `filtered`: a query must filter by one of
    these.
    """

    name: str
    prefix: str
    fields: dict[str, Field]
    writable: bool = True
    createable: bool = True
    required: tuple[str, ...] = ()
    custom: bool = False
    bulk: bool = True
    setup: bool = False
    filtered: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.fields = Fields(self.fields)

    @property
    def by_lower(self) -> dict[str, str]:
        """The real name of each field by its lower-case one."""
        assert isinstance(self.fields, Fields)
        return self.fields.lower


def fields(*given: Field) -> dict[str, Field]:
    """These fields after the ones that every object has."""
    system = (
        Field(name="Id", type="id", length=18, writable=False, nillable=False),
        Field(name="IsDeleted", type="boolean", writable=False, nillable=False, default=False),
        Field(name="CreatedDate", type="datetime", writable=False, nillable=False),
        Field(name="CreatedById", type="reference", length=18, writable=False, parent="User"),
        Field(name="LastModifiedDate", type="datetime", writable=False, nillable=False),
        Field(name="LastModifiedById", type="reference", length=18, writable=False, parent="User"),
        Field(name="SystemModstamp", type="datetime", writable=False, nillable=False),
    )
    return {f.name: f for f in (*system, *given)}


OPT_OUT = Field(name="HasOptedOutOfEmail", type="boolean", label="Email Opt Out", nillable=False, default=False)
BOUNCE = (
    Field(name="EmailBouncedReason"),
    Field(name="EmailBouncedDate", type="datetime"),
)

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

IS_PERSON = Field(name="IsPersonAccount", type="boolean", writable=False, nillable=False, default=False)
PERSON_FIELDS = (
    IS_PERSON,
    Field(name="PersonEmail", type="email", length=80),
    replace(OPT_OUT, name="PersonHasOptedOutOfEmail"),
    Field(name="PersonContactId", type="reference", length=18, parent="Contact", writable=False),
    Field(name="PersonEmailBouncedReason"),
    Field(name="PersonEmailBouncedDate", type="datetime"),
    Field(name="PersonTitle", length=80),
    Field(name="FirstName", length=40),
    Field(name="LastName", length=80),
)
"""What the feature Person Accounts adds to Account."""
