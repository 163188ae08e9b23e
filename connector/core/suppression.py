"""One reason why an address gets no bulk mail, and what may lift it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

ALL = "*"
"""The scope of a suppression of all mail; any other scope is the name of one list."""


class Reason(StrEnum):
    """Why. A vendor's word we do not know is `unknown`; a flag that says no more is `suppressed`."""

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    COMPLAINED = "complained"
    ABUSE = "abuse"
    UNKNOWN = "unknown"
    SOFT_BOUNCED = "soft_bounced"
    HARD_BOUNCED = "hard_bounced"
    BLOCKED = "blocked"
    DOMAIN = "domain"
    SHARED = "shared"


class Kind(StrEnum):
    """What a reason is: somebody's wish, a fault of delivery, or the platform's own rule."""

    WISH = "wish"
    FAULT = "fault"
    PLATFORM = "platform"


KIND: dict[Reason, Kind] = {
    Reason.UNSUBSCRIBED: Kind.WISH,
    Reason.SUPPRESSED: Kind.WISH,
    Reason.COMPLAINED: Kind.WISH,
    Reason.ABUSE: Kind.WISH,
    Reason.UNKNOWN: Kind.WISH,
    Reason.SOFT_BOUNCED: Kind.FAULT,
    Reason.HARD_BOUNCED: Kind.FAULT,
    Reason.BLOCKED: Kind.FAULT,
    Reason.DOMAIN: Kind.PLATFORM,
    Reason.SHARED: Kind.PLATFORM,
}

COMPLAINTS = frozenset({Reason.COMPLAINED, Reason.ABUSE})
LIFTABLE_WISHES = frozenset({Reason.UNSUBSCRIBED, Reason.SUPPRESSED})
BOUNCES = frozenset({Reason.SOFT_BOUNCED, Reason.HARD_BOUNCED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """One reason, with where it came from and since when. An address holds one per scope and reason.

    `timed` tells whether the source named the time; if not, `since` is the look that found it. `word` is the
    vendor's own word, `evidence` names the record, event or page that showed it.
    """

    reason: Reason
    source: str
    since: datetime
    scope: str = ALL
    timed: bool = True
    word: str = ""
    evidence: str = field(default="", compare=False)

    @property
    def key(self) -> tuple[str, Reason]:
        return (self.scope, self.reason)

    @property
    def kind(self) -> Kind:
        return KIND[self.reason]


def liftable(reason: Reason, lift_faults: frozenset[Reason]) -> bool:
    """Whether a confirmed request may lift a suppression of this reason; `lift_faults` is policy."""
    return reason in LIFTABLE_WISHES or (KIND[reason] is Kind.FAULT and reason in lift_faults)
