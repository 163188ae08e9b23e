"""The ledger: nothing in it is changed unseen, and it alone tells the state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from connector.core.decision import Decision, Fact, FactKind, Move
from connector.core.resubscribe import Event, State
from connector.core.suppression import Reason
from connector.ports.answers import Damage
from connector.store.engine import Database
from connector.store.ledger import replay
from connector.testing.store_contract import Case
from connector.testing.store_contract.world import START, added, asked, stop
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


@pytest.fixture
def written(case: Case, database: Database) -> Case:
    """Five rows, and guards that were taken down by somebody who can."""
    case.promise("ann", Decision(facts=tuple(Fact(kind=FactKind.HEARD, because=f"row {n}") for n in range(1, 6))))
    assert case.store.verify() is None
    return case


def _tamper(database: Database, *statements: str) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TRIGGER ledger_no_update"))
        connection.execute(text("DROP TRIGGER ledger_no_delete"))
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE ledger SET because = ''", "DELETE FROM ledger WHERE seq = 5"])
def test_append_only(written: Case, database: Database, statement: str) -> None:
    """The database itself refuses to change or remove a row."""
    with pytest.raises(IntegrityError, match="append-only"), database.writing() as connection:
        connection.execute(text(statement))
    assert written.store.verify() is None


@pytest.mark.parametrize(
    "column", ["at", "run", "digest", "event", "because", "body", "hash"], ids=lambda column: f"edited {column}"
)
def test_edited(written: Case, database: Database, column: str) -> None:
    """An edited row is named."""
    _tamper(database, f"UPDATE ledger SET {column} = 'x' || {column} WHERE seq = 3")
    damage = written.store.verify()
    assert damage is not None
    assert damage.seq == 3


@pytest.mark.parametrize(
    ("statements", "damage"),
    [
        (["DELETE FROM ledger WHERE seq = 3"], Damage(seq=3, what="row 3 was removed")),
        (["DELETE FROM ledger WHERE seq IN (2, 3)"], Damage(seq=2, what="rows 2 to 3 were removed")),
        (["DELETE FROM ledger WHERE seq = 5"], Damage(seq=5, what="row 5 was removed, at the end")),
        (["DELETE FROM ledger WHERE seq > 3"], Damage(seq=4, what="rows 4 to 5 were removed, at the end")),
        (["DELETE FROM ledger"], Damage(seq=1, what="rows 1 to 5 were removed, at the end")),
        (
            [f"UPDATE ledger SET seq = {to} WHERE seq = {at}" for at, to in ((3, 103), (4, 3), (103, 4))],
            Damage(seq=3, what="row 3 was edited, or rows before it were reordered"),
        ),
        (["DELETE FROM heads"], Damage(seq=5, what="row 5 is not what was recorded as the end")),
        (
            ["UPDATE ledger SET tenant = 'other' WHERE seq = 5"],
            Damage(seq=5, what="row 5 was removed, at the end"),
        ),
    ],
    ids=["one", "two", "last", "tail", "all", "reordered", "head", "moved"],
)
def test_removed_or_reordered(written: Case, database: Database, statements: list[str], damage: Damage) -> None:
    """Removed and reordered rows are found and named, at the end too."""
    _tamper(database, *statements)
    assert written.store.verify() == damage


def test_replay(case: Case) -> None:
    """Replaying the ledger from empty gives the suppressions that stand and every request's state."""
    renewed = stop(Reason.HARD_BOUNCED, timed=False, word="HardBounced")
    case.promise("ann", added(stop(), stop(scope="News"), renewed))
    later = replace(renewed, since=START.replace(hour=13))
    lifted = Fact(kind=FactKind.LIFTED, because="confirmed", suppression=stop())
    again = Fact(kind=FactKind.RENEWED, because="bounced again", suppression=later)
    held = (stop(scope="News"), later)
    start = Fact(kind=FactKind.ASKED, because="asked", values={"request": "r1"})
    move = Move(request="r1", event=Event.REFUSE, before=State.REQUESTED, after=State.REFUSED, because="no")
    case.promise(
        "ann",
        Decision(suppressions=held, facts=(lifted, again, start), moves=(move,), requests=(asked(State.REFUSED),)),
    )
    waiting = replace(start, values={"request": "r2"})
    case.promise("bob", Decision(facts=(waiting,), requests=(asked(key="r2"),)))
    suppressions, states = replay(case.store.ledger())
    assert suppressions == {digest: frozenset(held) for digest, _ in case.store.suppressions()}
    assert states == {request.id: request.state for _, request in case.store.requests()}
