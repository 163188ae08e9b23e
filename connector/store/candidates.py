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
    "SELECT agreed_digest FROM records WHERE tenant = :tenant AND agreed_digest <> digest AND digest <> ''",
    "SELECT digest FROM words WHERE tenant = :tenant AND changed = 1",
)
_WAITS = (
    "SELECT digest FROM requests WHERE tenant = :tenant AND open = 1",
    "SELECT digest FROM inbox WHERE tenant = :tenant AND taken = 0",
    # overtaken by a change: looked at again
    "SELECT digest FROM outbox WHERE tenant = :tenant AND state = 'conflict'",
    # a box is cleared once its request has ended and its record takes writes
    "SELECT digest FROM records WHERE tenant = :tenant AND box = 1",
)
# a cross join keeps the order, and the index over digest and flag answers without looking at a record
_RESTRICTED = """
    SELECT s.digest FROM suppressions s CROSS JOIN records r ON r.tenant = s.tenant AND r.digest = s.digest
    WHERE s.tenant = :tenant AND s.scope = '*' AND (s.kind = 'wish' OR (s.kind = 'fault' AND :faults = 1))
    AND r.flag = 'clear' AND r.deleted = 0 AND r.access <> 'read_only'"""
_UNPROVEN = """
    SELECT s.digest FROM suppressions s CROSS JOIN records r ON r.tenant = s.tenant AND r.digest = s.digest
    WHERE s.tenant = :tenant AND s.scope = '*' AND (s.kind = 'wish' OR (s.kind = 'fault' AND :faults = 1))
    AND r.flag = 'unreadable' AND COALESCE(r.agreed, '') <> 'set' AND r.deleted = 0 AND r.access <> 'read_only'"""
_SUPPRESSED = """
    SELECT s.digest FROM suppressions s LEFT JOIN words w ON w.tenant = s.tenant AND w.digest = s.digest
    WHERE s.tenant = :tenant AND s.scope = '*' AND s.kind <> 'platform'
    AND (w.word IS NULL OR w.word NOT IN ('suppressed', 'pending'))"""
_LEFT = """
    SELECT s.digest FROM suppressions s JOIN words w ON w.tenant = s.tenant AND w.digest = s.digest
    WHERE s.tenant = :tenant AND s.scope <> '*' AND w.lists <> ''
    AND EXISTS (SELECT 1 FROM json_each(w.lists) l WHERE l.key = s.scope AND l.value = 'subscribed')"""
_WITHDRAWN = """
    SELECT r.digest FROM records r WHERE r.tenant = :tenant AND r.cause = 'fault'
    AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.tenant = r.tenant AND s.digest = r.digest AND s.scope = '*')"""
_MERGED = """
    SELECT w.digest FROM records l JOIN suppressions s ON s.tenant = l.tenant AND s.digest = l.digest
    AND s.scope = '*' AND s.kind = 'wish' JOIN records w ON w.tenant = l.tenant
    AND w.entity = l.merged_entity AND w.id = l.merged_id
    WHERE l.tenant = :tenant AND l.merged_id <> '' AND w.digest <> l.digest"""
_UNLISTED = """
    SELECT s.digest FROM suppressions s WHERE s.tenant = :tenant AND s.scope = '*' AND s.kind <> 'platform'
    AND NOT EXISTS (SELECT 1 FROM records r WHERE r.tenant = s.tenant AND r.digest = s.digest AND r.deleted = 0
      AND r.entity = 'Suppression')"""
_DISAGREES = (_RESTRICTED, _UNPROVEN, _SUPPRESSED, _LEFT, _WITHDRAWN, _MERGED)

_LISTS = """
    SELECT r.digest FROM words w JOIN records r ON r.tenant = w.tenant AND r.digest = w.digest
    WHERE w.tenant = :tenant AND w.lists <> '' AND r.lists <> '' AND r.deleted = 0 AND r.access <> 'read_only'
    AND ({})"""
_LIST = """
    COALESCE(r.lists ->> :{0}, 'unreadable') <> 'unreadable' AND COALESCE(w.lists ->> :{0}, 'absent') <> 'unreadable'
    AND ((COALESCE(w.lists ->> :{0}, 'absent') = 'subscribed') <> (r.lists ->> :{0} = 'subscribed') {1})"""
_OUTSIDE = """
      OR (w.lists ->> :{0} = 'unsubscribed' AND r.lists ->> :{0} = 'absent'
        AND COALESCE(r.agreed_lists ->> :{0}, '') <> 'unsubscribed')"""


def _query(policy: Policy) -> tuple[str, dict[str, str]]:
    """The set of digests to think about, and the JSON paths of the mapped lists as its parameters."""
    parts, paths = [*_CHANGED, *_WAITS, *_DISAGREES, *([_UNLISTED] if policy.entries else [])], {}
    if policy.lists:
        conditions = []
        for number, name in enumerate(policy.lists):
            # a path cannot say a name with these in it: all its members are looked at
            odd = '"' in name or "\\" in name
            paths[f"list{number}"] = "$" if odd else f'$."{name}"'
            outside = "" if name in policy.flat_lists else _OUTSIDE.format(f"list{number}")
            conditions.append("1" if odd else _LIST.format(f"list{number}", outside))
        parts.append(_LISTS.format(" OR ".join(conditions)))
    return " UNION ".join(parts), paths


class Candidates(Views):
    """The stream of views that a run decides."""

    def candidates(
        self, run: Run, policy: Policy, now: datetime, *, crm_complete: bool, esp_complete: bool
    ) -> Iterator[View]:
        """Every address that changed, disagrees or waits, with all that is known of it."""
        query, paths = _query(policy)
        fill = text("INSERT INTO candidate SELECT digest, 1 FROM (" + query + ") AS c WHERE digest <> ''")  # noqa: S608  # constants
        after, turn = (0, ""), self._database.turn
        # The list stands on a connection of its own, with no transaction open while the views are decided.
        with self._database.holding() as connection:
            with turn:
                connection.execute(_LIST_OF_THEM)
                connection.execute(_EMPTY)
                connection.execute(fill, {"tenant": self.tenant, "faults": int(policy.faults_restrict), **paths})
                connection.execute(_FORMER_FIRST, {"tenant": self.tenant})
                connection.commit()
                # its cache is full of records that nobody asks it for again
                connection.exec_driver_sql("PRAGMA shrink_memory")
                connection.commit()
            while True:
                with turn:
                    page = {"rank": after[0], "after": after[1], "limit": AT_ONCE}
                    found = connection.execute(_PAGE, page).all()
                    connection.commit()
                if not found:
                    return
                yield from self._views([row.digest for row in found], now, run, crm_complete, esp_complete)
                after = (found[-1].rank, found[-1].digest)


_LIST_OF_THEM = text("CREATE TEMP TABLE IF NOT EXISTS candidate (digest TEXT PRIMARY KEY, rank INTEGER NOT NULL)")
_EMPTY = text("DELETE FROM candidate")
_FORMER_FIRST = text(
    "UPDATE candidate SET rank = 0 WHERE digest IN"
    " (SELECT agreed_digest FROM records WHERE tenant = :tenant AND agreed_digest <> digest)"
)
"""A former address comes before the one its record moved to, so that what was said there can travel."""
_PAGE = text(
    "SELECT rank, digest FROM candidate WHERE (rank, digest) > (:rank, :after) ORDER BY rank, digest LIMIT :limit"
)
