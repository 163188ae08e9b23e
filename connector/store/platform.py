"""Our own e-mail platform (`builtin_*`): lists, members, their blocks; and the clicks of its pages.

What a click does here and what it tells the inbox is one unit of work; a stop stands in the journal before both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text

from connector.core.address import Address, Digest, Digester
from connector.core.lists import ListStatus
from connector.core.resubscribe import OPEN, Origin, Request, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, COMPLAINTS, Reason
from connector.core.token import Link
from connector.ports.clock import Clock
from connector.ports.esp import ALL_CONTACTS
from connector.ports.platform import Member, Standing
from connector.store.bodies import lists_from_text, request_from_text
from connector.store.engine import Database
from connector.store.inbox import Inbox
from connector.store.journal import Journal
from connector.store.many import execute_many
from connector.store.times import from_text, or_none

_CONFIRMABLE = (State.REQUESTED, State.CHALLENGED)


class SqlPlatform(Inbox):
    """One tenant's built-in platform: `ports.platform.Platform`."""

    def __init__(
        self,
        database: Database,
        tenant: str,
        digester: Digester,
        clock: Clock,
        journal: Journal | None,
        lists: Sequence[str],
    ) -> None:
        super().__init__(database, tenant, digester, clock, journal)
        self._lists = (ALL_CONTACTS, *(name for name in lists if name != ALL_CONTACTS))

    def lists(self) -> Sequence[str]:
        """The lists people can join, *All contacts* first."""
        return self._lists

    def changes(self, after: int, limit: int) -> Sequence[Member]:
        """Members changed since a sequence number, by rising `seq`."""
        with self._database.reading() as connection:
            key = {"tenant": self.tenant, "after": after, "limit": limit}
            return [_member(row) for row in connection.execute(_CHANGES, key)]

    def members(self, addresses: Sequence[Address]) -> Sequence[Member]:
        """Those of the addresses that the platform knows."""
        with self._database.reading() as connection:
            key = {"tenant": self.tenant, "addresses": list(addresses)}
            return [_member(row) for row in connection.execute(_MEMBERS, key)]

    def suppress(self, address: Address, reason: Reason, at: datetime) -> datetime:
        """Blocks an address; gives the block's time, the earlier one where it stood already.

        A complaint is not overwritten by anything weaker.
        """
        return self.suppress_many([(address, reason)], at)[0]

    def suppress_many(self, blocks: Sequence[tuple[Address, Reason]], at: datetime) -> Sequence[datetime]:
        """The same for many addresses in one unit of work, in their order."""
        with self._database.writing() as connection:
            return self._block(connection, blocks, at)

    def _block(
        self, connection: Connection, blocks: Sequence[tuple[Address, Reason]], at: datetime
    ) -> Sequence[datetime]:
        key = {"tenant": self.tenant, "addresses": [address for address, _ in blocks]}
        known = {row.address: _member(row) for row in connection.execute(_MEMBERS, key)}
        changed: dict[str, Member] = {}
        since: list[datetime] = []
        for address, reason in blocks:
            member = known.get(address) or Member(0, address, None, None, False, {})
            stronger = member.suppressed in COMPLAINTS and reason not in COMPLAINTS
            if member.since is None or not (member.suppressed is reason or stronger):
                member = member._replace(suppressed=reason, since=at, proven=False)
                known[address] = changed[address] = member
            since.append(member.since or at)
        execute_many(connection, _SAVE, [self._row(member) for member in changed.values()])
        return since

    def unsuppress(self, address: Address, at: datetime) -> None:
        """Lets an address go."""
        with self._database.writing() as connection:
            member = self._one(connection, address)
            if member.suppressed is not None:
                self._save(connection, member._replace(suppressed=None, since=None, proven=False))

    def set_list(self, address: Address, name: str, status: ListStatus, at: datetime) -> None:
        """Puts an address into a list or out of it; makes the member where there is none."""
        with self._database.writing() as connection:
            self._list(connection, address, name, status)

    def _list(self, connection: Connection, address: Address, name: str, status: ListStatus) -> None:
        member = self._one(connection, address)
        if member.lists.get(name) is not status:
            self._save(connection, member._replace(lists={**member.lists, name: status}))

    def submit(self, address: Address, lists: frozenset[str], at: datetime, client: str) -> None:
        """A form was submitted: an ask in the inbox, and nothing that an onlooker could tell the difference by."""
        ticked = frozenset(lists) & frozenset(self._lists)
        said = Said(
            kind=Kind.ASK,
            key=f"form/{self._clock.new_id()}",
            at=at,
            source="page",
            origin=Origin.FORM,
            by="the person",
            lists=ticked,
        )
        self.tell(said, address, self._digester(address))

    def confirm(self, link: Link, at: datetime) -> Standing:
        """The confirm page's button. Single use; a second press changes nothing and shows what holds."""
        with self._database.writing() as connection:
            request = _request(connection, self.tenant, link)
            address = self._address(connection, link)
            answerable = request is not None and request.state in _CONFIRMABLE and at < request.expires_at
            if request and address and answerable and not link.expired(at):
                key = f"confirm/{request.id}"
                said = Said(kind=Kind.CONFIRM, key=key, at=at, source="page", request=request.id, by="the person")
                self._told(connection, said, address, Digest(link.digest))
                request = replace(request, state=State.CONFIRMED)
            return self._standing(connection, link, request)

    def reject(self, link: Link, at: datetime) -> Standing:
        """The abuse button: a complaint, whatever the request's state; the block stands here at once."""
        with self._database.writing() as connection:
            said = Said(
                kind=Kind.COMPLAINT,
                key=f"abuse/{link.request}/{self._clock.new_id()}",
                at=at,
                source="page",
                request=link.request,
                reason=Reason.ABUSE,
                by="the person",
            )
            self._stopped(connection, link, said)
            return Standing(state=State.REJECTED, blocked=True)

    def resubscribe(self, link: Link, at: datetime) -> Standing:
        """The resubscribe link's button, from the person's own mailbox: asked and confirmed at once, and once."""
        with self._database.writing() as connection:
            address = self._address(connection, link)
            if address and not link.expired(at):
                key = f"link/{link.digest}/{link.request}"
                said = Said(
                    kind=Kind.ASK, key=key, at=at, source="page", origin=Origin.LINK, by="the person", allowed=True
                )
                if self._told(connection, said, address, Digest(link.digest)):
                    return Standing(state=State.CONFIRMED, blocked=True)
            return self._standing(connection, link, _latest(connection, self.tenant, link.digest))

    def unsubscribe(self, link: Link, at: datetime) -> Standing:
        """One click: blocked here at once, and told to every side by the run that it wakes."""
        with self._database.writing() as connection:
            key, scope = f"unsubscribe/{self._clock.new_id()}", link.list or ALL
            said = Said(kind=Kind.STOP, key=key, at=at, source="page", scope=scope, by="the person")
            self._stopped(connection, link, said)
            return Standing(state=None, blocked=True)

    def _stopped(self, connection: Connection, link: Link, said: Said) -> None:
        """A stop is told by digest, and blocks here at once where the address is known; else the next run does it."""
        address = self._address(connection, link)
        self._told(connection, said, address, Digest(link.digest))
        if address and said.scope == ALL:
            self._block(connection, [(address, said.reason)], said.at)
        elif address:
            self._list(connection, address, said.scope, ListStatus.UNSUBSCRIBED)

    def standing(self, link: Link) -> Standing:
        """What a GET may show; changes nothing."""
        with self._database.reading() as connection:
            request = _request(connection, self.tenant, link)
            return self._standing(connection, link, request)

    def _standing(self, connection: Connection, link: Link, request: Request | None) -> Standing:
        key = {"tenant": self.tenant, "digest": link.digest}
        if link.list:
            lists = lists_from_text(connection.execute(_MEMBER_LISTS, key).scalar())
            return Standing(state=None, blocked=lists.get(link.list) is ListStatus.UNSUBSCRIBED)
        blocked = connection.execute(_BLOCKED, key).scalar() is not None
        state = request.state if request else None
        waiting = connection.execute(_WAITING, {"tenant": self.tenant, "key": f"confirm/{link.request}"}).scalar()
        if request and waiting is not None and request.state in OPEN:
            state = State.CONFIRMED
        return Standing(state=state, blocked=blocked, expires_at=request.expires_at if request else None)

    def _address(self, connection: Connection, link: Link) -> Address | None:
        """The address behind a link: from the readable addresses, or from the platform's own members."""
        key = {"tenant": self.tenant, "digest": link.digest}
        found = connection.execute(_ADDRESS, key).scalar() or connection.execute(_MEMBER_ADDRESS, key).scalar()
        return Address(found) if found else None

    def _one(self, connection: Connection, address: Address) -> Member:
        row = connection.execute(_MEMBERS, {"tenant": self.tenant, "addresses": [address]}).one_or_none()
        if row is not None:
            return _member(row)
        return Member(seq=0, address=address, suppressed=None, since=None, proven=False, lists={})

    def _save(self, connection: Connection, member: Member) -> None:
        connection.execute(_SAVE, self._row(member))

    def _row(self, member: Member) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "address": member.address,
            "digest": self._digester(member.address),
            "reason": member.suppressed.value if member.suppressed else None,
            "since": or_none(member.since),
            "proven": int(member.proven),
            "lists": json.dumps({k: v.value for k, v in sorted(member.lists.items())}, ensure_ascii=False),
        }


