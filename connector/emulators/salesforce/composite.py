"""Composite: up to 25 subrequests in one call, each with its own status (REST API, Composite)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.bodies import body_of
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org

MOST = 25
MOST_READS = 5
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_READ = re.compile(r"/(query|queryAll|composite/sobjects)\b")

Call = Callable[[str, str, Any], Awaitable[Response]]


async def composite(request: Request, org: Org, user: str) -> Response:
    """`POST composite`: always 200 for a well-formed body; a malformed one is 400. Counts as one call."""
    body = await body_of(request)
    parts = _parts(body)
    if not body.get("allOrNone"):
        return JSONResponse({"compositeResponse": await _all(request, parts)})
    with org.transaction() as failed:
        answers = await _all(request, parts, stop=True)
        failed.extend(True for a in answers if a["httpStatusCode"] >= 400)
    if failed:
        words = "The transaction was rolled back since another operation in the same transaction failed."
        for answer in answers:
            if answer["httpStatusCode"] < 400:
                answer.update(_halted(answer["referenceId"], words))
    return JSONResponse({"compositeResponse": answers})


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST:
        raise VendorError("INVALID_INPUT", f"compositeRequest must hold 1 to {MOST} subrequests")
    wanted = ("method", "url", "referenceId")
    if not all(isinstance(p, dict) and all(isinstance(p.get(name), str) for name in wanted) for p in parts):
        raise VendorError("INVALID_INPUT", "each subrequest needs method, url and a referenceId of its own")
    names = [p["referenceId"] for p in parts]
    if len(set(names)) != len(names):
        raise VendorError("INVALID_INPUT", "each subrequest needs method, url and a referenceId of its own")
    if any(not re.fullmatch(r"\w+", name) for name in names):
        raise VendorError("INVALID_INPUT", "a referenceId is made of letters, digits and underscores")
    if sum(bool(_READ.search(p["url"])) for p in parts) > MOST_READS:
        raise VendorError("INVALID_INPUT", f"at most {MOST_READS} subrequests may be queries or collections")
    return parts


async def _all(request: Request, parts: list[dict[str, Any]], *, stop: bool = False) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    made: dict[str, Any] = {}
    for part in parts:
        name = part["referenceId"]
        try:
            if stop and any(a["httpStatusCode"] >= 400 for a in answers):
                raise LookupError("an earlier subrequest failed")
            answers.append(await _one(request, part, made))
        except LookupError as error:
            answers.append(_halted(name, f"Invalid reference specified. {error.args[0]}"))
        if answers[-1]["httpStatusCode"] < 400:
            made[name] = answers[-1]["body"]
    return answers


def _halted(name: str, words: str) -> dict[str, Any]:
    error = VendorError("PROCESSING_HALTED", words)
    return {"body": error.body(), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name}


async def _one(request: Request, part: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    url = _resolved(part["url"], made)
    content = json.loads(_resolved(json.dumps(part.get("body")), made)) if part.get("body") is not None else None
    response = await _inside(request, part["method"], url, content)
    raw = bytes(response.body)
    return {
        "body": json.loads(raw) if raw else None,
        "httpHeaders": {"Location": response.headers["location"]} if "location" in response.headers else {},
        "httpStatusCode": response.status_code,
        "referenceId": part["referenceId"],
    }


def _resolved(text: str, made: dict[str, Any]) -> str:
    """`@{ref.id}` replaced by what an earlier subrequest answered. Raises: `LookupError`."""

    def one(found: re.Match[str]) -> str:
        value = made.get(found.group(1))
        for name, number in _STEP.findall(found.group(2)):
            inside = isinstance(value, dict) and name in value
            inside = inside or (isinstance(value, list) and bool(number) and int(number) < len(value))
            value = value[name or int(number)] if inside else None  # type: ignore[index]  # looked at above
        if value is None:
            raise LookupError(f"No value for {found.group()} found in the results of earlier subrequests")
        return str(value)

    return _REFERENCE.sub(one, text)


async def _inside(request: Request, method: str, url: str, content: Any) -> Response:
    """The subrequest, handled by the same application without a call of its own being counted."""
    from connector.emulators.salesforce.app import inside

    path, _, query = url.partition("?")
    raw = b"" if content is None else json.dumps(content).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    kept = [(k, v) for k, v in request.scope["headers"] if k not in (b"content-length", b"content-type")]
    scope = {**request.scope, "method": method, "path": path, "query_string": query.encode(), "raw_path": path.encode()}
    return await inside(request.app, {**scope, "headers": kept}, receive)
