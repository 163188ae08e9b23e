"""The words left in a record's notes: status, when, how it was asked and confirmed. Plain text, one template."""

from __future__ import annotations

from datetime import datetime

from connector.core.resubscribe import Origin, Request

TEMPLATE = "{status} on {when}. Asked {how}{by} on {asked}; confirmed {confirmed}. Request {request}."

_HOW = {
    Origin.FORM: "by the signup form",
    Origin.LINK: "by the resubscribe link in a mail",
    Origin.TICK: "in the CRM",
    Origin.COMMAND: "by an operator's command",
    Origin.ESP: "in the e-mail platform",
    Origin.CLEARED: "by clearing the block by hand",
}


def stamp(moment: datetime) -> str:
    """A time as people read it in notes and explanations: `2026-11-26 21:53 UTC`."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def resubscribed(request: Request, now: datetime, template: str = TEMPLATE) -> str:
    """The note for a confirmed request; holds no address."""
    return template.format(
        status="Resubscribed",
        when=stamp(request.confirmed_at or now),
        how=_HOW[request.origin],
        by=f" ({request.asked_by})" if request.asked_by else "",
        asked=stamp(request.asked_at),
        confirmed=request.confirmed_by or "by policy",
        request=request.id,
    )


def how(origin: Origin) -> str:
    """The origin in words: `by the signup form`."""
    return _HOW[origin]
