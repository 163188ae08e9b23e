"""The rows of an ingest job: read as CSV, written one by one, each ending as done, failed or not come to.

Bulk API 2.0 Developer Guide, "Prepare CSV Files": an empty cell leaves a field as it is, `#N/A` makes it null, values
are not trimmed, `Owner.Email` finds a parent by one of its keys.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.access import sees, table_of
from connector.emulators.salesforce.bulk_jobs import DELIMITERS
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.schema import Object
from connector.emulators.salesforce.single import put_by_key
from connector.emulators.salesforce.table import Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.bulk_ingest import IngestJob

LARGEST_CELL = 131_072


class _BatchError(Exception):
    """Why a whole job fails."""


def work(held: IngestJob) -> None:
    """Every row, in the order of the file; `org.bulk_stop` ends the job early, its rest unprocessed."""
    try:
        rows = _rows(held)
        if rows and "id" not in map(str.lower, held.columns) and held.job["operation"] in ("update", "delete"):
            raise _BatchError("InvalidBatch : Field name not found : Id")
        _known(held)
    except _BatchError as error:
        held.job.update(state="Failed", errorMessage=str(error))
        return
    stop = held.org.bulk_stop
    held.left = [] if stop is None else rows[stop:]
    for row in rows if stop is None else rows[:stop]:
        _one(held, row)
    held.job["state"] = "JobComplete" if not held.left else "Failed"
    if held.left:
        held.job["errorMessage"] = "InternalServerError : Processing stopped"


def leave_all(held: IngestJob) -> None:
    """No row of an aborted job is come to."""
    try:
        _rows(held)
    except _BatchError:
        held.left = []


def _rows(held: IngestJob) -> list[list[str]]:
    """The rows, whose number is remembered as unprocessed until they are come to."""
    try:
        text = (held.csv or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BatchError("InvalidBatch : the data is not UTF-8") from error
    if not text.strip():
        raise _BatchError("InvalidBatch : the data is empty")
    line_end = "CRLF" if "\r\n" in text[: text.index("\n") + 1 if "\n" in text else 0] else "LF"
    if "\n" in text and line_end != held.job["lineEnding"]:
        setting = held.job["lineEnding"]
        words = f"LineEnding is invalid on user data. Current LineEnding setting is {setting}"
        raise _BatchError(f"ClientInputError : {words}")
    csv.field_size_limit(10 * LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[held.job["columnDelimiter"]], strict=True)
    try:
        held.columns, *rows = [row for row in reader if row]
    except csv.Error as error:
        raise _BatchError(f"ClientInputError : Failed to parse CSV: {error}") from error
    held.left = rows
    width = len(held.columns)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise _BatchError(f"ClientInputError : row {number} has {len(row)} values, expected {width}")
    return rows


def _known(held: IngestJob) -> None:
    object_: Object = held.org.tables[held.job["object"]].object
    for column in held.columns:
        name = column.partition(".")[0] if "." not in column else _reference(object_, column)
        real = object_.by_lower.get(name.lower())
        hidden = real is not None and not sees(held.org, held.user, object_, real)
        if real is None or hidden:
            raise _BatchError(f"InvalidBatch : Field name not found : {column}")


def _reference(object_: Object, column: str) -> str:
    relationship = column.partition(".")[0].lower()
    return next((f.name for f in object_.fields.values() if f.relationship.lower() == relationship), column)


def _one(held: IngestJob, row: list[str]) -> None:
    id_ = ""
    try:
        values: dict[str, Any] = {}
        for column, cell in zip(held.columns, row, strict=True):
            if cell == "":
                continue
            if len(cell) > LARGEST_CELL:
                raise VendorError("STRING_TOO_LONG", f"{column}: data value too large", (column,))
            if column.lower() == "id":
                id_ = cell
            elif "." in column:
                values |= _parent(held, column, cell)
            else:
                values[column] = None if cell == "#N/A" else cell
        made, created = _written(held, id_, values)
        held.ok.append([made, "true" if created else "false", *row])
    except VendorError as error:
        held.bad.append([id_, f"{error.code}:{error.message}:{', '.join(error.fields)} --", *row])


def _parent(held: IngestJob, column: str, value: str) -> dict[str, Any]:
    """`Owner.Email` as `OwnerId`."""
    table = held.org.tables[held.job["object"]]
    name = _reference(table.object, column)
    parent: Table = table_of(held.org, table.object.fields[name].parent.split()[0])
    key = parent.object.by_lower.get(column.partition(".")[2].lower(), "")
    found = sorted(parent.indexes.get(key, {}).get(value.lower(), ()))
    if len(found) != 1:
        raise VendorError("INVALID_FIELD", f"Foreign key external ID: {value} not found for field {key}", (name,))
    return {name: found[0]}


def _written(held: IngestJob, id_: str, values: dict[str, Any]) -> tuple[str, bool]:
    org, operation, name, user = held.org, held.job["operation"], held.job["object"], held.user
    if operation == "insert":
        return writes.create(org, name, values, user), True
    if operation == "upsert":
        given = {**values, "Id": id_} if id_ else values
        key = next((column for column in given if column.lower() == held.key.lower()), "")
        if not given.get(key):
            raise VendorError("MISSING_ARGUMENT", f"{held.key} not specified", (held.key,))
        return put_by_key(org, org.tables[name], (held.key, str(given.pop(key))), given, user)
    if not id_:
        raise VendorError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
    if operation == "update":
        return writes.update(org, name, id_, values, user), False
    gone = writes.delete(org, name, id_, user)
    if operation == "hardDelete":
        org.tables[name].drop(gone)
    return gone, False
