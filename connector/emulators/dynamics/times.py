"""Times as rows hold them: text with seconds and Z, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    """`2026-11-26T21:53:00Z`: the Web API shows whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text: str) -> str:
    """A time that a client sent, as rows hold it. Raises: `ValueError`; a time without its zone is none."""
    moment = datetime.fromisoformat(text)
    if "T" not in text:
        return f"{moment.date().isoformat()}T00:00:00Z"
    if moment.tzinfo is None:
        raise ValueError(text)
    return text_of(moment)


def http_date(moment: datetime) -> str:
    """As a `Date` header has it."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
