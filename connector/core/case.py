"""The scratch pad of one decision: what `decide` has concluded so far. Lives for one call, is seen by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.core.action import Action, Deed, Side, Value, action_key
from connector.core.decision import Decision, Fact, FactKind, Move
from connector.core.policy import Policy
from connector.core.resubscribe import Event, Request, State, after
from connector.core.suppression import ALL, Reason, Suppression, liftable
from connector.core.view import Settled, View


class Case:
    """Collects facts, moves and actions while the rules are applied in turn."""

    def __init__(self, view: View, policy: Policy, now: datetime) -> None:
        self.view = view
        self.policy = policy
        self.now = now
        self.held: dict[tuple[str, Reason], Suppression] = {s.key: s for s in view.suppressions}
        self.request: Request | None = view.request
        self.changed: dict[str, Request] = {}
        self.moves: list[Move] = []
        self.actions: list[Action] = []
        self.facts: list[Fact] = []
        self.heard: list[str] = []
        self.waits: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether this run read both sides to their ends."""
        return self.view.crm_complete and self.view.esp_complete

    def holds(self, scope: str = ALL) -> list[Suppression]:
        """The suppressions of one scope that stand now."""
        return [s for s in self.held.values() if s.scope == scope]

    def unliftable(self) -> list[Suppression]:
        """Suppressions of all mail that no request may lift under this policy."""
        return [s for s in self.holds() if not liftable(s.reason, self.policy.lift_faults)]

    def add(self, new: Suppression, because: str) -> bool:
        """Takes a suppression in; False where it says nothing that is not held already.

        Nothing happened later than the look that found it, whatever a side's clock says.
        """
        new = replace(new, since=min(new.since, self.now))
        old = self.held.get(new.key)
        if old is not None and (new.since <= old.since or (not new.timed and new.evidence == old.evidence)):
            return False
        self.held[new.key] = new
        self.facts.append(Fact(kind=FactKind.RENEWED if old else FactKind.ADDED, because=because, suppression=new))
        return True

    def drop(self, key: tuple[str, Reason], kind: FactKind, because: str) -> None:
        """Takes a suppression out, for a confirmed request or because its own source withdrew it."""
        gone = self.held.pop(key, None)
        if gone is not None:
            self.facts.append(Fact(kind=kind, because=because, suppression=gone))

    def save(self, request: Request) -> None:
        """Makes `request` the latest one; unchanged requests are not stored again."""
        if request != self.request:
            self.changed[request.id] = request
        self.request = request

    def move(self, event: Event, because: str, **values: Any) -> bool:
        """Moves the request where the table has a row for it; False where the event changes nothing."""
        request = self.request
        if request is None:
            return False
        state = after(request.state, event)
        if state is request.state:
            return False
        if state not in (State.CHALLENGED, State.CONFIRMED, State.COMPLETING):
            values = {"ended_at": self.now, "why": because} | values
        self.moves.append(Move(request=request.id, event=event, before=request.state, after=state, because=because))
        self.save(replace(request, state=state, **values))
        return True

    def key(self, deed: Deed, side: Side, target: str, evidence: str, number: int = 0) -> str:
        """The key of a deed on this address."""
        return action_key(self.view.tenant, side, self.view.digest, target, deed, evidence, number)

    def act(
        self,
        deed: Deed,
        side: Side,
        target: str,
        because: str,
        *,
        evidence: str = "",
        number: int = 0,
        request: str = "",
        expects: str = "",
        values: Mapping[str, Value] | None = None,
    ) -> Settled | None:
        """Asks for a deed, unless it was settled already; how it was settled."""
        key = self.key(deed, side, target, evidence, number)
        settled = self.view.settled.get(key)
        if settled not in (Settled.DONE, Settled.ASIDE):
            action = Action(
                deed=deed,
                side=side,
                target=target,
                because=because,
                key=key,
                request=request,
                expects=expects,
                values=values or {},
            )
            self.actions.append(action)
        return settled

    def decision(self) -> Decision:
        """What the caller gets; the agreed parts are filled in by `decide`."""
        return Decision(
            suppressions=tuple(sorted(self.held.values(), key=lambda s: (s.scope, s.reason))),
            requests=tuple(self.changed.values()),
            moves=tuple(self.moves),
            actions=tuple(self.actions),
            facts=tuple(self.facts),
            heard=tuple(self.heard),
            waits=tuple(self.waits),
        )
