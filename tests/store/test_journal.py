"""Rule 2: every stop stands outside the database before it is acknowledged, and comes back from there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from connector.core.action import Deed, Side
from connector.core.address import Digester
from connector.core.decision import Decision
from connector.core.errors import ConfigError
from connector.core.resubscribe import State
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.store.engine import Database
from connector.store.journal import Journal
from connector.store.sql import open_store
from connector.testing.store_contract import Case, SteppingClock
from connector.testing.store_contract.world import SET, added, asked, contact, deed, record, said, stop, word


class World:
    """An installation on disk, whose database can be lost and put back."""

    def __init__(self, folder: Path, digester: Digester) -> None:
        self.folder, self.digester, self.clock = folder, digester, SteppingClock()
        self.path = folder / "connector.db"
        self.journal = Journal(Path(f"{self.path}.acme.journal"))
        self.open()

    def open(self) -> None:
        self.database = Database(f"sqlite:///{self.path}")
        self.database.open(self.digester)
        self.case = Case(open_store(self.database, "acme", self.digester, self.clock), self.clock)

    def close(self) -> None:
        self.case.close()
        self.database.close()

    def save(self) -> None:
        """A backup."""
        self.database.backup(self.folder / "backup.db")

    def restore(self) -> None:
        """The database is the backup's again; the journal is not."""
        self.close()
        for old in self.folder.glob("connector.db-*"):
            old.unlink()
        shutil.copy(self.folder / "backup.db", self.path)
        self.open()

    def held(self) -> set[tuple[str, Reason]]:
        return {(s.source, s.reason) for _, s in self.case.store.suppressions()}


@pytest.fixture
def world(tmp_path: Path, digester: Digester) -> Any:
    """An installation on disk."""
    world = World(tmp_path, digester)
    yield world
    world.close()


