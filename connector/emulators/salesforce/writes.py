"""Writing rows: create, update, delete, and what storing changes besides (stamps, history, hidden contacts).

Every function takes the acting user, and raises `VendorError` before anything has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.emulators.salesforce import person
from connector.emulators.salesforce.access import may, table_of
from connector.emulators.salesforce.checks import checked, duplicate_rule, required, unique
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import is_id, long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.rules import apply_rules
from connector.emulators.salesforce.table import Cells, Row, Table
from connector.emulators.salesforce.times import text_of


def update(org: Org, object_name: str, id_: str, values: dict[str, Any], user: str) -> str:
    """Changes one row; its id."""
    table = table_of(org, object_name, user)
    if not table.object.writable:
        raise VendorError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {object_name} does not support update")
    cells = _writable(org, table, id_, user)
    clean = checked(org, table, values, user, creating=False)
    required(table, clean, creating=False)
    unique(table, cells[0], clean)
    apply_rules(org, table, Row(table, cells[0]), clean, user)
    put(org, table, cells, clean, user)
    _mirror(org, table, table.cells[cells[0]], clean, user)
    return str(cells[0])


def create(org: Org, object_name: str, values: dict[str, Any], user: str, *, allow_duplicate: bool = False) -> str:
    """A new row's id."""
    table = table_of(org, object_name, user)
    name = table.object.name
    if not table.object.createable:
        raise VendorError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {name} does not support create")
    if not may(org, user, f"Edit {name}"):
        raise VendorError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    clean = checked(org, table, values, user, creating=True)
    required(table, clean, creating=True)
    unique(table, "", clean)
    if not allow_duplicate:
        duplicate_rule(org, table, clean)
    blank = table.values(table.row({})) if org.rules else {}
    apply_rules(org, table, blank, clean, user)
    return _created(org, table, clean, user)


def _created(org: Org, table: Table, clean: dict[str, Any], user: str) -> str:
    name = table.object.name
    made = {"Id": org.new_id(table.object.prefix), **org.stamped(user)}
    if "OwnerId" in table.object.fields and not clean.get("OwnerId"):
        made["OwnerId"] = user
    is_person = name == "Account" and clean.get("LastName") and "PersonEmail" in table.object.fields
    if is_person:
        made |= _hidden_contact(org, str(made["Id"]), clean, user)
    org.store(table, table.row(made | clean))
    if any(key.startswith(f"{name}.") for key in org.tracked):
        history(org, table, str(made["Id"]), "created", None, None, user)
    if name == "ContentNote":
        org.store(org.tables["ContentDocument"], _document(org, str(made["Id"]), clean, user))
    _log(org, table, str(made["Id"]), clean, user)
    return str(made["Id"])


def delete(org: Org, object_name: str, id_: str, user: str) -> str:
    """Puts a row into the recycle bin; its id."""
    table = table_of(org, object_name, user)
    if not table.object.createable and not table.object.writable:
        raise VendorError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {object_name} does not support delete")
    cells = _writable(org, table, id_, user, converted=True)
    put(org, table, cells, {"IsDeleted": True}, user)
    contact = _hidden(org, table, cells)
    if contact is not None:
        put(org, org.tables["Contact"], contact, {"IsDeleted": True}, user, log=False)
    return str(cells[0])


def _writable(org: Org, table: Table, id_: str, user: str, *, converted: bool = False) -> Cells:
    """The row behind an id that may be written now."""
    whole = long_id(id_)
    cells = table.cells.get(whole)
    if cells is None:
        if not is_id(id_) or id_[:3] != table.object.prefix:
            raise VendorError("MALFORMED_ID", f"{table.object.name} ID: id value of incorrect type: {id_}", ("Id",))
        raise VendorError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if cells[table.deleted]:
        raise VendorError("ENTITY_IS_DELETED", "entity is deleted")
    if not converted and "IsConverted" in table.columns and cells[table.columns["IsConverted"]]:
        raise VendorError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    if not may(org, user, f"Edit {table.object.name}"):
        raise VendorError("INSUFFICIENT_ACCESS_OR_READONLY", f"insufficient access rights on object id: {whole}")
    _on_demand(org, whole)
    return cells


