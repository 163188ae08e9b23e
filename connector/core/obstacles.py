"""What forbids a lift, and what it must wait for: rules 4, 5 and 7."""

from __future__ import annotations

from connector.core.case import Case
from connector.core.policy import Lift
from connector.core.restriction import Access, Flag
from connector.core.resubscribe import Request
from connector.core.suppression import liftable
from connector.core.view import Cause, Record, Word


def refusal(case: Case, request: Request) -> str:
    """Why a confirmed request must be refused before its first step, in plain words; empty if nothing forbids it."""
    policy = case.policy
    for held in case.holds():
        if not liftable(held.reason, policy.lift_faults):
            return f"{held.reason.value} is not lifted by a request; an operator with evidence may"
        if held.key not in request.names:
            return f"a suppression came in that the person did not answer to: {held.reason.value}"
    for record in (*standing(case), *listed(case)):
        if record.flag is Flag.SET and record.access is Access.REFUSING:
            return f"{record.ref} refuses to be written"
        if record.flag is Flag.SET and policy.lift is Lift.OURS and record.cause is Cause.NONE:
            what = f"the entry {record.ref}" if record.ref.is_entry else f"the restriction on {record.ref}"
            return f"{what} was not set by the sync, and policy lifts only those"
    return ""


def waits(case: Case) -> list[str]:
    """What must be read before a lift can be decided: unreadable and unread never lift (rule 4)."""
    found = []
    if not case.view.settles_moves:
        found.append("the news of other addresses are heard first: a record may come from one")
    if not case.view.crm_complete:
        found.append("the CRM was not read to its end")
    if not case.view.esp_complete or case.view.esp.word is Word.UNREADABLE:
        found.append("the e-mail platform was not read to its end")
    elif not case.view.esp.fresh:
        found.append("the e-mail platform was not asked for this address yet")
    for record in (*standing(case), *listed(case)):
        if record.flag is Flag.UNREADABLE:
            found.append(f"the restriction of {record.ref} cannot be read")
        elif not record.fresh:
            found.append(f"{record.ref} was not read in this run")
    if not known(case) and case.view.elsewhere is None and case.policy.creates:
        found.append("nobody looked yet whether another record has the address")
    return found


def known(case: Case) -> bool:
    """Whether the CRM has a record of the address, be it one that takes no writes (a converted lead)."""
    return any(not record.deleted for record in case.view.people)


def standing(case: Case) -> list[Record]:
    """The records that a lift has to reach; deleted and read-only ones are evidence alone."""
    return [r for r in case.view.people if r.counts]


def listed(case: Case) -> list[Record]:
    """The entries of the address that stand on the CRM's own list."""
    return [r for r in case.view.entries if r.counts]
