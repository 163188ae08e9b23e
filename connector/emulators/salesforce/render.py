"""Rows as the two APIs write them: JSON records with `attributes`, and CSV with every cell quoted.

CSV is made column by column, by functions written in C: the emulator must not be the slow part of a bulk read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from connector.emulators.salesforce.query import Answer, Column
from connector.emulators.salesforce.table import Cells, Table
from connector.emulators.salesforce.times import rest

_AT_ONCE = 2_000
_WORDS = {True: "true", False: "false", None: ""}


def record_url(version: str, object_name: str, id_: str) -> str:
    """Where a row lives."""
    return f"/services/data/v{version}/sobjects/{object_name}/{id_}"


def value_of(column: Column, cells: Cells) -> Any:
    """One field as JSON shows it."""
    value = column.get(cells)
    return rest(value) if column.field.type == "datetime" else value


def recorder(table: Table, columns: tuple[Column, ...], version: str) -> Callable[[Cells], dict[str, Any]]:
    """How a row becomes a record."""
    name, base = table.object.name, record_url(version, table.object.name, "")
    plain = [c for c in columns if len(c.path) == 1]
    walked = [c for c in columns if len(c.path) > 1]

    def record(cells: Cells) -> dict[str, Any]:
        made: dict[str, Any] = {"attributes": {"type": name, "url": base + cells[0]}}
        for column in plain:
            made[column.field.name] = value_of(column, cells)
        for column in walked:
            _nest(made, column, value_of(column, cells))
        return made

    return record


def _nest(made: dict[str, Any], column: Column, value: Any) -> None:
    """A parent's fields stand in an object of their own, which is null where there is no parent."""
    *steps, last = column.path
    for step in steps:
        if value is None and not isinstance(made.get(step), dict):
            made.setdefault(step, None)
            return
        if not isinstance(made.get(step), dict):
            made[step] = {"attributes": {"type": step}}
        made = made[step]
    made[last] = value


def csv_chunks(answer: Answer, rows: list[Cells], *, delimiter: str = ",", ending: str = "\n") -> Iterator[bytes]:
    """The header and the rows, in pieces."""
    yield (delimiter.join(f'"{c.name}"' for c in answer.columns) + ending).encode()
    between, end = f'"{delimiter}"', f'"{ending}"'
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE]
        columns = [_column(c, _values(answer, c, chunk)) for c in answer.columns]
        lines = end.join(map(between.join, zip(*columns, strict=True)))
        yield f'"{lines}"{ending}'.encode()


def _values(answer: Answer, column: Column, chunk: list[Cells]) -> list[Any]:
    if len(column.path) > 1 or column.field.parts:
        return list(map(column.get, chunk))
    at = answer.table.columns[column.field.name]
    return [cells[at] for cells in chunk]


def _column(column: Column, values: list[Any]) -> list[str]:
    """Cells of one column without the quotes around them: inner quotes doubled, null and empty both empty."""
    if column.field.type == "boolean":
        return list(map(_WORDS.__getitem__, values))
    try:
        clean = '"' not in "".join(values)
    except TypeError:
        values = ["" if v is None else _WORDS[v] if isinstance(v, bool) else str(v) for v in values]
        clean = '"' not in "".join(values)
    return values if clean else [v.replace('"', '""') for v in values]
