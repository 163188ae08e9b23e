"""The breaker: too many lifts in a day stop and ask (N9), and so do too many words nobody knows (rule 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.core.action import LIFTS, Action, Deed
from connector.core.decision import Decision
from connector.core.policy import Policy
from connector.core.view import View
from connector.ports.store import LiftRoom

_PERSONS = ("by the person", "by the resubscribe link", "by the e-mail platform", "by the form")


@dataclass(kw_only=True)
class Breaker:
    """Counts addresses as they are decided; blocks for known reasons are never held."""

    policy: Policy
    room: LiftRoom
    held: int = 0

    def __post_init__(self) -> None:
        share = int(self.room.suppressed * self.policy.lift_percent / 100)
        limit = max(min(self.policy.lift_limit, share), self.policy.lift_floor)
        self.other = limit - self.room.other
        self.confirmed = self.policy.confirmed_lift_limit - self.room.confirmed
        self.unknown = self.policy.unknown_limit - self.room.unknown

    def hold(self, decided: Sequence[tuple[View, Decision]]) -> frozenset[str]:
        """The keys of the actions that must wait for an approval."""
        keys: set[str] = set()
        for view, decision in decided:
            keys.update(self._address(view, decision))
        return frozenset(keys)

    def _address(self, view: View, decision: Decision) -> list[str]:
        lifts = [a for a in decision.actions if a.deed in LIFTS and a.key not in view.settled]
        unknown = [a for a in decision.actions if _unknown(a) and a.key not in view.settled]
        held: list[str] = []
        if lifts and not self._spend_lift(view, decision):
            held += [a.key for a in lifts]
        if unknown:
            self.unknown -= 1
            held += [a.key for a in unknown] if self.unknown < 0 else []
        self.held += bool(held)
        return held

    def _spend_lift(self, view: View, decision: Decision) -> bool:
        request = decision.requests[-1] if decision.requests else view.request
        if request and request.confirmed_by.startswith(_PERSONS):
            self.confirmed -= 1
            return self.confirmed >= 0
        self.other -= 1
        return self.other >= 0


def _unknown(action: Action) -> bool:
    return action.deed in (Deed.SUPPRESS, Deed.RESTRICT) and action.values.get("kind") == "unknown"
