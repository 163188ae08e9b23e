"""A real org, asked as a person would ask it, and left as it was. README.md beside this file says what it wants to know."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.timeout(3600)]

PACKAGE = Path(__file__).parents[2] / "deploy" / "salesforce"


def _setting(name: str) -> str:
    value = os.environ.get(name, "")
    assert value, f"{name} is not set: see tests/live/README.md"
    return value


def _connector(*words: str) -> Any:
    """A command on the tenant, which must end with 0; its JSON."""
    config, tenant = _setting("CONNECTOR_LIVE_CONFIG"), _setting("CONNECTOR_LIVE_TENANT")
    command = [
        str(Path(sys.executable).parent / "connector"),
        "--config",
        config,
        words[0],
        tenant,
        *words[1:],
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_org_has_all_that_a_sync_needs():
    """`connector check` logs in to the real org and finds fields, rights, history, permission and versions in order."""
    findings = _connector("check")[_setting("CONNECTOR_LIVE_TENANT")]
    assert {"API version", "edition", "clock"} <= {f["what"] for f in findings}
    assert [f for f in findings if f["level"] in ("error", "unknown")] == []


def test_a_plan_reads_the_org_to_its_end():
    """`connector plan` reads every record of the real org, writes nothing, and gives each action its because."""
    planned = _connector("plan")
    assert planned["read"]["records"] >= 0
    assert all(action["because"] for action in planned["actions"])


def test_the_org_would_take_the_package():
    """The real org accepts the package as it stands; a dry run, which changes nothing."""
    sf = shutil.which("sf")
    assert sf, "the Salesforce CLI is not installed: see tests/live/README.md"
    command = [sf, "project", "deploy", "start", "--source-dir", "force-app", "--dry-run", "--json"]
    done = subprocess.run(
        [*command, "--target-org", _setting("CONNECTOR_LIVE_ORG")], cwd=PACKAGE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
