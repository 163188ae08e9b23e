"""The way of a confirmed request: rules 3, 4, 5, 7 and 8, in the order of S38, decided whole before the first step."""

from __future__ import annotations

from connector.core.action import Deed, Side
from connector.core.agreeing import record_number
from connector.core.case import Case
from connector.core.decision import FactKind
from connector.core.obstacles import refusal, standing, waits
from connector.core.policy import LiftAt
from connector.core.restriction import Flag
from connector.core.resubscribe import Event, Origin, Request, State
from connector.core.steps import before_restriction, step


def lift(case: Case) -> None:
    """Carries a confirmed request as far as the view allows: refuses it, waits, or asks for its next deeds."""
    request = case.request
    if request is None or not request.lifting:
        return
    _decide(case, request)
    if case.request and case.request.state is State.REFUSED:
        case.actions[:] = [a for a in case.actions if a.request != request.id]


def _decide(case: Case, request: Request) -> None:
    forbidden = refusal(case, request)
    if forbidden:
        case.move(Event.REFUSE, forbidden)
        return
    missing = waits(case)
    if missing:
        case.waits += missing
        return
    done = before_restriction(case, request)
    if done:
        case.move(Event.STEPS_DONE, "every step before the restriction is done")
    if case.policy.lift_at is LiftAt.ONCE or case.view.lifts_restrictions:
        _restriction(case, request)
    elif done:
        case.waits.append("the restriction is lifted by the next sync")
    if request.origin is Origin.LINK or request.confirmed_by.startswith("by the form"):
        because = "the one mail of this resubscription"
        case.act(Deed.NOTICE, Side.MAIL, "", because, evidence=request.id, request=request.id)


def _restriction(case: Case, request: Request) -> None:
    """Lifts the flag on every record at once; once all are clear the request is complete and its names are lifted."""
    set_ones = [r for r in standing(case) if r.flag is Flag.SET]
    because = f"the request {request.id} was confirmed {request.confirmed_by}"
    for r in set_ones:
        number = r.agreed_number if r.moved else record_number(case, r)
        step(case, request, Deed.UNRESTRICT, Side.CRM, str(r.ref), because, number=number, expects="set")
    state = case.request.state if case.request else State.REFUSED
    if not set_ones and state is State.COMPLETING:
        for key in sorted(request.names):
            case.drop(key, FactKind.LIFTED, because)
        for name in sorted(request.lists):
            for held in case.holds(name):
                case.drop(held.key, FactKind.LIFTED, f"the person ticked the list {name}")
        case.move(Event.LIFTED, "no restriction stands any more")
