"""Leaving notes: a Task, a ContentNote, or a field that is appended to. A note carries its key, so it is written once.

Object Reference, Task, ContentNote, ContentDocumentLink. Task is the default: one call, visible in the timeline of a
record, taken by collections, in every edition.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from connector.adapters.crm.salesforce.api import AT_ONCE, Api
from connector.adapters.crm.salesforce.mapping import literal, literals
from connector.adapters.crm.salesforce.records import Fields, custom
from connector.adapters.crm.salesforce.settings import Notes
from connector.adapters.crm.salesforce.writes import SPARED, outcome
from connector.core.errors import ConfigError, RejectedError
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import NewNote

LONGEST_FIELD = 32_000
LONGEST_TITLE = 200


class NoteWriter:
    """Writes notes of the tenant's kind."""

    def __init__(self, api: Api, settings: Notes, objects: Mapping[str, Fields]) -> None:
        self._api, self._settings, self._objects = api, settings, objects

    def write(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """One outcome for every key; one whose key stands there already is done."""
        write = {"task": self._tasks, "content_note": self._content_notes, "field": self._fields}[self._settings.kind]
        for start in range(0, len(notes), AT_ONCE):
            some = notes[start : start + AT_ONCE]
            if self._api.wire.budget.low:
                yield from (Outcome(key=n.key, status=Status.LATER, words=SPARED) for n in some)
            else:
                yield from write(some)

    def _tasks(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        who = self._whos(notes)
        standing = self._standing_tasks(sorted(set(who.values())))
        new: dict[str, NewNote] = {}
        for note in notes:
            if note.key in standing or note.key in new:
                yield Outcome(key=note.key, status=Status.DONE)
            else:
                new[note.key] = note
        records = [
            {
                "attributes": {"type": "Task"},
                "WhoId": who[note.key],
                "Subject": _marked(note),
                "Status": "Completed",
                "ActivityDate": self._api.wire.server_now().date().isoformat(),
                "Description": note.text[:LONGEST_FIELD],
            }
            for note in new.values()
        ]
        if records:
            results = self._api.collection("POST", records, repeat=False, action="leave a task")
            for key, result in zip(new, results, strict=True):
                yield outcome(key, result)

    def _whos(self, notes: Sequence[NewNote]) -> dict[str, str]:
        """Whom a task is about, by the note's key; a person account is known to tasks by its hidden contact."""
        accounts = sorted({n.ref.id for n in notes if n.ref.entity == "Account"})
        contacts: dict[str, str] = {}
        if accounts:
            soql = f"SELECT Id, PersonContactId FROM Account WHERE Id IN ({literals(accounts)})"  # noqa: S608  # values are literals
            contacts = {r["Id"]: str(r["PersonContactId"]) for r in self._api.rows(soql, action="person contacts")}
        return {n.key: contacts.get(n.ref.id, n.ref.id) for n in notes}

    def _standing_tasks(self, whos: list[str]) -> set[str]:
        """The keys of tasks that stand already. A Description cannot be filtered, so the subject carries the key."""
        soql = f"SELECT Id, Subject FROM Task WHERE WhoId IN ({literals(whos)}) AND Subject LIKE '%[%]'"  # noqa: S608  # as above
        return {_key(str(row.get("Subject") or "")) for row in self._api.rows(soql, action="look for tasks")}

    def _content_notes(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        for note in notes:
            try:
                self._content_note(note)
                yield Outcome(key=note.key, status=Status.DONE)
            except (RejectedError, ConfigError) as refusal:
                # an org without enhanced notes refuses each of them; a note holds up nothing
                yield Outcome(key=note.key, status=Status.ASIDE, words=refusal.operator)

    def _content_note(self, note: NewNote) -> None:
        linked = (
            "SELECT ContentDocumentId, ContentDocument.Title FROM ContentDocumentLink "  # noqa: S608  # as above
            f"WHERE LinkedEntityId = {literal(note.ref.id)}"
        )
        rows = self._api.rows(linked, action="look for notes")
        if any(_key(str((row.get("ContentDocument") or {}).get("Title") or "")) == note.key for row in rows):
            return
        # two calls make a note, so one may stand there without its link
        soql = f"SELECT Id FROM ContentNote WHERE Title = {literal(_marked(note))}"  # noqa: S608  # as above
        made = self._api.rows(soql, action="look for a note")
        content = "".join(f"<p>{escape(line)}</p>" for line in note.text.splitlines())
        body = {"Title": _marked(note), "Content": base64.b64encode(content.encode()).decode()}
        id_ = made[0]["Id"] if made else self._api.create("ContentNote", body, action="leave a note")
        link: dict[str, Any] = {"ContentDocumentId": id_, "LinkedEntityId": note.ref.id, "ShareType": "V"}
        self._api.create("ContentDocumentLink", link, action="link a note")

    def _fields(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Appends below what stands there. A field that is full is left as it is, and the note set aside."""
        for note in notes:
            fields = self._objects.get(note.ref.entity)
            field = custom(fields.settings, self._settings.field) if fields else self._settings.field
            soql = f"SELECT Id, {field} FROM {note.ref.entity} WHERE Id = {literal(note.ref.id)}"  # noqa: S608  # as above
            rows = self._api.rows(soql, action="read the notes field")
            old = str(rows[0].get(field) or "") if rows else ""
            new = f"{old}\n{note.title}: {note.text} [{note.key}]".strip()
            if not rows:
                yield Outcome(key=note.key, status=Status.CONFLICT, words="the record is gone")
            elif f"[{note.key}]" in old:
                yield Outcome(key=note.key, status=Status.DONE)
            elif len(new) > LONGEST_FIELD:
                yield Outcome(key=note.key, status=Status.ASIDE, words=f"{field} is full; nothing was overwritten")
            else:
                record = {"attributes": {"type": note.ref.entity}, "id": note.ref.id, field: new}
                result = self._api.collection("PATCH", [record], repeat=True, action="append to the notes field")[0]
                yield outcome(note.key, result)


def _marked(note: NewNote) -> str:
    return f"{note.title[:LONGEST_TITLE]} [{note.key}]"


def _key(title: str) -> str:
    return title.rpartition("[")[2].removesuffix("]")
