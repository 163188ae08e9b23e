"""`@odata.nextLink`: where a page ended ("Page results using OData"). A link that was altered is refused.

The vendor only says not to alter it; the check keeps a client from depending on what an alteration would do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from connector.emulators.dynamics.asks import Ask
from connector.emulators.dynamics.errors import VendorError

_FORM = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(True|False)" />')


def link(ask: Ask, options: Mapping[str, str], *, page: int, tracking: bool = False, **state: Any) -> str:
    """The address of the page after this one."""
    inner = json.dumps({**state, "sum": _sum(ask, options)}, separators=(",", ":"))
    cookie = quote(quote(f'<cookie page="{page}"><state last="{inner}" /></cookie>', safe=""), safe="")
    token = f'<cookie pagenumber="{page + 1}" pagingcookie="{cookie}" istracking="{tracking}" />'
    shown = [part for part in ask.query.split("&") if part and unquote(part.partition("=")[0]) != "$skiptoken"]
    return f"{ask.url}?" + "&".join([*shown, f"$skiptoken={quote(token, safe='')}"])


def state_of(ask: Ask, options: Mapping[str, str]) -> dict[str, Any]:
    """What a link holds, with its `page` and `tracking`. Raises: `VendorError` 400."""
    found = _FORM.fullmatch(options["$skiptoken"])
    inner = (
        re.fullmatch(r'<cookie page="\d+"><state last="(.*)" /></cookie>', unquote(unquote(found[2])))
        if found
        else None
    )
    if found is None or inner is None:
        raise VendorError(400, "0x80040203", "Malformed XML in the Paging Cookie")
    state: dict[str, Any] = json.loads(inner[1])
    if state.pop("sum") != _sum(ask, options):
        raise VendorError(400, "0x80040203", "The paging cookie does not belong to this query")
    return {**state, "page": int(found[1]), "tracking": found[3] == "True"}


def _sum(ask: Ask, options: Mapping[str, str]) -> str:
    rest = sorted((k, v) for k, v in options.items() if k != "$skiptoken")
    return hashlib.sha256(repr((ask.env.id, unquote(ask.path), rest)).encode()).hexdigest()[:16]
