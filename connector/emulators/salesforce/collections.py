"""sObject Collections: up to 200 rows in one call, each with its own result (REST API, composite/sobjects)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import field_of, table_of

MOST = 200
CHUNKS = 10


async def update(request: Request, org: Org, user: str) -> Response:
    """`PATCH composite/sobjects`."""

    def one(type_: str, row: dict[str, Any]) -> str:
        id_ = str(row.pop("id", row.pop("Id", "")))
        if not id_:
            raise VendorError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        writes.update(org, type_, id_, row, user)
        return id_

    return _each(org, await _records(request), one)


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST composite/sobjects`."""
    return _each(org, await _records(request), lambda type_, row: writes.create(org, type_, row, user))


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE composite/sobjects?ids=a,b`."""
    ids = request.query_params.get("ids", "").split(",")
    results = []
    for id_ in ids[:MOST]:
        name = next((n for n, t in org.tables.items() if id_ in t.rows), "Contact")
        results.append(_result(lambda name=name, id_=id_: writes.delete(org, name, id_, user) or id_, id_))  # type: ignore[misc,func-returns-value]  # a lambda with defaults
    return JSONResponse(results)


async def read(request: Request, org: Org, user: str) -> Response:
    """`POST composite/sobjects/{object}` with ids and fields: null for a row that is not there."""
    body = await request.json()
    table = table_of(org, request.path_params["object"])
    names = [field_of(org, table.object, n).name for n in body["fields"]]
    rows = [table.rows.get(i) for i in body["ids"]]
    return JSONResponse(
        [None if r is None or r["IsDeleted"] else {"Id": r["Id"]} | {n: r[n] for n in names} for r in rows]
    )


async def _records(request: Request) -> tuple[list[dict[str, Any]], bool]:
    body = await request.json()
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise VendorError("REQUIRED_FIELD_MISSING", "records is required")
    if len(records) > MOST:
        raise VendorError("EXCEEDED_MAX_SIZE_REQUEST", f"{len(records)} records exceed the limit of {MOST}")
    types = [r.get("attributes", {}).get("type") for r in records]
    if None in types:
        raise VendorError("INVALID_INPUT", "attributes.type is required for every record")
    chunks = 1 + sum(a != b for a, b in pairwise(types))
    if chunks > CHUNKS:
        raise VendorError("INVALID_INPUT", f"{chunks} chunks of types exceed the limit of {CHUNKS}")
    ids = [r.get("id") or r.get("Id") for r in records if r.get("id") or r.get("Id")]
    if len(set(ids)) != len(ids):
        raise VendorError("INVALID_INPUT", "duplicate id specified")
    return records, bool(body.get("allOrNone"))


def _each(org: Org, given: tuple[list[dict[str, Any]], bool], deed: Callable[[str, dict[str, Any]], str]) -> Response:
    records, all_or_none = given
    before = {n: deepcopy(t.rows) for n, t in org.tables.items()} if all_or_none else {}
    results = []
    for record in records:
        row = {k: v for k, v in record.items() if k != "attributes"}
        given_id = str(row.get("id") or row.get("Id") or "")
        results.append(_result(lambda r=record, row=row: deed(r["attributes"]["type"], row), given_id))  # type: ignore[misc]  # as above
    if all_or_none and not all(r["success"] for r in results):
        for name, rows in before.items():
            org.tables[name].rows = rows
        rolled = VendorError(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid"
        )
        results = [r if not r["success"] else {"success": False, "errors": [rolled.row()]} for r in results]
    return JSONResponse(results)


def _result(deed: Callable[[], str], id_: str) -> dict[str, Any]:
    try:
        return {"id": deed(), "success": True, "errors": []}
    except VendorError as error:
        return ({"id": id_} if id_ else {}) | {"success": False, "errors": [error.row()]}
