"""sObject Collections: up to 200 rows in one call, each with its own result (REST API, composite/sobjects)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.access import field_of
from connector.emulators.salesforce.bodies import body_of
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.ids import long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.single import allows_duplicates, put_by_key, shown, table_at

MOST = 200
MOST_READ = 2_000
CHUNKS = 10


async def update(request: Request, org: Org, user: str) -> Response:
    """`PATCH composite/sobjects`."""

    def one(record: dict[str, Any]) -> dict[str, Any]:
        id_ = _id(record)
        if not id_:
            raise VendorError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        return {"id": writes.update(org, _type(record), id_, _values(record), user)}

    return _each(org, await _records(request), one, _id)


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST composite/sobjects`."""
    allow = allows_duplicates(request)

    def one(record: dict[str, Any]) -> dict[str, Any]:
        if _id(record):
            raise VendorError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
        return {"id": writes.create(org, _type(record), _values(record), user, allow_duplicate=allow)}

    return _each(org, await _records(request), one, lambda _: "")


async def upsert(request: Request, org: Org, user: str) -> Response:
    """`PATCH composite/sobjects/{object}/{ExtField}`: `created` in every row's result."""
    table, name = table_at(org, request, user), request.path_params["field"]

    def one(record: dict[str, Any]) -> dict[str, Any]:
        if _type(record).lower() != table.object.name.lower():
            raise VendorError("INVALID_INPUT", f"all records must be of type {table.object.name}")
        values = _values(record) | ({"Id": _id(record)} if name.lower() == "id" else {})
        key = next((given for given in values if given.lower() == name.lower()), "")
        if not values.get(key):
            raise VendorError("MISSING_ARGUMENT", f"{name} not specified", (name,))
        made, created = put_by_key(org, table, (name, str(values.pop(key))), values, user)
        return {"id": made, "created": created}

    return _each(org, await _records(request), one, lambda _: "")


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE composite/sobjects?ids=a,b&allOrNone=false`."""
    ids = [i for i in request.query_params.get("ids", "").split(",") if i]
    if not 0 < len(ids) <= MOST:
        raise VendorError("INVALID_INPUT", f"ids must name 1 to {MOST} records")
    prefixes = {t.object.prefix: n for n, t in reversed(org.tables.items())}

    def one(record: dict[str, Any]) -> dict[str, Any]:
        if record["id"][:3] not in prefixes:
            raise VendorError("MALFORMED_ID", f"malformed id {record['id']}")
        return {"id": writes.delete(org, prefixes[record["id"][:3]], record["id"], user)}

    all_or_none = request.query_params.get("allOrNone", "false").lower() == "true"
    return _each(org, ([{"id": i} for i in ids], all_or_none), one, _id)


async def read(request: Request, org: Org, user: str) -> Response:
    """`POST composite/sobjects/{object}` with ids and fields, or GET with both in the query: null for a missing row."""
    table, query = table_at(org, request, user), request.query_params
    body: dict[str, Any] = {"ids": query.get("ids", "").split(","), "fields": query.get("fields", "").split(",")}
    if request.method == "POST":
        body = await body_of(request)
    ids, fields = body.get("ids"), body.get("fields")
    most = MOST_READ if request.method == "POST" else 800
    if not isinstance(ids, list) or not isinstance(fields, list) or not all(fields) or not 0 < len(ids) <= most:
        raise VendorError("INVALID_INPUT", f"1 to {most} ids and at least one field are required")
    names = list(dict.fromkeys(["Id", *(field_of(org, table.object, n, user).name for n in fields)]))
    version, made = request.path_params["version"], list[dict[str, Any] | None]()
    for id_ in ids:
        cells = table.cells.get(long_id(str(id_)))
        gone = cells is None or cells[table.deleted]
        made.append(None if cells is None or gone else shown(org, table, cells, names, version, user))
    return JSONResponse(made)


# -- records and results -------------------------------------------------------------------------------------------
def _type(record: dict[str, Any]) -> str:
    return str(record["attributes"]["type"])


def _id(record: dict[str, Any]) -> str:
    return str(record.get("id") or record.get("Id") or "")


def _values(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k not in ("attributes", "id", "Id")}


async def _records(request: Request) -> tuple[list[dict[str, Any]], bool]:
    body = await body_of(request)
    records = body.get("records")
    if not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
        raise VendorError("REQUIRED_FIELD_MISSING", "records is required")
    if len(records) > MOST:
        raise VendorError("EXCEEDED_MAX_SIZE_REQUEST", f"{len(records)} records exceed the limit of {MOST}")
    types = [r["attributes"].get("type") if isinstance(r.get("attributes"), dict) else None for r in records]
    if None in types:
        raise VendorError("INVALID_INPUT", "attributes.type is required for every record")
    chunks = 1 + sum(a != b for a, b in pairwise(types))
    if chunks > CHUNKS:
        raise VendorError("INVALID_INPUT", f"{chunks} chunks of types exceed the limit of {CHUNKS}")
    ids = [long_id(_id(r)) for r in records if _id(r)]
    if len(set(ids)) != len(ids):
        raise VendorError("INVALID_INPUT", "duplicate id specified")
    return records, bool(body.get("allOrNone"))


def _each(
    org: Org,
    given: tuple[list[dict[str, Any]], bool],
    deed: Callable[[dict[str, Any]], dict[str, Any]],
    named: Callable[[dict[str, Any]], str],
) -> Response:
    records, all_or_none = given
    if not all_or_none:
        return JSONResponse([_result(deed, record, named(record)) for record in records])
    with org.transaction() as failed:
        results = [_result(deed, record, named(record)) for record in records]
        failed.extend(True for r in results if not r["success"])
    if failed:
        words = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        rolled = VendorError("ALL_OR_NONE_OPERATION_ROLLED_BACK", words).row()
        ids = [{"id": named(record)} if named(record) else {} for record in records]
        results = [
            id_ | {"success": False, "errors": [rolled]} if r["success"] else r
            for id_, r in zip(ids, results, strict=True)
        ]
    return JSONResponse(results)


def _result(deed: Callable[[dict[str, Any]], dict[str, Any]], record: dict[str, Any], id_: str) -> dict[str, Any]:
    try:
        return deed(record) | {"success": True, "errors": []}
    except VendorError as error:
        return ({"id": id_} if id_ else {}) | {"success": False, "errors": [error.row()]}
