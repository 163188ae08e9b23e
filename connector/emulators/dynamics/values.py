"""A body's properties as a row's values ("Create a table row", "Associate on create"): every one is checked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from connector.emulators.dynamics.asks import Ask
from connector.emulators.dynamics.errors import VendorError, bad, invalid, no_row, payload
from connector.emulators.dynamics.filters import edm
from connector.emulators.dynamics.grammar import Guid, parse
from connector.emulators.dynamics.schema import CHOICES, LOOKUPS, TEXTS, Column, Definition
from connector.emulators.dynamics.security import demand, demand_column
from connector.emulators.dynamics.store import Table
from connector.emulators.dynamics.times import parsed

_INT32 = range(-(2**31), 2**31)


def values_of(ask: Ask, table: Table, body: Mapping[str, Any], deed: str, id_: str = "") -> dict[str, Any]:
    """Values by wire names; `deed` is Create or Update. Raises: `VendorError` for the first property that is wrong."""
    definition, found = table.definition, dict[str, Any]()
    for name, value in body.items():
        if name == "@odata.type":
            _typed(definition, value)
        elif name.endswith("@odata.bind"):
            column, target = _bound(ask, definition, name, value)
            found |= target
            demand_column(ask.env, ask.user, definition, column, deed)
        elif "@" not in name:
            column = _column(definition, name)
            found[column.wire] = _value(definition, column, value)
            if column.wire == definition.key:
                _own_key(definition, found[column.wire], id_)
            elif not (column.creatable if deed == "Create" else column.updatable):
                raise invalid(f"The column '{name}' of '{definition.name}' is not valid for {deed}.")
            demand_column(ask.env, ask.user, definition, column, deed)
    return found


def _typed(definition: Definition, value: Any) -> None:
    if str(value).lstrip("#") != f"Microsoft.Dynamics.CRM.{definition.name}":
        raise payload(f"The type '{value}' does not fit the expected type 'Microsoft.Dynamics.CRM.{definition.name}'.")


def _own_key(definition: Definition, given: str, id_: str) -> None:
    if id_ and given != id_:
        raise invalid(f"{definition.key} in the body is not the id of the row")


def _column(definition: Definition, name: str) -> Column:
    column = definition.columns.get(name)
    if column is None:
        words = f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{definition.name}'."
        raise payload(f"Internal Message : {words} Make sure to only use property names that are defined by the type.")
    if column.type in LOOKUPS:
        words = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
        raise payload(f"Internal Message : {words}")
    return column


# -- values ----------------------------------------------------------------------------------------------------------
def _guid(value: str) -> str:
    return str(uuid.UUID(value))


_TYPES: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "Boolean": (bool, lambda v: v),
    "DateTime": (str, parsed),
    "Uniqueidentifier": (str, _guid),
    **dict.fromkeys(TEXTS, (str, lambda v: v)),
    **dict.fromkeys(("Integer", "BigInt", *CHOICES), (int, lambda v: v)),
}


def _value(definition: Definition, column: Column, value: Any) -> Any:
    """One value as rows hold it; empty text is null, as in the vendor's database."""
    if value is None or (value == "" and column.type in TEXTS):
        if column.required == "SystemRequired":
            raise invalid(f"Required field '{column.name}' cannot be set to null")
        return None
    kind, read = _TYPES[column.type]
    try:
        if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or value not in _INT32)):
            raise ValueError(value)
        made = read(value)
    except ValueError as error:
        shown = {"true": "true", "false": "false"}.get(str(value).lower(), str(value)[:40])
        raise payload(
            f"Internal Message : Cannot convert the literal '{shown}' to the expected type '{edm(column)}'."
        ) from error
    if column.length and len(made) > column.length:
        words = f"The length of the '{column.name}' attribute of the '{definition.name}' entity exceeded the maximum"
        raise VendorError(
            400, "0x80044331", f"A validation error occurred. {words} allowed length of '{column.length}'."
        )
    if column.type in CHOICES and made not in column.labels:
        words = f"The value of '{column.name}' on record of type '{definition.name}' is outside the valid range."
        raise VendorError(
            400, "0x8004431a", f"A validation error occurred. {words} Accepted Values: {sorted(column.labels)}"
        )
    return made


# -- references ------------------------------------------------------------------------------------------------------
def _bound(ask: Ask, definition: Definition, name: str, value: Any) -> tuple[Column, dict[str, Any]]:
    """What `navigation@odata.bind` sets. The row must be there, and the user be allowed to append to it."""
    navigation = name.removesuffix("@odata.bind")
    found = definition.binding.get(navigation)
    if found is None or not found[0].creatable:
        raise payload(
            f"Internal Message : An undeclared property '{navigation}' which only has property annotations in the "
            "payload but no property value was found in the payload."
        )
    column, target = found
    if value is None:
        return column, {column.wire: None}
    table, id_ = reference(ask, value)
    if table.definition.name != target:
        raise payload(f"Internal Message : '{navigation}' cannot refer to {table.definition.name}.")
    if table.definition.owned == "UserOwned" or table.definition.custom:
        demand(ask.env, ask.user, "Append", definition)
        demand(ask.env, ask.user, "AppendTo", table.definition)
    kind = f"{column.name.removesuffix('id')}typecode"
    return column, {column.wire: id_} | ({kind: target} if kind in definition.columns else {})


def reference(ask: Ask, value: Any) -> tuple[Table, str]:
    """Table and id of a row's address: `/contacts(id)`, an absolute URL, or `$1`. Raises: `VendorError` 404 and 400."""
    text = str(value)
    if text.startswith("$"):
        if text[1:] not in ask.references:
            raise bad(f"Content-ID Reference: '{text}' does not exist in the batch context.")
        text = ask.references[text[1:]]
    text = unquote(text.removeprefix(ask.root)).lstrip("/")
    if re.match(r"https?:", text):
        raise bad(f"The URI '{value}' is not of this service.")
    segment = parse("segment", text)
    table = ask.env.sets.get(segment.name)
    if table is None or not isinstance(segment.key, Guid):
        raise bad(f"Invalid URI for a reference: '{value}'.")
    if segment.key not in table.cells:
        raise no_row(table.definition.label, segment.key)
    return table, str(segment.key)
