"""Salesforce's words and ours: fields, flags, notes, errors. Touches no wire.

Error codes: REST API Developer Guide, "Status Codes and Error Responses"; fields: Object Reference, Contact and Lead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.adapters.crm.salesforce.settings import ObjectSettings
from connector.core.action import Value
from connector.core.lists import ListStatus
from connector.core.restriction import Access, Flag
from connector.ports.adapter import ListMapping, Status
from connector.ports.crm import CrmRow

ROW_STATUS: dict[str, Status] = {
    "UNABLE_TO_LOCK_ROW": Status.LATER,
    "QUERY_TIMEOUT": Status.LATER,
    "SERVER_UNAVAILABLE": Status.LATER,
    "UNKNOWN_EXCEPTION": Status.LATER,
    "REQUEST_LIMIT_EXCEEDED": Status.LATER,
    "TXN_SECURITY_METERING_ERROR": Status.LATER,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Status.LATER,
    "ENTITY_IS_DELETED": Status.CONFLICT,
    "INVALID_CROSS_REFERENCE_KEY": Status.CONFLICT,
    "NOT_FOUND": Status.CONFLICT,
}
"""What a row's code means; every other code is the org's own rule or a right that is missing: set aside."""

CONFIGURATION = frozenset({"INVALID_FIELD", "INVALID_TYPE", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})


def row_status(code: str) -> Status:
    """What becomes of an item whose row was refused with this code."""
    return ROW_STATUS.get(code, Status.ASIDE)


def bulk_error(text: str) -> tuple[str, str]:
    """`CODE:message:field --` of a failed Bulk row, as code and words."""
    code, _, rest = text.partition(":")
    return code, rest.removesuffix("--").rstrip(": ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """One object's fields, resolved against the tenant's lists."""

    settings: ObjectSettings
    lists: tuple[tuple[ListMapping, str], ...]
    person_contacts: bool = False

    @property
    def name(self) -> str:
        return self.settings.name

    def select(self) -> list[str]:
        """The fields that a read asks for, in order: those `reader` expects."""
        s = self.settings
        lead = ["IsConverted", "ConvertedContactId"] if s.name == "Lead" else []
        person = ["IsPersonAccount"] if s.name == "Account" or self.person_contacts else []
        box = [s.box] if s.box else []
        base = ["Id", s.email, s.restriction, "IsDeleted", "MasterRecordId", "SystemModstamp"]
        return [*base, *lead, *person, *box, *(field for _, field in self.lists)]

    def reader(self) -> Callable[[Sequence[Any]], CrmRow | None]:
        """A function from one row's values, in the order of `select`, to ours; None for a row that is another object's.

        Values are text as in CSV or typed as in JSON. Anything but a clear true or false is unreadable.
        """
        s = self.settings
        lead = s.name == "Lead"
        person = s.name == "Account" or self.person_contacts
        wants_person = s.name == "Account"
        simple = not lead and not person and not s.box and not self.lists
        flags = {"true": Flag.SET, "false": Flag.CLEAR, True: Flag.SET, False: Flag.CLEAR}
        name, no_lists = s.name, dict[str, ListStatus]()

        def read_simple(values: Sequence[Any]) -> CrmRow:
            id_, email, flag, deleted, master, _ = values
            gone = deleted in ("true", True)
            winner = f"{name}/{master}" if master else ""
            said = flags.get(flag, Flag.UNREADABLE)
            return CrmRow(name, id_, email or "", said, None, None, gone, winner, Access.WRITABLE, False, no_lists)

        def read(values: Sequence[Any]) -> CrmRow | None:
            rest = iter(values[6:])
            row = read_simple(values[:6])
            if lead and next(rest) in ("true", True):
                contact = next(rest)
                moved = f"Contact/{contact}" if contact else ""
                row = row._replace(access=Access.READ_ONLY, merged_into=row.merged_into or moved)
            elif lead:
                next(rest)
            if person and (next(rest) in ("true", True)) is not wants_person:
                return None
            box = bool(s.box) and next(rest) in ("true", True)
            lists = {mapping.name: mapping.words.status(_word(value)) for (mapping, _), value in zip(self.lists, rest)}
            return row._replace(box=box, lists=lists or no_lists)

        return read_simple if simple else read

    def written(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Our values by the org's field names; a name that the YAML maps to nothing is left out."""
        s = self.settings
        names = {
            "restriction": s.restriction,
            "reason": s.reason,
            "since": s.since,
            "request_date": s.request_date,
            "status": s.status,
            "box": s.box,
        }
        row = {names[k]: v for k, v in values.items() if names.get(k)}
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


def fields_of(settings: ObjectSettings, lists: Sequence[ListMapping], *, person_contacts: bool = False) -> Fields:
    """The object's fields with the tenant's lists."""
    person = settings.name == "Account"
    resolved = []
    for mapping in lists:
        field = settings.lists.get(mapping.name) or mapping.field
        resolved.append((mapping, field.removesuffix("__c") + "__pc" if person and field.endswith("__c") else field))
    return Fields(settings=settings, lists=tuple(resolved), person_contacts=person_contacts)


def moment(text: str) -> datetime:
    """A time as Salesforce writes it."""
    return datetime.fromisoformat(re.sub(r"\+0000$", "+00:00", text))


def literal(text: str) -> str:
    """A SOQL string literal (SOQL reference, quoted string escapes)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
