"""Bulk API 2.0 ingest jobs: opened, uploaded once, closed, worked through, and told row by row.

Bulk API 2.0 Developer Guide, "Bulk Ingest". A closed job is worked through when its delay is over, asked after or not.
"""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import bulk_rows
from connector.emulators.salesforce.access import field_of, may, table_of
from connector.emulators.salesforce.bodies import body_of
from connector.emulators.salesforce.bulk_jobs import (
    DELIMITERS,
    DONE,
    ENDINGS,
    Held,
    described,
    held_at,
    listed,
    same_version,
)
from connector.emulators.salesforce.errors import VendorError, not_found
from connector.emulators.salesforce.org import Org

_LARGEST = 150_000_000


@dataclass(kw_only=True)
class IngestJob(Held):
    """An ingest job, its data, and what became of each row."""

    org: Org
    user: str
    key: str = ""
    csv: bytes | None = None
    columns: list[str] = field(default_factory=list)
    ok: list[list[str]] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)
    left: list[list[str]] = field(default_factory=list)

    def work(self) -> None:
        """Works through the rows, unless the job was aborted."""
        if self.state == "UploadComplete":
            bulk_rows.work(self)


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST jobs/ingest`."""
    body = await body_of(request)
    operation = body.get("operation")
    if operation not in ("insert", "update", "upsert", "delete", "hardDelete"):
        raise VendorError("INVALIDJOB", f"unsupported operation: {operation}")
    name, key = _object(org, str(body.get("object", "")), operation, user), str(body.get("externalIdFieldName") or "")
    if operation == "hardDelete" and not may(org, user, "BulkApiHardDelete"):
        words = (
            "hardDelete operation requires special user profile permission, please contact your system administrator"
        )
        raise VendorError("FEATURENOTENABLED", words)
    if (operation == "upsert") is not bool(key):
        raise VendorError("INVALIDJOB", "externalIdFieldName is required for upsert, and for nothing else")
    if key and not field_of(org, org.tables[name].object, key, user).external and key.lower() != "id":
        raise VendorError("INVALIDJOB", f"{key} is not an external id")
    job = described(org, request, body, name, user) | {"state": "Open"}
    job["contentUrl"] = f"services/data/v{request.path_params['version']}/jobs/ingest/{job['id']}/batches"
    if key:
        job["externalIdFieldName"] = key
    request.app.state.jobs[job["id"]] = IngestJob(job=job, org=org, user=user, key=key)
    return JSONResponse(job)


def _object(org: Org, name: str, operation: str, user: str) -> str:
    """The object, if this user may do this to it by the Bulk API."""
    try:
        object_ = table_of(org, name, user).object
    except VendorError as error:
        raise VendorError("INVALIDENTITY", f"Unable to find object: {name}") from error
    allowed = object_.writable if operation == "update" else object_.createable
    if not object_.bulk or not allowed:
        raise VendorError("INVALIDENTITY", f"Entity '{object_.name}' is not supported by the Bulk API.")
    if not may(org, user, f"Edit {object_.name}"):
        raise VendorError("INSUFFICIENT_ACCESS", f"insufficient access rights on entity: {object_.name}")
    return object_.name


def _held(request: Request) -> IngestJob:
    held: IngestJob = held_at(request, IngestJob)
    return held


async def upload(request: Request, org: Org, user: str) -> Response:
    """`PUT jobs/ingest/{id}/batches`: once, as text/csv in UTF-8; 201 and no body."""
    held = _held(request)
    same_version(request, held)
    if held.state != "Open" or held.csv is not None:
        raise VendorError("INVALIDJOBSTATE", "data can be uploaded once, to an open job")
    if "text/csv" not in request.headers.get("content-type", ""):
        raise VendorError("INVALIDREQUEST", "Content-Type must be text/csv", status=415)
    raw = await request.body()
    if len(raw) > _LARGEST:
        raise VendorError("INVALIDREQUEST", "the data exceeds 150 MB")
    held.csv = raw
    return Response(status_code=201)


async def patch(request: Request, org: Org, user: str) -> Response:
    """`PATCH jobs/ingest/{id}`: UploadComplete or Aborted."""
    held = _held(request)
    wanted = (await body_of(request)).get("state")
    may_be = {"UploadComplete": ("Open",), "Aborted": ("Open", "UploadComplete")}.get(str(wanted), ())
    if held.state not in may_be:
        raise VendorError("INVALIDJOBSTATE", f"a job that is {held.state} cannot become {wanted}")
    held.job["state"] = wanted
    told = dict(held.job)
    if wanted == "UploadComplete":
        held.start(org.bulk_delay)
        if org.bulk_delay:
            asyncio.get_running_loop().call_later(org.bulk_delay, held.work)
        else:
            held.work()
    else:
        bulk_rows.leave_all(held)
    return JSONResponse(told)


async def state(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/ingest/{id}`."""
    held = _held(request)
    bad = len(held.bad)
    counts = {"numberRecordsProcessed": len(held.ok) + bad, "numberRecordsFailed": bad, "jobType": "V2Ingest"}
    return JSONResponse(held.shown() | counts | {"retries": 0, "totalProcessingTime": int(held.delay * 1000)})


async def every(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/ingest`."""
    return JSONResponse(listed(request, IngestJob))


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE jobs/ingest/{id}`: a job that is done."""
    held = _held(request)
    if held.state not in DONE:
        raise VendorError("INVALIDJOBSTATE", f"a job that is {held.state} cannot be deleted")
    del request.app.state.jobs[request.path_params["job"]]
    return Response(status_code=204)


async def results(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/ingest/{id}/successfulResults | failedResults | unprocessedrecords`; letter case does not matter."""
    held = _held(request)
    kind = request.path_params["results"].lower()
    told: dict[str, tuple[list[str], list[list[str]]]] = {
        "successfulresults": (["sf__Id", "sf__Created"], held.ok),
        "failedresults": (["sf__Id", "sf__Error"], held.bad),
        "unprocessedrecords": ([], held.left),
    }
    if kind not in told:
        raise not_found()
    same_version(request, held)
    if held.state not in DONE:
        raise VendorError("JOB_NOT_COMPLETE", "the job is not complete")
    extra, rows = told[kind]
    return Response(_csv(held, [[*extra, *held.columns], *rows]), media_type="text/csv; charset=UTF-8")


def _csv(held: IngestJob, rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    delimiter, ending = DELIMITERS[held.job["columnDelimiter"]], ENDINGS[held.job["lineEnding"]]
    csv.writer(out, quoting=csv.QUOTE_ALL, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return out.getvalue().encode()
