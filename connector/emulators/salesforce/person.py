"""Person accounts: one person as an Account and a hidden Contact that say the same (Person Accounts, Object Reference).

`PersonX` on Account is `X` on Contact, `X__pc` is `X__c`, first and last name are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connector.emulators.salesforce.table import Cells, Table

if TYPE_CHECKING:
    from connector.emulators.salesforce.org import Org

_SHARED = ("FirstName", "LastName")


def on_contact(name: str) -> str:
    """The contact's name of an account's field; empty if it is the account's own."""
    if name in _SHARED:
        return name
    if name.endswith("__pc"):
        return name.removesuffix("__pc") + "__c"
    return name.removeprefix("Person") if name.startswith("Person") and name != "PersonContactId" else ""


def on_account(table: Table, name: str) -> str:
    """The account's name of a contact's field; empty if there is none."""
    if name in _SHARED:
        return name
    mirrored = name.removesuffix("__c") + "__pc" if name.endswith("__c") else f"Person{name}"
    return mirrored if mirrored in table.object.fields else ""


def full_name(values: Mapping[str, Any]) -> str:
    """The account's name: its person's."""
    return " ".join(str(values[n]) for n in _SHARED if values.get(n))


def to_contact(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a write to a person account means for its contact."""
    named = {on_contact(name): value for name, value in values.items()}
    return {name: value for name, value in named.items() if name in table.object.fields}


def to_account(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a write to a person's contact means for the account."""
    named = {on_account(table, name): value for name, value in values.items()}
    named.pop("", None)
    return named


def completing(org: Org, accounts: Table) -> Callable[[Cells], Cells] | None:
    """What a load does to a row of Account: a person (one with a last name) gets its hidden contact."""
    if "PersonEmail" not in accounts.object.fields:
        return None
    contacts = org.tables["Contact"]

    def complete(cells: Cells) -> Cells:
        values = accounts.values(accounts.changed(cells, {}))
        if not values.get("LastName") or values.get("PersonContactId"):
            return cells
        system = {n: values[n] for n in ("CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted")}
        hidden = {"Id": org.new_id("003"), "AccountId": cells[0], "IsPersonAccount": True, **system}
        contacts.store(contacts.row(hidden | to_contact(contacts, values)))
        known = {"IsPersonAccount": True, "PersonContactId": hidden["Id"], "Name": full_name(values)}
        return accounts.changed(cells, known)

    return complete
