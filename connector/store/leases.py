"""Runs and the lease they hold: one at a time per tenant, ended by its holder's death, fenced by a rising number."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from sqlalchemy import text

from connector.core.errors import ConflictError
from connector.ports.store import Ended, Run, RunRow, Trigger
from connector.store.part import Part
from connector.store.times import from_text, to_text


class Leases(Part):
    """Taking the lease, and the rows that remember runs."""

    _seq_at_begin = 0

    @contextmanager
    def begin(self, trigger: Trigger) -> Iterator[Run]:
        """Takes the lease for the length of the context. Raises: `ConflictError` where another run holds it."""
        with self._lock():
            now, run_id = self._clock.now(), self._clock.new_id()
            with self._database.writing() as connection:
                fence = connection.execute(_TAKE, {"tenant": self.tenant, "run": run_id}).scalar_one()
                connection.execute(_ABANDON, {"tenant": self.tenant, "now": to_text(now)})
                row = {"tenant": self.tenant, "id": run_id, "started": to_text(now), "trigger": trigger.value}
                connection.execute(_BEGIN, row)
                seq = self._chain(connection).seq
            self._seq_at_begin, self._kept_addresses = seq, False
            yield Run(id=run_id, fence=fence, trigger=trigger, started=now)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        taken = ConflictError(f"Another run holds {self.tenant}; this one was skipped. It goes on by itself.")
        path = self._database.path
        if path is None:
            lock = self._database.leases.setdefault(self.tenant, Lock())
            if not lock.acquire(blocking=False):
                raise taken
            try:
                yield
            finally:
                lock.release()
            return
        with Path(f"{path}.{self.tenant}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise taken from None
            yield

    def skip(self, trigger: Trigger, why: str) -> None:
        """Remembers a run that did not take place."""
        now = to_text(self._clock.now())
        row = {"tenant": self.tenant, "id": self._clock.new_id(), "started": now, "trigger": trigger.value}
        with self._database.writing() as connection:
            connection.execute(_BEGIN, row)
            end = {"tenant": self.tenant, "id": row["id"], "ended": now, "outcome": "skipped", "sentence": why}
            connection.execute(_END, end | {"counts": "{}"})

    def finish(self, run: Run, outcome: Ended, sentence: str, counts: Mapping[str, int]) -> None:
        """Closes the run's row, and lets go of readable addresses that nobody needs any more."""
        with self._fenced(run) as connection:
            row = {
                "tenant": self.tenant,
                "id": run.id,
                "ended": to_text(self._clock.now()),
                "outcome": outcome.value,
                "sentence": sentence,
                "counts": json.dumps(dict(counts)),
            }
            connection.execute(_END, row)
            connection.execute(_LOOKED_AGAIN, {"tenant": self.tenant, "started": to_text(run.started)})
            quiet = self._chain(connection).seq == self._seq_at_begin and not self._kept_addresses
        if not quiet:
            self._prune(run)

    def _prune(self, run: Run) -> None:
        """Lets go of readable addresses in small pieces, so that a page never waits long."""
        after = ""
        while True:
            key = {"tenant": self.tenant, "after": after, "limit": _PRUNED_AT_ONCE}
            with self._database.reading() as connection:
                digests = list(connection.execute(_ADDRESSES, key).scalars())
            if not digests:
                return
            with self._fenced(run) as connection:
                connection.execute(_PRUNE, {"tenant": self.tenant, "first": digests[0], "last": digests[-1]})
            after = digests[-1]

    def runs(self, limit: int = 20) -> Sequence[RunRow]:
        """The latest runs, latest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_RUNS, {"tenant": self.tenant, "limit": limit}).all()
        return [
            RunRow(
                id=row.id,
                trigger=Trigger(row.trigger),
                started=_time(row.started),
                ended=from_text(row.ended),
                outcome=Ended(row.outcome),
                sentence=row.sentence,
                counts=json.loads(row.counts or "{}"),
            )
            for row in rows
        ]


def _time(stored: str) -> datetime:
    moment = from_text(stored)
    assert moment is not None
    return moment


_TAKE = text(
    "INSERT INTO leases (tenant, fence, run) VALUES (:tenant, 1, :run) "
    "ON CONFLICT (tenant) DO UPDATE SET fence = leases.fence + 1, run = excluded.run RETURNING fence"
)
_ABANDON = text(
    "UPDATE runs SET outcome = 'failed', ended = :now, sentence = 'The process ended without a word; the next run "
    "went on where it stopped.' WHERE tenant = :tenant AND outcome = 'running'"
)
_BEGIN = text(
    "INSERT INTO runs (tenant, id, started, trigger, outcome) VALUES (:tenant, :id, :started, :trigger, 'running')"
)
_END = text(
    "UPDATE runs SET ended = :ended, outcome = :outcome, sentence = :sentence, counts = :counts "
    "WHERE tenant = :tenant AND id = :id"
)
_RUNS = text("SELECT * FROM runs WHERE tenant = :tenant ORDER BY started DESC, id LIMIT :limit")
_LOOKED_AGAIN = text(
    "UPDATE outbox SET state = 'cancelled' WHERE tenant = :tenant AND state = 'conflict' AND settled_at < :started"
)
"""What was overtaken by a change in an earlier run has been looked at again by now."""
_PRUNED_AT_ONCE = 5000
_ADDRESSES = text(
    "SELECT digest FROM addresses WHERE tenant = :tenant AND digest > :after ORDER BY digest LIMIT :limit"
)
_PRUNE = text(
    "DELETE FROM addresses WHERE tenant = :tenant AND digest BETWEEN :first AND :last"
    " AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.tenant = addresses.tenant AND s.digest = addresses.digest)"
    " AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.tenant = addresses.tenant AND r.digest = addresses.digest"
    " AND r.open = 1)"
    " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.tenant = addresses.tenant AND o.digest = addresses.digest"
    " AND o.state IN ('owed', 'sending', 'held', 'aside'))"
    " AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.tenant = addresses.tenant AND i.digest = addresses.digest"
    " AND i.taken = 0)"
)
