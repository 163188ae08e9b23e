"""Rows as OData v2 JSON has them: SchemaNames, `/Date(…)/`, OptionSetValue, EntityReference; and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.errors import VendorError, bad
from connector.emulators.dynamics.schema import CHOICES, LOOKUPS, Column
from connector.emulators.dynamics.security import unreadable
from connector.emulators.dynamics.store import Cells, Table

_TYPES = "Microsoft.Crm.Sdk.Data.Services"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"/Date\((-?\d+)\)/")


def shown(env: Environment, table: Table, cells: Cells, columns: Iterable[Column], root: str, user: str) -> Any:
    """One row with these columns. What this user may not read is null."""
    hidden, definition = unreadable(env, table.definition, user), table.definition
    uri = f"{root}/{definition.schema}Set(guid'{cells[0]}')"
    row: dict[str, Any] = {"__metadata": {"uri": uri, "type": f"{_TYPES}.{definition.schema}"}}
    for column in columns:
        value = None if column.wire in hidden else cells[table.columns[column.wire]]
        row[column.schema] = _shown(env, column, value)
    return row


def _shown(env: Environment, column: Column, value: Any) -> Any:
    if column.type in CHOICES:
        return {"__metadata": {"type": f"{_TYPES}.OptionSetValue"}, "Value": value}
    if column.type in LOOKUPS:
        table, name = _target(env, column, value)
        return {"__metadata": {"type": f"{_TYPES}.EntityReference"}, "Id": value, "LogicalName": table, "Name": name}
    if value is None:
        return None
    if column.type == "DateTime":
        return f"/Date({(datetime.fromisoformat(value) - _EPOCH) // timedelta(milliseconds=1)})/"
    return str(value) if column.type == "BigInt" else value


def _target(env: Environment, column: Column, id_: str | None) -> tuple[str | None, str | None]:
    for name in dict.fromkeys([*column.navigation.values(), "systemuser"]):
        table = env.tables.get(name)
        if id_ and table is not None and id_ in table.cells:
            primary = table.columns.get(table.definition.primary)
            return name, table.cells[id_][primary] if primary is not None else None
    return None, None


def values(table: Table, env: Environment, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body by logical names, as the rest of the product takes it. Raises: `VendorError` 400 for what does not fit."""
    columns, found = {c.schema: c for c in table.definition.columns.values()}, dict[str, Any]()
    for name, value in body.items():
        column = columns.get(name)
        if name == "__metadata":
            continue
        if column is None:
            raise bad(f"The property name '{name}' specified for type '{table.definition.schema}' is not valid.", "")
        if column.type in LOOKUPS:
            found |= _bound(env, column, value)
        elif column.type in CHOICES:
            found[column.name] = _part(column, value, "Value")
        elif column.type == "DateTime" and value is not None:
            moment = _DATE.fullmatch(str(value))
            if moment is None:
                raise bad(f"'{value}' is no date of {name}.", "")
            at = _EPOCH + timedelta(milliseconds=int(moment[1]))
            found[column.name] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            found[column.name] = value
    return found


def _part(column: Column, value: Any, name: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        raise bad(f"{column.schema} takes an object with {name}.", "")
    return value[name]


def _bound(env: Environment, column: Column, value: Any) -> dict[str, Any]:
    id_, logical = _part(column, value, "Id"), _part(column, value, "LogicalName")
    for navigation, table in column.navigation.items():
        if table == logical:
            return {f"{navigation}@odata.bind": f"/{env.tables[table].definition.set}({id_})"}
    raise VendorError(400, "0x80040203", f"{column.schema} does not refer to {logical}.")
