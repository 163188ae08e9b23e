"""Bulk API 2.0: query jobs read as a stream, ingest jobs whose every row is accounted for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import requests
import urllib3

from connector.adapters.crm.salesforce.api import Api
from connector.core.errors import ConflictError, TransientError

ROWS_A_PAGE = 100_000
ROWS_A_PIECE = 10_000
FIRST_POLL, LONGEST_POLL = 0.1, 0.9
"""Seconds between polls: a finished job is noticed within a second."""

PATIENCE = 4 * 3600.0
"""Seconds after which a job that does not end is given up."""


class Job(msgspec.Struct):
    """The part of a job's state that we read."""

    id: str
    state: str
    numberRecordsProcessed: int = 0  # noqa: N815  # the vendor's name
    numberRecordsFailed: int = 0  # noqa: N815  # as above
    errorMessage: str = ""  # noqa: N815  # as above


def start_query(api: Api, soql: str) -> str:
    """A new query job over all rows, deleted ones too; its id."""
    body = {
        "operation": "queryAll",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    response = api.call("POST", "jobs/query", action="start a bulk query", json=body)
    return str(api.wire.json(response, Job, "start a bulk query").id)


def wait(api: Api, path: str, action: str) -> Job:
    """The job once it ended well. Raises: `TransientError` for one that failed or was aborted."""
    pause, began = FIRST_POLL, api.wire.clock.monotonic()
    while True:
        job: Job = api.wire.json(api.call("GET", path, action=action), Job, action)
        if job.state == "JobComplete":
            return job
        if job.state in ("Failed", "Aborted") or api.wire.clock.monotonic() - began > PATIENCE:
            raise TransientError(
                f"Salesforce's job {job.id} ended as {job.state}: {job.errorMessage or 'no reason given'}. "
                "The next run starts a new one.",
                vendor="Salesforce",
                action=action,
            )
        api.wire.clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)


def query_pages(api: Api, job: str, columns: int, locator: str) -> Iterator[tuple[list[list[str]], str]]:
    """Pieces of at most 10,000 rows, each with the locator of the page it came from; values are text.

    Raises: `TransientError` where a page holds other rows than its header says, or the job other than it counted.
    """
    path, action = f"jobs/query/{job}", "read a bulk query"
    expected = wait(api, path, action).numberRecordsProcessed
    whole, seen = not locator, 0
    while True:
        params: dict[str, Any] = {"maxRecords": ROWS_A_PAGE}
        if locator:
            params["locator"] = locator
        headers = {"Accept": "text/csv"}
        response = api.call("GET", f"{path}/results", action=action, params=params, headers=headers, stream=True)
        for piece in _pieces(api, response, columns, action):
            seen += len(piece)
            yield piece, locator
        locator = response.headers.get("Sforce-Locator", "")
        if locator == "null":
            break
        if not locator:
            raise api.wire.garbled(action, "a page without its locator")
    if whole and seen != expected:
        raise api.wire.garbled(action, f"{seen} rows came of {expected}")


def _pieces(api: Api, response: requests.Response, columns: int, action: str) -> Iterator[list[list[str]]]:
    announced = response.headers.get("Sforce-NumberOfRecords", "")
    if not announced.isdigit() or "text/csv" not in response.headers.get("Content-Type", ""):
        response.close()
        raise api.wire.garbled(action, "no CSV of a bulk job")
    count = 0
    try:
        response.raw.decode_content = True
        # else urllib3 closes itself at the end of the body, under the reader's feet
        response.raw.auto_close = False
        text = io.TextIOWrapper(io.BufferedReader(response.raw, 1 << 17), encoding="utf-8", newline="")
        rows = csv.reader(text, strict=True)
        next(rows, None)
        piece: list[list[str]] = []
        for row in rows:
            if len(row) != columns:
                raise api.wire.garbled(action, f"{len(row)} cells where {columns} were asked for")
            piece.append(row)
            if len(piece) >= ROWS_A_PIECE:
                count += len(piece)
                yield piece
                piece = []
        count += len(piece)
        if piece:
            yield piece
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise api.wire.unreachable(error, action) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise api.wire.garbled(action, str(error)) from error
    finally:
        response.close()
    if count != int(announced):
        raise api.wire.garbled(action, f"{count} rows in a page of {announced}")


def ingest(
    api: Api, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, repeat: bool
) -> dict[str, str]:
    """Updates rows by id (the first column); the errors by id, as `CODE:words`. An unprocessed row is `LATER:`.

    A block may be sent in a second job where the first one's fate is unknown; a lift may not.
    """
    action = f"bulk update of {name}"
    data = _csv(columns, rows)
    body = {"object": name, "operation": "update", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}
    job = api.wire.json(api.call("POST", "jobs/ingest", action=action, json=body), Job, action).id
    headers = {"Content-Type": "text/csv; charset=UTF-8"}
    _tolerant(api, "PUT", f"jobs/ingest/{job}/batches", action, (201,), data=data, headers=headers)
    _tolerant(api, "PATCH", f"jobs/ingest/{job}", action, (200,), json={"state": "UploadComplete"})
    done = wait(api, f"jobs/ingest/{job}", action)
    errors: dict[str, str] = {}
    if done.numberRecordsFailed:
        errors |= {row["sf__Id"] or row["Id"]: row["sf__Error"] for row in _results(api, job, "failedResults", action)}
    if done.numberRecordsProcessed != len(rows):
        errors |= {row["Id"]: "LATER:not processed" for row in _results(api, job, "unprocessedrecords", action)}
    if len(errors) < done.numberRecordsFailed + (len(rows) - done.numberRecordsProcessed):
        raise api.wire.garbled(action, "fewer failed rows than were counted")
    return errors


def _tolerant(api: Api, method: str, path: str, action: str, ok: tuple[int, ...], **request: Any) -> None:
    """A step of our own job: said twice after a cut, the second time is told that it was done already."""
    try:
        api.call(method, path, action=action, ok=ok, **request)
    except ConflictError:
        job: Job = api.wire.json(api.call("GET", path.removesuffix("/batches"), action=action), Job, action)
        if job.state in ("Failed", "Aborted"):
            raise


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    words = {True: "true", False: "false", None: "#N/A", "": "#N/A"}
    writer.writerows([words[v] if v in words else v for v in row] for row in rows)
    return out.getvalue().encode()


def _results(api: Api, job: str, kind: str, action: str) -> list[dict[str, str]]:
    response = api.call("GET", f"jobs/ingest/{job}/{kind}", action=action)
    if "text/csv" not in response.headers.get("Content-Type", ""):
        raise api.wire.garbled(action, "no CSV of a bulk job")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8"), newline="")))
