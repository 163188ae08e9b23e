"""Queries, describes, single rows and limits (REST API Developer Guide, resources)."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import field_of, getter, run, table_of
from connector.emulators.salesforce.schema import Object
from connector.emulators.salesforce.soql import Query, parse
from connector.emulators.salesforce.times import parsed, rest

PAGE = 2000


async def query(request: Request, org: Org, user: str) -> Response:
    """`GET query`: rows that are not deleted."""
    return _first(request, org, deleted=False)


async def query_all(request: Request, org: Org, user: str) -> Response:
    """`GET queryAll`: deleted and merged rows as well."""
    return _first(request, org, deleted=True)


def _first(request: Request, org: Org, *, deleted: bool) -> Response:
    soql = request.query_params.get("q")
    if soql is None:
        raise VendorError("MALFORMED_QUERY", "A query string has to be specified")
    tree = parse(soql)
    rows = run(org, tree, deleted=deleted)
    if not tree.fields:
        return JSONResponse({"totalSize": len(rows), "done": True, "records": []})
    made = [_record(org, tree, request.path_params["version"], r) for r in rows]
    return _page(request, made, 0, min(_batch_size(request), org.page), f"0r8{secrets.token_hex(8)[:15]}")


def _batch_size(request: Request) -> int:
    header = request.headers.get("sforce-query-options", "")
    name, _, number = header.partition("=")
    if name.strip().lower() == "batchsize" and number.strip().isdigit():
        return min(max(int(number), 200), PAGE)
    return PAGE


def _page(request: Request, rows: list[dict[str, Any]], start: int, size: int, locator: str) -> Response:
    body: dict[str, Any] = {"totalSize": len(rows), "done": start + size >= len(rows)}
    if not body["done"]:
        request.app.state.locators[locator] = (rows, size)
        kind = request.url.path.split("/")[4]
        version = request.path_params["version"]
        body["nextRecordsUrl"] = f"/services/data/v{version}/{kind}/{locator}-{start + size}"
    return JSONResponse(body | {"records": rows[start : start + size]})


async def more(request: Request, org: Org, user: str) -> Response:
    """A follow-up page by its locator."""
    locator, _, start = request.path_params["locator"].rpartition("-")
    found = request.app.state.locators.get(locator)
    if found is None or not start.isdigit():
        raise VendorError("INVALID_QUERY_LOCATOR", "invalid query locator")
    rows, size = found
    return _page(request, rows, int(start), size, locator)


def _record(org: Org, tree: Query, version: str, row: dict[str, Any]) -> dict[str, Any]:
    table = table_of(org, tree.object)
    url = f"/services/data/v{version}/sobjects/{table.object.name}/{row['Id']}"
    made: dict[str, Any] = {"attributes": {"type": table.object.name, "url": url}}
    for path in tree.fields:
        value = getter(org, table.object, path)(row)
        target = made
        for step in path[:-1]:
            target = target.setdefault(step, {"attributes": {"type": step}})
        if len(path) == 1:
            field = field_of(org, table.object, path[0])
            target[field.name] = rest(value) if field.type == "datetime" else value
        else:
            target[path[-1]] = value
    return made


async def global_describe(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects`."""
    rows = [
        {"name": t.object.name, "keyPrefix": t.object.prefix, "queryable": True, "updateable": t.object.writable}
        for t in org.tables.values()
    ]
    return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})


