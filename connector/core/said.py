"""What a page, a command or an event of the platform says: one row of the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.core.resubscribe import Origin
from connector.core.suppression import ALL, Reason


class Kind(StrEnum):
    """What a page, a command or an event of the platform says."""

    STOP = "stop"
    COMPLAINT = "complaint"
    ASK = "ask"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESEND = "resend"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One row of the inbox, in the order in which it came. `key` makes it one, however often it arrives.

    `at` is our own clock's time for pages and commands, the platform's (corrected) for its events.
    """

    kind: Kind
    key: str
    at: datetime
    source: str
    request: str = ""
    reason: Reason = Reason.UNSUBSCRIBED
    scope: str = ALL
    origin: Origin = Origin.FORM
    by: str = ""
    why: str = ""
    allowed: bool | None = None
    lists: frozenset[str] = frozenset()
