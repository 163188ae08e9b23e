"""Rows as JSON. Made column by column, by functions written in C: the emulator must not be the slow part of a read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from json.encoder import encode_basestring
from typing import Any

from connector.emulators.dynamics.schema import LOOKUPS, Column
from connector.emulators.dynamics.store import VERSION, Cells, Table

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"

_WORDS = {True: "true", False: "false", None: "null"}


def rows(table: Table, chosen: Sequence[Column], hidden: Collection[str], page: Sequence[Cells]) -> str:
    """Objects with their etags, between commas, without brackets around them."""
    if not page:
        return ""
    template, columns = '{"@odata.etag":"W/\\"%s\\""', [[cells[VERSION] for cells in page]]
    for column in chosen:
        form, values = _values(column, None if column.wire in hidden else table.columns[column.wire], page)
        template += f",{json.dumps(column.wire)}:{form}"
        columns += [values] if values else []
    return ",".join(map((template + "}").__mod__, zip(*columns, strict=True)))


_BARE = ("BigInt", "Integer", "Picklist", "State", "Status")
_SAFE = ("Uniqueidentifier", "DateTime", "EntityName", *LOOKUPS)


def _values(column: Column, at: int | None, page: Sequence[Cells]) -> tuple[str, list[Any]]:
    """How one column stands in the row's template, and what fills it; nothing does where all values are the same."""
    values: list[Any] = [None] if at is None else [cells[at] for cells in page]
    if values.count(values[0]) == len(values):
        return json.dumps(values[0], ensure_ascii=False).replace("%", "%%"), []
    if column.type == "Boolean":
        return "%s", list(map(_WORDS.__getitem__, values))
    encode: Callable[[Any], str] = str if column.type in _BARE else encode_basestring
    if None in values:
        return "%s", ["null" if value is None else encode(value) for value in values]
    if column.type in _BARE:
        return "%s", values
    if column.type in _SAFE or _plain("".join(values)):
        return '"%s"', values
    return "%s", list(map(encode, values))


def _plain(text: str) -> bool:
    """Whether JSON writes these letters as they are."""
    return text.isprintable() and '"' not in text and "\\" not in text


def annotated(table: Table, chosen: Sequence[Column], hidden: Collection[str], cells: Cells) -> dict[str, Any]:
    """One row with formatted values, for `odata.include-annotations`."""
    made: dict[str, Any] = {"@odata.etag": f'W/"{cells[VERSION]}"'}
    for column in chosen:
        value = None if column.wire in hidden else cells[table.columns[column.wire]]
        if value is not None and (column.labels or column.type in ("DateTime", "BigInt")):
            made[f"{column.wire}@{FORMATTED}"] = column.labels.get(value, str(value))
        if value is not None and len(set(column.navigation.values())) == 1:
            made[f"{column.wire}@{LOGICAL_NAME}"] = next(iter(column.navigation.values()))
        made[column.wire] = value
    return made
