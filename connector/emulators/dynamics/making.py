"""Making tables, columns, keys and the rights of a role ("Create and update table definitions using the Web API").

A name needs the prefix of a publisher; with `MSCRM.SolutionUniqueName` that of the solution's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.emulators.dynamics import people
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.definitions import CRM
from connector.emulators.dynamics.errors import VendorError, bad, invalid, no_segment, not_allowed, payload
from connector.emulators.dynamics.grammar import Segment
from connector.emulators.dynamics.schema import Column, Definition, Key, choice
from connector.emulators.dynamics.schema import table as new_table
from connector.emulators.dynamics.security import demand_named
from connector.emulators.dynamics.solution import FIRST_CODE

Body = Mapping[str, Any]

SOLUTION = "mscrm.solutionuniquename"
_KEYABLE = ("Integer", "String", "DateTime", "Lookup", "Picklist", "Decimal")


def table(ask: Ask, rest: Sequence[Segment]) -> Answer:
    """`POST EntityDefinitions`."""
    if rest:
        raise no_segment(rest[0].name)
    if ask.method != "POST":
        raise not_allowed(ask.method)
    demand_named(ask.env, ask.user, "prvCreateEntity")
    body = _body(ask, "EntityMetadata")
    schema = _name(ask, body)
    if schema.lower() in ask.env.tables:
        raise VendorError(400, "0x80048403", f"An entity with the specified name {schema} already exists.")
    owned = body.get("OwnershipType", "UserOwned")
    if owned not in ("UserOwned", "OrganizationOwned"):
        raise payload(f"'{owned}' is no OwnershipType.")
    columns = [_column(ask, part) for part in _list(body, "Attributes")]
    primary = [c for c in columns if c.primary]
    if len(primary) != 1 or primary[0].type != "String":
        raise invalid("A table needs exactly one attribute of text with IsPrimaryName.")
    label = _label(body, "DisplayName", required=True)
    made = new_table(
        schema,
        f"{schema.lower()}s",
        FIRST_CODE + sum(t.definition.custom for t in ask.env.tables.values()),
        label,
        choice("StateCode", "State", {0: "Active", 1: "Inactive"}, required="SystemRequired"),
        choice("StatusCode", "Status", {1: "Active", 2: "Inactive"}),
        *columns,
        owned=owned == "UserOwned",
        plural=_label(body, "DisplayCollectionName", required=True),
        primary=primary[0].name,
        tracking=body.get("ChangeTrackingEnabled") is True,
        custom=True,
    )
    ask.env.add_table(made)
    return _made(f"{ask.root}/EntityDefinitions({made.id})")


def column(ask: Ask, definition: Definition) -> Answer:
    """`POST EntityDefinitions(…)/Attributes`."""
    demand_named(ask.env, ask.user, "prvCreateAttribute")
    made = _column(ask, ask.json())
    if made.primary:
        raise invalid("A table has one primary name, which came with it.")
    if made.name in {c.name for c in definition.columns.values()}:
        raise VendorError(400, "0x80047013", f"An attribute with the specified name {made.schema} already exists.")
    ask.env.add_column(definition.name, made)
    return _made(f"{ask.root}/EntityDefinitions({definition.id})/Attributes({made.id})")


def change(ask: Ask, definition: Definition) -> Answer:
    """`PUT EntityDefinitions(…)` with a whole definition, of which change tracking is what may differ."""
    demand_named(ask.env, ask.user, "prvWriteEntity")
    body = _body(ask, "EntityMetadata")
    for name, value in (
        ("LogicalName", definition.name),
        ("SchemaName", definition.schema),
        ("MetadataId", definition.id),
    ):
        if body.get(name, value) != value:
            raise invalid(f"{name} of a table does not change.")
    if "LogicalName" not in body:
        raise payload("A definition is replaced as a whole; LogicalName is missing.")
    wanted = body.get("ChangeTrackingEnabled", definition.tracking) is True
    if wanted != definition.tracking and not (wanted and definition.trackable):
        raise invalid(f"ChangeTrackingEnabled of {definition.name} cannot be set to {wanted}.")
    definition.tracking = wanted
    return Answer(204)


def key(ask: Ask, definition: Definition) -> Answer:
    """`POST EntityDefinitions(…)/Keys`: an alternate key, whose index takes its time."""
    demand_named(ask.env, ask.user, "prvWriteEntity")
    body = ask.json()
    schema, names = _name(ask, body), body.get("KeyAttributes")
    if not isinstance(names, list) or not 0 < len(names) <= 16 or not all(isinstance(n, str) for n in names):
        raise payload("KeyAttributes must name one to sixteen attributes.")
    known = {c.name: c for c in definition.columns.values()}
    for name in names:
        if name not in known or known[name].type not in _KEYABLE or known[name].secured:
            raise invalid(f"The attribute {name} of {definition.name} cannot be part of a key.")
    if len(definition.keys) == 10 or schema in definition.keys:
        raise invalid(f"{definition.name} has that key already, or ten of them.")
    active = (ask.env.now() + timedelta(seconds=ask.env.key_delay)).isoformat()
    made = definition.keys[schema] = Key(schema=schema, columns=tuple(names), active=active)
    return _made(f"{ask.root}/EntityDefinitions({definition.id})/Keys({made.id})")


# -- bodies ------------------------------------------------------------------------------------------------------------
def _body(ask: Ask, kind: str) -> Body:
    body = ask.json()
    if str(body.get("@odata.type", "")).lstrip("#") != f"{CRM}{kind}":
        raise payload(f"@odata.type must be {CRM}{kind}.")
    return body


def _name(ask: Ask, body: Body) -> str:
    """The schema name. Raises: `VendorError` 400 without a publisher's prefix, or for a solution that is not there."""
    schema = body.get("SchemaName")
    if not isinstance(schema, str) or not re.fullmatch(r"[A-Za-z]\w{1,99}", schema):
        raise invalid("SchemaName is missing, or no name.")
    publishers = ask.env.tables["publisher"]
    prefixes = [cells[publishers.columns["customizationprefix"]] for cells in publishers.cells.values()]
    solution = ask.headers.get(SOLUTION)
    if solution is not None:
        found = ask.env.find("solution", uniquename=solution)
        if found is None:
            raise VendorError(400, "0x80048d19", f"The solution '{solution}' specified in {SOLUTION} was not found.")
        mine = publishers.cells[found["_publisherid_value"]]
        prefixes = [mine[publishers.columns["customizationprefix"]]]
    if not any(schema.lower().startswith(f"{prefix}_".lower()) for prefix in prefixes):
        raise invalid(f"The name {schema} does not begin with a publisher's prefix; there are {sorted(prefixes)}.")
    return schema


