"""What every adapter says and is given: findings, outcomes, capabilities, and the context it is opened in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from connector.core.lists import Words
from connector.core.policy import Policy
from connector.ports.clock import Clock


class Level(StrEnum):
    """How much a finding of `check` weighs: an `error` stops the tenant, an `unknown` counts as one."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of `check`: what was looked at, what was found, what to do next."""

    level: Level
    what: str
    found: str
    todo: str = ""


class Status(StrEnum):
    """How one item ended: done, refused for its own sake, to be tried later, or overtaken by a change."""

    DONE = "done"
    ASIDE = "aside"
    LATER = "later"
    CONFLICT = "conflict"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of the item with this action key. `words` are the vendor's, with addresses replaced.

    `made` is the ref of what was created, `since` the vendor's own time of a block (ISO 8601), where it tells.
    """

    key: str
    status: Status
    words: str = ""
    made: str = ""
    since: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListMapping:
    """One list of the e-mail platform, the CRM field that holds its status, and the words written there."""

    name: str
    field: str
    words: Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What wiring gives an adapter: its tenant, clock, policy and lists, and where files may be kept."""

    tenant: str
    clock: Clock
    policy: Policy
    lists: tuple[ListMapping, ...] = ()
    platform: Any = None
    """The tenant's built-in platform (`ports.platform.Platform`), for the adapter that is its face."""
    proxies: Mapping[str, str] | None = None
    ca_bundle: str | None = None
    told: Callable[[str], None] = lambda _: None
    """Takes a sentence of progress for a person at a terminal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing of ours that a vendor's system needs and has not: what it is, and how a person makes it by hand."""

    name: str
    what: str
    by_hand: str


@runtime_checkable
class Provisions(Protocol):
    """A side that `can` "provision": it tells what of ours it lacks, and makes it where its server lets it."""

    makes: bool
    """Whether the server lets a program make such things; else `by_hand` is the way."""

    def missing(self) -> Sequence[Part]:
        """What is not there, in the order in which it has to be made. Raises: the five families."""

    def make(self, part: Part) -> None:
        """Makes one of them; one that stands there already is left alone. Raises: the five families."""


class Adapter(Protocol):
    """What an entry point of `connector.crm`, `connector.esp` or `connector.mail` names."""

    name: str
    Settings: type[Any]
    """A pydantic model of the adapter's own block in the YAML; a CRM's tells by `entries` whether it keeps a list."""
    can: frozenset[str]
    """What it can do, as data; a YAML that asks for more is refused by `check`."""

    def open(self, settings: Any, context: Context) -> Any:
        """The port's implementation, nothing sent yet. Raises: `ConfigError`."""
