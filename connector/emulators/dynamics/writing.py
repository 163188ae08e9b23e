"""Writing rows: create, update, upsert, delete ("Create", "Update and delete", "Perform conditional operations").

A PATCH without If-Match makes the row where there is none. A conditional header is looked at before anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.emulators.dynamics import rules
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.errors import VendorError, no_row
from connector.emulators.dynamics.keys import Place, absent
from connector.emulators.dynamics.reading import chosen_columns, entity_url, representation
from connector.emulators.dynamics.security import demand, demand_row
from connector.emulators.dynamics.store import VERSION, Cells, Table
from connector.emulators.dynamics.times import text_of
from connector.emulators.dynamics.values import values_of

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

_EXISTS = "A record with matching key values already exists."
_OTHER = "The version of the existing record doesn't match the RowVersion property provided."


def create(ask: Ask, table: Table) -> Answer:
    """`POST contacts`."""
    ask.options("$select")
    with ask.env.transaction():
        cells = insert(ask, table, ask.json())
    return _told(ask, table, cells, created=True)


def patch(ask: Ask, table: Table, place: Place) -> Answer:
    """`PATCH contacts(id)`."""
    ask.options("$select")
    body = ask.json()
    cells = table.cells.get(place.id) if place.id else None
    _conditions(ask, table, place, cells)
    with ask.env.transaction():
        if cells is not None:
            return _told(ask, table, change(ask, table, place.id, body), created=False)
        made = {**place.values, **body, **({table.definition.key: place.id} if place.id else {})}
        return _told(ask, table, insert(ask, table, made), created=True)


def delete(ask: Ask, table: Table, place: Place) -> Answer:
    """`DELETE contacts(id)`."""
    ask.options()
    cells = table.cells.get(place.id)
    if cells is None:
        raise absent(table, place)
    _conditions(ask, table, place, cells)
    with ask.env.transaction():
        drop(ask.env, table, place.id, ask.user)
    return Answer()


def _conditions(ask: Ask, table: Table, place: Place, cells: Cells | None) -> None:
    """Raises: `VendorError` 412 or 404 where If-Match or If-None-Match does not hold."""
    match, none = ask.headers.get("if-match"), ask.headers.get("if-none-match")
    if none == "*" and cells is not None:
        raise VendorError(412, "0x80040237", _EXISTS)
    if match is None:
        return
    if cells is None:
        raise absent(table, place)
    if match == "*":
        return
    if not table.definition.optimistic:
        words = f"Optimistic concurrency isn't enabled for entity type {table.definition.name}."
        raise VendorError(400, "0x8006088d", words)
    if match != f'W/"{cells[VERSION]}"':
        raise VendorError(412, "0x80060882", _OTHER)


def _told(ask: Ask, table: Table, cells: Cells, *, created: bool) -> Answer:
    """204 with the row's address, or the row itself where it is preferred."""
    url = entity_url(ask, table, cells[0])
    if ask.preferences().get("return") == "representation":
        chosen = chosen_columns(table, ask.options("$select"))
        found = representation(ask, table, cells, chosen, 201 if created else 200)
        found.headers |= {"Preference-Applied": "return=representation"} | ({"Location": url} if created else {})
        return found
    return Answer(204, headers={"OData-EntityId": url} | ({"Location": url} if created else {}))


# -- rows --------------------------------------------------------------------------------------------------------------
def insert(ask: Ask, table: Table, body: Mapping[str, Any]) -> Cells:
    """A new row of a body. Raises: `VendorError`; 412 where its id or an alternate key is taken."""
    demand(ask.env, ask.user, "Create", table.definition)
    return add(ask.env, table, values_of(ask, table, body, "Create"), ask.user)


def change(ask: Ask, table: Table, id_: str, body: Mapping[str, Any]) -> Cells:
    """A row with a body's values. Raises: `VendorError`."""
    demand(ask.env, ask.user, "Write", table.definition)
    if id_ in table.cells:
        demand_row(ask.env, ask.user, "Write", table, table.cells[id_])
    return alter(ask.env, table, id_, values_of(ask, table, body, "Update", id_), ask.user)


def add(env: Environment, table: Table, values: dict[str, Any], user: str) -> Cells:
    """A new row of checked values."""
    key, stamp = table.definition.key, text_of(env.now())
    id_ = values.get(key) or env.new_id(table.definition.code)
    if id_ in table.cells:
        raise VendorError(412, "0x80040237", _EXISTS)
    values = rules.before(env, table, id_, None, values)
    made = {"createdon": stamp, "modifiedon": stamp, "_createdby_value": user, "_modifiedby_value": user}
    made |= {"_ownerid_value": user} if "_ownerid_value" in table.columns else {}
    cells = table.row(made | values | {key: id_, "versionnumber": env.next_version()})
    return _stored(env, table, cells, values, user, "create")


def alter(env: Environment, table: Table, id_: str, values: dict[str, Any], user: str) -> Cells:
    """A row with other checked values. Raises: `VendorError` 404 if it is not there."""
    old = table.cells.get(id_)
    if old is None:
        raise no_row(table.definition.label, id_)
    values = rules.before(env, table, id_, old, values)
    stamp = {"modifiedon": text_of(env.now()), "_modifiedby_value": user, "versionnumber": env.next_version()}
    return _stored(env, table, table.changed(old, values | stamp), values, user, "update")


def _stored(env: Environment, table: Table, cells: Cells, values: dict[str, Any], user: str, deed: str) -> Cells:
    _unique(table, cells)
    env.store(table, cells)
    rules.after(env, table, cells[0], values)
    _log(env, table, cells[0], values, user, deed)
    return cells


def _unique(table: Table, cells: Cells) -> None:
    """Raises: `VendorError` 412 where another row has the values of an alternate key."""
    for key in table.definition.keys.values():
        wires = [next(w for w, c in table.definition.columns.items() if c.name == name) for name in key.columns]
        wanted = {wire: cells[table.columns[wire]] for wire in wires}
        if None in wanted.values():
            continue
        if any(other != cells[0] for other in table.having(wanted)):
            raise VendorError(
                412, "0x80060892", "A record that has the attribute values " + f"{key.schema} already exists."
            )


def drop(env: Environment, table: Table, id_: str, user: str) -> None:
    """Deletes a row. Raises: `VendorError`."""
    demand(env, user, "Delete", table.definition)
    if id_ not in table.cells:
        raise no_row(table.definition.label, id_)
    demand_row(env, user, "Delete", table, table.cells[id_])
    refused = env.refused.get(id_)
    if refused is not None:
        raise VendorError(*refused)
    env.remove(table, id_)
    rules.after(env, table, id_, None)
    _log(env, table, id_, {}, user, "delete")


def _log(env: Environment, table: Table, id_: str, values: dict[str, Any], user: str, deed: str) -> None:
    entry = {"at": text_of(env.now()), "deed": deed, "table": table.definition.name, "id": id_}
    env.writes.append({**entry, "values": values, "user": user})
