"""Bulk API 2.0 query jobs: created, polled, and read as CSV page by page with locators.

Bulk API 2.0 Developer Guide, "Query". What a job found is what the rows were when it was created.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from connector.emulators.salesforce.bodies import body_of
from connector.emulators.salesforce.bulk_jobs import DELIMITERS, ENDINGS, Held, described, held_at, listed, same_version
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import Answer, run
from connector.emulators.salesforce.render import csv_chunks
from connector.emulators.salesforce.soql import parse


@dataclass(kw_only=True)
class QueryJob(Held):
    """A query job and what it found."""

    answer: Answer


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST jobs/query`."""
    body = await body_of(request)
    if body.get("operation") not in ("query", "queryAll") or not isinstance(body.get("query"), str):
        raise VendorError("INVALIDJOB", "operation must be query or queryAll and a query is required")
    tree = parse(body["query"])
    if not tree.fields or tree.offset:
        raise VendorError("INVALIDJOB", "aggregate queries and OFFSET are not supported by the Bulk API")
    answer = run(org, tree, user, deleted=body["operation"] == "queryAll")
    object_ = answer.table.object
    if not object_.bulk:
        raise VendorError("INVALIDENTITY", f"Entity '{object_.name}' is not supported by the Bulk API.")
    if compound := [c.name for c in answer.columns if c.field.type in ("address", "base64")]:
        raise VendorError("INVALID_FIELD", f"Selecting compound data not supported in Bulk Query: {compound[0]}")
    held = QueryJob(job=described(org, request, body, object_.name, user), answer=answer)
    held.start(org.bulk_delay)
    request.app.state.jobs[held.job["id"]] = held
    return JSONResponse(held.job)


def _held(request: Request) -> QueryJob:
    held: QueryJob = held_at(request, QueryJob)
    if held.state == "UploadComplete" and time.monotonic() >= held.ready:
        held.job["state"] = "JobComplete"
    return held


async def state(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/query/{id}`."""
    held = _held(request)
    done = len(held.answer.rows) if held.state == "JobComplete" else 0
    extra = {"jobType": "V2Query", "numberRecordsProcessed": done, "retries": 0, "isPkChunkingSupported": True}
    return JSONResponse(held.shown() | extra | {"totalProcessingTime": int(held.delay * 1000)})


async def every(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/query`."""
    return JSONResponse(listed(request, QueryJob))


async def abort(request: Request, org: Org, user: str) -> Response:
    """`PATCH jobs/query/{id}` with state Aborted."""
    held = _held(request)
    if (await body_of(request)).get("state") != "Aborted":
        raise VendorError("INVALIDJOBSTATE", "only Aborted is allowed")
    if held.state != "UploadComplete":
        raise VendorError("INVALIDJOBSTATE", f"a job that is {held.state} cannot be aborted")
    held.job["state"] = "Aborted"
    return JSONResponse(held.job)


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE jobs/query/{id}`."""
    held = _held(request)
    if held.state == "UploadComplete":
        raise VendorError("INVALIDJOBSTATE", "a job that runs cannot be deleted")
    del request.app.state.jobs[request.path_params["job"]]
    return Response(status_code=204)


async def results(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/query/{id}/results`: each page repeats the header row; the last locator is the word null."""
    held = _held(request)
    same_version(request, held)
    if held.state == "UploadComplete":
        raise VendorError("JOB_NOT_COMPLETE", "the job is not complete")
    if held.state != "JobComplete":
        raise VendorError("INVALIDJOBSTATE", f"a job that is {held.state} has no results")
    rows = held.answer.rows
    start = _locator(request.query_params.get("locator"), len(rows))
    end = start + _size(request, org)
    piece = rows[start:end]
    locator = f"L{end}" if end < len(rows) else "null"
    headers = {"Sforce-NumberOfRecords": str(len(piece)), "Sforce-Locator": locator}
    delimiter, ending = DELIMITERS[held.job["columnDelimiter"]], ENDINGS[held.job["lineEnding"]]

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in csv_chunks(held.answer, piece, delimiter=delimiter, ending=ending):
            yield chunk

    return StreamingResponse(chunks(), media_type="text/csv; charset=UTF-8", headers=headers)


def _locator(text: str | None, rows: int) -> int:
    if text is None:
        return 0
    if not (text.startswith("L") and text[1:].isdigit() and 0 < int(text[1:]) < rows):
        raise VendorError("INVALID_QUERY_LOCATOR", "invalid locator")
    return int(text[1:])


def _size(request: Request, org: Org) -> int:
    wanted = request.query_params.get("maxRecords", str(org.bulk_page))
    if not wanted.isdigit() or int(wanted) == 0:
        raise VendorError("INVALIDREQUEST", f"maxRecords must be a positive number: {wanted}")
    return min(int(wanted), org.bulk_page)
