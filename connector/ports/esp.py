"""What the rules need from an e-mail platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from connector.core.address import Address
from connector.core.lists import ListStatus
from connector.core.said import Kind
from connector.core.suppression import ALL, Reason
from connector.core.view import Word
from connector.ports.adapter import Finding, Outcome

ALL_CONTACTS = "All contacts"
"""The list that everybody who may be mailed is in (S19)."""


class EspRow(NamedTuple):
    """What the platform says of one address now. `since` is its own time, `raw` its own word.

    `proven` is true where the adapter can prove that the person took the block away. A tuple for the hot path.
    """

    address: str
    word: Word
    reason: Reason | None = None
    since: datetime | None = None
    raw: str = ""
    proven: bool = False
    lists: Mapping[str, ListStatus] = {}


class EspEvent(NamedTuple):
    """Something that happened at the platform: a stop or a complaint, at its own time, with its own key."""

    kind: Kind
    key: str
    address: str
    at: datetime
    reason: Reason
    scope: str = ALL


@dataclass(frozen=True, kw_only=True, slots=True)
class EspPage:
    """A piece of a read; the fields are those of `CrmPage`, with events beside the rows."""

    rows: Sequence[EspRow] = ()
    events: Sequence[EspEvent] = ()
    place: str = ""
    cursor: str = ""
    complete: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EspChange:
    """One address to suppress, to let go, or to put into or out of a list."""

    key: str
    address: Address
    reason: Reason = Reason.UNSUBSCRIBED
    list: str = ""
    request: str = ""


class Esp(Protocol):
    """One account or business unit. Every method raises only the five families."""

    can: frozenset[str]

    def identity(self) -> str:
        """Which account this is; two tenants on one are refused."""

    def check(self) -> Iterable[Finding]:
        """Rights, lists, limits, clock: one finding each."""

    def clock_offset(self) -> timedelta:
        """The platform's clock minus ours."""

    def changes(self, cursor: str, place: str = "") -> Iterator[EspPage]:
        """Everything changed since `cursor` (every suppression there is, for an empty one), page by page."""

    def look(self, addresses: Sequence[Address]) -> Sequence[EspRow]:
        """Each of the addresses by itself, as it is now; one the platform does not know is `absent`."""

    def suppress(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Blocks addresses; one that is blocked already is `done`."""

    def unsuppress(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Lets addresses go; never called without a look before."""

    def leave(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Takes addresses out of a list, as unsubscribed; the account's own block stays as it is."""

    def join(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Puts addresses into a list, by a call that cannot lift the account's block."""

    def close(self) -> None:
        """Gives back what is held."""
