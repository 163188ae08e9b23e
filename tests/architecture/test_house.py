"""The house rules, held by tests."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from connector.core import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connector"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "migrations" not in p.parts)
ROOMS = sorted(p.parent for p in PACKAGE.rglob("__init__.py"))
FAMILIES = (errors.ConfigError, errors.TransientError, errors.RejectedError, errors.ConflictError, errors.BugError)


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_arrows_point_down():
    """Who may know whom stands in pyproject.toml, and nobody crosses it."""
    lint = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


def test_core_stands_alone():
    """core imports the standard library, itself, and idna in address.py alone."""
    for path in (PACKAGE / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                allowed = top in sys.stdlib_module_names or name.startswith("connector.core")
                assert allowed or (top == "idna" and path.name == "address.py"), f"{path}: {name}"


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_room_says_what_it_is(room):
    """A package's docstring says what room this is and what never comes in."""
    doc = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    assert doc, room
    assert "Never imports:" in doc, room


def test_no_room_is_a_drawer():
    """Nothing is called utils, helpers, common, base, misc or manager."""
    banned = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}
    assert [p for p in [*MODULES, *ROOMS] if p.stem in banned] == []


def test_rooms_stay_small():
    """A module stays under 300 lines, one of core under 151, a function under 41."""
    large = []
    for path in MODULES:
        text = path.read_text()
        limit = 150 if path.parent.name == "core" else 300
        if len(text.splitlines()) > limit and "testing" not in path.parts:
            large.append(f"{path}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.body[0].lineno + 1
                nested = any(
                    isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n is not node for n in ast.walk(node)
                )
                if length > 40 and not nested:
                    large.append(f"{path}: {node.name} has {length} lines")
    assert large == []


def test_errors_are_of_five_families():
    """Every exception of the package that leaves its file descends from exactly one family."""
    found = []
    for path in MODULES:
        if {"emulators", "testing"} & set(path.parts) or path.name == "__main__.py":
            continue
        module = importlib.import_module(_name(path))
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, errors.Failure) and value is not errors.Failure:
                found.append(value)
                assert sum(issubclass(value, family) for family in FAMILIES) == 1, value
    assert set(FAMILIES) <= set(found)


def test_nobody_swallows_everything():
    """`except Exception` without a raise stands at the boundaries alone: run, web, command."""
    boundaries = {"connector/cli/exits.py"}
    for path in MODULES:
        if "emulators" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or (
                    isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
                )
                raises = any(isinstance(n, ast.Raise) for n in ast.walk(node))
                assert not broad or raises or str(path.relative_to(ROOT)) in boundaries, f"{path}:{node.lineno}"


def test_one_place_makes_sessions():
    """Only _http.py makes a session; everybody else is handed it."""
    for path in MODULES:
        if path.name != "_http.py" and "emulators" not in path.parts:
            assert not re.search(r"requests\.(Session|get|post|put|patch|request)\(", path.read_text()), path


def test_time_and_chance_are_asked_for():
    """Clocks, sleeps, chance and ids come from ports.clock; only wiring takes them."""
    taken = re.compile(r"datetime\.now\(|utcnow\(|time\.(time|sleep|monotonic)\(|random\.random\(|uuid4\(")
    for path in MODULES:
        if path.name != "wiring.py" and not {"emulators", "testing"} & set(path.parts):
            assert not taken.search(path.read_text()), path


def test_every_ignored_lint_has_its_reason():
    """A noqa or type-ignore names its rule and says why."""
    for path in MODULES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for mark in re.findall(r"# (?:noqa|type: ignore).*", line):
                assert re.match(r"# (noqa: [A-Z0-9,]+|type: ignore\[[a-z,-]+\])  # \w+", mark), f"{path}:{number}"


def test_nothing_happens_at_import(tmp_path):
    """Importing every module opens no file for writing, no socket, no database."""
    script = tmp_path / "import_all.py"
    names = [
        _name(p)
        for p in MODULES
        if p.name != "__main__.py" and "migrations" not in p.parts and "testing" not in p.parts
    ]
    script.write_text(
        "import sys, importlib\n"
        "def hook(event, args):\n"
        "    if event in ('socket.connect', 'sqlite3.connect'):\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "    if event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(hook)\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_repository_names_no_registry_and_no_machine():
    """No registry host, no path of a machine, no secret stands in a tracked file."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = re.compile(
        "|".join(["py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.", r"https?://[^ ]*debian" + r"\.org"])
    )
    for name in listed:
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".db"):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not hosts.search(text), name
            assert "BEGIN " + "PRIVATE KEY" not in text, name


def test_the_readme_lists_every_command():
    """README's table of commands is the command's own list."""
    from connector.cli.group import COMMANDS

    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", readme, re.M)) == set(COMMANDS)


def test_the_readme_lists_every_ledger_event():
    """Every fact, every step of a request and every deed that the ledger can hold has its words in the README."""
    from connector.core.action import Deed
    from connector.core.decision import FactKind
    from connector.core.resubscribe import Event

    readme = (ROOT / "README.md").read_text().partition("## What the ledger says")[2]
    told = set(re.findall(r"`([a-z_.]+)`", readme))
    wanted = {f.value for f in FactKind} | {f"request.{e.value}" for e in Event} | {d.value for d in Deed}
    assert wanted - told == set()


def test_every_adapter_has_its_five_things():
    """An adapter is a folder with an entry point, a README and a contract test (and an emulator where it is a vendor)."""
    from connector import plugins

    for group, entries in plugins.listed().items():
        for entry in entries:
            if not entry.value.startswith("connector.") or group == "connector.mail":
                continue
            folder = ROOT / Path(*entry.value.partition(":")[0].split("."))
            assert (folder / "adapter.py").is_file(), folder
            assert (folder / "README.md").is_file(), folder
            adapter = plugins.load(group, entry.name)
            assert adapter.name == entry.name
            assert adapter.can


def test_examples_stand_in_config():
    """config/ holds the same examples that `init` writes, and they fit the models."""
    examples = PACKAGE / "tenants" / "examples"
    for path in examples.rglob("*.yaml"):
        assert (ROOT / "config" / path.relative_to(examples)).read_text() == path.read_text()
