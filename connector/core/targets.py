"""What every side must show: blocks where something is in force, list statuses."""

from __future__ import annotations

from connector.core.action import Deed, Side, Value
from connector.core.agreeing import platform_number, record_number
from connector.core.case import Case
from connector.core.entries import require_entry
from connector.core.lists import ListStatus
from connector.core.policy import Moved
from connector.core.restriction import Flag
from connector.core.suppression import ALL, Kind, Reason, Suppression
from connector.core.taking import answered
from connector.core.view import Cause, Record, Word

_FIRST = (Reason.ABUSE, Reason.COMPLAINED)
_RANK = {reason: rank for rank, reason in enumerate([*_FIRST, *(r for r in Reason if r not in _FIRST)])}


def require(case: Case) -> None:
    """Asks for every block and list status that the sides do not show yet."""
    stands = _in_force(case)
    # Only a flag read to the end tells a person's from the one that a fault sets and its withdrawal clears.
    faults = case.policy.faults_restrict and case.view.crm_complete
    wishes = [s for s in stands if s.kind is Kind.WISH or (s.kind is Kind.FAULT and faults)]
    for record in case.view.people:
        if record.counts:
            _record(case, record, wishes)
    carried = [s for s in stands if s.kind is not Kind.PLATFORM]
    require_entry(case, carried, _values(carried) if carried else {})
    _platform(case, carried)
    _lists(case)


def _in_force(case: Case) -> list[Suppression]:
    """The suppressions of all mail that hold; what a confirmed request names is on its way out."""
    named = case.request.names if case.request and case.request.lifting else frozenset()
    stands = [s for s in case.holds() if s.key not in named]
    return sorted(stands, key=lambda s: (_RANK[s.reason], s.since))


def _values(stands: list[Suppression]) -> dict[str, Value]:
    first = stands[0]
    kinds = {"unknown" if s.reason is Reason.UNKNOWN else s.kind.value for s in stands}
    kind = kinds.pop() if len(kinds) == 1 else "wish"
    return {"reason": first.reason.value, "since": first.since.isoformat(), "kind": kind}


def _record(case: Case, record: Record, wishes: list[Suppression]) -> None:
    target, number = str(record.ref), record.agreed_number
    unproven = record.flag is Flag.UNREADABLE and record.agreed is not Flag.SET
    if wishes and (record.flag is Flag.CLEAR or unproven):
        cleared = record.agreed is Flag.SET and not unproven
        because = f"{wishes[0].reason.value} since {wishes[0].since:%Y-%m-%d %H:%M} UTC, from {wishes[0].source}"
        because = f"cleared by hand without a request, set again: {because}" if cleared else because
        case.act(
            Deed.RESTRICT, Side.CRM, target, because, evidence=wishes[0].reason, number=number,
            values={"restriction": True, "cleared": cleared, **_values(wishes)},
        )  # fmt: skip
        return
    if record.flag is not Flag.SET or wishes or (case.request and case.request.lifting):
        return
    because = ""
    settled = record.moved and case.complete and case.view.settles_moves
    if record.agreed is Flag.SET and record.cause is Cause.FAULT and case.complete and not case.holds():
        because = "the fault for which the sync had set it was withdrawn"
    elif settled and case.policy.moved is Moved.FOLLOW_ADDRESS:
        because = "it only stood for the record's former address"
    elif settled and not case.holds() and _answered_here(case, record):
        because = "it stood for a stop at the record's former address that the person's later confirmation here answers"
    if because:
        case.act(
            Deed.UNRESTRICT, Side.CRM, target, because, evidence="withdrawn", number=number, expects="set",
        )  # fmt: skip


def _answered_here(case: Case, record: Record) -> bool:
    wishes = [w for a in case.view.arrivals if a.ref == record.ref and not a.merged for w in a.wishes]
    follows = case.policy.moved is Moved.FOLLOW_PERSON and record.agreed is Flag.SET
    return follows and bool(wishes) and all(answered(case, wish) for wish in wishes)


def _platform(case: Case, stands: list[Suppression]) -> None:
    esp = case.view.esp
    blocked = esp.word.blocks or (esp.word is Word.UNREADABLE and esp.agreed is Word.SUPPRESSED)
    if not stands or blocked:
        return
    because = f"{stands[0].reason.value} since {stands[0].since:%Y-%m-%d %H:%M} UTC, from {stands[0].source}"
    because = f"taken off the platform's list without a request, put back: {because}" if esp.lost_block else because
    case.act(
        Deed.SUPPRESS, Side.ESP, "", because, evidence=stands[0].reason, number=esp.agreed_number,
        values={"cleared": esp.lost_block, **_values(stands)},
    )  # fmt: skip


def _lists(case: Case) -> None:
    esp = case.view.esp
    for name in sorted({*case.policy.lists, *(s.scope for s in case.held.values())} - {ALL}):
        left, now = bool(case.holds(name)), esp.lists.get(name, ListStatus.ABSENT)
        joining = case.request is not None and case.request.lifting and name in case.request.lists
        if left and now is ListStatus.SUBSCRIBED and not joining:
            because = "the person left the list"
            case.act(Deed.LEAVE_LIST, Side.ESP, name, because, evidence="left", number=platform_number(case))
    for record in case.view.people:
        if record.counts:
            _fields(case, record)


def _fields(case: Case, record: Record) -> None:
    """The list fields of one record, in one write: the platform's status, and what was set by hand set back."""
    wrong: dict[str, Value] = {}
    back = False
    for name in case.policy.lists:
        now, esp = record.lists.get(name), case.view.esp.lists.get(name, ListStatus.ABSENT)
        if now is None or ListStatus.UNREADABLE in (now, esp):
            continue
        inside = esp is ListStatus.SUBSCRIBED and not case.holds(name)
        outside = (bool(case.holds(name)) or esp is ListStatus.UNSUBSCRIBED) and name not in case.policy.flat_lists
        if inside and now is not ListStatus.SUBSCRIBED:
            wrong[f"list:{name}"] = ListStatus.SUBSCRIBED.value
        elif now is ListStatus.SUBSCRIBED and not inside:
            wrong[f"list:{name}"] = ListStatus.UNSUBSCRIBED.value
            back = back or record.agreed_lists.get(name) is not ListStatus.SUBSCRIBED
        elif outside and now is ListStatus.ABSENT and record.agreed_lists.get(name) is not ListStatus.UNSUBSCRIBED:
            wrong[f"list:{name}"] = ListStatus.UNSUBSCRIBED.value
    if wrong:
        because = "set to subscribed by hand, set back" if back else "the e-mail platform's status"
        evidence = ",".join(f"{k}={v}" for k, v in sorted(wrong.items()))
        number = record_number(case, record)
        case.act(Deed.WRITE_LIST, Side.CRM, str(record.ref), because, evidence=evidence, number=number, values=wrong)
