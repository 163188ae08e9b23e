"""Merge, lead conversion and the recycle bin: what REST has no call for, and people do in the user interface.

SOAP API: merge(), convertLead(), undelete(), emptyRecycleBin().
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.emulators.salesforce.access import table_of
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.table import Cells, Table
from connector.emulators.salesforce.times import text_of
from connector.emulators.salesforce.writes import create, put

MOST_LOSERS = 2


def _live(table: Table, id_: str) -> Cells:
    cells = table.cells.get(long_id(id_))
    if cells is None:
        raise VendorError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if cells[table.deleted]:
        raise VendorError("ENTITY_IS_DELETED", "entity is deleted")
    return cells


def merge(
    org: Org, object_name: str, winner: str, losers: Sequence[str], user: str, values: dict[str, Any] | None = None
) -> None:
    """The winner keeps its own values, or those picked by hand; losers are deleted and name it.

    Raises: `VendorError` for an object that cannot be merged, more than two losers, or a row that is not there.
    """
    table = table_of(org, object_name)
    if "MasterRecordId" not in table.object.fields:
        raise VendorError("INVALID_TYPE", f"{object_name} cannot be merged")
    if not 0 < len(losers) <= MOST_LOSERS or long_id(winner) in map(long_id, losers):
        raise VendorError("INVALID_INPUT", f"1 to {MOST_LOSERS} records can be merged into another")
    first, rest = _live(table, winner), [_live(table, loser) for loser in losers]
    for cells in rest:
        put(org, table, cells, {"IsDeleted": True, "MasterRecordId": first[0]}, user)
    put(org, table, first, values or {}, user)


def convert(org: Org, lead_id: str, user: str, values: dict[str, Any] | None = None, contact: str = "") -> str:
    """Converts a lead to a new contact, or to the named one; the contact's id.

    The opt-out is carried over only where an admin mapped it: `values` are the contact's then.
    """
    leads = org.tables["Lead"]
    cells = _live(leads, lead_id)
    lead = leads.values(cells)
    if lead["IsConverted"]:
        raise VendorError("CANNOT_UPDATE_CONVERTED_LEAD", "lead is already converted")
    if not contact:
        account = create(org, "Account", {"Name": lead["Company"]}, user)
        known = {"FirstName": lead["FirstName"], "LastName": lead["LastName"], "AccountId": account}
        contact = create(org, "Contact", {**known, "Email": lead["Email"], **(values or {})}, user)
    else:
        account = org.rows("Contact")[contact]["AccountId"]
    converted = {"IsConverted": True, "ConvertedContactId": contact, "ConvertedAccountId": account}
    today = text_of(org.now())[:10]
    put(org, leads, cells, {**converted, "ConvertedDate": today, "Status": "Closed - Converted"}, user)
    return contact


def undelete(org: Org, object_name: str, id_: str, user: str) -> None:
    """Out of the recycle bin."""
    table = table_of(org, object_name)
    cells = table.cells.get(long_id(id_))
    if cells is None or not cells[table.deleted]:
        raise VendorError("UNDELETE_FAILED", "Entity is not in the recycle bin")
    master = {"MasterRecordId": None} if "MasterRecordId" in table.object.fields else {}
    put(org, table, cells, {"IsDeleted": False, **master}, user)


def purge(org: Org, object_name: str) -> None:
    """Empties the recycle bin: those rows are gone for every query."""
    table = table_of(org, object_name)
    for id_ in [i for i, cells in table.cells.items() if cells[table.deleted]]:
        table.drop(id_)