def test_before_it_is_acknowledged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told and what is decided of stops is in the journal; asks and other news are not."""
    world.case.tell("ann", said(Kind.STOP, "k1", scope="News"))
    world.case.tell("bob", said(Kind.COMPLAINT, "k2", reason=Reason.ABUSE))
    world.case.tell("cid", said(Kind.ASK, "k3"))
    world.case.promise("dan", added(stop(), stop(Reason.HARD_BOUNCED)))
    world.case.promise("dan", Decision(requests=(asked(),)))
    told = [(s.unit, s.scope, s.reason) for s in world.journal.after(0)]
    assert told == [
        (1, "News", "unsubscribed"),
        (2, "*", "abuse"),
        (3, "*", "unsubscribed"),
        (3, "*", "hard_bounced"),
    ]
    assert "example.com" not in world.journal.path.read_text()
    assert world.case.store.recover(world.case.run) == 0


def test_disk_full(world: World) -> None:
    """A stop that cannot be written down is not acknowledged and leaves nothing."""
    world.journal.path.mkdir()
    with pytest.raises(OSError):
        world.case.tell("ann", said(Kind.STOP, "k1"))
    assert not world.case.store.waiting()
    with pytest.raises(OSError):
        world.case.promise("ann", added(stop()))
    assert world.held() == set()


def test_crash(world: World) -> None:
    """One unit more than the database knows is a crash: its stops are taken in, and what is agreed stays."""
    world.case.stage(record(world.case.store, "bob", SET))
    world.case.think()
    world.save()
    world.case.promise("ann", added(stop()))
    world.restore()
    assert world.case.store.recover(world.case.run) == 1
    assert ("journal", Reason.UNSUBSCRIBED) in world.held()
    assert [r.agreed for r in world.case.view("bob").records] == [SET]
    assert world.case.store.recover(world.case.run) == 0
    assert world.case.store.verify() is None


def test_restore(world: World) -> None:
    """More than one is a restore: stops come back, agreed values, owed lifts and cursors are void, and it is told."""
    case = world.case
    case.know("bob")
    case.stage(record(case.store, "bob", SET), record(case.store, "eve"))
    case.hear(word(case.store, "cid", reason=Reason.HARD_BOUNCED))
    case.think()
    lift = deed(Deed.UNRESTRICT, "Contact/bob", request="r1")
    case.promise("bob", Decision(requests=(asked(State.CONFIRMED),), actions=(lift,)))
    case.store.move_cursor(case.run, Side.CRM, "2030")
    world.save()
    case.tell("ann", said(Kind.STOP, "k1"))
    case.promise("bob", added(stop(Reason.ABUSE)))
    world.restore()
    case = world.case
    assert case.store.recover(case.run) == 2
    assert {("journal", Reason.UNSUBSCRIBED), ("journal", Reason.ABUSE)} <= world.held()
    assert [r.agreed for r in case.view("bob").records] == [None]
    assert case.view("cid").esp.agreed is None
    assert case.waits("bob")
    assert case.waits("cid")
    assert not case.waits("eve")
    assert case.owed(Deed.UNRESTRICT) == []
    assert case.store.cursor(Side.CRM) == ("", "")
    [entry] = [e for e in case.store.ledger() if e.event == "journal.recovered"]
    assert dict(entry.values) == {"stops": 2, "restored": True}
    assert case.store.verify() is None


def test_told_before_the_next_run(world: World) -> None:
    """A page that speaks to a restored database before any run loses nothing."""
    world.save()
    for name in ("ann", "bob", "cid"):
        world.case.tell(name, said(Kind.STOP, name))
    world.restore()
    world.case.tell("dan", said(Kind.STOP, "dan"))
    world.case.store.recover(world.case.run)
    digests = {digest for digest, _ in world.case.store.suppressions()}
    assert digests == {world.case.view(name).digest for name in ("ann", "bob", "cid")}
    assert [s.unit for s in world.journal.after(0)] == [1, 2, 3, 4]


def test_older_word(world: World) -> None:
    """What the journal knows does not overwrite a later word of the database."""
    world.save()
    world.case.promise("ann", added(stop()))
    world.case.promise("ann", added(stop(Reason.ABUSE)))
    world.restore()
    later = replace(stop(), since=world.case.now.replace(hour=23))
    world.case.store._journal = None  # type: ignore[attr-defined]  # a store that keeps none, as before an upgrade
    world.case.promise("ann", added(later))
    world.close()
    world.open()
    assert world.case.store.recover(world.case.run) == 1
    assert later in world.case.view("ann").suppressions


def test_missing(world: World) -> None:
    """Where a journal is expected and missing, the service stops and asks; an empty file is an answer."""
    assert world.case.store.recover(world.case.run) == 0
    world.case.tell("ann", said(Kind.STOP, "k1"))
    world.journal.path.unlink()
    with pytest.raises(ConfigError, match="journal"):
        world.case.store.recover(world.case.run)
    with pytest.raises(ConfigError, match="journal"):
        world.case.tell("ann", said(Kind.STOP, "k2"))
    world.journal.path.touch()
    assert world.case.store.recover(world.case.run) == 0
    assert world.case.tell("ann", said(Kind.STOP, "k2"))


def test_older_journal(world: World) -> None:
    """An older journal in the place of the real one stops the service; the real one put back goes on."""
    world.case.tell("ann", said(Kind.STOP, "k1"))
    older = world.journal.path.read_bytes()
    world.case.tell("bob", said(Kind.STOP, "k2"))
    newest = world.journal.path.read_bytes()
    world.journal.path.write_bytes(older)
    with pytest.raises(ConfigError, match="older copy"):
        world.case.store.recover(world.case.run)
    with pytest.raises(ConfigError, match="older copy"):
        world.case.tell("cid", said(Kind.STOP, "k3"))
    assert world.journal.path.read_bytes() == older
    world.journal.path.write_bytes(newest)
    assert world.case.store.recover(world.case.run) == 0
    assert world.case.tell("cid", said(Kind.STOP, "k3"))


@pytest.mark.parametrize("cut", [b'[7, "n1k', b"[7", b"\x00\x00"])
def test_cut_line(world: World, cut: bytes) -> None:
    """A line that a crash cut is skipped, and the next one is not glued to it."""
    world.case.tell("ann", said(Kind.STOP, "k1"))
    with world.journal.path.open("ab") as file:
        file.write(cut)
    assert world.journal.last() == 1
    world.case.tell("bob", said(Kind.STOP, "k2"))
    assert [s.unit for s in world.journal.after(0)] == [1, 2]
    assert world.journal.last() == 2


def test_long_unit(world: World) -> None:
    """The last unit is found whatever the length of its lines."""
    world.case.promise("ann", added(*(stop(scope="x" * 9000 + str(n)) for n in range(5))))
    assert world.journal.last() == 1
    assert len(world.journal.after(0)) == 5


def test_scratch_keeps_none(world: World) -> None:
    """A dry run writes no journal."""
    with world.case.store.scratch() as scratch:
        case = Case(scratch, world.clock)
        case.promise("ann", added(stop()))
        case.tell("bob", said(Kind.STOP, "k"))
        case.close()
    assert world.journal.last() == 0
    assert contact("ann")
