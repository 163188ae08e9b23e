"""Validation rules: what an admin's formula would refuse, as conditions on fields.

A rule refuses a row when all of its conditions hold. A condition names a `field` and one of `equals`, `not_equals`,
`changed` (true or false), `empty` (true or false), `becomes` (changed, and now equal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.package import BOX, REFUSED_TICK
from connector.emulators.salesforce.table import Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.org import Org


@dataclass(kw_only=True)
class Rule:
    """One rule on one object. `exempt` names users whom it lets pass."""

    name: str
    object: str
    message: str
    when: list[dict[str, Any]]
    error_field: str = ""
    exempt: tuple[str, ...] = ()

    def refuses(self, before: Mapping[str, Any], after: Mapping[str, Any], user: str) -> bool:
        """Whether a row that was so and would be so is refused."""
        return user not in self.exempt and all(_holds(condition, before, after) for condition in self.when)


def _holds(condition: dict[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    field = condition["field"]
    now, changed = after.get(field), before.get(field) != after.get(field)
    tests: dict[str, Callable[[Any], bool]] = {
        "equals": lambda wanted: now == wanted,
        "not_equals": lambda wanted: now != wanted,
        "changed": lambda wanted: changed is wanted,
        "empty": lambda wanted: (now in (None, "")) is wanted,
        "becomes": lambda wanted: changed and now == wanted,
    }
    return all(tests[kind](wanted) for kind, wanted in condition.items() if kind != "field")


def apply_rules(org: Org, table: Table, before: Mapping[str, Any], values: Mapping[str, Any], user: str) -> None:
    """Raises: `VendorError` FIELD_CUSTOM_VALIDATION_EXCEPTION for the first rule that refuses."""
    for name in (f"{BOX}__c", f"{BOX}__pc"):
        ticked = values.get(name) is True and not before.get(name)
        if org.validation and ticked and user != org.integration and not org.holds_permission(user):
            raise VendorError("FIELD_CUSTOM_VALIDATION_EXCEPTION", REFUSED_TICK, (name,))
    rules = [rule for rule in org.rules if rule.object == table.object.name]
    if rules:
        after = {**before, **values}
        for rule in rules:
            if rule.refuses(before, after, user):
                fields = (rule.error_field,) if rule.error_field else ()
                raise VendorError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)
