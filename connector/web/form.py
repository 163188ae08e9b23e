"""What a posted form says, and whether a typed address is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs

from email_validator import EmailNotValidError, validate_email
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from connector.core.address import Address, normalise

LARGEST_BODY = 16_384
MOST_FIELDS = 200

Fields = Mapping[str, list[str]]


async def _fields(request: Request) -> Fields:
    """Read here, so that the handlers themselves may be plain functions and touch the store in a thread.

    Raises: `HTTPException` 413 for a form that no person fills in.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413)
    if body.count(b"&") >= MOST_FIELDS:
        raise HTTPException(413)
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


Form = Annotated[Fields, Depends(_fields)]


def judged(typed: str) -> Address | None:
    """A typed address in its normal form, or None. Our own door is strict, but asks no DNS.

    Names for tests and documentation (`.test`, `.example`, `example.com`) are taken: nothing is sent but one mail.
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    normal = normalise(found.normalized)
    return normal if isinstance(normal, str) else None
