"""Our own platform behind the ESP port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connector.core.address import Address
from connector.core.errors import ConflictError
from connector.core.lists import ListStatus
from connector.core.view import Word
from connector.ports.adapter import Context, Finding, Level, Outcome, Status
from connector.ports.esp import ALL_CONTACTS, EspChange, EspPage, EspRow
from connector.ports.platform import Member, Platform

ROWS_A_PAGE = 10_000
AT_ONCE = 1_000
"""Blocks in one unit of work."""
LOOKED_AT_ONCE = 1_000


class Settings(BaseModel):
    """The tenant's block `esp:` for the built-in platform."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["builtin"] = "builtin"
    lists: list[str] = Field(default_factory=list, description="Lists people can join, besides All contacts.")

    @field_validator("lists")
    @classmethod
    def _distinct(cls, names: list[str]) -> list[str]:
        seen: set[str] = set()
        for name in names:
            if name != name.strip() or not name.isprintable() or not name:
                raise ValueError(f"{name!r} is no name for a list: write it without blanks around it")
            if name.lower() in seen:
                raise ValueError(f"{name} is named twice")
            seen.add(name.lower())
        return [name for name in names if name.lower() != ALL_CONTACTS.lower()]


class Builtin:
    """One tenant's built-in platform: `ports.esp.Esp`. Its clock is ours."""

    can = frozenset({"lists", "proven"})

    def __init__(self, context: Context) -> None:
        self._context = context
        self._platform: Platform = context.platform

    def identity(self) -> str:
        """`builtin:<tenant>`."""
        return f"builtin:{self._context.tenant}"

    def check(self) -> Iterable[Finding]:
        """That it answers, and that every mapped list is one of its own."""
        known = self._platform.lists()
        yield Finding(level=Level.OK, what="built-in platform", found=f"lists: {', '.join(known)}.")
        for mapping in self._context.lists:
            if mapping.name not in known:
                found = f"the list {mapping.name} is mapped, but the platform has no such list."
                yield Finding(level=Level.ERROR, what="lists", found=found, todo="Name it in esp.lists.")

    def clock_offset(self) -> timedelta:
        """None: it runs on our clock."""
        return timedelta()

    def changes(self, cursor: str, place: str = "") -> Iterator[EspPage]:
        """Members changed since a sequence number. Raises: `ConflictError` for a cursor that is none."""
        after = _number(place or cursor or "0")
        while True:
            members = self._platform.changes(after, ROWS_A_PAGE)
            after = members[-1].seq if members else after
            rows = [_row(m) for m in members]
            if len(members) < ROWS_A_PAGE:
                yield EspPage(rows=rows, cursor=str(after), complete=True)
                return
            yield EspPage(rows=rows, place=str(after))

    def look(self, addresses: Sequence[Address]) -> Sequence[EspRow]:
        """Each of the addresses as it is now."""
        known: dict[Address, Member] = {}
        for start in range(0, len(addresses), LOOKED_AT_ONCE):
            found = self._platform.members(addresses[start : start + LOOKED_AT_ONCE])
            known.update((m.address, m) for m in found)
        return [_row(known[a]) if a in known else EspRow(a, Word.ABSENT) for a in addresses]

    def suppress(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Blocks addresses; a stronger word that stands already is left standing."""
        for start in range(0, len(changes), AT_ONCE):
            piece = changes[start : start + AT_ONCE]
            stands = self._platform.suppress_many([(c.address, c.reason) for c in piece], self._context.clock.now())
            for change, since in zip(piece, stands, strict=True):
                yield Outcome(key=change.key, status=Status.DONE, since=since.isoformat())

    def unsuppress(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Lets addresses go."""
        for change in changes:
            self._platform.unsuppress(change.address, self._context.clock.now())
            yield Outcome(key=change.key, status=Status.DONE)

    def leave(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Out of a list, as unsubscribed; out of one that is no longer offered, too."""
        offered = frozenset(self._platform.lists())
        for change in changes:
            if change.list in offered or self._joined(change):
                self._set(change, ListStatus.UNSUBSCRIBED)
            yield Outcome(key=change.key, status=Status.DONE)

    def join(self, changes: Sequence[EspChange]) -> Iterator[Outcome]:
        """Into a list; the account's block stays as it is."""
        offered = frozenset(self._platform.lists())
        for change in changes:
            if change.list not in offered:
                yield Outcome(key=change.key, status=Status.ASIDE, words=f"there is no list {change.list}")
                continue
            self._set(change, ListStatus.SUBSCRIBED)
            yield Outcome(key=change.key, status=Status.DONE)

    def _joined(self, change: EspChange) -> bool:
        return any(change.list in member.lists for member in self._platform.members([change.address]))

    def _set(self, change: EspChange, status: ListStatus) -> None:
        self._platform.set_list(change.address, change.list, status, self._context.clock.now())

    def close(self) -> None:
        """Nothing of its own."""


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ConflictError("The built-in platform does not know this position; it is read from the start.")
    return int(text)


def _row(member: Member) -> EspRow:
    word = Word.SUPPRESSED if member.suppressed else Word.SUBSCRIBED
    raw = member.suppressed.value if member.suppressed else ""
    return EspRow(member.address, word, member.suppressed, member.since, raw, member.proven, member.lists)


class BuiltinAdapter:
    """The entry point `builtin` of `connector.esp`."""

    name = "builtin"
    Settings: type[Any] = Settings
    can = Builtin.can

    def open(self, settings: Any, context: Context) -> Builtin:
        """The platform's face; it sends nothing anywhere."""
        return Builtin(context)
