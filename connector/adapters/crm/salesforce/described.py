"""What describe says of the fields the YAML names: seen, writable, of the right kind, and born how. Touches no wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.adapters.crm.salesforce.api import GUIDE, FieldDescribe
from connector.adapters.crm.salesforce.records import TRUE, Fields
from connector.core.lists import Words
from connector.core.policy import Policy
from connector.ports.adapter import Finding, Level


def field_findings(fields: Fields, seen: Mapping[str, FieldDescribe], policy: Policy) -> Iterator[Finding]:
    """One finding for every field of an object that the YAML names, and one for each that is of the wrong kind."""
    name, s = fields.name, fields.settings
    for field, writes in _wanted(fields):
        yield _field(f"{name}.{field}", writes, seen.get(field))
    for field in (s.restriction, s.box):
        if field in seen and seen[field].type != "boolean":
            found = f"is a {seen[field].type} where a checkbox is needed."
            yield Finding(level=Level.ERROR, what=f"{name}.{field}", found=found, todo="Name another field.")
    for mapping, field in fields.lists:
        if field in seen:
            yield from _words(f"{name}.{field}", mapping.words, seen[field])
    yield from _born(f"{name}.{s.restriction}", seen.get(s.restriction), policy)
    if s.restriction in seen:
        found = "cannot be told from the restriction alone: a stop is news when the restriction was clear before."
        yield Finding(level=Level.OK, what=f"{name}.{s.restriction} ticked again", found=found)


def _wanted(fields: Fields) -> Iterator[tuple[str, bool]]:
    """Every field the YAML names, and whether we write it."""
    s = fields.settings
    for name in (s.email, *s.other_emails):
        yield name, False
    for name in (s.restriction, s.box, s.request_date, s.status, s.reason, s.since):
        if name:
            yield name, True
    for _, field in fields.lists:
        yield field, True


def _field(what: str, writes: bool, described: FieldDescribe | None) -> Finding:
    if described is None:
        found = "missing, or hidden from the integration user by field-level security."
        todo = f"Install the package or make it visible: {GUIDE}."
        return Finding(level=Level.ERROR, what=what, found=found, todo=todo)
    if writes and not described.updateable:
        todo = f"Grant edit access on it: {GUIDE}."
        return Finding(level=Level.ERROR, what=what, found="may be read but not written.", todo=todo)
    return Finding(level=Level.OK, what=what, found="readable and writable." if writes else "readable.")


def _words(what: str, words: Words, field: FieldDescribe) -> Iterator[Finding]:
    said = (words.subscribed, words.unsubscribed)
    if field.type == "boolean" and {w.lower() for w in said} != {"true", "false"}:
        found = f"is a checkbox, which cannot hold {said[0]!r} and {said[1]!r}."
        yield Finding(level=Level.ERROR, what=what, found=found, todo="Leave the list's words out: true and false.")
    values = [str(v.get("value", "")) for v in field.picklistValues if v.get("active", True)]
    strange = [w for w in said if w not in values]
    if field.type in ("picklist", "multipicklist") and field.restrictedPicklist and strange:
        found = f"is a restricted picklist without {' and '.join(map(repr, strange))}."
        yield Finding(level=Level.ERROR, what=what, found=found, todo="Add the value, or name another word in lists.")


def _born(what: str, field: FieldDescribe | None, policy: Policy) -> Iterator[Finding]:
    """Rule 13: a restriction that is born set needs a decision."""
    if field and field.defaultValue in TRUE and policy.born_restricted is None:
        found = "is set on every new record by its default, which may be no wish of anybody."
        todo = "Clear the default, or say policy.born_restricted: opt_out (each is a stop) or ignore."
        yield Finding(level=Level.ERROR, what=what, found=found, todo=todo)
