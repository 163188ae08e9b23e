"""A real plugin package, installed; and the product itself, built and installed bare."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLUGIN = """
from pydantic import BaseModel

class Settings(BaseModel):
    kind: str = "tiny"

class Tiny:
    name = "tiny"
    Settings = Settings
    can = frozenset({"lists"})

    def open(self, settings, context):
        return object()

ADAPTER = Tiny()
BROKEN = object()
"""


@pytest.fixture
def plugin(tmp_path: Path) -> dict[str, str]:
    """An environment in which a tiny package with entry points is installed."""
    site = tmp_path / "site"
    info = site / "tiny_esp-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "tiny_esp.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-esp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[connector.esp]\ntiny = tiny_esp:ADAPTER\nbroken = tiny_esp:BROKEN\nabsent = no_such_package:ADAPTER\n"
    )
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}


def _python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.requirement("N22")
def test_a_plugin_comes_through_the_same_door(plugin):
    """An installed package's adapter is listed without being loaded, and loads by its kind as the built-in ones do."""
    listed = "import connector.plugins as p, sys; print([e.name for e in p.listed()['connector.esp']], 'tiny_esp' in sys.modules)"
    assert _python(listed, plugin) == "['absent', 'broken', 'builtin', 'tiny'] False"
    loaded = "import connector.plugins as p; a = p.load('connector.esp', 'tiny'); print(a.name, sorted(a.can))"
    assert _python(loaded, plugin) == "tiny ['lists']"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("tinny", "Did you mean tiny?"),
        ("absent", "pip install"),
        ("broken", "is no adapter: it lacks name, Settings, can, open"),
    ],
)
def test_a_wrong_plugin_is_refused_in_words(plugin, kind, told):
    """A kind that is not there, does not load, or is no adapter is a configuration error that says so."""
    code = (
        "import connector.plugins as p\nfrom connector.core.errors import ConfigError\n"
        f"try:\n    p.load('connector.esp', '{kind}')\nexcept ConfigError as e:\n    print(e.operator)"
    )
    assert told in _python(code, plugin)


@pytest.mark.prove
def test_the_wheel_stands_alone(tmp_path):
    """The built wheel, installed outside the checkout, runs init, schema and demo."""
    build = "import os, sys; os.chdir(sys.argv[1]); from hatchling.build import build_wheel; print(build_wheel(sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=True
    )
    wheel = tmp_path / done.stdout.splitlines()[-1]
    bare = tmp_path / "bare"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(bare)
        names = archive.namelist()
    for part in (
        "examples/connector.yaml",
        "soql.lark",
        "templates/signup.html",
        "static/style.css",
        "versions/0001_first.py",
    ):
        assert any(name.endswith(part) for name in names), part
    environment = {**os.environ, "PYTHONPATH": str(bare), "PYTHONSAFEPATH": "1"}
    where = _python_in(tmp_path, ["-c", "import connector; print(connector.__file__)"], environment)
    assert where.startswith(str(bare))
    assert "wrote" in _python_in(tmp_path, ["-m", "connector", "--config", "made", "init", "acme"], environment)
    assert "$schema" in _python_in(tmp_path, ["-m", "connector", "schema"], environment)
    assert "Done." in _python_in(tmp_path, ["-m", "connector", "demo", "--people", "50"], environment)


def _python_in(folder: Path, words: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
