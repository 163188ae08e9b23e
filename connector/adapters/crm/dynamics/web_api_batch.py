"""`$batch`: up to 1,000 requests in one multipart body, and an answer for each. Touches no wire.

Dataverse developer guide, "Execute batch operations using the Web API"; OData 4.0 part 1, "Batch Responses".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

import msgspec

from connector.adapters.crm.dynamics.web_api_calls import Error, Refusal

AT_ONCE = 1000
"""Requests in one batch."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch: a PATCH."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request of a batch."""

    status: int
    error: Error


def composed(parts: Sequence[Part], boundary: str, condition: str) -> bytes:
    """The body. Paths are of the host; every PATCH has the condition, for a bare one makes a row that is gone."""
    pieces = [
        b"\r\n".join(
            (
                f"--{boundary}".encode(),
                b"Content-Type: application/http",
                b"Content-Transfer-Encoding: binary",
                f"Content-ID: {number}".encode(),
                b"",
                f"PATCH {part.path} HTTP/1.1".encode(),
                b"Content-Type: application/json; type=entry",
                condition.encode(),
                b"",
                part.body,
                b"",
            )
        )
        for number, part in enumerate(parts, 1)
    ]
    return b"".join((*pieces, f"--{boundary}--\r\n".encode()))


def answers(content_type: str, body: bytes) -> list[Answer]:
    """The answers in their order, whatever ends the lines and however deep the parts lie.

    Raises: `ValueError` for a body that is no multipart, or a part that is no answer.
    """
    parsed = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not parsed.is_multipart():
        raise ValueError("no multipart")
    return [_answer(part) for part in parsed.walk() if not part.is_multipart()]


def _answer(part: Message) -> Answer:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    head, _, rest = raw.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    words = head.split(b"\n", 1)[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("a part that is no answer")
    status = int(words[1])
    if status < 300:
        return Answer(status, Error())
    try:
        return Answer(status, msgspec.json.decode(rest, type=Refusal).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Answer(status, Error(message="no reason given"))
