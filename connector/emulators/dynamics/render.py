"""Rows as JSON. Made column by column, by functions written in C: the emulator must not be the slow part of a read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from json.encoder import encode_basestring
from typing import Any

from connector.emulators.dynamics.schema import Column
from connector.emulators.dynamics.store import VERSION, Cells, Table

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"

_WORDS = {True: "true", False: "false", None: "null"}


def rows(table: Table, chosen: Sequence[Column], hidden: Collection[str], page: Sequence[Cells]) -> str:
    """Objects with their etags, between commas, without brackets around them."""
    names = "".join(f",{json.dumps(column.wire)}:%s" for column in chosen)
    template = '{"@odata.etag":"W/\\"%s\\""' + names + "}"
    texts = [_texts(column, None if column.wire in hidden else table.columns[column.wire], page) for column in chosen]
    return ",".join(map(template.__mod__, zip([cells[VERSION] for cells in page], *texts, strict=True)))


def _texts(column: Column, at: int | None, page: Sequence[Cells]) -> list[str]:
    """One column's values as JSON."""
    if at is None:
        return ["null"] * len(page)
    values = [cells[at] for cells in page]
    if column.type == "Boolean":
        return list(map(_WORDS.__getitem__, values))
    encode: Callable[[Any], str] = (
        str if column.type in ("BigInt", "Integer", "Picklist", "State", "Status") else encode_basestring
    )
    if None in values:
        return ["null" if value is None else encode(value) for value in values]
    return list(map(encode, values))


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
