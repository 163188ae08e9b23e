"""The SMTP side: strict, bounded, with faults on demand."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from weakref import WeakSet

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

MOST = 20_000
_LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(kw_only=True)
class Kept:
    """One message as it arrived."""

    number: int
    received: datetime
    sender: str
    recipients: list[str]
    raw: bytes
    parsed: EmailMessage = field(repr=False)

    def plain(self) -> dict[str, Any]:
        """What the HTTP view tells of it; every link in it is listed once."""
        text, html = (self._part(kind) for kind in ("plain", "html"))
        return {
            "id": self.number,
            "received": self.received.isoformat(),
            "from": self.sender,
            "to": self.recipients,
            "subject": str(self.parsed["Subject"] or ""),
            "message_id": str(self.parsed["Message-ID"] or ""),
            "list_unsubscribe": str(self.parsed["List-Unsubscribe"] or ""),
            "list_unsubscribe_post": str(self.parsed["List-Unsubscribe-Post"] or ""),
            "text": text,
            "html": html,
            "links": list(dict.fromkeys(_LINK.findall(text))),
        }

    def _part(self, kind: str) -> str:
        part = self.parsed.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


class _AnyPort(Controller):
    """A controller that takes a free port and knows which one it got, and at its end hangs up on whoever is there.

    A client that vanished without QUIT would leave its connection open behind it.
    """

    def __init__(self, *words: Any, **settings: Any) -> None:
        self._talks: WeakSet[SMTP] = WeakSet()
        super().__init__(*words, **settings)

    def factory(self) -> SMTP:
        """One conversation, remembered."""
        talk: SMTP = super().factory()  # type: ignore[no-untyped-call]  # aiosmtpd has no types there
        self._talks.add(talk)
        return talk

    def cancel_tasks(self, stop_loop: bool = True) -> None:
        """Hangs up, and stops."""
        for talk in self._talks:
            if isinstance(talk.transport, asyncio.Transport):
                talk.transport.abort()
        super().cancel_tasks(stop_loop)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types there


class Mailbox:
    """Listens from `start` until `stop`. `user` and `password` demand a login; `tls` a certificate chain's context."""

    def __init__(
        self, *, user: str = "", password: str = "", tls: ssl.SSLContext | None = None, implicit: bool = False
    ) -> None:
        self.messages: list[Kept] = []
        self.refuse: dict[str, str] = {}
        self.fail_next: list[str] = []
        self._user, self._password = user, password
        self._arrived = threading.Condition()
        self._numbers = 0
        login: dict[str, Any] = {}
        if user:
            login = {
                "authenticator": self._login,
                "auth_required": True,
                "auth_require_tls": tls is not None and not implicit,
            }
        secure: dict[str, Any] = {}
        if tls is not None:
            secure = {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": True}
        self._controller = _AnyPort(
            self, hostname="127.0.0.1", port=0, data_size_limit=1_000_000, enable_SMTPUTF8=True, **login, **secure
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._controller.port)

    def start(self) -> Mailbox:
        """Listens."""
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stops."""
        self._controller.stop()

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Kept]:
        """The messages, once there are `count` of them. Raises: `TimeoutError`."""
        end = time.monotonic() + timeout
        with self._arrived:
            while len(self.messages) < count:
                if not self._arrived.wait(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"{len(self.messages)} messages arrived, {count} were expected")
        return self.messages

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (
            (data.login.decode(), data.password.decode()) == (self._user, self._password)
        )
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuses whom it was told to refuse."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Keeps the message; `fail_next` holds faults: an answer to give instead, `cut_before`, or `cut_after`."""
        fault = self.fail_next.pop(0) if self.fail_next else ""
        if fault and fault != "cut_after":
            if fault == "cut_before":
                _cut(server)
            return fault
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        parsed = message_from_bytes(raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        with self._arrived:
            self._numbers += 1
            kept = Kept(
                number=self._numbers,
                received=datetime.now(UTC),
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                raw=raw,
                parsed=parsed,
            )
            self.messages.append(kept)
            del self.messages[:-MOST]
            self._arrived.notify_all()
        if fault == "cut_after":
            _cut(server)
        return "250 OK"


def _cut(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
