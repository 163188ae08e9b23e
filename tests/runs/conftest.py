"""The town in which runs are killed and disturbed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runs.scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Iterator[Scene]:
    """The town, prepared once and set back before each run."""
    scene = Scene(tmp_path_factory.mktemp("town"))
    try:
        scene.prepare()
        scene.keep()
        yield scene
    finally:
        scene.close()
