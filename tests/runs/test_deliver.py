"""Looking again before a lift."""

from __future__ import annotations

import pytest
from connector.sync.deliver import still_shows

EXPECTED = "suppressed|unsubscribed|2026-11-20T10:00:00+00:00"


@pytest.mark.parametrize(
    ("shown", "measured", "same"),
    [
        (EXPECTED, False, True),
        (EXPECTED.replace("10:00:00", "10:00:20"), False, False),
        (EXPECTED.replace("10:00:00", "10:00:20"), True, True),
        (EXPECTED.replace("10:00:00", "10:02:00"), True, False),
        (EXPECTED.replace("unsubscribed", "complained"), True, False),
        ("suppressed|unsubscribed|", True, False),
        ("subscribed||", True, False),
        ("", True, False),
    ],
)
def test_a_moment_read_twice_by_a_measured_clock_is_one_moment_and_nothing_else_is(
    shown: str, measured: bool, same: bool
) -> None:
    """Only the error of a foreign clock is forgiven before a lift; another reason, word or time is not."""
    assert still_shows(shown, EXPECTED, measured) is same
