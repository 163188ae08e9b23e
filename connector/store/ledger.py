"""The append-only, hash-chained account of everything learnt and done, one chain per tenant."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from connector.core.action import Value
from connector.ports.store import Damage, Entry
from connector.store.times import from_text, to_text

START = "0" * 64
_ADDRESS = re.compile(r"[^\s@\"'<>|]+@[^\s@\"'<>|]+\.[^\s@\"'<>|]+")


def without_addresses(words: str) -> str:
    """A vendor's words with anything that looks like an address replaced."""
    return _ADDRESS.sub("<address>", words)


class Chain:
    """Appends to one tenant's chain inside a unit of work; call `close` before the commit."""

    def __init__(self, connection: Connection, tenant: str, run: str, now: datetime) -> None:
        self._connection, self._tenant, self._run, self._at = connection, tenant, run, to_text(now)
        row = connection.execute(
            text("SELECT seq, hash, unit FROM heads WHERE tenant = :tenant"), {"tenant": tenant}
        ).one_or_none()
        self.seq: int = row.seq if row else 0
        self.hash: str = row.hash if row else START
        self.unit: int = row.unit if row else 0
        self._rows: list[dict[str, object]] = []

    def append(self, digest: str, event: str, because: str, values: Mapping[str, Value] | None = None) -> None:
        """One entry; whatever looks like an address in it is replaced, for the chain outlives an erasure."""
        because = without_addresses(because)
        body = without_addresses(json.dumps(dict(values or {}), sort_keys=True, ensure_ascii=False))
        self.seq += 1
        self.hash = _hash(self.hash, self._tenant, self.seq, self._at, self._run, digest, event, because, body)
        self._rows.append(
            {
                "tenant": self._tenant,
                "seq": self.seq,
                "at": self._at,
                "run": self._run,
                "digest": digest,
                "event": event,
                "because": because,
                "body": body,
                "hash": self.hash,
            }
        )

    def close(self) -> None:
        """Writes what was appended, and the new head."""
        if self._rows:
            self._connection.execute(_INSERT, self._rows)
        head = {"tenant": self._tenant, "seq": self.seq, "hash": self.hash, "unit": self.unit}
        self._connection.execute(_HEAD, head)


_INSERT = text(
    "INSERT INTO ledger (tenant, seq, at, run, digest, event, because, body, hash) "
    "VALUES (:tenant, :seq, :at, :run, :digest, :event, :because, :body, :hash)"
)
_HEAD = text(
    "INSERT INTO heads (tenant, seq, hash, unit) VALUES (:tenant, :seq, :hash, :unit) "
    "ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, unit = excluded.unit"
)


def _hash(before: str, *parts: object) -> str:
    return hashlib.sha256((before + json.dumps(parts, ensure_ascii=False)).encode()).hexdigest()


def entries(connection: Connection, tenant: str, digest: str | None, after: int) -> Iterator[Entry]:
    """The chain, or one address's part of it."""
    where = " AND digest = :digest" if digest else ""
    rows = connection.execute(
        text(f"SELECT * FROM ledger WHERE tenant = :tenant AND seq > :after{where} ORDER BY seq"),  # noqa: S608  # only a constant is added
        {"tenant": tenant, "after": after, "digest": digest},
    )
    for row in rows:
        at = from_text(row.at)
        assert at is not None
        yield Entry(
            seq=row.seq,
            at=at,
            run=row.run,
            digest=row.digest,
            event=row.event,
            because=row.because,
            values=json.loads(row.body),
            hash=row.hash,
        )


def verify(connection: Connection, tenant: str) -> Damage | None:
    """Reads the whole chain against its hashes and its head."""
    before, expected = START, 1
    rows = connection.execute(text("SELECT * FROM ledger WHERE tenant = :tenant ORDER BY seq"), {"tenant": tenant})
    for row in rows:
        if row.seq != expected:
            return Damage(seq=expected, what=f"rows {expected} to {row.seq - 1} were removed")
        if row.hash != _hash(
            before, row.tenant, row.seq, row.at, row.run, row.digest, row.event, row.because, row.body
        ):
            return Damage(seq=row.seq, what=f"row {row.seq} was edited, or rows were reordered before it")
        before, expected = row.hash, expected + 1
    head = connection.execute(
        text("SELECT seq, hash FROM heads WHERE tenant = :tenant"), {"tenant": tenant}
    ).one_or_none()
    if head and head.seq >= expected:
        return Damage(seq=expected, what=f"rows {expected} to {head.seq}, the last ones, were removed")
    if head and head.hash != before:
        return Damage(seq=head.seq, what="the end of the chain is not the one that was recorded")
    return None


def replay(chain: Iterable[Entry]) -> tuple[dict[str, set[tuple[str, str]]], dict[str, str]]:
    """What the ledger alone says: the suppressions (scope, reason) by digest, and the state of every request (R6)."""
    held: dict[str, set[tuple[str, str]]] = {}
    states: dict[str, str] = {}
    for entry in chain:
        key = (str(entry.values.get("scope")), str(entry.values.get("reason")))
        if entry.event in ("suppression.added", "suppression.renewed"):
            held.setdefault(entry.digest, set()).add(key)
        elif entry.event in ("suppression.lifted", "suppression.withdrawn"):
            held.setdefault(entry.digest, set()).discard(key)
        elif entry.event == "request.asked":
            states.setdefault(str(entry.values["request"]), "requested")
        elif entry.event.startswith("request."):
            states[str(entry.values["request"])] = str(entry.values["after"])
    return {digest: keys for digest, keys in held.items() if keys}, states
