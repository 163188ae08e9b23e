"""A run is killed at each port call in turn and started again: the end is that of a run that nothing disturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from connector.sync.runtime import Runtime

from tests.runs.scene import Scene


class Killer:
    """Counts calls of ports, before and after each; kills the process at one of them. At -1 it only counts."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def tick(self) -> None:
        """One more place where the process may die."""
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen += 1

    def around(self, runtime: Runtime) -> Runtime:
        """The runtime with its ports wrapped."""
        ports = {name: _Wrapped(getattr(runtime, name), self) for name in ("store", "crm", "esp", "mailer")}
        return replace(runtime, **ports)


class _Wrapped:
    """A port whose every call, and every step of an iteration, is a place to die."""

    def __init__(self, port: Any, killer: Killer) -> None:
        self._port, self._killer = port, killer

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        if name == "begin":
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            # a clock's offset or a digest changes nothing anywhere
            if name in ("digest", "clock_offset"):
                return value(*args, **kwargs)
            self._killer.tick()
            answer = value(*args, **kwargs)
            if isinstance(answer, Iterator):
                return self._steps(answer)
            self._killer.tick()
            return answer

        return call

    def _steps(self, steps: Iterator[Any]) -> Iterator[Any]:
        for step in steps:
            self._killer.tick()
            yield step
        self._killer.tick()


def _in_child(scene: Scene, at: int) -> bool:
    """One run in a process of its own; whether it lived to its end."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            with scene.open() as house:
                report = scene.sync(house, Killer(at).around)
            code = 0 if report.failure is None else 4
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return not os.WIFSIGNALED(status)


@pytest.fixture(scope="module")
def undisturbed(scene):
    """The end state and the writes of a run that nobody kills, and how many places there are to die."""
    killer = Killer(-1)
    with scene.restore().open() as house:
        assert scene.sync(house, killer.around).failure is None
    scene.settle()
    return scene.state(), scene.writes(), killer.seen


def _killed(scene: Scene, undisturbed: Any, at: int) -> None:
    assert not _in_child(scene.restore(), at), f"nothing died at {at}"
    scene.settle()
    assert scene.state() == undisturbed[0], f"killed at {at}"
    assert scene.writes() == undisturbed[1], f"killed at {at}"


@pytest.mark.parametrize("part", range(8))
def test_killed_somewhere(scene, undisturbed, part):
    """A run killed at one of eight places spread over it ends, once started again, as if nothing had happened."""
    _killed(scene, undisturbed, (undisturbed[2] - 1) * part // 7)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(10))
def test_killed_anywhere(scene, undisturbed, part):
    """A run killed at any port call ends, once started again, as if nothing had happened."""
    for at in range(part, undisturbed[2], 10):
        _killed(scene, undisturbed, at)
