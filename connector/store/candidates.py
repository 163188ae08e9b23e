"""Which addresses a run must think about: set operations over the mirror, too many perhaps, never too few."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text

from connector.core.policy import Policy
from connector.core.view import View
from connector.ports.store import Run
from connector.store.views import Views

AT_ONCE = 500
"""Views built by one set of queries."""

_CHANGED = (
    "SELECT digest FROM records WHERE tenant = :tenant AND changed = 1",
    "SELECT agreed_digest FROM records WHERE tenant = :tenant AND changed = 1 AND agreed_digest <> ''",
    "SELECT digest FROM words WHERE tenant = :tenant AND changed = 1",
)
_WAITS = (
    "SELECT digest FROM requests WHERE tenant = :tenant AND open = 1",
    "SELECT digest FROM inbox WHERE tenant = :tenant AND taken = 0",
)
_DISAGREES = (
    "SELECT s.digest FROM suppressions s JOIN records r ON r.tenant = s.tenant AND r.digest = s.digest"
    " WHERE s.tenant = :tenant AND s.scope = '*' AND (s.kind = 'wish' OR :faults)"
    " AND r.flag = 'clear' AND r.deleted = 0 AND r.access <> 'read_only'",
    "SELECT s.digest FROM suppressions s LEFT JOIN words w ON w.tenant = s.tenant AND w.digest = s.digest"
    " WHERE s.tenant = :tenant AND s.scope = '*' AND s.kind <> 'platform'"
    " AND (w.word IS NULL OR w.word NOT IN ('suppressed', 'pending'))",
    # a member's new record has no list statuses yet
    "SELECT r.digest FROM words w JOIN records r ON r.tenant = w.tenant AND r.digest = w.digest"
    " WHERE w.tenant = :tenant AND w.lists <> '' AND r.lists <> '' AND r.lists <> w.lists AND r.deleted = 0",
    # a restriction that the sync had set for a fault, with nothing left that holds
    "SELECT r.digest FROM records r WHERE r.tenant = :tenant AND r.cause = 'fault'"
    " AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.tenant = r.tenant AND s.digest = r.digest)",
    # a merged record's wishes reach the winner
    "SELECT w.digest FROM records l JOIN suppressions s ON s.tenant = l.tenant AND s.digest = l.digest"
    " AND s.scope = '*' AND s.kind = 'wish' JOIN records w ON w.tenant = l.tenant"
    " AND w.entity || '/' || w.id = l.merged_into WHERE l.tenant = :tenant AND l.merged_into <> ''"
    " AND w.digest <> l.digest",
)


class Candidates(Views):
    """The stream of views that a run decides."""

    def candidates(
        self, run: Run, policy: Policy, now: datetime, *, crm_complete: bool, esp_complete: bool
    ) -> Iterator[View]:
        """Every address that changed, disagrees or waits, with all that is known of it."""
        faults = int(policy.faults_restrict)
        query = " UNION ".join((*_CHANGED, *_WAITS, *_DISAGREES))
        after = ""
        with self._database.reading() as connection:
            connection.execute(text("CREATE TEMP TABLE IF NOT EXISTS candidate (digest TEXT PRIMARY KEY)"))
            connection.execute(text("DELETE FROM candidate"))
            fill = f"INSERT INTO candidate SELECT digest FROM ({query}) AS c WHERE digest <> ''"  # noqa: S608  # constants
            connection.execute(text(fill), {"tenant": self.tenant, "faults": faults})
            connection.commit()
            while True:
                page = text("SELECT digest FROM candidate WHERE digest > :after ORDER BY digest LIMIT :limit")
                digests = list(connection.execute(page, {"after": after, "limit": AT_ONCE}).scalars())
                connection.commit()
                if not digests:
                    return
                yield from self._views(digests, now, run, crm_complete, esp_complete)
                after = digests[-1]
