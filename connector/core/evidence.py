"""What the two sides show that is new: rules 1, 2, 8, 9 and 10."""

from __future__ import annotations

from dataclasses import replace

from connector.core.agreeing import MEASURED, agreeable, same_time
from connector.core.case import Case
from connector.core.decision import Fact, FactKind
from connector.core.lists import ListStatus
from connector.core.policy import BornRestricted, ListsOnLift, Moved
from connector.core.restriction import Flag
from connector.core.resubscribe import State
from connector.core.suppression import ALL, LIFTABLE_WISHES, Kind, Reason, Suppression
from connector.core.taking import answered, named, take
from connector.core.view import Arrival, Cause, Record, Word


def weigh(case: Case) -> None:
    """Takes in every reading that differs from what was agreed."""
    for record in case.view.records:
        _flag(case, record)
    for arrival in case.view.arrivals:
        _arrival(case, arrival)
    _platform(case)
    _lists(case)


def _flag(case: Case, record: Record) -> None:
    if record.flag is not Flag.SET:
        return
    renewed = bool(record.flag_at and record.agreed_flag_at and record.flag_at > record.agreed_flag_at + MEASURED)
    if record.agreed is Flag.SET and not renewed and not _stands_alone(case, record):
        return
    if not record.flag_at and not agreeable(case, record) and (ALL, Reason.SUPPRESSED) in case.held:
        return  # taken in before, and taken in again by every look until it can be agreed
    entry = record.ref.is_entry
    if record.agreed is None and case.policy.born_restricted is BornRestricted.IGNORE and not entry:
        return
    take(
        case,
        Suppression(
            reason=Reason.SUPPRESSED,
            source="crm",
            since=record.flag_at or case.now,
            timed=record.flag_at is not None,
            evidence=f"{record.ref}@{record.agreed_number}",
        ),
        "the address is on the CRM's list of suppressions" if entry else f"the restriction is set on {record.ref}",
    )


def _stands_alone(case: Case, record: Record) -> bool:
    """A set flag that came along with its record from another address, and that nothing here explains yet."""
    follows = case.policy.moved is Moved.FOLLOW_PERSON and record.cause is not Cause.FAULT
    explained = any(a.ref == record.ref for a in case.view.arrivals)
    return record.moved and follows and not explained and not case.holds() and not record.deleted


def _arrival(case: Case, arrival: Arrival) -> None:
    if case.policy.moved is Moved.ASK and not arrival.merged:
        case.waits.append(f"{arrival.ref} has another address than before; policy asks whether its wishes travel")
        return
    if case.policy.moved is Moved.FOLLOW_ADDRESS and not arrival.merged:
        return
    for wish in sorted(arrival.wishes, key=lambda w: (w.since, w.reason, w.scope, w.timed, w.source)):
        if answered(case, wish) or named(case, wish):
            continue
        if arrival.moved_at and wish.timed and wish.since > arrival.moved_at + case.policy.clock_margin:
            continue
        word = "was merged with" if arrival.merged else "came from another address with"
        because = f"{arrival.ref} {word} a stop that still holds"
        if take(case, replace(wish, evidence=f"{arrival.ref}@{wish.since.isoformat()}"), because):
            case.facts.append(Fact(kind=FactKind.MOVED, because=because, values={"record": str(arrival.ref)}))


def _platform(case: Case) -> None:
    esp = case.view.esp
    _withdrawn_fault(case)
    if esp.word is not Word.SUPPRESSED:
        return
    reason = esp.reason or Reason.UNKNOWN
    same_word = esp.agreed is Word.SUPPRESSED
    # A block of our own comes back in the platform's words; at its own time, only a stronger word is news.
    same = same_word and (esp.agreed_since is None or same_time(esp.since, esp.agreed_since))
    if same and (reason is esp.agreed_reason or {reason, esp.agreed_reason} <= LIFTABLE_WISHES):
        return
    if esp.since is None and _dated(case, reason):
        return
    take(
        case,
        Suppression(
            reason=reason,
            source="esp",
            since=esp.since or case.now,
            timed=esp.since is not None,
            word=esp.raw,
            evidence=f"esp@{esp.agreed_number}",
        ),
        f"the e-mail platform says {reason.value}" + (f" ({esp.raw})" if esp.raw and esp.raw != reason.value else ""),
    )


def _dated(case: Case, reason: Reason) -> bool:
    """Whether a stop with its own time explains a word without one, and nobody has been asked since."""
    held, request = case.held.get((ALL, reason)), case.request
    asked = request is not None and request.open and request.state is not State.REQUESTED
    return held is not None and held.timed and not asked


def _withdrawn_fault(case: Case) -> None:
    """A bounce or block that the platform itself no longer reports, while it says something else in words."""
    esp = case.view.esp
    spoken = esp.word is Word.SUBSCRIBED or (esp.word is Word.SUPPRESSED and esp.reason is not esp.agreed_reason)
    if esp.agreed is not Word.SUPPRESSED or not spoken:
        return
    for held in case.holds():
        if held.source == "esp" and held.kind is not Kind.WISH and held.reason is esp.agreed_reason:
            case.drop(held.key, FactKind.WITHDRAWN, f"the e-mail platform no longer reports {held.reason.value}")


def _lists(case: Case) -> None:
    esp = case.view.esp
    for name in sorted({*case.policy.lists, *esp.lists}):
        now, before = esp.lists.get(name), esp.agreed_lists.get(name)
        if now is ListStatus.UNSUBSCRIBED and before is not ListStatus.UNSUBSCRIBED and not _dropping(case, name):
            _leave(case, name, "esp", f"esp@{esp.agreed_number}", "the person left the list at the e-mail platform")
        if now is ListStatus.SUBSCRIBED and before is ListStatus.UNSUBSCRIBED and esp.proven:
            case.drop((name, Reason.UNSUBSCRIBED), FactKind.LIFTED, "the person joined the list again")
        for record in case.view.records:
            said, agreed = record.lists.get(name), record.agreed_lists.get(name)
            first = agreed in (None, ListStatus.UNREADABLE) and said is ListStatus.UNSUBSCRIBED
            left = agreed is ListStatus.SUBSCRIBED and said in (ListStatus.UNSUBSCRIBED, ListStatus.ABSENT)
            if first or left:
                source = f"{record.ref}@{record.agreed_number}"
                _leave(case, name, "crm", source, f"the list's field on {record.ref} says unsubscribed")


def _dropping(case: Case, name: str) -> bool:
    """Whether a lift under way leaves the list by itself: our own write, come back before it was recorded."""
    request = case.request
    lifting = request is not None and request.lifting and bool(request.names) and name not in request.lists
    return lifting and case.policy.lists_on_lift is ListsOnLift.NONE


def _leave(case: Case, name: str, source: str, evidence: str, because: str) -> None:
    reason, now = Reason.UNSUBSCRIBED, case.now
    stop = Suppression(reason=reason, scope=name, source=source, since=now, timed=False, evidence=evidence)
    take(case, stop, because)
