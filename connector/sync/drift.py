"""Comparing both sides in full (N1): each difference with its cause; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.core.action import Deed
from connector.core.decision import Decision
from connector.core.restriction import Flag
from connector.core.view import View, Word
from connector.sync.plan import Plan

_SHOULD = {
    Deed.RESTRICT: "should be restricted",
    Deed.UNRESTRICT: "should be free again",
    Deed.SUPPRESS: "should be suppressed",
    Deed.UNSUPPRESS: "should be let go",
    Deed.WRITE_LIST: "shows another list status than the e-mail platform",
    Deed.LEAVE_LIST: "should have left the list",
    Deed.ADD_ENTRY: "should stand on the CRM's own list",
    Deed.REMOVE_ENTRY: "should be off the CRM's own list",
    Deed.CLEAR_BOX: "has its request box still ticked",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that is not as it should be: where, what, and why it is so."""

    address: str
    digest: str
    where: str
    what: str
    cause: str


def differences(plan: Plan) -> Iterator[Difference]:
    """Every difference of a plan that read both sides in full."""
    for view, decision, address in plan.decided:
        yield from _actions(view, decision, address)
        yield from _unreadable(view, address)


def _actions(view: View, decision: Decision, address: str) -> Iterator[Difference]:
    learnt = {fact.because for fact in decision.facts if fact.suppression is not None}
    for action in decision.actions:
        if action.deed not in _SHOULD:
            continue
        cause = action.because if not learnt else f"{action.because}; new: {', '.join(sorted(learnt))}"
        where = f"{action.side.value} {action.target}".strip()
        yield Difference(address=address, digest=view.digest, where=where, what=_SHOULD[action.deed], cause=cause)


def _unreadable(view: View, address: str) -> Iterator[Difference]:
    for record in view.records:
        if record.flag is Flag.UNREADABLE and not record.deleted:
            cause = "the field is hidden or holds something nobody can read; it never counts as clear"
            what = "has a restriction that cannot be read"
            yield Difference(address=address, digest=view.digest, where=f"crm {record.ref}", what=what, cause=cause)
    if view.esp.word is Word.UNREADABLE:
        cause = "the platform said something nobody can read; it never counts as subscribed"
        yield Difference(address=address, digest=view.digest, where="esp", what="cannot be read", cause=cause)