def _member(row: Any) -> Member:
    return Member(
        seq=row.seq,
        address=Address(row.address),
        suppressed=Reason(row.reason) if row.reason else None,
        since=from_text(row.since),
        proven=bool(row.proven),
        lists=lists_from_text(row.lists),
    )


def _request(connection: Connection, tenant: str, link: Link) -> Request | None:
    query = text("SELECT body FROM requests WHERE tenant = :tenant AND id = :id AND digest = :digest")
    key = {"tenant": tenant, "id": link.request, "digest": link.digest}
    body = connection.execute(query, key).scalar()
    return request_from_text(body) if body else None


def _latest(connection: Connection, tenant: str, digest: str) -> Request | None:
    query = text("SELECT body FROM requests WHERE tenant = :tenant AND digest = :digest ORDER BY seq DESC LIMIT 1")
    body = connection.execute(query, {"tenant": tenant, "digest": digest}).scalar()
    return request_from_text(body) if body else None


_CHANGES = text("SELECT * FROM builtin_members WHERE tenant = :tenant AND seq > :after ORDER BY seq LIMIT :limit")
_MEMBERS = text("SELECT * FROM builtin_members WHERE tenant = :tenant AND address IN :addresses").bindparams(
    bindparam("addresses", expanding=True)
)
_ADDRESS = text("SELECT address FROM addresses WHERE tenant = :tenant AND digest = :digest")
_MEMBER_ADDRESS = text("SELECT address FROM builtin_members WHERE tenant = :tenant AND digest = :digest")
_MEMBER_LISTS = text("SELECT lists FROM builtin_members WHERE tenant = :tenant AND digest = :digest")
_BLOCKED = text(
    "SELECT 1 FROM suppressions WHERE tenant = :tenant AND digest = :digest AND scope = '*' UNION "
    "SELECT 1 FROM builtin_members WHERE tenant = :tenant AND digest = :digest AND reason IS NOT NULL LIMIT 1"
)
_WAITING = text("SELECT 1 FROM inbox WHERE tenant = :tenant AND key = :key AND taken = 0")
_SAVE = text(
    "INSERT INTO builtin_members (tenant, address, digest, seq, reason, since, proven, lists) "
    "VALUES (:tenant, :address, :digest, "
    "(SELECT COALESCE(MAX(seq), 0) + 1 FROM builtin_members WHERE tenant = :tenant), :reason, :since, :proven, :lists) "
    "ON CONFLICT (tenant, address) DO UPDATE SET seq = excluded.seq, reason = excluded.reason, since = excluded.since, "
    "proven = excluded.proven, lists = excluded.lists"
)
