"""What `decide` answers: the whole new state of one address, the deeds it asks for, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.core.action import Action, Value
from connector.core.restriction import Ref
from connector.core.resubscribe import Event, Request, State
from connector.core.suppression import Suppression


class FactKind(StrEnum):
    """What the ledger can say of an address, beside the deeds."""

    ADDED = "suppression.added"
    RENEWED = "suppression.renewed"
    LIFTED = "suppression.lifted"
    WITHDRAWN = "suppression.withdrawn"
    MOVED = "record.moved"
    ABUSE = "abuse.reported"
    HEARD = "inbox.heard"
    ASKED = "request.asked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing learnt, in words an operator understands; `suppression` where it is about one."""

    kind: FactKind
    because: str
    suppression: Suppression | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One step of a request, as it was taken."""

    request: str
    event: Event
    before: State
    after: State
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Everything that follows for one address. An empty one changes nothing (rule 14).

    `suppressions` is the whole set afterwards; `requests` every request that is new or changed, in order, the latest
    last; `agreed` the records whose reading is now the base of the next merge, `agreed_esp` the same for the platform;
    `heard` the keys of the inbox rows that were taken;
    `waits` what an open request waits for, in words.
    """

    suppressions: tuple[Suppression, ...] = ()
    requests: tuple[Request, ...] = ()
    moves: tuple[Move, ...] = ()
    actions: tuple[Action, ...] = ()
    agreed: tuple[Ref, ...] = ()
    agreed_esp: bool = False
    facts: tuple[Fact, ...] = ()
    heard: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
