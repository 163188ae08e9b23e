"""Reading records: the first load by a bulk job, then what changed by SystemModstamp, and single looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import idna

from connector.adapters.crm.salesforce import bulk
from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import literal, moment
from connector.adapters.crm.salesforce.records import Fields, Reader
from connector.core.address import Address, normalise
from connector.core.errors import ConflictError, TransientError
from connector.ports.crm import CrmPage, CrmRow

OVERLAP = timedelta(seconds=600)
"""A row is stamped when saved and seen when committed: what a long transaction stamped earlier is read again."""

AHEAD = timedelta(seconds=2)
"""The Date header has whole seconds, and so has a literal: a window ends two later, so that what was just saved is
inside it. Whatever is stamped there after the look is read again by the next overlap."""

ROWS_A_PAGE = 10_000
LONGEST_IN = 12_000
"""Bytes of addresses in one query, as they stand in the URL: the whole of it stays under 16 kB."""


class Reads:
    """What one org says, object by object.

    The cursor is JSON: for every object the end of the window read last, and what was selected. The place is JSON too:
    the objects that are through, and how far the one in hand was read.
    """

    def __init__(self, api: Api, objects: Sequence[Fields]) -> None:
        self._api = api
        self._objects = objects

    def changes(self, cursor: str, place: str) -> Iterator[CrmPage]:
        """Every page of a read; the last one carries the cursor. Raises: `ConflictError` for one nobody can read."""
        marks, at = _loaded(cursor), _loaded(place)
        new: dict[str, Any] = dict(at.get("new", {}))
        for fields in self._objects:
            name, signature = fields.name, fields.signature()
            low = next(
                (known["mark"] for m in (new, marks) if (known := m.get(name, {})).get("select") == signature), ""
            )
            if (at.get("object"), at.get("select")) == (name, signature):
                low = str(at["mark"])
                yield from self._resumed(fields, at, _place(new, name, signature, low))
            mark = _stamp(self._api.server_now() + AHEAD)
            place_of = _place(new, name, signature, mark)
            if low:
                yield from self._delta(fields, _before(low), mark, place_of)
            else:
                yield from self._load(fields, place_of, {})
            new[name] = {"mark": mark, "select": signature}
        yield CrmPage(rows=(), cursor=json.dumps(new, sort_keys=True), complete=True)

    def _resumed(self, fields: Fields, at: dict[str, Any], place_of: Callable[..., str]) -> Iterator[CrmPage]:
        """The rest of a read that was cut, up to its own mark. What changed since that is read like any change: a read
        is complete only as of now.
        """
        if at.get("job"):
            yield from self._load(fields, place_of, at)
        else:
            yield from self._delta(fields, str(at["after"]), str(at["mark"]), place_of)

    def _load(
        self, fields: Fields, place_of: Callable[..., str], resumed: dict[str, Any], where: str = ""
    ) -> Iterator[CrmPage]:
        """All rows, deleted ones too, by a bulk job; a cut read goes on with the same job's pages."""
        job = str(resumed.get("job") or "")
        if not job:
            job = bulk.start_query(self._api, _soql(fields, fields.select(), where))
            yield CrmPage(rows=(), place=place_of(job=job, locator="", seen=0))
        locator, seen = str(resumed.get("locator") or ""), int(resumed.get("seen") or 0)
        query = bulk.QueryRead(self._api, job, fields.select(), locator=locator, seen=seen)
        read = fields.reader(times=bool(where))
        for piece in query.pieces():
            rows = [row for values in piece if (row := read(values)) is not None]
            yield CrmPage(rows=rows, place=place_of(job=job, locator=query.locator, seen=query.seen))

    def _delta(self, fields: Fields, start: str, mark: str, place_of: Callable[..., str]) -> Iterator[CrmPage]:
        """What changed in [start, mark), in the order of its stamps, so that a cut read goes on at the last one.

        Where Salesforce takes too long to answer, the same window is read by a bulk job.
        """
        rows, last = list[CrmRow](), start
        try:
            for some, last in self._window(fields, start, mark):
                rows += some
                if len(rows) >= ROWS_A_PAGE:
                    yield CrmPage(rows=rows, place=place_of(after=last))
                    rows = []
        except TransientError as error:
            if "QUERY_TIMEOUT" not in error.excerpt:
                raise
            yield CrmPage(rows=rows)
            yield from self._load(fields, place_of, {}, _between(last, mark))
            return
        yield CrmPage(rows=rows, place=place_of(after=last))

    def _window(self, fields: Fields, start: str, mark: str) -> Iterator[tuple[list[CrmRow], str]]:
        select, read = fields.select(), fields.reader(times=True)
        while True:
            soql = _soql(fields, select, _between(start, mark)) + " ORDER BY SystemModstamp, Id"
            last = start
            try:
                for page in self._api.query(soql, deleted=True, action=f"changes of {fields.name}"):
                    if page:
                        last = _stamp(moment(str(page[-1]["SystemModstamp"])))
                    yield _rows(page, select, read), last
                return
            except ConflictError:
                # the locator was lost: on from the second in which it had come to
                if last == start:
                    raise
                start = last

    def look(self, addresses: Sequence[Address]) -> list[CrmRow]:
        """Every live record whose flag field holds one of these addresses."""
        wanted, found = set(addresses), list[CrmRow]()
        for fields in self._objects:
            select, read = fields.select(), fields.reader(times=True)
            for chunk in _chunks(addresses):
                soql = _soql(fields, select, f"{fields.settings.email} IN ({chunk})")
                for row in _rows(self._api.rows(soql, action=f"look at {fields.name}"), select, read):
                    if normalise(row.address) in wanted:
                        found.append(row)
        return found

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some record holds in any of its mail fields."""
        wanted, found = set(addresses), set[Address]()
        for fields in self._objects:
            for name in (fields.settings.email, *fields.settings.other_emails):
                for chunk in _chunks(addresses):
                    soql = _soql(fields, ["Id", name], f"{name} IN ({chunk})")
                    for row in self._api.rows(soql, action=f"look at {fields.name}.{name}"):
                        address = normalise(str(row.get(name) or ""))
                        if isinstance(address, str) and address in wanted:
                            found.add(address)
        return frozenset(found)


def _rows(page: list[dict[str, Any]], select: list[str], read: Reader) -> list[CrmRow]:
    return [row for r in page if (row := read([r.get(name) for name in select])) is not None]


def _soql(fields: Fields, select: Sequence[str], where: str) -> str:
    conditions = " AND ".join(c for c in (where, fields.only()) if c)
    soql = f"SELECT {', '.join(select)} FROM {fields.name}"  # noqa: S608  # names are the settings', values literals
    return f"{soql} WHERE {conditions}" if conditions else soql


def _between(start: str, mark: str) -> str:
    return f"SystemModstamp >= {start} AND SystemModstamp < {mark}"


def _place(new: dict[str, Any], name: str, signature: str, mark: str) -> Callable[..., str]:
    state = {"new": dict(new), "object": name, "select": signature, "mark": mark}
    return lambda **how_far: json.dumps(state | how_far)


def _loaded(text: str) -> dict[str, Any]:
    """A cursor or place. Raises: `ConflictError` for a text that is none."""
    try:
        found: dict[str, Any] = json.loads(text) if text else {}
        marks = [*found.get("new", {}).values(), *(found[k] for k in ("Contact", "Lead", "Account") if k in found)]
        if "object" in found:
            marks.append(found)
        good = "object" not in found or bool(found.get("job") or found.get("after"))
        if good and all(datetime.fromisoformat(mark["mark"]) for mark in marks):
            return found
    except (ValueError, AttributeError, KeyError, TypeError):
        pass
    raise ConflictError("The place where Salesforce was read is not ours; reading from the start.")


def _before(mark: str) -> str:
    return _stamp(datetime.fromisoformat(mark) - OVERLAP)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _chunks(addresses: Sequence[Address]) -> Iterator[str]:
    """Lists of literals, each short enough for a URL. A domain is asked for in both of its forms."""
    chunk: list[str] = []
    size = 0
    for address in addresses:
        for form in _forms(address):
            text = literal(form)
            length = len(quote_plus(text + ","))
            if chunk and size + length > LONGEST_IN:
                yield ",".join(chunk)
                chunk, size = [], 0
            chunk.append(text)
            size += length
    if chunk:
        yield ",".join(chunk)


def _forms(address: Address) -> list[str]:
    local, _, domain = address.rpartition("@")
    if "xn--" not in domain:
        return [address]
    try:
        return [address, f"{local}@{idna.decode(domain)}"]
    except idna.IDNAError:
        return [address]
