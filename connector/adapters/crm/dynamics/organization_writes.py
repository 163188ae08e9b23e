"""Writing by the Organization Data Service: one row a call, by MERGE, for PUT would blank what is not named.

CRM SDK, "Use the OData endpoint": create, update, delete. There are no versions on this wire: what must not be written
over a change is looked at right before, written once, and looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connector.adapters.crm.dynamics.mapping import STANDS_ALREADY
from connector.adapters.crm.dynamics.organization_calls import Calls
from connector.adapters.crm.dynamics.organization_metadata import Metadata
from connector.adapters.crm.dynamics.organization_reads import Reads
from connector.adapters.crm.dynamics.organization_rows import Entity, guid
from connector.adapters.crm.dynamics.records import WINNER, Table, Values
from connector.adapters.crm.dynamics.refusals import refused
from connector.adapters.crm.dynamics.wire import DONE, Result, Versioned, Write
from connector.core.errors import ConflictError, Failure
from connector.ports.adapter import Status

LONGEST_TITLE = 500
MERGE = {"X-HTTP-Method": "MERGE"}
GONE = Result(status=Status.CONFLICT, words="the record is gone")
CHANGED = Result(status=Status.CONFLICT, words="the record changed since it was looked at")


class Writes:
    """Rows to write in one organization."""

    def __init__(self, calls: Calls, metadata: Metadata, reads: Reads) -> None:
        self._calls, self._metadata, self._reads = calls, metadata, reads

    def write(self, table: Table, writes: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """See `wire.Organization`."""
        for write in writes:
            yield write, self._merge(table, write.id, write.values, repeat=True)

    def _merge(self, table: Table, id_: str, values: Values, *, repeat: bool) -> Result:
        """Columns of a row that is there. Raises: `TransientError` where its fate is unknown."""
        entity = self._metadata.entity(table)
        lacking = _lacking(entity, values)
        if lacking:
            return lacking
        path, action, body = f"{entity.entity_set}({guid(id_)})", f"write {table.name}", entity.encoded(values)
        try:
            self._calls.call(
                "POST", path, action=action, about="item", repeat=repeat, ok=(200, 204), body=body, headers=MERGE
            )
        except Failure as failure:
            return refused(failure)
        return DONE

    def update(self, table: Table, id_: str, values: Values, version: str) -> Result:
        """See `wire.Organization`. What changed in the moment between look and write is seen by a second look."""
        before = self._reads.fetch(table, id_, [table.key])
        if before is None:
            return GONE
        if before.version != version:
            return CHANGED
        # sent once: what is sent again after a lost answer could write over a change that came in between
        result = self._merge(table, id_, values, repeat=False)
        if result.status is not Status.DONE:
            return result
        after = self._reads.fetch(table, id_, [table.key])
        if after is None:
            return GONE
        if _same_person(table, before, after):
            said = after.values.get(table.restriction)
            return DONE if values.get(table.restriction, said) == said else CHANGED
        if values.get(table.restriction) is False:
            # it was let go for somebody who is no longer meant: stopped again, and looked at again
            self._merge(table, id_, {table.restriction: True}, repeat=True)
        return CHANGED

    def insert(self, table: Table, rows: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """See `wire.Organization`."""
        for row in rows:
            yield row, self._insert(table, row)

    def _insert(self, table: Table, row: Write) -> Result:
        entity = self._metadata.entity(table)
        lacking = _lacking(entity, row.values)
        if lacking:
            return lacking
        body = {entity.property(table.key): row.id} | entity.encoded(row.values)
        return self._made(entity.entity_set, body, f"make {table.name}")

    def _made(self, entity_set: str, body: dict[str, Any], action: str) -> Result:
        """A row under an id of ours: made twice, it is refused as a duplicate."""
        try:
            self._calls.call("POST", entity_set, action=action, about="item", repeat=True, ok=(201,), body=body)
        except ConflictError as conflict:
            there = any(code in conflict.excerpt for code in STANDS_ALREADY)
            return DONE if there else refused(conflict)
        except Failure as failure:
            return refused(failure)
        return DONE

    def delete(self, table: Table, id_: str, version: str) -> Result:
        """See `wire.Organization`."""
        entity, action = self._metadata.entity(table), f"delete {table.name}"
        row = self._reads.fetch(table, id_, [table.key])
        if row is None:
            return DONE
        if row.version != version:
            return CHANGED
        path = f"{entity.entity_set}({guid(id_)})"
        try:
            self._calls.call("DELETE", path, action=action, about="item", repeat=False, ok=(200, 204))
        except ConflictError as conflict:
            return DONE if self._reads.fetch(table, id_, [table.key]) is None else refused(conflict)
        except Failure as failure:
            return refused(failure)
        return DONE

    def annotate(self, table: Table, id_: str, note_id: str, title: str, text: str) -> Result:
        """See `wire.Organization`. These servers show a note as plain text."""
        if self._reads.has_note(note_id):
            return DONE
        body = {
            "AnnotationId": note_id,
            "Subject": title[:LONGEST_TITLE],
            "NoteText": text,
            "ObjectId": {"Id": id_, "LogicalName": table.name},
        }
        return self._made("AnnotationSet", body, "leave a note")


def _lacking(entity: Entity, values: Values) -> Result | None:
    """A row with a column that is not there is set aside, as the Web API would."""
    lacking = [column for column in values if column not in entity.attributes]
    return Result(status=Status.ASIDE, words=f"there is no column {', '.join(lacking)}") if lacking else None


def _same_person(table: Table, before: Versioned, after: Versioned) -> bool:
    """Whether the row still names whom it named."""
    return all(before.values.get(column) == after.values.get(column) for column in (table.email, WINNER))
