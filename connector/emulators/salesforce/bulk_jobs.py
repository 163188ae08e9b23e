"""What both kinds of Bulk API 2.0 jobs have in common: their description, states, delimiters and lists.

Bulk API 2.0 Developer Guide, "Job States", "Create a Job", "Get Information About All Jobs".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from connector.emulators.salesforce.errors import VendorError, not_found
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.times import rest, text_of

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
DONE = ("JobComplete", "Failed", "Aborted")


@dataclass(kw_only=True)
class Held:
    """One job: how it is described, and when it will be done. `held["job"]` reads its description as well."""

    job: dict[str, Any]
    ready: float = 0.0
    delay: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    @property
    def state(self) -> str:
        return str(self.job["state"])

    def shown(self) -> dict[str, Any]:
        """The description with the state of this moment: half of the delay in the queue, half at work."""
        working = self.state == "UploadComplete" and time.monotonic() >= self.ready - self.delay / 2
        return self.job | self.extra | ({"state": "InProgress"} if working else {})

    def start(self, delay: float) -> None:
        """The job will be done after so many seconds."""
        self.delay, self.ready = delay, time.monotonic() + delay


def described(org: Org, request: Request, body: dict[str, Any], object_name: str, user: str) -> dict[str, Any]:
    """A new job. Raises: `VendorError` INVALIDJOB."""
    kind = body.get("contentType", "CSV")
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if kind != "CSV" or delimiter not in DELIMITERS or ending not in ENDINGS:
        raise VendorError("INVALIDJOB", f"unsupported contentType, columnDelimiter or lineEnding: {kind}, {delimiter}")
    now = rest(text_of(org.now()))
    return {
        "id": org.new_id("750"),
        "operation": body["operation"],
        "object": object_name,
        "createdById": user,
        "createdDate": now,
        "systemModstamp": now,
        "state": "UploadComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(request.path_params["version"]),
        "lineEnding": ending,
        "columnDelimiter": delimiter,
    }


def held_at(request: Request, kind: type[Held]) -> Any:
    """The job that the path names. Raises: `VendorError` NOT_FOUND; CONFLICT for another API version's."""
    held = request.app.state.jobs.get(request.path_params["job"])
    if not isinstance(held, kind):
        raise not_found()
    return held


def same_version(request: Request, held: Held) -> None:
    """Raises: `VendorError` (409) where results are asked for with another API version than the job was made with."""
    if held.job["apiVersion"] != float(request.path_params["version"]):
        raise VendorError("CONFLICT", "results must be read with the API version of the job")


def listed(request: Request, kind: type[Held]) -> dict[str, Any]:
    """All jobs of a kind."""
    rows = [held.shown() for held in request.app.state.jobs.values() if isinstance(held, kind)]
    return {"done": True, "records": rows, "nextRecordsUrl": None}
