"""What the store answers when people ask: ledger rows, damage, what was set aside, what is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.core.action import Side, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One ledger row. `hash` covers the row before, the digest and everything here, never an address."""

    seq: int
    at: datetime
    run: str
    digest: str
    event: str
    because: str
    values: Mapping[str, Value]
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """The first ledger row that does not verify, and what is wrong with it."""

    seq: int
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """A deed or a row that was set aside: the vendor's words, how often it was tried, when it is tried again."""

    side: Side
    target: str
    deed: str
    digest: str
    words: str
    attempts: int
    next_at: datetime | None
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDeed:
    """A lift that the breaker holds until somebody approves it."""

    key: str
    digest: str
    deed: str
    target: str
    because: str
    since: datetime
