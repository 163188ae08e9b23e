"""Reading over the Web API: changes by change tracking, or by `modifiedon` where a table has none, and single looks.

Dataverse developer guide, "Use change tracking to synchronize data with external systems", "Page results".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from connector.adapters.crm.dynamics.mapping import TRACKING_OFF, spellings, url
from connector.adapters.crm.dynamics.records import MODIFIED, MODIFIER, WINNER, Table, Values
from connector.adapters.crm.dynamics.refusals import of_the_asked
from connector.adapters.crm.dynamics.web_api_calls import ROWS_A_PAGE, Calls
from connector.adapters.crm.dynamics.wire import Piece, Versioned
from connector.core.address import Address
from connector.core.errors import ConfigError, ConflictError

TRACKED, POLLED = "tracked", "polled"
TRACK = f"odata.track-changes,odata.maxpagesize={ROWS_A_PAGE}"

OVERLAP = timedelta(seconds=600)
"""A row is stamped when saved and seen when committed: what a long transaction stamped earlier is read again."""

LONGEST_QUERY = {"365": 12_000, "2016": 1_600}
"""Characters of addresses in one URL. Servers at home stand behind IIS, which takes 2,048 characters of a query."""


class Reads:
    """Rows of one organization. A mark is `tracked` or `polled`, and the delta link or the time behind it."""

    def __init__(self, calls: Calls, generation: str) -> None:
        self._calls = calls
        self._longest = LONGEST_QUERY[generation]

    def changes(self, table: Table, mark: str, place: str, now: datetime) -> Iterator[Piece]:
        """See `wire.Organization`. `now` is the server's clock, of which a polled read makes its mark."""
        kind, link, until = _loaded(place or mark, of_place=bool(place))
        if kind == TRACKED or not kind:
            try:
                yield from self._tracked(table, link)
                return
            except _NotTracked:
                until = _stamp(now)
        if not place:
            since = _stamp(datetime.fromisoformat(link) - OVERLAP) if kind == POLLED else ""
            link, until = self._window(table, since), until or _stamp(now)
        yield from self._polled(table, link, until, resumed=bool(place) and kind == POLLED)

    def _tracked(self, table: Table, link: str) -> Iterator[Piece]:
        """From a link on, or everything there is. Raises: `_NotTracked` before the first piece."""
        first, action = not link, f"changes of {table.name}"
        link = link or url(table.entity_set, {"$select": ",".join(_select(table))})
        while link:
            try:
                page, headers = self._calls.page(link, action=action, about="call" if first else "place", prefer=TRACK)
            except ConfigError as error:
                if first and TRACKING_OFF in error.excerpt:
                    raise _NotTracked from None
                raise
            if first and "track-changes" not in headers.get("Preference-Applied", ""):
                raise _NotTracked
            first = False
            if not page.next and not page.delta:
                raise self._calls.wire.garbled(action, "a page without its successor")
            rows = [_values(r) for r in page.value if "$deletedEntity" not in r.get("@odata.context", "")]
            gone = [str(r["id"]) for r in page.value if "$deletedEntity" in r.get("@odata.context", "")]
            place = json.dumps([TRACKED, page.next]) if page.next else ""
            yield Piece(rows=rows, gone=gone, place=place, mark=json.dumps([TRACKED, page.delta]) if not place else "")
            link = page.next

    def _window(self, table: Table, since: str) -> str:
        options = {"$select": ",".join(_select(table)), "$orderby": f"{MODIFIED} asc,{table.key} asc"}
        return url(table.entity_set, options | ({"$filter": f"{MODIFIED} ge {since}"} if since else {}))

    def _polled(self, table: Table, link: str, until: str, *, resumed: bool) -> Iterator[Piece]:
        """What was modified, in that order; deletions are found by the sweep alone."""
        while link:
            about = "place" if resumed else "call"
            page, _ = self._calls.page(link, action=f"changes of {table.name}", about=about)  # type: ignore[arg-type]  # one of two words
            link, resumed = page.next, True
            place = json.dumps([POLLED, link, until]) if link else ""
            mark = "" if link else json.dumps([POLLED, until])
            yield Piece(rows=[_values(r) for r in page.value], place=place, mark=mark)

    def look(self, table: Table, addresses: Sequence[Address]) -> list[Versioned]:
        """See `wire.Organization`."""
        found = (
            row for part in self._parts(addresses) for row in self._holding(table, table.email, _select(table), part)
        )
        return [Versioned(version=str(row.get("@odata.etag") or ""), values=_values(row)) for row in found]

    def holding(self, table: Table, column: str, addresses: Sequence[Address]) -> list[str]:
        """See `wire.Organization`."""
        found = (row for part in self._parts(addresses) for row in self._holding(table, column, [column], part))
        return [str(row.get(column) or "") for row in found]

    def _holding(self, table: Table, column: str, select: Sequence[str], texts: str) -> Iterator[dict[str, Any]]:
        options = {
            "$select": ",".join(select),
            "$filter": "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)",
            "@p1": f"'{column}'",
            "@p2": texts,
        }
        return self._calls.rows(url(table.entity_set, options), action=f"look at {table.name}.{column}")

    def _parts(self, addresses: Sequence[Address]) -> Iterator[str]:
        """Arrays of addresses, each short enough for a URL."""
        part: list[str] = []
        size = 0
        for text in (spelling for address in addresses for spelling in spellings(address)):
            length = len(quote(json.dumps(text, ensure_ascii=False) + ","))
            if part and size + length > self._longest:
                yield json.dumps(part, ensure_ascii=False, separators=(",", ":"))
                part, size = [], 0
            part.append(text)
            size += length
        if part:
            yield json.dumps(part, ensure_ascii=False, separators=(",", ":"))

    def fetch(self, table: Table, id_: str, columns: Sequence[str]) -> Versioned | None:
        """See `wire.Organization`."""
        select = ",".join(dict.fromkeys(_written(c) for c in columns))
        path = url(f"{table.entity_set}({id_})", {"$select": select})
        try:
            row: dict[str, Any] = self._calls.one(path, dict[str, Any], action=f"read {table.name}", about="item")
        except ConflictError:
            return None
        if "@odata.etag" not in row:
            raise self._calls.wire.garbled(f"read {table.name}", "a row without its version")
        values = _values(row)
        if modifier := row.get(_written(MODIFIER)):
            values[MODIFIER] = self._user(str(modifier))
        return Versioned(values=values, version=str(row["@odata.etag"]))

    def _user(self, id_: str) -> str:
        """The name of a user; the id where it may not be read."""
        path = url(f"systemusers({id_})", {"$select": "fullname"})
        try:
            row: dict[str, Any] = self._calls.one(path, dict[str, Any], action="read a user", about="item")
        except (ConfigError, ConflictError) as refusal:
            if not of_the_asked(refusal):
                raise
            return id_
        return str(row.get("fullname") or id_)


