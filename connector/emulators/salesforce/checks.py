"""What the vendor looks at before it stores a value (Object Reference, Field Types; SOAP API, Status Codes).

The same for JSON and for the cells of a CSV file, which hold text for every type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector.emulators.salesforce.access import edits, sees
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import is_id, long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.schema import Field
from connector.emulators.salesforce.table import Table
from connector.emulators.salesforce.times import day, parsed

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\".]+(\.[^\s@<>()\[\],;:\".]+)+")
_YES, _NO = ("true", "yes", "y", "on", "1"), ("false", "no", "n", "off", "0")


def checked(org: Org, table: Table, values: Mapping[str, Any], user: str, *, creating: bool) -> dict[str, Any]:
    """Values by the fields' real names, as rows hold them. Raises: `VendorError`."""
    return dict(_checked(org, table, name, value, user, creating=creating) for name, value in values.items())


def _checked(org: Org, table: Table, name: str, value: Any, user: str, *, creating: bool) -> tuple[str, Any]:
    real = table.object.by_lower.get(name.lower())
    if real is None or not sees(org, user, table.object, real):
        raise VendorError("INVALID_FIELD", f"No such column '{name}' on sobject of type {table.object.name}")
    field = table.object.fields[real]
    may = field.writable if not creating or field.createable is None else field.createable
    if not may or not edits(org, user, table.object, real):
        raise VendorError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {real}. Please check the security settings of this field and verify that "
            "it is read/write for your profile or permission set.",
            (real,),
        )
    return real, typed(org, field, value)


def typed(org: Org, field: Field, value: Any) -> Any:
    """One value as rows hold it. Raises: `VendorError`."""
    if value in (None, ""):
        return False if field.type == "boolean" else None
    if field.type == "boolean":
        return _boolean(value)
    if not isinstance(value, str):
        raise _unreadable(field, value)
    if field.type in ("datetime", "date"):
        try:
            return parsed(value) if field.type == "datetime" else day(value)
        except ValueError as error:
            raise _unreadable(field, value) from error
    if field.type == "reference":
        return _reference(org, field, value)
    return _text(field, value)


def _unreadable(field: Field, value: Any) -> VendorError:
    shown = "VALUE_STRING" if isinstance(value, str) else f"VALUE_{str(value).upper()}"
    words = f"Cannot deserialize instance of {field.type} from {shown} value {value} or request may be missing a"
    return VendorError("JSON_PARSER_ERROR", f"{words} required field")


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    if isinstance(value, bool | str) and word in (*_YES, *_NO):
        return word in _YES
    raise VendorError("JSON_PARSER_ERROR", f"Cannot deserialize instance of boolean from VALUE_STRING value {value}")


def _reference(org: Org, field: Field, value: str) -> str:
    """An id of the right kind, of a row that is there."""
    parents = [name for name in field.parent.split() if name in org.tables]
    kinds = {org.tables[name].object.prefix for name in parents}
    if not is_id(value) or (kinds and value[:3] not in kinds):
        words = f"{field.words}: id value of incorrect type: {value}"
        raise VendorError("MALFORMED_ID", words, (field.name,))
    whole = long_id(value)
    found = next((org.tables[n].cells.get(whole) for n in parents if org.tables[n].object.prefix == value[:3]), ())
    if found is None:
        raise VendorError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (field.name,))
    return whole


def _text(field: Field, value: str) -> str:
    if field.type == "email":
        value = value.strip()
        if not _EMAIL.fullmatch(value):
            words = f"{field.words}: invalid email address: {value}"
            raise VendorError("INVALID_EMAIL_ADDRESS", words, (field.name,))
    if field.type != "base64" and len(value) > field.length:
        words = f"{field.words}: data value too large: {value} (max length={field.length})"
        raise VendorError("STRING_TOO_LONG", words, (field.name,))
    if field.restricted and value not in field.values:
        words = f"{field.words}: bad value for restricted picklist field: {value}"
        raise VendorError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, (field.name,))
    return value


def required(table: Table, values: Mapping[str, Any], *, creating: bool) -> None:
    """Raises: `VendorError` REQUIRED_FIELD_MISSING."""
    wanted = table.object.required
    if table.object.name == "Account" and values.get("LastName"):
        wanted = ()
    missing = [name for name in wanted if not values.get(name) and (creating or name in values)]
    if missing:
        listed = ", ".join(missing)
        raise VendorError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", tuple(missing))


def unique(table: Table, id_: str, values: Mapping[str, Any]) -> None:
    """Raises: `VendorError` DUPLICATE_VALUE for a second row with a value that must be the only one."""
    for name, value in values.items():
        if value is not None and table.object.fields[name].unique:
            others = [i for i in table.indexes[name].get(value.lower(), ()) if i != id_]
            if others:
                words = f"duplicate value found: {name} duplicates value on record with id: {others[0]}"
                raise VendorError("DUPLICATE_VALUE", words, (name,))


def duplicate_rule(org: Org, table: Table, values: Mapping[str, Any]) -> None:
    """Raises: `VendorError` DUPLICATES_DETECTED where control switched on a rule that blocks a second address."""
    address = values.get(table.email)
    if table.object.name in org.duplicate_rules and address:
        found = (table.cells[i] for i in table.by_email.get(address.lower(), ()))
        if any(not cells[table.deleted] for cells in found):
            raise VendorError("DUPLICATES_DETECTED", "Use one of these records?")
