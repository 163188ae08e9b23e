"""The way of a request up to its confirmation: expiry, refusal, the names it may lift, and its one mail."""

from __future__ import annotations

from dataclasses import replace

from connector.core.action import Deed, Side
from connector.core.case import Case
from connector.core.policy import Confirm
from connector.core.restriction import Flag
from connector.core.resubscribe import Event, Origin, Request, State
from connector.core.suppression import ALL, Reason
from connector.core.view import Settled

_BY_HAND = frozenset({Origin.TICK, Origin.COMMAND})


def challenge(case: Case) -> None:
    """Expires, refuses, confirms without a mail where policy says so, or asks for the confirmation mail."""
    request = case.request
    if request is None or request.state not in (State.REQUESTED, State.CHALLENGED):
        return
    if case.now >= request.expires_at:
        case.move(Event.EXPIRE, f"nobody confirmed within {case.policy.expire_after.days} days")
        return
    blockers = case.unliftable()
    if blockers:
        reasons = ", ".join(sorted(b.reason.value for b in blockers))
        case.move(Event.REFUSE, f"{reasons} is not lifted by a request; an operator with evidence may")
        return
    if request.state is State.CHALLENGED:
        if request.wanted > request.mails:
            _mail(case, request)
        case.waits.append("the person has not answered the confirmation mail yet")
        return
    if not case.complete:
        case.waits.append("both sides must be read to their ends before the confirmation mail leaves")
        return
    _first(case, replace(request, names=_names(case, request)))


def _names(case: Case, request: Request) -> frozenset[tuple[str, Reason]]:
    scopes = {ALL, *request.lists}
    return frozenset(s.key for s in case.held.values() if s.scope in scopes)


def _first(case: Case, request: Request) -> None:
    """What follows an ask whose names are known: policy's waiver, or the mail."""
    case.save(request)
    waiver = _waiver(case, request)
    if waiver:
        event = Event.FORM_LIFTS if request.origin is Origin.FORM and request.names else Event.WAIVED
        # The ask itself is the word that counts: a stop later than it is newer.
        case.move(event, f"confirmed {waiver}", confirmed_at=min(request.asked_at, case.now), confirmed_by=waiver)
    else:
        _mail(case, request)


def _waiver(case: Case, request: Request) -> str:
    policy = case.policy
    if request.origin is Origin.LINK:
        return "by the resubscribe link in the person's own mailbox"
    if request.origin is Origin.FORM and policy.confirm is Confirm.AFTER:
        return "by the form, as policy after says"
    flagged = any(record.flag is not Flag.CLEAR for record in case.view.records)
    if request.origin is Origin.FORM and not request.names and not flagged and not policy.double_opt_in:
        return "by the form, as policy double_opt_in says"
    if request.origin in _BY_HAND and policy.confirm is Confirm.NONE and request.reason and policy.permission:
        return f"by {request.asked_by or 'an operator'}, who holds the permission, as policy none says"
    return ""


def _mail(case: Case, request: Request) -> None:
    settled = case.act(
        Deed.MAIL,
        Side.MAIL,
        "",
        f"the request {request.id} asks the person",
        evidence=request.id,
        number=request.mails + 1,
        request=request.id,
        values={"mail": request.mails + 1},
    )
    if settled is Settled.ASIDE:
        case.move(Event.REFUSE, "the confirmation mail was refused for good")
