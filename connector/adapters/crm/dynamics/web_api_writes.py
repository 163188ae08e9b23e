"""Writing over the Web API: in bulk where it may be done twice, one by one and by version where it may not.

Dataverse developer guide, "Use bulk operation messages", "Perform conditional operations using the Web API",
"Associate and disassociate", annotation. Every PATCH says If-Match or If-None-Match: a bare one makes what is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import urlsplit

import msgspec
import requests

from connector.adapters._http import redacted
from connector.adapters.crm.dynamics.mapping import FEWER_MAY_PASS, item_status, named, quoted, url
from connector.adapters.crm.dynamics.records import Table, Values
from connector.adapters.crm.dynamics.refusals import of_the_asked, refused
from connector.adapters.crm.dynamics.web_api_batch import AT_ONCE, Answer, Part, answers, composed
from connector.adapters.crm.dynamics.web_api_calls import Calls
from connector.adapters.crm.dynamics.wire import DONE, Result, Write
from connector.core.errors import ConfigError, ConflictError, Failure, RejectedError, TransientError
from connector.ports.adapter import Status

LONGEST_TITLE = 500
THERE, NEW = ("If-Match", "*"), ("If-None-Match", "*")

NOT_REACHED = Result(status=Status.LATER, words="the batch ended before it")


class Writes:
    """Rows to write in one organization."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._bulk: dict[str, bool] = {}

    def has_bulk(self, table: Table) -> bool:
        """Whether the server has UpdateMultiple for this table; asked once. No server at home has it."""
        if self._calls.version < "9":
            return False
        if table.name not in self._bulk:
            options = {
                "$select": "sdkmessagefilterid",
                "$filter": "sdkmessageid/name eq @m and primaryobjecttypecode eq @t",
                "@m": "'UpdateMultiple'",
                "@t": quoted(table.name),
            }
            try:
                rows = list(self._calls.rows(url("sdkmessagefilters", options), action="bulk messages"))
            except ConfigError as refusal:
                if not of_the_asked(refusal):
                    raise
                # who may not ask writes by batches, which every server has
                rows = []
            self._bulk[table.name] = bool(rows)
        return self._bulk[table.name]

    def write(self, table: Table, writes: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """See `wire.Organization`."""
        for start in range(0, len(writes), AT_ONCE):
            some = writes[start : start + AT_ONCE]
            if len(some) > 1 and self.has_bulk(table) and self._multiple(table, some):
                yield from ((write, DONE) for write in some)
            else:
                yield from zip(some, self._some(table, some, THERE), strict=True)

    def _multiple(self, table: Table, writes: Sequence[Write]) -> bool:
        """Whether all of them were written; one that the server refuses takes all the others back with it."""
        kind = f"Microsoft.Dynamics.CRM.{table.name}"
        targets = [{"@odata.type": kind, table.key: write.id, **write.values} for write in writes]
        path, action = f"{table.entity_set}/Microsoft.Dynamics.CRM.UpdateMultiple", f"update {table.name}"
        try:
            self._calls.call("POST", path, action=action, about="item", ok=(200, 204), body={"Targets": targets})
        except (RejectedError, ConflictError, ConfigError) as refusal:
            if not of_the_asked(refusal):
                raise
            return False
        except TransientError as failure:
            if not any(code in failure.excerpt for code in FEWER_MAY_PASS):
                raise
            return False
        return True

    def _batch(self, table: Table, writes: Sequence[Write], condition: tuple[str, str]) -> list[Result]:
        base = urlsplit(f"{self._calls.wire.base_url}/{self._calls.base}").path
        parts = [Part(f"{base}/{table.entity_set}({w.id})", msgspec.json.encode(w.values)) for w in writes]
        boundary, action = f"batch_{self._calls.wire.clock.new_id()}", f"update {table.name} in a batch"

        def read(response: requests.Response) -> list[Answer]:
            try:
                found = answers(response.headers.get("Content-Type", ""), response.content)
            except ValueError as error:
                raise self._calls.wire.garbled(action, str(error)) from None
            if len(found) > len(parts) or (response.status_code == 200 and len(found) != len(parts)):
                raise self._calls.wire.garbled(action, f"{len(found)} answers to {len(parts)} requests")
            return found

        found: list[Answer] = self._calls.multipart(
            composed(parts, boundary, f"{condition[0]}: {condition[1]}"), boundary, read, action=action
        )
        ended = [_result(answer) for answer in found]
        return ended + [NOT_REACHED] * (len(parts) - len(ended))

    def patch(self, table: Table, id_: str, values: Values, condition: tuple[str, str]) -> Result:
        """One row, under a condition: `If-Match` or `If-None-Match`."""
        # whoever's write was lost may repeat it: a version fits once, and a row is made once
        path, action = f"{table.entity_set}({id_})", f"write {table.name}"
        try:
            self._calls.call(
                "PATCH", path, action=action, about="item", ok=(200, 204), body=values, headers=dict([condition])
            )
        except Failure as failure:
            return refused(failure)
        return DONE

    def update(self, table: Table, id_: str, values: Values, version: str) -> Result:
        """See `wire.Organization`."""
        return self.patch(table, id_, values, ("If-Match", version))

    def insert(self, table: Table, rows: Sequence[Write]) -> Iterator[tuple[Write, Result]]:
        """See `wire.Organization`. A row that stands there already answers 412."""
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            for row, result in zip(some, self._some(table, some, NEW), strict=True):
                yield row, DONE if result.status is Status.CONFLICT else result

    def _some(self, table: Table, rows: Sequence[Write], condition: tuple[str, str]) -> list[Result]:
        """One row by itself, for its own answer says more than a batch's; more of them in a batch."""
        if len(rows) == 1:
            return [self.patch(table, rows[0].id, rows[0].values, condition)]
        return self._batch(table, rows, condition)

    def delete(self, table: Table, id_: str, version: str) -> Result:
        """See `wire.Organization`."""
        path, action = f"{table.entity_set}({id_})", f"delete {table.name}"
        try:
            self._calls.call("DELETE", path, action=action, about="item", ok=(200, 204), headers={"If-Match": version})
        except ConflictError as conflict:
            return DONE if conflict.status == 404 else refused(conflict)
        except Failure as failure:
            return refused(failure)
        return DONE

    def annotate(self, table: Table, id_: str, note_id: str, title: str, text: str) -> Result:
        """See `wire.Organization`. The timeline shows a note as HTML."""
        body = {
            "subject": title[:LONGEST_TITLE],
            "notetext": escape(text, quote=False),
            f"objectid_{table.name}@odata.bind": f"/{table.entity_set}({id_})",
        }
        path, new = f"annotations({note_id})", dict([NEW])
        try:
            self._calls.call("PATCH", path, action="leave a note", about="item", ok=(200, 204), body=body, headers=new)
        except ConflictError as conflict:
            # 412: it stands there already; 404: the record that it is about is gone
            return DONE if conflict.status == 412 else refused(conflict)
        except Failure as failure:
            return refused(failure)
        return DONE


def _result(answer: Answer) -> Result:
    if answer.status < 300:
        return DONE
    words = redacted(f"{named(answer.error.code)}: {answer.error.message}".removeprefix(": "))
    return Result(status=item_status(answer.status, answer.error.code), words=words)
