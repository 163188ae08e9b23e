"""Service protection limits of 365 ("Service protection API limits"): 429 with one of three codes, and Retry-After.

On premises there are none. Two ways to meet them: `request_limit` requests of one user in five minutes, and control.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.emulators.dynamics.errors import VendorError

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

WINDOW = timedelta(seconds=300)
KINDS = {
    "requests": ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    "time": (
        "0x80072321",
        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 "
        "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
    ),
    "concurrent": ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
}


def demand(env: Environment, user: str, path: str, *, inner: bool = False) -> None:
    """Counts a request; one `inner` of a batch meets only what control planned for those. Raises: `VendorError` 429."""
    if env.generation != "365":
        return
    for plan in env.limits:
        if plan["inner"] is inner and plan["times"] > 0 and re.search(plan["path"], path):
            if plan["after"] > 0:
                plan["after"] -= 1
                continue
            plan["times"] -= 1
            raise _exceeded(plan["kind"], plan["retry_after"])
    if env.request_limit and not inner:
        now, used = env.now(), env.used[user]
        while used and used[0] <= now - WINDOW:
            used.popleft()
        if len(used) >= env.request_limit:
            raise _exceeded("requests", (used[0] + WINDOW - now).total_seconds())
        used.append(now)


def _exceeded(kind: str, seconds: float) -> VendorError:
    code, words = KINDS[kind]
    return VendorError(429, code, words, {"Retry-After": str(max(1, round(seconds)))})
