"""The mirror: what is news, and when it is agreed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.core.action import Deed
from connector.core.decision import Decision
from connector.core.lists import ListStatus
from connector.core.restriction import Flag
from connector.core.suppression import Reason
from connector.core.view import Tick, Word
from connector.testing.store_contract.world import (
    CLEAR,
    SET,
    START,
    Case,
    contact,
    deed,
    person,
    record,
    word,
)


class MirrorContract:
    """What a reading changes, and until when."""

    def test_first_sight(self, case: Case) -> None:
        """A record first read as clear is agreed at once; one that is set waits for a decision."""
        case.stage(record(case.store, "ann"), record(case.store, "bob", SET))
        assert not case.waits("ann")
        assert case.waits("bob")
        [ann], [bob] = case.view("ann").records, case.view("bob").records
        assert (ann.agreed, ann.fresh, bob.agreed) == (CLEAR, True, None)

    @pytest.mark.parametrize(
        "change",
        [
            {"flag": SET},
            {"box": True},
            {"deleted": True},
            {"lists": {"News": ListStatus.UNSUBSCRIBED}},
            {"name": "zoe"},
        ],
        ids=lambda c: next(iter(c)),
    )
    def test_changes(self, case: Case, change: dict[str, Any]) -> None:
        """Whatever differs from what was agreed makes its address a candidate, until a decision agrees to it."""
        case.stage(record(case.store, "ann"))
        case.stage(record(case.store, "ann"))
        assert not case.candidates()
        change = dict(change)
        name = change.pop("name", "ann")
        case.stage(record(case.store, name, id="ann", **change))
        if change.get("box"):
            case.store.stage_ticks(case.run, {contact("ann"): Tick(by="Eve", at=START, allowed=True)})
        assert case.waits(name)
        assert case.waits("ann")
        case.promise(name, Decision(agreed=(contact("ann"),)))
        assert case.waits(name) == bool(change.get("box"))
        case.stage(record(case.store, name, id="ann", **change))
        assert case.waits(name) == bool(change.get("box"))

    def test_read_twice(self, case: Case) -> None:
        """Of a record that stands twice on one page the later reading counts."""
        for first, second in (("ann", "zoe"), ("zoe", "ann"), ("ann", "bob")):
            case.stage(record(case.store, first, id="1"), record(case.store, second, SET, id="1"))
            assert case.view(first).records == ()
            assert [r.flag for r in case.view(second).records] == [SET]

    def test_agreed(self, case: Case) -> None:
        """To agree takes over what the record shows now, and counts the value if it is another one."""
        lists = {"News": ListStatus.SUBSCRIBED}
        case.stage(record(case.store, "ann", SET, flag_at=START, lists=lists))
        case.promise("ann", Decision(agreed=(contact("ann"),)))
        [ann] = case.view("ann").records
        assert (ann.agreed, ann.agreed_flag_at, ann.agreed_lists, ann.agreed_number) == (SET, START, lists, 1)
        case.promise("ann", Decision(agreed=(contact("ann"),)))
        assert case.view("ann").records[0].agreed_number == 1

    def test_later_flag(self, case: Case) -> None:
        """A flag set again later than agreed is news; one read a moment apart, by clocks that err, is not."""
        case.stage(record(case.store, "ann", SET, flag_at=START))
        case.think()
        case.know("ann")
        case.do("ann", deed(Deed.SUPPRESS, reason="suppressed"))
        case.stage(record(case.store, "ann", SET, flag_at=START + timedelta(seconds=50)))
        assert not case.waits("ann")
        case.stage(record(case.store, "ann", SET, flag_at=START + timedelta(hours=1)))
        assert case.waits("ann")

    def test_unreadable(self, case: Case) -> None:
        """What nobody can read is no news."""
        case.stage(record(case.store, "ann"), record(case.store, "bob", Flag.UNREADABLE))
        case.stage(record(case.store, "ann", Flag.UNREADABLE))
        case.hear(word(case.store, "cid", Word.UNREADABLE))
        assert not case.candidates()
        assert case.view("ann").records[0].agreed is CLEAR

    def test_address_later(self, case: Case) -> None:
        """A record without an address waits for one and is then a first meeting, its flag included."""
        case.stage(record(case.store, "", SET, id="ann"), record(case.store, "", id="bob"))
        assert not case.candidates()
        case.stage(record(case.store, "ann", SET), record(case.store, "bob"))
        assert case.waits("ann")
        assert not case.waits("bob")
        assert not case.view("ann").records[0].moved
        case.stage(record(case.store, "zoe", SET, id="ann"))
        assert case.view("zoe").records[0].moved

    def test_unticked(self, case: Case) -> None:
        """A box that was agreed and is read clear is news."""
        case.stage(record(case.store, "ann", box=True))
        case.store.stage_ticks(case.run, {contact("ann"): Tick(by="Eve", at=START, allowed=True)})
        case.promise("ann", Decision(agreed=(contact("ann"),)))
        case.stage(record(case.store, "ann"))
        assert case.waits("ann")
        case.promise("ann", Decision(agreed=(contact("ann"),)))
        assert not case.waits("ann")

    def test_moved(self, case: Case) -> None:
        """A changed address brings along its wishes and when it moved; the former address is decided first."""
        case.stage(record(case.store, "old", SET, id="ann"))
        case.think()
        case.next_run()
        names = ["ann", "zoe", "eve", "new", "two"]
        for name in names:
            case.stage(record(case.store, name, SET, id="ann", changed_at=case.now))
            order = list(case.candidates())
            assert order.index(case.store.digest(person("old"))) < order.index(case.store.digest(person(name)))
        [ann] = case.view("two").records
        assert ann.moved
        assert case.view("old").records == ()
        [arrival] = case.view("two").arrivals
        assert (arrival.ref, arrival.moved_at, arrival.merged) == (contact("ann"), case.now, False)
        assert {s.reason for s in arrival.wishes} == {Reason.SUPPRESSED}
        assert case.view("two").settles_moves
        case.hear(word(case.store, "old", reason=Reason.COMPLAINED, since=case.now))
        assert not case.view("two").settles_moves

    def test_moved_to_each_other(self, case: Case) -> None:
        """Two records that change places do not wait for each other."""
        case.stage(record(case.store, "ann", id="1"), record(case.store, "bob", id="2"))
        case.stage(record(case.store, "bob", SET, id="1"), record(case.store, "ann", SET, id="2"))
        assert case.view("ann").settles_moves
        assert case.view("bob").settles_moves

    def test_merged(self, case: Case) -> None:
        """The wishes of a merged record's address arrive where the winner is."""
        case.stage(record(case.store, "ann", SET), record(case.store, "bob"))
        case.think()
        gone = record(case.store, "ann", SET, deleted=True, merged_into="Contact/bob", changed_at=START)
        case.stage(gone, record(case.store, "bob"))
        [arrival] = case.candidates()[case.store.digest(person("bob"))].arrivals
        assert (arrival.ref, arrival.merged, arrival.moved_at) == (contact("bob"), True, START)
        assert case.view("ann").records[0].gone
        assert case.address("bob") == person("bob")
