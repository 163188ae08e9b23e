"""A suppression connector's managed solution, as an admin imports it: a table, columns on three others, a role.

The table holds one row per suppressed address, with a box that asks for a resubscription.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.emulators.dynamics import people
from connector.emulators.dynamics.schema import Column, Definition, choice, flag, table, text

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

NAME = "SuppressionConnector"
ROLE = "Suppression Connector Service"
TABLE = "sc_emailsuppression"
TABLES = ("contact", "lead", "account")
FIRST_CODE = 10_001


def suppressions() -> Definition:
    """The table Email suppressions, which tracks changes."""
    made = table(
        "sc_EmailSuppression",
        "sc_emailsuppressions",
        FIRST_CODE,
        "Email suppression",
        choice("StateCode", "State", {0: "Active", 1: "Inactive"}, required="SystemRequired"),
        choice("StatusCode", "Status", {1: "Active", 2: "Inactive"}),
        text("sc_Name", 320, label="Email address", primary=True, custom=True, required="ApplicationRequired"),
        text("sc_Reason", 200, label="Reason", custom=True),
        _moment("sc_Since", "Suppressed since"),
        flag("sc_RequestResubscribe", "Request Resubscribe"),
        _moment("sc_ResubscribeRequestDate", "Resubscribe Request Date"),
        text("sc_Status", 200, label="Status", custom=True),
        primary="sc_name",
        tracking=True,
        custom=True,
    )
    for column in made.columns.values():
        column.custom = column.schema.startswith("sc_")
    return made


def additions() -> list[Column]:
    """What a contact, a lead and an account get."""
    return [
        text("sc_ResubscribeStatus", 200, label="Resubscribe Status", custom=True),
        _moment("sc_ResubscribeRequestDate", "Resubscribe Request Date"),
        text("sc_SuppressionReason", 200, label="Suppression Reason", custom=True),
        _moment("sc_SuppressedSince", "Suppressed Since"),
    ]


def _moment(schema: str, label: str) -> Column:
    return Column(schema=schema, type="DateTime", format="DateAndTime", label=label, custom=True)


def install(env: Environment, version: str) -> None:
    """Imports the solution, or another version of it. The service's user gets its role, and that alone."""
    found = env.find("solution", uniquename=NAME)
    if found:
        solutions = env.tables["solution"]
        env.store(solutions, solutions.changed(solutions.cells[found["solutionid"]], {"version": version}))
        return
    publisher = env.plain(
        "publisher", uniquename="suppressionconnector", friendlyname="Suppression Connector", customizationprefix="sc"
    )
    env.plain(
        "solution",
        uniquename=NAME,
        friendlyname="Suppression Connector",
        version=version,
        ismanaged=True,
        _publisherid_value=publisher,
    )
    if TABLE not in env.tables:
        env.add_table(suppressions())
    for name in TABLES:
        for column in additions():
            env.add_column(name, column)
    env.roles[people.role(env, ROLE)] = rights()
    env.roles[people.role(env, people.SALES)] |= {
        f"prv{deed}sc_EmailSuppression": people.GLOBAL for deed in people.DEEDS
    }
    env.holders[env.service] = {people.role(env, ROLE)}


def rights() -> dict[str, str]:
    """What the role holds: the least that a connector needs."""
    names = [f"prv{deed}{word}" for word in ("Contact", "Lead", "Account") for deed in ("Read", "Write", "AppendTo")]
    names += ["prvCreateContact", "prvCreateNote", "prvReadNote", "prvAppendNote"]
    names += [f"prv{deed}sc_EmailSuppression" for deed in ("Create", "Read", "Write", "Delete")]
    names += [f"prvRead{word}" for word in people.READABLE]
    return dict.fromkeys(names, people.GLOBAL)


def remove(env: Environment) -> None:
    """Removes the solution with all that it brought; the service's user may customize again."""
    found = env.find("solution", uniquename=NAME)
    if found is None:
        return
    env.remove(env.tables["solution"], found["solutionid"])
    env.remove(env.tables["publisher"], found["_publisherid_value"])
    if TABLE in env.tables:
        env.drop_table(TABLE)
    for name in TABLES:
        for column in additions():
            if column.wire in env.tables[name].columns:
                env.tables[name].drop_column(column.wire)
    role = people.role(env, ROLE)
    env.remove(env.tables["role"], role)
    del env.roles[role]
    env.holders = {user: held - {role} for user, held in env.holders.items()}
    env.holders[env.service] |= {people.role(env, people.CUSTOMIZER)}
