"""Times as the database keeps them: ISO 8601 text in UTC with microseconds, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """Text that sorts; naive times are refused with a `ValueError`."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def or_none(moment: datetime | None) -> str | None:
    """The same for a time that may be missing."""
    return to_text(moment) if moment is not None else None


def from_text(text: str | None) -> datetime | None:
    """The aware time, or None for none."""
    return datetime.fromisoformat(text) if text else None
