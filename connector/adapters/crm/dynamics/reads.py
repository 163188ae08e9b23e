"""Reading the organization, table after table, on whichever wire: changes, looks, and the version each look found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.wire import Organization, Piece
from connector.core.address import Address, normalise
from connector.core.errors import ConflictError
from connector.core.restriction import Ref
from connector.ports.crm import CrmPage, CrmRow

REMEMBERED = 20_000
"""Versions kept since the last looks: a lift is tied to the row that its look saw."""


class Reads:
    """What one organization says.

    The cursor is JSON: for every table its wire's mark, and what was selected. The place is JSON too: the tables that
    are through, the one in hand, and the wire's own place in it.
    """

    def __init__(self, organization: Organization, tables: Mapping[str, Table]) -> None:
        self._organization, self._tables = organization, tables
        self._secured: dict[str, bool] = {}
        self._readers = {name: table.reader(partial(self._is_secured, table)) for name, table in tables.items()}
        self._versions: dict[Ref, str] = {}

    def changes(self, cursor: str, place: str) -> Iterator[CrmPage]:
        """Every page of a read; the last one carries the cursor. Raises: `ConflictError` for one nobody can read."""
        marks, at = self._marks(_loaded(cursor)), _loaded(place)
        new = self._marks(at.pop("new", {}))
        if place and not (at.keys() == {"table", "select", "at"} and all(isinstance(v, str) for v in at.values())):
            raise _not_ours()
        for table in self._tables.values():
            name, signature = table.entity, table.signature()
            mark = next((m["mark"] for m in (new.get(name), marks.get(name)) if m and m["select"] == signature), "")
            resumed = at["at"] if (at.get("table"), at.get("select")) == (name, signature) else ""
            for piece in self._organization.changes(table, mark, resumed):
                mark = piece.mark
                state = {"new": new, "table": name, "select": signature, "at": piece.place}
                yield CrmPage(rows=self._rows(table, piece), place=json.dumps(state) if piece.place else "")
            new[name] = {"mark": mark, "select": signature}
        yield CrmPage(rows=(), cursor=json.dumps(new, sort_keys=True), complete=True)

    def _marks(self, found: Any) -> dict[str, dict[str, str]]:
        try:
            good = all(
                m.keys() == {"mark", "select"} and all(isinstance(t, str) for t in m.values()) for m in found.values()
            )
        except AttributeError:
            good = False
        if not good:
            raise _not_ours()
        return dict(found)

    def _rows(self, table: Table, piece: Piece) -> list[CrmRow]:
        return [*map(self._readers[table.entity], piece.rows), *map(table.gone, piece.gone)]

    def _is_secured(self, table: Table) -> bool:
        """Whether the restriction is under column security, where null may hide a value; asked once."""
        if table.entity not in self._secured:
            described = self._organization.describe(table)
            column = described.columns.get(table.restriction) if described else None
            self._secured[table.entity] = column is None or column.secured
        return self._secured[table.entity]

    def look(self, addresses: Sequence[Address], *, entries: bool | None = None) -> list[CrmRow]:
        """Every live row that holds one of these addresses, whose version is remembered for what is done next.

        `entries`: only those of the list of suppressions, or only people.
        """
        wanted, found = set(addresses), list[CrmRow]()
        tables = [t for t in self._tables.values() if entries in (None, t.is_entry)]
        for table in tables if addresses else ():
            for seen in self._organization.look(table, addresses):
                row = self._readers[table.entity](seen.values)
                if normalise(row.address) in wanted and not row.deleted:
                    found.append(row)
                    self._remember(Ref(entity=row.entity, id=row.id), seen.version)
        return found

    def _remember(self, ref: Ref, version: str) -> None:
        self._versions.pop(ref, None)
        self._versions[ref] = version
        if len(self._versions) > REMEMBERED:
            del self._versions[next(iter(self._versions))]

    def seen(self, ref: Ref) -> str:
        """The version that the last look at this row found, told once; empty where nobody looked."""
        return self._versions.pop(ref, "")

    def elsewhere(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those of the addresses that some person's record holds in any of its mail columns."""
        wanted, found = set(addresses), set[Address]()
        for table in self._tables.values() if addresses else ():
            for column in () if table.is_entry else (table.email, *table.other_emails):
                for text in self._organization.holding(table, column, addresses):
                    address = normalise(text)
                    if isinstance(address, str) and address in wanted:
                        found.add(address)
        return frozenset(found)


def _loaded(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _not_ours()
    return found


def _not_ours() -> ConflictError:
    return ConflictError("The place where Dynamics was read is not ours; reading from the start.")
