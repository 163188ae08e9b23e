"""What the pages say, in plain words, before a button is pressed and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from connector.core.resubscribe import LIFTING, State
from connector.core.token import Link, LinkDeed
from connector.ports.platform import Standing

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One page's title and text, and the label of its button where there is something to press.

    `done` and `alert` tell how it is announced, `quiet` shows the button as the lesser choice, `retry` makes it repeat
    what was asked, `again` offers the signup form.
    """

    title: str
    text: str
    button: str = ""
    small: str = ""
    done: bool = False
    alert: bool = False
    quiet: bool = False
    retry: bool = False
    again: bool = False


NOT_FOUND = Words(
    title="This page does not exist",
    text="The link is damaged or incomplete. Please open it again from the mail you got.",
)
BUSY = Words(
    title="Please try again in a moment",
    text="Our records cannot be reached just now. Nothing was lost and nothing was changed.",
    button="Try again",
    alert=True,
    retry=True,
)
BROKEN = Words(
    title="Something went wrong on our side",
    text="It was not your fault. Please try again later; if it goes on, answer the mail you got.",
    alert=True,
)
NOT_ALLOWED = Words(title="This cannot be done here", text="Please open the page again from the mail you got.")
OVERSIZED = Words(title="That was too long", text="What was sent is too large for this form.", alert=True)
BUSY_FORM = "Our records cannot be reached just now, and nothing was stored. Please press the button again in a minute."
NO_ADDRESS = "This is not a whole address. Please write it as name@example.com."


def too_many(seconds: float) -> Words:
    """That the form was sent too often, and how long to wait."""
    minutes = ceil(seconds / 60)
    wait = "a minute" if minutes <= 1 else f"{minutes} minutes"
    text = f"This form was sent many times for this address or from this place. Please wait {wait} and try again."
    return Words(title="That was often", text=text, alert=True, again=True)


def before(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    """What a GET shows; it has changed nothing."""
    match link.deed:
        case LinkDeed.CONFIRM:
            return _confirm(link, standing, brand, now, pressed=False)
        case LinkDeed.RESUBSCRIBE:
            if link.expired(now):
                return _old(brand)
            return Words(
                title=f"Get mail from {brand} again?",
                text="Press the button, and mail will come to this address again.",
                button="Yes, send me mail again",
                small=_until(link.expires_at),
            )
        case LinkDeed.ABUSE:
            return _abuse(standing, brand)
        case LinkDeed.UNSUBSCRIBE if link.list:
            sure = f"You do not get {link.list} at present. Press the button, and it stays so."
            stops = f"Press the button, and no more mail of {link.list} will come to you. Other mail goes on."
            return Words(
                title=f"Stop {link.list} from {brand}?",
                text=sure if standing.blocked else stops,
                button=f"Stop {link.list}",
                small="You can sign up again at any time.",
            )
        case LinkDeed.UNSUBSCRIBE:
            sure = "You get no mail from {} at present. Press the button, and it stays so."
            return Words(
                title=f"Stop mail from {brand}?",
                text=sure.format(brand) if standing.blocked else "Press the button, and no more mail will come to you.",
                button="Stop all mail",
                small="You can sign up again at any time.",
            )


def after(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    """What a press answers: the state that holds now."""
    match link.deed:
        case LinkDeed.CONFIRM:
            return _confirm(link, standing, brand, now, pressed=True)
        case LinkDeed.RESUBSCRIBE:
            return _resubscribed(link, standing, brand, now)
        case LinkDeed.ABUSE:
            text = f"{brand} will not write to this address again."
            return Words(title="Thank you for telling us", text=text, done=True)
        case LinkDeed.UNSUBSCRIBE:
            what = f"of {link.list} from {brand}" if link.list else f"from {brand}"
            return Words(
                title=f"You are unsubscribed from {link.list}" if link.list else "You are unsubscribed",
                text=f"No more mail {what} will come to you.",
                small="A mail that is on its way already may still arrive.",
                done=True,
                again=True,
            )


def _confirm(link: Link, standing: Standing, brand: str, now: datetime, *, pressed: bool) -> Words:
    if standing.state in LIFTING:
        return Words(title="Thank you", text=f"You have confirmed. Mail from {brand} comes to you soon.", done=True)
    ended = _ended(standing, brand)
    if ended:
        return ended
    over = standing.expires_at is not None and now >= standing.expires_at
    if standing.state is None or over or link.expired(now) or pressed:
        return _old(brand)
    return Words(
        title=f"Get mail from {brand}?",
        text="Press the button to confirm that you asked for it. If you did not, just close this page.",
        button="Yes, I want this mail",
        small=_until(link.expires_at or standing.expires_at),
    )


def _resubscribed(link: Link, standing: Standing, brand: str, now: datetime) -> Words:
    if standing.state in LIFTING:
        return Words(title="Welcome back", text=f"Mail from {brand} comes to you again soon.", done=True)
    if link.expired(now):
        return _old(brand)
    if standing.state in (State.REQUESTED, State.CHALLENGED):
        text = "This link was used before. Please look into your mailbox: a mail there asks you to confirm."
        return Words(title="One more step", text=text)
    return _ended(standing, brand) or Words(
        title="This link was used before", text=f"You can sign up for mail from {brand} at any time.", again=True
    )


def _abuse(standing: Standing, brand: str) -> Words:
    if standing.state is State.REJECTED and standing.blocked:
        text = f"You told us that it was not you. {brand} does not write to this address."
        return Words(title="Thank you", text=text, button="Tell us again", quiet=True)
    return Words(
        title="Was it not you?",
        text=f"Press the button if you did not ask for mail from {brand}. We will not write to this address again.",
        button="This was not me",
    )


def _ended(standing: Standing, brand: str) -> Words | None:
    """What is to be said of a request that has ended; None for one that goes on."""
    match standing.state:
        case State.COMPLETED if standing.blocked:
            text = "You confirmed with this link, and asked us to stop after that. No mail comes to you."
            return Words(title="This link was used before", text=text, again=True)
        case State.COMPLETED:
            return Words(title="You have confirmed already", text=f"It is done: you get mail from {brand}.", done=True)
        case State.CANCELLED:
            return Words(title="This request was cancelled", text="Nothing was changed.", again=True)
        case State.REJECTED:
            text = "It was reported as unwanted, so no mail is sent to this address."
            return Words(title="This request was stopped", text=text)
        case State.WITHDRAWN:
            text = "You asked us to stop after this mail was sent, so we stopped."
            return Words(title="This request was stopped", text=text, again=True)
        case State.EXPIRED:
            return _old(brand)
        case State.REFUSED:
            text = "It could not be carried out, and nothing was changed."
            return Words(title="This request has ended", text=text, again=True)
        case _:
            return None


def _old(brand: str) -> Words:
    text = f"It cannot be used any more, and nothing was changed. You can sign up for mail from {brand} at any time."
    return Words(title="This link is too old", text=text, again=True)


def _until(moment: datetime | None) -> str:
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return f"This link works until {utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC."
