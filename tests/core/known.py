"""Parts of views for examples: a person with a record, a platform that says something, a request on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.core.action import Action, Deed
from connector.core.decide import decide
from connector.core.decision import Decision
from connector.core.policy import Policy
from connector.core.restriction import Flag, Ref
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, Reason, Suppression
from connector.core.view import Arrival, Esp, Record, View, Word

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONTACT, LEAD = Ref(entity="Contact", id="1"), Ref(entity="Lead", id="1")
SUPPRESSED = (ALL, Reason.SUPPRESSED)
UNSUBSCRIBED = (ALL, Reason.UNSUBSCRIBED)


def ago(**some: float) -> datetime:
    """A time before now."""
    return NOW - timedelta(**some)


def rec(flag: Flag = Flag.CLEAR, agreed: Flag | None = Flag.CLEAR, ref: Ref = CONTACT, **more: Any) -> Record:
    """A record, read in this run."""
    return Record(ref=ref, flag=flag, agreed=agreed, **{"fresh": True} | more)


def blocked(reason: Reason = Reason.UNSUBSCRIBED, since: datetime | None = None, **more: Any) -> Esp:
    """A platform that blocks the address, as agreed."""
    known: dict[str, Any] = {"agreed": Word.SUPPRESSED, "agreed_reason": reason, "agreed_since": since, "fresh": True}
    return Esp(word=Word.SUPPRESSED, reason=reason, since=since, **known | more)


def open_esp(**more: Any) -> Esp:
    """A platform that may mail the address, as agreed."""
    known: dict[str, Any] = {"agreed": Word.SUBSCRIBED, "fresh": True}
    return Esp(word=Word.SUBSCRIBED, **known | more)


def sup(
    reason: Reason = Reason.UNSUBSCRIBED, since: datetime | None = None, source: str = "esp", **more: Any
) -> Suppression:
    """A suppression that is held."""
    return Suppression(reason=reason, source=source, since=since or ago(days=9), **more)


def req(state: State = State.CONFIRMED, **more: Any) -> Request:
    """A request of the form that names an unsubscribe, as far along as `state` says."""
    mailed = state is not State.REQUESTED
    answered = state in (State.CONFIRMED, State.COMPLETING, State.COMPLETED)
    parts: dict[str, Any] = {
        "id": "q", "state": state, "origin": Origin.FORM, "asked_by": "", "asked_at": ago(hours=5),
        "expires_at": NOW + timedelta(days=25), "names": frozenset({UNSUBSCRIBED, SUPPRESSED}), "evidence": "ask/1",
        "mails": int(mailed), "mailed_at": ago(hours=4) if mailed else None,
        "confirmed_at": ago(hours=3) if answered else None,
        "confirmed_by": "by the person's answer to the mail" if answered else "",
        "ended_at": ago(hours=2) if state is State.COMPLETED else None,
    }  # fmt: skip
    return Request(**parts | more)


def said(kind: Kind, at: datetime | None = None, source: str = "page", **more: Any) -> Said:
    """A row of the inbox."""
    return Said(kind=kind, key=f"{kind.value}/{at}", at=at or ago(minutes=1), source=source, **more)


def arrival(*wishes: Suppression, ref: Ref = CONTACT, **more: Any) -> Arrival:
    """A record that came from another address with these wishes."""
    return Arrival(ref=ref, wishes=frozenset(wishes), **more)


def view(**parts: Any) -> View:
    """A view of one person; whoever says nothing of the CRM has one clear record."""
    records = parts.pop("records", (rec(),))
    return View(tenant="t", digest="d", records=records, **{"esp": open_esp()} | parts)


def ask_decide(policy: Policy | None = None, /, **parts: Any) -> Decision:
    """Decides a view of these parts, now."""
    return decide(view(**parts), policy or Policy(), NOW)


def deeds(decision: Decision) -> list[str]:
    """The deeds that a decision asks for, with their records, sorted."""
    return sorted(f"{a.deed.value} {a.target}".strip() for a in decision.actions)


def only(decision: Decision, deed: Deed) -> Action:
    """The one action of that deed."""
    [action] = [a for a in decision.actions if a.deed is deed]
    return action


def state(decision: Decision) -> str:
    """The state of the latest request that changed."""
    return decision.requests[-1].state.value if decision.requests else ""


def keys(decision: Decision) -> set[tuple[str, Reason]]:
    """What holds afterwards."""
    return {s.key for s in decision.suppressions}


def quiet(decision: Decision) -> bool:
    """Whether a decision changes nothing at all."""
    changes = (decision.actions, decision.moves, decision.facts, decision.requests, decision.agreed, decision.heard)
    return not any(changes) and not decision.agreed_esp
