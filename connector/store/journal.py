"""Every stop and complaint, beside the database, flushed before it is acknowledged (rule 2).

One JSON line each: unit, digest, scope, reason, since. A file that knows more units than the database means that the
database was restored, or that the process died between flush and commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from connector.core.errors import ConfigError


class Stop(NamedTuple):
    """One line of the journal. `since` is ISO 8601 text."""

    unit: int
    digest: str
    scope: str
    reason: str
    since: str


class Journal:
    """One tenant's file. Writers are serialised by the database's write lock, which they hold."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, stops: Iterable[Stop]) -> None:
        """Writes and flushes to the disk; returns only then."""
        lines = "".join(json.dumps(stop) + "\n" for stop in stops)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self.path.exists()
        with self.path.open("ab") as file:
            if self._cut():
                lines = "\n" + lines
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            self._flush_folder()

    def last(self) -> int:
        """The unit of the last whole line; 0 for a file that is empty or missing."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            reach = _TAIL
            while True:
                start = max(0, end - reach)
                file.seek(start)
                lines = file.read(end - start).split(b"\n")
                whole = lines[:-1] if start == 0 else lines[1:-1]
                units = [stop.unit for line in whole[-1:] if (stop := _read(line))]
                units = units or [stop.unit for line in whole if (stop := _read(line))]
                if units or start == 0:
                    return units[-1] if units else 0
                reach *= 8

    def after(self, unit: int) -> list[Stop]:
        """Stops of later units than `unit`, in order.

        Raises: `ConfigError` where a file is expected and there is none, or an older one.
        """
        last = self.last()
        if unit and not self.path.exists():
            raise ConfigError(f"The journal {self.path.name} is missing; {_PUT_BACK}")
        if 0 < last < unit:
            raise ConfigError(
                f"The journal {self.path.name} ends at unit {last}, but the database has written {unit}: an older copy "
                f"was put in its place; {_PUT_BACK}"
            )
        if last <= unit:
            return []
        with self.path.open("rb") as file:
            return [stop for line in file if (stop := _read(line)) and stop.unit > unit]

    def _cut(self) -> bool:
        """Whether a crash cut the last line; what follows must not be glued to it."""
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _flush_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_TAIL = 4096
_PUT_BACK = (
    "without the newest one a restored database could let go people who said stop. Put that file back beside the "
    "database; if it is lost for good and the database is not a restored one, put an empty file of that name there."
)


def _read(line: bytes) -> Stop | None:
    """One line; None for one that a crash cut, which was never acknowledged."""
    try:
        unit, digest, scope, reason, since = json.loads(line)
    except ValueError:
        return None
    return Stop(unit, digest, scope, reason, since)
