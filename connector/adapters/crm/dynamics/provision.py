"""The connector's own things in Dynamics: what is missing of them, and how it is made, by us or by hand.

`deploy/dynamics/README.md` tells the same to people. What the YAML names is what is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.settings import Settings
from connector.adapters.crm.dynamics.versions import minimum
from connector.adapters.crm.dynamics.wire import Organization
from connector.core.errors import BugError, ConfigError
from connector.ports.adapter import Part

ROLE = "Suppression Connector Service"

_LABELS = {
    "email": "Email",
    "reason": "Suppression Reason",
    "since": "Suppressed since",
    "box": "Request Resubscribe",
    "request_date": "Resubscribe Request Date",
    "status": "Resubscription Status",
}
_KINDS = {"box": "two options, default No", "since": "date and time", "request_date": "date and time"}
_TEXT = "single line of text, 100"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewColumn:
    """A column to make: its logical name, what people read, and our word for it (`box`, `since`, …)."""

    table: str
    name: str
    label: str
    role: str


class Maker(Protocol):
    """What makes the parts, on a server that lets a program do it."""

    def has_role(self, name: str, privileges: Sequence[str]) -> bool:
        """Whether a security role of that name holds all of these privileges, everywhere."""

    def solution(self, name: str, version: str, prefix: str) -> None:
        """An empty solution with its publisher."""

    def table(self, table: Table, solution: str) -> None:
        """The table of entries with its primary column."""

    def column(self, column: NewColumn, solution: str) -> None:
        """One column."""

    def role(self, name: str, privileges: Sequence[str]) -> None:
        """The security role with these privileges for the whole organization."""


class Provision:
    """Tells and makes what is missing; `maker` is None where the server has no metadata API."""

    def __init__(
        self,
        organization: Organization,
        settings: Settings,
        tables: Mapping[str, Table],
        privileges: Sequence[str],
        maker: Maker | None,
    ) -> None:
        self._organization, self._settings, self._tables = organization, settings, tables
        self._privileges, self._maker = privileges, maker
        self._columns: dict[str, NewColumn] = {}

    @property
    def makes(self) -> bool:
        """Whether this server lets a program make tables."""
        return self._maker is not None

    def missing(self) -> Sequence[Part]:
        """What is not there, in the order in which it has to be made."""
        return [*self._solution(), *(p for t in self._tables.values() for p in self._table(t)), *self._role()]

    def _solution(self) -> Iterator[Part]:
        solution = self._settings.solution
        if solution and not self._organization.solution(solution.name):
            least = minimum(solution, self._settings.generation)
            prefix = _prefix(self._tables)
            by_hand = f"Settings, Solutions, New: {solution.name}, version {least}, a publisher with prefix {prefix}."
            yield Part(name="solution", what=f"solution {solution.name} {least}", by_hand=by_hand)

    def _table(self, table: Table) -> Iterator[Part]:
        described = self._organization.describe(table)
        if described is None and not table.is_entry:
            raise ConfigError(f"Dynamics has no table {table.name}; see crm.tables in the tenant's YAML.")
        if described is None:
            by_hand = (
                f"In the solution, Entities (Tables), New: {table.name}, owned by the organization; primary field "
                f"{table.email}, 320 long; track changes; area Marketing."
            )
            yield Part(
                name=f"table {table.name}", what=f"table {table.name} with its column {table.email}", by_hand=by_hand
            )
        there = described.columns if described else {table.email: None}
        for role, name in _ours(table):
            if name and name not in there:
                part = f"column {table.name}.{name}"
                self._columns[part] = NewColumn(table=table.name, name=name, label=_LABELS[role], role=role)
                kind = _KINDS.get(role, _TEXT)
                by_hand = f"In the solution, {table.name}, Fields (Columns), New: {name}, {_LABELS[role]!r}, {kind}."
                yield Part(name=part, what=f"{part} ({kind})", by_hand=by_hand)

    def _role(self) -> Iterator[Part]:
        if self._maker is None or self._maker.has_role(ROLE, self._privileges):
            return
        by_hand = (
            f"Settings, Security, Security Roles, New: {ROLE}, with {', '.join(self._privileges)} for the organization."
        )
        yield Part(name="role", what=f"security role {ROLE} with {len(self._privileges)} privileges", by_hand=by_hand)

    def make(self, part: Part) -> None:
        """Makes one part."""
        if self._maker is None:
            raise ConfigError(f"This Dynamics lets no program make it. By hand: {part.by_hand}")
        solution = self._settings.solution
        name = solution.name if solution else ""
        if part.name == "solution" and solution:
            self._maker.solution(name, minimum(solution, self._settings.generation), _prefix(self._tables))
        elif part.name == "role":
            self._maker.role(ROLE, self._privileges)
        elif part.name in self._columns:
            self._maker.column(self._columns[part.name], name)
        elif part.name.startswith("table "):
            (table,) = (t for t in self._tables.values() if t.is_entry)
            self._maker.table(table, name)
        else:
            raise BugError(f"Nobody makes {part.name}. Please report this.")


def _ours(table: Table) -> list[tuple[str, str]]:
    """The columns that we bring, by our word for each; mail columns, restrictions and list columns are not ours."""
    return [(role, getattr(table, role)) for role in ("reason", "since", "box", "request_date", "status")]


def _prefix(tables: Mapping[str, Table]) -> str:
    """The customization prefix that the names in the YAML begin with: `sc` of `sc_emailsuppression`."""
    names = [t.name for t in tables.values() if t.is_entry] + [n for t in tables.values() for _, n in _ours(t) if n]
    return next((name.partition("_")[0] for name in names if "_" in name), "sc")
