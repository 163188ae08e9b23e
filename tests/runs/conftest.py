"""The town in which runs are killed and disturbed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runs.scene import DynamicsScene, SalesforceScene, Scene


@pytest.fixture(scope="module", params=[SalesforceScene, DynamicsScene], ids=lambda kind: kind.crm)
def scene(request, tmp_path_factory) -> Iterator[Scene]:
    """The town around each CRM, prepared once and set back before each run."""
    scene = request.param(tmp_path_factory.mktemp("town"))
    try:
        scene.prepare()
        scene.keep()
        yield scene
    finally:
        scene.close()
