"""The privileges that we use, by their names at the vendor. Security roles: "Security role and privilege reference"."""

from __future__ import annotations

from collections.abc import Mapping

from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.settings import Settings
from connector.core.policy import Policy

READS = ("prvReadSolution", "prvReadOrganization", "prvReadUser", "prvReadRole")
"""What a sync and a check read of the system itself."""


def used(settings: Settings, tables: Mapping[str, Table], policy: Policy) -> list[str]:
    """Every privilege on tables and notes that this tenant's YAML asks for."""
    names = [name for table in tables.values() for name in _on(table, settings, policy)]
    if settings.notes.kind == "annotation":
        names += ["prvCreateNote", "prvReadNote", "prvAppendNote"]
    return names


def _on(table: Table, settings: Settings, policy: Policy) -> list[str]:
    deeds = ["Read", "Write"]
    if table.is_entry:
        deeds += ["Create", "Delete"]
    else:
        deeds += ["Create"] if policy.creates and table.name == settings.creates else []
        deeds += ["AppendTo"] if settings.notes.kind == "annotation" else []
    # a privilege is named after the table's schema name: Contact, and for a table of ours as it was made
    word = table.name if table.is_entry else table.name.capitalize()
    return [f"prv{deed}{word}" for deed in deeds]
