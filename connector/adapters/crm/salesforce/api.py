"""Salesforce's REST words: query, describe, rows and collections. Says nothing of suppressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import requests

from connector.adapters._http import Wire, redacted
from connector.adapters.crm.salesforce.mapping import CONFIGURATION
from connector.core.errors import BugError, ConfigError, ConflictError, Failure, TransientError

AT_ONCE = 200
"""Rows in one sObject Collections call."""


class Page(msgspec.Struct):
    """One page of a query."""

    totalSize: int  # noqa: N815  # the vendor's name
    done: bool
    records: list[dict[str, Any]]
    nextRecordsUrl: str = ""  # noqa: N815  # as above


class Error(msgspec.Struct):
    """One error; `statusCode` in rows, `errorCode` on top."""

    message: str = ""
    errorCode: str = ""  # noqa: N815  # the vendor's name
    statusCode: str = ""  # noqa: N815  # as above


class RowResult(msgspec.Struct):
    """What became of one row of a collection."""

    success: bool
    id: str = ""
    errors: list[Error] = []


class Api:
    """One org over one wire, at one pinned version."""

    def __init__(self, wire: Wire, version: str) -> None:
        self.wire = wire
        self.base = f"services/data/v{version}"

    def call(
        self, method: str, path: str, *, action: str, repeat: bool = True, ok: tuple[int, ...] = (200,), **request: Any
    ) -> requests.Response:
        """One call; an error body becomes one of the families, with Salesforce's words."""
        refusals = (300, 400, 403, 404, 405, 409, 410, 412, 415)
        url = path if path.startswith("/") else f"{self.base}/{path}"
        response = self.wire.call(method, url, repeat=repeat, action=action, ok=ok, tolerate=refusals, **request)
        if response.status_code not in ok:
            raise self._refusal(response, action)
        return response

    def _refusal(self, response: requests.Response, action: str) -> Failure:
        try:
            error = msgspec.json.decode(response.content, type=list[Error])[0]
        except (msgspec.DecodeError, IndexError):
            return self.wire.failure(response, action)
        code, words = error.errorCode, redacted(error.message)
        facts: dict[str, Any] = {"vendor": "Salesforce", "action": action, "status": response.status_code}
        facts |= {"excerpt": f"{code}: {words}"}
        if code == "REQUEST_LIMIT_EXCEEDED":
            return TransientError("Salesforce's limit of calls is reached; the next run goes on.", **facts)
        if code in ("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"):
            return ConfigError(
                "This org has no API access. Professional Edition has it only where it was bought; ask Salesforce for "
                "it, then see deploy/salesforce/README.md.",
                **facts,
            )
        if code in CONFIGURATION or response.status_code == 403:
            todo = "See the field-level security of the integration user, and deploy/salesforce/README.md."
            return ConfigError(f"Salesforce refuses ({action}): {words} {todo}", **facts)
        if code == "UNSUPPORTED_API_VERSION" or response.status_code == 410:
            return ConfigError(
                f"Salesforce no longer serves API version {self.base[-4:]}; set crm.api_version.", **facts
            )
        if code in ("INVALID_QUERY_LOCATOR", "NOT_FOUND", "INVALIDJOBSTATE", "JOB_NOT_COMPLETE"):
            return ConflictError(
                f"Salesforce no longer knows where we were ({action}); reading from the start.", **facts
            )
        if code in ("QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "TXN_SECURITY_METERING_ERROR"):
            return TransientError(f"Salesforce is busy ({action}: {code}); the next run goes on.", **facts)
        return BugError(f"Salesforce does not understand us ({action}: {code}). Please report this.", **facts)

    def query(self, soql: str, *, deleted: bool = False, action: str = "query") -> Iterator[list[dict[str, Any]]]:
        """Pages of rows. Raises: `TransientError` where fewer rows came than were announced."""
        path = f"{self.base}/{'queryAll' if deleted else 'query'}"
        page = self._page(self.call("GET", "/" + path, action=action, params={"q": soql}), action)
        total, seen = page.totalSize, len(page.records)
        yield page.records
        while not page.done:
            if not page.nextRecordsUrl.startswith("/"):
                raise self.wire.garbled(action, "a page without its successor")
            page = self._page(self.call("GET", page.nextRecordsUrl, action=action), action)
            seen += len(page.records)
            yield page.records
        if seen != total:
            raise self.wire.garbled(action, f"{seen} rows came of {total}")

    def _page(self, response: requests.Response, action: str) -> Page:
        page: Page = self.wire.json(response, Page, action)
        return page

    def rows(self, soql: str, *, deleted: bool = False, action: str = "query") -> list[dict[str, Any]]:
        """All rows of a small answer."""
        return [row for page in self.query(soql, deleted=deleted, action=action) for row in page]

    def describe(self, name: str) -> dict[str, Any] | None:
        """What the integration user may see of an object, or None where it may see nothing of it."""
        try:
            response = self.call("GET", f"sobjects/{name}/describe", action=f"describe {name}")
        except ConflictError:
            return None
        answer: dict[str, Any] = self.wire.json(response, dict[str, Any], "describe")
        return answer

    def collection(
        self, method: str, records: Sequence[dict[str, Any]], *, repeat: bool, action: str
    ) -> list[RowResult]:
        """One sObject Collections call: a result for every row, in their order."""
        body = {"allOrNone": False, "records": list(records)}
        response = self.call(method, "composite/sobjects", action=action, repeat=repeat, json=body)
        results: list[RowResult] = self.wire.json(response, list[RowResult], action)
        if len(results) != len(records):
            raise self.wire.garbled(action, f"{len(results)} results for {len(records)} rows")
        return results

    def create(self, name: str, values: dict[str, Any], *, action: str) -> str:
        """A new row's id. Not repeated blindly."""
        response = self.call("POST", f"sobjects/{name}", action=action, repeat=False, ok=(201,), json=values)
        made: RowResult = self.wire.json(response, RowResult, action)
        return made.id

    def server_now(self) -> datetime:
        """The org's clock, by its Date headers: right to about half a second."""
        if self.wire.server_time is None:
            self.call("GET", "limits", action="server time")
        return self.wire.clock.now() + self.wire.offset
