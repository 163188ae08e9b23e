"""Mail servers to send to: the emulator, and one that answers by the word."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from connector.adapters.mail.smtp import Settings, Smtp
from connector.emulators.mailbox import Mailbox
from connector.ports.mailer import Letter
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

WHEN = dt.datetime(2026, 11, 26, 21, 53, tzinfo=dt.UTC)


def letter(to: str = "ada@example.com", **more: object) -> Letter:
    """A small letter."""
    values: dict[str, object] = {
        "to": to,
        "subject": "Please confirm",
        "text": "Hello,\n\n.\n\nGrüße\n",
        "html": "<p>Hello, Grüße</p>",
        "message_id": "<0123456789abcdef.1@mail.example.com>",
        "date": WHEN,
        "headers": {},
    }
    return Letter(**(values | more))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Certificate:
    """A throw-away certificate for loopback, and the file that trusts it."""

    context: ssl.SSLContext
    file: Path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Made once; it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return Certificate(context, folder / "ca.pem")


Listening = Callable[..., Mailbox]
Opened = Callable[..., Smtp]


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Starts mailboxes; after the test they stop, and with them every connection that is still open."""
    boxes: list[tuple[Mailbox, list[Any]]] = []

    def start(**more: Any) -> Mailbox:
        box, talks = Mailbox(**more), []
        factory = box._controller.factory

        def tracked() -> Any:
            talks.append(factory())
            return talks[-1]

        box._controller.factory = tracked  # type: ignore[method-assign]
        boxes.append((box.start(), talks))
        return box

    yield start
    for box, talks in boxes:
        for talk in talks:
            if talk.transport is not None:
                box._controller.loop.call_soon_threadsafe(talk.transport.abort)
        box.stop()


@pytest.fixture
def mailbox(listening: Listening) -> Mailbox:
    """A server in plain text, without a login."""
    return listening()


@pytest.fixture
def opened(listening: Listening) -> Iterator[Opened]:
    """Opens mailers on a port, and closes them after the test."""
    mailers: list[Smtp] = []

    def open_(port: int, ca_bundle: Path | None = None, **more: object) -> Smtp:
        values: dict[str, object] = {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "news@example.com",
            "sender_name": "Example News",
            "timeout": 5,
        }
        mailers.append(Smtp(Settings.model_validate(values | more), str(ca_bundle) if ca_bundle else None))
        return mailers[-1]

    yield open_
    for mailer in mailers:
        mailer.close()


class Scripted:
    """A server that gives each command the next answer written for its verb, and `250 ok` where none is left.

    `cut` in place of an answer closes the connection.
    """

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {verb.upper(): list(said) for verb, said in answers.items()}
        self.heard: list[str] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as file:
                self._talk(file)  # type: ignore[arg-type]

    def _talk(self, file: socket.SocketIO) -> None:
        verb, default = "GREETING", "220 ready"
        while True:
            said = self.answers[verb].pop(0) if self.answers.get(verb) else default
            if said == "cut":
                return
            file.write(said.encode() + b"\r\n")
            file.flush()
            if said.startswith("354"):
                while file.readline() not in (b".\r\n", b""):
                    pass
                verb, default = "END", "250 kept"
                continue
            line = file.readline().decode().strip()
            if not line or verb == "QUIT":
                return
            self.heard.append(line)
            verb = line.split(" ")[0].upper()
            default = {"DATA": "354 go on"}.get(verb, "250 ok")

    def stop(self) -> None:
        """Stops listening."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Starts scripted servers, and stops them after the test."""
    servers: list[Scripted] = []

    def start(**answers: list[str]) -> Scripted:
        servers.append(Scripted(**answers))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
