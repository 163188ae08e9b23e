"""Answering why: one address, both sides, what was agreed, its history, and what the next run would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.core.address import Address
from connector.core.decide import decide
from connector.core.policy import Policy
from connector.core.restriction import Flag
from connector.core.suppression import ALL
from connector.core.view import Record, View
from connector.ports.answers import Entry
from connector.ports.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class SideSays:
    """What one record, or the platform, shows now and what it showed when it was last agreed."""

    where: str
    now: str
    agreed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Everything an operator can be told of one address."""

    state: str
    view: View
    sides: tuple[SideSays, ...]
    history: tuple[Entry, ...]
    next: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        request = self.view.request
        return {
            "state": self.state,
            "digest": self.view.digest,
            "sides": [{"where": s.where, "now": s.now, "agreed": s.agreed} for s in self.sides],
            "suppressions": [
                {
                    "scope": s.scope,
                    "reason": s.reason.value,
                    "source": s.source,
                    "since": s.since.isoformat(),
                    "word": s.word,
                }
                for s in self.view.suppressions
            ],
            "request": None
            if request is None
            else {
                "id": request.id,
                "state": request.state.value,
                "origin": request.origin.value,
                "asked_by": request.asked_by,
                "asked_at": request.asked_at.isoformat(),
                "why": request.why,
            },
            "history": [
                {"seq": e.seq, "at": e.at.isoformat(), "run": e.run, "event": e.event, "because": e.because}
                for e in self.history
            ],
            "next": list(self.next),
        }


def explain(store: Store, policy: Policy, address: Address, now: datetime) -> Explanation:
    """What is known of `address` in this tenant. Asks no vendor."""
    digest = store.digest(address)
    view = store.view(digest, now)
    return Explanation(
        state=_state(view),
        view=view,
        sides=tuple(_sides(view)),
        history=tuple(store.ledger(digest)),
        next=tuple(_next(view, policy, now)),
    )


def _state(view: View) -> str:
    if any(s.scope == ALL for s in view.suppressions):
        lifting = view.request is not None and view.request.lifting
        return "suppressed, being lifted" if lifting else "suppressed"
    if any(not r.deleted for r in view.records) or view.esp.agreed:
        return "may be mailed"
    return "not known"


def _sides(view: View) -> Iterator[SideSays]:
    for record in view.records:
        if record.ref.is_entry:
            yield _entry(record)
            continue
        marks = [m for m, on in (("deleted", record.deleted), (record.access.value, not record.counts)) if on]
        words = " ".join([record.flag.value, *marks])
        yield SideSays(where=f"CRM {record.ref}", now=words, agreed=record.agreed.value if record.agreed else "never")
    esp = view.esp
    if esp.agreed or esp.word.value != "absent" or view.suppressions:
        reason = f" ({esp.reason.value})" if esp.reason else ""
        agreed = f" ({esp.agreed_reason.value})" if esp.agreed_reason else ""
        before = f"{esp.agreed.value}{agreed}" if esp.agreed else "never"
        yield SideSays(where="e-mail platform", now=f"{esp.word.value}{reason}", agreed=before)
        for name, status in sorted(esp.lists.items()):
            was = esp.agreed_lists.get(name)
            yield SideSays(where=f"list {name}", now=status.value, agreed=was.value if was else "never")


def _entry(entry: Record) -> SideSays:
    words = {None: "never", Flag.SET: "listed", Flag.CLEAR: "taken off", Flag.UNREADABLE: "unreadable"}
    return SideSays(where=f"CRM list {entry.ref}", now=words[entry.flag], agreed=words[entry.agreed])


def _next(view: View, policy: Policy, now: datetime) -> Iterator[str]:
    """What would follow if both sides still showed this, in words."""
    fresh = replace(
        view,
        records=tuple(replace(r, fresh=True) for r in view.records),
        esp=replace(view.esp, fresh=True),
        elsewhere=False if view.elsewhere is None else view.elsewhere,
    )
    decision = decide(fresh, policy, now)
    for move in decision.moves:
        yield f"the request becomes {move.after.value}: {move.because}"
    for action in decision.actions:
        yield f"{action.deed.value} {action.side.value} {action.target}".strip() + f": {action.because}"
    for wait in decision.waits:
        yield f"waits: {wait}"
    request = view.request
    if request and request.open and not decision.moves and not decision.actions:
        yield f"waits for the person's answer until {request.expires_at:%Y-%m-%d}"
    if not (decision.moves or decision.actions or decision.waits or (request and request.open)):
        yield "nothing: both sides show what was agreed"
