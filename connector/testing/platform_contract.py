"""The contract of `ports.platform.Platform`: subclass it and give it `platform`, `store` and `clock`.

`store` is the same tenant's; the platform offers the lists `LISTS`, and both ask `clock` for their time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.core.decision import Decision
from connector.core.lists import ListStatus
from connector.core.resubscribe import Origin, State
from connector.core.said import Kind, Said
from connector.core.suppression import ALL, Reason
from connector.core.token import Link, LinkDeed
from connector.ports.esp import ALL_CONTACTS
from connector.ports.platform import Platform
from connector.ports.store import Store
from connector.testing.store_contract.world import START, Case, added, asked, person, stop

LISTS = ("News", "Größen & Trends")
ANN, BOB = person("ann"), person("bob")


class PlatformContract:
    """Lists and members, and what a click does."""

    def link(self, store: Store, deed: LinkDeed, *, request: str = "r1", until: timedelta | None = None) -> Link:
        """A link in a mail to Ann."""
        ends = START + until if until else None
        return Link(tenant=store.tenant, deed=deed, digest=store.digest(ANN), request=request, expires_at=ends)

    def said(self, store: Store) -> tuple[Said, ...]:
        """What the inbox holds of Ann."""
        return store.view(store.digest(ANN), START).said

    def ask(self, case: Case, state: State = State.CHALLENGED) -> None:
        """Ann has asked, and her mail is under way."""
        case.know("ann")
        case.promise("ann", Decision(requests=(asked(state),)))

    # -- members ------------------------------------------------------------------------------------------------
    def test_lists(self, platform: Platform) -> None:
        """The list that everybody is in comes first, then the tenant's own."""
        assert list(platform.lists()) == [ALL_CONTACTS, *LISTS]

    def test_members(self, platform: Platform) -> None:
        """A member is in the lists it was put into, left the ones it left, and shows its block with its time."""
        platform.set_list(ANN, "News", ListStatus.SUBSCRIBED, START)
        platform.set_list(ANN, LISTS[1], ListStatus.UNSUBSCRIBED, START)
        assert platform.suppress(ANN, Reason.UNSUBSCRIBED, START) == START
        [ann] = platform.members([ANN, BOB])
        assert (ann.address, ann.suppressed, ann.since, ann.proven) == (ANN, Reason.UNSUBSCRIBED, START, False)
        assert ann.lists == {"News": ListStatus.SUBSCRIBED, LISTS[1]: ListStatus.UNSUBSCRIBED}
        platform.unsuppress(ANN, START)
        [ann] = platform.members([ANN])
        assert (ann.suppressed, ann.since) == (None, None)

    def test_suppress_once(self, platform: Platform) -> None:
        """A block that stands keeps its first time, and a complaint gives way to nothing weaker."""
        later = START + timedelta(hours=1)
        platform.suppress(ANN, Reason.UNSUBSCRIBED, START)
        assert platform.suppress(ANN, Reason.UNSUBSCRIBED, later) == START
        assert platform.suppress(ANN, Reason.ABUSE, later) == later
        assert platform.suppress(ANN, Reason.UNSUBSCRIBED, later + timedelta(hours=1)) == later
        assert platform.members([ANN])[0].suppressed is Reason.ABUSE

    def test_changes(self, platform: Platform) -> None:
        """Every change of a member is told after what was told before, each member once, and nothing is told twice."""
        platform.suppress(ANN, Reason.UNSUBSCRIBED, START)
        platform.suppress(BOB, Reason.UNSUBSCRIBED, START)
        first, second = platform.changes(0, 10)
        assert (first.address, second.address) == (ANN, BOB)
        assert [m.address for m in platform.changes(0, 1)] == [ANN]
        assert platform.changes(second.seq, 10) == []
        platform.suppress(BOB, Reason.UNSUBSCRIBED, START)
        platform.unsuppress(person("zoe"), START)
        assert platform.changes(second.seq, 10) == []
        platform.set_list(ANN, "News", ListStatus.SUBSCRIBED, START)
        assert [m.address for m in platform.changes(second.seq, 10)] == [ANN]
        assert [m.address for m in platform.changes(0, 10)] == [BOB, ANN]

    # -- clicks -------------------------------------------------------------------------------------------------
    def test_submit(self, platform: Platform, store: Store) -> None:
        """A form is an ask with the lists that were ticked and exist, each time anew, known address or not."""
        for _ in range(2):
            platform.submit(ANN, frozenset({"News", "no such list"}), START, "203.0.113.9")
        first, second = self.said(store)
        assert (first.kind, first.origin, first.by, first.lists) == (
            Kind.ASK,
            Origin.FORM,
            "the person",
            frozenset({"News"}),
        )
        assert first.key != second.key
        assert store.address(store.digest(ANN)) == ANN
        assert "203.0.113.9" not in repr(first)

    @pytest.mark.parametrize("state", [State.REQUESTED, State.CHALLENGED])
    def test_confirm(self, platform: Platform, store: Store, case: Case, state: State) -> None:
        """The first press confirms, even before the mail's record; the second changes nothing and shows it."""
        self.ask(case, state)
        link = self.link(store, LinkDeed.CONFIRM, until=timedelta(days=30))
        assert platform.standing(link).state is state
        assert platform.confirm(link, START).state is State.CONFIRMED
        assert platform.confirm(link, START + timedelta(seconds=1)).state is State.CONFIRMED
        assert platform.standing(link).state is State.CONFIRMED
        [said] = self.said(store)
        assert (said.kind, said.request, said.at) == (Kind.CONFIRM, "r1", START)

    def test_confirm_too_late(self, platform: Platform, store: Store, case: Case) -> None:
        """After the link's end or the request's, for another's request or an ended one, a press confirms nothing."""
        self.ask(case)
        day = timedelta(days=1)
        short = self.link(store, LinkDeed.CONFIRM, until=day)
        assert platform.confirm(short, START + day).state is State.CHALLENGED
        endless = self.link(store, LinkDeed.CONFIRM, until=365 * day)
        assert platform.confirm(endless, START + 30 * day).state is State.CHALLENGED
        assert platform.confirm(replace(endless, digest=store.digest(BOB)), START).state is None
        assert platform.confirm(replace(endless, request="r9"), START).state is None
        case.promise("ann", Decision(requests=(asked(State.WITHDRAWN),)))
        assert platform.confirm(endless, START).state is State.WITHDRAWN
        assert self.said(store) == ()

    def test_reject(self, platform: Platform, store: Store, case: Case) -> None:
        """Reporting abuse is a complaint and a block here at once, whatever the request's state, however often."""
        self.ask(case, State.COMPLETED)
        platform.set_list(ANN, ALL_CONTACTS, ListStatus.SUBSCRIBED, START)
        link = self.link(store, LinkDeed.ABUSE)
        for _ in range(2):
            standing = platform.reject(link, START)
            assert (standing.state, standing.blocked) == (State.REJECTED, True)
        first, second = self.said(store)
        assert (first.kind, first.reason, first.request, first.key != second.key) == (
            Kind.COMPLAINT,
            Reason.ABUSE,
            "r1",
            True,
        )
        assert platform.members([ANN])[0].suppressed is Reason.ABUSE

    def test_unsubscribe(self, platform: Platform, store: Store) -> None:
        """One click blocks here at once and says stop to all sides, any number of times, and undoes no complaint."""
        platform.set_list(ANN, "News", ListStatus.SUBSCRIBED, START)
        link = self.link(store, LinkDeed.UNSUBSCRIBE, request="")
        assert not platform.standing(link).blocked
        assert platform.unsubscribe(link, START).blocked
        assert platform.unsubscribe(link, START).blocked
        assert platform.standing(link).blocked
        [ann] = platform.members([ANN])
        assert (ann.suppressed, ann.since) == (Reason.UNSUBSCRIBED, START)
        said = self.said(store)
        assert [(s.kind, s.scope, s.at) for s in said] == [(Kind.STOP, ALL, START)] * 2
        platform.suppress(ANN, Reason.ABUSE, START)
        platform.unsubscribe(link, START)
        assert platform.members([ANN])[0].suppressed is Reason.ABUSE

    def test_unsubscribe_from_one_list(self, platform: Platform, store: Store) -> None:
        """A list's link leaves that list here at once and says so to all sides, any number of times; mail goes on."""
        platform.set_list(ANN, "News", ListStatus.SUBSCRIBED, START)
        platform.set_list(ANN, LISTS[1], ListStatus.SUBSCRIBED, START)
        link = replace(self.link(store, LinkDeed.UNSUBSCRIBE, request=""), list=LISTS[1])
        assert not platform.standing(link).blocked
        for _ in range(2):
            assert platform.unsubscribe(link, START).blocked
        assert platform.standing(link).blocked
        assert not platform.standing(replace(link, list="")).blocked
        [ann] = platform.members([ANN])
        assert ann.suppressed is None
        assert ann.lists == {"News": ListStatus.SUBSCRIBED, LISTS[1]: ListStatus.UNSUBSCRIBED}
        assert [(s.kind, s.scope) for s in self.said(store)] == [(Kind.STOP, LISTS[1])] * 2

    def test_resubscribe(self, platform: Platform, store: Store, case: Case) -> None:
        """The button of a resubscribe link asks once, as confirmed; its link is spent then, and expires."""
        case.know("ann")
        case.promise("ann", added(stop()))
        link = self.link(store, LinkDeed.RESUBSCRIBE, request="", until=timedelta(days=30))
        assert platform.resubscribe(link, START + timedelta(days=30)).state is None
        assert self.said(store) == ()
        assert platform.resubscribe(link, START).state is State.CONFIRMED
        platform.resubscribe(link, START)
        [said] = self.said(store)
        assert (said.kind, said.origin, said.allowed) == (Kind.ASK, Origin.LINK, True)

    def test_gone(self, platform: Platform, store: Store) -> None:
        """Of somebody known by digest alone a stop is told to the sides by digest; a wish to come back is not."""
        for kind in LinkDeed:
            click = getattr(platform, "reject" if kind is LinkDeed.ABUSE else kind.value)
            click(self.link(store, kind), START)
        assert {said.kind for said in self.said(store)} == {Kind.STOP, Kind.COMPLAINT}
        assert platform.changes(0, 10) == []

    def test_quiet(self, platform: Platform, store: Store, case: Case) -> None:
        """To look at a link changes nothing."""
        self.ask(case)
        before = (list(store.ledger()), platform.changes(0, 10))
        for kind in LinkDeed:
            assert platform.standing(self.link(store, kind)).state is State.CHALLENGED
        assert (list(store.ledger()), platform.changes(0, 10)) == before
        assert not store.waiting()
