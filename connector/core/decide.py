"""The heart: what is right for one address, given all that is known of it. Pure and total; no I/O, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.core.agreeing import agreed_platform, agreed_records
from connector.core.case import Case
from connector.core.challenge import challenge
from connector.core.clearing import cleared
from connector.core.decision import Decision
from connector.core.evidence import weigh
from connector.core.hearing import hear, proven
from connector.core.lifting import lift
from connector.core.policy import Policy
from connector.core.targets import require
from connector.core.ticking import boxes, ticks, unticks
from connector.core.view import View


def decide(view: View, policy: Policy, now: datetime) -> Decision:
    """The whole new state of the address, the deeds it asks for, and why. The same input gives the same answer.

    What people said comes first, in its order; then what the sides show; then the request's way; then what both
    sides must show. A tick asks last, where its record's reading becomes the base, and so asks once. A deed is in the
    answer only while the view does not show it done.
    """
    case = Case(_in_order(view), policy, now)
    hear(case)
    proven(case)
    weigh(case)
    unticks(case)
    cleared(case)
    challenge(case)
    lift(case)
    require(case)
    if ticks(case):
        challenge(case)
    boxes(case)
    decision = case.decision()
    return replace(decision, agreed=agreed_records(case), agreed_esp=agreed_platform(case))


def _in_order(view: View) -> View:
    """The same view with its parts in one order, so that the order of arrival within a run changes nothing (R4)."""
    if max(len(view.records), len(view.arrivals), len(view.suppressions)) < 2:
        return view
    records = sorted(view.records, key=lambda r: r.ref)
    arrivals = sorted(view.arrivals, key=lambda a: (a.ref, a.merged))
    held = sorted(view.suppressions, key=lambda s: s.key)
    return replace(view, records=tuple(records), arrivals=tuple(arrivals), suppressions=tuple(held))