async def describe(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/describe`: what this user may see, and may write."""
    object_ = _object(org, request)
    fields = []
    for f in object_.fields.values():
        key = f"{object_.name}.{f.name}"
        if key not in org.hidden:
            fields.append(f.describe(updateable=f.writable and object_.writable and key not in org.readonly))
    body = {
        "name": object_.name,
        "custom": object_.custom,
        "keyPrefix": object_.prefix,
        "queryable": True,
        "createable": object_.createable,
        "updateable": object_.writable,
        "replicateable": True,
        "fields": fields,
        "recordTypeInfos": [],
        "childRelationships": [],
    }
    return JSONResponse(body)


def _object(org: Org, request: Request) -> Object:
    try:
        return table_of(org, request.path_params["object"]).object
    except VendorError as error:
        raise VendorError("NOT_FOUND", "The requested resource does not exist") from error


async def read(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/{id}`."""
    object_ = _object(org, request)
    row = org.rows(object_.name).get(request.path_params["id"])
    if row is None or row["IsDeleted"]:
        raise VendorError("NOT_FOUND", "Provided external ID field does not exist or is not accessible")
    shown = [n for n in object_.fields if f"{object_.name}.{n}" not in org.hidden]
    wanted = request.query_params.get("fields")
    names = [field_of(org, object_, n).name for n in wanted.split(",")] if wanted else shown
    values = {n: rest(row[n]) if object_.fields[n].type == "datetime" else row[n] for n in names}
    return JSONResponse({"attributes": {"type": object_.name}} | values)


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST sobjects/{object}`."""
    values = await request.json()
    values.pop("attributes", None)
    made = writes.create(org, _object(org, request).name, values, user)
    return JSONResponse({"id": made, "success": True, "errors": []}, status_code=201)


async def update(request: Request, org: Org, user: str) -> Response:
    """`PATCH sobjects/{object}/{id}`: 204 and no body."""
    object_ = _object(org, request)
    if request.path_params["id"] not in org.rows(object_.name):
        raise VendorError("NOT_FOUND", "Provided external ID field does not exist or is not accessible")
    writes.update(org, object_.name, request.path_params["id"], await request.json(), user)
    return Response(status_code=204)


async def upsert(request: Request, org: Org, user: str) -> Response:
    """`PATCH sobjects/{object}/{ExtField}/{value}`: 201 created, 200 updated, 300 for two or more matches."""
    object_ = _object(org, request)
    field = field_of(org, object_, request.path_params["field"])
    if not field.external:
        raise VendorError("NOT_FOUND", "Provided external ID field does not exist or is not accessible")
    value = request.path_params["value"]
    found = [r["Id"] for r in org.rows(object_.name).values() if r[field.name] == value and not r["IsDeleted"]]
    values = await request.json()
    if len(found) > 1:
        version = request.path_params["version"]
        urls = [f"/services/data/v{version}/sobjects/{object_.name}/{i}" for i in found]
        return JSONResponse(urls, status_code=300)
    if found:
        writes.update(org, object_.name, found[0], values, user)
        return JSONResponse({"id": found[0], "success": True, "errors": [], "created": False})
    made = writes.create(org, object_.name, values | {field.name: value}, user)
    return JSONResponse({"id": made, "success": True, "errors": [], "created": True}, status_code=201)


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE sobjects/{object}/{id}`."""
    writes.delete(org, _object(org, request).name, request.path_params["id"], user)
    return Response(status_code=204)


def _window(request: Request) -> tuple[str, str]:
    start, end = (parsed(request.query_params[name].replace(" ", "+")) for name in ("start", "end"))
    if start >= end:
        raise VendorError("INVALID_REPLICATION_DATE", "startDate should be before endDate")
    return start, end


async def updated(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/updated`."""
    low, high = _window(request)
    table = table_of(org, _object(org, request).name)
    ids = sorted(r["Id"] for r in table.between(low, high) if not r["IsDeleted"])
    if len(ids) > 600_000:
        raise VendorError("EXCEEDED_ID_LIMIT", "too many ids")
    return JSONResponse({"ids": ids, "latestDateCovered": rest(high)})


async def deleted(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/deleted`."""
    low, high = _window(request)
    table = table_of(org, _object(org, request).name)
    gone = [r for r in table.between(low, high) if r["IsDeleted"]]
    rows = [{"id": r["Id"], "deletedDate": rest(r["SystemModstamp"])} for r in gone]
    body = {"deletedRecords": rows, "earliestDateAvailable": rest(low), "latestDateCovered": rest(high)}
    return JSONResponse(body)


async def limits(request: Request, org: Org, user: str) -> Response:
    """`GET limits`."""
    left = {"Max": org.limit, "Remaining": max(org.limit - org.used, 0)}
    jobs = {"Max": 10_000, "Remaining": 10_000}
    return JSONResponse({"DailyApiRequests": left, "DailyBulkV2QueryJobs": jobs})


async def tooling_query(request: Request, org: Org, user: str) -> Response:
    """`GET tooling/query` over FieldDefinition alone: whether a field's history is tracked."""
    tree = parse(request.query_params["q"])
    if tree.object != "FieldDefinition":
        raise VendorError("INVALID_TYPE", f"sObject type '{tree.object}' is not supported.")
    wanted = {p.field[-1]: p.value for p in getattr(tree.where, "parts", ())}
    name = str(wanted.get("EntityDefinition.QualifiedApiName") or wanted.get("QualifiedApiName"))
    entity = str(wanted.get("EntityDefinitionId", ""))
    object_ = org.tables[entity].object if entity in org.tables else None
    if object_ is None or name not in object_.fields:
        return JSONResponse({"totalSize": 0, "done": True, "records": []})
    row = {"QualifiedApiName": name, "IsFieldHistoryTracked": f"{entity}.{name}" in org.tracked}
    return JSONResponse({"totalSize": 1, "done": True, "records": [{"attributes": {"type": "FieldDefinition"}} | row]})
