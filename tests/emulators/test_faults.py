"""Faults on demand around any application: each spoils one answer as it would be spoilt outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from connector.emulators.faults import Fault, Faults
from connector.emulators.server import Running
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

LINES = "".join(f"line {n}\n" for n in range(2_000))


@dataclass
class Notes:
    """An application that keeps what it is sent and answers two thousand lines."""

    kept: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes a body, answers lines."""
        self.kept.append(await Request(scope, receive).body())
        await PlainTextResponse(LINES)(scope, receive, send)


@pytest.fixture
def notes() -> Iterator[tuple[Notes, Faults, str]]:
    """The application, its faults, and where it listens."""
    app = Notes()
    faults = Faults(app, expired_body=b"[]")
    with Running(faults) as running:
        yield app, faults, running.base_url


def _post(url: str) -> requests.Response:
    return requests.post(f"{url}/notes", data=b"a note", timeout=5)


@pytest.mark.parametrize(("kind", "written"), [("cut_before", False), ("cut_after", True), ("cut_body", True)])
def test_a_cut_is_a_real_one(notes, kind, written):
    """A connection cut before or after the write, or in the middle of the answer, is seen as broken by the client."""
    app, faults, url = notes
    faults.faults.append(Fault(kind=kind))
    with pytest.raises(requests.exceptions.RequestException):
        _post(url)
    assert app.kept == ([b"a note"] if written else [])
    assert _post(url).text == LINES


@pytest.mark.parametrize(
    ("fault", "status", "written"),
    [
        ({"kind": "429", "retry_after": 7}, 429, False),
        ({"kind": "503"}, 503, False),
        ({"kind": "expired"}, 401, False),
        ({"kind": "wrong_body"}, 200, True),
        ({"kind": "empty_body"}, 200, True),
        ({"kind": "short_body"}, 200, True),
    ],
)
def test_an_answer_is_spoilt_once(notes, fault: dict[str, Any], status, written):
    """A planned fault strikes as often as it was told to, where it was told to, and then the server is well again."""
    app, faults, url = notes
    faults.faults.append(Fault(**fault, path="/notes$"))
    assert requests.get(f"{url}/else", timeout=5).text == LINES
    app.kept.clear()
    spoilt = _post(url)
    assert spoilt.status_code == status
    assert spoilt.text != LINES
    assert spoilt.headers.get("Retry-After") == (str(fault["retry_after"]) if "retry_after" in fault else None)
    assert app.kept == ([b"a note"] if written else [])
    assert _post(url).text == LINES
    assert [r["path"] for r in faults.requests] == ["/else", "/notes", "/notes"]
