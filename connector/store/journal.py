"""Every stop and complaint, beside the database, flushed before it is acknowledged (rule 2).

One JSON line each: unit, digest, scope, reason, since. A file that knows more units than the database means that the
database was restored, or that the process died between flush and commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
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
        with self.path.open("a", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def after(self, unit: int) -> Iterator[Stop]:
        """Stops of later units than `unit`. Raises: `ConfigError` where a file is expected and there is none."""
        if not self.path.exists():
            if unit:
                raise ConfigError(
                    f"The journal {self.path.name} is missing; without it a restored database could let go people who "
                    "said stop. Put the file back beside the database."
                )
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                # A line cut by a crash was never acknowledged.
                if line.endswith("\n"):
                    stop = Stop(*json.loads(line))
                    if stop.unit > unit:
                        yield stop
