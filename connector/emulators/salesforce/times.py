"""Times as the org holds them: text with milliseconds and Z, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    """`2026-11-26T21:53:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def rest(text: str | None) -> str | None:
    """The form that REST answers in: `...000+0000`."""
    return text[:-1] + "+0000" if text else text


def parsed(text: str) -> str:
    """A time that a client sent, as the org holds it. Raises: `ValueError`."""
    moment = datetime.fromisoformat(text.replace("+0000", "+00:00"))
    return text_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
