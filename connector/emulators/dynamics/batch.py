"""`$batch`: many requests in one, in order, with change sets that are all or nothing ("Execute batch operations").

Lines end with CRLF or LF; an inner address is absolute or begins at the host's root. Without continue-on-error the
first refusal ends the batch, and its status becomes the outer one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from urllib.parse import urlsplit

from connector.emulators.dynamics import limits
from connector.emulators.dynamics.asks import Answer, Ask, answer
from connector.emulators.dynamics.errors import VendorError, bad, not_allowed

MOST = 1_000
CONTINUE = "odata.continue-on-error"

Respond = Callable[[Ask], Answer]


class _Undone(VendorError):
    """A change set that failed; `answer` is that of the request that did."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, "", "")
        self.answer = answer


def execute(ask: Ask, respond: Respond) -> Answer:
    """`POST $batch`. Raises: `VendorError` 400 for what is no batch; then nothing was done."""
    if ask.method != "POST":
        raise not_allowed(ask.method)
    if ask.batched:
        raise bad("A batch cannot hold another batch.")
    parts = _parts(ask.headers.get("content-type", ""), ask.body)
    sets = [_parts(str(part["Content-Type"]), None, part) if part.is_multipart() else [part] for part in parts]
    if sum(len(inside) for inside in sets) > MOST:
        raise bad(f"The batch holds more than {MOST} operations.")
    plans = [[_inner(ask, part) for part in inside] for inside in sets]
    on, status, texts = CONTINUE in ask.preferences(), 200, list[bytes]()
    for part, inside in zip(parts, plans, strict=True):
        found, failed = _change_set(inside, respond) if part.is_multipart() else _single(inside[0], respond)
        texts.append(found)
        if failed and not on:
            status = failed
            break
        status = failed if failed == 404 and ask.env.propagate_404 else status
    return _multipart("batchresponse", texts, status)


def _parts(kind: str, body: bytes | None, parsed: Message | None = None) -> list[Message]:
    """The parts of a multipart body. Raises: `VendorError` 400 where boundaries are missing or do not close."""
    if not kind.lower().startswith("multipart/mixed"):
        raise bad(f"The content type of a batch must be multipart/mixed, not '{kind}'.")
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + (body or b"")) if parsed is None else parsed
    parts = whole.get_payload()
    if not isinstance(parts, list) or whole.defects or not parts:
        raise bad("The batch's boundaries are missing, or do not close.")
    return [part for part in parts if isinstance(part, Message)]


# -- requests inside ---------------------------------------------------------------------------------------------------
_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.1")


def _inner(ask: Ask, part: Message) -> tuple[Ask, str]:
    """One request, and its Content-ID. Raises: `VendorError` 400 for what is none."""
    if part.get_content_type() != "application/http":
        raise bad(f"A part of a batch must be application/http, not {part.get_content_type()}.")
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    head, body = _halves(raw.lstrip(b"\r\n"))
    first, *lines = head.decode("latin-1").splitlines()
    found = _LINE.fullmatch(first)
    if found is None:
        raise bad(f"'{first}' is not the first line of a request.")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    path, query = _address(ask, found[2])
    inner = Ask(
        env=ask.env,
        user=ask.user,
        method=found[1],
        root=ask.root,
        path=path,
        query=query,
        headers=headers,
        body=body,
        batched=True,
    )
    return inner, str(part.get("Content-ID", "")).strip()


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    if found is None:
        raise bad("A request's headers must end with an empty line.")
    return raw[: found.start()], raw[found.end() :].rstrip(b"\r\n")


def _address(ask: Ask, url: str) -> tuple[str, str]:
    """Path below the root, and query. `$1` stays as it is: it is known once the request before it was answered."""
    if re.match(r"/?\$\d", url):
        path, _, query = url.lstrip("/").partition("?")
        return path, query
    here, root = urlsplit(url), urlsplit(ask.root)
    if here.netloc and (here.scheme, here.netloc) != (root.scheme, root.netloc):
        raise bad(f"The URI '{url}' is not of this service.")
    if not here.path.startswith(f"{root.path}/"):
        raise bad(f"The URI '{url}' must be absolute, or begin with {root.path}/.")
    return here.path.removeprefix(f"{root.path}/"), here.query


def _asked(inner: Ask, respond: Respond) -> Answer:
    found = re.match(r"\$(\w+)", inner.path)
    try:
        limits.demand(inner.env, inner.user, inner.path, inner=True)
        if found is not None and inner.path != "$batch":
            if found[1] not in inner.references:
                raise bad(f"Content-ID Reference: '{found[0]}' does not exist in the batch context.")
            inner.path = inner.references[found[1]].removeprefix(f"{inner.root}/") + inner.path[found.end() :]
    except VendorError as error:
        return answer(error.body(generation=inner.env.generation), error.status, error.headers)
    return respond(inner)


def _single(plan: tuple[Ask, str], respond: Respond) -> tuple[bytes, int]:
    found = _asked(plan[0], respond)
    return _part(found, ""), found.status if found.status >= 400 else 0


def _change_set(plans: list[tuple[Ask, str]], respond: Respond) -> tuple[bytes, int]:
    """Every answer in a multipart of its own; or the one refusal alone, and nothing was done."""
    references, texts = dict[str, str](), list[bytes]()
    try:
        with plans[0][0].env.transaction():
            for inner, id_ in plans:
                inner.references = references
                found = _changed(inner, id_, respond)
                references[id_] = found.headers.get("OData-EntityId", "")
                texts.append(_part(found, id_))
    except _Undone as error:
        return _part(error.answer, ""), error.status
    made = _multipart("changesetresponse", texts, 200)
    return f"Content-Type: {made.headers['Content-Type']}\r\n\r\n".encode() + made.body, 0


def _changed(inner: Ask, id_: str, respond: Respond) -> Answer:
    if inner.method == "GET" or not id_:
        words = "a GET" if inner.method == "GET" else "a request without a Content-ID"
        error = bad(f"A change set cannot hold {words}.")
        raise _Undone(answer(error.body(generation=inner.env.generation), error.status))
    found = _asked(inner, respond)
    if found.status >= 400:
        raise _Undone(found)
    return found


# -- what goes back ----------------------------------------------------------------------------------------------------
def _part(found: Answer, id_: str) -> bytes:
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        *([f"Content-ID: {id_}"] if id_ else []),
    ]
    lines += ["", f"HTTP/1.1 {found.status} {HTTPStatus(found.status).phrase}", "OData-Version: 4.0"]
    lines += [f"{name}: {value}" for name, value in found.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + found.body


def _multipart(kind: str, parts: list[bytes], status: int) -> Answer:
    boundary = f"{kind}_{uuid.uuid4()}"
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Answer(status, body + f"--{boundary}--\r\n".encode(), headers)
