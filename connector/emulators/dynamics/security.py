"""Who may do what: privileges of a role, and column security ("Column-level security").

A secured column that a user may not read is null, without an error; one they may not write is a 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.emulators.dynamics import people
from connector.emulators.dynamics.errors import VendorError
from connector.emulators.dynamics.schema import Column, Definition
from connector.emulators.dynamics.store import Cells, Table

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

_CODES = {"Read": "0x8004f504", "Update": "0x8004f507", "Create": "0x8004f502"}


def demand(env: Environment, user: str, deed: str, definition: Definition) -> str:
    """The depth of a user's privilege on a table. Raises: `VendorError` 403 if they do not have it."""
    return demand_named(
        env, user, f"prv{deed}{definition.privilege}", f" on OTC={definition.code} for entity '{definition.name}'"
    )


def demand_row(env: Environment, user: str, deed: str, table: Table, cells: Cells) -> None:
    """A privilege on one row: of basic depth it reaches what a user owns, and there is one business unit.

    Raises: `VendorError` 403.
    """
    if demand(env, user, deed, table.definition) == "Basic" and not owns(user, table, cells):
        words = f"Principal user (Id={user}) does not have {deed}Access right for {table.definition.name} {cells[0]}"
        raise VendorError(403, "0x80048405", words)


def owns(user: str, table: Table, cells: Cells) -> bool:
    """Whether a row is this user's. What belongs to the organization is everybody's."""
    at = table.columns.get("_ownerid_value")
    return at is None or cells[at] == user


def demand_named(env: Environment, user: str, privilege: str, where: str = "") -> str:
    """The same for a privilege by name."""
    depth = people.depth(env, user, privilege)
    if not depth:
        words = (
            f"Principal user (Id={user}, type=8, roleCount={len(env.holders.get(user, ()))}, accessMode=4) "
            f"is missing {privilege} privilege (Id={env.privileges.get(privilege, '')}){where}."
        )
        raise VendorError(403, "0x80040220", words)
    return depth


def permitted(env: Environment, user: str, definition: Definition, column: Column, deed: str) -> bool:
    """Whether a user may Read, Update or Create this column. System Administrators may."""
    if not column.secured:
        return True
    if env.administrators in env.holders.get(user, ()):
        return True
    found = env.find(
        "fieldpermission",
        entityname=definition.name,
        attributelogicalname=column.name,
        _fieldsecurityprofileid_value=env.field_profiles.get(user, "none"),
    )
    return found is not None and found[f"can{deed.lower()}"] == 4


def unreadable(env: Environment, definition: Definition, user: str) -> frozenset[str]:
    """Wire names of the columns that are null for this user. Nobody in particular (an empty user) reads everything."""
    if not user:
        return frozenset()
    secured = (c for c in definition.columns.values() if c.secured)
    return frozenset(c.wire for c in secured if not permitted(env, user, definition, c, "Read"))


def demand_column(env: Environment, user: str, definition: Definition, column: Column, deed: str) -> None:
    """Raises: `VendorError` 403 if a user may not Update or Create a secured column."""
    if not permitted(env, user, definition, column, deed):
        words = (
            f"Caller user with Id {user} does not have {deed.lower()} permissions to a {column.label or column.schema}"
        )
        raise VendorError(403, _CODES[deed], f"{words} secured field on entity {definition.label}.")
