"""Bulk API 2.0 query jobs: created, polled, and read as CSV page by page with locators."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import field_of, run, table_of
from connector.emulators.salesforce.schema import Object
from connector.emulators.salesforce.soql import Query, parse
from connector.emulators.salesforce.times import rest, text_of

_AT_ONCE = 5_000


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST jobs/query`."""
    body = await request.json()
    if body.get("operation") not in ("query", "queryAll") or "query" not in body:
        raise VendorError("INVALIDJOB", "operation must be query or queryAll and a query is required")
    if (body.get("contentType", "CSV"), body.get("columnDelimiter", "COMMA")) != ("CSV", "COMMA"):
        raise VendorError("INVALIDJOB", "unsupported content type or delimiter")
    tree = parse(body["query"])
    if not tree.fields or tree.offset:
        raise VendorError("INVALIDJOB", "aggregate queries and OFFSET are not supported by the Bulk API")
    rows = run(org, tree, deleted=body["operation"] == "queryAll")
    job = {
        "id": org.new_id("750"),
        "operation": body["operation"],
        "object": table_of(org, tree.object).object.name,
        "createdById": user,
        "createdDate": rest(text_of(org.now())),
        "systemModstamp": rest(text_of(org.now())),
        "state": "UploadComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(request.path_params["version"]),
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    held = {"job": job, "tree": tree, "rows": rows, "ready": time.monotonic() + org.bulk_delay}
    request.app.state.jobs[job["id"]] = held
    return JSONResponse(job)


def _held(request: Request) -> dict[str, Any]:
    held: dict[str, Any] | None = request.app.state.jobs.get(request.path_params["job"])
    if held is None or "tree" not in held:
        raise VendorError("NOT_FOUND", "The requested resource does not exist")
    if time.monotonic() >= held["ready"] and held["job"]["state"] == "UploadComplete":
        held["job"]["state"] = "JobComplete"
    return held


async def state(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/query/{id}`."""
    held = _held(request)
    job = dict(held["job"])
    if job["state"] == "UploadComplete":
        job["state"] = "InProgress"
    done = len(held["rows"]) if job["state"] == "JobComplete" else 0
    extra = {"jobType": "V2Query", "numberRecordsProcessed": done, "retries": 0, "totalProcessingTime": 1}
    return JSONResponse(job | extra)


async def abort(request: Request, org: Org, user: str) -> Response:
    """`PATCH jobs/query/{id}` with state Aborted."""
    held = _held(request)
    if (await request.json()).get("state") != "Aborted":
        raise VendorError("INVALIDJOBSTATE", "only Aborted is allowed")
    held["job"]["state"] = "Aborted"
    return JSONResponse(held["job"])


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE jobs/query/{id}`."""
    _held(request)
    del request.app.state.jobs[request.path_params["job"]]
    return Response(status_code=204)


async def results(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/query/{id}/results`: each page repeats the header row; the last locator is the word null."""
    held = _held(request)
    if held["job"]["apiVersion"] != float(request.path_params["version"]):
        raise VendorError("CONFLICT", "results must be read with the API version of the job")
    if held["job"]["state"] != "JobComplete":
        raise VendorError("JOB_NOT_COMPLETE", "the job is not complete")
    rows = held["rows"]
    start = _locator(request.query_params.get("locator"), rows)
    size = min(int(request.query_params.get("maxRecords", org.bulk_page)), org.bulk_page)
    piece = rows[start : start + size]
    more = start + size < len(rows)
    headers = {"Sforce-NumberOfRecords": str(len(piece)), "Sforce-Locator": f"L{start + size}" if more else "null"}
    object_ = table_of(org, held["tree"].object).object
    body = _csv(org, object_, held["tree"], piece)
    return StreamingResponse(body, media_type="text/csv; charset=UTF-8", headers=headers)


def _locator(text: str | None, rows: list[Any]) -> int:
    if text is None:
        return 0
    if not (text.startswith("L") and text[1:].isdigit() and 0 < int(text[1:]) < len(rows)):
        raise VendorError("INVALID_QUERY_LOCATOR", "invalid locator")
    return int(text[1:])


def _csv(org: Org, object_: Object, tree: Query, rows: list[dict[str, Any]]) -> Iterator[bytes]:
    names = [field_of(org, object_, ".".join(path)).name for path in tree.fields]
    line = _line(object_, names)
    yield (",".join(f'"{n}"' for n in names) + "\n").encode()
    for start in range(0, len(rows), _AT_ONCE):
        yield "".join(map(line, rows[start : start + _AT_ONCE])).encode()


def _line(object_: Object, names: list[str]) -> Callable[[dict[str, Any]], str]:
    """One row as CSV: everything quoted, inner quotes doubled, null and empty both empty."""
    flags = [object_.fields[n].type == "boolean" for n in names]
    plan = list(zip(names, flags, strict=True))

    def line(row: dict[str, Any]) -> str:
        cells = []
        for name, flag in plan:
            value = row[name]
            if flag:
                cells.append('"true"' if value else '"false"')
            elif value is None:
                cells.append('""')
            elif '"' in value:
                cells.append('"' + value.replace('"', '""') + '"')
            else:
                cells.append('"' + value + '"')
        return ",".join(cells) + "\n"

    return line