_WINNER = f"_{WINNER}_value"


class _NotTracked(ConflictError):
    """The table's changes are not tracked; never leaves this file."""

    def __init__(self) -> None:
        super().__init__("Dynamics tracks no changes of this table.")


def _written(column: str) -> str:
    """A column as the Web API writes it: a lookup reads as `_name_value`."""
    return f"_{column}_value" if column in (WINNER, MODIFIER) else column


def _select(table: Table) -> list[str]:
    return [_written(column) for column in table.select()]


def _values(row: Values) -> Values:
    """The same row by logical names, changed in its place, for a first read has one for every contact."""
    if _WINNER in row:
        row[WINNER] = row.pop(_WINNER)
    at = row.get(MODIFIED)
    if at.__class__ is str:
        row[MODIFIED] = datetime.fromisoformat(at)
    return row


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _loaded(text: str, *, of_place: bool) -> tuple[str, str, str]:
    """Kind, link or time, and the mark that a polled read leaves. Raises: `ConflictError` for a text that is none."""
    if not text:
        return "", "", ""
    try:
        kind, link, *rest = json.loads(text)
        if kind == POLLED:
            datetime.fromisoformat(rest[0] if of_place else link)
        if kind in (TRACKED, POLLED) and isinstance(link, str) and link:
            return kind, link, rest[0] if rest else ""
    except (ValueError, TypeError, IndexError):
        pass
    raise ConflictError("The place where Dynamics was read is not ours; reading from the start.")
