"""Reading metadata: `EntityDefinitions` with their attributes and keys ("Query schema definitions").

Only `$select`, `$filter` and `$expand` are there. A property of one kind of column needs a cast to that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connector.emulators.dynamics import definitions, making
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.definitions import BASE, CRM, ENUMS
from connector.emulators.dynamics.errors import VendorError, bad, no_segment, not_allowed
from connector.emulators.dynamics.grammar import Compare, Enum, Expand, Group, Guid, Path, Segment, parse, resolved
from connector.emulators.dynamics.schema import Column, Definition

SET = "EntityDefinitions"
Item = dict[str, Any]
Expanded = Callable[[Item, Expand], Any]


def respond(ask: Ask, first: Segment, rest: Sequence[Segment]) -> Answer:
    """What stands below `EntityDefinitions`."""
    if first.key is None:
        return _definitions(ask) if ask.method == "GET" and not rest else making.table(ask, rest)
    definition = _definition(ask, first)
    match [segment.name for segment in rest], ask.method:
        case [], "GET":
            return _one(ask, SET, definitions.entity(ask.env, definition), _below(ask))
        case [], "PUT":
            return making.change(ask, definition)
        case ["Attributes", *cast], "GET":
            return _attributes(ask, definition, rest[0], cast)
        case ["Attributes"], "POST":
            return making.column(ask, definition)
        case ["Keys"], "GET":
            return _keys(ask, definition, rest[0])
        case ["Keys"], "POST":
            return making.key(ask, definition)
        case [] | ["Keys" | "Attributes", *_], _:
            raise not_allowed(ask.method)
    raise no_segment(rest[0].name if rest else first.name)


def _definition(ask: Ask, segment: Segment) -> Definition:
    """A table by its logical name or its metadata id. Raises: `VendorError` 404."""
    every = [table.definition for table in ask.env.tables.values()]
    if isinstance(segment.key, Guid):
        found, shown = [d for d in every if d.id == segment.key], str(segment.key)
    else:
        given = dict(segment.key or ())
        if set(given) != {"LogicalName"}:
            raise bad("The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.EntityMetadata'.")
        found, shown = [d for d in every if d.name == given["LogicalName"]], str(given["LogicalName"])
    if not found:
        words = f"The entity with a name = '{shown}' with namemapping = 'Logical' was not found in the MetadataCache."
        raise VendorError(404, "0x80041102", words)
    return found[0]


def _definitions(ask: Ask) -> Answer:
    every = [definitions.entity(ask.env, table.definition) for table in ask.env.tables.values()]
    return _many(ask, SET, every, _below(ask))


def _below(ask: Ask) -> Expanded:
    """What a table can be expanded by: its attributes and its keys."""

    def expanded(item: Item, wanted: Expand) -> Any:
        definition = ask.env.tables[item["LogicalName"]].definition
        if wanted.name == "Attributes":
            found = [definitions.attribute(definition, column) for column in definition.columns.values()]
        elif wanted.name == "Keys":
            found = [definitions.key(ask.env, definition, key) for key in definition.keys.values()]
        else:
            raise bad(f"Could not find a property named '{wanted.name}' on type '{CRM}EntityMetadata'.")
        return [_selected(one, wanted.select) for one in found]

    return expanded


def _attributes(ask: Ask, definition: Definition, segment: Segment, cast: list[str]) -> Answer:
    """All columns, those of one kind, or one of them."""
    if len(cast) > 1 or (cast and not cast[0].startswith(CRM)):
        raise no_segment(cast[-1])
    wanted = cast[0].removeprefix(CRM) if cast else ""
    chosen = [c for c in definition.columns.values() if not wanted or definitions.kind(c) == wanted]
    found = [definitions.attribute(definition, column) for column in chosen]
    found = [item if not cast else {n: v for n, v in item.items() if n != "@odata.type"} for item in found]
    context = f"{SET}('{definition.name}')/Attributes{'/' + cast[0] if cast else ''}"
    expanded = _options(definition) if cast else _nothing
    if segment.key is None:
        return _many(ask, context, found, expanded, known=None if cast else BASE)
    return _one(ask, context, _named(found, segment, definition), expanded, known=None if cast else BASE)


def _named(found: Iterable[Item], segment: Segment, definition: Definition) -> Item:
    if isinstance(segment.key, Guid):
        matching = [item for item in found if item["MetadataId"] == segment.key]
    else:
        given = dict(segment.key or ())
        matching = [item for item in found if given == {"LogicalName": item["LogicalName"]}]
    if not matching:
        words = f"Could not find an attribute {segment.key} of the entity {definition.name}."
        raise VendorError(404, "0x80060888", words)
    return matching[0]


def _options(definition: Definition) -> Expanded:
    """What a column of a kind can be expanded by: its option set."""

    def expanded(item: Item, wanted: Expand) -> Any:
        column: Column = next(c for c in definition.columns.values() if c.name == item["LogicalName"])
        found = definitions.options(column)
        if wanted.name != "OptionSet" or found is None:
            raise bad(f"Could not find a property named '{wanted.name}' on type '{CRM}{definitions.kind(column)}'.")
        return _selected(found, wanted.select)

    return expanded


def _nothing(item: Item, wanted: Expand) -> Any:
    raise bad(f"Could not find a property named '{wanted.name}' on type '{CRM}AttributeMetadata'.")


def _keys(ask: Ask, definition: Definition, segment: Segment) -> Answer:
    found = [definitions.key(ask.env, definition, key) for key in definition.keys.values()]
    context = f"{SET}('{definition.name}')/Keys"
    if segment.key is None:
        return _many(ask, context, found, _nothing)
    return _one(ask, context, _named(found, segment, definition), _nothing)


# -- options -----------------------------------------------------------------------------------------------------------
def _many(ask: Ask, context: str, items: list[Item], expanded: Expanded, known: Sequence[str] | None = None) -> Answer:
    options = ask.options("$select", "$filter", "$expand")
    if "$filter" in options:
        aliases = {name[1:]: value for name, value in options.items() if name.startswith("@")}
        where = parse("filter", options["$filter"])
        items = [item for item in items if _holds(item, where, aliases)]
    shown = [_shown(item, options, expanded, known) for item in items]
    return answer({"@odata.context": f"{ask.root}/$metadata#{context}", "value": shown})


def _one(ask: Ask, context: str, item: Item, expanded: Expanded, known: Sequence[str] | None = None) -> Answer:
    shown = _shown(item, ask.options("$select", "$expand"), expanded, known)
    return answer({"@odata.context": f"{ask.root}/$metadata#{context}/$entity", **shown})


def _shown(item: Item, options: dict[str, str], expanded: Expanded, known: Sequence[str] | None) -> Item:
    names = parse("select", options["$select"]) if "$select" in options else ()
    found = _selected(item, names, known)
    for wanted in parse("expand", options["$expand"]) if "$expand" in options else ():
        found[wanted.name] = expanded(item, wanted)
    return found


def _selected(item: Item, names: Sequence[str], known: Sequence[str] | None = None) -> Item:
    """The properties chosen, and the metadata id. Raises: `VendorError` for one that the type does not have."""
    if not names:
        return dict(item)
    kept = [name for name in ("@odata.type", "MetadataId") if name in item]
    for name in names:
        if name not in (item if known is None else known):
            raise bad(f"Could not find a property named '{name}' on this type of metadata.")
    return {name: item[name] for name in dict.fromkeys([*kept, *names]) if name in item}


def _holds(item: Item, where: Any, aliases: dict[str, str]) -> bool:
    """Whether a condition holds. Text compares with case here; eq and ne are the only comparisons."""
    if isinstance(where, Group):
        found = [_holds(item, part, aliases) for part in where.parts]
        return not found[0] if where.kind == "not" else all(found) if where.kind == "all" else any(found)
    if not isinstance(where, Compare) or where.op not in ("eq", "ne"):
        raise bad("Metadata can be filtered by eq and ne alone.")
    value, held = resolved(where.value, aliases), _held(item, where.path)
    if value is not None and (where.path[-1] in ENUMS) != isinstance(value, Enum):
        raise bad(f"A binary operator with incompatible types was detected for '{where.path[-1]}'.")
    if value is not None and held is not None and isinstance(held, str) != isinstance(value, str):
        raise bad(f"A binary operator with incompatible types was detected for '{where.path[-1]}'.")
    return (held == value) is (where.op == "eq")


def _held(item: Item, path: Path) -> Any:
    found: Any = item
    for name in path:
        if not isinstance(found, dict) or name not in found:
            raise bad(f"Could not find a property named '{name}' on this type of metadata.")
        found = found[name]
    return found
