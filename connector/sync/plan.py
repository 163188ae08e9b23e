"""A dry run: the same looking and thinking, over a store that is thrown away; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from connector.core.action import Action
from connector.core.address import Digest
from connector.core.decision import Decision
from connector.core.errors import TransientError
from connector.core.view import View
from connector.ports.store import Trigger
from connector.sync.gather import Seen, gather, look
from connector.sync.run import think
from connector.sync.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One action that a run would take, for one address; empty where none is kept."""

    digest: str
    address: str
    action: Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was read, and what would follow; the actions are streamed once."""

    seen: Seen
    decided: Iterator[tuple[View, Decision, str]]

    def actions(self) -> Iterator[Planned]:
        """Every action with its because."""
        for view, decision, address in self.decided:
            for action in decision.actions:
                yield Planned(digest=view.digest, address=address, action=action)


@contextmanager
def plan(rt: Runtime, *, sweep: bool = False) -> Iterator[Plan]:
    """Looks at both sides (in full for a sweep) and thinks. No lease, no deed; a side that fails stops it.

    Raises: the five families.
    """
    with rt.store.scratch() as scratch:
        laid_over = replace(rt, store=scratch)
        with scratch.begin(Trigger.COMMAND) as run:
            scratch.anew(run)
            seen = gather(laid_over, run, sweep=sweep)
            look(laid_over, run, seen)
            if seen.troubles:
                trouble: TransientError = seen.troubles[0]
                raise trouble
            decided = ((v, d, scratch.address(Digest(v.digest)) or "") for v, d in think(laid_over, run, seen))
            yield Plan(seen=seen, decided=decided)
