"""Leaving notes: a Task, a ContentNote, or a field that is appended to. A note carries its key, so it is written once."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from connector.adapters._http import redacted
from connector.adapters.crm.salesforce.api import AT_ONCE, Api, RowResult
from connector.adapters.crm.salesforce.mapping import literal, row_status
from connector.adapters.crm.salesforce.settings import Notes
from connector.core.errors import RejectedError
from connector.ports.adapter import Outcome, Status
from connector.ports.crm import NewNote

LONGEST_FIELD = 32_000


class NoteWriter:
    """Writes notes of the tenant's kind."""

    def __init__(self, api: Api, settings: Notes) -> None:
        self._api, self._settings = api, settings

    def write(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """One outcome for every key; one whose key stands there already is done."""
        write = {"task": self._tasks, "content_note": self._content_notes, "field": self._fields}[self._settings.kind]
        for start in range(0, len(notes), AT_ONCE):
            yield from write(notes[start : start + AT_ONCE])

    def _tasks(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        who = self._whos(notes)
        standing = self._standing_tasks(list(who.values()))
        new = [note for note in notes if note.key not in standing]
        yield from (Outcome(key=n.key, status=Status.DONE) for n in notes if n.key in standing)
        records = [
            {
                "attributes": {"type": "Task"},
                "WhoId": who[note.key],
                "Subject": _marked(note),
                "Status": "Completed",
                "ActivityDate": self._api.server_now().date().isoformat(),
                "Description": note.text,
            }
            for note in new
        ]
        if records:
            results = self._api.collection("POST", records, repeat=False, action="leave a task")
            for note, result in zip(new, results, strict=True):
                yield _outcome(note.key, result)

    def _whos(self, notes: Sequence[NewNote]) -> dict[str, str]:
        """Whom a task is about, by the note's key; a person account is known to tasks by its hidden contact."""
        accounts = sorted({n.ref.id for n in notes if n.ref.entity == "Account"})
        contacts: dict[str, str] = {}
        if accounts:
            ids = ",".join(map(literal, accounts))
            soql = f"SELECT Id, PersonContactId FROM Account WHERE Id IN ({ids})"  # noqa: S608  # literals are escaped
            contacts = {r["Id"]: r["PersonContactId"] for r in self._api.rows(soql, action="person contacts")}
        return {n.key: contacts.get(n.ref.id, n.ref.id) for n in notes}

    def _standing_tasks(self, whos: list[str]) -> set[str]:
        """The keys of tasks that stand already. A Description cannot be filtered, so the subject carries the key."""
        ids = ",".join(literal(who) for who in sorted(set(whos)))
        soql = f"SELECT Id, Subject FROM Task WHERE WhoId IN ({ids})"  # noqa: S608  # literals are escaped
        return {_key(str(row.get("Subject") or "")) for row in self._api.rows(soql, action="look for tasks")}

    def _content_notes(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        for note in notes:
            try:
                self._content_note(note)
                yield Outcome(key=note.key, status=Status.DONE)
            except RejectedError as refusal:
                yield Outcome(key=note.key, status=Status.ASIDE, words=refusal.operator)

    def _content_note(self, note: NewNote) -> None:
        title = literal(_marked(note))
        linked = (
            "SELECT ContentDocumentId, ContentDocument.Title FROM ContentDocumentLink "  # noqa: S608  # as above
            f"WHERE LinkedEntityId = {literal(note.ref.id)}"
        )
        rows = self._api.rows(linked, action="look for notes")
        if any(_key(str((row.get("ContentDocument") or {}).get("Title") or "")) == note.key for row in rows):
            return
        made = self._api.rows(f"SELECT Id FROM ContentNote WHERE Title = {title}", action="look for a note")  # noqa: S608  # as above
        text = f"<p>{escape(note.text)}</p>"
        body = {"Title": _marked(note), "Content": base64.b64encode(text.encode()).decode()}
        id_ = made[0]["Id"] if made else self._api.create("ContentNote", body, action="leave a note")
        link: dict[str, Any] = {"ContentDocumentId": id_, "LinkedEntityId": note.ref.id, "ShareType": "V"}
        self._api.create("ContentDocumentLink", link, action="link a note")

    def _fields(self, notes: Sequence[NewNote]) -> Iterator[Outcome]:
        """Appends below what stands there; the newest notes are kept where the field is full."""
        field = self._settings.field
        for note in notes:
            soql = f"SELECT Id, {field} FROM {note.ref.entity} WHERE Id = {literal(note.ref.id)}"  # noqa: S608  # as above
            rows = self._api.rows(soql, action="read the notes field")
            old = str(rows[0].get(field) or "") if rows else ""
            if f"[{note.key}]" in old:
                yield Outcome(key=note.key, status=Status.DONE)
                continue
            new = f"{old}\n{note.text} [{note.key}]".strip()
            if len(new) > LONGEST_FIELD:
                yield Outcome(key=note.key, status=Status.ASIDE, words=f"{field} is full; nothing was overwritten")
                continue
            record = {"attributes": {"type": note.ref.entity}, "id": note.ref.id, field: new}
            result = self._api.collection("PATCH", [record], repeat=True, action="append to the notes field")[0]
            yield _outcome(note.key, result)


def _marked(note: NewNote) -> str:
    return f"{note.title} [{note.key}]"


def _key(title: str) -> str:
    return title.rpartition("[")[2].removesuffix("]")


def _outcome(key: str, result: RowResult) -> Outcome:
    if result.success:
        return Outcome(key=key, status=Status.DONE)
    error = result.errors[0] if result.errors else None
    code, words = (error.statusCode, error.message) if error else ("UNKNOWN_EXCEPTION", "no reason given")
    return Outcome(key=key, status=row_status(code), words=redacted(f"{code}: {words}"))
