"""What the pages say, in plain words, before a button is pressed and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.core.resubscribe import State
from connector.core.token import Link, LinkDeed
from connector.ports.platform import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One page's title and text, and the label of its button where there is something to press."""

    title: str
    text: str
    button: str = ""
    alert: bool = False
    done: bool = False


_ENDED = {
    State.COMPLETED: "It is done already: you get mail from {brand}.",
    State.CANCELLED: "This request was cancelled. Nothing was changed.",
    State.REJECTED: "This request was reported as unwanted, so no mail is sent to you.",
    State.WITHDRAWN: "You asked us to stop after this mail was sent, so we stopped. You can sign up again at any time.",
    State.EXPIRED: "This link is too old. You can sign up again at any time.",
    State.REFUSED: "This request could not be carried out. Nothing was changed.",
}
_GOING = (State.CONFIRMED, State.COMPLETING)


def before(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    """What a GET shows; it has changed nothing."""
    match link.deed:
        case LinkDeed.CONFIRM:
            return _confirm(link, standing, brand, now)
        case LinkDeed.RESUBSCRIBE:
            if link.expired(now):
                return Words(title="This link is too old", text=f"You can sign up for mail from {brand} at any time.")
            return Words(
                title=f"Get mail from {brand} again?",
                text="Press the button, and mail will come to this address again.",
                button="Yes, send me mail again",
            )
        case LinkDeed.ABUSE:
            return Words(
                title="This was not you?",
                text=f"Press the button, and {brand} will not write to this address again. We will look into who asked.",
                button="This was not me",
            )
        case LinkDeed.UNSUBSCRIBE:
            return Words(
                title=f"Stop mail from {brand}?",
                text="Press the button, and no more mail will come to this address.",
                button="Stop all mail",
            )


def _confirm(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    if standing.state in _GOING:
        return Words(title="Thank you", text=f"You have confirmed. Mail from {brand} will come again soon.", done=True)
    if standing.state in _ENDED:
        return Words(title="Nothing more to do", text=_ENDED[standing.state].format(brand=brand))
    if standing.state is None or link.expired(now):
        return Words(title="This link is too old", text=f"You can sign up for mail from {brand} at any time.")
    return Words(
        title=f"Get mail from {brand}?",
        text="Press the button to confirm that you asked for it. If you did not, just close this page.",
        button="Yes, I want this mail",
    )


def after(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    """What a press answers: the state that holds now."""
    match link.deed:
        case LinkDeed.CONFIRM:
            return _confirm(link, standing, brand, now)
        case LinkDeed.RESUBSCRIBE:
            if standing.state in _GOING:
                return Words(title="Welcome back", text=f"Mail from {brand} will come again soon.", done=True)
            if link.expired(now):
                return Words(title="This link is too old", text=f"You can sign up for mail from {brand} at any time.")
            text = _ENDED.get(standing.state, "") if standing.state else ""
            spent = "This link was used before. You can sign up at any time."
            return Words(title="Nothing more to do", text=text.format(brand=brand) or spent)
        case LinkDeed.ABUSE:
            return Words(
                title="Thank you for telling us",
                text=f"{brand} will not write to this address again, and the report was recorded.",
                done=True,
            )
        case LinkDeed.UNSUBSCRIBE:
            return Words(title="You are unsubscribed", text=f"No more mail from {brand} will come to you.", done=True)
