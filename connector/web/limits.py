"""How often one client or one address may submit the form: a sliding window, bounded in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock

from connector.ports.clock import Clock

KEYS = 50_000
"""Clients and addresses remembered; the one seen longest ago is forgotten first."""


class Limiter:
    """At most `most` submissions per key in `seconds`."""

    def __init__(self, clock: Clock, *, most: int, seconds: float) -> None:
        self._clock, self._most, self.seconds = clock, most, seconds
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, key: str) -> bool:
        """Counts one submission; False where there were too many."""
        now = self._clock.monotonic()
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while times and times[0] <= now - self.seconds:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            if len(self._seen) > KEYS:
                self._seen.popitem(last=False)
            return True
