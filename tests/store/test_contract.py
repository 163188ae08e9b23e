"""Our own store keeps the contract, in memory and in a file."""

from __future__ import annotations

from connector.testing.store_contract import LookingContract, MirrorContract, RunContract


class TestRuns(RunContract):
    """Runs, leases, cursors, identities."""


class TestMirror(MirrorContract):
    """The mirror."""


class TestLooking(LookingContract):
    """Candidates, single looks, readable addresses."""
