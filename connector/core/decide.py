"""The heart: what is right for one address, given all that is known of it. Pure and total; no I/O, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.core.action import Deed, Side
from connector.core.asking import cleared, ticks
from connector.core.case import Case
from connector.core.challenge import challenge
from connector.core.decision import Decision
from connector.core.evidence import weigh
from connector.core.hearing import hear, proven
from connector.core.lifting import lift
from connector.core.policy import Moved, Policy
from connector.core.restriction import Flag, Ref
from connector.core.targets import require
from connector.core.view import Record, View, Word


def decide(view: View, policy: Policy, now: datetime) -> Decision:
    """The whole new state of the address, the deeds it asks for, and why. The same input gives the same answer.

    What people said comes first, in its order; then what the sides show; then the request's way; last what both
    sides must show. A deed is in the answer only while the view does not show it done.
    """
    case = Case(view, policy, now)
    hear(case)
    proven(case)
    weigh(case)
    ticks(case)
    cleared(case)
    challenge(case)
    lift(case)
    require(case)
    decision = case.decision()
    return replace(decision, agreed=_agreed(case), agreed_esp=_agreed_esp(case))


def _agreed(case: Case) -> tuple[Ref, ...]:
    """Records whose reading becomes the base of the next merge: all that is new, save what we are about to change."""
    overwritten = {a.target for a in case.actions if a.deed is Deed.RESTRICT}
    return tuple(r.ref for r in case.view.records if _news(r) and str(r.ref) not in overwritten and _settled(case, r))


def _news(record: Record) -> bool:
    return (
        record.flag is not record.agreed
        or record.box != record.agreed_box
        or dict(record.lists) != dict(record.agreed_lists)
        or record.moved
        or record.gone
        or bool(record.flag_at and record.flag_at != record.agreed_flag_at)
    )


def _settled(case: Case, record: Record) -> bool:
    if record.flag is Flag.UNREADABLE or (record.box and record.tick is None):
        return False
    if record.moved:
        waiting = case.policy.moved is Moved.ASK and case.view.arrivals
        unlifted = any(a.target == str(record.ref) and a.deed is Deed.UNRESTRICT for a in case.actions)
        return case.complete and not waiting and not unlifted
    return True


def _agreed_esp(case: Case) -> bool:
    esp = case.view.esp
    news = (
        esp.word is not esp.agreed
        or (esp.word is Word.SUPPRESSED and (esp.reason is not esp.agreed_reason or esp.since != esp.agreed_since))
        or dict(esp.lists) != dict(esp.agreed_lists)
    )
    pending = any(a.side is Side.ESP and a.deed is Deed.SUPPRESS for a in case.actions)
    absent_new = esp.word is Word.ABSENT and esp.agreed is None
    return news and not pending and not absent_new and esp.word is not Word.UNREADABLE
