"""Our own store keeps the contract, in memory and in a file."""

from __future__ import annotations

from connector.testing.store_contract import (
    AnswersContract,
    DoingContract,
    InboxContract,
    ListingContract,
    LookingContract,
    MirrorContract,
    PromisingContract,
    RunContract,
)


class TestRuns(RunContract):
    """Runs, leases, cursors, identities."""


class TestMirror(MirrorContract):
    """The mirror."""


class TestListing(ListingContract):
    """Entries of the CRM's own list."""


class TestLooking(LookingContract):
    """Candidates, single looks, readable addresses."""


class TestPromising(PromisingContract):
    """From a decision to what is owed."""


class TestDoing(DoingContract):
    """Order, outcomes, effects."""


class TestInbox(InboxContract):
    """What people say."""


class TestAnswers(AnswersContract):
    """Ledger, answers, scratch."""
