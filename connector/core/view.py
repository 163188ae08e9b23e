"""All that is known of one address, from both sides: what `decide` is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.core.action import Settled
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Cause, Flag, Ref, Tick
from connector.core.resubscribe import Request
from connector.core.said import Said
from connector.core.suppression import Reason, Suppression

__all__ = ["Arrival", "Cause", "Esp", "Record", "Settled", "Tick", "View", "Word"]


class Word(StrEnum):
    """What the e-mail platform says now. Only `subscribed` is no block; absent and unreadable are no words."""

    SUBSCRIBED = "subscribed"
    SUPPRESSED = "suppressed"
    PENDING = "pending"
    ABSENT = "absent"
    UNREADABLE = "unreadable"

    @property
    def blocks(self) -> bool:
        """Whether the platform's word keeps mail from the person."""
        return self in (Word.SUPPRESSED, Word.PENDING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record of the cluster, or one entry (set while it stands): what it shows now, beside what was agreed.

    `agreed_number` counts the values agreed so far. `flag_at`: when the flag was set, where the CRM tells;
    `agreed_flag_at` that time as agreed, or that of our write. `fresh`: read in this run.
    `moved`: its address was another one when it was last agreed; `gone`: it was deleted since.
    """

    ref: Ref
    flag: Flag
    agreed: Flag | None = None
    agreed_number: int = 0
    flag_at: datetime | None = None
    agreed_flag_at: datetime | None = None
    cause: Cause = Cause.NONE
    access: Access = Access.WRITABLE
    deleted: bool = False
    fresh: bool = False
    moved: bool = False
    gone: bool = False
    box: bool = False
    agreed_box: bool = False
    tick: Tick | None = None
    lists: Mapping[str, ListStatus] = field(default_factory=dict)
    agreed_lists: Mapping[str, ListStatus] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether the record stands in the cluster and may be written."""
        return not self.deleted and self.access is not Access.READ_ONLY

    @property
    def removed(self) -> bool:
        """Whether it is an entry that somebody took off the CRM's list since it was agreed."""
        return self.ref.is_entry and self.deleted and self.agreed is Flag.SET


@dataclass(frozen=True, kw_only=True, slots=True)
class Esp:
    """What the e-mail platform says of the address now, beside what was agreed.

    `since` is the platform's time of its word; `agreed_since` is None where we wrote the block, its time not yet known.
    `proven`: the adapter can prove that the person took the block away, `since` then is when.
    """

    word: Word = Word.ABSENT
    reason: Reason | None = None
    since: datetime | None = None
    raw: str = ""
    proven: bool = False
    agreed: Word | None = None
    agreed_reason: Reason | None = None
    agreed_since: datetime | None = None
    agreed_number: int = 0
    fresh: bool = False
    refusing: bool = False
    lists: Mapping[str, ListStatus] = field(default_factory=dict)
    agreed_lists: Mapping[str, ListStatus] = field(default_factory=dict)

    @property
    def lost_block(self) -> bool:
        """Whether a block that was agreed is gone, in the platform's own words."""
        return self.agreed in (Word.SUPPRESSED, Word.PENDING) and self.word is Word.SUBSCRIBED

    @property
    def resubscribed_at(self) -> datetime | None:
        """When the person took that block away, where the adapter proves it; without a time it proves nothing."""
        return self.since if self.proven and self.lost_block else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A record that came here from another address, by a change or a merge, with that address's active wishes."""

    ref: Ref
    wishes: frozenset[Suppression]
    moved_at: datetime | None = None
    merged: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Everything known of one address. `settled` are the deeds of its latest request, by key, and others unsettled.

    `crm_complete`, `esp_complete`: this run read that side to its end. `settles_moves` is false in a run's first pass:
    another address, from which a record came, may have news that no decision took in. `lifts_restrictions` is false in
    a run that a page woke. `mails` are those of 30 days. `elsewhere`: another mail field holds it; None: nobody looked.
    """

    tenant: str
    digest: str
    records: tuple[Record, ...] = ()
    esp: Esp = field(default_factory=Esp)
    suppressions: tuple[Suppression, ...] = ()
    request: Request | None = None
    said: tuple[Said, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    settled: Mapping[str, Settled] = field(default_factory=dict)
    mails: tuple[datetime, ...] = ()
    last_confirmed_at: datetime | None = None
    crm_complete: bool = True
    esp_complete: bool = True
    settles_moves: bool = True
    lifts_restrictions: bool = True
    elsewhere: bool | None = None

    @property
    def people(self) -> tuple[Record, ...]:
        """The records that stand for a person."""
        return tuple(r for r in self.records if not r.ref.is_entry)

    @property
    def entries(self) -> tuple[Record, ...]:
        """The address's entries on the CRM's own list, those taken off it among them."""
        return tuple(r for r in self.records if r.ref.is_entry)
