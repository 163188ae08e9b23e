"""Reading records: the first load by a bulk job, then what changed by SystemModstamp, and single looks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import idna

from connector.adapters.crm.salesforce import bulk
from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import Fields, literal
from connector.core.address import Address, normalise
from connector.core.errors import ConflictError
from connector.ports.crm import CrmPage, CrmRow

OVERLAP = timedelta(seconds=600)
"""A row is stamped when saved and seen when committed: what a long transaction stamped earlier is read again."""

AHEAD = timedelta(seconds=1)
"""The Date header has whole seconds: a window ends one later, so that what was just saved is inside it. Whatever is
stamped there after the look is read again by the next overlap."""

ROWS_A_PAGE = 10_000
LITERALS_A_QUERY = 12_000
"""Bytes of addresses in one query; the whole URL stays under 16 kB."""


class Reads:
    """What one org says, object by object. The cursor is JSON: the watermark of every object."""

    def __init__(self, api: Api, objects: Sequence[Fields]) -> None:
        self._api = api
        self._objects = objects

    def changes(self, cursor: str, place: str) -> Iterator[CrmPage]:
        """Every page of a read; the last one carries the cursor. Raises: `ConflictError` for one nobody can read."""
        marks = _loaded(cursor)
        at = _loaded(place)
        new: dict[str, str] = dict(at.get("new", {}))
        for fields in self._objects:
            if fields.name in new:
                continue
            state = {"new": dict(new)}
            resumed = at if at.get("object") == fields.name else {}
            mark = resumed.get("mark") or _stamp(self._api.server_now() + AHEAD)
            low = marks.get(fields.name, "")
            pages = self._delta(fields, low, mark, state) if low else self._load(fields, mark, state, resumed)
            yield from pages
            new[fields.name] = mark
        yield CrmPage(rows=(), cursor=json.dumps(new, sort_keys=True), complete=True)

    def _load(self, fields: Fields, mark: str, state: dict[str, Any], resumed: dict[str, Any]) -> Iterator[CrmPage]:
        select = fields.select()
        soql = f"SELECT {', '.join(select)} FROM {fields.name}"  # noqa: S608  # names are checked against describe
        job, locator = resumed.get("job", ""), resumed.get("locator", "")
        job = job or bulk.start_query(self._api, soql)
        read = fields.reader()
        for piece, at in bulk.query_pages(self._api, job, len(select), locator):
            rows = [row for values in piece if (row := read(values)) is not None]
            place = state | {"object": fields.name, "mark": mark, "job": job, "locator": at}
            yield CrmPage(rows=rows, place=json.dumps(place))

    def _delta(self, fields: Fields, low: str, mark: str, state: dict[str, Any]) -> Iterator[CrmPage]:
        select = fields.select()
        start = _stamp(datetime.fromisoformat(low) - OVERLAP)
        where = f"SystemModstamp >= {start} AND SystemModstamp < {mark}"
        soql = f"SELECT {', '.join(select)} FROM {fields.name} WHERE {where} ORDER BY SystemModstamp, Id"  # noqa: S608  # as above
        read, rows = fields.reader(), list[CrmRow]()
        for page in self._api.query(soql, deleted=True, action=f"changes of {fields.name}"):
            rows += [row for r in page if (row := read([r.get(name) for name in select])) is not None]
            if len(rows) >= ROWS_A_PAGE:
                yield CrmPage(rows=rows)
                rows = []
        yield CrmPage(rows=rows)

    def look(self, addresses: Sequence[Address]) -> list[CrmRow]:
        """Every live record whose flag field holds one of these addresses."""
        wanted = set(addresses)
        found: list[CrmRow] = []
        for fields in self._objects:
            select, read = fields.select(), fields.reader()
            for chunk in _chunks(addresses):
                where = f"{fields.settings.email} IN ({chunk})"
                soql = f"SELECT {', '.join(select)} FROM {fields.name} WHERE {where}"  # noqa: S608  # as above
                for r in self._api.rows(soql, action=f"look at {fields.name}"):
                    row = read([r.get(name) for name in select])
                    if row is not None and normalise(row.address) in wanted:
                        found.append(row)
        return found

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some record holds in any of its mail fields."""
        wanted, found = set(addresses), set[Address]()
        for fields in self._objects:
            for name in (fields.settings.email, *fields.settings.other_emails):
                for chunk in _chunks(addresses):
                    soql = f"SELECT Id, {name} FROM {fields.name} WHERE {name} IN ({chunk})"  # noqa: S608  # as above
                    for row in self._api.rows(soql, action=f"look at {fields.name}.{name}"):
                        address = normalise(str(row.get(name) or ""))
                        if isinstance(address, str) and address in wanted:
                            found.add(address)
        return frozenset(found)


def _loaded(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found: dict[str, Any] = json.loads(text)
        return found
    except ValueError as error:
        raise ConflictError("The place where Salesforce was read is not ours; reading from the start.") from error


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _chunks(addresses: Sequence[Address]) -> Iterator[str]:
    """Lists of literals, each short enough for a URL. A domain is asked for in both of its forms."""
    chunk: list[str] = []
    size = 0
    for address in addresses:
        for form in _forms(address):
            text = literal(form)
            if chunk and size + 3 * len(text) > LITERALS_A_QUERY:
                yield ",".join(chunk)
                chunk, size = [], 0
            chunk.append(text)
            size += 3 * len(text.encode()) // 2 + 6
    if chunk:
        yield ",".join(chunk)


def _forms(address: Address) -> set[str]:
    local, _, domain = address.rpartition("@")
    forms = {str(address)}
    if "xn--" in domain:
        try:
            forms.add(f"{local}@{idna.decode(domain)}")
        except idna.IDNAError:
            pass
    return forms
