"""What the server itself does with a row that is written: closed leads, states, full names, plug-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.emulators.dynamics.errors import VendorError, invalid
from connector.emulators.dynamics.store import Cells, Table
from connector.emulators.dynamics.tables import STATUS_OF
from connector.emulators.dynamics.times import text_of

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment


def before(env: Environment, table: Table, id_: str, old: Cells | None, values: dict[str, Any]) -> dict[str, Any]:
    """The values as they will be stored. Raises: `VendorError` where the row may not be written."""
    refused = env.refused.get(id_)
    if refused is not None:
        raise VendorError(*refused)
    name = table.definition.name
    if name == "lead" and old is not None:
        _open(env, table, old, values)
    if "statecode" in values and "statuscode" not in values and name in STATUS_OF:
        values = {**values, "statuscode": STATUS_OF[name][values["statecode"]]}
    if "fullname" in table.columns and {"firstname", "lastname"} & set(values):
        parts = [values.get(n, old[table.columns[n]] if old else None) for n in ("firstname", "lastname")]
        values = {**values, "fullname": " ".join(p for p in parts if p) or None}
    if old is None:
        return _born(env, table, values)
    return values


def _open(env: Environment, table: Table, old: Cells, values: dict[str, Any]) -> None:
    """A qualified or disqualified lead is read-only until it is opened again."""
    if env.closed_leads_read_only and old[table.columns["statecode"]] and values.get("statecode") != 0:
        words = "You cannot update a record that is inactive."
        raise VendorError(400, "0x80040230", words)


def _born(env: Environment, table: Table, values: dict[str, Any]) -> dict[str, Any]:
    missing = [
        c.name for c in table.definition.columns.values() if c.required == "SystemRequired" and c.default is None
    ]
    for name in missing:
        if values.get(name) is None:
            raise invalid(f"Required field '{name}' is missing")
    for key in ("uniquename",):
        if key in table.columns and env.find(table.definition.name, uniquename=values.get(key)):
            raise VendorError(412, "0x80040237", f"A {table.definition.name} with this unique name already exists.")
    if table.definition.name == "solution":
        values = {**values, "installedon": text_of(env.now())}
    return values


def after(env: Environment, table: Table, id_: str, values: dict[str, Any] | None) -> None:
    """What follows a stored row; None if it was deleted."""
    if table.definition.name == "role":
        if values is None:
            env.roles.pop(id_, None)
        else:
            env.roles.setdefault(id_, {})
