"""Taking one piece of evidence in, and what a newer stop does to the open request: rules 1 and 3."""

from __future__ import annotations

from dataclasses import replace

from connector.core.case import Case
from connector.core.resubscribe import Event, State
from connector.core.suppression import ALL, COMPLAINTS, Kind, Suppression


def take(case: Case, new: Suppression, because: str) -> bool:
    """Adds evidence of one side and lets it act on the open request; False where it is nothing new."""
    if not case.add(new, because):
        return False
    request = case.request
    if request is None or not request.open:
        return True
    if new.scope != ALL:
        if new.scope in request.lists and (not new.timed or _newer(case, new)):
            case.save(replace(request, lists=request.lists - {new.scope}))
        return True
    if new.reason in COMPLAINTS:
        case.move(Event.COMPLAINT, f"a complaint came in: {because}")
    elif not _newer(case, new):
        case.save(replace(request, names=request.names | {new.key}))
    elif new.kind is Kind.WISH:
        case.move(Event.OPT_OUT, f"a newer stop: {because}")
    elif request.state is not State.REQUESTED:
        case.move(Event.REFUSE, f"the mail did not arrive: {because}")
    return True


def _newer(case: Case, new: Suppression) -> bool:
    """Whether evidence is later than what the person answered to. Inside the margin of two clocks the stop wins."""
    request = case.request
    assert request is not None
    if request.state is State.REQUESTED:
        # A flag without a time, first read now, stood when the person asked.
        return new.timed and new.since > request.asked_at - case.policy.clock_margin
    bar = request.mailed_at or request.confirmed_at or request.asked_at
    return not new.timed or new.since > bar - case.policy.clock_margin
