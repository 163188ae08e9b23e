"""Collections that a row leads to ("Retrieve related rows"): a user's roles and column profiles, a role's rights.

A collection of references is written by `$ref` ("Associate and disassociate rows").
"""

from __future__ import annotations

from collections.abc import Callable

from connector.emulators.dynamics import reading
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.errors import no_row, no_segment, not_allowed, payload
from connector.emulators.dynamics.keys import Place
from connector.emulators.dynamics.security import demand
from connector.emulators.dynamics.store import Table
from connector.emulators.dynamics.values import reference


def _roles(env: Environment, user: str) -> set[str]:
    return env.holders.get(user, set())


def _profiles(env: Environment, user: str) -> set[str]:
    return {env.field_profiles[user]} if user in env.field_profiles else set()


def _privileges(env: Environment, role: str) -> set[str]:
    administrator = role == env.administrators
    return {env.privileges[name] for name in (env.privileges if administrator else env.roles.get(role, ()))}


_COLLECTIONS: dict[tuple[str, str], tuple[str, Callable[[Environment, str], set[str]]]] = {
    ("systemuser", "systemuserroles_association"): ("role", _roles),
    ("systemuser", "systemuserprofiles_association"): ("fieldsecurityprofile", _profiles),
    ("role", "roleprivileges_association"): ("privilege", _privileges),
}


def follow(ask: Ask, table: Table, place: Place, names: list[str]) -> Answer:
    """What stands behind a row's address. Raises: `VendorError` 404 for a property that leads nowhere."""
    found = _COLLECTIONS.get((table.definition.name, names[0]))
    if found is None or names[1:] not in ([], ["$ref"]):
        raise no_segment(names[0])
    if place.id not in table.cells:
        raise no_row(table.definition.label, place.id)
    target, ids = ask.env.tables[found[0]], found[1](ask.env, place.id)
    if names[1:] == ["$ref"]:
        return _associate(ask, place, target, names[0])
    if ask.method != "GET":
        raise not_allowed(ask.method)
    demand(ask.env, ask.user, "Read", table.definition)
    return reading.many(ask, target, lambda cells: cells[0] in ids)


def _associate(ask: Ask, place: Place, target: Table, name: str) -> Answer:
    """A user gets a role: `POST systemusers(id)/systemuserroles_association/$ref`."""
    if ask.method != "POST" or name != "systemuserroles_association":
        raise not_allowed(ask.method)
    demand(ask.env, ask.user, "Assign", target.definition)
    body = ask.json()
    if set(body) - {"@odata.context"} != {"@odata.id"}:
        raise payload("A reference is @odata.id alone.")
    table, role = reference(ask, body["@odata.id"])
    if table is not target:
        raise payload(f"'{name}' cannot refer to {table.definition.name}.")
    ask.env.holders.setdefault(place.id, set()).add(role)
    return Answer()
