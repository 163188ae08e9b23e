"""Every kind of fault at every request of a run, then a healthy server: the end state is right, and the stop was a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from connector.core.errors import TransientError
from connector.emulators.faults import Fault

from tests.runs.scene import Scene

KINDS: dict[str, dict[str, Any]] = {
    "429": {"kind": "429"},
    "429 for a second": {"kind": "429", "retry_after": 1},
    "429 for an hour": {"kind": "429", "retry_after": 3600},
    "503": {"kind": "503"},
    "503 until a date": {"kind": "503", "retry_after": "Thu, 01 Jan 2026 00:00:00 GMT"},
    "503 for good": {"kind": "503", "times": 1000},
    "expired": {"kind": "expired"},
    "reset before": {"kind": "cut_before"},
    "reset after": {"kind": "cut_after"},
    "body cut off": {"kind": "cut_body"},
    "proxy page": {"kind": "wrong_body"},
    "empty": {"kind": "empty_body"},
    "shortened": {"kind": "short_body"},
}


@pytest.fixture(scope="module")
def undisturbed(scene):
    """The end state of a run that nothing disturbs, and how many requests it took."""
    scene.restore()
    with scene.open() as house:
        assert scene.sync(house).failure is None
    count = len(scene.emulated.crm.faults.requests)
    scene.settle()
    return scene.state(), count


def _comparable(state: dict[str, Any]) -> dict[str, Any]:
    """Ids of what was created differ by when it was created; everything else is compared."""
    return {k: v for k, v in state.items() if k != "notes"} | {"notes": len(state["notes"])}


def _check(scene: Scene, undisturbed: Any, kind: str, after: int) -> None:
    scene.restore().emulated.crm.faults.faults.append(Fault(after=after, **KINDS[kind]))
    with scene.open() as house:
        report = scene.sync(house)
    scene.settle()
    state = scene.state()
    assert _comparable(state) == _comparable(undisturbed[0]), f"{kind} at request {after}"
    if report.failure is not None:
        assert isinstance(report.failure, TransientError), report.failure
        assert report.sentence.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_somewhere(scene, undisturbed, kind):
    """Each kind of fault, at one request in the middle of a run, changes nothing about the end."""
    _check(scene, undisturbed, kind, 3 + list(KINDS).index(kind) % (undisturbed[1] - 4))


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_everywhere(scene, undisturbed, kind):
    """Each kind of fault, at each request of a run in turn, changes nothing about the end."""
    for after in range(undisturbed[1]):
        _check(scene, undisturbed, kind, after)
