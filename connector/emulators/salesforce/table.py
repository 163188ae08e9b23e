"""The rows of one object: immutable tuples by id, with indexes, and views that read like dictionaries.

A tuple is replaced, never changed: a cursor or a bulk job that holds some is a snapshot for nothing, and a million of
them cost the garbage collector no time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from connector.emulators.salesforce.schema import Field, Object

Cells = tuple[Any, ...]

_BY_REFERENCE = frozenset(
    ("WhoId", "LinkedEntityId", "ContentDocumentId", "ContactId", "LeadId", "AssigneeId", "PermissionSetId", "ParentId")
)
"""References that are looked up by value. Others (an owner, say) have so few values that an index would not help."""


class Row(MutableMapping[str, Any]):
    """One row by field name, as it is at this moment; setting a value keeps the indexes right."""

    __slots__ = ("_id", "_table")

    def __init__(self, table: Table, id_: str) -> None:
        self._table, self._id = table, id_

    def __getitem__(self, name: str) -> Any:
        return self._table.cells[self._id][self._table.columns[name]]

    def __setitem__(self, name: str, value: Any) -> None:
        self._table.store(self._table.changed(self._table.cells[self._id], {name: value}))

    def __delitem__(self, name: str) -> None:
        raise TypeError("a row's fields come and go with its object's")

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.columns)

    def __len__(self) -> int:
        return len(self._table.columns)

    def __repr__(self) -> str:
        return f"Row({dict(self)})"


class Rows(MutableMapping[str, Row]):
    """Every row of a table by id, deleted ones included."""

    __slots__ = ("_table",)

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getitem__(self, id_: str) -> Row:
        if id_ not in self._table.cells:
            raise KeyError(id_)
        return Row(self._table, id_)

    def __setitem__(self, id_: str, values: Mapping[str, Any]) -> None:
        self._table.store(self._table.row({**values, "Id": id_}))

    def __delitem__(self, id_: str) -> None:
        self._table.drop(id_)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._table.cells))

    def __len__(self) -> int:
        return len(self._table.cells)


class Table:
    """One object's rows. Column 0 is always `Id`."""

    def __init__(self, object_: Object) -> None:
        self.object = object_
        self.columns: dict[str, int] = {}
        self.defaults: list[Any] = []
        self.cells: dict[str, Cells] = {}
        self.indexes: dict[str, dict[str, Collection[str]]] = {}
        self.stamps: list[tuple[str, str]] = []
        self.email = "PersonEmail" if object_.name == "Account" else "Email"
        for name in ("Id", *object_.fields):
            self.column(name)
        self._stamp, self.deleted = self.column("SystemModstamp"), self.column("IsDeleted")

    # -- columns ------------------------------------------------------------------------------------------------
    def column(self, name: str) -> int:
        """Where a field stands in every row; a field that came since is added to all of them."""
        at = self.columns.get(name)
        if at is None:
            field = self.object.fields.get(name)
            at, default = len(self.defaults), field.default if field else None
            for id_, cells in self.cells.items():
                self.cells[id_] = (*cells, default)
            self.columns[name] = at
            self.defaults.append(default)
            if field and _indexed(self.object, field):
                self.indexes[name] = {}
        return at

    def drop_column(self, name: str) -> None:
        """A field that was deleted, with what it held."""
        at = self.columns.pop(name, None)
        if at is not None:
            self.defaults[at] = None
            self.indexes.pop(name, None)
            for id_, cells in self.cells.items():
                self.cells[id_] = (*cells[:at], None, *cells[at + 1 :])

    def row(self, values: Mapping[str, Any]) -> Cells:
        """A new row of these values, defaults elsewhere."""
        for name in (*self.object.fields, *values):
            self.column(name)
        return self.changed(tuple(self.defaults), values)

    def changed(self, cells: Cells, values: Mapping[str, Any]) -> Cells:
        """The same row with other values."""
        places = [(self.column(name), value) for name, value in values.items()]
        made = [*cells, *self.defaults[len(cells) :]]
        for at, value in places:
            made[at] = value
        return tuple(made)

    def values(self, cells: Cells) -> dict[str, Any]:
        """A row by field name."""
        return {name: cells[at] for name, at in self.columns.items()}

    # -- rows ---------------------------------------------------------------------------------------------------
    @property
    def rows(self) -> Rows:
        return Rows(self)

    @property
    def by_email(self) -> dict[str, Collection[str]]:
        """Ids by lower-case address."""
        return self.indexes.get(self.email, {})

    def store(self, cells: Cells) -> None:
        """Puts a row in place of the one with its id, and into the indexes. A stale stamp is left and passed over."""
        id_ = cells[0]
        old = self.cells.get(id_)
        self.cells[id_] = cells
        for name, index in self.indexes.items():
            at = self.columns[name]
            was = old[at] if old else None
            if was != cells[at]:
                _forget(index, was, id_)
                _remember(index, cells[at], id_)
        if old is None or old[self._stamp] != cells[self._stamp]:
            self._stamped((cells[self._stamp], id_))

    def extend(self, rows: Iterable[Cells]) -> int:
        """Many new rows, whose ids no other has; how many."""
        before = len(self.cells)
        indexes = [(self.columns[name], index) for name, index in self.indexes.items()]
        stamp, stamps, cells = self._stamp, self.stamps, self.cells
        for row in rows:
            cells[row[0]] = row
            stamps.append((row[stamp], row[0]))
            for at, index in indexes:
                if row[at] is not None:
                    _remember(index, row[at], row[0])
        stamps.sort()
        return len(cells) - before

    def drop(self, id_: str) -> None:
        """A row that is gone for good."""
        cells = self.cells.pop(id_)
        for name, index in self.indexes.items():
            _forget(index, cells[self.columns[name]], id_)

    def put_back(self, id_: str, cells: Cells | None) -> None:
        """What was here before a write that is undone; None if there was nothing."""
        if cells is None:
            self.drop(id_)
        else:
            self.store(self.changed(cells, {}))

    # -- by stamp -----------------------------------------------------------------------------------------------
    def _stamped(self, entry: tuple[str, str]) -> None:
        if not self.stamps or self.stamps[-1] < entry:
            self.stamps.append(entry)
        elif self.stamps[bisect_left(self.stamps, entry)] != entry:
            insort(self.stamps, entry)
        if len(self.stamps) > 2 * len(self.cells) + 1000:
            self.stamps = sorted((c[self._stamp], id_) for id_, c in self.cells.items())

    def between(self, low: str, high: str) -> Iterator[Cells]:
        """Rows stamped from `low` up to `high`, both included, in the order of stamp and id."""
        stamp, stamps = self._stamp, self.stamps
        for at in range(bisect_left(stamps, (low, "")), bisect_right(stamps, (high, "\x7f"))):
            moment, id_ = stamps[at]
            cells = self.cells.get(id_)
            if cells is not None and cells[stamp] == moment:
                yield cells


def _indexed(object_: Object, field: Field) -> bool:
    if field.type == "email" or field.external or field.unique:
        return True
    history = object_.name.endswith("History")
    return field.name in _BY_REFERENCE or (history and field.type == "reference" and bool(field.parent))


def _remember(index: dict[str, Collection[str]], value: Any, id_: str) -> None:
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


def _forget(index: dict[str, Collection[str]], value: Any, id_: str) -> None:
    if value is None:
        return
    ids = index.get(value.lower(), ())
    if isinstance(ids, set):
        ids.discard(id_)
    elif left := tuple(i for i in ids if i != id_):
        index[value.lower()] = left
    else:
        index.pop(value.lower(), None)
