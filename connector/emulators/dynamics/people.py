"""Users, roles and privileges ("Security concepts", "Security role and privilege reference").

A role gives privileges by name, each with a depth. Who has the role System Administrator may do everything. The user
`service` is the connector's; `admin` and `operator` are people; `outsider` has no role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.emulators.dynamics.schema import Definition, fixed_id

if TYPE_CHECKING:
    from connector.emulators.dynamics.environment import Environment

ADMINISTRATOR = "System Administrator"
CUSTOMIZER = "System Customizer"
SALES = "Salesperson"

DEEDS = ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share")
_RIGHTS = {"Create": 32, "Read": 1, "Write": 2, "Delete": 65536, "Append": 4, "AppendTo": 16}
CUSTOMIZING = ("Entity", "Attribute", "Customization", "Relationship")
GLOBAL = "Global"
DEPTHS = ("Basic", "Local", "Deep", GLOBAL)

_BUSINESS = ("Contact", "Lead", "Account", "Note")
READABLE = (
    "User",
    "BusinessUnit",
    "Role",
    "Privilege",
    "Organization",
    "Publisher",
    "Solution",
    "SdkMessage",
    "SdkMessageFilter",
    "FieldSecurityProfile",
    "FieldPermission",
)


def arrive(environment: Environment) -> None:
    """The first business unit, its roles and four users."""
    env = environment
    env.unit = fixed_id("unit", env.organization)
    names = ("admin", "service", "operator", "outsider")
    env.admin, env.service, env.operator, env.outsider = (fixed_id("user", env.organization, n) for n in names)
    env.plain("businessunit", businessunitid=env.unit, name=env.organization)
    env.plain("organization", organizationid=env.id, name=env.organization)
    for definition in [table.definition for table in env.tables.values()]:
        privileges_of(env, definition)
    for word in CUSTOMIZING:
        for deed in DEEDS[:4]:
            _privilege(env, f"prv{deed}{word}")
    env.administrators = role(env, ADMINISTRATOR)
    _user(env, env.admin, "Admin", "CONTOSO\\admin", env.administrators)
    _user(env, env.service, "# Suppression Connector", env.username, role(env, CUSTOMIZER), env.client_id)
    _user(env, env.operator, "Operator", "CONTOSO\\operator", role(env, SALES))
    _user(env, env.outsider, "Outsider", "CONTOSO\\outsider", "")
    reads = {f"prvRead{word}": GLOBAL for word in READABLE}
    for deed in DEEDS[:6]:
        reads |= {f"prv{deed}{word}": GLOBAL for word in _BUSINESS}
    env.roles[role(env, SALES)] = dict(reads)
    customizing = {name: GLOBAL for name in env.privileges if name.endswith((*CUSTOMIZING, *_CUSTOM))}
    env.roles[role(env, CUSTOMIZER)] = reads | customizing


_CUSTOM = ("Role", "Publisher", "Solution")


def role(environment: Environment, name: str) -> str:
    """The id of a role, made if there is none of this name."""
    found = environment.find("role", name=name)
    if found:
        return str(found["roleid"])
    id_ = fixed_id("role", environment.organization, name)
    environment.plain("role", roleid=id_, name=name, _businessunitid_value=environment.unit)
    environment.roles[id_] = {}
    return id_


def _user(environment: Environment, id_: str, name: str, domain: str, role_: str, application: str = "") -> None:
    environment.plain(
        "systemuser",
        systemuserid=id_,
        fullname=name,
        domainname=domain,
        applicationid=fixed_id("application", application) if application else None,
        _businessunitid_value=environment.unit,
    )
    environment.holders[id_] = {role_} - {""}


def deeds(definition: Definition) -> tuple[str, ...]:
    """What can be done to a table's rows: what belongs to nobody is neither assigned nor shared, but for roles."""
    return DEEDS if definition.owned == "UserOwned" or definition.name == "role" else DEEDS[:6]


def privileges_of(environment: Environment, definition: Definition) -> None:
    """The privileges that come with a table. A custom table's go to those who customize, as at the vendor."""
    for deed in deeds(definition):
        name = f"prv{deed}{definition.privilege}"
        _privilege(environment, name)
        if definition.custom:
            environment.roles[role(environment, CUSTOMIZER)][name] = GLOBAL


def _privilege(environment: Environment, name: str) -> None:
    if name not in environment.privileges:
        environment.privileges[name] = fixed_id("privilege", name)
        environment.plain("privilege", privilegeid=environment.privileges[name], name=name)


def depth(environment: Environment, user: str, privilege: str) -> str:
    """How far a user's privilege reaches: one of DEPTHS, empty if they have it not at all."""
    found = ""
    for held in environment.holders.get(user, ()):
        if held == environment.administrators:
            return GLOBAL
        mine = environment.roles.get(held, {}).get(privilege, "")
        if mine and (not found or DEPTHS.index(mine) > DEPTHS.index(found)):
            found = mine
    return found


def named(environment: Environment, name: str) -> str:
    """A user's id by the name they have in Windows; empty if nobody has it."""
    found = environment.find("systemuser", domainname=name)
    return str(found["systemuserid"]) if found else ""
