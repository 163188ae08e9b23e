"""The org's state: rows, users, permissions, settings, and a clock of its own."""

from __future__ import annotations

import itertools
import string
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.emulators.salesforce.schema import LIST_FIELDS, PACKAGE_FIELDS, PERSON_FIELDS, Field, Object, standard
from connector.emulators.salesforce.times import text_of

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"

PERMISSION = "Administrative_Data_Management"
REFUSED_TICK = (
    "Re-Subscribe needs the permission Administrative Data Management. Ask your Salesforce administrator to assign "
    "the permission set Resubscribe Operators."
)


def full_id(prefix: str, number: int) -> str:
    """An 18-character id: prefix, counter in base 62, and the case checksum."""
    digits = ""
    for _ in range(12):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    short = prefix + digits
    return short + checksum(short)


def checksum(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost."""
    chunks = (short[i : i + 5] for i in (0, 5, 10))
    return "".join(_SUFFIX[sum(1 << i for i, c in enumerate(chunk) if c.isupper())] for chunk in chunks)


class Table:
    """The rows of one object, with indexes on id, lower-case address and SystemModstamp."""

    def __init__(self, object_: Object) -> None:
        self.object = object_
        self.rows: dict[str, dict[str, Any]] = {}
        self.email = "PersonEmail" if object_.name == "Account" else "Email"
        self.by_email: dict[str, set[str]] = {}
        self.stamps: list[tuple[str, str]] = []

    def put(self, row: dict[str, Any], old_email: str | None = None) -> None:
        """Stores a row and its index entries; stale stamps are left and passed over."""
        self.rows[row["Id"]] = row
        if old_email:
            self.by_email.get(old_email.lower(), set()).discard(row["Id"])
        if row.get(self.email):
            self.by_email.setdefault(row[self.email].lower(), set()).add(row["Id"])
        entry = (row["SystemModstamp"], row["Id"])
        if not self.stamps or self.stamps[-1] <= entry:
            self.stamps.append(entry)
        else:
            insort(self.stamps, entry)

    def between(self, low: str, high: str) -> Iterator[dict[str, Any]]:
        """Rows stamped from `low` on and before `high`."""
        for at in range(bisect_left(self.stamps, (low, "")), bisect_left(self.stamps, (high, ""))):
            stamp, id_ = self.stamps[at]
            row = self.rows.get(id_)
            if row is not None and row["SystemModstamp"] == stamp:
                yield row


class Org:
    """One Salesforce org in small."""

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
        self.offset = timedelta()
        self.edition = "Enterprise Edition"
        self.api_enabled = True
        self.limit, self.used = 1_000_000, 0
        self.bulk_delay = 0.0
        self.page, self.bulk_page = 2_000, 250_000
        self.validation = True
        self.tracked: set[str] = set()
        self.hidden: set[str] = set()
        self.readonly: set[str] = set()
        self.locked: dict[str, int] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        self.sessions: dict[str, str] = {}
        self.writes: deque[dict[str, Any]] = deque(maxlen=500_000)
        self._numbers = itertools.count(1)
        self._ids: dict[str, itertools.count[int]] = {}
        self.tables = {object_name: Table(o) for object_name, o in standard().items()}
        self.id = full_id("00D", number)
        self._people(name)

    def _people(self, name: str) -> None:
        self._plain("Organization", Id=self.id, Name=name, OrganizationType=self.edition, IsSandbox=False)
        self.integration = self.user(self.username, "Integration User")
        self.admin = self.user("admin@example.com", "Admin")
        self.operator = self.user("operator@example.com", "Operator")
        self.plain_user = self.user("user@example.com", "User")

    # -- time and ids -------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        """The org's clock: the machine's, plus an offset that control may set."""
        return datetime.now(UTC) + self.offset

    def new_id(self, prefix: str) -> str:
        """A fresh id with this key prefix."""
        return full_id(prefix, next(self._ids.setdefault(prefix, itertools.count(1))))

    # -- building -----------------------------------------------------------------------------------------------
    def _plain(self, object_name: str, **values: Any) -> str:
        """A row that no API user writes."""
        table = self.tables[object_name]
        row = self.blank(table.object)
        row["Id"] = self.new_id(table.object.prefix)
        row.update(values)
        table.put(row)
        return str(row["Id"])

    def blank(self, object_: Object) -> dict[str, Any]:
        """A row of defaults, stamped now."""
        row = {name: f.default for name, f in object_.fields.items()}
        stamp = text_of(self.now())
        row.update(CreatedDate=stamp, LastModifiedDate=stamp, SystemModstamp=stamp)
        row.update(CreatedById=getattr(self, "integration", ""), LastModifiedById=getattr(self, "integration", ""))
        return row

    def user(self, username: str, name: str) -> str:
        """A new user's id."""
        return self._plain("User", Username=username, Name=name, IsActive=True)

    def install_package(self) -> None:
        """The connector's package: fields, tracking, permission, permission sets, validation rule."""
        for name in ("Contact", "Lead"):
            self._add_fields(name, (*PACKAGE_FIELDS, *LIST_FIELDS))
            self.tracked.add(f"{name}.Resubscribe_Requested__c")
        if "PersonEmail" in self.tables["Account"].object.fields:
            self._add_person_fields()
        if not self.rows("CustomPermission"):
            permission = self._plain("CustomPermission", DeveloperName=PERMISSION)
            operators = self._plain("PermissionSet", Name="Resubscribe_Operators", Label="Resubscribe Operators")
            ours = self._plain("PermissionSet", Name="Suppression_Connector", Label="Suppression Connector")
            self._plain("PermissionSetAssignment", AssigneeId=self.integration, PermissionSetId=ours)
            self._plain("UserSetupEntityAccess", DeveloperName=PERMISSION, SetupEntityId=permission)
            for object_name in ("Contact", "Lead"):
                for f in ("HasOptedOutOfEmail", *(p.name for p in PACKAGE_FIELDS)):
                    granted = {"PermissionsRead": True, "PermissionsEdit": True, "SobjectType": object_name}
                    self._plain("FieldPermissions", ParentId=ours, Field=f"{object_name}.{f}", **granted)
            access = {"SetupEntityId": permission, "SetupEntityType": "CustomPermission"}
            for granting in (operators, ours):
                self._plain("SetupEntityAccess", ParentId=granting, **access)
            for user in (self.admin, self.operator):
                self._plain("PermissionSetAssignment", AssigneeId=user, PermissionSetId=operators)

    def uninstall_package(self) -> None:
        """An org without it: the fields and the permission are gone."""
        for name in ("Contact", "Lead"):
            object_ = self.tables[name].object
            for f in (*PACKAGE_FIELDS, *LIST_FIELDS):
                object_.fields.pop(f.name, None)
            object_.index()
            self.tracked.discard(f"{name}.Resubscribe_Requested__c")
        for name in ("CustomPermission", "SetupEntityAccess", "PermissionSetAssignment", "UserSetupEntityAccess"):
            self.tables[name] = Table(self.tables[name].object)

    def enable_person_accounts(self) -> None:
        """Switches the feature on; an org cannot switch it off again."""
        self._add_fields("Account", PERSON_FIELDS)
        self._add_fields("Contact", (Field(name="IsPersonAccount", type="boolean", writable=False, default=False),))
        if "Resubscribe_Requested__c" in self.tables["Contact"].object.fields:
            self._add_person_fields()

    def _add_person_fields(self) -> None:
        mirrored = tuple(
            Field(**{**vars(f), "name": f.name.removesuffix("__c") + "__pc"}) for f in (*PACKAGE_FIELDS, *LIST_FIELDS)
        )
        self._add_fields("Account", mirrored)
        self.tracked.add("Account.Resubscribe_Requested__pc")

    def _add_fields(self, object_name: str, fields: Iterable[Field]) -> None:
        table = self.tables[object_name]
        for f in fields:
            table.object.fields[f.name] = f
            for row in table.rows.values():
                row.setdefault(f.name, f.default)
        table.object.index()

    # -- reading for the rest of the emulator -------------------------------------------------------------------
    def rows(self, object_name: str) -> dict[str, dict[str, Any]]:
        """All rows of an object by id, deleted ones included."""
        return self.tables[object_name].rows

    def holds_permission(self, user: str) -> bool:
        """Whether a user holds the custom permission, by any of its permission sets."""
        granting = {r["ParentId"] for r in self.rows("SetupEntityAccess").values()}
        assigned = self.rows("PermissionSetAssignment").values()
        return any(r["AssigneeId"] == user and r["PermissionSetId"] in granting for r in assigned)

    def load(self, object_name: str, people: Iterable[Mapping[str, Any]]) -> int:
        """Many rows at once, as an import done long ago would have left them; how many."""
        table, blank = self.tables[object_name], self.blank(self.tables[object_name].object)
        long_ago = text_of(self.now() - timedelta(days=90))
        blank.update(CreatedDate=long_ago, LastModifiedDate=long_ago, SystemModstamp=long_ago)
        count = 0
        for person in people:
            row = {**blank, **person}
            row.setdefault("Id", None)
            if not row["Id"]:
                row["Id"] = self.new_id(table.object.prefix)
            table.put(row)
            count += 1
        return count
