"""How often one client or one address may submit the form: a sliding window, bounded in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock

from connector.ports.clock import Clock

KEYS = 50_000
"""Clients and addresses remembered; the one seen longest ago is forgotten first."""


class Limiter:
    """At most `most` submissions per key in `seconds`. Refused ones do not count, so a wait is never prolonged."""

    def __init__(self, clock: Clock, *, most: int, seconds: float, keys: int = KEYS) -> None:
        self._clock, self._most, self._seconds, self._keys = clock, most, seconds, keys
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, key: str) -> float:
        """Counts one submission and gives 0; where there were too many, the seconds until the next is taken."""
        now = self._clock.monotonic()
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._most:
                return times[0] + self._seconds - now
            times.append(now)
            if len(self._seen) > self._keys:
                self._seen.popitem(last=False)
            return 0.0