def _object(body: Body, name: str) -> Body:
    """A part of a body that is an object, or empty. Raises: `VendorError` 400 for anything else."""
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise payload(f"{name} must be an object.")
    return found


def _list(body: Body, name: str) -> list[Body]:
    """A part of a body that is a collection of objects, or empty. Raises: `VendorError` 400 for anything else."""
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise payload(f"{name} must be a collection of objects.")
    return found


def _label(body: Body, name: str, *, required: bool = False) -> str:
    said = _list(_object(body, name), "LocalizedLabels")
    if required and not said:
        raise invalid(f"{name} needs a label.")
    return str(said[0].get("Label", "")) if said else ""


_KINDS: dict[str, Callable[[Body], dict[str, Any]]] = {
    "String": lambda body: {
        "length": _length(body, 4_000),
        "format": _object(body, "FormatName").get("Value", "Text"),
    },
    "Memo": lambda body: {"length": _length(body, 1_048_576), "format": "TextArea"},
    "DateTime": lambda body: {"format": body.get("Format", "DateAndTime")},
    "Boolean": lambda body: {"default": body.get("DefaultValue") is True, "labels": _two(body)},
    "Integer": lambda body: {},
    "Picklist": lambda body: {"labels": _many(body)},
}


def _column(ask: Ask, body: Body) -> Column:
    """One attribute. Raises: `VendorError` for a kind that is not made here, and for what its kind lacks."""
    kind = str(body.get("@odata.type", "")).lstrip("#").removeprefix(CRM).removesuffix("AttributeMetadata")
    if kind not in _KINDS:
        raise payload(f"@odata.type must name a kind of attribute that can be made: {', '.join(sorted(_KINDS))}.")
    return Column(
        schema=_name(ask, body),
        type=kind,
        label=_label(body, "DisplayName", required=True),
        custom=True,
        primary=body.get("IsPrimaryName") is True,
        required=_object(body, "RequiredLevel").get("Value", "None"),
        **_KINDS[kind](body),
    )


def _length(body: Body, most: int) -> int:
    found = body.get("MaxLength")
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= most:
        raise invalid(f"MaxLength must be a number up to {most}.")
    return found


def _two(body: Body) -> dict[bool, str]:
    options = _object(body, "OptionSet")
    if not {"TrueOption", "FalseOption"} <= set(options):
        raise invalid("A two-option attribute needs an OptionSet with TrueOption and FalseOption.")
    return {v: _label(_object(options, f"{v}Option"), "Label", required=True) for v in (False, True)}


def _many(body: Body) -> dict[int, str]:
    options = _list(_object(body, "OptionSet"), "Options")
    if not options or not all(type(option.get("Value")) is int for option in options):
        raise invalid("A choice needs an OptionSet with Options, each with its Value.")
    return {option["Value"]: _label(option, "Label", required=True) for option in options}


def _made(url: str) -> Answer:
    return Answer(204, headers={"OData-EntityId": url})


# -- roles -------------------------------------------------------------------------------------------------------------
_DEPTHS = {**{name: name for name in people.DEPTHS}, **{str(n): name for n, name in enumerate(people.DEPTHS)}}


def add_privileges(ask: Ask, role: str) -> Answer:
    """`POST roles(id)/Microsoft.Dynamics.CRM.AddPrivilegesRole`."""
    demand_named(ask.env, ask.user, "prvWriteRole")
    body = ask.json()
    if set(body) != {"Privileges"}:
        raise payload("AddPrivilegesRole takes Privileges alone, a collection.")
    names = {id_: name for name, id_ in ask.env.privileges.items()}
    found = {}
    for privilege in _list(body, "Privileges"):
        name, depth = names.get(str(privilege.get("PrivilegeId")).lower()), _DEPTHS.get(str(privilege.get("Depth")))
        if name is None or depth is None:
            raise bad(f"There is no such privilege or depth: {privilege}")
        found[name] = depth
    ask.env.roles[role] |= found
    return Answer(204)
