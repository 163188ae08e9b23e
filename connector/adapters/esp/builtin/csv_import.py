"""Reading suppressions that another platform exported: columns found, reasons understood, bad rows told by line."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from connector.core.address import Address, Refusal, normalise
from connector.core.errors import ConfigError
from connector.core.suppression import Reason
from connector.ports.platform import Platform

WORDS: dict[str, Reason] = {
    **{reason.value.replace("_", " "): reason for reason in Reason},
    "unsubscribe": Reason.UNSUBSCRIBED,
    "group unsubscribe": Reason.UNSUBSCRIBED,
    "opted out": Reason.UNSUBSCRIBED,
    "opt out": Reason.UNSUBSCRIBED,
    "optout": Reason.UNSUBSCRIBED,
    "manual": Reason.SUPPRESSED,
    "manual suppression": Reason.SUPPRESSED,
    "complaint": Reason.COMPLAINED,
    "isp complaint": Reason.COMPLAINED,
    "isp complained": Reason.COMPLAINED,
    "direct complaint": Reason.COMPLAINED,
    "spam": Reason.COMPLAINED,
    "spam report": Reason.COMPLAINED,
    "spamreport": Reason.COMPLAINED,
    "spam complaint": Reason.COMPLAINED,
    "bounce": Reason.HARD_BOUNCED,
    "bounced": Reason.HARD_BOUNCED,
    "cleaned": Reason.HARD_BOUNCED,
    "held": Reason.HARD_BOUNCED,
    "invalid": Reason.HARD_BOUNCED,
    "hard bounce": Reason.HARD_BOUNCED,
    "hardbounce": Reason.HARD_BOUNCED,
    "hardbounced": Reason.HARD_BOUNCED,
    "soft bounce": Reason.SOFT_BOUNCED,
    "softbounce": Reason.SOFT_BOUNCED,
    "softbounced": Reason.SOFT_BOUNCED,
    "block": Reason.BLOCKED,
    "mail blocked": Reason.BLOCKED,
    "mailblocked": Reason.BLOCKED,
    "domain suppression": Reason.DOMAIN,
    "shared suppression": Reason.SHARED,
}
"""What other platforms call their reasons; any other word is `unknown`, and an empty cell is `suppressed`."""

ADDRESSES = (
    "email",
    "e mail",
    "email address",
    "e mail address",
    "address",
    "recipient",
    "subscriber",
    "subscriber key",
)
REASONS = ("reason", "suppression reason", "unsubscribe reason")
TIMES = ("since", "suppressed at", "date removed", "unsubscribed at", "date unsubscribed", "unsubscribe date")
"""What other platforms call their columns, where none is named: only names that can mean nothing else."""

AT_ONCE = 1_000
"""Rows read before they are blocked."""

KEPT = 10_000
"""Bad rows that an import gives back; further ones are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One suppression of the file. `since` is None where the file names no time."""

    line: int
    address: Address
    reason: Reason
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """One row that was not taken, and why. The row itself is not repeated."""

    line: int
    why: str


@dataclass(kw_only=True, slots=True)
class Imported:
    """What became of a file: rows taken by reason, and rows that were not (`bad` holds the first of them)."""

    taken: Counter[Reason] = field(default_factory=Counter)
    refused: int = 0
    bad: list[BadRow] = field(default_factory=list)


def take_in(rows: Iterable[Row | BadRow], platform: Platform, *, now: datetime, dry_run: bool = False) -> Imported:
    """Blocks every address of `rows` at the platform, streaming; a dry run only counts.

    A time in the future counts as now: a block from tomorrow would undo what a person confirms today.
    """
    done = Imported()
    held: list[tuple[Address, Reason, datetime]] = []
    for row in rows:
        if isinstance(row, BadRow):
            done.refused += 1
            if len(done.bad) < KEPT:
                done.bad.append(row)
            continue
        held.append((row.address, row.reason, min(row.since or now, now)))
        done.taken[row.reason] += 1
        if len(held) >= AT_ONCE:
            _block(platform, held, dry_run)
    _block(platform, held, dry_run)
    return done


def _block(platform: Platform, held: list[tuple[Address, Reason, datetime]], dry_run: bool) -> None:
    """Blocks what was read so far, the rows of one time in one unit of work."""
    by_time: dict[datetime, list[tuple[Address, Reason]]] = {}
    for address, reason, since in held:
        by_time.setdefault(since, []).append((address, reason))
    for since, blocks in by_time.items():
        if not dry_run:
            platform.suppress_many(blocks, since)
    held.clear()


def read(path: Path, *, address: str = "", reason: str = "", since: str = "") -> Iterator[Row | BadRow]:
    """Every row of the file, in its order. Columns are named by their headers, or found where no name is given.

    Raises: `ConfigError` where the file is no text, or has no such column.
    """
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            yield from _rows(path, file, address, reason, since)
    except (UnicodeError, OSError) as error:
        raise ConfigError(
            f"{path} cannot be read as CSV in UTF-8 or UTF-16 ({type(error).__name__}). Rows before that were read."
        ) from error


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _rows(path: Path, file: TextIO, address: str, reason: str, since: str) -> Iterator[Row | BadRow]:
    first = file.readline()
    file.seek(0)
    delimiter = max(",;\t", key=first.count)
    reader: Any = csv.reader(file, delimiter=delimiter, strict=True)
    places: tuple[int | None, ...] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if places is None:
                raise ConfigError(f"{path}:{line}: the header cannot be read as CSV: {error}.") from error
            yield BadRow(line=line, why=_unreadable(line, reader.line_num, error))
            continue
        if places is None:
            places = _places(path, cells, address, reason, since)
        elif any(cell.strip() for cell in cells):
            yield _row(line, cells, places)
    if places is None:
        raise ConfigError(f"{path}:1: the file is empty; its first row must name the columns.")


def _unreadable(first: int, last: int, error: csv.Error) -> str:
    lines = f"lines {first} to {last} were" if last > first else "the line was"
    return f"{lines} not read: {error}; is a quote not closed?"


def _places(path: Path, head: list[str], address: str, reason: str, since: str) -> tuple[int | None, ...]:
    found = (
        _place(path, head, address, ADDRESSES),
        _place(path, head, reason, REASONS),
        _place(path, head, since, TIMES),
    )
    if found[0] is None:
        raise ConfigError(f"{path}:1: no column looks like addresses; name it. There are: {', '.join(head) or 'none'}.")
    return found


def _place(path: Path, head: list[str], name: str, known: tuple[str, ...]) -> int | None:
    columns = [_key(cell) for cell in head]
    if not name:
        return next((columns.index(word) for word in known if word in columns), None)
    wanted = _key(name)
    if columns.count(wanted) != 1:
        what = "no column" if wanted not in columns else "more than one column"
        raise ConfigError(f"{path}:1: there is {what} {name}; there are {', '.join(head) or 'none'}.")
    return columns.index(wanted)


def _key(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.sub(r"[\s_-]+", " ", spaced).strip().lower()


def _row(line: int, cells: list[str], places: tuple[int | None, ...]) -> Row | BadRow:
    def cell(at: int | None) -> str:
        return cells[at].strip() if at is not None and at < len(cells) else ""

    text = cell(places[0])
    if not text:
        return BadRow(line=line, why="the address is missing")
    normal = normalise(text[1:] if re.match(r"'[=+\-@]", text) else text)
    if isinstance(normal, Refusal):
        return BadRow(line=line, why=f"the address {normal.why}")
    word = _key(cell(places[1]))
    reason = WORDS.get(word, Reason.UNKNOWN) if word else Reason.SUPPRESSED
    try:
        since = _moment(cell(places[2]))
    except (ValueError, OverflowError):
        return BadRow(line=line, why="the date is not written as 2026-11-26 or 2026-11-26T21:53:00Z")
    return Row(line=line, address=normal, reason=reason, since=since)


def _moment(text: str) -> datetime | None:
    """ISO 8601 (UTC where it names no zone), or seconds since 1970."""
    if not text:
        return None
    if re.fullmatch(r"\d{9,10}", text):
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
