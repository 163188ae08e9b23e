"""Starting a request: who may ask, what joins an open one, and what is refused at once and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.core.action import action_key
from connector.core.case import Case
from connector.core.decision import Fact, FactKind
from connector.core.note import how
from connector.core.restriction import Flag
from connector.core.resubscribe import Event, Origin, Request, State
from connector.core.said import Said
from connector.core.suppression import Kind as Sort
from connector.core.suppression import Suppression
from connector.core.view import Word

_CLERKS = frozenset({Origin.TICK, Origin.COMMAND, Origin.CLEARED})


def request_id(tenant: str, digest: str, key: str) -> str:
    """The id of the request that an ask with this key starts: the same, however often the ask arrives."""
    return action_key(tenant, digest, "request", key)


def ask(case: Case, said: Said, refusal: str = "") -> bool:
    """Opens a request, joins the open one, or refuses; False where the same ask was answered before."""
    open_one = case.request
    if open_one and open_one.evidence == said.key:
        return False
    if open_one and open_one.open:
        return not refusal and _join(case, open_one, said)
    request = Request(
        id=request_id(case.view.tenant, case.view.digest, said.key),
        state=State.REQUESTED,
        origin=said.origin,
        asked_by=said.by,
        asked_at=said.at,
        expires_at=said.at + case.policy.expire_after,
        reason=said.why,
        evidence=said.key,
        lists=said.lists,
    )
    case.save(request)
    by = f" ({said.by})" if said.by else ""
    case.facts.append(
        Fact(kind=FactKind.ASKED, because=f"asked {how(said.origin)}{by}", values={"request": request.id})
    )
    refusal = refusal or _refusal(case, said)
    if refusal:
        case.move(Event.REFUSE, refusal)
    later = [s for s in case.holds() if _later(case, s, said)]
    if later and said.origin is not Origin.ESP:
        case.move(Event.OPT_OUT, f"a stop later than the ask: {later[0].reason.value} from {later[0].source}")
    return True


def _later(case: Case, held: Suppression, said: Said) -> bool:
    """Whether a stop came after the ask; what a tick meets of another clock just now wins the margin."""
    one_clock = held.source == said.source or held in case.view.suppressions or said.origin is not Origin.TICK
    margin = timedelta(0) if one_clock else case.policy.clock_margin
    return held.kind is Sort.WISH and held.timed and held.since > said.at - margin


def _join(case: Case, request: Request, said: Said) -> bool:
    """A second ask adds its lists; the person's own, after a while, has the mail sent once more."""
    joined = replace(request, lists=request.lists | said.lists)
    if said.origin is Origin.FORM and request.state is State.CHALLENGED and may_resend(case, request, said.at):
        joined = replace(joined, wanted=request.mails + 1)
        because = "asked again by the signup form"
        case.facts.append(Fact(kind=FactKind.ASKED, because=because, values={"request": request.id}))
    case.save(joined)
    return joined != request


def may_resend(case: Case, request: Request, at: datetime) -> bool:
    """Whether one more mail of a request may leave: the last one long enough ago, and not too many in 30 days."""
    waited = request.mailed_at is not None and at >= request.mailed_at + case.policy.resend_after
    return waited and request.wanted <= request.mails and len(case.view.mails) < case.policy.mails_per_30_days


def _refusal(case: Case, said: Said) -> str:
    policy = case.policy
    if said.origin is Origin.TICK and policy.permission and said.allowed is not True:
        name = policy.permission.replace("_", " ")
        who = said.by or "nobody that the field history names"
        return f"Re-Subscribe needs the permission {name}; it was asked by {who}. Ask {policy.ask_whom} for it"
    if said.origin is Origin.COMMAND and not said.why.strip():
        return "a resubscribe by hand needs the person's recorded request as its reason"
    if said.origin in _CLERKS and not _blocked(case):
        return "there is nothing to lift: the address is not suppressed"
    if said.origin is not Origin.ESP and len(case.view.mails) >= policy.mails_per_30_days:
        return f"{policy.mails_per_30_days} confirmation mails went to this address in the last 30 days"
    return ""


def _blocked(case: Case) -> bool:
    """Whether anything stands to be lifted; what a side shows counts although nobody has weighed it yet."""
    flagged = any(record.flag is Flag.SET for record in case.view.records)
    return bool(case.holds()) or case.view.esp.word is Word.SUPPRESSED or flagged
