"""The built-in platform in memory: `ports.platform.Platform` for tests of what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from connector.core.address import Address, Digest, Digester
from connector.core.lists import ListStatus
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, COMPLAINTS, Reason
from connector.core.token import Link
from connector.ports.clock import Clock
from connector.ports.esp import ALL_CONTACTS
from connector.ports.platform import Member, Standing

_CONFIRMABLE = (State.REQUESTED, State.CHALLENGED)


class Door(Protocol):
    """What a platform needs of the rest of the house; a `ports.store.Store` is one."""

    def tell(self, said: Said, address: Address | None, digest: Digest) -> bool:
        """Appends to the inbox; False if its key was there already."""

    def address(self, digest: Digest) -> Address | None:
        """The readable address, where one is kept."""

    def request(self, request_id: str) -> tuple[Digest, Request] | None:
        """One request."""

    def requests(self) -> Sequence[tuple[Digest, Request]]:
        """Requests, latest first."""


@dataclass(kw_only=True)
class MemoryDoor:
    """A house with nobody in it: an inbox that keeps all it is told, and the requests that a test puts there."""

    said: dict[str, Said] = field(default_factory=dict)
    addresses: dict[Digest, Address] = field(default_factory=dict)
    asked: dict[str, tuple[Digest, Request]] = field(default_factory=dict)

    def tell(self, said: Said, address: Address | None, digest: Digest) -> bool:
        """Appends to the inbox; False if its key was there already."""
        if address is not None:
            self.addresses[digest] = address
        return self.said.setdefault(said.key, said) is said

    def address(self, digest: Digest) -> Address | None:
        """The readable address, where one is kept."""
        return self.addresses.get(digest)

    def request(self, request_id: str) -> tuple[Digest, Request] | None:
        """One request."""
        return self.asked.get(request_id)

    def requests(self) -> Sequence[tuple[Digest, Request]]:
        """Requests, latest first."""
        return list(reversed(self.asked.values()))


class MemoryPlatform:
    """One tenant's platform, kept as long as the object lives. Nothing is shared between threads safely."""

    def __init__(
        self, *, clock: Clock, digester: Digester, lists: Sequence[str] = (), door: Door | None = None
    ) -> None:
        self.door: Door = door if door is not None else MemoryDoor()
        self._clock, self._digester = clock, digester
        self._lists = (ALL_CONTACTS, *(name for name in lists if name != ALL_CONTACTS))
        self._members: dict[Address, Member] = {}
        self._seq = 0
        self._confirmed: set[str] = set()

    def lists(self) -> Sequence[str]:
        """The lists people can join, *All contacts* first."""
        return self._lists

    def changes(self, after: int, limit: int) -> Sequence[Member]:
        """Members changed since a sequence number, by rising `seq`."""
        return sorted((m for m in self._members.values() if m.seq > after), key=lambda m: m.seq)[:limit]

    def members(self, addresses: Sequence[Address]) -> Sequence[Member]:
        """Those of the addresses that the platform knows."""
        return [self._members[a] for a in addresses if a in self._members]

    def suppress(self, address: Address, reason: Reason, at: datetime) -> datetime:
        """Blocks an address; gives the block's time, the earlier one where it stood already."""
        member = self._member(address)
        stronger = member.suppressed in COMPLAINTS and reason not in COMPLAINTS
        if member.since is not None and (member.suppressed is reason or stronger):
            return member.since
        self._save(member._replace(suppressed=reason, since=at, proven=False))
        return at

    def suppress_many(self, blocks: Sequence[tuple[Address, Reason]], at: datetime) -> Sequence[datetime]:
        """The same for many addresses, in their order."""
        return [self.suppress(address, reason, at) for address, reason in blocks]

    def unsuppress(self, address: Address, at: datetime) -> None:
        """Lets an address go."""
        member = self._member(address)
        if member.suppressed is not None:
            self._save(member._replace(suppressed=None, since=None, proven=False))

    def set_list(self, address: Address, name: str, status: ListStatus, at: datetime) -> None:
        """Puts an address into a list or out of it; makes the member where there is none."""
        member = self._member(address)
        if member.lists.get(name) is not status:
            lists: Mapping[str, ListStatus] = {**member.lists, name: status}
            self._save(member._replace(lists=lists))

    def submit(self, address: Address, lists: frozenset[str], at: datetime, client: str) -> None:
        """A form was submitted: an ask in the inbox."""
        ticked = lists & frozenset(self._lists)
        key = f"form/{self._clock.new_id()}"
        self._tell(Said(kind=Kind.ASK, key=key, at=at, source="page", by="the person", lists=ticked), address)

    def confirm(self, link: Link, at: datetime) -> Standing:
        """The confirm page's button. Single use."""
        request, address = self._request(link), self._address(link)
        answerable = request is not None and request.state in _CONFIRMABLE and at < request.expires_at
        if request and address and answerable and not link.expired(at):
            key = f"confirm/{request.id}"
            self._tell(
                Said(kind=Kind.CONFIRM, key=key, at=at, source="page", request=request.id, by="the person"), address
            )
            self._confirmed.add(request.id)
        return self.standing(link)

    def reject(self, link: Link, at: datetime) -> Standing:
        """Reported as unwanted (*this was not me*): a complaint, whatever the request's state."""
        self._stopped(
            link,
            Said(
                kind=Kind.COMPLAINT,
                key=f"abuse/{link.request}/{self._clock.new_id()}",
                at=at,
                source="page",
                request=link.request,
                reason=Reason.ABUSE,
                by="the person",
            ),
        )
        return Standing(state=State.REJECTED, blocked=True)

    def resubscribe(self, link: Link, at: datetime) -> Standing:
        """The resubscribe link's button: asked and confirmed at once, and once."""
        address = self._address(link)
        if address and not link.expired(at):
            key = f"link/{link.digest}/{link.request}"
            said = Said(kind=Kind.ASK, key=key, at=at, source="page", origin=Origin.LINK, by="the person", allowed=True)
            if self._tell(said, address):
                return Standing(state=State.CONFIRMED, blocked=True)
        latest = [r for digest, r in self.door.requests() if digest == link.digest]
        return self._standing(link, latest[0] if latest else None)

    def unsubscribe(self, link: Link, at: datetime) -> Standing:
        """One click: blocked here at once, and told to every side."""
        key, scope = f"unsubscribe/{self._clock.new_id()}", link.list or ALL
        self._stopped(link, Said(kind=Kind.STOP, key=key, at=at, source="page", scope=scope, by="the person"))
        return Standing(state=None, blocked=True)

    def _stopped(self, link: Link, said: Said) -> None:
        """A stop is told by digest, and blocks here at once where the address is known."""
        address = self._address(link)
        self.door.tell(said, address, Digest(link.digest))
        if address and said.scope == ALL:
            self.suppress(address, said.reason, said.at)
        elif address:
            self.set_list(address, said.scope, ListStatus.UNSUBSCRIBED, said.at)

    def standing(self, link: Link) -> Standing:
        """What a GET may show; changes nothing."""
        return self._standing(link, self._request(link))

    def _standing(self, link: Link, request: Request | None) -> Standing:
        if request and request.open and request.id in self._confirmed:
            request = replace(request, state=State.CONFIRMED)
        address = self._address(link)
        members = self.members([address] if address else [])
        if link.list:
            left = any(m.lists.get(link.list) is ListStatus.UNSUBSCRIBED for m in members)
            return Standing(state=None, blocked=left)
        blocked = any(m.suppressed is not None for m in members)
        return Standing(
            state=request.state if request else None,
            blocked=blocked,
            expires_at=request.expires_at if request else None,
        )

    def _request(self, link: Link) -> Request | None:
        found = self.door.request(link.request)
        return found[1] if found and found[0] == link.digest else None

    def _address(self, link: Link) -> Address | None:
        kept = self.door.address(Digest(link.digest))
        return kept or next((a for a in self._members if self._digester(a) == link.digest), None)

    def _tell(self, said: Said, address: Address) -> bool:
        return self.door.tell(said, address, self._digester(address))

    def _member(self, address: Address) -> Member:
        new = Member(seq=0, address=address, suppressed=None, since=None, proven=False, lists={})
        return self._members.get(address, new)

    def _save(self, member: Member) -> None:
        self._seq += 1
        self._members[member.address] = member._replace(seq=self._seq)
