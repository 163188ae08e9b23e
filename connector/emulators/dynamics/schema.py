"""Tables and columns as metadata tells them ("EntityMetadata", "AttributeMetadata")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKUPS = ("Lookup", "Customer", "Owner")
TEXTS = ("String", "Memo", "EntityName")
CHOICES = ("Picklist", "State", "Status")
NUMBERS = ("Integer", "BigInt", *CHOICES)

_SPACE = uuid.UUID("7c9d1f64-0d3a-4d1c-9a5e-5b4f0c1e2a33")


def fixed_id(*words: str) -> str:
    """The same id for the same words, as the vendor's own metadata has in every environment."""
    return str(uuid.uuid5(_SPACE, " ".join(words)))


@dataclass(kw_only=True)
class Column:
    """One column. `type` is an AttributeTypeCode; `navigation` are a lookup's binding names with their tables."""

    schema: str
    type: str
    label: str = ""
    length: int = 0
    format: str = ""
    default: Any = None
    labels: Mapping[Any, str] = field(default_factory=dict)
    navigation: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    creatable: bool = True
    updatable: bool = True
    secured: bool = False
    custom: bool = False
    required: str = "None"
    primary: bool = False
    id: str = ""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.schema.lower()

    @property
    def wire(self) -> str:
        """The property's name in JSON."""
        return f"_{self.name}_value" if self.type in LOOKUPS else self.name

    @property
    def securable(self) -> bool:
        """Whether an admin may put column security on it."""
        return self.type not in ("Uniqueidentifier", "BigInt", "State", "Status", *LOOKUPS) and not self.primary


@dataclass(kw_only=True)
class Key:
    """An alternate key."""

    schema: str
    columns: tuple[str, ...]
    active: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(kw_only=True)
class Definition:
    """One table. `privilege` is the word in its privileges' names: prvRead + Contact."""

    schema: str
    set: str
    code: int
    label: str
    plural: str
    columns: dict[str, Column]
    privilege: str = ""
    key: str = ""
    primary: str = ""
    tracking: bool = False
    trackable: bool = True
    optimistic: bool = True
    owned: str = "UserOwned"
    custom: bool = False
    bulk: bool = True
    keys: dict[str, Key] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        self.privilege = self.privilege or self.schema
        self.key = self.key or f"{self.name}id"
        self.id = self.id or fixed_id(self.name)
        for column in self.columns.values():
            column.id = column.id or fixed_id(self.name, column.name)

    @property
    def name(self) -> str:
        """The logical name."""
        return self.schema.lower()

    @property
    def binding(self) -> dict[str, tuple[Column, str]]:
        """A lookup and its target's logical name, by the navigation property's name; case counts."""
        return {n: (c, target) for c in self.columns.values() for n, target in c.navigation.items()}


# -- writing columns down ------------------------------------------------------------------------------------------


def text(schema: str, length: int = 100, **more: Any) -> Column:
    """A single line of text."""
    return Column(**{"schema": schema, "type": "String", "length": length, "format": "Text", **more})


def memo(schema: str, length: int) -> Column:
    """Several lines of text."""
    return Column(schema=schema, type="Memo", length=length, format="TextArea")


def flag(schema: str, label: str = "", labels: tuple[str, str] = ("No", "Yes"), *, default: Any = False) -> Column:
    """A two-option column; `labels` are of false and true."""
    return Column(
        schema=schema, type="Boolean", label=label, labels={False: labels[0], True: labels[1]}, default=default
    )


def choice(schema: str, type_: str, labels: Mapping[int, str], **more: Any) -> Column:
    """A choice; its default is the first label."""
    return Column(schema=schema, type=type_, labels=labels, **{"default": next(iter(labels)), **more})


def lookup(schema: str, type_: str = "Lookup", *, fixed: bool = False, **navigation: str) -> Column:
    """A reference; `navigation` gives the target table of each binding name. A fixed one is the server's."""
    return Column(schema=schema, type=type_, navigation=navigation, creatable=not fixed, updatable=not fixed)


def fixed(schema: str, type_: str, **more: Any) -> Column:
    """A column that no client writes."""
    return Column(schema=schema, type=type_, creatable=False, updatable=False, **more)


def columns(*made: Column, owned: bool = True) -> dict[str, Column]:
    """Columns by their wire names, behind those that every table has: key first (made by `table`), then the version."""
    system = [
        fixed("VersionNumber", "BigInt"),
        fixed("CreatedOn", "DateTime", format="DateAndTime"),
        fixed("ModifiedOn", "DateTime", format="DateAndTime"),
        lookup("CreatedBy", fixed=True, createdby="systemuser"),
        lookup("ModifiedBy", fixed=True, modifiedby="systemuser"),
    ]
    if owned:
        system.append(lookup("OwnerId", "Owner", ownerid="systemuser"))
    return {column.wire: column for column in (*system, *made)}


def table(schema: str, set_: str, code: int, label: str, *made: Column, owned: bool = True, **more: Any) -> Definition:
    """A table with its key, the system's columns and these."""
    key = Column(schema=f"{schema}Id", type="Uniqueidentifier", updatable=False, label=label)
    plural = str(more.pop("plural", f"{label}s"))
    return Definition(
        schema=schema,
        set=set_,
        code=code,
        label=label,
        plural=plural,
        columns={key.wire: key, **columns(*made, owned=owned)},
        owned="UserOwned" if owned else "OrganizationOwned",
        **more,
    )
