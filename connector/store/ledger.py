"""The append-only, hash-chained account of everything learnt and done, one chain per tenant."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from connector.core.action import Value
from connector.core.resubscribe import State
from connector.core.suppression import Reason, Suppression
from connector.ports.answers import Damage, Entry
from connector.store.engine import Database
from connector.store.many import execute_many
from connector.store.times import from_text, to_text

START = "0" * 64
_ADDRESS = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|[^\s<>"',;:()\[\]|=]+)@[^\s<>"',;:()\[\]|]+""")


def without_addresses(words: str) -> str:
    """A vendor's words with anything that looks like an address replaced."""
    return _ADDRESS.sub("<address>", words) if "@" in words else words


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
        told = {k: without_addresses(v) if isinstance(v, str) else v for k, v in (values or {}).items()}
        body = _canonical(told).decode()
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
            execute_many(self._connection, _INSERT, self._rows)
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


def _hash(before: str, *parts: str | int) -> str:
    """Covers each part with its length, so that no two rows can read the same."""
    text = before + "".join(f"{len(part)}:{part}," for part in map(str, parts))
    return hashlib.sha256(text.encode()).hexdigest()


_canonical = msgspec.json.Encoder(order="sorted").encode


def entries(database: Database, tenant: str, digest: str | None, after: int) -> Iterator[Entry]:
    """The chain, or one address's part of it, page by page: no transaction stays open while it is read."""
    while True:
        with database.reading() as connection:
            key = {"tenant": tenant, "after": after, "digest": digest, "limit": _PAGE}
            rows = connection.execute(_ENTRIES_OF_ONE if digest else _ENTRIES, key).all()
        for row in rows:
            yield _entry(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1].seq


def _entry(row: Any) -> Entry:
    at = from_text(row.at)
    assert at is not None
    return Entry(
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
    head = connection.execute(_KNOWN_HEAD, {"tenant": tenant}).one_or_none()
    rows = connection.execution_options(yield_per=_PAGE).execute(_WHOLE, {"tenant": tenant})
    for row in rows:
        if row.seq != expected:
            return Damage(seq=expected, what=_removed(expected, row.seq - 1))
        parts = (row.tenant, row.seq, row.at, row.run, row.digest, row.event, row.because, row.body)
        if row.hash != _hash(before, *parts):
            return Damage(seq=row.seq, what=f"row {row.seq} was edited, or rows before it were reordered")
        before, expected = row.hash, expected + 1
    last = expected - 1
    if head is None or head.seq < last:
        return Damage(seq=last, what=f"row {last} is not what was recorded as the end") if last else None
    if head.seq > last:
        return Damage(seq=expected, what=f"{_removed(expected, head.seq)}, at the end")
    if head.hash != before:
        return Damage(seq=last, what="the end of the chain is not the one that was recorded")
    return None


def _removed(first: int, last: int) -> str:
    return f"row {first} was removed" if first == last else f"rows {first} to {last} were removed"


def replay(chain: Iterable[Entry]) -> tuple[dict[str, frozenset[Suppression]], dict[str, State]]:
    """What the ledger alone says (R6): the suppressions of every digest that has some, and every request's state."""
    held: dict[str, dict[tuple[str, str], Suppression]] = {}
    states: dict[str, State] = {}
    for entry in chain:
        if entry.event in ("suppression.added", "suppression.renewed"):
            found = _suppression(entry)
            held.setdefault(entry.digest, {})[found.key] = found
        elif entry.event in ("suppression.lifted", "suppression.withdrawn"):
            key = (str(entry.values["scope"]), str(entry.values["reason"]))
            held.get(entry.digest, {}).pop(key, None)
        elif entry.event == "request.asked":
            states.setdefault(str(entry.values["request"]), State.REQUESTED)
        elif entry.event.startswith("request."):
            states[str(entry.values["request"])] = State(str(entry.values["after"]))
    return {digest: frozenset(found.values()) for digest, found in held.items() if found}, states


def _suppression(entry: Entry) -> Suppression:
    since = from_text(str(entry.values["since"]))
    assert since is not None
    return Suppression(
        scope=str(entry.values["scope"]),
        reason=Reason(str(entry.values["reason"])),
        source=str(entry.values["source"]),
        since=since,
        timed=bool(entry.values["timed"]),
        word=str(entry.values["word"]),
    )


_PAGE = 1000
_ENTRIES = text("SELECT * FROM ledger WHERE tenant = :tenant AND seq > :after ORDER BY seq LIMIT :limit")
_ENTRIES_OF_ONE = text(
    "SELECT * FROM ledger WHERE tenant = :tenant AND digest = :digest AND seq > :after ORDER BY seq LIMIT :limit"
)
_WHOLE = text("SELECT * FROM ledger WHERE tenant = :tenant ORDER BY seq")
_KNOWN_HEAD = text("SELECT seq, hash FROM heads WHERE tenant = :tenant")
