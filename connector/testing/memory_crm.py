"""A CRM in memory, for tests of what stands on `ports.crm.Crm`: it keeps the port's promises, and fails on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connector.core.address import Address, normalise
from connector.core.restriction import ENTRY, Flag, Ref
from connector.core.view import Tick
from connector.ports.adapter import Finding, Level, Outcome, Status
from connector.ports.crm import CrmPage, CrmRow, EntryRemoval, NewEntry, NewNote, NewRecord, RecordChange


@dataclass(kw_only=True)
class MemoryRecord:
    """One record, changed by tests as a user would; `seq` grows with every change."""

    id: str
    email: str
    flag: Flag = Flag.CLEAR
    deleted: bool = False
    seq: int = 0
    entity: str = "Contact"
    box: bool = False
    values: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class MemoryCrm:
    """Records and entries by id. `hidden` makes every restriction unreadable, as field-level security does."""

    can = frozenset({"notes", "create", "entries"})

    def __init__(self, name: str = "one") -> None:
        self.name = name
        self.records: dict[str, MemoryRecord] = {}
        self.hidden = False
        self._seq = 0

    def put(self, record: MemoryRecord) -> None:
        """Stores a record as changed now."""
        self._seq += 1
        record.seq = self._seq
        self.records[record.id] = record

    def identity(self) -> str:
        """`memory:<name>`."""
        return f"memory:{self.name}"

    def check(self) -> Iterable[Finding]:
        """It is always there."""
        yield Finding(level=Level.OK, what="memory", found="there.")

    def clock_offset(self) -> timedelta:
        """None: it runs on our clock."""
        return timedelta()

    def _row(self, record: MemoryRecord) -> CrmRow:
        if record.entity == ENTRY and record.deleted:
            return CrmRow(ENTRY, record.id, "", Flag.CLEAR, deleted=True)
        flag = Flag.UNREADABLE if self.hidden and record.entity != ENTRY else record.flag
        return CrmRow(record.entity, record.id, record.email, flag, deleted=record.deleted, box=record.box)

    def changes(self, cursor: str, place: str = "") -> Iterator[CrmPage]:
        """Everything changed since `cursor`, ten rows a page."""
        after = int(place or cursor or 0)
        rows = sorted((r for r in self.records.values() if r.seq > after), key=lambda r: r.seq)
        for start in range(0, len(rows), 10):
            piece = rows[start : start + 10]
            yield CrmPage(rows=[self._row(r) for r in piece], place=str(piece[-1].seq))
        yield CrmPage(rows=(), cursor=str(self._seq), complete=True)

    def _live(self) -> Iterator[MemoryRecord]:
        return (r for r in self.records.values() if not r.deleted)

    def look(self, addresses: Sequence[Address]) -> Sequence[CrmRow]:
        """Every live record that holds one of the addresses."""
        return [self._row(r) for r in self._live() if normalise(r.email) in addresses]

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that a record holds; there are no other mail fields."""
        held = {normalise(r.email) for r in self._live() if r.entity != ENTRY}
        return frozenset(a for a in addresses if a in held)

    def ticks(self, refs: Sequence[Ref]) -> Mapping[Ref, Tick]:
        """Nobody knows who ticks here."""
        return {ref: Tick() for ref in refs}

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes one by one."""
        for change in changes:
            record = self.records.get(change.ref.id)
            if record is None or record.deleted:
                yield Outcome(key=change.key, status=Status.CONFLICT, words="the record was deleted")
                continue
            if "restriction" in change.values:
                record.flag = Flag.SET if change.values["restriction"] else Flag.CLEAR
            record.box = bool(change.values.get("box", record.box))
            record.values |= change.values
            self.put(record)
            yield Outcome(key=change.key, status=Status.DONE)

    def create(self, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        """Creates people, each once."""
        for new in records:
            standing = [r for r in self._live() if normalise(r.email) == new.address and r.entity != ENTRY]
            made = standing[0] if standing else MemoryRecord(id=f"new-{new.id}", email=new.address)
            if not standing:
                self.put(made)
            yield Outcome(key=new.key, status=Status.DONE, made=f"Contact/{made.id}")

    def note(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Leaves notes, each once."""
        for note in notes:
            record = self.records[note.ref.id]
            if not any(note.key in text for text in record.notes):
                record.notes.append(f"{note.text} [{note.key}]")
            yield Outcome(key=note.key, status=Status.DONE)

    def enter(self, entries: Sequence[NewEntry]) -> Iterator[Outcome]:
        """Puts addresses on the list, each once."""
        for new in entries:
            standing = [r for r in self._live() if normalise(r.email) == new.address and r.entity == ENTRY]
            made = standing[0] if standing else MemoryRecord(id=new.id, email=new.address, flag=Flag.SET, entity=ENTRY)
            if not standing:
                made.values |= new.values
                self.put(made)
            yield Outcome(key=new.key, status=Status.DONE, made=f"{ENTRY}/{made.id}")

    def remove(self, removals: Sequence[EntryRemoval]) -> Iterator[Outcome]:
        """Takes entries off the list."""
        for removal in removals:
            entry = self.records.get(removal.ref.id)
            if entry is not None and not entry.deleted:
                entry.values |= removal.values
                entry.deleted, entry.box = True, False
                self.put(entry)
            yield Outcome(key=removal.key, status=Status.DONE)

    def close(self) -> None:
        """Nothing to give back."""
