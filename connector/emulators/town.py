"""A town of people with odd but real names and addresses, the same for the same seed; and a reader for real exports."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FIRST = (
    "Ada",
    "Bo",
    "Chloé",
    "Dara",
    "Ebba",
    "Farid",
    "Gülşen",
    "Henry",
    "Ines",
    "Jón",
    "Kaja",
    "Lu",
    "Maeve",
    "Noor",
)
_LAST = ("O'Brien", "Smith", "Müller", "Nowak", "Ó Súilleabháin", "García", "Li", "van der Berg", "Åström", "Silva")
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "bücher.example")
_BOUNCED = "550 5.1.1 no such user"


def people(count: int, *, seed: int = 1, opted_out: float = 0.05, first: int = 0) -> Iterator[dict[str, Any]]:
    """`count` Contact rows: `LastName`, `FirstName`, `Email`, `HasOptedOutOfEmail`, and a bounce here and there."""
    chance = random.Random(seed)  # noqa: S311  # a town, no secret
    draw = chance.random
    for n in range(first, first + count):
        given, family = _FIRST[n % len(_FIRST)], _LAST[(n // 7) % len(_LAST)]
        row: dict[str, Any] = {
            "FirstName": given,
            "LastName": family,
            "Email": _address(n, given),
            "HasOptedOutOfEmail": draw() < opted_out,
        }
        if draw() < 0.01:
            row |= {"IsEmailBounced": True, "EmailBouncedReason": _BOUNCED}
        yield row


def _address(n: int, given: str) -> str:
    domain = _DOMAINS[n % 37 % len(_DOMAINS)] if n % 11 == 0 else "example.com"
    name = given.lower().encode("ascii", "ignore").decode() or "x"
    match n % 13:
        case 0:
            return f"{name}+news.{n}@{domain}"
        case 5:
            return f"{name.upper()}.{n}@{domain.upper()}"
        case 8:
            return f"o'{name}.{n}@{domain}"
    return f"{name}.{n}@{domain}"


class ExportError(ValueError):
    """A row of an export that cannot be read; the message names file and line."""


_KNOWN = {
    name.lower(): name
    for name in ("Id", "FirstName", "LastName", "Email", "HasOptedOutOfEmail", "IsEmailBounced", "EmailBouncedReason")
}
_FLAGS = ("HasOptedOutOfEmail", "IsEmailBounced")
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")


def export(path: Path) -> Iterator[dict[str, Any]]:
    """Contact rows of a CSV as Salesforce's Data Loader writes it: upper-case API names, `true` and `false`.

    Raises: `ExportError` naming the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        head = [_KNOWN.get(name.strip().lower(), "") for name in next(reader, [])]
        if "Email" not in head:
            raise ExportError(
                f"{path}:1: there is no column EMAIL; export at least ID, LASTNAME, EMAIL, HASOPTEDOUTOFEMAIL"
            )
        for cells in reader:
            if len(cells) != len(head):
                raise ExportError(f"{path}:{reader.line_num}: {len(cells)} cells where the header has {len(head)}")
            row: dict[str, Any] = {k: v or None for k, v in zip(head, cells, strict=True) if k}
            for name in _FLAGS:
                if name in head:
                    row[name] = _flag(row.get(name), f"{path}:{reader.line_num}: {name}")
            row.setdefault("LastName", "Unknown")
            row["LastName"] = row["LastName"] or "Unknown"
            yield row


def _flag(word: str | None, where: str) -> bool:
    said = (word or "").strip().lower()
    if said not in (*_TRUE, *_FALSE):
        raise ExportError(f"{where}: {word!r} is neither true nor false")
    return said in _TRUE
