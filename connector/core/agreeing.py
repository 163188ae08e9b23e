"""What becomes the base of the next merge, and the number that a deed on it carries in its key."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.core.action import Deed, Side
from connector.core.case import Case
from connector.core.policy import Moved
from connector.core.restriction import Flag, Ref
from connector.core.view import Record, Word

MEASURED = timedelta(seconds=60)
"""Two readings of one moment differ by up to this: a side's clock is measured to within 30 s, each time anew."""


def same_time(one: datetime | None, other: datetime | None) -> bool:
    """Whether two readings of a side's own time may be the same moment."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= MEASURED


def agreed_records(case: Case) -> tuple[Ref, ...]:
    """Records whose reading becomes the base: all that is new, save what is about to change or cannot be read."""
    return tuple(r.ref for r in case.view.records if _news(r) and _agrees(case, r))


def agreed_platform(case: Case) -> bool:
    """Whether the platform's reading becomes the base."""
    esp = case.view.esp
    news = (
        esp.word is not esp.agreed
        or (
            esp.word is Word.SUPPRESSED
            and (esp.reason is not esp.agreed_reason or not same_time(esp.since, esp.agreed_since))
        )
        or dict(esp.lists) != dict(esp.agreed_lists)
    )
    return news and _agrees_platform(case)


def record_number(case: Case, record: Record) -> int:
    """The number of the agreed value that a deed replaces: this reading's, where it becomes the base just now.

    To be asked once every restriction on the record has been.
    """
    news = record.flag is not record.agreed or record.box != record.agreed_box or _list_news(record)
    return record.agreed_number + (news and _agrees(case, record))


def platform_number(case: Case) -> int:
    """The same for a deed at the platform."""
    esp = case.view.esp
    news = esp.word is not esp.agreed or dict(esp.lists) != dict(esp.agreed_lists)
    return esp.agreed_number + (news and _agrees_platform(case))


def entry_number(case: Case) -> int:
    """The same for an entry to add, which replaces all that were taken off the list."""
    return sum(entry.agreed_number for entry in case.view.entries)


def _news(record: Record) -> bool:
    return (
        record.flag is not record.agreed
        or record.box != record.agreed_box
        or _list_news(record)
        or record.moved
        or record.gone
        or bool(record.flag_at and not same_time(record.flag_at, record.agreed_flag_at))
    )


def _list_news(record: Record) -> bool:
    return dict(record.lists) != dict(record.agreed_lists)


def agreeable(case: Case, record: Record) -> bool:
    """Whether the reading of a record is whole, and its move (if it moved) may be settled in this run."""
    if record.flag is Flag.UNREADABLE or (record.box and record.tick is None):
        return False
    asking = case.policy.moved is Moved.ASK and any(a.ref == record.ref and not a.merged for a in case.view.arrivals)
    return not record.moved or (case.complete and case.view.settles_moves and not asking)


def _agrees(case: Case, record: Record) -> bool:
    if record.removed and any(a.deed is Deed.ADD_ENTRY for a in case.actions):
        return False
    deeds = {a.deed for a in case.actions if a.target == str(record.ref)}
    unlifted = record.moved and Deed.UNRESTRICT in deeds
    return agreeable(case, record) and Deed.RESTRICT not in deeds and not unlifted


def _agrees_platform(case: Case) -> bool:
    esp = case.view.esp
    pending = any(a.side is Side.ESP and a.deed is Deed.SUPPRESS for a in case.actions)
    absent_new = esp.word is Word.ABSENT and esp.agreed is None
    return not pending and not absent_new and esp.word is not Word.UNREADABLE
