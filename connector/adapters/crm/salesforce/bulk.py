"""Bulk API 2.0: query jobs read as a stream, ingest jobs whose every row is accounted for.

Bulk API 2.0 and Bulk API Developer Guide, "Query" and "Ingest". Bytes are decoded here, as UTF-8: simple-salesforce
loses newlines inside of values, and takes an answer without charset for Latin-1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import requests
import urllib3

from connector.adapters._http import redacted
from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import call_family
from connector.core.errors import ConfigError, ConflictError, TransientError

ROWS_A_PAGE = 100_000
ROWS_A_PIECE = 10_000
ROWS_A_JOB = 100_000
"""Rows in one ingest job: far below the 150 MB that one may hold."""

NO_FIELD = "Field name not found"
"""What a job says that failed for one of its columns."""

PAGE_TRIES = 3
FIRST_POLL, LONGEST_POLL, LATE_POLL = 0.1, 0.9, 10.0
"""Seconds between polls: a finished job is noticed within a second; one that runs for long is asked more seldom."""

LONG = 600.0
"""Seconds after which a job runs for long."""

PATIENCE = 4 * 3600.0
"""Seconds after which a job that does not end is left for the next run."""


class Job(msgspec.Struct):
    """The part of a job's state that we read."""

    id: str
    state: str
    numberRecordsProcessed: int = 0  # noqa: N815  # the vendor's name
    numberRecordsFailed: int = 0  # noqa: N815  # as above
    errorMessage: str | None = None  # noqa: N815  # as above

    @property
    def ended(self) -> bool:
        return self.state in ("JobComplete", "Failed", "Aborted")

    @property
    def words(self) -> str:
        """Why it failed, without addresses."""
        return redacted(self.errorMessage or "no reason given")


