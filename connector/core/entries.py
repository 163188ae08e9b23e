"""The CRM's own list of suppressions: an address stands on it as long as something holds, faults included."""

from __future__ import annotations

from connector.core.action import Deed, Side, Value
from connector.core.agreeing import entry_number
from connector.core.case import Case
from connector.core.obstacles import listed
from connector.core.restriction import Flag
from connector.core.suppression import Suppression
from connector.core.view import Cause


def require_entry(case: Case, stands: list[Suppression], values: dict[str, Value]) -> None:
    """Asks for the entry of an address with suppressions in force (`values` tell them), where none stands.

    One that the sync had added for a fault goes when the fault is withdrawn.
    """
    entries = listed(case)
    if stands and not entries and case.policy.entries:
        removed = any(entry.removed for entry in case.view.entries)
        because = f"{stands[0].reason.value} since {stands[0].since:%Y-%m-%d %H:%M} UTC, from {stands[0].source}"
        because = f"taken off the CRM's list without a request, put back: {because}" if removed else because
        case.act(
            Deed.ADD_ENTRY, Side.CRM, "", because, evidence=stands[0].reason, number=entry_number(case),
            values={"cleared": removed, **values},
        )  # fmt: skip
    if case.holds() or not case.complete or (case.request and case.request.lifting):
        return
    for entry in entries:
        if entry.agreed is Flag.SET and entry.cause is Cause.FAULT:
            because = "the fault for which the sync had set it was withdrawn"
            case.act(
                Deed.REMOVE_ENTRY, Side.CRM, str(entry.ref), because, evidence="withdrawn",
                number=entry.agreed_number, expects="set",
            )  # fmt: skip
