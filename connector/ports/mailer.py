"""Sending one letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One mail, whole: the same letter always gives the same bytes. `headers` are extra ones (List-Unsubscribe)."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    date: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Hands letters to a mail server."""

    def send(self, letter: Letter) -> None:
        """Returns once the server took the letter.

        Raises: `RejectedError` for an address refused for good, `TransientError` for anything that may pass,
        `ConfigError` for a login or TLS that a person must mend.
        """

    def check(self) -> str:
        """One sentence on what answered. Raises like `send`."""

    def close(self) -> None:
        """Gives back what is held."""
