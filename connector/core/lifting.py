"""The way of a confirmed request: rules 3, 4, 5, 7 and 8, in the order of S38, decided whole before the first step."""

from __future__ import annotations

from collections.abc import Mapping

from connector.core.action import Deed, Side
from connector.core.case import Case
from connector.core.decision import FactKind
from connector.core.lists import ListStatus
from connector.core.note import resubscribed
from connector.core.obstacles import refusal, standing, waits
from connector.core.policy import LiftAt, ListsOnLift
from connector.core.restriction import Flag
from connector.core.resubscribe import Event, Origin, Request, State
from connector.core.view import Settled

ALL_CONTACTS = "All contacts"
"""The list that everybody who may be mailed is in (S19)."""


def lift(case: Case) -> None:
    """Carries a confirmed request as far as the view allows: refuses it, waits, or asks for its next deeds."""
    request = case.request
    if request is None or not request.lifting:
        return
    forbidden = refusal(case, request)
    if forbidden:
        case.move(Event.REFUSE, forbidden)
        return
    missing = waits(case)
    if missing:
        case.waits += missing
        return
    done = _before_restriction(case, request)
    if case.request is None or not case.request.lifting:
        return
    if done:
        case.move(Event.STEPS_DONE, "every step before the restriction is done")
    if done or case.policy.lift_at is LiftAt.ONCE or case.view.lifts_restrictions:
        _restriction(case, request)
    if request.origin is Origin.LINK or request.confirmed_by.startswith("by the form"):
        case.act(Deed.NOTICE, Side.MAIL, "", "the one mail of this resubscription", request=request.id)


def _before_restriction(case: Case, request: Request) -> bool:
    """Asks for every step up to the restriction; whether all of them are done."""
    ended = [*_drops(case, request), *_unsuppress(case, request), *_joins(case, request), *_records(case, request)]
    return all(ended)


def _drops(case: Case, request: Request) -> list[bool]:
    """Lists that nobody ticked are left first, so that no old membership outlives the block (S20)."""
    if case.policy.lists_on_lift is ListsOnLift.KEEP or not request.names:
        return []
    kept = {*request.lists, ALL_CONTACTS}
    stale = [n for n, s in case.view.esp.lists.items() if s is ListStatus.SUBSCRIBED and n not in kept]
    return [_step(case, request, Deed.DROP_LIST, Side.ESP, name, "former lists are not restored") for name in stale]


def _unsuppress(case: Case, request: Request) -> list[bool]:
    esp = case.view.esp
    if not esp.word.blocks:
        return []
    since = esp.since.isoformat() if esp.since else ""
    reason = esp.reason.value if esp.reason else ""
    because = f"the request {request.id} was confirmed {request.confirmed_by}"
    expects = f"{esp.word.value}|{reason}|{since}"
    return [_step(case, request, Deed.UNSUPPRESS, Side.ESP, "", because, number=esp.agreed_number, expects=expects)]


def _joins(case: Case, request: Request) -> list[bool]:
    joined = case.view.esp.lists
    wanted = [ALL_CONTACTS, *sorted(request.lists - {ALL_CONTACTS})]
    missing = [name for name in wanted if joined.get(name) is not ListStatus.SUBSCRIBED]
    because = {ALL_CONTACTS: "everybody who may be mailed is in it"}
    return [
        _step(case, request, Deed.JOIN_LIST, Side.ESP, name, because.get(name, "it was ticked on the form"))
        for name in missing
    ]


def _records(case: Case, request: Request) -> list[bool]:
    records = standing(case)
    if not records and case.policy.creates and case.view.elsewhere is False:
        because = "no record has the address"
        return [_step(case, request, Deed.CREATE_RECORD, Side.CRM, "", because, values={"id": request.id})]
    if not request.names:
        return []
    confirmed = (request.confirmed_at or case.now).isoformat()
    note = resubscribed(request, case.now)
    because = f"the request {request.id} was confirmed"
    write = {"status": note[:255], "request_date": confirmed}
    text = {"title": "Resubscribed", "text": note}
    ended = []
    for record in records:
        target = str(record.ref)
        ended.append(_step(case, request, Deed.WRITE_STATUS, Side.CRM, target, because, values=write))
        ended.append(_step(case, request, Deed.WRITE_NOTE, Side.CRM, target, because, values=text))
    return ended


def _restriction(case: Case, request: Request) -> None:
    """Lifts the flag on every record at once; once all are clear the request is complete and its names are lifted."""
    set_ones = [r for r in standing(case) if r.flag is Flag.SET]
    because = f"the request {request.id} was confirmed {request.confirmed_by}"
    for r in set_ones:
        _step(case, request, Deed.UNRESTRICT, Side.CRM, str(r.ref), because, number=r.agreed_number, expects="set")
    state = case.request.state if case.request else State.REFUSED
    if not set_ones and state is State.COMPLETING:
        for key in sorted(request.names):
            case.drop(key, FactKind.LIFTED, because)
        for name in sorted(request.lists):
            for held in case.holds(name):
                case.drop(held.key, FactKind.LIFTED, f"the person ticked the list {name}")
        case.move(Event.LIFTED, "no restriction stands any more")


def _step(
    case: Case,
    request: Request,
    deed: Deed,
    side: Side,
    target: str,
    because: str,
    *,
    number: int = 0,
    expects: str = "",
    values: Mapping[str, str] | None = None,
) -> bool:
    """Asks for one deed of the request; whether it is settled. One that a side refuses for good ends the request."""
    settled = case.act(
        deed,
        side,
        target,
        because,
        evidence=request.id,
        number=number,
        request=request.id,
        expects=expects,
        values=values,
    )
    if settled is Settled.ASIDE and deed in _DECISIVE:
        case.move(Event.REFUSE, f"the step {deed.value} was refused for good")
    return settled in (Settled.DONE, Settled.ASIDE)


_DECISIVE = frozenset({Deed.UNSUPPRESS, Deed.DROP_LIST, Deed.JOIN_LIST, Deed.UNRESTRICT})
