"""The contract of `ports.crm.Crm`: subclass it and give it `crm`, a fresh and empty org, and `hand`, its users.

Tests that need more than a CRM can do (`notes`, `create`) pass over it by its own `can`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

import pytest

from connector.core.action import action_key
from connector.core.address import Address, normalise
from connector.core.errors import ConfigError, ConflictError
from connector.core.restriction import Access, Flag, Ref
from connector.ports.adapter import Level, Outcome, Status
from connector.ports.crm import Crm, CrmPage, CrmRow, NewNote, NewRecord, RecordChange


class Hand(Protocol):
    """What users and administrators do on the vendor's own side. Records are named by their ref."""

    def add(self, address: str, *, flag: bool = False) -> Ref:
        """Makes a record; `address` may be empty."""

    def change(self, ref: Ref, *, address: str | None = None, flag: bool | None = None) -> None:
        """Changes a record."""

    def delete(self, ref: Ref) -> None:
        """Deletes a record."""

    def refuse(self, ref: Ref, words: str) -> None:
        """From now on the org's own rules refuse every change of this record, with these words."""

    def hide(self) -> None:
        """Takes the right to see the flag away from us."""

    def flag(self, ref: Ref) -> bool:
        """The flag as it stands there."""

    def notes(self, ref: Ref) -> list[str]:
        """The texts of the record's notes."""

    def count(self, address: str) -> int:
        """How many live records hold the address."""


def somebody(name: str) -> Address:
    """An address of a test person."""
    address = normalise(f"{name}@example.com")
    assert isinstance(address, str)
    return address


ANN, BOB, CEE = somebody("ann"), somebody("bob"), somebody("cee")


def restrict(ref: Ref, flag: bool = True) -> RecordChange:
    """One change of the flag, with a key of its own."""
    return RecordChange(key=action_key(ref, flag), ref=ref, values={"restriction": flag})


def ref_of(row: CrmRow) -> Ref:
    """What names the row's record."""
    return Ref(entity=row.entity, id=row.id)


