"""The single steps of a lift: each asked for once, in the order of S38, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from connector.core.action import MAY_FAIL, Deed, Side
from connector.core.agreeing import platform_number, record_number
from connector.core.case import Case
from connector.core.lists import ListStatus
from connector.core.note import resubscribed
from connector.core.obstacles import known, listed, standing
from connector.core.policy import ListsOnLift
from connector.core.resubscribe import Event, Request
from connector.core.view import Settled

ALL_CONTACTS = "All contacts"
"""The list that everybody who may be mailed is in (S19)."""


def before_restriction(case: Case, request: Request) -> bool:
    """Asks for every step up to the restriction; whether all of them are done."""
    ended = [*_drops(case, request), *_unsuppress(case, request), *_joins(case, request)]
    return all([*ended, *_records(case, request), *_entries(case, request)])


def _drops(case: Case, request: Request) -> list[bool]:
    """Lists that nobody ticked are left first, so that no old membership outlives the block (S20)."""
    if case.policy.lists_on_lift is ListsOnLift.KEEP or not request.names:
        return []
    kept = {*request.lists, ALL_CONTACTS}
    stale = [n for n, s in case.view.esp.lists.items() if s is ListStatus.SUBSCRIBED and n not in kept]
    return [step(case, request, Deed.DROP_LIST, Side.ESP, name, "former lists are not restored") for name in stale]


def _unsuppress(case: Case, request: Request) -> list[bool]:
    esp = case.view.esp
    if not esp.word.blocks:
        return []
    since = esp.since.isoformat() if esp.since else ""
    reason = esp.reason.value if esp.reason else ""
    because = f"the request {request.id} was confirmed {request.confirmed_by}"
    expects = f"{esp.word.value}|{reason}|{since}"
    number = platform_number(case)
    return [step(case, request, Deed.UNSUPPRESS, Side.ESP, "", because, number=number, expects=expects)]


def _joins(case: Case, request: Request) -> list[bool]:
    joined = case.view.esp.lists
    wanted = [ALL_CONTACTS, *sorted(request.lists - {ALL_CONTACTS})]
    missing = [name for name in wanted if joined.get(name) is not ListStatus.SUBSCRIBED]
    because = {ALL_CONTACTS: "everybody who may be mailed is in it"}
    return [
        step(case, request, Deed.JOIN_LIST, Side.ESP, name, because.get(name, "it was ticked on the form"))
        for name in missing
    ]


def _records(case: Case, request: Request) -> list[bool]:
    records = standing(case)
    if not known(case) and case.policy.creates and case.view.elsewhere is False:
        because = "no record has the address"
        return [step(case, request, Deed.CREATE_RECORD, Side.CRM, "", because, values={"id": request.id})]
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
        ended.append(step(case, request, Deed.WRITE_STATUS, Side.CRM, target, because, values=write))
        ended.append(step(case, request, Deed.WRITE_NOTE, Side.CRM, target, because, values=text))
    return ended


def _entries(case: Case, request: Request) -> list[bool]:
    """The address goes off the CRM's own list; where the request's date stands there, it is written before (S47)."""
    because = f"the request {request.id} was confirmed"
    write = {"request_date": (request.confirmed_at or case.now).isoformat()}
    return [
        step(
            case, request, Deed.REMOVE_ENTRY, Side.CRM, str(entry.ref), because,
            number=record_number(case, entry), expects="set", values=write,
        )
        for entry in listed(case)
    ]  # fmt: skip


def step(
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
    if settled is Settled.ASIDE and deed not in MAY_FAIL:
        case.move(Event.REFUSE, f"the step {deed.value} was refused for good")
    if settled is Settled.HELD:
        case.waits.append(f"the breaker holds {deed.value}; `connector approve` lets it go")
    return settled in (Settled.DONE, Settled.ASIDE)
