"""Times as the org holds them: text with milliseconds and Z, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T.*)?")


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


def day(text: str) -> str:
    """A date that a client sent; one with a time loses it. Raises: `ValueError`."""
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return date.fromisoformat(found.group(1)).isoformat()
