"""Faults on demand and a request log, around any emulator: /_emulator/faults, /_emulator/requests, /_emulator/latency.

A fault is JSON: `kind` (429, 503, slow, cut_before, cut_after, cut_body, wrong_body,
empty_body, short_body, expired), `after` (matching requests to
let pass first), `times`, `method`, `path` (a regular expression), `retry_after` (seconds, or an HTTP date as text),
`seconds` (for slow), `body` (for wrong_body).
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORTS: dict[tuple[str, int], asyncio.Transport] = {}
"""Open connections by the peer's address, filled by `emulators.server`, so that a fault can cut one."""

PROXY_PAGE = "<!doctype html><html><head><title>Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(kw_only=True)
class Fault:
    """One planned fault; see the module's docstring."""

    kind: str
    after: int = 0
    times: int = 1
    method: str = ""
    path: str = ""
    retry_after: Any = None
    seconds: float = 0.0
    body: str = PROXY_PAGE
    content_type: str = "text/html"
    seen: int = 0
    done: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Counts a request that matches; whether this one is hit."""
        if (self.method and self.method != method) or (self.path and not re.search(self.path, path)):
            return False
        self.seen += 1
        hit = self.seen > self.after and self.done < self.times
        self.done += hit
        return hit


@dataclass
class Faults:
    """The middleware. `expired_body` is what the vendor answers to a dead token."""

    app: ASGIApp
    expired_body: bytes = b""
    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=100_000))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Logs the request, and lets it through or spoils it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith("/_emulator/"):
            await self._control(path.removeprefix("/_emulator/"), scope, receive, send)
            return
        entry: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(),
            "method": scope["method"],
            "path": path,
            "query": scope["query_string"].decode("latin-1"),
            "status": None,
        }
        self.requests.append(entry)
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = next((f for f in self.faults if f.strikes(scope["method"], path)), None)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        if fault is None:
            await self.app(scope, receive, noted)
        else:
            entry["fault"] = fault.kind
            await self._spoil(fault, scope, receive, noted)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case "429" | "503":
                headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
                await _answer(send, int(fault.kind), "text/plain", b"", headers)
            case "expired":
                await _answer(send, 401, "application/json", self.expired_body)
            case "slow":
                await asyncio.sleep(fault.seconds)
                await self.app(scope, receive, send)
            case "cut_before":
                _cut(scope)
            case "cut_after":
                await self.app(scope, receive, _nowhere)
                _cut(scope)
            case "cut_body":
                await self.app(scope, receive, _half(scope, send))
            case "wrong_body":
                await self.app(scope, receive, _nowhere)
                await _answer(send, 200, fault.content_type, fault.body.encode())
            case "empty_body" | "short_body":
                await self.app(scope, receive, _shortened(send, keep=fault.kind == "short_body"))
            case _:
                raise ValueError(f"unknown fault {fault.kind}")

    async def _control(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        if name not in ("faults", "requests", "latency"):
            await self.app(scope, receive, send)
            return
        body = await _body(receive)
        if scope["method"] == "DELETE":
            (self.faults if name == "faults" else self.requests).clear()
        elif scope["method"] == "POST" and name == "faults":
            self.faults.append(Fault(**json.loads(body)))
        elif scope["method"] == "POST" and name == "latency":
            self.latency = float(json.loads(body)["seconds"])
        shown: Any = {
            "faults": [asdict(f) for f in self.faults],
            "requests": list(self.requests),
            "latency": {"seconds": self.latency},
        }[name]
        await _answer(send, 200, "application/json", json.dumps(shown).encode())


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _answer(
    send: Send, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None
) -> None:
    raw = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
    encoded = [(k.encode(), v.encode()) for k, v in raw.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _nowhere(message: Message) -> None:
    """Swallows an answer: the deed was done, and nobody hears of it."""


def _shortened(send: Send, *, keep: bool) -> Send:
    """A whole, well-formed answer whose body lacks its last line (or last half), or everything."""
    start: list[Message] = []
    body = b""

    async def shortened(message: Message) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            start.append(message)
            return
        body += bytes(message.get("body", b""))
        if message.get("more_body"):
            return
        lines = body.splitlines(keepends=True)
        kept = b"" if not keep else b"".join(lines[:-1]) if len(lines) > 1 else body[: len(body) // 2]
        raw = [(k, v) for k, v in start[0]["headers"] if k.lower() not in (b"content-length", b"transfer-encoding")]
        await send({**start[0], "headers": [*raw, (b"content-length", str(len(kept)).encode())]})
        await send({"type": "http.response.body", "body": kept})

    return shortened


def _half(scope: Scope, send: Send) -> Send:
    """Announces the whole body, sends half of the first piece, and cuts."""
    begun = False

    async def half(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            await send(message)
        elif not begun:
            begun = True
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0.02)
            _cut(scope)

    return half


def _cut(scope: Scope) -> None:
    """Resets the connection, as a dying proxy does."""
    transport = TRANSPORTS.get(tuple(scope["client"]))
    if transport is None:
        raise RuntimeError("the connection to cut is not known; serve the emulator with emulators.server")
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
