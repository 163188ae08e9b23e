"""Looking things up for people: addresses, requests, suppressions, the ledger, counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import text

from connector.core.address import Address, Digest
from connector.core.resubscribe import Request
from connector.core.suppression import Suppression
from connector.ports.answers import Damage, Entry
from connector.store.bodies import request_from_text, suppression_from_row
from connector.store.ledger import entries, verify
from connector.store.part import Part


class Answers(Part):
    """Reads only."""

    def address(self, digest: Digest) -> Address | None:
        """The readable address, where one is still kept."""
        query = text("SELECT address FROM addresses WHERE tenant = :tenant AND digest = :digest")
        with self._database.reading() as connection:
            found = connection.execute(query, {"tenant": self.tenant, "digest": digest}).scalar()
        return Address(found) if found else None

    def requests(self, *, only_open: bool = False, limit: int = 1000) -> Sequence[tuple[Digest, Request]]:
        """Requests, latest first."""
        query = text(
            "SELECT digest, body FROM requests WHERE tenant = :tenant AND open >= :open ORDER BY seq DESC LIMIT :limit"
        )
        with self._database.reading() as connection:
            key = {"tenant": self.tenant, "open": int(only_open), "limit": limit}
            rows = connection.execute(query, key).all()
        return [(Digest(row.digest), request_from_text(row.body)) for row in rows]

    def request(self, request_id: str) -> tuple[Digest, Request] | None:
        """One request."""
        query = text("SELECT digest, body FROM requests WHERE tenant = :tenant AND id = :id")
        with self._database.reading() as connection:
            row = connection.execute(query, {"tenant": self.tenant, "id": request_id}).one_or_none()
        return (Digest(row.digest), request_from_text(row.body)) if row else None

    def suppressions(self, limit: int | None = None) -> Iterator[tuple[Digest, Suppression]]:
        """Every suppression in force, streamed."""
        last, left = ("", "", ""), limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            key = {"tenant": self.tenant, "digest": last[0], "scope": last[1], "reason": last[2], "limit": size}
            with self._database.reading() as connection:
                rows = connection.execute(_SUPPRESSIONS, key).all()
            for row in rows:
                yield Digest(row.digest), suppression_from_row(row)
            if len(rows) < size:
                return
            last = (rows[-1].digest, rows[-1].scope, rows[-1].reason)
            left = None if left is None else left - size

    def ledger(self, digest: Digest | None = None, *, after: int = 0) -> Iterator[Entry]:
        """The ledger, or one address's part of it, by rising number."""
        yield from entries(self._database, self.tenant, digest, after)

    def verify(self) -> Damage | None:
        """Reads the whole chain; the first row that was edited, removed or reordered, or None."""
        with self._database.reading() as connection:
            return verify(connection, self.tenant)

    def counts(self) -> Mapping[str, int]:
        """How many records, suppressions, open requests, owed and set-aside deeds."""
        with self._database.reading() as connection:
            row = connection.execute(_COUNTS, {"tenant": self.tenant}).one()
        return dict(row._mapping)


_PAGE = 1000
_SUPPRESSIONS = text(
    "SELECT * FROM suppressions WHERE tenant = :tenant AND (digest, scope, reason) > (:digest, :scope, :reason)"
    " ORDER BY digest, scope, reason LIMIT :limit"
)
_COUNTS = text(
    "SELECT (SELECT COUNT(*) FROM records WHERE tenant = :tenant AND deleted = 0) AS records,"
    " (SELECT COUNT(DISTINCT digest) FROM suppressions WHERE tenant = :tenant AND scope = '*') AS suppressed,"
    " (SELECT COUNT(*) FROM requests WHERE tenant = :tenant AND open = 1) AS open_requests,"
    " (SELECT COUNT(*) FROM outbox WHERE tenant = :tenant AND state IN ('owed', 'sending')) AS owed,"
    " (SELECT COUNT(*) FROM outbox WHERE tenant = :tenant AND state = 'aside') AS aside,"
    " (SELECT COUNT(*) FROM outbox WHERE tenant = :tenant AND state = 'held') AS held"
)
