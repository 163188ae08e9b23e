"""What a tenant decided: every choice the rules leave open, with its default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connector.core.suppression import BOUNCES, Reason


class Confirm(StrEnum):
    """When a request lifts: after the person's answer (default), at once from the form, or on an operator's word."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


class LiftAt(StrEnum):
    """When the CRM's restriction goes: in the run that does the rest, or in the suppression sync that follows."""

    ONCE = "once"
    NEXT_SYNC = "next_sync"


class Lift(StrEnum):
    """Which restrictions a confirmed request lifts: any, or only those the sync itself had set."""

    ANY = "any"
    OURS = "ours"


class Cleared(StrEnum):
    """What a block cleared by hand, without proof of the person's wish, means: set it again; or also ask the person."""

    REASSERT = "reassert"
    REQUEST = "request"


class Moved(StrEnum):
    """What a changed address takes along: the person's wishes, nothing, or a question to the operator."""

    FOLLOW_PERSON = "follow_person"
    FOLLOW_ADDRESS = "follow_address"
    ASK = "ask"


class BornRestricted(StrEnum):
    """What a restriction means on a record never seen without it, where the flag's default is true."""

    OPT_OUT = "opt_out"
    IGNORE = "ignore"


class ListsOnLift(StrEnum):
    """What a lift does to list memberships that outlived the block."""

    NONE = "none"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One tenant's choices. Durations are timedeltas, limits are counts of addresses in any 24 hours."""

    confirm: Confirm = Confirm.BEFORE
    lift_at: LiftAt = LiftAt.ONCE
    lift: Lift = Lift.ANY
    lift_faults: frozenset[Reason] = BOUNCES
    faults_restrict: bool = False
    esp_cleared: Cleared = Cleared.REASSERT
    crm_cleared: Cleared = Cleared.REASSERT
    moved: Moved = Moved.FOLLOW_PERSON
    born_restricted: BornRestricted | None = None
    """None where the tenant has not decided: taken for an opt-out, and refused by `check` where the default is true."""
    lists_on_lift: ListsOnLift = ListsOnLift.NONE
    double_opt_in: bool = True
    clock_margin: timedelta = timedelta(minutes=2)
    expire_after: timedelta = timedelta(days=30)
    resend_after: timedelta = timedelta(hours=24)
    mails_per_30_days: int = 3
    unknown_limit: int = 50
    lift_limit: int = 500
    lift_percent: float = 5.0
    lift_floor: int = 10
    confirmed_lift_limit: int = 5000
    permission: str = "Administrative_Data_Management"
    """The CRM permission that a user who ticks the box must hold; empty demands none."""
    ask_whom: str = "your Salesforce administrator"
    """Whom a refusal tells to ask for that permission."""
    entries: bool = False
    """Whether the CRM has a list of suppressions of its own, kept in step with what holds."""
    creates: bool = True
    """Whether a signup creates a record where no record has the address."""
    lists: tuple[str, ...] = ()
    """The lists mapped to CRM fields, by their names at the e-mail platform."""
    flat_lists: frozenset[str] = frozenset()
    """Those of them whose field is a check box: its false cannot tell *left* from *never joined*."""
