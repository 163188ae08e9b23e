"""A block cleared by hand, which policy may take for a wish to ask the person about: rule 6."""

from __future__ import annotations

from connector.core.action import Deed, Side
from connector.core.agreeing import entry_number
from connector.core.asking import ask
from connector.core.case import Case
from connector.core.obstacles import listed
from connector.core.policy import Cleared
from connector.core.restriction import Flag
from connector.core.resubscribe import Origin
from connector.core.said import Kind, Said
from connector.core.suppression import Reason


def cleared(case: Case) -> None:
    """Under policy `request`, a block cleared by hand also asks the person, once per clearing."""
    keys = [*_records(case), *_platform(case)]
    asked = case.request and (case.request.open or case.request.evidence in keys)
    if keys and case.holds() and not asked:
        said = Said(kind=Kind.ASK, key=keys[0], at=case.now, source="sync", origin=Origin.CLEARED, allowed=True)
        ask(case, said)


def _records(case: Case) -> list[str]:
    if case.policy.crm_cleared is not Cleared.REQUEST:
        return []
    cleared = [
        record
        for record in case.view.people
        if record.agreed is Flag.SET
        and record.flag is Flag.CLEAR
        and not record.deleted
        and not _promised(case, Deed.RESTRICT, Side.CRM, str(record.ref), record.agreed_number)
    ]
    if not listed(case) and not _promised(case, Deed.ADD_ENTRY, Side.CRM, "", entry_number(case)):
        cleared += [entry for entry in case.view.entries if entry.removed]
    return [f"cleared/{record.ref}/{record.agreed_number}" for record in cleared]


def _platform(case: Case) -> list[str]:
    esp = case.view.esp
    by_hand = esp.lost_block and esp.resubscribed_at is None and case.policy.esp_cleared is Cleared.REQUEST
    if not by_hand or _promised(case, Deed.SUPPRESS, Side.ESP, "", esp.agreed_number):
        return []
    return [f"cleared/esp/{esp.agreed_number}"]


def _promised(case: Case, deed: Deed, side: Side, target: str, number: int) -> bool:
    """Whether the block was promised again before, and so the person asked; it may be owed or refused still."""
    return any(case.key(deed, side, target, reason, number) in case.view.settled for reason in Reason)
