"""Composite: up to 25 subrequests in one call, each with its own status (REST API, composite resources)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org

MOST = 25
_REFERENCE = re.compile(r"@\{(\w+)\.(\w+)\}")

Call = Callable[[str, str, Any], Awaitable[Response]]


async def composite(request: Request, org: Org, user: str) -> Response:
    """`POST composite`: always 200 for a well-formed body; a malformed one is 400."""
    body = await request.json()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST:
        raise VendorError("INVALID_INPUT", f"compositeRequest must hold 1 to {MOST} subrequests")
    wanted = {"method", "url", "referenceId"}
    names = [p.get("referenceId") for p in parts]
    if any(not wanted <= set(p) for p in parts) or len(set(names)) != len(names):
        raise VendorError("INVALID_INPUT", "each subrequest needs method, url and a referenceId of its own")
    answers: list[dict[str, Any]] = []
    made: dict[str, Any] = {}
    for part in parts:
        answers.append(await _one(request, part, made))
        made[part["referenceId"]] = answers[-1]["body"]
    return JSONResponse({"compositeResponse": answers})


async def _one(request: Request, part: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    url = _resolved(part["url"], made)
    content = json.loads(_resolved(json.dumps(part.get("body")), made)) if part.get("body") is not None else None
    response = await _inside(request, part["method"], url, content)
    raw = bytes(response.body)
    return {
        "body": json.loads(raw) if raw else None,
        "httpHeaders": {},
        "httpStatusCode": response.status_code,
        "referenceId": part["referenceId"],
    }


def _resolved(text: str, made: dict[str, Any]) -> str:
    """`@{ref.id}` replaced by what an earlier subrequest answered."""
    return _REFERENCE.sub(lambda found: str(made[found.group(1)][found.group(2)]), text)


async def _inside(request: Request, method: str, url: str, content: Any) -> Response:
    """The subrequest, handled by the same application without a call of its own being counted."""
    from connector.emulators.salesforce.app import inside

    path, _, query = url.partition("?")
    raw = b"" if content is None else json.dumps(content).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    scope = {**request.scope, "method": method, "path": path, "query_string": query.encode(), "raw_path": path.encode()}
    return await inside(request.app, scope, receive)
