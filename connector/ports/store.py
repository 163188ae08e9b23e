"""What we remember of one tenant: the mirror, suppressions, requests, ledger, outbox, inbox, cursors, leases, runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from connector.core.action import Action, Side
from connector.core.address import Address, Digest
from connector.core.decision import Decision
from connector.core.policy import Policy
from connector.core.restriction import Ref
from connector.core.resubscribe import Event, Request
from connector.core.said import Said
from connector.core.suppression import Suppression
from connector.core.view import Tick, View
from connector.ports.adapter import Outcome
from connector.ports.answers import Aside, Damage, Entry, HeldDeed
from connector.ports.crm import CrmRow
from connector.ports.esp import EspRow


class Trigger(StrEnum):
    """Who rang: the schedule, a person's command, or an inbox row. Only the last leaves restrictions for later."""

    SCHEDULE = "schedule"
    COMMAND = "command"
    INBOX = "inbox"


class Ended(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run that holds the tenant's lease. Every write in its name is fenced: a later holder's number is higher."""

    id: str
    fence: int
    trigger: Trigger
    started: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run as it is remembered."""

    id: str
    trigger: Trigger
    started: datetime
    ended: datetime | None
    outcome: Ended
    sentence: str
    counts: Mapping[str, int]


class Cursor(NamedTuple):
    """How far a side was read: the watermark of the last complete read, and the place inside an unfinished one."""

    value: str
    place: str


class StagedRecord(NamedTuple):
    """A row as read, with its normal form and digest (both empty where the record has no usable address)."""

    row: CrmRow
    address: Address | str
    digest: Digest | str


class StagedWord(NamedTuple):
    """What the platform said of one address, with its digest."""

    row: EspRow
    address: Address
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """One deed of the outbox. `address` is empty where none is stored (a deed on a record needs none).

    `intended_at` is when the deed was first promised: a letter is dated by it, so that its bytes stay the same.
    `begun`: it was sent before and nothing was recorded, so that it may be done already.
    """

    action: Action
    digest: Digest
    address: Address | str
    attempts: int
    intended_at: datetime
    begun: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """An outcome with what it means for the mirror: after `done` the side shows what was written.

    `request` and `event` stand where the outcome moved a request (a mail that left): stored in the same transaction.
    """

    owed: Owed
    outcome: Outcome
    request: Request | None = None
    event: Event | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiftRoom:
    """What the breaker counts: addresses let go in the last 24 hours or about to be (done or owed; not held, not taken
    back), by a person's own confirmation and otherwise.

    `unknown` counts addresses blocked at the other side for a word nobody knows; `suppressed` all that stand stored.
    """

    confirmed: int
    other: int
    suppressed: int
    unknown: int = 0


class Store(Protocol):
    """One tenant's memory. Every method is one unit of work: whole or not at all. Raises the five families."""

    tenant: str

    # -- runs ---------------------------------------------------------------------------------------------------
    def begin(self, trigger: Trigger) -> AbstractContextManager[Run]:
        """Takes the lease for the length of the context; it ends with its holder, however that ends.

        Raises: `ConflictError` where another run holds the tenant.
        """

    def skip(self, trigger: Trigger, why: str) -> None:
        """Remembers a run that did not take place."""

    def finish(self, run: Run, outcome: Ended, sentence: str, counts: Mapping[str, int]) -> None:
        """Closes the run's row, and lets go of readable addresses that nobody needs any more."""

    def runs(self, limit: int = 20) -> Sequence[RunRow]:
        """The latest runs, latest first."""

    def recover(self, run: Run) -> int:
        """Takes in what the journal knows and the ledger does not; the number of opt-outs that came back.

        More than one unit of work behind means a restore: agreed values and owed lifts are dropped as well.
        Raises: `ConfigError` where a journal is expected and there is none.
        """

    # -- who and how far ----------------------------------------------------------------------------------------
    def identity(self, side: Side) -> str:
        """The identity stored at first contact; empty before."""

    def remember_identity(self, side: Side, identity: str) -> None:
        """Stores it. Raises: `ConfigError` if another tenant of this installation holds it or ours is another."""

    def cursor(self, side: Side) -> Cursor:
        """How far `side` was read."""

    def keep_place(self, run: Run, side: Side, place: str) -> None:
        """Where an unfinished read goes on."""

    def move_cursor(self, run: Run, side: Side, value: str) -> None:
        """After a complete read; forgets the place."""

    # -- looking ------------------------------------------------------------------------------------------------
    def stage_records(self, run: Run, rows: Sequence[StagedRecord]) -> None:
        """Into the mirror as *now*; agreed values stay. Addresses are kept only where the flag or the box is set."""

    def stage_words(self, run: Run, rows: Sequence[StagedWord]) -> None:
        """The same for the platform."""

    def refused_rows(self, run: Run, side: Side, rows: Sequence[tuple[str, str]]) -> None:
        """Rows whose address cannot be one: (ref, why), into quarantine."""

    def unticked(self) -> Sequence[Ref]:
        """Records whose box is set and whose tick nobody has looked up yet."""

    def stage_ticks(self, run: Run, ticks: Mapping[Ref, Tick]) -> None:
        """Who ticked."""

    def to_look(self) -> Sequence[tuple[Digest, Address]]:
        """Addresses with an open request, new inbox rows of kind ask or confirm, or lifts owed: looked at singly."""

    def unread(self, run: Run) -> Sequence[tuple[Digest, Address]]:
        """After a reading of the whole CRM in this run: records that it did not show leave their clusters.

        Of entries that it did not show the addresses are given back, to be asked for singly: a list proves no absence.
        """

    def looked(self, run: Run, digest: Digest, present: Sequence[Ref], elsewhere: bool | None) -> None:
        """A single look found exactly these: other records of the cluster left it, other entries were taken off."""

    # -- the inbox ----------------------------------------------------------------------------------------------
    def tell(self, said: Said, address: Address | None, digest: Digest) -> bool:
        """Appends to the inbox (a stop or complaint to the journal first); False if its key was there already.

        A stop may come from somebody who is known by digest alone.
        """

    def waiting(self) -> bool:
        """Whether the inbox holds a row that no run has taken."""

    # -- thinking and promising ---------------------------------------------------------------------------------
    def candidates(
        self, run: Run, policy: Policy, now: datetime, *, crm_complete: bool, esp_complete: bool
    ) -> Iterator[View]:
        """Every address that changed, disagrees or waits: too many perhaps, never too few. Streamed."""

    def view(self, digest: Digest, now: datetime, run: Run | None = None) -> View:
        """All that is known of one address."""

    def anew(self, run: Run) -> None:
        """Takes back every owed deed that is no block: what is still right will be decided again."""

    def promise(
        self, run: Run, decided: Sequence[tuple[View, Decision]], now: datetime, hold: frozenset[str] = frozenset()
    ) -> None:
        """Stores decisions in one transaction: suppressions, requests, agreed values, outbox, inbox, ledger, journal.

        An action whose key is there already is not stored again; one that `anew` took back is owed again. `hold`
        are the keys of lifts that the breaker holds; what somebody approved is not held again.
        """

    def lift_room(self, now: datetime) -> LiftRoom:
        """What the breaker counts."""

    # -- doing --------------------------------------------------------------------------------------------------
    def owed(self, run: Run, phase: int, now: datetime, limit: int = 10_000) -> Sequence[Owed]:
        """Deeds of a phase that are due, oldest first; of a request only those whose earlier deeds are settled."""

    def sending(self, run: Run, keys: Sequence[str]) -> None:
        """Commits the intent to do what may not be repeated blindly: from here on a crash leaves it `begun`."""

    def settle(self, run: Run, settled: Sequence[Settlement], now: datetime) -> None:
        """Outbox settled, mirror agreed, ledger told, in one transaction. `later` waits longer each time."""

    # -- answers ------------------------------------------------------------------------------------------------
    def digest(self, address: Address) -> Digest:
        """The digest of an address under the installation's key."""

    def address(self, digest: Digest) -> Address | None:
        """The readable address, where one is still kept."""

    def requests(self, *, only_open: bool = False, limit: int = 1000) -> Sequence[tuple[Digest, Request]]:
        """Requests, latest first."""

    def request(self, request_id: str) -> tuple[Digest, Request] | None:
        """One request."""

    def suppressions(self, limit: int | None = None) -> Iterator[tuple[Digest, Suppression]]:
        """Every suppression in force, streamed."""

    def ledger(self, digest: Digest | None = None, *, after: int = 0) -> Iterator[Entry]:
        """The ledger, or one address's part of it, by rising number."""

    def verify(self) -> Damage | None:
        """Reads the whole chain; the first row that was edited, removed or reordered, or None."""

    def aside(self) -> Sequence[Aside]:
        """What was set aside."""

    def held(self) -> Sequence[HeldDeed]:
        """What the breaker holds."""

    def approve(self, keys: Sequence[str], by: str, reason: str) -> int:
        """Lets held lifts go; how many."""

    def counts(self) -> Mapping[str, int]:
        """How many records, suppressions, open requests, owed and set-aside deeds."""

    def scratch(self) -> AbstractContextManager[Store]:
        """A store laid over this one: it knows all that we know, and what it learns is thrown away."""

    def close(self) -> None:
        """Gives back what is held."""
