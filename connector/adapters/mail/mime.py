"""The bytes of a letter: the same letter always gives the same ones (RFC 5322, 2045, 6532, 8058)."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from email.headerregistry import Address as Mailbox
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from connector.core.errors import RejectedError
from connector.ports.mailer import Letter

_ATOMS = re.compile(r"[^\s\"(),:;<>@\[\\\].]+(?:\.[^\s\"(),:;<>@\[\\\].]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class _Whole(UnstructuredHeader):
    """A header in one line: the standard library would fold a long URL into encoded words, which break the link."""

    name: str

    def fold(self, *, policy: Any) -> str:
        """The name and the value as they are."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("to", "list-unsubscribe", "list-unsubscribe-post"):
    _HEADERS.map_to_type(_name, _Whole)  # type: ignore[arg-type]  # typeshed knows no header mix-ins
_POLICY: EmailPolicy[EmailMessage] = SMTP.clone(header_factory=_HEADERS)


def mailbox(address: str) -> str:
    """The address as a mail server and a header may read it: one mailbox, its local part quoted where it must be.

    Raises: `RejectedError` for what is no single mailbox, or one whose domain no mail server can have.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or _CONTROL.search(address) or not _DOMAIN.fullmatch(domain):
        raise RejectedError("No mail server can deliver to this address: it is not one plain mailbox.")
    if not _ATOMS.fullmatch(local) and not _QUOTED.fullmatch(local):
        local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
    return f"{local}@{domain}"


def mime(letter: Letter, *, sender: str, sender_name: str) -> bytes:
    """The whole message. An address beyond ASCII stands in it as UTF-8 (SMTPUTF8); all else is plain ASCII.

    Raises: `RejectedError` for an address that is none, or a header that holds a line break.
    """
    to = mailbox(letter.to)
    message = EmailMessage(policy=_POLICY.clone(utf8=not to.isascii()))
    message["From"] = Mailbox(one_line(sender_name), addr_spec=sender)
    message["To"] = to
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(letter.date.astimezone(UTC))
    message["Message-ID"] = _plain("Message-ID", letter.message_id)
    message["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        message[name] = _plain(name, value)
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    message.set_boundary("=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32])
    return message.as_bytes()


def one_line(text: str) -> str:
    """Words for a header: every run of blanks, line breaks and control characters is one blank."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _plain(name: str, value: str) -> str:
    if not _NAME.fullmatch(name) or _CONTROL.search(value) or not value.isascii() or len(value) > 900:
        raise RejectedError(f"The letter's header {one_line(name)} cannot stand in a mail.")
    return value
