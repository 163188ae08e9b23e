"""Writing the platform's suppressions as CSV: what `csv_import` reads again, and no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
from typing import TextIO

from connector.ports.platform import Platform

HEAD = ("address", "reason", "since")
ROWS_AT_ONCE = 10_000


def write(file: TextIO, platform: Platform) -> int:
    """Writes every address that the platform blocks, streaming; how many. `file` is opened with `newline=""`."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEAD)
    written = after = 0
    while members := platform.changes(after, ROWS_AT_ONCE):
        after = members[-1].seq
        for member in members:
            if member.suppressed is not None:
                since = member.since.isoformat() if member.since else ""
                writer.writerow((guarded(member.address), member.suppressed.value, since))
                written += 1
    return written


def guarded(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula; reading takes the apostrophe off again."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
