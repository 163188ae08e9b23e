"""A request's life: its states, its one table of transitions, and what a request remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.core.suppression import Reason


class State(StrEnum):
    """Where a request stands; the last six are ends."""

    REQUESTED = "requested"
    CHALLENGED = "challenged"
    CONFIRMED = "confirmed"
    COMPLETING = "completing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"


class Event(StrEnum):
    """What can happen to a request."""

    MAILED = "mailed"
    PROVEN = "proven"
    WAIVED = "waived"
    FORM_LIFTS = "form_lifts"
    CONFIRM = "confirm"
    STEPS_DONE = "steps_done"
    LIFTED = "lifted"
    CANCEL = "cancel"
    COMPLAINT = "complaint"
    OPT_OUT = "opt_out"
    EXPIRE = "expire"
    REFUSE = "refuse"


class Origin(StrEnum):
    """Who asked, and through which door."""

    FORM = "form"
    LINK = "link"
    TICK = "tick"
    COMMAND = "command"
    ESP = "esp"
    CLEARED = "cleared"


OPEN = frozenset({State.REQUESTED, State.CHALLENGED, State.CONFIRMED, State.COMPLETING})
LIFTING = frozenset({State.CONFIRMED, State.COMPLETING})

_R, _C, _F, _G = State.REQUESTED, State.CHALLENGED, State.CONFIRMED, State.COMPLETING

TRANSITIONS: dict[tuple[State, Event], State] = {
    (_R, Event.MAILED): State.CHALLENGED,
    (_R, Event.PROVEN): State.CONFIRMED,
    (_R, Event.WAIVED): State.CONFIRMED,
    (_R, Event.FORM_LIFTS): State.CONFIRMED,
    (_C, Event.PROVEN): State.CONFIRMED,
    (_C, Event.CONFIRM): State.CONFIRMED,
    (_F, Event.STEPS_DONE): State.COMPLETING,
    (_G, Event.LIFTED): State.COMPLETED,
    **{(s, Event.CANCEL): State.CANCELLED for s in (_R, _C, _F)},
    **{(s, Event.COMPLAINT): State.REJECTED for s in (_C, _F, _G, State.COMPLETED)},
    **{(s, Event.OPT_OUT): State.WITHDRAWN for s in (_R, _C, _F, _G)},
    **{(s, Event.EXPIRE): State.EXPIRED for s in (_R, _C)},
    **{(s, Event.REFUSE): State.REFUSED for s in (_R, _C, _F, _G)},
}
"""Every pair that is not here changes nothing: an event from outside is never an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One wish to resubscribe. Times are aware; `names` are the suppressions that it may lift.

    `wanted` and `mails` count its mails: those that should leave (a recorded resend wants one more), those that left.
    """

    id: str
    state: State
    origin: Origin
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    reason: str = ""
    evidence: str = ""
    names: frozenset[tuple[str, Reason]] = frozenset()
    lists: frozenset[str] = frozenset()
    wanted: int = 1
    mails: int = 0
    mailed_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: str = ""
    ended_at: datetime | None = None
    why: str = ""
    in_doubt: bool = False

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def lifting(self) -> bool:
        return self.state in LIFTING


def after(state: State, event: Event) -> State:
    """The state that follows; the same state where the table has no row for the pair."""
    return TRANSITIONS.get((state, event), state)
