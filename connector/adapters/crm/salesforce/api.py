"""Salesforce's REST words: query, describe, rows and collections. Says nothing of suppressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import requests

from connector.adapters._http import Wire, redacted
from connector.adapters.crm.salesforce.mapping import NO_ACCESS, call_family
from connector.core.errors import BugError, ConfigError, ConflictError, Failure, RejectedError, TransientError

AT_ONCE = 200
"""Rows in one sObject Collections call."""

FRESH = 30.0
"""Seconds for which what the org's clock said is taken for what it says."""

REFUSALS = (300, 400, 403, 404, 405, 409, 410, 412, 415)
GUIDE = "deploy/salesforce/README.md"


class Page(msgspec.Struct):
    """One page of a query."""

    totalSize: int  # noqa: N815  # the vendor's name
    done: bool
    records: list[dict[str, Any]]
    nextRecordsUrl: str | None = None  # noqa: N815  # as above


class Error(msgspec.Struct):
    """One error; `statusCode` in rows, `errorCode` on top."""

    message: str | None = ""
    errorCode: str = ""  # noqa: N815  # the vendor's name
    statusCode: str = ""  # noqa: N815  # as above


class RowResult(msgspec.Struct):
    """What became of one row of a collection."""

    success: bool
    id: str | None = ""
    errors: list[Error] = []

    @property
    def code(self) -> str:
        """The first error's code."""
        return self.errors[0].statusCode if self.errors else "UNKNOWN_EXCEPTION"

    @property
    def words(self) -> str:
        """Salesforce's words, without addresses."""
        told = (self.errors[0].message if self.errors else "") or "no reason given"
        return redacted(f"{self.code}: {told}")


class FieldDescribe(msgspec.Struct):
    """What describe says of one field."""

    name: str
    type: str = ""
    updateable: bool = False
    createable: bool = False
    defaultValue: Any = None  # noqa: N815  # the vendor's name
    restrictedPicklist: bool = False  # noqa: N815  # as above
    picklistValues: list[dict[str, Any]] = []  # noqa: N815  # as above


class Describe(msgspec.Struct):
    """What describe says of one object, to this user."""

    name: str
    fields: list[FieldDescribe]
    createable: bool = False
    updateable: bool = False


