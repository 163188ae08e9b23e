"""What `connector check` asks of a Dynamics organization (N14): it fails closed, and names column, right and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from connector.adapters.crm.dynamics.privileges import used
from connector.adapters.crm.dynamics.records import Table
from connector.adapters.crm.dynamics.settings import Settings
from connector.adapters.crm.dynamics.versions import GUIDE, MENU, server_finding, solution_finding
from connector.adapters.crm.dynamics.wire import Column, Described, Organization
from connector.core.errors import ConfigError, Failure
from connector.core.policy import Policy
from connector.ports.adapter import Finding, Level

CLOCKS_APART = 300.0
"""Seconds between the clocks from which on a warning is given; the difference itself is corrected."""

ROLE = "Give the integration user the security role Suppression Connector Service"


class Check:
    """One organization's findings, in the order in which a person would mend them."""

    def __init__(
        self, organization: Organization, settings: Settings, tables: Mapping[str, Table], policy: Policy
    ) -> None:
        self._organization, self._settings, self._tables, self._policy = organization, settings, tables, policy

    def findings(self) -> Iterator[Finding]:
        """Every finding. Raises: `ConfigError`, `TransientError` where the organization cannot even be asked."""
        found = f"signed in to organization {self._organization.organization()}."
        yield Finding(level=Level.OK, what="login", found=found)
        yield server_finding(self._organization.version(), self._settings.generation)
        yield self._clock()
        if self._settings.solution:
            yield solution_finding(self._organization, self._settings.solution, self._settings.generation)
        for table in self._tables.values():
            yield from self._table(table)
        yield from self._rights()

    def _clock(self) -> Finding:
        offset = self._organization.clock_offset()
        apart = abs(offset) > timedelta(seconds=CLOCKS_APART)
        found = f"the server's clock is {offset.total_seconds():+.0f} s from ours; times are corrected by that."
        return Finding(level=Level.WARNING if apart else Level.OK, what="clock", found=found)

    def _table(self, table: Table) -> Iterator[Finding]:
        try:
            described = self._organization.describe(table)
        except ConfigError as error:
            found = f"its columns cannot be read ({error.operator})."
            yield Finding(level=Level.UNKNOWN, what=table.name, found=found, todo=f"{ROLE}: {GUIDE}.")
            return
        if described is None:
            todo = f"See crm.tables and crm.suppressions, or install the solution: {GUIDE}."
            yield Finding(level=Level.ERROR, what=table.name, found="there is no such table.", todo=todo)
            return
        if table.is_entry:
            found = f"users find it under {MENU[self._settings.generation]}."
            yield Finding(level=Level.OK, what=table.name, found=found)
        for column, writes in table.wanted().items():
            yield _column(f"{table.name}.{column}", writes, described.columns.get(column))
        yield from _kinds(table, described)
        yield from self._born(table, described)
        yield from _abilities(table, described)

    def _born(self, table: Table, described: Described) -> Iterator[Finding]:
        """Rule 13: a restriction that is born set needs a decision."""
        column = described.columns.get(table.restriction)
        if column and column.default is True and self._policy.born_restricted is None:
            found = "is set on every new record by its default, and would be taken for an opt-out."
            todo = "Set its default to Allow, or say policy.born_restricted: opt_out or ignore."
            yield Finding(level=Level.ERROR, what=f"{table.name}.{table.restriction}", found=found, todo=todo)

    def _rights(self) -> Iterator[Finding]:
        """What the integration user may do, table by table, and whether everywhere."""
        wanted = used(self._settings, self._tables, self._policy)
        try:
            depths = self._organization.rights(sorted(wanted)).depths
        except Failure as error:
            found = f"cannot be read ({error.operator})."
            yield Finding(level=Level.UNKNOWN, what="rights", found=found, todo=f"{ROLE}: {GUIDE}.")
            return
        missing = [name for name in wanted if name.lower() not in depths]
        shallow = [n for n in wanted if n not in missing and depths[n.lower()] != "Global"]
        if missing:
            found = f"missing: {', '.join(missing)}."
            yield Finding(level=Level.ERROR, what="rights", found=found, todo=f"{ROLE}: {GUIDE}.")
        if shallow:
            found = f"not for the whole organization: {', '.join(shallow)}; change tracking and lifts need all records."
            yield Finding(level=Level.ERROR, what="rights", found=found, todo="Set them to Organization depth.")
        if not missing and not shallow:
            found = f"{len(wanted)} privileges at organization depth."
            yield Finding(level=Level.OK, what="rights", found=found)


def _column(what: str, writes: bool, column: Column | None) -> Finding:
    if column is None:
        todo = f"Install the solution, or name another column: {GUIDE}."
        return Finding(level=Level.ERROR, what=what, found="there is no such column.", todo=todo)
    if not column.readable:
        found = "is secured, and we may not read it: every record would be unreadable, and nobody be let go."
        todo = f"Put the integration user into a column security profile that may read and update it: {GUIDE}."
        return Finding(level=Level.ERROR, what=what, found=found, todo=todo)
    if writes and not column.updatable:
        found = "may be read but not written."
        todo = f"Allow update on it in a column security profile, or name another column: {GUIDE}."
        return Finding(level=Level.ERROR, what=what, found=found, todo=todo)
    secured = " It is secured, and we have the right." if column.secured else ""
    found = ("readable and writable." if writes else "readable.") + secured
    return Finding(level=Level.OK, what=what, found=found)


def _kinds(table: Table, described: Described) -> Iterator[Finding]:
    """Columns that are of another kind than what we write there."""
    for name in (table.restriction, table.box):
        column = described.columns.get(name)
        if column and column.kind != "Boolean":
            found = f"is a {column.kind} where yes or no is needed."
            yield Finding(level=Level.ERROR, what=f"{table.name}.{name}", found=found, todo="Name another column.")
    for mapping, name in table.lists:
        column = described.columns.get(name)
        said = (mapping.words.subscribed, mapping.words.unsubscribed)
        fits = {
            "Boolean": lambda word: word.lower() in ("true", "false"),
            "Picklist": lambda word: word.isascii() and word.isdigit(),
        }.get(column.kind if column else "", lambda _: True)
        if column and not all(map(fits, said)):
            found = f"is a {column.kind}, which cannot hold {said[0]!r} and {said[1]!r}."
            todo = "A yes/no column takes true and false, a choice the numbers of its values."
            yield Finding(level=Level.ERROR, what=f"{table.name}.{name}", found=found, todo=todo)


def _abilities(table: Table, described: Described) -> Iterator[Finding]:
    """What the server can do with this table: track changes, hold versions, write many rows at once."""
    what = f"{table.name}: change tracking"
    if described.tracked is False:
        found = "is off: changes are found by modifiedon, and deletions by the sweep alone."
        todo = f"Switch on Track changes for {table.name}: {GUIDE}."
        yield Finding(level=Level.WARNING, what=what, found=found, todo=todo)
    elif described.tracked:
        yield Finding(level=Level.OK, what=what, found="on.")
    if described.versioned is False:
        found = "has no optimistic concurrency, by which a lift is tied to what was looked at."
        todo = f"Switch it on for {table.name}: {GUIDE}."
        yield Finding(level=Level.ERROR, what=f"{table.name}: versions", found=found, todo=todo)
    if described.bulk is not None:
        how = (
            "UpdateMultiple, 1,000 records a call."
            if described.bulk
            else "batches of 1,000: there is no UpdateMultiple."
        )
        yield Finding(level=Level.OK, what=f"{table.name}: writing", found=how)
