"""The org's state: rows, users, permissions, settings, and a clock of its own."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.emulators.salesforce import package, person
from connector.emulators.salesforce.access import holds_permission
from connector.emulators.salesforce.ids import Ids, full_id, long_id
from connector.emulators.salesforce.objects import standard
from connector.emulators.salesforce.package import PERMISSION, REFUSED_TICK
from connector.emulators.salesforce.rules import Rule
from connector.emulators.salesforce.table import Cells, Rows, Table
from connector.emulators.salesforce.times import text_of

__all__ = ["PERMISSION", "REFUSED_TICK", "Org"]

Undo = list[tuple[str, str, Cells | None]]


class Org:
    """One Salesforce org in small. Its settings are plain attributes, and may be set at any time."""

    def __init__(
        self,
        *,
        name: str = "Emulated",
        number: int = 1,
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107  # the emulator's own, for tests
        certificate_pem: str = "",
        username: str = "integration@example.com",
        password: str = "password",  # noqa: S107  # as above
        token: str = "token",  # noqa: S107  # as above
    ) -> None:
        self.client_id, self.client_secret, self.certificate_pem = client_id, client_secret, certificate_pem
        self.username, self.password, self.token = username, password, token
        self.id = full_id("00D", number)
        self._settings()
        self._ids: dict[str, Ids] = {}
        self.tables = {object_.name: Table(object_) for object_ in standard().values()}
        self._people(name)

    def _settings(self) -> None:
        self.offset = timedelta()
        self.edition, self.api_enabled = "Enterprise Edition", True
        self.limit, self.used = 1_000_000, 0
        self.bulk_delay = 0.0
        self.bulk_stop: int | None = None
        self.page, self.bulk_page = 2_000, 250_000
        self.validation = True
        self.rules: list[Rule] = []
        self.duplicate_rules: set[str] = set()
        self.tracked: set[str] = set()
        self.hidden: set[str] = set()
        self.readonly: set[str] = set()
        self.profile_security: dict[str, dict[str, str]] = {}
        self.rights: dict[str, dict[str, bool]] = {}
        self.locked: dict[str, int] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        self.flows = {"client_credentials", "jwt", "password", "refresh_token", "soap"}
        self.rotation = True
        self.sessions: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.open_transaction: str | None = None
        self.writes: deque[dict[str, Any]] = deque(maxlen=500_000)
        self._undo: Undo | None = None
        self.touch_schema()

    def _people(self, name: str) -> None:
        self.plain("Organization", Id=self.id, Name=name, OrganizationType=self.edition, IsSandbox=False)
        names = ("Integration", "System Administrator", "Standard User")
        profiles = [self.plain("Profile", Name=profile) for profile in names]
        self.integration = self.user(self.username, "Integration User", profiles[0])
        self.admin = self.user("admin@example.com", "Admin", profiles[1])
        self.operator = self.user("operator@example.com", "Operator", profiles[2])
        self.plain_user = self.user("user@example.com", "User", profiles[2])
        self.approved = {self.integration}

    # -- time and ids -------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        """The org's clock: the machine's, plus an offset that control may set."""
        return datetime.now(UTC) + self.offset

    def new_id(self, prefix: str) -> str:
        """A fresh id with this key prefix."""
        return next(self._ids.setdefault(prefix, Ids(prefix)))

    def touch_schema(self) -> None:
        """Remembers when a describe last changed, for If-Modified-Since."""
        self.schema_changed = self.now().replace(microsecond=0)

    # -- building -----------------------------------------------------------------------------------------------
    def stamped(self, user: str) -> dict[str, Any]:
        """The system fields of a row that this user creates now."""
        stamp = text_of(self.now())
        times = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
        return {**times, "CreatedById": user, "LastModifiedById": user}

    def plain(self, object_name: str, **values: Any) -> str:
        """A row that no API user writes; its id."""
        table = self.tables[object_name]
        made = {"Id": "", **self.stamped(getattr(self, "integration", "")), **values}
        made["Id"] = made["Id"] or self.new_id(table.object.prefix)
        table.store(table.row(made))
        return str(made["Id"])

    def user(self, username: str, name: str, profile: str = "") -> str:
        """A new user's id. Without a profile they are a Standard User."""
        found = {row["Name"]: id_ for id_, row in self.rows("Profile").items()}
        profile = found.get(profile, profile) or found["Standard User"]
        return self.plain("User", Username=username, Name=name, Email=username, IsActive=True, ProfileId=profile)

    def install_package(self) -> None:
        """The connector's package: fields, tracking, permission, permission sets, validation rule."""
        package.install(self)

    def uninstall_package(self) -> None:
        """An org without it."""
        package.uninstall(self)

    def enable_person_accounts(self) -> None:
        """Switches the feature on; an org cannot switch it off again."""
        package.enable_person_accounts(self)

    # -- reading for the rest of the emulator -------------------------------------------------------------------
    def rows(self, object_name: str) -> Rows:
        """All rows of an object by id, deleted ones included."""
        return self.tables[object_name].rows

    def holds_permission(self, user: str) -> bool:
        """Whether a user holds the custom permission, by any of its permission sets."""
        return holds_permission(self, user)

    # -- storing ------------------------------------------------------------------------------------------------
    def store(self, table: Table, cells: Cells) -> None:
        """Stores a row, so that an open transaction can take it back."""
        if self._undo is not None:
            self._undo.append((table.object.name, cells[0], table.cells.get(cells[0])))
        table.store(cells)

    @contextmanager
    def transaction(self) -> Iterator[list[bool]]:
        """All or nothing: what was written is taken back if the list that is handed out is not empty at the end."""
        failed: list[bool] = []
        self._undo, logged = [], len(self.writes)
        try:
            yield failed
        finally:
            undo, self._undo = self._undo, None
            if failed:
                for name, id_, cells in reversed(undo):
                    self.tables[name].put_back(id_, cells)
                while len(self.writes) > logged:
                    self.writes.pop()

    # -- loading ------------------------------------------------------------------------------------------------
    def load_contacts(self, people: Iterable[Mapping[str, Any]]) -> int:
        """Many contacts at once; how many."""
        return self.load("Contact", people)

    def load(self, object_name: str, people: Iterable[Mapping[str, Any]]) -> int:
        """Many rows at once, as an import done long ago would have left them; how many.

        No check is made. `Id`, `SystemModstamp` and the like may be given. A value that is given often is kept once.
        """
        table = self.tables[object_name]
        blank = self._long_ago(table)
        columns, memo = table.columns, dict[Any, Any]()
        made = person.completing(self, table) if object_name == "Account" else None

        def rows() -> Iterator[Cells]:
            for given in people:
                row = [*blank, *table.defaults[len(blank) :]]
                for name, value in given.items():
                    at = columns.get(name)
                    if at is None:
                        at = table.column(name)
                        row.append(None)
                    row[at] = memo.setdefault(value, value) if len(memo) < 50_000 else value
                row[0] = long_id(row[0]) if row[0] else self.new_id(table.object.prefix)
                yield tuple(row) if made is None else made(tuple(row))

        return self._extended(table, rows())

    def fill(self, object_name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """The same from tuples of values in the order of `names`: the fast way for a generated population."""
        table = self.tables[object_name]
        places = [table.column(name) for name in names]
        blank, fresh = self._long_ago(table), self._ids.setdefault(table.object.prefix, Ids(table.object.prefix))

        def made() -> Iterator[Cells]:
            for values in rows:
                row = blank.copy()
                for at, value in zip(places, values, strict=True):
                    row[at] = value
                row[0] = row[0] or next(fresh)
                yield tuple(row)

        return self._extended(table, made())

    def _long_ago(self, table: Table) -> list[Any]:
        stamp = text_of(self.now() - timedelta(days=90))
        times = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
        return list(table.row({**self.stamped(self.integration), **times, "Id": None}))

    def _extended(self, table: Table, rows: Iterable[Cells]) -> int:
        was = gc.isenabled()
        gc.disable()  # a million tuples that stay would be looked through again and again
        try:
            return table.extend(rows)
        finally:
            if was:
                gc.enable()