class Api:
    """One org over one wire, at one pinned version."""

    def __init__(self, wire: Wire, version: str) -> None:
        self.wire, self.version = wire, version
        self.base = f"/services/data/v{version}"

    def call(
        self,
        method: str,
        path: str,
        type_: Any = None,
        *,
        action: str,
        repeat: bool = True,
        ok: tuple[int, ...] = (200,),
        place: bool = False,
        row: bool = False,
        **request: Any,
    ) -> Any:
        """One call: the answer as `type_`, or the bare response. An error body becomes one of the families.

        `place`: the path names a job or a locator, which may be gone; `row`: the call is about one row alone.
        """

        def read(response: requests.Response) -> Any:
            if response.status_code not in ok:
                return self._refusal(response, action, place=place, row=row)
            return response if type_ is None else self.wire.json(response, type_, action)

        url = path if path.startswith(("/", "http:", "https:")) else f"{self.base}/{path}"
        answer = self.wire.call(method, url, repeat=repeat, action=action, ok=(*ok, *REFUSALS), read=read, **request)
        if isinstance(answer, Failure):
            # raised here and not where it is read: what Salesforce refuses in its own words is not asked again at once
            raise answer
        return answer

    def _refusal(self, response: requests.Response, action: str, *, place: bool, row: bool) -> Failure:
        try:
            error = msgspec.json.decode(response.content, type=list[Error])[0]
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
            return self.wire.failure(response, action)
        code, words = error.errorCode, redacted(error.message or "")
        facts = self.wire.facts(response, action) | {"excerpt": redacted(f"{code}: {words}")}
        family = call_family(code, response.status_code, place=place, row=row)
        if family is ConflictError:
            said = f"Salesforce no longer knows where we were ({action}: {code}); reading from the start."
            return ConflictError(said, **facts)
        if family is TransientError:
            wait = 60.0 if "Concurrent" in words else None
            said = f"Salesforce takes no more now ({action}: {code}: {words}). The next run goes on."
            return TransientError(said, retry_after=wait, **facts)
        if family is RejectedError:
            return RejectedError(f"{code}: {words}", **facts)
        if family is BugError:
            return BugError(
                f"Salesforce does not understand us ({action}: {code}: {words}). Please report it.", **facts
            )
        return ConfigError(self._todo(code, response.status_code, words, action), **facts)

    def _todo(self, code: str, status: int, words: str, action: str) -> str:
        if code in NO_ACCESS:
            return (
                "This org has no API access. Professional Edition has it only where it was bought; ask Salesforce for "
                f"it, then see {GUIDE}."
            )
        if status == 410 or code in ("UNSUPPORTED_API_VERSION", "INVALIDVERSION"):
            return f"Salesforce no longer serves API version {self.version}; set crm.api_version to a newer one."
        if status == 404:
            return f"Salesforce has no such resource ({action}: {words}); see crm.login_url and crm.api_version."
        rights = f"See the rights and the field-level security of the integration user, {GUIDE}."
        return f"Salesforce refuses ({action}): {words} {rights}"

    def query(self, soql: str, *, deleted: bool = False, action: str = "query") -> Iterator[list[dict[str, Any]]]:
        """Pages of rows.

        Raises: `TransientError` where other rows came than were announced, `ConflictError` for a lost locator.
        """
        path = f"{self.base}/{'queryAll' if deleted else 'query'}"
        page: Page = self.call("GET", path, Page, action=action, params={"q": soql})
        total, seen = page.totalSize, len(page.records)
        yield page.records
        while not page.done:
            if not page.nextRecordsUrl:
                raise self.wire.garbled(action, "a page without its successor")
            page = self.call("GET", page.nextRecordsUrl, Page, action=action, place=True)
            seen += len(page.records)
            yield page.records
        if seen != total:
            raise self.wire.garbled(action, f"{seen} rows came of {total}")

    def rows(self, soql: str, *, action: str = "query") -> list[dict[str, Any]]:
        """All rows of a small answer."""
        return [row for page in self.query(soql, action=action) for row in page]

    def describe(self, name: str) -> Describe | None:
        """What the integration user may see of an object, or None where it may see nothing of it."""
        try:
            found: Describe = self.call("GET", f"sobjects/{name}/describe", Describe, action=f"describe {name}")
        except ConfigError as error:
            if error.status != 404:
                raise
            return None
        return found

    def collection(
        self, method: str, records: Sequence[dict[str, Any]], *, repeat: bool, action: str
    ) -> list[RowResult]:
        """One sObject Collections call: a result for every row, in their order."""
        body = {"allOrNone": False, "records": list(records)}
        results: list[RowResult] = self.call(
            method, "composite/sobjects", list[RowResult], action=action, repeat=repeat, json=body
        )
        if len(results) != len(records):
            raise self.wire.garbled(action, f"{len(results)} results for {len(records)} rows")
        return results

    def create(self, name: str, values: dict[str, Any], *, action: str) -> str:
        """A new row's id. Not repeated blindly. Raises: `RejectedError` for a row that the org refuses."""
        made: RowResult = self.call(
            "POST", f"sobjects/{name}", RowResult, action=action, repeat=False, ok=(201,), row=True, json=values
        )
        return made.id or ""

    def organization(self) -> dict[str, Any]:
        """The org's own row, which every user may read."""
        rows = self.rows("SELECT Id, Name, OrganizationType, IsSandbox FROM Organization", action="the org itself")
        if not rows:
            raise self.wire.garbled("the org itself", "no row")
        return rows[0]

    def server_now(self) -> datetime:
        """The org's clock, by its Date headers: right to about half a second."""
        heard = self.wire.heard_at
        if heard is None or self.wire.clock.monotonic() - heard > FRESH:
            self.organization()
        return self.wire.server_now()
