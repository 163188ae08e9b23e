"""The rows of one table: immutable tuples by id, kept in the order of ids, with indexes and a log of versions.

A tuple is replaced, never changed: a page that holds some is a snapshot for nothing, and a million of them cost the
garbage collector no time. The log answers change tracking: which rows came after a version, and which went.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from connector.emulators.dynamics.schema import LOOKUPS, Column, Definition

Cells = tuple[Any, ...]

VERSION = 1
"""Where every row has its version; place 0 is its id."""

_UNINDEXED = ("_createdby_value", "_modifiedby_value", "_ownerid_value", "_businessunitid_value")
"""References with so few values that an index would not help."""


class Table:
    """One table's rows."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.columns: dict[str, int] = {}
        self.defaults: list[Any] = []
        self.cells: dict[str, Cells] = {}
        self.order: list[str] = []
        self.indexes: dict[str, dict[Any, Collection[str]]] = {}
        self.log: tuple[array[int], list[str]] = (array("q"), [])
        self.gone: tuple[array[int], list[str]] = (array("q"), [])
        for wire in definition.columns:
            self.column(wire)

    # -- columns ------------------------------------------------------------------------------------------------
    def column(self, wire: str) -> int:
        """Where a column stands in every row; one that came since is added to all of them."""
        at = self.columns.get(wire)
        if at is None:
            column = self.definition.columns[wire]
            at, default = len(self.defaults), None
            for id_, cells in self.cells.items():
                self.cells[id_] = (*cells, default)
            self.columns[wire] = at
            self.defaults.append(column.default)
            if at and _indexed(column):
                self.indexes[wire] = {}
        return at

    def drop_column(self, wire: str) -> None:
        """A column that was deleted, with what it held."""
        at = self.columns.pop(wire)
        self.definition.columns.pop(wire)
        self.indexes.pop(wire, None)
        self.defaults[at] = None
        for id_, cells in self.cells.items():
            self.cells[id_] = (*cells[:at], None, *cells[at + 1 :])

    def row(self, values: Mapping[str, Any]) -> Cells:
        """A new row of these values, defaults elsewhere."""
        return self.changed(tuple(self.defaults), values)

    def changed(self, cells: Cells, values: Mapping[str, Any]) -> Cells:
        """The same row with other values."""
        made = list(cells)
        for wire, value in values.items():
            made[self.columns[wire]] = value
        return tuple(made)

    def values(self, cells: Cells) -> dict[str, Any]:
        """A row by wire names."""
        return {wire: cells[at] for wire, at in self.columns.items()}

    # -- rows ---------------------------------------------------------------------------------------------------
    def store(self, cells: Cells, *, logged: bool = True) -> None:
        """Puts a row in place of the one with its id, and into the indexes and the log."""
        id_ = cells[0]
        old = self.cells.get(id_)
        self.cells[id_] = cells
        if old is None:
            if not self.order or self.order[-1] < id_:
                self.order.append(id_)
            else:
                insort(self.order, id_)
        for wire, index in self.indexes.items():
            at = self.columns[wire]
            was = old[at] if old else None
            if was != cells[at]:
                _forget(index, was, id_)
                _remember(index, cells[at], id_)
        if logged:
            self.log[0].append(cells[VERSION])
            self.log[1].append(id_)

    def extend(self, rows: Iterable[Cells]) -> int:
        """Many new rows, whose ids no other has, in the order of their versions; how many."""
        before = len(self.cells)
        indexes = [(self.columns[wire], index) for wire, index in self.indexes.items()]
        versions, ids, cells = *self.log, self.cells
        for row in rows:
            cells[row[0]] = row
            versions.append(row[VERSION])
            ids.append(row[0])
            for at, index in indexes:
                if row[at] is not None:
                    _remember(index, row[at], row[0])
        self.order = sorted(cells)
        return len(cells) - before

    def remove(self, id_: str, version: int | None) -> None:
        """A row that is gone; with a version change tracking tells it."""
        cells = self.cells.pop(id_)
        del self.order[bisect_left(self.order, id_)]
        for wire, index in self.indexes.items():
            _forget(index, cells[self.columns[wire]], id_)
        if version is not None:
            self.gone[0].append(version)
            self.gone[1].append(id_)

    def marks(self) -> tuple[int, int]:
        """How long both logs are, for `undo`."""
        return len(self.log[0]), len(self.gone[0])

    def undo(self, marks: tuple[int, int]) -> None:
        """Takes back what the logs told since."""
        for log, length in zip((self.log, self.gone), marks, strict=True):
            del log[0][length:]
            del log[1][length:]

    def put_back(self, id_: str, cells: Cells | None) -> None:
        """What was here before a write that is undone; None if there was nothing."""
        if cells is not None:
            self.store(cells, logged=False)
        elif id_ in self.cells:
            self.remove(id_, None)

    def having(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Ids of the rows with all of these values, text without case."""
        places = [(self.columns[wire], _folded(value)) for wire, value in values.items()]
        ids: Iterable[str] = self.cells
        for wire, value in values.items():
            if wire in self.indexes and value is not None:
                ids = tuple(self.indexes[wire].get(_folded(value), ()))
        for id_ in ids:
            cells = self.cells[id_]
            if all(_folded(cells[at]) == value for at, value in places):
                yield id_

    # -- what changed -------------------------------------------------------------------------------------------
    def changes(self, after: int, until: int) -> Iterator[Cells]:
        """Rows as they are now whose version is in this range, in the order of versions."""
        versions, ids = self.log
        for at in range(bisect_right(versions, after), bisect_right(versions, until)):
            cells = self.cells.get(ids[at])
            if cells is not None and cells[VERSION] == versions[at]:
                yield cells

    def deletions(self, after: int, until: int) -> Iterator[tuple[int, str]]:
        """Version and id of the rows that went in this range and did not come back."""
        versions, ids = self.gone
        for at in range(bisect_right(versions, after), bisect_right(versions, until)):
            if ids[at] not in self.cells:
                yield versions[at], ids[at]

    def compact(self) -> None:
        """Forgets log lines that later ones outdated, once they are the most."""
        if len(self.log[0]) > 2 * len(self.cells) + 1000:
            live = sorted((cells[VERSION], id_) for id_, cells in self.cells.items())
            self.log = (array("q", (version for version, _ in live)), [id_ for _, id_ in live])


def _indexed(column: Column) -> bool:
    if column.type in LOOKUPS:
        return column.wire not in _UNINDEXED
    return column.format == "Email" or column.primary or column.name in ("uniquename", "name")


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _remember(index: dict[Any, Collection[str]], value: Any, id_: str) -> None:
    """Most values have one row: a tuple takes a fifth of a set's memory."""
    if value is None:
        return
    key = value.lower()
    ids = index.get(key)
    if ids is None:
        index[key if key != value else value] = (id_,)
    elif isinstance(ids, set):
        ids.add(id_)
    else:
        index[key] = (*ids, id_) if len(ids) < 16 else {*ids, id_}


def _forget(index: dict[Any, Collection[str]], value: Any, id_: str) -> None:
    if value is None:
        return
    key = value.lower()
    ids = index.get(key, ())
    if isinstance(ids, set):
        ids.discard(id_)
    elif left := tuple(i for i in ids if i != id_):
        index[key] = left
    else:
        index.pop(key, None)
