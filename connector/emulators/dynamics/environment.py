"""The state of one environment: tables, rows, users, settings, and a clock of its own."""

from __future__ import annotations

import gc
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.emulators.dynamics import messages, people
from connector.emulators.dynamics import solution as connector_solution
from connector.emulators.dynamics.errors import VendorError
from connector.emulators.dynamics.schema import Column, Definition, fixed_id
from connector.emulators.dynamics.store import Cells, Table
from connector.emulators.dynamics.tables import standard
from connector.emulators.dynamics.times import text_of

Undo = list[tuple[Table, str, Cells | None]]

SERVERS = {
    "365": "9.2.24091.218",
    "2016": "8.2.2.112",
    "2015": "7.0.1.129",
    "2013": "6.1.4.145",
    "2011": "5.0.9690.4376",
}
API = {"365": "9.2", "2016": "8.2"}


class Environment:
    """One environment in small. Its settings are plain attributes, and may be set at any time."""

    def __init__(
        self,
        *,
        generation: str = "365",
        organization: str = "acme",
        solution: str = "",
        tenant: str = "contoso.example.com",
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107  # the emulator's own, for tests
        certificate_pem: str = "",
        username: str = "CONTOSO\\connector",
        password: str = "password",  # noqa: S107  # as above
    ) -> None:
        if generation not in SERVERS:
            raise ValueError(f"generation is one of {', '.join(SERVERS)}, not {generation}")
        self.generation, self.organization, self.tenant = generation, organization, tenant
        self.client_id, self.client_secret, self.certificate_pem = client_id, client_secret, certificate_pem
        self.username, self.password = username, password
        self._settings()
        self.tables: dict[str, Table] = {}
        self.sets: dict[str, Table] = {}
        self.privileges: dict[str, str] = {}
        self.administrators = ""
        self.unit = self.admin = self.service = self.operator = self.outsider = ""
        for definition in standard():
            self.add_table(definition)
        people.arrive(self)
        for table in list(self.tables.values()):
            messages.announce(self, table.definition)
        if solution:
            self.install_solution(solution)

    def _settings(self) -> None:
        self.offset = timedelta()
        self.version, self._made = 1_000_000, 0
        self.server_version = SERVERS[self.generation]
        self.url = ""
        self.page = 5_000
        self.token_lifetime = 3_599
        self.tokens: dict[str, tuple[str, datetime]] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.delta_tokens: dict[tuple[str, str], set[str]] = {}
        self.expired_before = 0
        self.roles: dict[str, dict[str, str]] = {}
        self.holders: dict[str, set[str]] = {}
        self.field_profiles: dict[str, str] = {}
        self.refused: dict[str, tuple[int, str, str]] = {}
        self.closed_leads_read_only = True
        self.key_delay = 0.0
        self.dop_hint = 10
        self.request_limit = 0
        self.propagate_404 = False
        self.limits: list[dict[str, Any]] = []
        self.used: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self.writes: deque[dict[str, Any]] = deque(maxlen=500_000)
        self.sorted: tuple[Any, list[Cells]] = (None, [])
        self._undo: Undo | None = None

    # -- time and ids -------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        """The environment's clock: the machine's, plus an offset that control may set."""
        return datetime.now(UTC) + self.offset

    def next_version(self) -> int:
        """A fresh row version; they only grow."""
        self.version += 1
        return self.version

    def new_id(self, code: int) -> str:
        """A fresh id; later ones sort behind earlier ones, as the vendor's sequential ids do."""
        self._made += 1
        return f"{self._made:08x}-{code & 0xFFFF:04x}-ef11-a7f0-0022480a5c1b"

    # -- tables -------------------------------------------------------------------------------------------------
    def add_table(self, definition: Definition) -> Table:
        """A table that exists from now on, with its privileges."""
        table = Table(definition)
        self.tables[definition.name] = self.sets[definition.set] = table
        if self.unit:
            people.privileges_of(self, definition)
            messages.announce(self, definition)
        return table

    def add_column(self, table: str, column: Column) -> None:
        """A column that a table has from now on; rows that are there have nothing in it."""
        held = self.tables[table]
        if column.wire not in held.columns:
            column.id = column.id or fixed_id(table, column.name)
            held.definition.columns[column.wire] = column
            held.column(column.wire)

    def drop_table(self, name: str) -> None:
        """A table that is gone, with its rows."""
        definition = self.tables.pop(name).definition
        del self.sets[definition.set]
        messages.withdraw(self, definition)

    def install_solution(self, version: str) -> None:
        """The connector's solution in this version; the service's user gets its role alone."""
        connector_solution.install(self, version)

    def remove_solution(self) -> None:
        """An environment without it."""
        connector_solution.remove(self)

    # -- rows ---------------------------------------------------------------------------------------------------
    def plain(self, table_name: str, /, **values: Any) -> str:
        """A row that no API user writes; its id."""
        table = self.tables[table_name]
        stamp = text_of(self.now())
        key = table.definition.key
        made = {"createdon": stamp, "modifiedon": stamp, "versionnumber": self.next_version(), **values}
        made.setdefault(key, self.new_id(table.definition.code))
        self.store(table, table.row(made))
        return str(made[key])

    def find(self, table_name: str, /, **values: Any) -> dict[str, Any] | None:
        """The first row with these values."""
        table = self.tables[table_name]
        wanted = [(table.columns[wire], value) for wire, value in values.items()]
        found = (c for c in table.cells.values() if all(c[at] == value for at, value in wanted))
        cells = next(found, None)
        return None if cells is None else table.values(cells)

    def store(self, table: Table, cells: Cells) -> None:
        """Stores a row, so that an open transaction can take it back."""
        if self._undo is not None:
            self._undo.append((table, cells[0], table.cells.get(cells[0])))
        table.store(cells)

    def remove(self, table: Table, id_: str) -> None:
        """Deletes a row, so that an open transaction can take it back."""
        if self._undo is not None:
            self._undo.append((table, id_, table.cells.get(id_)))
        table.remove(id_, self.next_version())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: what was written is taken back if a refusal leaves the block."""
        if self._undo is not None:
            yield
            return
        undo: Undo = []
        self._undo, logged = undo, len(self.writes)
        marks = {name: table.marks() for name, table in self.tables.items()}
        try:
            yield
        except VendorError:
            for table, id_, cells in reversed(undo):
                table.put_back(id_, cells)
            for table in {id(t): t for t, _, _ in undo}.values():
                table.undo(marks[table.definition.name])
            while len(self.writes) > logged:
                self.writes.pop()
            raise
        finally:
            self._undo = None

    # -- loading ------------------------------------------------------------------------------------------------
    def load(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Many rows by wire names, as an import done long ago left them; how many. No check is made."""
        table = self.tables[name]
        memo = dict[Any, Any]()

        def made() -> Iterator[Cells]:
            blank = self._long_ago(table)
            for given in rows:
                row = blank.copy()
                for wire, value in given.items():
                    row[table.columns[wire]] = memo.setdefault(value, value) if len(memo) < 50_000 else value
                yield self._numbered(table, row)

        return self._extended(table, made())

    def fill(self, name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """The same from tuples of values in the order of `names`: the fast way for a generated population."""
        table = self.tables[name]
        places = [table.columns[wire] for wire in names]

        def made() -> Iterator[Cells]:
            blank = self._long_ago(table)
            for values in rows:
                row = blank.copy()
                for at, value in zip(places, values, strict=True):
                    row[at] = value
                yield self._numbered(table, row)

        return self._extended(table, made())

    def _numbered(self, table: Table, row: list[Any]) -> Cells:
        row[0] = row[0] or self.new_id(table.definition.code)
        self.version += 1
        row[1] = self.version
        return tuple(row)

    def _long_ago(self, table: Table) -> list[Any]:
        stamp, admin = text_of(self.now() - timedelta(days=90)), self.admin
        made = dict.fromkeys(("createdon", "modifiedon"), stamp)
        users = dict.fromkeys(("_createdby_value", "_modifiedby_value", "_ownerid_value"), admin)
        return list(table.row(made | {k: v for k, v in users.items() if k in table.columns}))

    def _extended(self, table: Table, rows: Iterable[Cells]) -> int:
        was = gc.isenabled()
        gc.disable()  # a million tuples that stay would be looked through again and again
        try:
            return table.extend(rows)
        finally:
            if was:
                gc.enable()

    # -- who is here --------------------------------------------------------------------------------------------
    @property
    def id(self) -> str:
        """The organization's id."""
        return fixed_id("organization", self.organization)
