"""A record in Dynamics' columns and in ours: what is selected, read and written. Touches no wire.

Entity reference: contact, lead, account. `donotbulkemail` is true for "Do Not Allow"; false means that no opt-out is
recorded, never that somebody agreed. Column-level security: a secured column without the right reads as null.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.adapters.crm.dynamics.mapping import CLOSED_LEAD
from connector.adapters.crm.dynamics.settings import Settings, Suppressions, TableSettings
from connector.core.action import Value
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag
from connector.ports.adapter import ListMapping
from connector.ports.crm import CrmRow

ENTRY = "Suppression"
"""What the port calls a row of Email suppressions."""

MODIFIED = "modifiedon"
MODIFIER = "modifiedby"
"""Reads as the name of the user who saved the record last."""

WINNER = "masterid"
"""Where a merged record names the one that it became; the record itself stays, inactive."""

Reader = Callable[[Mapping[str, Any]], CrmRow]

Values = dict[str, Any]
"""Columns by logical name. As read: text, bool, int, aware datetime, or None; a lookup is its id.

As written: the same; an int goes into a choice.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table, resolved against the tenant's lists. `restriction` is empty where the row itself is one: an entry."""

    entity: str
    name: str
    key: str
    entity_set: str
    email: str
    other_emails: tuple[str, ...] = ()
    restriction: str = ""
    box: str = ""
    request_date: str = ""
    status: str = ""
    reason: str = ""
    since: str = ""
    lists: tuple[tuple[ListMapping, str], ...] = ()
    null_means_clear: bool = False

    @property
    def is_entry(self) -> bool:
        """Whether its rows are Email suppressions, not people."""
        return self.entity == ENTRY

    def select(self) -> list[str]:
        """The columns that a read asks for, each once."""
        people = [] if self.is_entry else [WINNER]
        lead = ["statecode"] if self.name == "lead" else []
        named = (self.restriction, self.box, *(column for _, column in self.lists))
        return list(dict.fromkeys([self.key, self.email, MODIFIED, *people, *lead, *(c for c in named if c)]))

    def wanted(self) -> dict[str, bool]:
        """Every column that the YAML names, and whether we write it."""
        reads = dict.fromkeys((self.email, *self.other_emails), self.is_entry)
        named = (self.restriction, self.box, self.request_date, self.status, self.reason, self.since)
        return reads | dict.fromkeys((c for c in (*named, *(column for _, column in self.lists)) if c), True)

    def signature(self) -> str:
        """Changes when rows would be read otherwise: an older cursor then says nothing of the new columns."""
        words = [(m.name, column, m.words.subscribed, m.words.unsubscribed) for m, column in self.lists]
        return f"{zlib.crc32(repr((self.select(), words, self.null_means_clear)).encode()):08x}"

    def reader(self, secured: Callable[[], bool]) -> Reader:
        """A function from one row as read to ours. `secured` is asked only where an empty restriction may mean clear.

        It is called for every contact of a first read, so what is the same for all of them is looked up here.
        """
        entity, key, email, box, lists = self.entity, self.key, self.email, self.box, self.lists
        restriction, lead = self.restriction, self.name == "lead"
        writable, read_only, none = Access.WRITABLE, Access.READ_ONLY, dict[str, ListStatus]()
        flags = {True: Flag.SET, False: Flag.CLEAR}

        def read(values: Mapping[str, Any]) -> CrmRow:
            said = values.get(restriction)
            flag = flags[said] if said.__class__ is bool else self._other_flag(values, secured)
            winner = values.get(WINNER)
            into = f"{entity}/{str(winner).lower()}" if winner is not None else ""
            access = read_only if lead and values.get("statecode") in CLOSED_LEAD else writable
            ticked = box != "" and values.get(box) is True
            said_of = {m.name: m.words.status(_word(values.get(c))) for m, c in lists} if lists else none
            id_, at, address = str(values[key]).lower(), values.get(MODIFIED), values.get(email) or ""
            return CrmRow(entity, id_, address, flag, at, None, into != "", into, access, ticked, said_of)

        return read

    def gone(self, id_: str) -> CrmRow:
        """A record that was deleted: all that is known of it is its id. An entry that is gone is a clear one."""
        flag = Flag.CLEAR if self.is_entry else Flag.UNREADABLE
        return CrmRow(self.entity, id_.lower(), "", flag, deleted=True)

    def _other_flag(self, values: Mapping[str, Any], secured: Callable[[], bool]) -> Flag:
        """What a restriction means that is neither true nor false; an entry has none, and is one."""
        if not self.restriction:
            return Flag.SET
        empty = self.restriction in values and values[self.restriction] is None
        return Flag.CLEAR if empty and self.null_means_clear and not secured() else Flag.UNREADABLE

    def written(self, values: Mapping[str, Value]) -> Values:
        """Our values by column; a name that the YAML maps to nothing is left out."""
        row: Values = {}
        plain = {"restriction": self.restriction, "box": self.box, "reason": self.reason, "status": self.status}
        for name, column in plain.items():
            if column and name in values:
                row[column] = values[name]
        for name, column in {"since": self.since, "request_date": self.request_date}.items():
            if column and name in values:
                row[column] = _time(values[name])
        for mapping, column in self.lists:
            status = values.get(f"list:{mapping.name}")
            if status is not None:
                row[column] = _typed(mapping.words.word(ListStatus(str(status))))
        return row


def _word(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _typed(word: str) -> Any:
    """A list's word as its column takes it: true and false for a boolean, digits for a choice, else text."""
    if word.isascii() and word.isdigit():
        return int(word)
    return {"true": True, "false": False}.get(word.lower(), word)


def _time(value: Value) -> datetime | None:
    return datetime.fromisoformat(str(value)).astimezone(UTC).replace(microsecond=0) if value else None


_KEYS = {"contact": ("contactid", "contacts"), "lead": ("leadid", "leads"), "account": ("accountid", "accounts")}


def people(settings: TableSettings, lists: Sequence[ListMapping], *, null_means_clear: bool) -> Table:
    """A table of people with the tenant's lists."""
    key, entity_set = _KEYS[settings.name]
    return Table(
        entity=settings.name,
        name=settings.name,
        key=key,
        entity_set=entity_set,
        email=settings.email,
        other_emails=tuple(settings.other_emails),
        restriction=settings.restriction,
        box=settings.box,
        request_date=settings.request_date,
        status=settings.status,
        reason=settings.reason,
        since=settings.since,
        lists=tuple((m, settings.lists.get(m.name) or m.field) for m in lists),
        null_means_clear=null_means_clear,
    )


def entries(settings: Suppressions) -> Table:
    """The table Email suppressions."""
    return Table(
        entity=ENTRY,
        name=settings.table,
        key=settings.key,
        entity_set=settings.entity_set,
        email=settings.address,
        box=settings.box,
        request_date=settings.request_date,
        status=settings.status,
        reason=settings.reason,
        since=settings.since,
    )


def tables(settings: Settings, lists: Sequence[ListMapping]) -> dict[str, Table]:
    """Every table of the tenant, by what the port calls its rows; people before entries."""
    found = [people(t, lists, null_means_clear=settings.null_means_clear) for t in settings.tables]
    if settings.suppressions:
        found.append(entries(settings.suppressions))
    return {table.entity: table for table in found}
