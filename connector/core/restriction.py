"""The CRM's flag on one record, who set it, the box beside it, and what names that record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ENTRY = "Suppression"
"""The entity of an entry: a row of the CRM's own list of suppressions. It stands for an address, not for a person."""


class Flag(StrEnum):
    """What the bulk-email restriction says. What nobody can read is `unreadable`, never clear."""

    CLEAR = "clear"
    SET = "set"
    UNREADABLE = "unreadable"


class Access(StrEnum):
    """Whether a record takes writes: yes, never (a converted lead), or it refused for its own sake."""

    WRITABLE = "writable"
    READ_ONLY = "read_only"
    REFUSING = "refusing"


class Cause(StrEnum):
    """Why the sync itself set a record's flag; `none` where a person did."""

    NONE = "none"
    WISH = "wish"
    FAULT = "fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A saved tick in the request box. `allowed` is None where nobody could tell who ticked it."""

    by: str = ""
    at: datetime | None = None
    allowed: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Ref:
    """One record of the CRM: its entity (`Contact`) and the vendor's id."""

    entity: str
    id: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.id}"

    @property
    def is_entry(self) -> bool:
        """Whether it names a row of the CRM's own list of suppressions."""
        return self.entity == ENTRY

    @classmethod
    def parse(cls, text: str) -> Ref:
        """The inverse of `str`."""
        entity, _, id_ = text.partition("/")
        return cls(entity=entity, id=id_)
