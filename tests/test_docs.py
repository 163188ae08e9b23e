"""What the documents say is so: commands, options, exit codes, ledger events, adapters, examples and links."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from connector import plugins
from connector.cli import exits
from connector.cli.group import COMMANDS
from connector.cli.group import connector as command
from connector.core.action import Deed
from connector.core.decision import FactKind
from connector.core.resubscribe import Event

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
DOCUMENTS = [ROOT / name for name in LISTED.splitlines() if (ROOT / name).is_file()]


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _rows(text: str, cell: str) -> dict[str, str]:
    """Rows of a table by their first cell, where that fits."""
    return dict(re.findall(rf"^\| {cell} \| (.+?) \|", text, re.M))


def test_the_readme_lists_every_command():
    """README's table of commands is the command's own list."""
    assert set(_rows(README, r"`(\w+)`")) >= set(COMMANDS)
    assert {name for name in _rows(README, r"`(\w+)`") if name in command.list_commands(None)} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_parts_that_the_readme_names(name):
    """Each subcommand and option in a command's row is there, and each subcommand of the command is in its row."""
    told = _rows(README, r"`(\w+)`")[name]
    found = command.get_command(click.Context(command), name)
    words = set(re.findall(r"`(\w+)`", told))
    if isinstance(found, click.Group):
        assert words >= set(found.commands)
    options = {o for p in found.params for o in p.opts}
    assert set(re.findall(r"`(--[\w-]+)`", told)) <= options


def test_the_readme_lists_every_exit_code():
    """README's table of exit codes is what the command ends with, and so is its help."""
    codes = {exits.DONE, exits.SOME_FAILED, exits.CONFIGURATION, exits.HELD, exits.TAKEN, exits.UNREACHABLE, exits.BUG}
    assert {int(code) for code in _rows(README, r"(\d+)")} == codes
    assert {int(code) for code in re.findall(r"(\d+) ", command.epilog)} == codes


def test_the_readme_lists_every_ledger_event():
    """Every fact, every step of a request and every deed that the ledger can hold has its words in the README."""
    told = set(re.findall(r"`([a-z_.]+)`", README.partition("## What the ledger says")[2]))
    wanted = {f.value for f in FactKind} | {f"request.{e.value}" for e in Event} | {d.value for d in Deed}
    assert wanted - told == set()


def test_the_readme_tells_which_systems_work():
    """Every adapter that is installed is among the systems that work, and its guide is linked; what is not yet there has none."""
    for group, entries in plugins.listed().items():
        for entry in entries:
            if group != "connector.mail" and entry.value.startswith("connector."):
                guide = "/".join(entry.value.partition(":")[0].split(".")) + "/README.md"
                assert re.search(rf"^\|.+\| works \|.*\]\({guide}\)", README, re.M), guide
    for row in re.findall(r"^\|.+\| not yet \|.*$", README, re.M):
        assert "](" not in row


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every line of every shell block that calls make or the connector."""
    for path in DOCUMENTS:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words and words[0].rpartition("/")[2] in ("make", "connector"):
                    yield _short(path), [words[0].rpartition("/")[2], *words[1:]]


def test_what_the_documents_tell_to_type_exists():
    """Each `make` and each `connector` line in a shell block names a target, a command and options that exist."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    lines = list(_commands())
    assert {"make", "connector"} <= {words[0] for _, words in lines}
    for where, words in lines:
        if words[0] == "make":
            assert words[1] in targets, f"{where}: {words}"
            continue
        called, rest = command, words[1:]
        while rest:
            word = rest.pop(0)
            if word.startswith("--"):
                known = {o: p for p in called.params for o in (*p.opts, *p.secondary_opts)} | {
                    "--help": None,
                    "--version": None,
                }
                assert word in known, f"{where}: {words}"
                if (option := known[word]) and not option.is_flag:
                    rest.pop(0)
            elif isinstance(called, click.Group):
                found = called.get_command(click.Context(called), word)
                assert found, f"{where}: {words}"
                called = found


@pytest.mark.parametrize("path", DOCUMENTS, ids=_short)
def test_links_lead_somewhere(path):
    """A link to a file leads to one that is tracked here."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{_short(path)}: {target}"


def test_examples_stand_in_config():
    """config/ holds the same examples that `init` writes."""
    examples = ROOT / "connector" / "tenants" / "examples"
    assert list(examples.rglob("*.yaml"))
    for path in examples.rglob("*.yaml"):
        assert (ROOT / "config" / path.relative_to(examples)).read_text() == path.read_text()


def test_the_changes_name_the_version():
    """The latest heading of the list of changes is the version that is built, and the licence is the one that is declared."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changes, re.M).group(1) == project["version"]
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
