"""What people and the platform say through the inbox, in the order in which it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from connector.core.asking import ask, may_resend
from connector.core.case import Case
from connector.core.decision import Fact, FactKind
from connector.core.resubscribe import Event, Origin, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, Reason, Suppression
from connector.core.taking import answered, complain, leave, take


def hear(case: Case) -> None:
    """Applies every inbox row; a row that changes nothing is told to the ledger."""
    for said in case.view.said:
        request = case.request
        if said.kind is Kind.CONFIRM and request and request.id == said.request and request.state is State.REQUESTED:
            # Its mail left and the record of that is still owed: the answer waits for it in the inbox.
            continue
        case.heard.append(said.key)
        if not _HANDLERS[said.kind](case, said):
            because = f"{said.kind.value} from {said.source} changes nothing"
            case.facts.append(Fact(kind=FactKind.HEARD, because=because, values={"said": said.kind.value}))


def _stop(case: Case, said: Said) -> bool:
    stop = Suppression(
        reason=said.reason, scope=said.scope, source=said.source, since=said.at, evidence=f"inbox/{said.key}"
    )
    if said.source == "esp":
        if answered(case, stop):
            return False
        return take(case, stop, "the e-mail platform reports an unsubscribe")
    added = case.add(stop, f"the person said stop ({said.source})")
    request = case.request
    if request is None or not request.open:
        return added
    if said.scope == ALL:
        return case.move(Event.OPT_OUT, f"the person said stop ({said.source})") or added
    leave(case, request, said.scope)
    return added


def _complaint(case: Case, said: Said) -> bool:
    reason = said.reason if said.reason is Reason.COMPLAINED else Reason.ABUSE
    because = f"the person reported abuse ({said.source})"
    case.facts.append(Fact(kind=FactKind.ABUSE, because=because, values={"request": said.request}))
    case.add(
        Suppression(reason=reason, source=said.source, since=said.at, evidence=f"inbox/{said.key}"),
        because,
    )
    complain(case, said.at, because)
    return True


def _confirm(case: Case, said: Said) -> bool:
    request = case.request
    if request is None or request.id != said.request or said.at >= request.expires_at:
        return False
    by = "by the person's answer to the mail"
    return case.move(Event.CONFIRM, "the person confirmed", confirmed_at=said.at, confirmed_by=by)


def _cancel(case: Case, said: Said) -> bool:
    if case.request is None or (said.request and case.request.id != said.request):
        return False
    return case.move(Event.CANCEL, f"cancelled by {said.by or said.source}: {said.why or 'no reason given'}")


def _resend(case: Case, said: Said) -> bool:
    request = case.request
    if request is None or request.state is not State.CHALLENGED or request.id != said.request:
        return False
    if not may_resend(case, request, said.at):
        return False
    case.save(replace(request, wanted=request.mails + 1))
    because = f"another mail was asked for by {said.by or said.source}"
    case.facts.append(Fact(kind=FactKind.ASKED, because=because, values={"request": request.id}))
    return True


_HANDLERS: dict[Kind, Callable[[Case, Said], bool]] = {
    Kind.STOP: _stop,
    Kind.COMPLAINT: _complaint,
    Kind.ASK: ask,
    Kind.CONFIRM: _confirm,
    Kind.CANCEL: _cancel,
    Kind.RESEND: _resend,
}


def proven(case: Case) -> None:
    """A resubscribe made at the platform, which its adapter can prove of the person (S21), is a confirmation.

    It answers what was said before it: at the platform itself by the same clock, elsewhere the stop wins the margin.
    """
    esp = case.view.esp
    if esp.resubscribed_at is None or not case.holds():
        return
    because = "the person resubscribed at the e-mail platform"
    given = min(esp.resubscribed_at, case.now)
    values = {
        "confirmed_at": given,
        "confirmed_by": "by the e-mail platform's proven word",
        "names": frozenset(s.key for s in case.holds() if _answers(case, s, given)),
    }
    if case.request is None or not case.request.open:
        key = f"proven/{esp.agreed_number}"
        ask(case, Said(kind=Kind.ASK, key=key, at=given, source="esp", origin=Origin.ESP, allowed=True))
    case.move(Event.PROVEN, because, **values)


def _answers(case: Case, held: Suppression, given: datetime) -> bool:
    return held.since <= given - (timedelta(0) if held.source == "esp" else case.policy.clock_margin)
