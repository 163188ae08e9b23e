"""Taking one piece of evidence in, and what a newer stop does to the request: rules 1 and 3."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.core.case import Case
from connector.core.resubscribe import Event, Request, State
from connector.core.said import Kind as Says
from connector.core.suppression import ALL, COMPLAINTS, Kind, Suppression, liftable

REJECTED_UNTIL = timedelta(days=30)
"""How long after its end a completed request is still rejected by a complaint (corner case 2)."""


def take(case: Case, new: Suppression, because: str) -> bool:
    """Adds evidence of one side and lets it act on the request; False where it changes nothing.

    Evidence with a time of its own is judged although one without, dated by the look that found it, seems later.
    """
    old = case.held.get(new.key)
    dated = old is not None and new.timed and not old.timed
    moves = len(case.moves)
    added = case.add(new, because)
    if (added or dated) and case.request is not None:
        _judge(case, case.request, new, because)
    return added or len(case.moves) > moves


def _judge(case: Case, request: Request, new: Suppression, because: str) -> None:
    if new.scope != ALL:
        if request.open and new.scope in request.lists and _newer(case, request, new):
            leave(case, request, new.scope)
    elif new.reason in COMPLAINTS:
        complain(case, new.since, f"a complaint came in: {because}")
    elif not request.open:
        pass
    elif not _newer(case, request, new):
        case.save(replace(request, names=request.names | {new.key}))
    elif new.kind is Kind.WISH:
        case.move(Event.OPT_OUT, f"a newer stop: {because}")
    elif new.kind is Kind.FAULT and request.state is not State.REQUESTED:
        case.move(Event.REFUSE, f"the mail did not arrive: {because}")


def leave(case: Case, request: Request, name: str) -> None:
    """A newer stop for one list: the request goes on without it."""
    names = frozenset(key for key in request.names if key[0] != name)
    case.save(replace(request, lists=request.lists - {name}, names=names))


def complain(case: Case, at: datetime, because: str) -> None:
    """A complaint rejects the request that it came from, a completed one too, if that ended not long ago."""
    request = case.request
    if request and request.state is State.COMPLETED and request.ended_at and at - request.ended_at > REJECTED_UNTIL:
        return
    case.move(Event.COMPLAINT, because)


def answered(case: Case, stop: Suppression) -> bool:
    """Whether a stop was said before the person's last confirmation at this address; inside the margin it was not."""
    confirmed = case.view.last_confirmed_at
    lifted = stop.timed and liftable(stop.reason, case.policy.lift_faults)
    return lifted and confirmed is not None and stop.since <= confirmed - case.policy.clock_margin


def named(case: Case, stop: Suppression) -> bool:
    """Whether the latest request, confirmed later than the stop, named it: it is lifted or on its way out."""
    request = case.request
    if request is None or request.confirmed_at is None or stop.since > request.confirmed_at:
        return False
    return stop.key in request.names and (request.lifting or request.state is State.COMPLETED)


def _newer(case: Case, request: Request, new: Suppression) -> bool:
    """Whether evidence is later than what the person answered to. Inside the margin of two clocks the stop wins."""
    margin = case.policy.clock_margin
    if request.state is State.REQUESTED:
        if new.timed:
            return new.since > request.asked_at - margin
        # A flag without a time, first read now, stood when the person asked; unless the person has answered a mail
        # whose leaving is not recorded yet.
        return any(said.kind is Says.CONFIRM and said.request == request.id for said in case.view.said)
    answered = [moment for moment in (request.mailed_at, request.confirmed_at) if moment]
    return not new.timed or new.since > min(answered, default=request.asked_at) - margin
