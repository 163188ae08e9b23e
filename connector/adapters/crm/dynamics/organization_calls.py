"""The Organization Data Service's calls (OData v2 JSON, 2011 to 2015): URLs, headers, pages, and what a refusal means.

CRM SDK, "Use the OData endpoint with Ajax and JScript web resources", "OData endpoint Http status codes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.mapping import About, hex_code, url
from connector.adapters.crm.dynamics.refusals import meant, no_words
from connector.core.errors import BugError, Failure, TransientError

BASE = "XRMServices/2011/OrganizationData.svc"
REFUSALS = (400, 401, 403, 404, 405, 413, 500)
JSON = {"Accept": "application/json"}
BODY = {"Content-Type": "application/json; charset=utf-8"}

LONGEST_QUERY = 2048
"""Characters of a query that IIS takes; to a longer one it answers as if the page were not there."""


class Message(msgspec.Struct):
    """The words of an error."""

    value: str = ""


class Error(msgspec.Struct):
    """What an error body says."""

    code: str = ""
    message: Message = msgspec.field(default_factory=Message)


class Refusal(msgspec.Struct):
    """An error body."""

    error: Error


class Page(msgspec.Struct):
    """One page of rows. A page without `results` is none."""

    results: list[dict[str, Any]]
    next: str = msgspec.field(name="__next", default="")


class Answer(msgspec.Struct):
    """What a reading is wrapped in."""

    d: Page


class Calls:
    """One organization over one wire, one call after the other: NTLM signs in the connection that carries them."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def call(
        self,
        method: str,
        path: str,
        read: Callable[[requests.Response], Any] | None = None,
        *,
        action: str,
        about: About = "call",
        repeat: bool,
        ok: tuple[int, ...] = (200,),
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One call: what `read` makes of the answer, or the bare response. A refusal becomes one of the families.

        `ok` are the statuses that `read` takes.
        """
        if len(path.partition("?")[2]) > LONGEST_QUERY:
            raise BugError(f"A question to Dynamics is too long ({action}). Please report it.", vendor="Dynamics")
        data = None if body is None else msgspec.json.encode(body)

        def answered(response: requests.Response) -> Any:
            if response.status_code in ok:
                return response if read is None else read(response)
            failure = self._refusal(response, action, about)
            if isinstance(failure, TransientError):
                raise failure
            return failure

        answer = self.wire.call(
            method,
            f"{BASE}/{path}",
            repeat=repeat,
            action=action,
            ok=(*ok, *REFUSALS),
            read=answered,
            headers=JSON | (BODY if data is not None else {}) | dict(headers or {}),
            data=data,
        )
        if isinstance(answer, Failure):
            # raised here and not where it is read: what Dynamics refuses in its own words is not asked again at once
            raise answer
        return answer

    def _refusal(self, response: requests.Response, action: str, about: About) -> Failure:
        """What a refusal means. One that is not in Dynamics' own words is IIS's, or somebody's in between."""
        try:
            error = msgspec.json.decode(response.content, type=Refusal).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            return no_words(self.wire, response, action)
        return meant(self.wire, response, hex_code(error.code), error.message.value, action, about)

    def page(self, entity_set: str, query: str, *, action: str, about: About = "call") -> Page:
        """One page; `next` is the query of the one after it, for the same set."""

        def decoded(response: requests.Response) -> Page:
            page: Page = self.wire.json(response, Answer, action).d
            if page.next:
                link = urlsplit(page.next)
                # only the query is taken: the server may know itself by another name than we do
                if not link.path.endswith(f"/{entity_set}") or not link.query:
                    raise self.wire.garbled(action, "a page without its successor")
                page.next = link.query
            return page

        path = f"{entity_set}?{query}"
        found: Page = self.call("GET", path, decoded, action=action, about=about, repeat=True)
        return found

    def rows(self, entity_set: str, options: Mapping[str, str], *, action: str) -> Iterator[dict[str, Any]]:
        """All rows of a small answer."""
        query = question(options)
        while query:
            page = self.page(entity_set, query, action=action)
            yield from page.results
            query = page.next


def question(options: Mapping[str, str]) -> str:
    """A query, encoded so that a plus, an apostrophe and whatever else an address holds arrive."""
    return url("", options).removeprefix("?")
