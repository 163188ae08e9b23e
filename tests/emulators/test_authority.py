"""The authority that is thrown away: who trusts it may talk, who does not may not."""

from __future__ import annotations

import pytest
import requests
from connector.emulators.authority import authority
from connector.emulators.server import Running
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def test_only_who_trusts_the_authority_is_served(tmp_path):
    """A TLS emulator is reached by both names of this machine with its authority's bundle, and not without it."""
    made = authority(tmp_path)
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
    with Running(app, tls=made.tls) as running:
        assert running.base_url.startswith("https://127.0.0.1:")
        for url in (running.base_url, f"https://localhost:{running.port}"):
            assert requests.get(url, verify=str(made.ca), timeout=10).text == "hello"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(running.base_url, timeout=10)


def test_the_key_is_its_owners_alone(tmp_path):
    """Nobody else on the machine can read the server's key."""
    assert authority(tmp_path / "new" / "folder").key.stat().st_mode & 0o077 == 0
