"""`query`, `queryAll`, and the pages after the first (REST API, Query and QueryAll; Query Options Header).

A cursor holds what was found: later pages show the rows as they were. It lives for two days of the org's clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import run
from connector.emulators.salesforce.render import recorder
from connector.emulators.salesforce.soql import parse
from connector.emulators.salesforce.table import Cells

LEAST, MOST = 200, 2000
LIFETIME = timedelta(days=2)


@dataclass(frozen=True)
class Cursor:
    """What a query found, and how it is told."""

    rows: list[Cells]
    record: Callable[[Cells], dict[str, Any]]
    size: int
    owner: str
    made: datetime


async def query(request: Request, org: Org, user: str) -> Response:
    """`GET query`: rows that are not deleted."""
    return _first(request, org, user, deleted=False)


async def query_all(request: Request, org: Org, user: str) -> Response:
    """`GET queryAll`: deleted and merged rows as well."""
    return _first(request, org, user, deleted=True)


def _first(request: Request, org: Org, user: str, *, deleted: bool) -> Response:
    soql = request.query_params.get("q")
    if soql is None:
        raise VendorError("MALFORMED_QUERY", "A query string has to be specified")
    size = min(_batch_size(request), org.page)
    tree = parse(soql)
    answer = run(org, tree, user, deleted=deleted)
    if not tree.fields:
        return JSONResponse({"totalSize": len(answer.rows), "done": True, "records": []})
    record = recorder(answer.table, answer.columns, request.path_params["version"])
    cursor = Cursor(answer.rows, record, size, user, org.now())
    return _page(request, cursor, 0, f"0r8{secrets.token_hex(8)[:15]}")


def _batch_size(request: Request) -> int:
    header = request.headers.get("sforce-query-options", "")
    for option in header.split(";"):
        name, _, number = option.partition("=")
        if name.strip().lower() == "batchsize" and number.strip().isdigit():
            return min(max(int(number), LEAST), MOST)
    return MOST


def _page(request: Request, cursor: Cursor, start: int, locator: str) -> Response:
    total, end = len(cursor.rows), start + cursor.size
    body: dict[str, Any] = {"totalSize": total, "done": end >= total}
    if end < total:
        request.app.state.locators[locator] = cursor
        kind = request.url.path.split("/")[4]
        body["nextRecordsUrl"] = f"/services/data/v{request.path_params['version']}/{kind}/{locator}-{end}"
    return JSONResponse(body | {"records": [cursor.record(cells) for cells in cursor.rows[start:end]]})


async def more(request: Request, org: Org, user: str) -> Response:
    """A follow-up page by its locator."""
    locator, _, start = request.path_params["locator"].rpartition("-")
    cursor: Cursor | None = request.app.state.locators.get(locator)
    known = cursor is not None and start.isdigit() and int(start) < len(cursor.rows) and cursor.owner == user
    if cursor is None or not known or org.now() - cursor.made > LIFETIME:
        raise VendorError("INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(request, cursor, int(start), locator)
