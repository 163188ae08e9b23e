"""The request box of a record: a saved tick asks once, an untick cancels, and any end of the request clears it."""

from __future__ import annotations

from connector.core.action import Deed, Side
from connector.core.agreeing import agreed_records, record_number
from connector.core.asking import ask
from connector.core.case import Case
from connector.core.resubscribe import Event, Origin, State
from connector.core.said import Kind, Said
from connector.core.view import Record, Tick


def unticks(case: Case) -> None:
    """A box read clear while the request that its tick asked for is open cancels it."""
    for record in case.view.records:
        taken_off = record.ref.is_entry and record.deleted
        if record.agreed_box and not record.box and not taken_off and _asked_by(case, record):
            case.move(Event.CANCEL, f"the box on {record.ref} was unticked")


def ticks(case: Case) -> bool:
    """A saved tick asks once, in the decision that makes its record's reading the base; whether one was answered."""
    before = case.request
    agreed = agreed_records(case)
    for record in case.view.records:
        asks = record.box and not record.agreed_box and not record.deleted and record.ref in agreed
        if asks and record.tick is not None:
            _tick(case, record, record.tick)
    return case.request is not before


def _asked_by(case: Case, record: Record) -> bool:
    request = case.request
    return request is not None and request.open and request.evidence.startswith(f"tick/{record.ref}/")


def _tick(case: Case, record: Record, tick: Tick) -> None:
    """Asks for a tick; one older than the record's change of address, or of unknown order, asked for another person."""
    at = min(tick.at, case.now) if tick.at else case.now
    stamp = tick.at.isoformat() if tick.at else f"#{record.agreed_number}"
    said = Said(
        kind=Kind.ASK,
        key=f"tick/{record.ref}/{stamp}",
        at=at,
        source="crm",
        origin=Origin.TICK,
        by=tick.by,
        allowed=tick.allowed,
        why=f"a saved tick on {record.ref}",
    )
    moves = [a.moved_at for a in case.view.arrivals if a.ref == record.ref and a.moved_at]
    stale = record.moved and not (tick.at and moves and tick.at > max(moves))
    ask(case, said, refusal=f"the box on {record.ref} was ticked before its address changed" if stale else "")


def boxes(case: Case) -> None:
    """A box whose request ended is cleared; where it was refused, a note says why and whom to ask."""
    request = case.request
    agreed = agreed_records(case)
    for record in case.view.records:
        if not record.box or not record.counts or record.tick is None:
            continue
        if not record.agreed_box and record.ref not in agreed:
            continue  # it has not asked yet
        if request and request.open:
            continue
        evidence = request.id if request else "none"
        target = str(record.ref)
        case.act(
            Deed.CLEAR_BOX, Side.CRM, target, "the request of this tick has ended", evidence=evidence,
            number=record_number(case, record), values={"box": False},
        )  # fmt: skip
        refused = request is not None and request.state is State.REFUSED and request.origin is Origin.TICK
        if request and refused and request.id in case.changed:
            case.act(
                Deed.TELL, Side.CRM, target, "the refusal is told on the record", evidence=request.id,
                values={"title": "Re-Subscribe refused", "text": request.why},
            )  # fmt: skip
