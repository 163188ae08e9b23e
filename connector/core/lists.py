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

    @property
    def flat(self) -> bool:
        """Whether they are a check box's, whose false cannot tell *left* from *never joined*."""
        return self.unsubscribed.lower() == "false"

    def status(self, word: str | None) -> ListStatus:
        """What a field's value means; a word nobody mapped is unreadable, an empty field is absent.

        A check box's `false` is absent too, for a new field is false for all.
        """
        said = (word or "").strip().lower()
        if not said or (self.flat and said == "false"):
            return ListStatus.ABSENT
        if said == self.subscribed.lower():
            return ListStatus.SUBSCRIBED
        if said == self.unsubscribed.lower():
            return ListStatus.UNSUBSCRIBED
        return ListStatus.UNREADABLE

    def word(self, status: ListStatus) -> str:
        """The word to write for subscribed or unsubscribed; `absent` is written as unsubscribed."""
        return self.subscribed if status is ListStatus.SUBSCRIBED else self.unsubscribed
