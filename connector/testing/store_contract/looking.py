"""Which addresses a run thinks about, looks at, and may read."""

from __future__ import annotations

from connector.core.action import Deed, Side
from connector.core.decision import Decision
from connector.core.lists import ListStatus
from connector.core.policy import Policy
from connector.core.restriction import Access, Flag
from connector.core.resubscribe import State
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.core.view import Tick, Word
from connector.ports.store import Ended
from connector.testing.store_contract.world import (
    SET,
    START,
    Case,
    added,
    ask,
    asked,
    contact,
    deed,
    person,
    record,
    said,
    stop,
    word,
)


class LookingContract:
    """Candidates, single looks, readable addresses."""

    def test_disagreement(self, case: Case) -> None:
        """A suppressed address with a clear record, or without a block at the platform, is a candidate."""
        case.know("ann")
        case.promise("ann", added(stop()))
        assert case.waits("ann")
        case.do("ann", deed(Deed.SUPPRESS, reason="unsubscribed"))
        assert not case.waits("ann")
        case.stage(record(case.store, "ann"))
        assert case.waits("ann")
        case.do("ann", deed(Deed.RESTRICT, "Contact/ann", restriction=True))
        assert not case.waits("ann")
        case.stage(record(case.store, "ann", id="ann2", access=Access.READ_ONLY))
        case.stage(record(case.store, "ann", Flag.UNREADABLE))
        assert not case.waits("ann")
        case.stage(record(case.store, "ann", Flag.UNREADABLE, id="ann3"))
        assert case.waits("ann")

    def test_faults(self, case: Case) -> None:
        """A bounce disagrees with a clear record only where policy lets faults restrict."""
        case.stage(record(case.store, "ann"))
        case.know("ann")
        case.promise("ann", added(stop(Reason.HARD_BOUNCED)))
        case.do("ann", deed(Deed.SUPPRESS, reason="hard_bounced"))
        assert not case.waits("ann")
        assert case.waits("ann", Policy(faults_restrict=True))

    def test_withdrawn_fault(self, case: Case) -> None:
        """A restriction that stood for a fault alone is a candidate once nothing holds the address any more."""
        case.stage(record(case.store, "ann"))
        case.promise("ann", added(stop(Reason.HARD_BOUNCED), stop(scope="News")))
        case.do("ann", deed(Deed.RESTRICT, "Contact/ann", kind="fault"))
        case.know("ann")
        case.do("ann", deed(Deed.SUPPRESS, reason="hard_bounced"))
        assert not case.waits("ann")
        case.promise("ann", Decision(suppressions=(stop(scope="News"),)))
        assert case.waits("ann")

    def test_list_left(self, case: Case) -> None:
        """Who left a list and is first read inside it is a candidate."""
        case.promise("ann", added(stop(scope="News")))
        assert not case.waits("ann")
        case.hear(word(case.store, "ann", Word.SUBSCRIBED, lists={"News": ListStatus.SUBSCRIBED}))
        assert case.waits("ann")
        case.hear(word(case.store, "bob", Word.SUBSCRIBED, lists={"News": ListStatus.SUBSCRIBED}))
        assert not case.waits("bob")

    def test_waiting(self, case: Case) -> None:
        """An open request waits in every run, and so does a box that nobody cleared yet."""
        case.promise("ann", Decision(requests=(asked(),)))
        case.promise("bob", Decision(requests=(asked(State.COMPLETED, key="r2"),)))
        case.stage(record(case.store, "cid", box=True))
        case.promise("cid", Decision(agreed=(contact("cid"),)))
        case.next_run()
        assert [case.waits(name) for name in ("ann", "bob", "cid")] == [True, False, True]

    def test_words(self, case: Case) -> None:
        """A platform's word is agreed by a decision; our own block, come back with its time, is no news."""
        case.hear(
            word(case.store, "ann", reason=Reason.UNSUBSCRIBED, since=START), word(case.store, "bob", Word.ABSENT)
        )
        assert list(case.candidates()) == [case.store.digest(person("ann"))]
        case.think()
        assert not case.waits("ann")
        case.know("eve")
        case.promise("eve", added(stop()))
        case.do("eve", deed(Deed.SUPPRESS, reason="unsubscribed"))
        case.hear(word(case.store, "eve", reason=Reason.UNSUBSCRIBED, since=START))
        assert not case.waits("eve")
        assert case.view("eve").esp.agreed_since == START
        case.hear(word(case.store, "eve", reason=Reason.COMPLAINED, since=START))
        assert case.waits("eve")

    def test_lists(self, case: Case) -> None:
        """A record whose mapped list says other than the platform is a candidate, whichever came first."""
        policy = Policy(lists=("News", 'The "best"'))
        inside, absent = {"News": ListStatus.SUBSCRIBED}, {"News": ListStatus.ABSENT}
        case.hear(word(case.store, "ann", Word.SUBSCRIBED, lists=inside))
        case.stage(record(case.store, "ann", lists=absent), record(case.store, "bob", lists=absent))
        case.think(policy)
        case.do("ann", deed(Deed.WRITE_LIST, "Contact/ann", {"list:News": "subscribed"}))
        assert not case.waits("bob", Policy(lists=("News",)))
        assert not case.waits("ann", Policy(lists=("News",)))
        case.stage(record(case.store, "ann", id="second", lists=absent))
        assert case.waits("ann", Policy(lists=("News",)))

    def test_looked(self, case: Case) -> None:
        """A single look takes out of the cluster what it did not find, and remembers what was found elsewhere."""
        case.stage(record(case.store, "ann", id="1"), record(case.store, "ann", id="2"))
        digest = case.store.digest(person("ann"))
        case.store.looked(case.run, digest, [contact("1")], None)
        assert [r.ref for r in case.view("ann").records] == [contact("1")]
        assert case.view("ann").elsewhere is None
        case.store.looked(case.run, digest, [], True)
        assert case.view("ann").elsewhere is True

    def test_to_look(self, case: Case) -> None:
        """Asks, open requests and ticks are looked at singly."""
        case.tell("ann", ask("k1"))
        case.stage(record(case.store, "bob", box=True), record(case.store, "cid", SET))
        case.tell("dan", said(Kind.STOP, "k2"))
        looked = {address for _, address in case.store.to_look()}
        assert looked == {person("ann"), person("bob")}
        case.promise("ann", Decision(requests=(asked(),), heard=("k1",)))
        assert person("ann") in {address for _, address in case.store.to_look()}

    def test_ticks(self, case: Case) -> None:
        """A set box waits until somebody looked up who ticked it, and a box read clear forgets the tick."""
        case.stage(record(case.store, "ann", box=True))
        assert list(case.store.unticked()) == [contact("ann")]
        tick = Tick(by="Eve", at=START, allowed=True)
        case.store.stage_ticks(case.run, {contact("ann"): tick})
        assert list(case.store.unticked()) == []
        assert case.view("ann").records[0].tick == tick
        case.stage(record(case.store, "ann", box=True))
        assert case.view("ann").records[0].tick == tick
        case.stage(record(case.store, "ann"))
        assert case.view("ann").records[0].tick is None

    def test_refused_rows(self, case: Case) -> None:
        """A row whose address cannot be one is listed until it reads well again."""
        case.store.refused_rows(case.run, Side.CRM, [("Contact/ann", "has no @")])
        [aside] = case.store.aside()
        assert (aside.side, aside.target, aside.words) == (Side.CRM, "Contact/ann", "has no @")
        case.stage(record(case.store, "ann"))
        assert not case.store.aside()

    def test_readable_addresses(self, case: Case) -> None:
        """An address is readable while something stands or waits about it, and not a run longer."""
        store = case.store
        case.stage(record(store, "ann"), record(store, "bob", SET), record(store, "cid", box=True))
        case.hear(word(store, "dan"), word(store, "eve", Word.SUBSCRIBED))
        case.promise("bob", added(stop()))
        case.tell("fay", ask("k"))
        assert case.address("dan") == person("dan")
        store.finish(case.run, Ended.DONE, "", {})
        kept = {name for name in ("ann", "bob", "cid", "dan", "eve", "fay") if case.address(name)}
        assert kept == {"bob", "fay"}

    def test_missing_address(self, case: Case) -> None:
        """The address of somebody who is suppressed is kept as soon as it is read, whatever the record shows."""
        case.promise("ann", added(stop()))
        assert case.address("ann") is None
        case.next_run()
        case.stage(record(case.store, "ann"))
        assert case.address("ann") == person("ann")
