"""Serving an emulator on a free loopback port, from a thread; stopping it again."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connector.emulators.faults import TRANSPORTS


class _Protocol(HttpToolsProtocol):
    """Remembers each connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it
        super().connection_made(transport)
        # under TLS a transport that is lost no longer knows its peer; who hung up at once never had one
        self._peer = (transport.get_extra_info("peername") or ("", 0))[:2]
        TRANSPORTS[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        TRANSPORTS.pop(self._peer, None)
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    def install_signal_handlers(self) -> None:
        """Nothing: the one who started us owns the signals."""

    def capture_signals(self) -> Any:
        """As above, in newer uvicorn."""
        from contextlib import nullcontext

        return nullcontext()


class Running:
    """An application that listens from construction until `stop`. Also a context manager.

    `tls` is a certificate's chain and its key, both PEM files (`emulators.authority`); without it this is plain HTTP.
    """

    def __init__(self, app: ASGIApp, *, port: int = 0, tls: tuple[Path, Path] | None = None) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(256)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        chain, key = tls or (None, None)
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=chain,
            ssl_keyfile=key,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and waits for the thread to end."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
