"""What one list says of a person, and the words in which a CRM field says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ListStatus(StrEnum):
    """Only `subscribed` is membership; `absent` (never joined) and `unreadable` are no words."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The words a CRM field uses for a list: what is written, and so what is understood when read.

    A checkbox reads and writes `true` and `false`; a picklist or text field whatever the tenant's YAML says.
    """

    subscribed: str
    unsubscribed: str

    def status(self, word: str | None) -> ListStatus:
        """What a field's value means; a word nobody mapped is unreadable, an empty field is absent.

        A checkbox's `false` is absent too: it cannot tell *left* from *never joined*, and a new field is false for all.
        """
        said = (word or "").strip().lower()
        if not said or said == "false" == self.unsubscribed.lower():
            return ListStatus.ABSENT
        if said == self.subscribed.lower():
            return ListStatus.SUBSCRIBED
        if said == self.unsubscribed.lower():
            return ListStatus.UNSUBSCRIBED
        return ListStatus.UNREADABLE

    def word(self, status: ListStatus) -> str:
        """The word to write for subscribed or unsubscribed; `absent` is written as unsubscribed."""
        return self.subscribed if status is ListStatus.SUBSCRIBED else self.unsubscribed
