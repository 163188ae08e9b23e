"""The built-in platform keeps the ESP's contract, over memory and over the store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from connector.adapters.esp.builtin import ADAPTER, adapter
from connector.adapters.esp.builtin.adapter import Builtin
from connector.core.lists import ListStatus, Words
from connector.core.policy import Policy
from connector.core.suppression import Reason
from connector.ports.adapter import Context, Level, ListMapping
from connector.testing.esp_contract import ANN, BOB, EspContract, change, somebody
from pydantic import ValidationError


class TestBuiltin(EspContract):
    """The contract, and what only our own platform promises."""

    def test_whose_it_is(self, esp, clock):
        """The account is the tenant's own, and runs on our clock."""
        assert esp.identity() == "builtin:acme"
        assert esp.clock_offset().total_seconds() == 0

    def test_long_reads_can_be_resumed(self, esp, monkeypatch):
        """A read comes page by page, and goes on from any page's place without missing anybody."""
        monkeypatch.setattr(adapter, "ROWS_A_PAGE", 3)
        people = [somebody(f"person{n}") for n in range(7)]
        self.block(esp, *people)
        pages = self.read(esp)
        assert [len(p.rows) for p in pages] == [3, 3, 1]
        assert set(self.told(self.read(esp, "", pages[0].place))) == set(people[3:])
        assert pages[-1].cursor == "7"

    def test_a_read_sees_its_own_end(self, esp, monkeypatch):
        """A page that is exactly full is followed by a last one, so that the end is proven."""
        monkeypatch.setattr(adapter, "ROWS_A_PAGE", 2)
        self.block(esp, ANN, BOB)
        assert [(len(p.rows), p.complete) for p in self.read(esp)] == [(2, False), (0, True)]

    def test_the_word_is_kept(self, esp):
        """Every reason comes back as it was given, with the platform's own word beside it."""
        for reason in Reason:
            person = somebody(reason.value)
            self.block(esp, person, reason=reason)
            row = self.one(esp, person)
            assert (row.reason, row.raw) == (reason, reason.value)

    def test_a_list_that_is_gone_can_be_left(self, esp, platform, clock):
        """Who is still in a list that the configuration no longer names can be taken out of it."""
        platform.set_list(ANN, "Old list", ListStatus.SUBSCRIBED, clock.now())
        self.done(esp.leave([change(ANN, "Old list")]), [change(ANN, "Old list")])
        assert self.one(esp).lists["Old list"] is ListStatus.UNSUBSCRIBED

    def test_a_mapped_list_that_is_not_there(self, platform, clock):
        """A list that is mapped to a CRM field and that the platform does not have is an error with what to do."""
        words = Words(subscribed="true", unsubscribed="false")
        mapped = (ListMapping(name="Offers", field="Offers__c", words=words),)
        context = Context(tenant="acme", clock=clock, policy=Policy(), platform=platform)
        assert [f.level for f in Builtin(context).check()] == [Level.OK]
        findings = list(Builtin(replace(context, lists=mapped)).check())
        assert [(f.level, "Offers" in f.found) for f in findings] == [(Level.OK, False), (Level.ERROR, True)]
        assert "esp.lists" in findings[1].todo


@pytest.mark.parametrize("lists", [["News", "news"], [""], [" News"], ["a\nb"]])
def test_lists_that_are_refused(lists):
    """A list named twice, without a name, or with blanks around it or line breaks in it is refused."""
    with pytest.raises(ValidationError):
        ADAPTER.Settings(lists=lists)


def test_everybody_is_in_all_contacts():
    """All contacts need not be named: naming it changes nothing."""
    assert ADAPTER.Settings(lists=["all contacts", "News"]).lists == ["News"]