def start_query(api: Api, soql: str) -> str:
    """A new query job over all rows, deleted ones too; its id."""
    body = {
        "operation": "queryAll",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    job: Job = api.call("POST", "jobs/query", Job, action="start a bulk query", json=body)
    return job.id


def wait(api: Api, path: str, action: str) -> Job:
    """The job once it ended, well or not. Raises: `TransientError` for one that does not end."""
    pause, began = FIRST_POLL, api.wire.clock.monotonic()
    while True:
        job: Job = api.call("GET", path, Job, action=action, place=True)
        if job.ended:
            return job
        waited = api.wire.clock.monotonic() - began
        if waited > PATIENCE:
            raise TransientError(
                f"Salesforce's job {job.id} has not ended after {waited / 3600:.0f} hours; the next run looks again.",
                vendor="Salesforce",
                action=action,
            )
        api.wire.clock.sleep(pause)
        pause = min(pause * 1.5, LATE_POLL if waited > LONG else LONGEST_POLL)


class QueryRead:
    """One finished query job, read page by page. `locator` and `seen` say where a page begins."""

    def __init__(self, api: Api, job: str, columns: Sequence[str], *, locator: str = "", seen: int = 0) -> None:
        self._api, self._job = api, job
        self._columns = [c.lower() for c in columns]
        self.locator, self.seen, self._following = locator, seen, ""

    def pieces(self) -> Iterator[list[list[str]]]:
        """At most 10,000 rows at a time, values as text. While one is held, `locator` is that of its own page.

        Raises: `ConflictError` for a job that is gone or failed, `ConfigError` for one that asked for what the user may
        not see, `TransientError` where a page holds other rows than its header says, or the job other than it counted.
        """
        action = "read a bulk query"
        job = wait(self._api, f"jobs/query/{self._job}", action)
        if job.state != "JobComplete":
            code = (job.errorMessage or "").partition(":")[0].strip()
            if call_family(code, 400, place=False, row=False) is ConfigError:
                raise ConfigError(f"Salesforce refuses the bulk query: {job.words}", vendor="Salesforce", action=action)
            said = f"Salesforce's job {self._job} ended as {job.state}: {job.words}. It is started anew."
            raise ConflictError(said, vendor="Salesforce", action=action)
        while True:
            count = 0
            for piece in self._page(action):
                count += len(piece)
                yield piece
            self.seen += count
            if self._following == "null":
                break
            self.locator = self._following
        if self.seen != job.numberRecordsProcessed:
            raise self._api.wire.garbled(action, f"{self.seen} rows came of {job.numberRecordsProcessed}")

    def _page(self, action: str) -> Iterator[list[list[str]]]:
        """One page's pieces. Where it is cut it is read again, without what was given already: a locator is stable."""
        given = 0
        for attempt in range(1, PAGE_TRIES + 1):
            try:
                response = self._open(action)
                skip = given
                for piece in self._rows(response, action):
                    fresh, skip = piece[skip:], max(0, skip - len(piece))
                    given += len(fresh)
                    yield fresh
                return
            except TransientError:
                if attempt == PAGE_TRIES:
                    raise
                self._api.wire.clock.sleep(attempt)

    def _open(self, action: str) -> requests.Response:
        params: dict[str, Any] = {"maxRecords": ROWS_A_PAGE}
        if self.locator:
            params["locator"] = self.locator
        response: requests.Response = self._api.call(
            "GET",
            f"jobs/query/{self._job}/results",
            action=action,
            place=True,
            params=params,
            headers={"Accept": "text/csv"},
            stream=True,
        )
        told = response.headers
        if not told.get("Sforce-NumberOfRecords", "").isdigit() or not told.get("Sforce-Locator"):
            response.close()
            raise self._api.wire.garbled(action, "no page of a bulk job")
        if "text/csv" not in told.get("Content-Type", ""):
            response.close()
            raise self._api.wire.garbled(action, "no CSV of a bulk job")
        self._following = told["Sforce-Locator"]
        return response

    def _rows(self, response: requests.Response, action: str) -> Iterator[list[list[str]]]:
        """The rows of one page, as many as its header says; nothing is yielded of the last piece until that is sure."""
        wire, count, piece = self._api.wire, 0, list[list[str]]()
        announced, width = int(response.headers["Sforce-NumberOfRecords"]), len(self._columns)
        try:
            response.raw.decode_content = True
            # else urllib3 closes itself at the end of the body, under the reader's feet
            response.raw.auto_close = False
            text = io.TextIOWrapper(io.BufferedReader(response.raw, 1 << 17), encoding="utf-8", newline="")
            rows = csv.reader(text, strict=True)
            names = next(rows, [])
            if [n.lower() for n in names] != self._columns and (names or announced):
                raise wire.garbled(action, f"the columns {names} where {self._columns} were asked for")
            for row in rows:
                if len(row) != width:
                    raise wire.garbled(action, f"{len(row)} cells where {width} were asked for")
                piece.append(row)
                if len(piece) >= ROWS_A_PIECE:
                    count += len(piece)
                    yield piece
                    piece = []
        except (urllib3.exceptions.HTTPError, requests.exceptions.RequestException, OSError) as error:
            raise wire.unreachable(error, action) from None
        except (csv.Error, UnicodeDecodeError) as error:
            raise wire.garbled(action, str(error)) from None
        finally:
            response.close()
        if count + len(piece) != announced:
            raise wire.garbled(action, f"{count + len(piece)} rows in a page of {announced}")
        yield piece


def ingest(api: Api, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Updates rows by id (the first column); the errors by id, as `CODE:words`. An unprocessed row is `LATER:`.

    A column that is hidden from the user or not there fails a whole job: each of its rows is then `INVALID_FIELD:`.

    Raises: `TransientError` where the fate of a job is unknown; its rows may be written or not.
    """
    errors: dict[str, str] = {}
    for start in range(0, len(rows), ROWS_A_JOB):
        errors |= _ingest(api, name, columns, rows[start : start + ROWS_A_JOB])
    return errors


def _ingest(api: Api, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    action = f"bulk update of {name}"
    body = {"object": name, "operation": "update", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}
    job: Job = api.call("POST", "jobs/ingest", Job, action=action, json=body)
    path, headers = f"jobs/ingest/{job.id}", {"Content-Type": "text/csv; charset=UTF-8"}
    _step(api, "PUT", f"{path}/batches", path, action, (201,), data=_csv(columns, rows), headers=headers)
    _step(api, "PATCH", path, path, action, (200,), json={"state": "UploadComplete"})
    done = wait(api, path, action)
    if done.state == "Failed" and not done.numberRecordsProcessed and NO_FIELD in (done.errorMessage or ""):
        return {str(row[0]): f"INVALID_FIELD:{done.words}" for row in rows}
    missing = len(rows) - done.numberRecordsProcessed
    errors: dict[str, str] = {}
    if done.numberRecordsFailed:
        errors |= {row["id"]: row["sf__error"] for row in _results(api, path, "failedResults", action, "sf__error")}
    if missing or done.state != "JobComplete":
        said = f"LATER:the job did not come to it ({done.words})"
        errors |= {row["id"]: said for row in _results(api, path, "unprocessedrecords", action)}
    if len(errors) != done.numberRecordsFailed + missing:
        raise api.wire.garbled(action, f"{len(errors)} rows not written where the job counts otherwise")
    return errors


def _step(api: Api, method: str, path: str, job: str, action: str, ok: tuple[int, ...], **request: Any) -> None:
    """A step of our own job: said twice after a cut, the second time is told that it was done already."""
    try:
        api.call(method, path, action=action, ok=ok, place=True, **request)
    except ConflictError:
        now: Job = api.call("GET", job, Job, action=action, place=True)
        if now.state in ("Failed", "Aborted"):
            raise


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """An empty cell would leave the field as it is; `#N/A` empties it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    words = {True: "true", False: "false", None: "#N/A", "": "#N/A"}
    writer.writerows([words.get(v, v) for v in row] for row in rows)
    return out.getvalue().encode()


def _results(api: Api, path: str, kind: str, action: str, *columns: str) -> list[dict[str, str]]:
    response: requests.Response = api.call("GET", f"{path}/{kind}", action=action, place=True)
    if "text/csv" not in response.headers.get("Content-Type", ""):
        raise api.wire.garbled(action, "no CSV of a bulk job")
    try:
        reader = csv.DictReader(io.StringIO(response.content.decode("utf-8"), newline=""), strict=True)
        reader.fieldnames = [name.lower() for name in reader.fieldnames or ()]
        rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise api.wire.garbled(action, str(error)) from None
    if any(row.get(column) is None for row in rows for column in ("id", *columns)):
        raise api.wire.garbled(action, "a result without its columns")
    return rows
