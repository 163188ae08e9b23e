"""Request bodies, as the REST resources read them."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from connector.emulators.salesforce.errors import VendorError


async def body_of(request: Request) -> dict[str, Any]:
    """A JSON object. Raises: `VendorError` for another content type, for what is not JSON, and for other JSON."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise VendorError("UNSUPPORTED_MEDIA_TYPE", f"Content-Type '{kind}' not supported")
    raw = await request.body()
    try:
        found = json.loads(raw)
    except UnicodeDecodeError as error:
        raise VendorError("JSON_PARSER_ERROR", "Invalid UTF-8 in the request body") from error
    except json.JSONDecodeError as error:
        where = f"at [line:{error.lineno}, column:{error.colno}]"
        raise VendorError("JSON_PARSER_ERROR", f"Unexpected character or end of input {where}") from error
    if not isinstance(found, dict):
        raise VendorError("JSON_PARSER_ERROR", "Cannot deserialize instance of an object")
    return found
