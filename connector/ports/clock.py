"""Time, waiting, chance and identity: asked for, never taken."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where the rules' world gets its time from."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; for waits and budgets."""

    def sleep(self, seconds: float) -> None:
        """Wait; wakes early when the service stops. Raises `TransientError` then."""

    def random(self) -> float:
        """A number in [0, 1), for jitter."""

    def new_id(self) -> str:
        """A fresh identifier: 32 hex digits."""
