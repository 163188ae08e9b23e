"""Prints every requirement with the number of tests that carry it: `S37  3  The restriction is lifted ...`."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class _Count:
    """Counts markers while pytest collects."""

    def __init__(self) -> None:
        self.tests: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.tests.update({str(arg) for mark in item.iter_markers("requirement") for arg in mark.args})


def rows() -> dict[str, str]:
    """Title by id, in order."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {m.group(1): m.group(2) for line in lines if (m := re.match(r"([SN]\d+)\s+(.+)", line))}


def main() -> int:
    """Collects without running, and prints."""
    count, listing = _Count(), io.StringIO()
    with contextlib.redirect_stdout(listing):
        code = pytest.main(["--collect-only", "-qq", "-p", "no:randomly", "-m", "", str(HERE)], plugins=[count])
    if code:
        print(listing.getvalue(), file=sys.stderr)
    for row, title in rows().items():
        print(f"{row:<4} {count.tests[row]:>3}  {title}")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
