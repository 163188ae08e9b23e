"""Writing rows: the checks the vendor makes before it stores, and what storing changes besides."""

from __future__ import annotations

import re
from typing import Any

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import REFUSED_TICK, Org, Table
from connector.emulators.salesforce.query import table_of
from connector.emulators.salesforce.schema import Field
from connector.emulators.salesforce.times import parsed, text_of

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\".]+(\.[^\s@<>()\[\],;:\".]+)+")


def update(org: Org, object_name: str, id_: str, values: dict[str, Any], user: str) -> None:
    """Changes one row. Raises: `VendorError`, and then nothing has changed."""
    table = table_of(org, object_name)
    row = table.rows.get(id_)
    if row is None:
        raise VendorError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if row["IsDeleted"]:
        raise VendorError("ENTITY_IS_DELETED", "entity is deleted")
    if row.get("IsConverted"):
        raise VendorError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    _on_demand(org, id_)
    clean = dict(_checked(org, table, k, v) for k, v in values.items())
    _rules(org, table, row, clean, user)
    _store(org, table, row, clean, user)


def create(org: Org, object_name: str, values: dict[str, Any], user: str) -> str:
    """A new row's id. Raises: `VendorError`."""
    table = table_of(org, object_name)
    if not table.object.createable:
        raise VendorError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {object_name} does not support create")
    clean = dict(_checked(org, table, k, v) for k, v in values.items())
    required = table.object.required
    if table.object.name == "Account" and clean.get("LastName"):
        required = ()
    missing = [name for name in required if not clean.get(name)]
    if missing:
        listed = ", ".join(missing)
        raise VendorError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", tuple(missing))
    row = org.blank(table.object)
    row["Id"] = org.new_id(table.object.prefix)
    row["CreatedById"] = user
    _rules(org, table, row, clean, user)
    _store(org, table, row, clean, user)
    if object_name == "ContentNote":
        _document(org, row)
    if object_name == "Account" and clean.get("LastName"):
        _person(org, row, user)
    return str(row["Id"])


def delete(org: Org, object_name: str, id_: str, user: str) -> None:
    """Puts a row into the recycle bin. Raises: `VendorError`."""
    table = table_of(org, object_name)
    row = table.rows.get(id_)
    if row is None or row["IsDeleted"]:
        raise VendorError("ENTITY_IS_DELETED", "entity is deleted")
    _store(org, table, row, {"IsDeleted": True}, user)


def merge(org: Org, object_name: str, winner: str, losers: list[str], user: str) -> None:
    """The winner keeps its own values; losers are deleted and name it, as by the SOAP call."""
    table = table_of(org, object_name)
    for loser in losers:
        _store(org, table, table.rows[loser], {"IsDeleted": True, "MasterRecordId": winner}, user)
    _store(org, table, table.rows[winner], {}, user)


def convert(org: Org, lead_id: str, user: str) -> str:
    """Converts a lead to a new contact, whose opt-out is carried over only where mapped (so it is not); its id."""
    leads = org.tables["Lead"]
    lead = leads.rows[lead_id]
    values = {"FirstName": lead["FirstName"], "LastName": lead["LastName"], "Email": lead["Email"]}
    contact = create(org, "Contact", values, user)
    _store(org, leads, lead, {"IsConverted": True, "ConvertedContactId": contact}, user)
    return contact


def undelete(org: Org, object_name: str, id_: str, user: str) -> None:
    """Out of the recycle bin."""
    table = table_of(org, object_name)
    _store(org, table, table.rows[id_], {"IsDeleted": False, "MasterRecordId": None}, user)


def purge(org: Org, object_name: str) -> None:
    """Empties the recycle bin: those rows are gone for every query."""
    table = table_of(org, object_name)
    for id_ in [i for i, r in table.rows.items() if r["IsDeleted"]]:
        row = table.rows.pop(id_)
        table.by_email.get((row.get(table.email) or "").lower(), set()).discard(id_)


