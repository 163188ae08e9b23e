"""Runs and their lease, cursors, identities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from connector.core.action import Side
from connector.core.errors import ConfigError, ConflictError
from connector.core.view import View
from connector.ports.store import Ended, Store, Trigger
from connector.testing.store_contract.world import SET, START, Case, SteppingClock, added, record, stop, word


class RunContract:
    """Runs, leases, cursors, identities."""

    def test_one_at_a_time(self, store: Store, neighbour: Store) -> None:
        """While a run holds a tenant a second one is refused, and another tenant's is not."""
        with store.begin(Trigger.SCHEDULE):
            with pytest.raises(ConflictError), store.begin(Trigger.COMMAND):
                pass
            with neighbour.begin(Trigger.COMMAND):
                pass
        with store.begin(Trigger.COMMAND):
            pass

    def test_fence(self, store: Store) -> None:
        """A run that lost its lease writes nothing more, and its fence number is below its successor's."""
        with store.begin(Trigger.SCHEDULE) as old:
            pass
        with store.begin(Trigger.SCHEDULE) as new:
            assert new.fence > old.fence
            writes: tuple[Callable[[], object], ...] = (
                lambda: store.stage_records(old, [record(store, "ann", SET)]),
                lambda: store.stage_words(old, [word(store, "ann")]),
                lambda: store.move_cursor(old, Side.CRM, "c"),
                lambda: store.keep_place(old, Side.CRM, "p"),
                lambda: store.anew(old),
                lambda: store.promise(old, [(View(tenant=store.tenant, digest="d"), added(stop()))], START),
                lambda: store.sending(old, ["k"]),
                lambda: store.settle(old, [], START),
                lambda: store.finish(old, Ended.DONE, "", {}),
            )
            for write in writes:
                with pytest.raises(ConflictError):
                    write()
        assert store.cursor(Side.CRM) == ("", "")
        assert not list(store.suppressions())

    def test_ended_without_a_word(self, store: Store) -> None:
        """A run that its process never finished is closed as failed when the next one begins."""
        with store.begin(Trigger.SCHEDULE) as lost:
            pass
        with store.begin(Trigger.SCHEDULE):
            row = next(row for row in store.runs() if row.id == lost.id)
        assert row.outcome is Ended.FAILED
        assert "without a word" in row.sentence

    def test_runs(self, store: Store, clock: SteppingClock) -> None:
        """Runs are remembered latest first, with how they ended, in words and figures; skipped ones too."""
        with store.begin(Trigger.SCHEDULE) as run:
            clock.sleep(3)
            store.finish(run, Ended.PARTIAL, "some were set aside", {"aside": 2})
        clock.sleep(3)
        store.skip(Trigger.INBOX, "another run holds it")
        skipped, ended = store.runs()
        assert (skipped.outcome, skipped.trigger, skipped.sentence) == (
            Ended.SKIPPED,
            Trigger.INBOX,
            "another run holds it",
        )
        assert (ended.outcome, ended.counts, ended.ended) == (Ended.PARTIAL, {"aside": 2}, START + timedelta(seconds=3))
        assert len(store.runs(limit=1)) == 1

    def test_cursor(self, case: Case) -> None:
        """A place is kept until the read is complete, then the watermark moves and the place is forgotten."""
        store, run = case.store, case.run
        assert store.cursor(Side.CRM) == ("", "")
        store.keep_place(run, Side.CRM, "page 7")
        assert store.cursor(Side.CRM) == ("", "page 7")
        store.move_cursor(run, Side.CRM, "2030")
        assert store.cursor(Side.CRM) == ("2030", "")
        assert store.cursor(Side.ESP) == ("", "")

    def test_identity(self, store: Store, neighbour: Store) -> None:
        """One org belongs to one tenant, and a tenant keeps its org."""
        store.remember_identity(Side.CRM, "salesforce:00D1")
        store.remember_identity(Side.CRM, "salesforce:00D1")
        assert store.identity(Side.CRM) == "salesforce:00D1"
        with pytest.raises(ConfigError):
            store.remember_identity(Side.CRM, "salesforce:00D2")
        with pytest.raises(ConfigError):
            neighbour.remember_identity(Side.CRM, "salesforce:00D1")
        assert neighbour.identity(Side.CRM) == ""
