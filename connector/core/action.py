"""The closed list of deeds. Each action has a key, by which it is done once, and a because."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | bool | int | None


class Side(StrEnum):
    """Where a deed is done."""

    CRM = "crm"
    ESP = "esp"
    MAIL = "mail"


class Deed(StrEnum):
    """Everything this product ever does to the outside."""

    SUPPRESS = "suppress"
    RESTRICT = "restrict"
    ADD_ENTRY = "add_entry"
    LEAVE_LIST = "leave_list"
    WRITE_LIST = "write_list"
    CLEAR_BOX = "clear_box"
    TELL = "tell"
    MAIL = "mail"
    DROP_LIST = "drop_list"
    UNSUPPRESS = "unsuppress"
    JOIN_LIST = "join_list"
    CREATE_RECORD = "create_record"
    REMOVE_ENTRY = "remove_entry"
    WRITE_STATUS = "write_status"
    WRITE_NOTE = "write_note"
    UNRESTRICT = "unrestrict"
    NOTICE = "notice"


PHASE: dict[Deed, int] = {
    Deed.SUPPRESS: 0,
    Deed.RESTRICT: 0,
    Deed.ADD_ENTRY: 0,
    Deed.LEAVE_LIST: 1,
    Deed.WRITE_LIST: 2,
    Deed.CLEAR_BOX: 2,
    Deed.TELL: 3,
    Deed.MAIL: 4,
    Deed.DROP_LIST: 5,
    Deed.UNSUPPRESS: 6,
    Deed.JOIN_LIST: 7,
    Deed.CREATE_RECORD: 8,
    Deed.REMOVE_ENTRY: 9,
    Deed.WRITE_STATUS: 10,
    Deed.WRITE_NOTE: 10,
    Deed.UNRESTRICT: 11,
    Deed.NOTICE: 12,
}
"""The order in which deeds are carried out: blocks before lifts, and inside a lift the order of S38."""

BLOCKS = frozenset({Deed.SUPPRESS, Deed.RESTRICT, Deed.ADD_ENTRY, Deed.LEAVE_LIST})
"""Deeds that may be repeated blindly and are never held."""

LIFTS = frozenset({Deed.UNSUPPRESS, Deed.REMOVE_ENTRY, Deed.UNRESTRICT})
"""Deeds that make somebody mailable: looked at again before, counted by the breaker."""

MAY_FAIL = frozenset({Deed.WRITE_STATUS, Deed.WRITE_NOTE, Deed.TELL, Deed.CLEAR_BOX, Deed.WRITE_LIST, Deed.NOTICE})
"""Deeds whose refusal for good is listed and holds up nothing."""

ANEW = frozenset(
    {
        Deed.MAIL,
        Deed.DROP_LIST,
        Deed.UNSUPPRESS,
        Deed.JOIN_LIST,
        Deed.CREATE_RECORD,
        Deed.REMOVE_ENTRY,
        Deed.WRITE_STATUS,
        Deed.WRITE_NOTE,
        Deed.UNRESTRICT,
    }
)
"""Deeds that are decided anew in every run while they are owed; the others are carried out as promised."""


class Settled(StrEnum):
    """How a deed of a request ended so far."""

    OWED = "owed"
    DONE = "done"
    ASIDE = "aside"
    HELD = "held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One deed on one target. `target` is a record's ref, a list's name, or empty for the address itself.

    `expects` is what the side must still show before a lift is done (`set`, or the platform's reason and time).
    """

    deed: Deed
    side: Side
    target: str
    because: str
    key: str
    request: str = ""
    expects: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def phase(self) -> int:
        return PHASE[self.deed]


def action_key(*parts: object) -> str:
    """The key of a deed: tenant, side, record, deed, evidence, and the number of the agreed value it replaces."""
    text = "\x1f".join(str(p) for p in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
