"""The one mail of a request: intent committed, sent, recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.core.action import Deed
from connector.core.address import Address
from connector.core.errors import RejectedError, TransientError
from connector.core.resubscribe import Event, Request, after
from connector.ports.adapter import Outcome, Status
from connector.ports.clock import Clock
from connector.ports.mailer import Letter, Mailer
from connector.ports.store import Owed, Run, Settlement, Store

_CLOSING = 421
"""SMTP's word for a server that shuts down: no letter will go now."""


class LetterKind(StrEnum):
    """Asking for the person's answer, or telling that the resubscription was made."""

    CONFIRM = "confirm"
    NOTICE = "notice"


class Letters(Protocol):
    """Composes the letters of one tenant."""

    def compose(
        self, kind: LetterKind, *, request: Request, address: Address, digest: str, number: int, at: datetime
    ) -> Letter:
        """The same bytes for the same arguments; `number` counts the request's mails from 1."""


def send(store: Store, mailer: Mailer, letters: Letters, clock: Clock, run: Run, owed: Owed) -> Settlement:
    """Sends one owed letter. A crash before its record sends the same bytes under the same Message-ID again.

    Raises: `TransientError` and `ConfigError` of the mail server; a refused address is an outcome.
    """
    action = owed.action
    found = store.request(action.request)
    wanted = found is not None and (found[1].open or action.deed is Deed.NOTICE)
    if found is None or not wanted or not owed.address:
        words = "the request is no longer open" if owed.address else "no readable address is kept"
        return Settlement(owed=owed, outcome=Outcome(key=action.key, status=Status.CONFLICT, words=words))
    request = found[1]
    kind = LetterKind.CONFIRM if action.deed is Deed.MAIL else LetterKind.NOTICE
    number = int(action.values.get("mail") or 1)
    letter = letters.compose(
        kind,
        request=request,
        address=Address(owed.address),
        digest=owed.digest,
        number=number,
        at=owed.intended_at,
    )
    store.sending(run, [action.key])
    try:
        mailer.send(letter)
    except RejectedError as refusal:
        return Settlement(owed=owed, outcome=Outcome(key=action.key, status=Status.ASIDE, words=refusal.operator))
    except TransientError as trouble:
        # an answer to this one letter: the others may go
        if trouble.status in (None, _CLOSING):
            raise
        return Settlement(owed=owed, outcome=Outcome(key=action.key, status=Status.LATER, words=trouble.operator))
    done = Outcome(key=action.key, status=Status.DONE)
    if kind is LetterKind.NOTICE:
        return Settlement(owed=owed, outcome=done)
    mailed = replace(request, mails=number, mailed_at=clock.now(), state=after(request.state, Event.MAILED))
    return Settlement(owed=owed, outcome=done, request=mailed, event=Event.MAILED)
