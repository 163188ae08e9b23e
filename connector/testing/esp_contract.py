"""The contract of `ports.esp.Esp`: subclass it and give it `esp`, a fresh account that offers the lists `LISTS`.

`clock` is the clock that the account's times come from; a platform whose clock is its own leaves it running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from connector.core.action import action_key
from connector.core.address import Address, normalise
from connector.core.errors import ConflictError
from connector.core.lists import ListStatus
from connector.core.suppression import Reason
from connector.core.view import Word
from connector.ports.adapter import Finding, Level, Outcome, Status
from connector.ports.esp import ALL_CONTACTS, Esp, EspChange, EspPage, EspRow

LISTS = ("News", "Größen & Trends")


class Ticking(Protocol):
    """A clock that a test can wait on."""

    def now(self) -> datetime:
        """The present."""

    def sleep(self, seconds: float) -> None:
        """Lets time go on."""


def somebody(name: str) -> Address:
    """An address of a test person; `name` may hold whatever a local part may."""
    address = normalise(f"{name}@example.com")
    assert isinstance(address, str)
    return address


ANN, BOB = somebody("ann"), somebody("bob")
ODD = [somebody(name) for name in ("o'neil", "a+b", "a..b", "grüße", "ſam", "a,b", "x" * 64, "a/b", "per%cent")]


def change(address: Address, name: str = "", reason: Reason = Reason.UNSUBSCRIBED) -> EspChange:
    """One change with a key of its own."""
    return EspChange(key=action_key(address, name, reason.value), address=address, reason=reason, list=name)


class EspContract:
    """What every e-mail platform behind the port promises."""

    def read(self, esp: Esp, cursor: str = "", place: str = "") -> list[EspPage]:
        """A whole read, which must end as the port says."""
        pages = list(esp.changes(cursor, place))
        assert [p.complete for p in pages] == [False] * (len(pages) - 1) + [True]
        assert all(not p.cursor for p in pages[:-1])
        assert pages[-1].cursor
        return pages

    def told(self, pages: Iterable[EspPage]) -> dict[str, EspRow]:
        """The last word of each address in a read."""
        return {str(normalise(row.address)): row for page in pages for row in page.rows}

    def one(self, esp: Esp, address: Address = ANN) -> EspRow:
        """A single look at one address."""
        [row] = esp.look([address])
        assert normalise(row.address) == address
        return row

    def done(self, outcomes: Iterable[Outcome], changes: Sequence[EspChange]) -> list[Outcome]:
        """The outcomes, which must be `done`, one for every key."""
        ended = list(outcomes)
        assert sorted(o.key for o in ended) == sorted(c.key for c in changes)
        assert {o.status for o in ended} <= {Status.DONE}, ended
        return ended

    def block(self, esp: Esp, *addresses: Address, reason: Reason = Reason.UNSUBSCRIBED) -> list[Outcome]:
        """Suppresses addresses."""
        changes = [change(a, reason=reason) for a in addresses]
        return self.done(esp.suppress(changes), changes)

    # -- who and how --------------------------------------------------------------------------------------------
    def test_identity(self, esp: Esp) -> None:
        """The account says who it is, the same every time, and for which vendor."""
        kind, _, name = esp.identity().partition(":")
        assert kind
        assert name
        assert esp.identity() == f"{kind}:{name}"

    def test_check(self, esp: Esp) -> None:
        """A well set-up account is found well, each finding in words."""
        findings: list[Finding] = list(esp.check())
        assert findings
        assert not [f for f in findings if f.level in (Level.ERROR, Level.UNKNOWN)]
        assert all(f.what and f.found for f in findings)

    def test_clock(self, esp: Esp) -> None:
        """How far its clock is off is known once it has answered."""
        esp.look([ANN])
        assert abs(esp.clock_offset()) < timedelta(days=1)

    # -- blocks -------------------------------------------------------------------------------------------------
    def test_suppress(self, esp: Esp, clock: Ticking) -> None:
        """A suppressed address is blocked, with its time, in a look and in the next read; once more is no news."""
        self.block(esp, ANN)
        row = self.one(esp)
        assert row.word is Word.SUPPRESSED
        assert row.reason is not None
        assert row.since is not None
        assert row.since.tzinfo is not None
        assert not row.proven
        assert self.told(self.read(esp))[ANN].word is Word.SUPPRESSED
        clock.sleep(5)
        self.block(esp, ANN)
        assert self.one(esp).since == row.since

    def test_suppress_tells_its_time(self, esp: Esp) -> None:
        """Where the platform tells the time of a block at once, a look tells the same."""
        [outcome] = self.block(esp, ANN)
        if outcome.since:
            assert datetime.fromisoformat(outcome.since) == self.one(esp).since

    def test_complaint_stays(self, esp: Esp) -> None:
        """A complaint is not replaced by anything weaker."""
        self.block(esp, ANN, reason=Reason.ABUSE)
        before = self.one(esp)
        self.block(esp, ANN, reason=Reason.UNSUBSCRIBED)
        assert self.one(esp)[:5] == before[:5]

    def test_unsuppress(self, esp: Esp) -> None:
        """An address that was let go is no longer blocked, and comes in the next read as such; once more is no harm."""
        self.block(esp, ANN)
        cursor = self.read(esp)[-1].cursor
        for _ in range(2):
            self.done(esp.unsuppress([change(ANN)]), [change(ANN)])
            assert not self.one(esp).word.blocks
        row = self.told(self.read(esp, cursor)).get(ANN)
        assert row is None or not row.word.blocks

    def test_nobody(self, esp: Esp) -> None:
        """An address that the platform does not know is absent: no word, and no block."""
        row = self.one(esp, somebody("nobody"))
        assert (row.word, row.reason, dict(row.lists)) == (Word.ABSENT, None, {})

    def test_many_at_once(self, esp: Esp) -> None:
        """Any number of changes may be given, none included, and each has its outcome; a look keeps the order asked."""
        people = [somebody(f"person{n}") for n in range(250)]
        assert list(esp.suppress([])) == []
        assert esp.look([]) == [] or not list(esp.look([]))
        self.block(esp, *people)
        rows = esp.look([*reversed(people), somebody("nobody")])
        assert [row.address for row in rows] == [*reversed(people), "nobody@example.com"]
        assert {row.word for row in rows[:-1]} == {Word.SUPPRESSED}

    @pytest.mark.parametrize("address", ODD)
    def test_odd_addresses(self, esp: Esp, address: Address) -> None:
        """An odd but real address is one person: blocked, found, and let go, and nobody else with it."""
        self.block(esp, ANN, address)
        assert self.one(esp, address).word is Word.SUPPRESSED
        assert set(self.told(self.read(esp))) == {ANN, address}
        self.done(esp.unsuppress([change(address)]), [change(address)])
        assert (self.one(esp, address).word.blocks, self.one(esp).word.blocks) == (False, True)

    # -- reading ------------------------------------------------------------------------------------------------
    def test_empty(self, esp: Esp) -> None:
        """A read of an account with nobody in it is complete, and its cursor can be read on from."""
        [page] = self.read(esp)
        assert not page.rows
        self.block(esp, ANN)
        assert set(self.told(self.read(esp, page.cursor))) == {ANN}

    def test_on_from_a_cursor(self, esp: Esp) -> None:
        """Reading on from a cursor misses nothing that changed since, and needs not tell the rest."""
        self.block(esp, ANN)
        cursor = self.read(esp)[-1].cursor
        self.block(esp, BOB)
        pages = self.read(esp, cursor)
        assert BOB in self.told(pages)
        assert set(self.told(self.read(esp))) == {ANN, BOB}
        again = self.read(esp, pages[-1].cursor)
        assert self.told(again).get(BOB, self.one(esp, BOB)).word is Word.SUPPRESSED

    def test_reading_changes_nothing(self, esp: Esp) -> None:
        """Two reads in a row tell the same."""
        self.block(esp, ANN, BOB)
        assert self.told(self.read(esp)) == self.told(self.read(esp))

    def test_unknown_cursor(self, esp: Esp) -> None:
        """A cursor or place that is not the platform's own is a conflict: read from the start."""
        for cursor, place in (("not a cursor", ""), ("", "not a place")):
            with pytest.raises(ConflictError):
                list(esp.changes(cursor, place))

    # -- lists --------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize("name", [ALL_CONTACTS, *LISTS])
    def test_join_and_leave(self, esp: Esp, name: str) -> None:
        """Who joins a list is in it, who leaves it is out of it as unsubscribed, and only that list changes."""
        for deed, status in ((esp.join, ListStatus.SUBSCRIBED), (esp.leave, ListStatus.UNSUBSCRIBED)):
            self.done(deed([change(ANN, name)]), [change(ANN, name)])
            row = self.one(esp)
            assert row.lists.get(name) is status
            others = [row.lists.get(other) for other in LISTS if other != name]
            assert ListStatus.SUBSCRIBED not in others
            assert not row.word.blocks

    def test_joining_lifts_nothing(self, esp: Esp) -> None:
        """To join a list leaves the account's block as it is, and so does to leave one."""
        self.block(esp, ANN)
        before = self.one(esp)
        self.done(esp.join([change(ANN, "News")]), [change(ANN, "News")])
        self.done(esp.leave([change(ANN, "News")]), [change(ANN, "News")])
        after = self.one(esp)
        assert (after.word, after.reason, after.since) == (before.word, before.reason, before.since)

    def test_unknown_list(self, esp: Esp) -> None:
        """Joining a list that is not there is refused for that item alone, in words; leaving it has nothing to do."""
        wrong, right = change(ANN, "no such list"), change(BOB, "News")
        outcomes = {o.key: o for o in esp.join([wrong, right])}
        assert outcomes[wrong.key].status is Status.ASIDE
        assert outcomes[wrong.key].words
        assert outcomes[right.key].status is Status.DONE
        self.done(esp.leave([wrong]), [wrong])
        assert "no such list" not in self.one(esp).lists

    def test_lists_are_told(self, esp: Esp) -> None:
        """A change of a list comes in the next read, for a person who is not blocked too."""
        cursor = self.read(esp)[-1].cursor
        self.done(esp.join([change(ANN, "News")]), [change(ANN, "News")])
        assert self.told(self.read(esp, cursor))[ANN].lists.get("News") is ListStatus.SUBSCRIBED
