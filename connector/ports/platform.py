"""Our own e-mail platform: what its pages and its adapter need of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from connector.core.address import Address
from connector.core.lists import ListStatus
from connector.core.resubscribe import State
from connector.core.suppression import Reason
from connector.core.token import Link


class Member(NamedTuple):
    """One address at the built-in platform. `seq` grows with every change of it; `since` is the block's own time."""

    seq: int
    address: Address
    suppressed: Reason | None
    since: datetime | None
    proven: bool
    lists: Mapping[str, ListStatus]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a link's page may say: the state of its request (None: there is none), whether the address is blocked.

    For a list's link: whether the address has left that list.
    """

    state: State | None
    blocked: bool
    expires_at: datetime | None = None


class Platform(Protocol):
    """One tenant's lists, members and suppression list (`builtin_*`), and the door by which people speak to us.

    Every method that a person's click calls also appends to the inbox (and to the journal where it is a stop), in
    one transaction with what it does here.
    """

    def lists(self) -> Sequence[str]:
        """The lists people can join, *All contacts* first."""

    def changes(self, after: int, limit: int) -> Sequence[Member]:
        """Members changed since a sequence number, by rising `seq`."""

    def members(self, addresses: Sequence[Address]) -> Sequence[Member]:
        """Those of the addresses that the platform knows."""

    def suppress(self, address: Address, reason: Reason, at: datetime) -> datetime:
        """Blocks an address, once per reason; gives the block's time, the earlier one where it stood already."""

    def suppress_many(self, blocks: Sequence[tuple[Address, Reason]], at: datetime) -> Sequence[datetime]:
        """The same for many addresses in one unit of work, in their order."""

    def unsuppress(self, address: Address, at: datetime) -> None:
        """Lets an address go."""

    def set_list(self, address: Address, name: str, status: ListStatus, at: datetime) -> None:
        """Puts an address into a list or out of it; makes the member where there is none."""

    def submit(self, address: Address, lists: frozenset[str], at: datetime, client: str) -> None:
        """A form was submitted: an ask in the inbox. The same answer whether the address is known or not."""

    def confirm(self, link: Link, at: datetime) -> Standing:
        """The confirm page's button. Single use; a second press changes nothing and shows what holds."""

    def reject(self, link: Link, at: datetime) -> Standing:
        """The button *this was not me*: a complaint, whatever the request's state."""

    def resubscribe(self, link: Link, at: datetime) -> Standing:
        """The resubscribe link's button, from the person's own mailbox: asked and confirmed at once."""

    def unsubscribe(self, link: Link, at: datetime) -> Standing:
        """One click: blocked here at once, or out of the link's list; told to every side by the run that it wakes.

        A list is left whatever the tenant's lists are called by now.
        """

    def standing(self, link: Link) -> Standing:
        """What a GET may show; changes nothing."""
