"""Values of the core as JSON text, and back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from connector.core.action import Action, Deed, Side
from connector.core.lists import ListStatus
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import Reason, Suppression
from connector.core.view import Tick
from connector.store.times import from_text, or_none, to_text

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` would make an encoder for every text."""


def _moment(stored: str) -> datetime:
    moment = from_text(stored)
    assert moment is not None
    return moment


def request_to_text(request: Request) -> str:
    """A request, whole."""
    body: dict[str, Any] = {name: getattr(request, name) for name in Request.__slots__}
    for name in ("asked_at", "expires_at", "mailed_at", "confirmed_at", "ended_at"):
        body[name] = or_none(body[name])
    body["names"] = sorted([scope, reason.value] for scope, reason in request.names)
    body["lists"] = sorted(request.lists)
    return to_json(body)


def request_from_text(text: str) -> Request:
    """The inverse."""
    body = json.loads(text)
    for name in ("asked_at", "expires_at", "mailed_at", "confirmed_at", "ended_at"):
        body[name] = from_text(body[name])
    body["names"] = frozenset((scope, Reason(reason)) for scope, reason in body["names"])
    body["lists"] = frozenset(body["lists"])
    body["state"], body["origin"] = State(body["state"]), Origin(body["origin"])
    return Request(**body)


def said_to_text(said: Said) -> str:
    """An inbox row, whole."""
    body: dict[str, Any] = {name: getattr(said, name) for name in Said.__slots__}
    body["at"], body["lists"] = to_text(said.at), sorted(said.lists)
    return to_json(body)


def said_from_text(text: str) -> Said:
    """The inverse."""
    body = json.loads(text)
    body["at"], body["lists"] = _moment(body["at"]), frozenset(body["lists"])
    body["kind"], body["reason"], body["origin"] = Kind(body["kind"]), Reason(body["reason"]), Origin(body["origin"])
    return Said(**body)


def action_from_row(row: Any) -> Action:
    """An action as the outbox keeps it."""
    body = json.loads(row.body)
    return Action(
        deed=Deed(row.deed),
        side=Side(row.side),
        target=row.target,
        because=row.because,
        key=row.key,
        request=row.request,
        expects=body["expects"],
        values=body["values"],
    )


def suppression_from_row(row: Any) -> Suppression:
    """A suppression as its table keeps it."""
    return Suppression(
        scope=row.scope,
        reason=Reason(row.reason),
        source=row.source,
        since=_moment(row.since),
        timed=bool(row.timed),
        word=row.word,
        evidence=row.evidence,
    )


def lists_from_text(text: str | None) -> dict[str, ListStatus]:
    """List statuses by name."""
    return {name: ListStatus(status) for name, status in json.loads(text).items()} if text else {}


def tick_from_text(text: str | None) -> Tick | None:
    """Who ticked, or None where nobody has looked it up."""
    if text is None:
        return None
    body = json.loads(text)
    return Tick(by=body["by"], at=from_text(body["at"]), allowed=body["allowed"])