def _on_demand(org: Org, id_: str) -> None:
    if org.locked.get(id_, 0) > 0:
        org.locked[id_] -= 1
        raise VendorError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: " + id_)
    if id_ in org.refused:
        code, message = org.refused[id_]
        raise VendorError(code, message)


def _checked(org: Org, table: Table, name: str, value: Any) -> tuple[str, Any]:
    real = table.object.by_lower.get(name.lower())
    if real is None or f"{table.object.name}.{real}" in org.hidden:
        raise VendorError("INVALID_FIELD", f"No such column '{name}' on sobject of type {table.object.name}")
    field = table.object.fields[real]
    if not field.writable or f"{table.object.name}.{real}" in org.readonly:
        raise VendorError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {real}. Please check the security settings of this field and verify that "
            "it is read/write for your profile or permission set.",
            (real,),
        )
    return real, _typed(field, value)


def _typed(field: Field, value: Any) -> Any:
    if value in (None, ""):
        return False if field.type == "boolean" else None
    if field.type == "boolean":
        return _boolean(field, value)
    if not isinstance(value, str):
        raise VendorError("JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type} from {value!r}")
    if field.type in ("datetime",):
        try:
            return parsed(value)
        except ValueError as error:
            raise VendorError("JSON_PARSER_ERROR", f"invalid date: {value}") from error
    if field.type == "email" and not _EMAIL.fullmatch(value.strip()):
        raise VendorError("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {value}", (field.name,))
    if field.type != "base64" and len(value) > field.length:
        raise VendorError(
            "STRING_TOO_LONG", f"{field.name}: data value too large: (max length={field.length})", (field.name,)
        )
    return value.strip() if field.type == "email" else value


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise VendorError("JSON_PARSER_ERROR", f"Cannot deserialize instance of boolean from VALUE_STRING value {value}")


def _rules(org: Org, table: Table, row: dict[str, Any], clean: dict[str, Any], user: str) -> None:
    """The package's validation rule: who lacks the permission may not tick the box."""
    for name in ("Resubscribe_Requested__c", "Resubscribe_Requested__pc"):
        ticked = clean.get(name) is True and not row.get(name)
        if org.validation and ticked and user != org.integration and not org.holds_permission(user):
            raise VendorError("FIELD_CUSTOM_VALIDATION_EXCEPTION", REFUSED_TICK, (name,))


def _store(org: Org, table: Table, row: dict[str, Any], values: dict[str, Any], user: str) -> None:
    old_email = row.get(table.email)
    for name, value in values.items():
        if f"{table.object.name}.{name}" in org.tracked and row.get(name) != value:
            _history(org, table, row["Id"], name, row.get(name), value, user)
    row.update(values)
    stamp = text_of(org.now())
    row.update(LastModifiedDate=stamp, SystemModstamp=stamp, LastModifiedById=user)
    table.put(row, old_email)
    entry = {"at": stamp, "object": table.object.name, "id": row["Id"], "fields": values, "user": user}
    org.writes.append(entry)


def _history(org: Org, table: Table, id_: str, name: str, old: Any, new: Any, user: str) -> None:
    histories = org.tables[f"{table.object.name}History"]
    row = org.blank(histories.object)
    row.update(Id=org.new_id(histories.object.prefix), Field=name, OldValue=old, NewValue=new, CreatedById=user)
    row[f"{table.object.name}Id"] = id_
    histories.put(row)


def _document(org: Org, note: dict[str, Any]) -> None:
    """A content note is a content document of the same id."""
    documents = org.tables["ContentDocument"]
    row = org.blank(documents.object)
    row.update(Id=note["Id"], Title=note["Title"], FileType="SNOTE")
    documents.put(row)


def _person(org: Org, account: dict[str, Any], user: str) -> None:
    """A person account's hidden contact, which contact queries show as well."""
    values = {"FirstName": account.get("FirstName"), "LastName": account["LastName"], "Email": account["PersonEmail"]}
    contact = create(org, "Contact", {k: v for k, v in values.items() if v}, user)
    org.rows("Contact")[contact]["IsPersonAccount"] = True
    account.update(IsPersonAccount=True, PersonContactId=contact, Name=account["LastName"])
