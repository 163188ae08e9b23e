"""A request's life: every pair of state and event, against the table written out by hand."""

from __future__ import annotations

from itertools import product

import pytest
from connector.core.resubscribe import OPEN, Event, State, after

# from | what happens | to: the rows of the table in words of this test, one line for each row.
ROWS = """
requested                                       mailed      challenged
requested                                       waived      confirmed
requested                                       form_lifts  confirmed
requested challenged                            proven      confirmed
challenged                                      confirm     confirmed
confirmed                                       steps_done  completing
completing                                      lifted      completed
requested challenged confirmed                  cancel      cancelled
challenged confirmed completing completed       complaint   rejected
requested challenged confirmed completing       opt_out     withdrawn
requested challenged                            expire      expired
requested challenged confirmed completing       refuse      refused
"""


def _expected() -> dict[tuple[str, str], str]:
    table: dict[tuple[str, str], str] = {}
    for row in ROWS.strip().splitlines():
        *states, event, to = row.split()
        table |= {(state, event): to for state in states}
    return table


EXPECTED = _expected()


@pytest.mark.requirement("N3")
@pytest.mark.parametrize(("state", "event"), list(product(State, Event)), ids=lambda value: str(value))
def test_every_pair_of_state_and_event_goes_where_the_table_says(state: State, event: Event) -> None:
    """A listed event moves a request where the table says; every other one changes nothing and is no error."""
    assert after(state, event).value == EXPECTED.get((state.value, event.value), state.value)


def test_the_table_names_only_states_and_events_that_exist() -> None:
    """The table in this test has no row for a state or event that the core does not know."""
    assert {s for s, _ in EXPECTED} | set(EXPECTED.values()) <= {s.value for s in State}
    assert {e for _, e in EXPECTED} == {e.value for e in Event}


@pytest.mark.parametrize("state", list(State))
def test_an_end_is_left_only_by_a_complaint(state: State) -> None:
    """A request that ended stays as it ended, save a completed one that turns out to be abuse."""
    moves = {event for event in Event if after(state, event) is not state}
    if state not in OPEN:
        assert moves == ({Event.COMPLAINT} if state is State.COMPLETED else set())


@pytest.mark.parametrize("state", sorted(OPEN))
def test_every_open_state_has_a_way_to_an_end(state: State) -> None:
    """From every open state a request can end (R8)."""
    reached, todo = set(), [state]
    while todo:
        here = todo.pop()
        if here not in reached:
            reached.add(here)
            todo += [after(here, event) for event in Event]
    assert reached - OPEN
    assert State.COMPLETED in reached
