"""Reading suppressions that another platform exported: columns named, reasons understood, bad rows told by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connector.core.address import Address, Refusal, normalise
from connector.core.errors import ConfigError
from connector.core.suppression import Reason

WORDS: dict[str, Reason] = {
    "unsubscribed": Reason.UNSUBSCRIBED,
    "unsubscribe": Reason.UNSUBSCRIBED,
    "opted out": Reason.UNSUBSCRIBED,
    "opt-out": Reason.UNSUBSCRIBED,
    "optout": Reason.UNSUBSCRIBED,
    "suppressed": Reason.SUPPRESSED,
    "manual": Reason.SUPPRESSED,
    "complaint": Reason.COMPLAINED,
    "complained": Reason.COMPLAINED,
    "isp complaint": Reason.COMPLAINED,
    "spam": Reason.COMPLAINED,
    "spamreport": Reason.COMPLAINED,
    "abuse": Reason.ABUSE,
    "bounce": Reason.HARD_BOUNCED,
    "bounced": Reason.HARD_BOUNCED,
    "hard bounce": Reason.HARD_BOUNCED,
    "hardbounced": Reason.HARD_BOUNCED,
    "hard_bounced": Reason.HARD_BOUNCED,
    "soft bounce": Reason.SOFT_BOUNCED,
    "softbounced": Reason.SOFT_BOUNCED,
    "soft_bounced": Reason.SOFT_BOUNCED,
    "blocked": Reason.BLOCKED,
}
"""What other platforms call their reasons; any other word is `unknown`, and an empty cell is `suppressed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One suppression of the file."""

    line: int
    address: Address
    reason: Reason
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """One row that was not taken, and why."""

    line: int
    why: str


def read(path: Path, *, address: str, reason: str = "", since: str = "") -> Iterator[Row | BadRow]:
    """Every row of the file; columns are named by their headers. Raises: `ConfigError` where a header is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            places = _places(path, next(reader, []), address, reason, since)
            for cells in reader:
                if cells:
                    yield _row(reader.line_num, cells, places)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise ConfigError(f"{path} cannot be read as CSV in UTF-8: {error}. Rows before that were read.") from error


def _places(path: Path, head: list[str], *names: str) -> list[int | None]:
    known = {name.strip().lower(): i for i, name in enumerate(head)}
    places: list[int | None] = []
    for name in names:
        if name and name.strip().lower() not in known:
            raise ConfigError(f"{path}:1: there is no column {name}; there are {', '.join(head) or 'none'}.")
        places.append(known[name.strip().lower()] if name else None)
    return places


def _row(line: int, cells: list[str], places: list[int | None]) -> Row | BadRow:
    def cell(at: int | None) -> str:
        return cells[at].strip() if at is not None and at < len(cells) else ""

    normal = normalise(cell(places[0]))
    if isinstance(normal, Refusal):
        return BadRow(line=line, why=f"the address {normal.why}")
    word = cell(places[1]).lower()
    reason = WORDS.get(word, Reason.UNKNOWN) if word else Reason.SUPPRESSED
    try:
        since = _moment(cell(places[2]))
    except ValueError:
        return BadRow(line=line, why="the date is not written as 2026-11-26 or 2026-11-26T21:53:00Z")
    return Row(line=line, address=normal, reason=reason, since=since)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
