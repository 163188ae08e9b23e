"""CreateMultiple and UpdateMultiple: many rows in one message, all or none ("Use bulk operation messages").

Only 365 has them, and not for every table. One refusal takes the whole call back, and nothing tells of single rows.
"""

from __future__ import annotations

from typing import Any

from connector.emulators.dynamics import writing
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.errors import VendorError, no_segment, not_allowed, payload
from connector.emulators.dynamics.store import Table

MESSAGES = ("CreateMultiple", "UpdateMultiple")
PREFIX = "Microsoft.Dynamics.CRM."


def message(ask: Ask, table: Table, name: str) -> Answer:
    """`POST contacts/Microsoft.Dynamics.CRM.UpdateMultiple`."""
    message = name.removeprefix(PREFIX)
    if ask.env.generation != "365" or message not in MESSAGES or not table.definition.bulk:
        raise no_segment(name)
    if ask.method != "POST":
        raise not_allowed(ask.method)
    ask.options()
    targets = _targets(ask, table)
    with ask.env.transaction():
        if message == "UpdateMultiple":
            _update(ask, table, targets)
            return Answer()
        ids = [writing.insert(ask, table, target)[0] for target in targets]
    context = f"{ask.root}/$metadata#{PREFIX}{message}Response"
    return answer({"@odata.context": context, "Ids": ids})


def _targets(ask: Ask, table: Table) -> list[dict[str, Any]]:
    body = ask.json()
    targets = body.get("Targets")
    if set(body) != {"Targets"} or not isinstance(targets, list) or not targets:
        raise payload("Targets must be a collection of at least one entity, and nothing else is taken.")
    for target in targets:
        if not isinstance(target, dict) or "@odata.type" not in target:
            words = f"A type name was not found for a target of {table.definition.set}; @odata.type must be given."
            raise payload(words)
    return targets


def _update(ask: Ask, table: Table, targets: list[dict[str, Any]]) -> None:
    key = table.definition.key
    ids = [str(target.get(key, "")).lower() for target in targets]
    if not all(ids):
        raise VendorError(400, "0x80040203", f"Entity Id must be specified for {table.definition.name}")
    missing = [id_ for id_ in ids if id_ not in table.cells]
    if missing:
        words = f"{table.definition.label} With Ids = {','.join(missing)} Do Not Exist"
        raise VendorError(404, "0x80040217", words)
    for id_, target in zip(ids, targets, strict=True):
        writing.change(ask, table, id_, target)
