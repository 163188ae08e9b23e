"""Which messages a table takes, as `sdkmessagefilters` tell ("Message and message filter tables")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.emulators.dynamics.bulk import MESSAGES
from connector.emulators.dynamics.schema import Definition

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

_SINGLE = ("Create", "Retrieve", "RetrieveMultiple", "Update", "Delete")


def announce(env: Environment, definition: Definition) -> None:
    """Filters for each message of a table; bulk messages are 365's alone."""
    bulk = MESSAGES if definition.bulk and env.generation == "365" else ()
    for name in (*_SINGLE, *bulk):
        found = env.find("sdkmessage", name=name)
        id_ = found["sdkmessageid"] if found else env.plain("sdkmessage", name=name)
        env.plain("sdkmessagefilter", primaryobjecttypecode=definition.name, _sdkmessageid_value=id_)


def withdraw(env: Environment, definition: Definition) -> None:
    """Those of a table that is gone."""
    filters = env.tables["sdkmessagefilter"]
    for id_ in list(filters.having({"primaryobjecttypecode": definition.name})):
        env.remove(filters, id_)
