"""Who ticked the request box, by the box's field history, and whether that user holds the custom permission (S5).

Object Reference, ContactHistory, LeadHistory, AccountHistory, SetupEntityAccess. A last modifier proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import literal, literals, moment
from connector.adapters.crm.salesforce.records import TRUE, Fields
from connector.core.errors import ConfigError
from connector.core.restriction import Ref
from connector.core.view import Tick

AT_ONCE = 100
T = TypeVar("T")


class Ticks:
    """Reads field histories and permission assignments. `permission` is empty where nobody asks for one."""

    def __init__(self, api: Api, objects: Mapping[str, Fields], permission: str) -> None:
        self._api, self._objects, self._permission = api, objects, permission

    def ticks(self, refs: Sequence[Ref]) -> dict[Ref, Tick]:
        """A tick for every ref; nobody and None where the history does not tell."""
        by_object: dict[str, list[Ref]] = defaultdict(list)
        for ref in refs:
            by_object[ref.entity].append(ref)
        said: dict[Ref, tuple[str, str]] = {}
        for name, same in by_object.items():
            for some in _some(same):
                said |= self._history(name, some)
        allowed = self._allowed({user for user, _ in said.values()})
        return {
            ref: Tick(by=said[ref][0], at=moment(said[ref][1]), allowed=allowed[said[ref][0]])
            if ref in said
            else Tick()
            for ref in refs
        }

    def _history(self, name: str, refs: Sequence[Ref]) -> dict[Ref, tuple[str, str]]:
        """Who set the box last, and when; nothing of a box that was cleared since, or whose history cannot be read."""
        fields = self._objects.get(name)
        if fields is None or not fields.settings.box:
            return {}
        soql = (
            f"SELECT {name}Id, CreatedById, CreatedDate, NewValue FROM {name}History "  # noqa: S608  # values are literals
            f"WHERE {name}Id IN ({literals([ref.id for ref in refs])}) AND Field = {literal(fields.settings.box)} "
            "ORDER BY CreatedDate, Id"
        )
        try:
            rows = self._api.rows(soql, action=f"history of {name}")
        except ConfigError:
            return {}
        latest: dict[Ref, tuple[str, str]] = {}
        for row in rows:
            ref = Ref(entity=name, id=str(row[f"{name}Id"]))
            latest.pop(ref, None)
            if row["NewValue"] in TRUE:
                latest[ref] = (str(row["CreatedById"]), str(row["CreatedDate"]))
        return latest

    def _allowed(self, users: set[str]) -> dict[str, bool | None]:
        """Whether each user may; None where the org does not let us know."""
        if not self._permission:
            return dict.fromkeys(users, True)
        try:
            holders = self.holders(users)
        except ConfigError:
            return dict.fromkeys(users, None)
        return {user: user in holders for user in users}

    def permission_id(self) -> str:
        """The id of the custom permission, or empty where the org has none of that name."""
        soql = f"SELECT Id FROM CustomPermission WHERE DeveloperName = {literal(self._permission)}"  # noqa: S608  # as above
        rows = self._api.rows(soql, action="custom permission")
        return str(rows[0]["Id"]) if rows else ""

    def holders(self, users: Iterable[str]) -> set[str]:
        """Those of the users that hold the custom permission, by any of their permission sets."""
        wanted = sorted(users)
        permission = self.permission_id() if wanted else ""
        found: set[str] = set()
        for some in _some(wanted) if permission else ():
            soql = (
                f"SELECT AssigneeId FROM PermissionSetAssignment WHERE AssigneeId IN ({literals(list(some))}) "  # noqa: S608  # as above
                "AND PermissionSetId IN (SELECT ParentId FROM SetupEntityAccess "
                f"WHERE SetupEntityType = 'CustomPermission' AND SetupEntityId = {literal(permission)})"
            )
            found |= {str(row["AssigneeId"]) for row in self._api.rows(soql, action="permission assignments")}
        return found


def _some(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
