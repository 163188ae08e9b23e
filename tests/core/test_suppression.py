"""The table of reasons: what a confirmed request lifts, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from connector.core.action import Deed
from connector.core.decide import decide
from connector.core.policy import Policy
from connector.core.restriction import Flag, Ref
from connector.core.resubscribe import Origin, Request, State
from connector.core.suppression import ALL, KIND, Kind, Reason, Suppression, liftable
from connector.core.view import Esp, Record, View, Word

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)

# kind, reason, lifted by a confirmed request: yes, never, or where policy lists it
TABLE = {
    "unsubscribed": ("wish", "yes"),
    "suppressed": ("wish", "yes"),
    "complained": ("wish", "never"),
    "abuse": ("wish", "never"),
    "unknown": ("wish", "never"),
    "soft_bounced": ("fault", "policy"),
    "hard_bounced": ("fault", "policy"),
    "blocked": ("fault", "policy"),
    "domain": ("platform", "never"),
    "shared": ("platform", "never"),
}
FAULTS = [r for r in Reason if KIND[r] is Kind.FAULT]
POLICIES = [frozenset(some) for size in range(4) for some in combinations(FAULTS, size)]


def _lifts(reason: Reason, lift_faults: frozenset[Reason]) -> bool:
    column = TABLE[reason.value][1]
    return column == "yes" or (column == "policy" and reason in lift_faults)


def test_the_table_holds_every_reason() -> None:
    """Every reason has its row, and its kind is the row's."""
    assert {r.value: KIND[r].value for r in Reason} == {r: kind for r, (kind, _) in TABLE.items()}


@pytest.mark.parametrize("lift_faults", POLICIES, ids=lambda some: "+".join(sorted(some)) or "none")
@pytest.mark.parametrize("reason", list(Reason))
def test_every_cell_of_the_reason_table(reason: Reason, lift_faults: frozenset[Reason]) -> None:
    """A reason is liftable exactly where its row says so, for every policy on faults."""
    assert liftable(reason, lift_faults) is _lifts(reason, lift_faults)


def test_the_default_lifts_the_two_bounces() -> None:
    """Without a word of policy a confirmed request lifts bounces, not blocks."""
    assert Policy().lift_faults == {Reason.SOFT_BOUNCED, Reason.HARD_BOUNCED}


def _view(reason: Reason, *, other: Reason | None = None) -> View:
    since = NOW - timedelta(days=9)
    held = [Suppression(reason=r, source="esp", since=since, word=r.value) for r in (reason, other) if r]
    request = Request(
        id="q", state=State.CONFIRMED, origin=Origin.FORM, asked_by="", asked_at=NOW - timedelta(hours=2),
        expires_at=NOW + timedelta(days=28), names=frozenset((ALL, s.reason) for s in held), mails=1,
        mailed_at=NOW - timedelta(hours=1), confirmed_at=NOW - timedelta(minutes=9), confirmed_by="by the person",
    )  # fmt: skip
    esp = Esp(
        word=Word.SUPPRESSED, reason=reason, since=since, agreed=Word.SUPPRESSED, agreed_reason=reason,
        agreed_since=since, fresh=True,
    )  # fmt: skip
    ref = Ref(entity="Contact", id="1")
    record = Record(ref=ref, flag=Flag.SET, agreed=Flag.SET, fresh=True)
    return View(tenant="t", digest="d", records=(record,), esp=esp, suppressions=tuple(held), request=request)


@pytest.mark.parametrize("lift_faults", POLICIES, ids=lambda some: "+".join(sorted(some)) or "none")
@pytest.mark.parametrize("reason", list(Reason))
def test_a_confirmed_request_lifts_or_is_refused_with_the_reason(
    reason: Reason, lift_faults: frozenset[Reason]
) -> None:
    """With a confirmed request, a liftable reason is lifted on both sides; any other refuses it in plain words."""
    decision = decide(_view(reason), Policy(lift_faults=lift_faults), NOW)
    deeds = {a.deed for a in decision.actions}
    if _lifts(reason, lift_faults):
        assert {Deed.UNSUPPRESS, Deed.UNRESTRICT} <= deeds
        assert not decision.moves
    else:
        assert not {Deed.UNSUPPRESS, Deed.UNRESTRICT} & deeds
        assert [m.after for m in decision.moves] == [State.REFUSED]
        assert reason.value in decision.requests[-1].why


@pytest.mark.parametrize("other", [r for r in Reason if not _lifts(r, Policy().lift_faults)])
def test_one_suppression_that_holds_holds_them_all(other: Reason) -> None:
    """An address is lifted when every one of its suppressions may be; one that may not keeps all of them."""
    decision = decide(_view(Reason.UNSUBSCRIBED, other=other), Policy(), NOW)
    assert not {a.deed for a in decision.actions} & {Deed.UNSUPPRESS, Deed.UNRESTRICT}
    assert decision.requests[-1].state is State.REFUSED
    assert {s.reason for s in decision.suppressions} == {Reason.UNSUBSCRIBED, other}
