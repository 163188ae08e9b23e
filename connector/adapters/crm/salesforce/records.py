"""A record in Salesforce's fields and in ours: what is selected, read and written. Touches no wire.

Fields: Object Reference, Contact, Lead and Account. `false` in a restriction means that no opt-out is recorded, never
that somebody agreed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.adapters.crm.salesforce.mapping import moment
from connector.adapters.crm.salesforce.settings import ObjectSettings
from connector.core.action import Value
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag
from connector.ports.adapter import ListMapping
from connector.ports.crm import CrmRow

TRUE: tuple[Any, ...] = ("true", True)
BASE = 6
"""Columns that every object has: Id, address, restriction, IsDeleted, MasterRecordId, SystemModstamp."""

REMEMBERED = 4096
"""Combinations of box and list values that a reader knows again: few serve everybody."""

Reader = Callable[[Sequence[Any]], CrmRow | None]
Tail = tuple[bool, Mapping[str, ListStatus]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """One object's fields, resolved against the tenant's lists."""

    settings: ObjectSettings
    lists: tuple[tuple[ListMapping, str], ...] = ()
    person_contacts: bool = False
    null_means_clear: bool = False

    @property
    def name(self) -> str:
        return self.settings.name

    def select(self) -> list[str]:
        """The fields that a read asks for, in order: those `reader` expects."""
        s = self.settings
        lead = ["IsConverted", "ConvertedContactId"] if s.name == "Lead" else []
        person = ["IsPersonAccount"] if self._persons is not None else []
        box = [s.box] if s.box else []
        base = ["Id", s.email, s.restriction, "IsDeleted", "MasterRecordId", "SystemModstamp"]
        return [*base, *lead, *person, *box, *(field for _, field in self.lists)]

    @property
    def _persons(self) -> bool | None:
        """What `IsPersonAccount` must be for a row to be this object's; None where nobody asks."""
        return True if self.name == "Account" else False if self.person_contacts else None

    def only(self) -> str:
        """The condition that leaves other objects' rows out; empty where there is none."""
        return "" if self._persons is None else f"IsPersonAccount = {str(self._persons).lower()}"

    def signature(self) -> str:
        """Changes when rows would be read otherwise: an older cursor then says nothing of the new fields."""
        words = [(m.name, field, m.words.subscribed, m.words.unsubscribed) for m, field in self.lists]
        return f"{zlib.crc32(repr((self.select(), words, self.null_means_clear)).encode()):08x}"

    def reader(self, *, times: bool) -> Reader:
        """A function from one row's values, in the order of `select`, to ours; None for another object's row.

        Values are text as in CSV or typed as in JSON. What is neither true nor false is unreadable. `times`: rows say
        when they changed (else only deleted ones do), which costs as much as all the rest.
        """
        lead, persons, name = self.name == "Lead", self._persons, self.name
        flags: dict[Any, Flag] = {"true": Flag.SET, "false": Flag.CLEAR, True: Flag.SET, False: Flag.CLEAR}
        if self.null_means_clear:
            flags |= {None: Flag.CLEAR, "": Flag.CLEAR}
        start = BASE + (2 if lead else 0) + (0 if persons is None else 1)
        unreadable, writable, read_only = Flag.UNREADABLE, Access.WRITABLE, Access.READ_ONLY
        known: dict[tuple[Any, ...], Tail] = {}

        def read(values: Sequence[Any]) -> CrmRow | None:
            if persons is not None and (values[start - 1] in TRUE) is not persons:
                return None
            tail = tuple(values[start:])
            if (told := known.get(tail)) is None:
                told = self._tail(tail)
                if len(known) < REMEMBERED:
                    known[tail] = told
            gone, winner, access = values[3] in TRUE, values[4], writable
            at = moment(values[5]) if times or gone else None
            into = f"{name}/{winner}" if winner else ""
            if lead and values[BASE] in TRUE:
                access = read_only
                into = into or (f"Contact/{values[BASE + 1]}" if values[BASE + 1] else "")
            said = flags.get(values[2], unreadable)
            return CrmRow(name, values[0], values[1] or "", said, at, None, gone, into, access, told[0], told[1])

        return read

    def _tail(self, values: Sequence[Any]) -> Tail:
        """Box and list statuses."""
        rest = list(values)
        box = bool(self.settings.box) and rest.pop(0) in TRUE
        return box, {m.name: m.words.status(_word(v)) for (m, _), v in zip(self.lists, rest, strict=True)}

    def written(self, values: Mapping[str, Value], dates: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Our values by the org's field names; a name that the YAML maps to nothing is left out.

        `dates` are the fields that hold a day and no time.
        """
        s = self.settings
        row: dict[str, Any] = {}
        for name, field in (("restriction", s.restriction), ("box", s.box), ("reason", s.reason), ("status", s.status)):
            if field and name in values:
                row[field] = values[name]
        for name, field in (("since", s.since), ("request_date", s.request_date)):
            if field and name in values:
                row[field] = _time(values[name], day=field in dates)
        for mapping, field in self.lists:
            status = values.get(f"list:{mapping.name}")
            if status is not None:
                word = mapping.words.word(ListStatus(str(status)))
                row[field] = {"true": True, "false": False}.get(word.lower(), word)
        return row


def _word(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _time(value: Value, *, day: bool) -> str | None:
    """A time as every API version takes it: whole seconds in UTC."""
    if not value:
        return None
    at = datetime.fromisoformat(str(value)).astimezone(UTC)
    return at.strftime("%Y-%m-%d" if day else "%Y-%m-%dT%H:%M:%SZ")


def fields_of(
    settings: ObjectSettings,
    lists: Sequence[ListMapping] = (),
    *,
    person_contacts: bool = False,
    null_means_clear: bool = False,
) -> Fields:
    """The object's fields with the tenant's lists; a Person Account shows its contact's `X__c` as `X__pc`."""
    resolved = tuple((m, custom(settings, settings.lists.get(m.name) or m.field)) for m in lists)
    return Fields(settings=settings, lists=resolved, person_contacts=person_contacts, null_means_clear=null_means_clear)


def custom(settings: ObjectSettings, field: str) -> str:
    """A custom field of people by its name on this object."""
    return field.removesuffix("__c") + "__pc" if settings.name == "Account" and field.endswith("__c") else field
