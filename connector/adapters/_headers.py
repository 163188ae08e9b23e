"""What every answer tells besides: the vendor's clock, its waiting times, and how many calls are left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(kw_only=True)
class Budget:
    """The vendor's own count of calls in its window; None where it never told. `reserve` is the share for opt-outs."""

    used: int | None = None
    limit: int | None = None
    reserve: float = 0.0

    @property
    def left(self) -> float:
        """The share that is left, 1.0 where the vendor does not tell."""
        if self.used is None or not self.limit:
            return 1.0
        return max(0.0, 1.0 - self.used / self.limit)

    @property
    def low(self) -> bool:
        """Whether only opt-outs may be sent."""
        return self.left < self.reserve


def http_date(text: str | None) -> datetime | None:
    """The moment of a `Date` or `Retry-After` header (RFC 9110), aware; None where it is none."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retry_after(text: str | None, server_now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, by the vendor's own clock; None where it does not tell."""
    told = (text or "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    moment = http_date(told)
    return None if moment is None else max(0.0, (moment - server_now).total_seconds())
