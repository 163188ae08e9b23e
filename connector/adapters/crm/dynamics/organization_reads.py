"""Reading by the Organization Data Service: rows by `ModifiedOn` and in pages of 50, and single looks.

CRM SDK, "Use the OData endpoint": `$filter`, `$orderby`, `__next`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.adapters.crm.dynamics.mapping import About, quoted, spellings
from connector.adapters.crm.dynamics.organization_calls import Calls, question
from connector.adapters.crm.dynamics.organization_metadata import Metadata
from connector.adapters.crm.dynamics.organization_rows import Entity, guid, literal, version
from connector.adapters.crm.dynamics.records import MODIFIED, Table, Values
from connector.adapters.crm.dynamics.wire import Piece, Versioned
from connector.core.address import Address
from connector.core.errors import ConflictError

SWEPT = "organization"
"""Stands before every mark and place of this wire."""

OVERLAP = timedelta(seconds=600)
"""A row is stamped when saved and seen when committed: what a long transaction stamped earlier is read again."""

ROOM = 1500
"""Characters of a query that looks at addresses; the link to its next page is longer, and has to fit too."""


class Reads:
    """Rows of one organization. A mark is the time until which everything was read."""

    def __init__(self, calls: Calls, metadata: Metadata) -> None:
        self._calls, self._metadata = calls, metadata

    def changes(self, table: Table, mark: str, place: str, now: datetime) -> Iterator[Piece]:
        """See `wire.Organization`. `now` is the server's clock. Deletions are found by the sweep alone."""
        entity, action = self._metadata.entity(table), f"changes of {table.name}"
        state = entity.state(table)
        if place:
            query, until = _place(place)
        else:
            query, until = self._window(table, entity, state, _mark(mark)), now.isoformat(timespec="seconds")
        about: About = "place" if place else "call"
        while query:
            page = self._calls.page(entity.entity_set, query, action=action, about=about)
            query, about = page.next, "place"
            yield Piece(
                rows=[self._decoded(entity, row, state, action) for row in page.results],
                place=json.dumps([SWEPT, query, until]) if query else "",
                mark="" if query else json.dumps([SWEPT, until]),
            )

    def _window(self, table: Table, entity: Entity, state: Sequence[str], since: datetime | None) -> str:
        """In the order of the key, which no change of a row moves: nobody slips from page to page."""
        options = {"$select": _select(entity, state), "$orderby": entity.property(table.key)}
        if since:
            options["$filter"] = f"{entity.property(MODIFIED)} ge {literal(since - OVERLAP)}"
        return question(options)

    def _decoded(self, entity: Entity, row: dict[str, Any], columns: Sequence[str], action: str) -> Values:
        try:
            values = entity.decoded(row, columns)
        except (ValueError, TypeError) as error:
            raise self._calls.wire.garbled(action, str(error)) from None
        if len(values) < len(columns):
            raise self._calls.wire.garbled(action, "a row without what was asked for")
        return values

    def look(self, table: Table, addresses: Sequence[Address]) -> list[Versioned]:
        """See `wire.Organization`."""
        entity = self._metadata.entity(table)
        state = entity.state(table)
        rows = self._holding(entity, table.email, state, addresses)
        return [Versioned(values=values, version=version(values, state)) for values in rows]

    def holding(self, table: Table, column: str, addresses: Sequence[Address]) -> list[str]:
        """See `wire.Organization`."""
        rows = self._holding(self._metadata.entity(table), column, [column], addresses)
        return [str(values[column] or "") for values in rows]

    def _holding(
        self, entity: Entity, column: str, select: Sequence[str], addresses: Sequence[Address]
    ) -> Iterator[Values]:
        action, name = f"look at {entity.name}.{column}", entity.property(column)
        options = {"$select": _select(entity, select)}
        room = ROOM - len(question(options | {"$filter": ""}))
        clauses = [f"{name} eq {quoted(text)}" for address in addresses for text in spellings(address)]
        for some in _fitting(clauses, room):
            for row in self._calls.rows(entity.entity_set, options | {"$filter": some}, action=action):
                yield self._decoded(entity, row, select, action)

    def fetch(self, table: Table, id_: str, columns: Sequence[str]) -> Versioned | None:
        """See `wire.Organization`. Asked for by a filter: an empty answer is Dynamics' own word that it is gone."""
        entity = self._metadata.entity(table)
        state, action = entity.state(table), f"read {table.name}"
        wanted = list(dict.fromkeys([*state, *columns]))
        options = {"$select": _select(entity, wanted), "$filter": f"{entity.property(table.key)} eq {guid(id_)}"}
        for row in self._calls.rows(entity.entity_set, options, action=action):
            values = self._decoded(entity, row, wanted, action)
            return Versioned(values=values, version=version(values, state))
        return None

    def has_note(self, id_: str) -> bool:
        """Whether a note of this id stands on some timeline."""
        options = {"$select": "AnnotationId", "$filter": f"AnnotationId eq {guid(id_)}"}
        return any(True for _ in self._calls.rows("AnnotationSet", options, action="look for a note"))


def _select(entity: Entity, columns: Sequence[str]) -> str:
    return ",".join(entity.property(column) for column in columns)


def _fitting(clauses: Sequence[str], room: int) -> Iterator[str]:
    """Clauses in as few filters as there is room for."""
    some = ""
    for clause in clauses:
        longer = f"{some} or {clause}" if some else clause
        if some and len(question({"": longer})) > room:
            yield some
            longer = clause
        some = longer
    if some:
        yield some


def _mark(text: str) -> datetime | None:
    """Since when; None for everything."""
    if not text:
        return None
    kind, until = _loaded(text, 2)
    if kind != SWEPT:
        raise _not_ours()
    return _time(until)


def _place(text: str) -> tuple[str, str]:
    """The next query, and the mark that the read will leave."""
    kind, query, until = _loaded(text, 3)
    if kind != SWEPT or not query or not _time(until):
        raise _not_ours()
    return query, until


def _loaded(text: str, parts: int) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != parts or not all(isinstance(part, str) for part in found):
        raise _not_ours()
    return found


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise _not_ours() from None


def _not_ours() -> ConflictError:
    return ConflictError("The place where Dynamics was read is not ours; reading from the start.")
