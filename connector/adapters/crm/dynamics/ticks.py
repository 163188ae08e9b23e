"""Who saved a tick (S22, S41-S43): the record's own modifiedby and modifiedon.

Dynamics tells no history of a column without auditing. An entry that is ticked is saved by whoever ticked it, and that
save is the recorded request where the policy demands no permission; where it demands one, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.adapters.crm.dynamics.records import MODIFIED, MODIFIER, Table
from connector.adapters.crm.dynamics.wire import Organization
from connector.core.restriction import Ref
from connector.core.view import Tick


class Ticks:
    """Reads the saved ticks. `permission` is empty where nobody asks for one."""

    def __init__(self, organization: Organization, tables: Mapping[str, Table], permission: str) -> None:
        self._organization, self._tables, self._permission = organization, tables, permission

    def ticks(self, refs: Sequence[Ref]) -> dict[Ref, Tick]:
        """A tick for every ref; nobody and None where the box is not ticked now."""
        return {ref: self._tick(ref) for ref in refs}

    def _tick(self, ref: Ref) -> Tick:
        table = self._tables.get(ref.entity)
        row = self._organization.fetch(table, ref.id, [table.box, MODIFIED, MODIFIER]) if table and table.box else None
        if table is None or row is None or row.values.get(table.box) is not True:
            return Tick()
        by, at = str(row.values.get(MODIFIER) or ""), row.values.get(MODIFIED)
        if not by or not isinstance(at, datetime):
            return Tick()
        return Tick(by=by, at=at, allowed=None if self._permission else True)