class CrmContract:
    """What every CRM behind the port promises."""

    tells_deletions = True
    """Whether a read since a cursor tells what was deleted; else it is missing from the next read of everything."""

    def read(self, crm: Crm, cursor: str = "", place: str = "") -> list[CrmPage]:
        """A whole read, which must end as the port says: the cursor stands on its last page alone."""
        pages = list(crm.changes(cursor, place))
        assert [p.complete for p in pages] == [False] * (len(pages) - 1) + [True]
        assert all(not p.cursor for p in pages[:-1])
        assert pages[-1].cursor
        return pages

    def told(self, pages: Iterable[CrmPage]) -> dict[Ref, CrmRow]:
        """The last word on each record in a read."""
        return {ref_of(row): row for page in pages for row in page.rows}

    def ended(self, outcomes: Iterable[Outcome], keys: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes by key: exactly one for each."""
        found = list(outcomes)
        assert Counter(o.key for o in found) == Counter(keys)
        return {o.key: o for o in found}

    def done(self, crm: Crm, *changes: RecordChange) -> None:
        """Writes changes, which must all end well."""
        ended = self.ended(crm.write(changes), [c.key for c in changes])
        assert {o.status for o in ended.values()} == {Status.DONE}, ended

    # -- who and how --------------------------------------------------------------------------------------------
    def test_identity(self, crm: Crm) -> None:
        """The org says who it is, the same every time, and for which vendor."""
        kind, _, name = crm.identity().partition(":")
        assert kind
        assert name
        assert crm.identity() == f"{kind}:{name}"

    def test_check_of_a_whole_org(self, crm: Crm) -> None:
        """An org that has everything shows no error and nothing unknown; every finding says what was looked at."""
        findings = list(crm.check())
        assert findings
        assert all(f.what and f.found for f in findings)
        assert {f.level for f in findings} <= {Level.OK, Level.WARNING}

    def test_check_fails_closed(self, crm: Crm, hand: Hand) -> None:
        """A flag that we may not see is an error of the check, with what to do."""
        hand.hide()
        wrong = [f for f in crm.check() if f.level in (Level.ERROR, Level.UNKNOWN)]
        assert wrong
        assert all(f.todo for f in wrong)

    def test_the_clocks(self, crm: Crm) -> None:
        """Once the org has answered, the difference of the clocks is known, to within half a minute of the truth."""
        self.read(crm)
        assert abs(crm.clock_offset().total_seconds()) < 30

    # -- reading ------------------------------------------------------------------------------------------------
    def test_an_empty_org(self, crm: Crm) -> None:
        """Nothing there is a complete read of no rows."""
        assert self.told(self.read(crm)) == {}

    def test_the_first_read(self, crm: Crm, hand: Hand) -> None:
        """The first read tells every record once, with its flag; one without an address has an empty one."""
        ann, bob, nobody = hand.add(ANN), hand.add(BOB, flag=True), hand.add("")
        pages = self.read(crm)
        told = self.told(pages)
        assert sum(len(p.rows) for p in pages) == 3
        assert {ref: (row.address, row.flag) for ref, row in told.items()} == {
            ann: (ANN, Flag.CLEAR),
            bob: (BOB, Flag.SET),
            nobody: ("", Flag.CLEAR),
        }
        assert not any(row.deleted or row.merged_into for row in told.values())
        assert {row.access for row in told.values()} == {Access.WRITABLE}

    def test_records_that_share_an_address(self, crm: Crm, hand: Hand) -> None:
        """Two records of one address are both told, each with its own flag."""
        one, two = hand.add(ANN), hand.add(ANN.upper(), flag=True)
        told = self.told(self.read(crm))
        assert (told[one].flag, told[two].flag) == (Flag.CLEAR, Flag.SET)
        assert {normalise(row.address) for row in told.values()} == {ANN}

    def test_what_changed(self, crm: Crm, hand: Hand) -> None:
        """A later read tells new records, changed flags and changed addresses, at the org's own time."""
        ann, bob = hand.add(ANN), hand.add(BOB)
        cursor = self.read(crm)[-1].cursor
        hand.change(ann, flag=True)
        hand.change(bob, address=CEE)
        new = hand.add(BOB)
        told = self.told(self.read(crm, cursor))
        assert told[ann].flag is Flag.SET
        assert told[bob].address == CEE
        assert told[new].address == BOB
        assert all(told[ref].changed_at and told[ref].changed_at.tzinfo for ref in (ann, bob))  # type: ignore[union-attr]  # tested right before

    def test_nothing_changed(self, crm: Crm, hand: Hand) -> None:
        """A read in which nothing changed says nothing new, and gives a cursor that goes on from there."""
        ann = hand.add(ANN, flag=True)
        first = self.read(crm)
        second = self.read(crm, first[-1].cursor)
        assert self.told(second).keys() <= {ann}
        hand.change(ann, flag=False)
        assert self.told(self.read(crm, second[-1].cursor))[ann].flag is Flag.CLEAR

    def test_a_cursor_is_good_twice(self, crm: Crm, hand: Hand) -> None:
        """The same cursor tells the same changes again: a run that was killed loses nothing."""
        cursor = self.read(crm)[-1].cursor
        ann = hand.add(ANN)
        assert ann in self.told(self.read(crm, cursor))
        assert ann in self.told(self.read(crm, cursor))

    def test_a_cut_read_goes_on(self, crm: Crm, hand: Hand) -> None:
        """From the place of any page on, what was told before and what comes then is everything."""
        refs = {hand.add(somebody(f"person{n}")) for n in range(5)}
        pages = self.read(crm)
        for number, page in enumerate(pages):
            if page.place:
                rest = self.read(crm, "", page.place)
                assert self.told([*pages[: number + 1], *rest]).keys() == refs

    @pytest.mark.parametrize("text", ["no such cursor", "[1]", '{"Contact": 7}', "null"])
    def test_a_cursor_of_somebody_else(self, crm: Crm, text: str) -> None:
        """What is no cursor, or no place, of this CRM is a conflict, so that the read begins anew."""
        with pytest.raises(ConflictError):
            self.read(crm, text)
        with pytest.raises(ConflictError):
            self.read(crm, "", text)

    def test_a_deleted_record(self, crm: Crm, hand: Hand) -> None:
        """A record that was deleted is told as deleted, or no longer at all, and a look at its address finds none."""
        ann, bob = hand.add(ANN, flag=True), hand.add(BOB)
        cursor = self.read(crm)[-1].cursor
        hand.delete(ann)
        if self.tells_deletions:
            assert self.told(self.read(crm, cursor))[ann].deleted
        else:
            assert self.told(self.read(crm)).keys() == {bob}
        assert not crm.look([ANN])

    def test_unreadable_is_never_clear(self, crm: Crm, hand: Hand) -> None:
        """Where we may not see the flag, nobody is told to be without it: not in a read, not in a look."""
        ann = hand.add(ANN, flag=True)
        cursor = self.read(crm)[-1].cursor
        hand.change(ann, address=BOB)
        hand.hide()
        for read in (
            lambda: self.told(self.read(crm)).values(),
            lambda: self.told(self.read(crm, cursor)).values(),
            lambda: crm.look([BOB]),
        ):
            try:
                rows = list(read())
            except ConfigError:
                continue
            assert {row.flag for row in rows} <= {Flag.UNREADABLE}

    # -- single looks -------------------------------------------------------------------------------------------
    def test_a_look(self, crm: Crm, hand: Hand) -> None:
        """A look finds every record of each address, however it is written there, as it is now, and nobody else."""
        one, two, bob = hand.add(ANN.upper()), hand.add(ANN, flag=True), hand.add(BOB)
        hand.add(f"not.{ANN}")
        rows = {ref_of(row): row for row in crm.look([ANN, BOB, CEE])}
        assert rows.keys() == {one, two, bob}
        assert (rows[one].flag, rows[two].flag) == (Flag.CLEAR, Flag.SET)
        hand.change(bob, flag=True)
        [row] = crm.look([BOB])
        assert row.flag is Flag.SET
        assert list(crm.look([])) == []

    @pytest.mark.parametrize("name", ["o'brien", "a+b", "per%cent", "under_score", "back`tick", "x" * 60])
    def test_a_look_at_odd_addresses(self, crm: Crm, hand: Hand, name: str) -> None:
        """Whatever a local part may hold is found, and found alone."""
        odd, _ = hand.add(somebody(name)), hand.add(somebody("other"))
        assert [ref_of(row) for row in crm.look([somebody(name)])] == [odd]

    def test_a_look_at_many(self, crm: Crm, hand: Hand) -> None:
        """A look at more addresses than one call can hold finds them all."""
        people = [somebody(f"{'long' * 10}{n:04d}") for n in range(600)]
        refs = {hand.add(person) for person in people[::50]}
        assert {ref_of(row) for row in crm.look(people)} == refs

    def test_elsewhere(self, crm: Crm, hand: Hand) -> None:
        """Whether some record holds an address is answered for each address by itself."""
        hand.add(ANN.upper())
        assert crm.elsewhere([ANN, BOB]) == {ANN}

    # -- writing ------------------------------------------------------------------------------------------------
    def test_flags_are_written(self, crm: Crm, hand: Hand) -> None:
        """A flag is set and cleared; doing it twice is as good as once; nothing is written for no change."""
        ann, bob = hand.add(ANN), hand.add(BOB, flag=True)
        self.done(crm, restrict(ann), restrict(bob, False))
        assert (hand.flag(ann), hand.flag(bob)) == (True, False)
        self.done(crm, restrict(ann), restrict(bob, False))
        assert (hand.flag(ann), hand.flag(bob)) == (True, False)
        assert list(crm.write([])) == []

    def test_a_value_that_no_field_takes(self, crm: Crm, hand: Hand) -> None:
        """A name that the tenant maps to no field is left out, and holds up nothing."""
        ann = hand.add(ANN)
        change = RecordChange(key="k", ref=ann, values={"restriction": True, "list:No such list": "subscribed"})
        self.done(crm, change)
        assert hand.flag(ann)

    def test_one_refusing_record_blocks_no_other(self, crm: Crm, hand: Hand) -> None:
        """A record that the org's rules refuse is set aside, with its words and no address; the others are done."""
        refs = [hand.add(somebody(f"person{n}")) for n in range(5)]
        hand.refuse(refs[2], f"call {ANN} first")
        changes = [restrict(ref) for ref in refs]
        ended = self.ended(crm.write(changes), [c.key for c in changes])
        assert [ended[c.key].status for c in changes] == [Status.DONE] * 2 + [Status.ASIDE] + [Status.DONE] * 2
        assert "first" in ended[changes[2].key].words
        assert ANN not in ended[changes[2].key].words
        assert [hand.flag(ref) for ref in refs] == [True, True, False, True, True]

    def test_a_record_that_is_gone(self, crm: Crm, hand: Hand) -> None:
        """A record that was deleted in between is a conflict: it is looked at again."""
        ann, bob = hand.add(ANN), hand.add(BOB)
        hand.delete(ann)
        changes = [restrict(ann), restrict(bob)]
        ended = self.ended(crm.write(changes), [c.key for c in changes])
        assert [ended[c.key].status for c in changes] == [Status.CONFLICT, Status.DONE]

    def test_more_than_one_batch(self, crm: Crm, hand: Hand) -> None:
        """More changes than one call can hold are all carried out, each with its outcome."""
        refs = [hand.add(somebody(f"person{n}")) for n in range(450)]
        self.done(crm, *(restrict(ref) for ref in refs))
        assert all(hand.flag(ref) for ref in refs)

    def test_our_own_write_comes_back(self, crm: Crm, hand: Hand) -> None:
        """What we wrote is read as it was written."""
        ann = hand.add(ANN)
        cursor = self.read(crm)[-1].cursor
        self.done(crm, restrict(ann))
        assert self.told(self.read(crm, cursor))[ann].flag is Flag.SET
        [row] = crm.look([ANN])
        assert row.flag is Flag.SET

    # -- creating, and notes ------------------------------------------------------------------------------------
    def test_a_person_is_created_once(self, crm: Crm, hand: Hand) -> None:
        """A new person gets one record, unrestricted, whose ref is told; a second time it is the same one."""
        if "create" not in crm.can:
            return
        new = NewRecord(key="k", address=ANN, id="1" * 32, values={})
        first = self.ended(crm.create([new]), ["k"])["k"]
        again = self.ended(crm.create([new]), ["k"])["k"]
        assert (first.status, again.status) == (Status.DONE, Status.DONE)
        assert first.made == again.made
        assert hand.count(ANN) == 1
        [row] = crm.look([ANN])
        assert str(ref_of(row)) == first.made
        assert row.flag is Flag.CLEAR

    def test_who_is_there_is_not_created(self, crm: Crm, hand: Hand) -> None:
        """Somebody who has a record already keeps that one, however the address is written; twice asked is once."""
        if "create" not in crm.can:
            return
        ann = hand.add(ANN.upper(), flag=True)
        people = {"a": ANN, "b": BOB, "c": BOB}
        new = [NewRecord(key=key, address=address, id=key * 32, values={}) for key, address in people.items()]
        ended = self.ended(crm.create(new), list(people))
        assert {o.status for o in ended.values()} == {Status.DONE}
        assert ended["a"].made == str(ann)
        assert ended["b"].made == ended["c"].made != ""
        assert (hand.count(ANN), hand.count(BOB)) == (1, 1)
        assert hand.flag(ann)

    def test_a_note_is_left_once(self, crm: Crm, hand: Hand) -> None:
        """A note stands on its record once, whole, whatever is asked twice; another key is another note."""
        if "notes" not in crm.can:
            return
        ann = hand.add(ANN)
        one = NewNote(key="a" * 32, ref=ann, title="Resubscribed", text="On 2026-11-26. Größe <b> & 'all'.")
        two = NewNote(key="b" * 32, ref=ann, title="Resubscribed", text="On 2026-11-27.")
        assert self.ended(crm.note([one]), [one.key])[one.key].status is Status.DONE
        ended = self.ended(crm.note([one, two]), [one.key, two.key])
        assert {o.status for o in ended.values()} == {Status.DONE}
        notes = hand.notes(ann)
        assert [sum(n.text in text for text in notes) for n in (one, two)] == [1, 1]

    def test_a_note_on_a_record_that_is_gone(self, crm: Crm, hand: Hand) -> None:
        """A note that cannot be left is no error, and the others are left."""
        if "notes" not in crm.can:
            return
        ann, bob = hand.add(ANN), hand.add(BOB)
        hand.delete(ann)
        notes = [NewNote(key=str(ref)[-8:], ref=ref, title="Told", text="why") for ref in (ann, bob)]
        ended = self.ended(crm.note(notes), [n.key for n in notes])
        assert ended[notes[1].key].status is Status.DONE

    def test_nobody_ticked(self, crm: Crm, hand: Hand) -> None:
        """A record whose box nobody ticked tells nobody, and nobody is allowed."""
        ann = hand.add(ANN)
        [(ref, tick)] = crm.ticks([ann]).items()
        assert ref == ann
        assert (tick.by, tick.at) == ("", None)
        assert tick.allowed is not True
        assert not crm.ticks([])

    def test_closing(self, crm: Crm) -> None:
        """Closing gives back what is held, and may be said twice."""
        crm.close()
        crm.close()