def _on_demand(org: Org, id_: str) -> None:
    """What control asked for this row: a lock, or a refusal."""
    if org.locked.get(id_, 0) > 0:
        org.locked[id_] -= 1
        raise VendorError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: " + id_)
    if id_ in org.refused:
        code, message = org.refused[id_]
        raise VendorError(code, message)


def put(org: Org, table: Table, cells: Cells, values: Mapping[str, Any], user: str, *, log: bool = True) -> None:
    """Stores changed values with new stamps, the history of tracked fields, and a line in the write log."""
    name, id_ = table.object.name, str(cells[0])
    for field, value in values.items():
        if f"{name}.{field}" in org.tracked:
            old = cells[table.column(field)]
            if old != value:
                history(org, table, id_, field, old, value, user)
    stamp = text_of(org.now())
    system = {"LastModifiedDate": stamp, "SystemModstamp": stamp, "LastModifiedById": user}
    org.store(table, table.changed(cells, {**values, **system}))
    if log:
        _log(org, table, id_, values, user)


def _log(org: Org, table: Table, id_: str, values: Mapping[str, Any], user: str) -> None:
    stamp = table.cells[id_][table.columns["SystemModstamp"]]
    org.writes.append({"at": stamp, "object": table.object.name, "id": id_, "fields": dict(values), "user": user})


def history(org: Org, table: Table, id_: str, field: str, old: Any, new: Any, user: str) -> None:
    """A row of the object's history. Long text is told as changed, without its values (Field History Tracking)."""
    name = table.object.name
    rows = org.tables.get(f"{name}History")
    if rows is None:
        return
    if field in table.object.fields and table.object.fields[field].long:
        old = new = None
    values = {"Id": org.new_id("017"), f"{name}Id": id_, "Field": field, "OldValue": old, "NewValue": new}
    org.store(rows, rows.row({**org.stamped(user), **values}))


def _document(org: Org, id_: str, values: Mapping[str, Any], user: str) -> Cells:
    """A content note is a content document of the same id."""
    known = {"Id": id_, "Title": values.get("Title"), "FileType": "SNOTE"}
    return org.tables["ContentDocument"].row({**org.stamped(user), **known})


# -- person accounts -----------------------------------------------------------------------------------------------
def _hidden_contact(org: Org, account: str, clean: Mapping[str, Any], user: str) -> dict[str, Any]:
    contacts = org.tables["Contact"]
    hidden = {"Id": org.new_id("003"), "AccountId": account, "IsPersonAccount": True, **org.stamped(user)}
    org.store(contacts, contacts.row(hidden | person.to_contact(contacts, clean)))
    return {"IsPersonAccount": True, "PersonContactId": hidden["Id"], "Name": person.full_name(clean)}


def _hidden(org: Org, table: Table, account: Cells) -> Cells | None:
    """The contact of a person account."""
    if table.object.name != "Account" or "PersonContactId" not in table.columns:
        return None
    return org.tables["Contact"].cells.get(account[table.columns["PersonContactId"]])


def _mirror(org: Org, table: Table, cells: Cells, clean: Mapping[str, Any], user: str) -> None:
    """What was written to one half of a person account is written to the other."""
    contact = _hidden(org, table, cells)
    contacts, accounts = org.tables["Contact"], org.tables["Account"]
    if contact is not None:
        put(org, contacts, contact, person.to_contact(contacts, clean), user, log=False)
        half = cells
    elif table is contacts and "IsPersonAccount" in table.columns and cells[table.columns["IsPersonAccount"]]:
        half = accounts.cells[cells[table.columns["AccountId"]]]
        put(org, accounts, half, person.to_account(accounts, clean), user, log=False)
    else:
        return
    whole = accounts.cells[half[0]]
    name = person.full_name(accounts.values(whole))
    org.store(accounts, accounts.changed(whole, {"Name": name}))
