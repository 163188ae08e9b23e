"""Writing to the organization on whichever wire: in bulk what may be done twice, lifts one by one by their version."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from connector.adapters.crm.dynamics.reads import Reads
from connector.adapters.crm.dynamics.records import Table, Values
from connector.adapters.crm.dynamics.settings import Notes
from connector.adapters.crm.dynamics.wire import DONE, Organization, Result, Write
from connector.core.address import normalise
from connector.core.restriction import ENTRY, Ref
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import EntryRemoval, NewEntry, NewNote, NewRecord, RecordChange

AT_ONCE = 1000
LONGEST_NAME = 50
LONGEST_COLUMN = 2000
"""Characters that a text column for notes takes, as `description` does."""

APPENDED_AT_MOST = 3
"""How often an append is tried where somebody else writes the same record."""

NO_TABLE = "crm.tables does not name its table"
NO_LIST = "crm.suppressions is null: there is no list of suppressions"


class Writes:
    """Deeds in one organization."""

    def __init__(self, organization: Organization, tables: Mapping[str, Table], reads: Reads, notes: Notes) -> None:
        self._organization, self._tables, self._reads, self._kind = organization, tables, reads, notes

    def write(self, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        """Carries out changes, grouped by table; every key gets its outcome."""
        lifts: list[tuple[Table, RecordChange]] = []
        bulk: dict[str, list[RecordChange]] = defaultdict(list)
        for change in changes:
            table = self._tables.get(change.ref.entity)
            if table is None:
                yield Outcome(key=change.key, status=Status.ASIDE, words=NO_TABLE)
            elif not table.written(change.values):
                yield Outcome(key=change.key, status=Status.DONE, words="no column is mapped")
            elif change.values.get("restriction") is False:
                lifts.append((table, change))
            else:
                bulk[table.entity].append(change)
        for entity, same in sorted(bulk.items()):
            for turn in _turns(same):
                yield from self._bulk(self._tables[entity], turn)
        for table, change in lifts:
            yield _outcome(change.key, self._lift(table, change))

    def _bulk(self, table: Table, changes: Sequence[RecordChange]) -> Iterator[Outcome]:
        by_key = {change.key: change for change in changes}
        bare: dict[str, str] = {}
        writes = [Write(key=c.key, id=c.ref.id, values=table.written(c.values)) for c in changes]
        for write, result in self._organization.write(table, writes):
            stops = by_key[write.key].values.get("restriction") is True and len(write.values) > 1
            if result.status is Status.ASIDE and stops:
                bare[write.key] = f"without reason and date: {result.words}"
            else:
                yield _outcome(write.key, result)
        # an opt-out goes without its reason and date, where these keep it from being written
        again = [Write(key=k, id=by_key[k].ref.id, values={table.restriction: True}) for k in bare]
        for write, result in self._organization.write(table, again) if again else ():
            told = bare[write.key] if result.status is Status.DONE else result.words
            yield Outcome(key=write.key, status=result.status, words=told)

    def _lift(self, table: Table, change: RecordChange) -> Result:
        """By the version that the last look saw; where nobody looked, by the one it has now."""
        version, values = self._reads.seen(change.ref), table.written(change.values)
        if not version:
            row = self._organization.fetch(table, change.ref.id, [table.key, table.restriction])
            if row is None:
                return Result(status=Status.CONFLICT, words="the record is gone")
            if row.values.get(table.restriction) is False and values.keys() == {table.restriction}:
                return Result(status=Status.DONE)
            version = row.version
        result = self._organization.update(table, change.ref.id, values, version)
        return self._found_done(table, change.ref) or result if result.status is Status.CONFLICT else result

    def _found_done(self, table: Table, ref: Ref) -> Result | None:
        """A lift whose answer was lost meets its own write when it is sent again: then the restriction is clear."""
        row = self._organization.fetch(table, ref.id, [table.restriction])
        if row is None or row.values.get(table.restriction) is not False:
            return None
        return Result(status=Status.DONE, words="found done: it had been written already")

    def create(self, name: str, records: Sequence[NewRecord]) -> Iterator[Outcome]:
        """New people, each once: who has a record keeps that one. They are born unrestricted."""
        yield from self._once(self._tables[name], records)

    def enter(self, entries: Sequence[NewEntry]) -> Iterator[Outcome]:
        """New entries, each once: an address that stands on the list keeps its entry."""
        if ENTRY in self._tables:
            yield from self._once(self._tables[ENTRY], entries)
        else:
            yield from (Outcome(key=e.key, status=Status.ASIDE, words=NO_LIST) for e in entries)

    def _once(self, table: Table, items: Sequence[NewRecord | NewEntry]) -> Iterator[Outcome]:
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            standing = self._reads.look(sorted({item.address for item in some}), entries=table.is_entry)
            made = {normalise(row.address): Ref(entity=row.entity, id=row.id) for row in reversed(standing)}
            new = {item.address: item for item in reversed(some) if item.address not in made}
            rows = [
                Write(key=item.key, id=guid(table.entity, item.id), values=_born(table, item)) for item in new.values()
            ]
            ended = {row.key: (row, result) for row, result in (self._organization.insert(table, rows) if rows else ())}
            for item in some:
                if item.address in made:
                    yield Outcome(key=item.key, status=Status.DONE, made=str(made[item.address]))
                    continue
                row, result = ended[new[item.address].key]
                done = result.status is Status.DONE
                yield _outcome(item.key, result, made=f"{table.entity}/{row.id}" if done else "")

    def remove(self, removals: Sequence[EntryRemoval]) -> Iterator[Outcome]:
        """Takes entries off the list, as the last look saw them; what is written on one first is written so, too."""
        for removal in removals:
            table = self._tables.get(ENTRY)
            result = self._remove(table, removal) if table else Result(status=Status.ASIDE, words=NO_LIST)
            yield _outcome(removal.key, result)

    def _remove(self, table: Table, removal: EntryRemoval) -> Result:
        id_, values = removal.ref.id, table.written(removal.values)
        version = self._reads.seen(removal.ref)
        if values and version:
            result = self._organization.update(table, id_, values, version)
            if result.status is Status.LATER or (result.status is Status.CONFLICT and self._now(table, id_)):
                return result
            version = ""
        # a date that is refused for good keeps no entry standing
        version = version or self._now(table, id_)
        return self._organization.delete(table, id_, version) if version else DONE

    def _now(self, table: Table, id_: str) -> str:
        """The version that a row has now; empty where it is gone."""
        row = self._organization.fetch(table, id_, [table.key])
        return row.version if row else ""

    def note(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Leaves notes, each once."""
        for note in notes:
            table = self._tables.get(note.ref.entity)
            if table is None:
                yield Outcome(key=note.key, status=Status.ASIDE, words=NO_TABLE)
            elif self._kind.kind == "column":
                yield _outcome(note.key, self._append(table, note))
            else:
                id_ = guid("note", str(note.ref), note.key)
                yield _outcome(note.key, self._organization.annotate(table, note.ref.id, id_, note.title, note.text))

    def _append(self, table: Table, note: NewNote) -> Result:
        """Below what stands in the column. One that is full is left as it is, and the note set aside."""
        column, result = self._kind.column, Result(status=Status.CONFLICT, words="the record is gone")
        for _ in range(APPENDED_AT_MOST):
            row = self._organization.fetch(table, note.ref.id, [table.key, column])
            if row is None:
                break
            old = str(row.values.get(column) or "")
            if f"[{note.key}]" in old:
                return DONE
            new = f"{old}\n{note.title}: {note.text} [{note.key}]".strip()
            if len(new) > LONGEST_COLUMN:
                return Result(status=Status.ASIDE, words=f"{column} is full; nothing was overwritten")
            result = self._organization.update(table, note.ref.id, {column: new}, row.version)
            if result.status is not Status.CONFLICT:
                break
        return result


def _born(table: Table, new: NewRecord | NewEntry) -> Values:
    """A new row's columns. A person is named by the address, for nobody told a name."""
    values = table.written(new.values) | {table.email: str(new.address)}
    if table.is_entry:
        return values
    name = new.address.rpartition("@")[0].strip('"')[:LONGEST_NAME] or "Unknown"
    lead = {"subject": str(new.address)} if table.name == "lead" else {}
    return lead | {"lastname": name} | values | {table.restriction: False}


def _turns(changes: Sequence[RecordChange]) -> Iterator[list[RecordChange]]:
    """The changes in their order; of a record that occurs twice the second comes in a later turn."""
    turns: dict[int, list[RecordChange]] = defaultdict(list)
    seen: dict[Ref, int] = defaultdict(int)
    for change in changes:
        turns[seen[change.ref]].append(change)
        seen[change.ref] += 1
    yield from turns.values()


def guid(*words: str) -> str:
    """The same GUID for the same words: RFC 9562, version 8, of a SHA-256."""
    digest = hashlib.sha256("\x1f".join(words).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def _outcome(key: str, result: Result, *, made: str = "") -> Outcome:
    return Outcome(key=key, status=result.status, words=result.words, made=made)
