"""Who ticked the request box, by the box's field history, and whether that user holds the custom permission (S5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.adapters.crm.salesforce.api import Api
from connector.adapters.crm.salesforce.mapping import Fields, literal, moment
from connector.core.errors import ConfigError
from connector.core.restriction import Ref
from connector.core.view import Tick

AT_ONCE = 100


class Ticks:
    """Reads ContactHistory, LeadHistory and AccountHistory."""

    def __init__(self, api: Api, objects: Mapping[str, Fields], permission: str) -> None:
        self._api, self._objects, self._permission = api, objects, permission

    def ticks(self, refs: Sequence[Ref]) -> dict[Ref, Tick]:
        """A tick for every ref; nobody and None where the history does not tell."""
        by_object: dict[str, list[Ref]] = defaultdict(list)
        for ref in refs:
            by_object[ref.entity].append(ref)
        said: dict[Ref, tuple[str, str]] = {}
        for name, same in by_object.items():
            for start in range(0, len(same), AT_ONCE):
                said |= self._history(name, same[start : start + AT_ONCE])
        holders = self.holders({user for user, _ in said.values()}) if said else set()
        return {
            ref: Tick(by=said[ref][0], at=moment(said[ref][1]), allowed=said[ref][0] in holders)
            if ref in said
            else Tick()
            for ref in refs
        }

    def _history(self, name: str, refs: Sequence[Ref]) -> dict[Ref, tuple[str, str]]:
        box = self._objects[name].settings.box
        ids = ",".join(literal(ref.id) for ref in refs)
        soql = (
            f"SELECT {name}Id, CreatedById, CreatedDate, NewValue FROM {name}History "  # noqa: S608  # literals are escaped
            f"WHERE {name}Id IN ({ids}) AND Field = {literal(box)} ORDER BY CreatedDate, Id"
        )
        try:
            rows = self._api.rows(soql, action=f"history of {name}")
        except ConfigError:
            return {}
        latest: dict[Ref, tuple[str, str]] = {}
        for row in rows:
            ref = Ref(entity=name, id=row[f"{name}Id"])
            latest.pop(ref, None)
            if _true(row["NewValue"]):
                latest[ref] = (row["CreatedById"], row["CreatedDate"])
        return latest

    def permission_id(self) -> str:
        """The id of the custom permission, or empty where the org has none of that name."""
        soql = f"SELECT Id FROM CustomPermission WHERE DeveloperName = {literal(self._permission)}"  # noqa: S608  # as above
        rows = self._api.rows(soql, action="custom permission")
        return str(rows[0]["Id"]) if rows else ""

    def holders(self, users: Iterable[str]) -> set[str]:
        """Those of the users that hold the custom permission, by any of their permission sets."""
        permission = self.permission_id()
        wanted = ",".join(literal(user) for user in sorted(users))
        if not permission or not wanted:
            return set()
        soql = (
            f"SELECT AssigneeId FROM PermissionSetAssignment WHERE AssigneeId IN ({wanted}) AND PermissionSetId IN "  # noqa: S608  # as above
            "(SELECT ParentId FROM SetupEntityAccess WHERE SetupEntityType = 'CustomPermission' "
            f"AND SetupEntityId = {literal(permission)})"
        )
        return {str(row["AssigneeId"]) for row in self._api.rows(soql, action="permission assignments")}


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
