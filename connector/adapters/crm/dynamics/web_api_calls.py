"""The Web API's calls (v8.2 and v9.2): URLs, headers, pages, and what a refusal means. Says nothing of suppressions.

Dataverse developer guide, "Compose HTTP requests and handle errors", "Page results".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import requests

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.mapping import About
from connector.adapters.crm.dynamics.refusals import meant, no_words
from connector.core.errors import Failure

REFUSALS = (400, 401, 403, 404, 405, 409, 410, 412, 413, 501)
HEADERS = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
UNCACHED = {"If-None-Match": "null"}
BODY = {"Content-Type": "application/json; charset=utf-8"}
ROWS_A_PAGE = 5000


class Error(msgspec.Struct):
    """What an error body says."""

    code: str = ""
    message: str = ""


class Refusal(msgspec.Struct):
    """An error body."""

    error: Error


class Page(msgspec.Struct):
    """One page of rows. A page without `value` is none."""

    value: list[dict[str, Any]]
    next: str = msgspec.field(name="@odata.nextLink", default="")
    delta: str = msgspec.field(name="@odata.deltaLink", default="")


class Calls:
    """One organization over one wire, at one version of the Web API."""

    def __init__(self, wire: Wire, version: str) -> None:
        self.wire, self.version = wire, version
        self.base = f"api/data/v{version}"

    def call(
        self,
        method: str,
        path: str,
        read: Callable[[requests.Response], Any] | None = None,
        *,
        action: str,
        about: About = "call",
        repeat: bool = True,
        ok: tuple[int, ...] = (200,),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One call: what `read` makes of the answer, or the bare response. A refusal becomes one of the families.

        `ok` are the statuses that `read` takes.
        """
        data = None if body is None else msgspec.json.encode(body)

        def answered(response: requests.Response) -> Any:
            if response.status_code not in ok:
                return self.refusal(response, action, about)
            return response if read is None else read(response)

        answer = self.wire.call(
            method,
            path if path.startswith("http") else f"{self.base}/{path}",
            repeat=repeat,
            action=action,
            ok=(*ok, *REFUSALS),
            read=answered,
            headers=HEADERS | (BODY if data is not None else {}) | dict(headers or {}),
            data=data,
        )
        if isinstance(answer, Failure):
            # raised here and not where it is read: what Dynamics refuses in its own words is not asked again at once
            raise answer
        return answer

    def multipart(self, data: bytes, boundary: str, read: Callable[[requests.Response], Any], *, action: str) -> Any:
        """One batch: what `read` makes of its multipart answer, whatever status stands above it.

        All that is sent in one is as good twice as once.
        """

        def answered(response: requests.Response) -> Any:
            if response.headers.get("Content-Type", "").startswith("multipart/"):
                return read(response)
            if response.status_code in REFUSALS:
                return self.refusal(response, action, "call")
            raise self.wire.garbled(action, "no multipart")

        kind = {"Content-Type": f'multipart/mixed; boundary="{boundary}"', "Prefer": "odata.continue-on-error"}
        answer = self.wire.call(
            "POST",
            f"{self.base}/$batch",
            repeat=True,
            action=action,
            ok=(200, 202, *REFUSALS),
            read=answered,
            headers=HEADERS | kind,
            data=data,
        )
        if isinstance(answer, Failure):
            raise answer
        return answer

    def refusal(self, response: requests.Response, action: str, about: About) -> Failure:
        """What the refusal of one call means. One that is not in Dynamics' own words is somebody's in between."""
        try:
            error = msgspec.json.decode(response.content, type=Refusal).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            return no_words(self.wire, response, action)
        return meant(self.wire, response, error.code.lower(), error.message, action, about)

    def page(
        self, path: str, *, action: str, about: About = "call", prefer: str = ""
    ) -> tuple[Page, Mapping[str, str]]:
        """One page, and the headers that it came with."""

        def decoded(response: requests.Response) -> tuple[Page, Mapping[str, str]]:
            return self.wire.json(response, Page, action), response.headers

        headers = UNCACHED | {"Prefer": prefer or f"odata.maxpagesize={ROWS_A_PAGE}"}
        found: tuple[Page, Mapping[str, str]] = self.call(
            "GET", path, decoded, action=action, about=about, headers=headers
        )
        return found

    def one(self, path: str, type_: Any, *, action: str, about: About = "call") -> Any:
        """One object."""

        def decoded(response: requests.Response) -> Any:
            return self.wire.json(response, type_, action)

        return self.call("GET", path, decoded, action=action, about=about, headers=UNCACHED)

    def rows(self, path: str, *, action: str) -> Iterator[dict[str, Any]]:
        """All rows of a small answer."""
        while path:
            page, _ = self.page(path, action=action)
            yield from page.value
            path = page.next
