"""The store's contract: the entries of the CRM's own list of suppressions."""

from __future__ import annotations

from connector.core.action import Deed
from connector.core.policy import Policy
from connector.core.restriction import ENTRY, Ref
from connector.core.suppression import Reason
from connector.core.view import Cause
from connector.ports.crm import CrmRow
from connector.ports.store import StagedRecord
from connector.testing.store_contract.world import CLEAR, SET, Case, added, deed, person, record, stop

LISTED = Policy(entries=True)


def gone(id_: str) -> StagedRecord:
    """An entry that the CRM reports as deleted: it has no address any more."""
    return StagedRecord(CrmRow(entity=ENTRY, id=id_, address="", flag=CLEAR, deleted=True), "", "")


class ListingContract:
    """Entries in the mirror."""

    def test_unlisted(self, case: Case) -> None:
        """Somebody suppressed without an entry is a candidate where the CRM has a list; a platform's rule is not."""
        case.stage(record(case.store, "ann", SET), record(case.store, "bob"))
        case.know("ann")
        case.know("bob")
        case.promise("ann", added(stop(Reason.HARD_BOUNCED)))
        case.promise("bob", added(stop(Reason.DOMAIN)))
        case.do("ann", deed(Deed.SUPPRESS, reason="hard_bounced"))
        case.think()
        assert case.waits("ann", LISTED)
        assert not case.waits("ann")
        assert not case.waits("bob", LISTED)
        case.do("ann", deed(Deed.ADD_ENTRY, kind="fault"), made=f"{ENTRY}/e")
        assert not case.waits("ann", LISTED)
        [entry] = case.view("ann").entries
        assert (entry.flag, entry.agreed, entry.cause, entry.agreed_number) == (SET, SET, Cause.FAULT, 1)

    def test_taken_off(self, case: Case) -> None:
        """An entry that was removed in the CRM still tells whose it was; one that nobody knew tells nothing."""
        case.stage(record(case.store, "ann", SET, entity=ENTRY, id="e"))
        case.promise("ann", added(stop()))
        case.think(LISTED)
        case.stage(gone("e"), gone("never seen"))
        [entry] = case.view("ann").entries
        assert (entry.removed, entry.flag) == (True, CLEAR)
        assert case.waits("ann", LISTED)
        assert case.address("ann") == person("ann")

    def test_removed_by_us(self, case: Case) -> None:
        """An entry that we removed is agreed to be gone, and its report later is no news."""
        case.know("ann")
        case.do("ann", deed(Deed.ADD_ENTRY), made=f"{ENTRY}/e")
        case.do("ann", deed(Deed.REMOVE_ENTRY, f"{ENTRY}/e"))
        case.stage(gone("e"))
        [entry] = case.view("ann").entries
        assert (entry.removed, entry.deleted, entry.agreed) == (False, True, CLEAR)

    def test_looked_for(self, case: Case) -> None:
        """A single look that does not find an entry takes it for removed, and keeps it in its cluster."""
        case.stage(record(case.store, "ann", id="1"), record(case.store, "ann", SET, entity=ENTRY, id="e"))
        case.think(LISTED)
        digest = case.store.digest(person("ann"))
        case.store.looked(case.run, digest, [Ref(entity="Contact", id="1")], None)
        assert [e.removed for e in case.view("ann").entries] == [True]

    def test_unread(self, case: Case) -> None:
        """After a whole reading, records it did not show leave their clusters; of entries the addresses are given."""
        entry = record(case.store, "ann", SET, entity=ENTRY, id="e")
        case.stage(record(case.store, "ann", id="1"), record(case.store, "ann", id="2"), entry)
        case.stage(record(case.store, "bob", SET, entity=ENTRY, id="f"))
        case.think(LISTED)
        assert case.store.unread(case.run) == []
        case.next_run()
        case.stage(record(case.store, "ann", id="1"), record(case.store, "bob", SET, entity=ENTRY, id="f"))
        assert case.store.unread(case.run) == [(case.store.digest(person("ann")), person("ann"))]
        assert [r.ref.id for r in case.view("ann").records] == ["1", "e"]
        assert not case.view("ann").entries[0].removed
