"""Which resource an address below /api/data/v9.2/ is, and who answers for it ("Compose HTTP requests")."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from connector.emulators.dynamics import (
    batch,
    bulk,
    document,
    functions,
    making,
    metadata,
    navigation,
    reading,
    writing,
)
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.errors import VendorError, bad, no_row, no_segment, not_allowed
from connector.emulators.dynamics.grammar import Segment, parse
from connector.emulators.dynamics.keys import place
from connector.emulators.dynamics.security import demand_named
from connector.emulators.dynamics.store import Table

LONGEST_URL = 32_768
_SPECIAL = {
    "callerobjectid": "prvActOnBehalfOfAnotherUser",
    "mscrmcallerid": "prvActOnBehalfOfAnotherUser",
    "mscrm.bypasscustompluginexecution": "prvBypassCustomPlugins",
}
"""Headers that need a privilege of their own."""
_ACCEPTED = ("application/json", "*/*", "application/*", "multipart/mixed", "application/xml")
LONGEST_INNER_URL = 65_536


_BOUND: dict[tuple[str, str, str], Callable[[Ask, str], Answer]] = {
    ("systemuser", "GET", "RetrieveUserPrivileges"): functions.user_privileges,
    ("systemuser", "GET", "RetrievePrincipalAttributePrivileges"): functions.column_privileges,
    ("role", "POST", "AddPrivilegesRole"): making.add_privileges,
}
"""What is bound to a row: table, verb and name."""


def respond(ask: Ask) -> Answer:
    """The answer to one request, a refusal included."""
    try:
        return _answered(ask)
    except VendorError as error:
        return answer(error.body(generation=ask.env.generation), error.status, error.headers)


def _answered(ask: Ask) -> Answer:
    if len(ask.url) + len(ask.query) > (LONGEST_INNER_URL if ask.batched else LONGEST_URL):
        raise VendorError(414, "0x80060888", "The request URI is too long.")
    for name in ("odata-version", "odata-maxversion"):
        if ask.headers.get(name, "4.0") != "4.0":
            raise bad(f"The header {name} has a value that is not supported; 4.0 is.")
    if not any(kind in ask.headers.get("accept", "*/*") for kind in _ACCEPTED):
        raise VendorError(415, "0x80060888", "A supported MIME type could not be found for the accept header.")
    for name, privilege in _SPECIAL.items():
        if ask.headers.get(name, "false").lower() != "false":
            demand_named(ask.env, ask.user, privilege)
            raise bad(f"The header {name} is not part of this emulator.")
    if not ask.path.strip("/"):
        return _document(ask)
    if ask.path == "$batch":
        return batch.execute(ask, respond)
    first, *rest = [_segment(ask, raw) for raw in ask.path.rstrip("/").split("/")]
    if first.name in functions.FUNCTIONS and not rest:
        return functions.function(ask, first)
    if first.name in ("PublishXml", "PublishAllXml") and not rest:
        return functions.publish(ask)
    if first.name == metadata.SET:
        return metadata.respond(ask, first, rest)
    if first.name == "$metadata" and not rest:
        return document.describe(ask)
    table = ask.env.sets.get(first.name)
    if table is None:
        raise no_segment(first.name)
    return _row(ask, table, first, rest) if first.key else _set(ask, table, rest)


def _segment(ask: Ask, raw: str) -> Segment:
    text = unquote(raw)
    if text.startswith("$"):
        return Segment(text)
    return parse("segment", text)  # type: ignore[no-any-return]  # lark's transformers are untyped


def _document(ask: Ask) -> Answer:
    """The service document: every entity set."""
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in sorted(ask.env.sets)]
    return answer({"@odata.context": f"{ask.root}/$metadata", "value": sets})


def _set(ask: Ask, table: Table, rest: list[Segment]) -> Answer:
    match [segment.name for segment in rest], ask.method:
        case [], "GET":
            return reading.many(ask, table)
        case [], "POST":
            return writing.create(ask, table)
        case ["$count"], "GET":
            return reading.count(ask, table)
        case [] | ["$count"], _:
            raise not_allowed(ask.method)
    if len(rest) == 1 and rest[0].name.startswith(bulk.PREFIX):
        return bulk.message(ask, table, rest[0].name)
    raise no_segment(rest[0].name)


def _row(ask: Ask, table: Table, first: Segment, rest: list[Segment]) -> Answer:
    found = place(ask, table, first)
    deeds: dict[str, Callable[[], Answer]] = {
        "GET": lambda: reading.one(ask, table, found),
        "PATCH": lambda: writing.patch(ask, table, found),
        "DELETE": lambda: writing.delete(ask, table, found),
    }
    if not rest:
        if ask.method not in deeds:
            raise not_allowed(ask.method)
        return deeds[ask.method]()
    bound = _BOUND.get((table.definition.name, ask.method, rest[0].name.removeprefix(bulk.PREFIX)))
    if bound is not None and len(rest) == 1 and rest[0].name.startswith(bulk.PREFIX):
        if found.id not in table.cells:
            raise no_row(table.definition.label, found.id)
        return bound(ask, found.id)
    return navigation.follow(ask, table, found, [segment.name for segment in rest])
