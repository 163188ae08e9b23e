"""A mail server behind the Mailer port (RFC 5321, 3207, 4954): STARTTLS or TLS, login; plain only on loopback."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import ssl
from typing import Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connector.adapters.mail.mime import mailbox, mime
from connector.core.errors import ConfigError, Failure, RejectedError, TransientError
from connector.ports.adapter import Context
from connector.ports.mailer import Letter

_LOGIN = frozenset({530, 534, 535, 538})
"""Answers that mean the login, whatever was asked (RFC 4954, section 6)."""

_ADDRESS = re.compile(r"<?[^\s<>\"'=]+@[^\s<>\"'=]+>?")
_RELAY = re.compile(r"relay", re.IGNORECASE)
_QUOTA = re.compile(r"\b5\.4\.5\b|quota|limit|too many", re.IGNORECASE)
_CLOSING = 421


class Settings(BaseModel):
    """The block `mail:`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Literal["smtp"] = "smtp"
    host: str = Field(min_length=1, description="The mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is taken for loopback alone."
    )
    user: str = Field(default="", description="The login, where the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password, by reference.")
    sender: str = Field(description="The address that letters come from.")
    sender_name: str = Field(default="", description="The name beside it.")
    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for each answer.")

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        try:
            found = validate_email(value, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise ValueError(f"this is no address that letters can come from: {error}") from error
        if found.ascii_email is None:
            raise ValueError("letters cannot come from an address whose local part is beyond ASCII")
        return found.ascii_email

    @model_validator(mode="after")
    def _careful(self) -> Settings:
        if self.security == "none" and not _loopback(self.host):
            raise ValueError("security none is taken for loopback alone; write starttls or tls")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together: write both or neither")
        return self


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Smtp:
    """One server; the connection is kept for the letters of a run and opened anew when it went stale."""

    def __init__(self, settings: Settings, ca_bundle: str | None) -> None:
        self._settings, self._ca_bundle = settings, ca_bundle
        self._server: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> None:
        """Returns once the server took the letter. An error with a `status` is the server's answer to this letter.

        Raises: `RejectedError`, `TransientError`, `ConfigError`.
        """
        s = self._settings
        body, to = mime(letter, sender=s.sender, sender_name=s.sender_name), mailbox(letter.to)
        try:
            server = self._addressed(to, len(body))
            code, words = server.data(body)
            if code != 250:
                raise _refused(code, words)
        except smtplib.SMTPDataError as error:
            self._reset(error.smtp_code)
            raise _refused(error.smtp_code, error.smtp_error) from error
        except Failure as failure:
            self._reset(failure.status)
            raise
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise self._unreachable(error) from error

    def _addressed(self, to: str, size: int) -> smtplib.SMTP:
        """A server that took sender and recipient. A kept connection that turns out closed is opened anew, once."""
        kept = self._server is not None
        try:
            return self._envelope(self._connected(), to, size)
        except (OSError, smtplib.SMTPServerDisconnected):
            if not kept:
                raise
        except Failure as failure:
            if not kept or failure.status != _CLOSING:
                raise
        self._drop()
        return self._envelope(self._connected(), to, size)

    def _envelope(self, server: smtplib.SMTP, to: str, size: int) -> smtplib.SMTP:
        options = [f"SIZE={size}"] if server.has_extn("size") else []
        if not to.isascii():
            if not server.has_extn("smtputf8"):
                raise RejectedError("The mail server does not take addresses beyond ASCII (SMTPUTF8).")
            options.append("SMTPUTF8")
        code, words = server.mail(self._settings.sender, options)
        if code != 250:
            raise _at_sender(code, words)
        code, words = server.docmd("RCPT", f"TO:<{to}>")
        if code not in (250, 251):
            raise _at_recipient(code, words)
        return server

    def check(self) -> str:
        """Connects and logs in, and says so. Raises like `send`."""
        self._drop()
        try:
            self._connected().noop()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise self._unreachable(error) from error
        s = self._settings
        how = {"starttls": "by STARTTLS", "tls": "by TLS", "none": "in plain text, on this machine"}[s.security]
        return f"{s.host}:{s.port} answers {how}" + (" and takes our login." if s.user else ", without a login.")

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            self._server = self._opened()
        return self._server

    def _opened(self) -> smtplib.SMTP:
        s = self._settings
        server: smtplib.SMTP | None = None
        try:
            if s.security == "tls":
                server = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=self._tls())
            else:
                server = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
            if s.security == "starttls":
                server.starttls(context=self._tls())
            server.ehlo_or_helo_if_needed()
            if s.user and s.password is not None:
                server.login(s.user, s.password.get_secret_value())
            opened, server = server, None
        except (OSError, smtplib.SMTPException) as error:
            raise self._not_opened(error) from error
        finally:
            if server is not None:
                server.close()
        return opened

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._ca_bundle)
        except OSError as error:
            raise ConfigError(f"ca_bundle ({self._ca_bundle}) cannot be read as certificates in PEM form.") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _not_opened(self, error: Exception) -> Failure:
        where = f"{self._settings.host}:{self._settings.port}"
        match error:
            case smtplib.SMTPAuthenticationError() if error.smtp_code >= 500:
                return ConfigError(f"The mail server {where} refuses the login; see mail.user and mail.password.")
            case smtplib.SMTPNotSupportedError():
                what = "a login" if "AUTH" in str(error) else "STARTTLS"
                return ConfigError(f"The mail server {where} does not offer {what}; see mail.security and mail.port.")
            case ssl.SSLCertVerificationError():
                todo = "name its CA in ca_bundle, or its right name in mail.host"
                return ConfigError(f"The certificate of {where} is not trusted ({error.verify_message}); {todo}.")
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
                return self._unreachable(error)
            case ssl.SSLError():
                return ConfigError(f"{where} does not speak TLS as asked ({error.reason}); see mail.security.")
            case _:
                return self._unreachable(error)

    def _unreachable(self, error: Exception) -> TransientError:
        where = f"{self._settings.host}:{self._settings.port}"
        why = type(error).__name__
        if isinstance(error, smtplib.SMTPResponseException):
            why = f"{error.smtp_code} {_words(error.smtp_error)}"
        elif isinstance(error, TimeoutError):
            why = f"no answer within {self._settings.timeout:g} s"
        elif isinstance(error, socket.gaierror):
            why = "its name is not known"
        return TransientError(
            f"The mail server {where} cannot be reached ({why}); letters are sent later.",
            log=f"smtp {where}: {type(error).__name__}",
            vendor="smtp",
        )

    def _reset(self, status: int | None) -> None:
        """After a refusal: the connection is good for the next letter, unless the server is closing it."""
        server = self._server
        if server is None:
            return
        try:
            if status == _CLOSING or server.docmd("RSET")[0] != 250:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Says goodbye to the server."""
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._server.close()
            self._server = None


def _words(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(_ADDRESS.sub("<address>", text).split())[:200]


def _at_sender(code: int, words: bytes | str) -> Failure:
    said = _words(words)
    if 500 <= code < 600 and code not in _LOGIN and not _QUOTA.search(said):
        return ConfigError(f"The mail server does not let us send as mail.sender: {code} {said}", status=code)
    return _refused(code, words)


def _at_recipient(code: int, words: bytes | str) -> Failure:
    said = _words(words)
    if not 500 <= code < 600 or code in _LOGIN:
        return _refused(code, words)
    if _RELAY.search(said):
        return ConfigError(f"The mail server does not relay for us: {code} {said}", status=code)
    return RejectedError(f"The mail server refuses the address for good: {code} {said}", status=code, vendor="smtp")


def _refused(code: int, words: bytes | str) -> Failure:
    said = _words(words)
    if code in _LOGIN:
        return ConfigError(f"The mail server wants a login (mail.user, mail.password): {code} {said}", status=code)
    if 500 <= code < 600 and not _QUOTA.search(said):
        return RejectedError(f"The mail server refuses the letter for good: {code} {said}", status=code, vendor="smtp")
    return TransientError(f"The mail server does not take the letter now: {code} {said}", status=code, vendor="smtp")


class SmtpAdapter:
    """The entry point `smtp` of `connector.mail`."""

    name = "smtp"
    Settings: type[Any] = Settings
    can: frozenset[str] = frozenset()

    def open(self, settings: Any, context: Context) -> Smtp:
        """A mail server, not connected yet."""
        return Smtp(settings, context.ca_bundle)


ADAPTER = SmtpAdapter()
