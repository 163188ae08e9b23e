"""getUpdated and getDeleted (REST API, sObject Get Updated, sObject Get Deleted; SOAP API, calls of the same names)."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.single import table_at
from connector.emulators.salesforce.times import parsed, rest, text_of

MOST_IDS = 600_000
UPDATED_DAYS, DELETED_DAYS = 30, 15


def _window(request: Request, org: Org, days: int) -> tuple[str, str]:
    """Start and end, whose seconds are ignored."""
    try:
        start, end = (parsed(request.query_params[name].replace(" ", "+")) for name in ("start", "end"))
    except (KeyError, ValueError) as error:
        raise VendorError("INVALID_REPLICATION_DATE", "start and end are required, as ISO 8601 times") from error
    start, end = (f"{moment[:17]}00.000Z" for moment in (start, end))
    if start >= end:
        raise VendorError("INVALID_REPLICATION_DATE", "startDate should be before endDate")
    if start < text_of(org.now() - timedelta(days=days)):
        raise VendorError("INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
    return start, end


def _covered(org: Org, end: str) -> str:
    """Up to where the answer is complete: not beyond now, nor beyond the start of a transaction that is still open."""
    return min(end, text_of(org.now()), org.open_transaction or end)


async def updated(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/updated?start&end`."""
    low, high = _window(request, org, UPDATED_DAYS)
    table = table_at(org, request, user)
    ids = [cells[0] for cells in table.between(low, high) if not cells[table.deleted]]
    if len(ids) > MOST_IDS:
        raise VendorError("EXCEEDED_ID_LIMIT", f"more than {MOST_IDS} ids")
    return JSONResponse({"ids": sorted(ids), "latestDateCovered": rest(_covered(org, high))})


async def deleted(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/deleted?start&end`."""
    low, high = _window(request, org, DELETED_DAYS)
    table = table_at(org, request, user)
    stamp = table.columns["SystemModstamp"]
    gone = [cells for cells in table.between(low, high) if cells[table.deleted]]
    rows = [{"id": cells[0], "deletedDate": rest(cells[stamp])} for cells in gone]
    earliest: datetime = org.now() - timedelta(days=DELETED_DAYS)
    body = {"deletedRecords": rows, "earliestDateAvailable": rest(text_of(earliest))}
    return JSONResponse(body | {"latestDateCovered": rest(_covered(org, high))})
