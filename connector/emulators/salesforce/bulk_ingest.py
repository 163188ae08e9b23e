"""Bulk API 2.0 ingest jobs: opened, uploaded once, closed, worked through, and told row by row."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import table_of
from connector.emulators.salesforce.times import rest, text_of

_OPERATIONS = ("insert", "update", "delete")
_LARGEST = 150_000_000


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST jobs/ingest`."""
    body = await request.json()
    if body.get("operation") not in _OPERATIONS or body.get("contentType", "CSV") != "CSV":
        raise VendorError("INVALIDJOB", "unsupported operation or content type")
    object_ = table_of(org, body.get("object", "")).object
    if not object_.createable:
        raise VendorError("INVALIDENTITY", f"Entity '{object_.name}' is not supported by the Bulk API.")
    job = {
        "id": org.new_id("750"),
        "operation": body["operation"],
        "object": object_.name,
        "createdById": user,
        "createdDate": rest(text_of(org.now())),
        "state": "Open",
        "contentType": "CSV",
        "apiVersion": float(request.path_params["version"]),
        "lineEnding": body.get("lineEnding", "LF"),
        "columnDelimiter": body.get("columnDelimiter", "COMMA"),
    }
    job["contentUrl"] = f"services/data/v{request.path_params['version']}/jobs/ingest/{job['id']}/batches"
    request.app.state.jobs[job["id"]] = {"job": job, "csv": None, "user": user, "ok": [], "bad": [], "ready": 0.0}
    return JSONResponse(job)


def _held(request: Request, org: Org) -> dict[str, Any]:
    held: dict[str, Any] | None = request.app.state.jobs.get(request.path_params["job"])
    if held is None or "csv" not in held:
        raise VendorError("NOT_FOUND", "The requested resource does not exist")
    waiting = held["job"]["state"] == "UploadComplete"
    if waiting and time.monotonic() >= held["ready"]:
        _work(org, held)
    return held


async def upload(request: Request, org: Org, user: str) -> Response:
    """`PUT jobs/ingest/{id}/batches`: once, as text/csv in UTF-8; 201 and no body."""
    held = _held(request, org)
    if held["job"]["state"] != "Open" or held["csv"] is not None:
        raise VendorError("INVALIDJOBSTATE", "data can be uploaded once, to an open job")
    if "text/csv" not in request.headers.get("content-type", ""):
        raise VendorError("INVALIDREQUEST", "Content-Type must be text/csv", status=415)
    raw = await request.body()
    if len(raw) > _LARGEST:
        raise VendorError("INVALIDREQUEST", "the data exceeds 150 MB")
    held["csv"] = raw
    return Response(status_code=201)


async def patch(request: Request, org: Org, user: str) -> Response:
    """`PATCH jobs/ingest/{id}`: UploadComplete or Aborted."""
    held = _held(request, org)
    wanted = (await request.json()).get("state")
    if wanted not in ("UploadComplete", "Aborted") or held["job"]["state"] not in ("Open", "UploadComplete"):
        raise VendorError("INVALIDJOBSTATE", f"a job cannot become {wanted} now")
    held["job"]["state"] = wanted
    held["ready"] = time.monotonic() + org.bulk_delay
    return JSONResponse(held["job"])


async def state(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/ingest/{id}`."""
    held = _held(request, org)
    job, bad = held["job"], len(held["bad"])
    counts = {"numberRecordsProcessed": len(held["ok"]) + bad, "numberRecordsFailed": bad, "jobType": "V2Ingest"}
    shown = "InProgress" if job["state"] == "UploadComplete" else job["state"]
    return JSONResponse(job | counts | {"state": shown})


def _work(org: Org, held: dict[str, Any]) -> None:
    job = held["job"]
    try:
        reader = csv.DictReader(io.StringIO((held["csv"] or b"").decode("utf-8"), newline=""))
        rows = list(reader)
    except UnicodeDecodeError:
        job.update(state="Failed", errorMessage="InvalidBatch : the data is not UTF-8")
        return
    held["columns"] = list(reader.fieldnames or ())
    for row in rows:
        values = {k: None if v == "#N/A" else v for k, v in row.items() if k and v != ""}
        id_ = next((values.pop(k) for k in list(values) if k.lower() == "id"), "") or ""
        try:
            made = _one(org, job, str(id_), values, held["user"])
            held["ok"].append({"sf__Id": made, "sf__Created": str(job["operation"] == "insert").lower()} | row)
        except VendorError as error:
            held["bad"].append({"sf__Id": id_, "sf__Error": f"{error.code}:{error.message}:--"} | row)
    job["state"] = "JobComplete"


def _one(org: Org, job: dict[str, Any], id_: str, values: dict[str, Any], user: str) -> str:
    if job["operation"] == "insert":
        return writes.create(org, job["object"], values, user)
    if not id_:
        raise VendorError("MISSING_ARGUMENT", "Id not specified")
    if job["operation"] == "delete":
        writes.delete(org, job["object"], id_, user)
    else:
        writes.update(org, job["object"], id_, values, user)
    return id_


async def results(request: Request, org: Org, user: str) -> Response:
    """`GET jobs/ingest/{id}/successfulResults | failedResults | unprocessedrecords`; letter case does not matter."""
    held = _held(request, org)
    kind = request.path_params["results"].lower()
    if kind not in ("successfulresults", "failedresults", "unprocessedrecords"):
        raise VendorError("NOT_FOUND", "The requested resource does not exist")
    if held["job"]["state"] not in ("JobComplete", "Failed", "Aborted"):
        raise VendorError("JOB_NOT_COMPLETE", "the job is not complete")
    columns = held.get("columns", [])
    rows: list[dict[str, Any]] = {"successfulresults": held["ok"], "failedresults": held["bad"]}.get(kind, [])
    extra = {"successfulresults": ["sf__Id", "sf__Created"], "failedresults": ["sf__Id", "sf__Error"]}.get(kind, [])
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*extra, *columns], quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Response(out.getvalue().encode(), media_type="text/csv; charset=UTF-8")
