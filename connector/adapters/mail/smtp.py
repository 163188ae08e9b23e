"""A mail server behind the Mailer port: STARTTLS or TLS, login, timeouts; plain only on loopback."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connector.core.errors import ConfigError, RejectedError, TransientError
from connector.ports.adapter import Context
from connector.ports.mailer import Letter

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseModel):
    """The block `mail:`."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["smtp"] = "smtp"
    host: str = Field(description="The mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is taken for loopback alone."
    )
    user: str = Field(default="", description="The login, where the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password, by reference.")
    sender: str = Field(description="The address that letters come from.")
    sender_name: str = Field(default="", description="The name beside it.")
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for each answer.")


class Smtp:
    """One server; the connection is kept for the letters of a run and opened anew when it went stale."""

    def __init__(self, settings: Settings, ca_bundle: str | None) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=ca_bundle)
        self._server: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> None:
        """Returns once the server took the letter. Raises: `RejectedError`, `TransientError`, `ConfigError`."""
        message, utf8 = compose(letter, self._settings)
        try:
            server = self._connected()
            options = ["SMTPUTF8"] if utf8 else []
            if utf8 and not server.has_extn("smtputf8"):
                raise RejectedError("The mail server does not take addresses beyond ASCII (SMTPUTF8).")
            server.send_message(message, mail_options=options)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            self._drop()
            raise _refused(code, words) from error
        except smtplib.SMTPResponseException as error:
            self._drop()
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise _unreachable(error) from error

    def check(self) -> str:
        """Connects and logs in, and says so. Raises like `send`."""
        try:
            self._connected().noop()
        except (OSError, smtplib.SMTPException) as error:
            raise _unreachable(error) from error
        return f"{self._settings.host}:{self._settings.port} takes our login."

    def _connected(self) -> smtplib.SMTP:
        if self._server is not None and self._alive(self._server):
            return self._server
        self._drop()
        s = self._settings
        try:
            server = self._opened()
            if s.user:
                server.login(s.user, s.password.get_secret_value() if s.password else "")
        except smtplib.SMTPAuthenticationError as error:
            raise ConfigError("The mail server refuses the login; see mail.user and mail.password.") from error
        except ssl.SSLError as error:
            raise ConfigError("The mail server's certificate is not trusted; name its CA in ca_bundle.") from error
        except smtplib.SMTPNotSupportedError as error:
            raise ConfigError(f"The mail server does not offer what mail.security asks for ({s.security}).") from error
        self._server = server
        return server

    def _opened(self) -> smtplib.SMTP:
        s = self._settings
        if s.security == "tls":
            return smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=self._tls)
        server = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
        if s.security == "starttls":
            server.starttls(context=self._tls)
        return server

    def _alive(self, server: smtplib.SMTP) -> bool:
        try:
            return server.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Says goodbye to the server."""
        self._drop()


def compose(letter: Letter, settings: Settings) -> tuple[EmailMessage, bool]:
    """The message, and whether it needs SMTPUTF8; the same letter gives the same bytes."""
    utf8 = not letter.to.isascii()
    message = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    message["From"] = Mailbox(settings.sender_name, addr_spec=settings.sender)
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        message[name] = value
    message.set_content(letter.text, cte="8bit" if utf8 else "quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="8bit" if utf8 else "quoted-printable")
    message.set_boundary("b" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32])
    return message, utf8


def _refused(code: int, words: object) -> RejectedError | TransientError:
    if 500 <= code < 600:
        return RejectedError(f"The mail server refuses the letter for good ({code}).", status=code)
    return TransientError(f"The mail server cannot take the letter now ({code}); it is sent again later.", status=code)


def _unreachable(error: Exception) -> TransientError:
    return TransientError(
        "The mail server cannot be reached; the letter is sent again later.", log=f"smtp: {type(error).__name__}"
    )


class SmtpAdapter:
    """The entry point `smtp` of `connector.mail`."""

    name = "smtp"
    Settings: type[Any] = Settings
    can: frozenset[str] = frozenset()

    def open(self, settings: Any, context: Context) -> Smtp:
        """A mail server, not connected yet. Raises: `ConfigError` for plain text beyond loopback."""
        if settings.security == "none" and settings.host not in _LOOPBACK:
            raise ConfigError("mail.security none is taken for loopback alone; use starttls or tls.")
        return Smtp(settings, context.ca_bundle)


ADAPTER = SmtpAdapter()
