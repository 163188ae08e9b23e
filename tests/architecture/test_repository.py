"""What stands in the repository, and what never may."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("connector",)
"""Where mypy and the whole set of lint rules look; what tests ignore is ruff's to judge."""


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


FORBIDDEN = {
    "a registry's host": r"py" r"pi\.org|python" r"hosted|npm" r"js\.|https?://[^ /]*\b(debian|ubuntu)" r"\.org",
    "a locked address": r"--(extra-)?index-" r"url",
    "a path of one machine": r"(?<![\w.~$}/:-])/(work" r"|root|home/\w+|Users/\w+|tmp/\w+)/",
    "a private key": r"BEGIN (RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE" r" KEY-----\s*\n\s*[A-Za-z0-9+/=]{40}",
    "a token": r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|xox[abprs]-[\w-]{20,}|00D\w{12,15}![\w.]{60,}|eyJ[\w-]{30,}\.[\w-]{30,}\.)",
    "a conflict's mark": r"(?m)^(<{7}|>{7}) ",
}


def test_no_registry_no_machine_no_secret():
    """No registry's host, no machine's path, no secret and no conflict's mark stands in a tracked file."""
    found = [
        f"{path.relative_to(ROOT)}: {what}: {hit.group()!r}"
        for path in _tracked()
        for what, pattern in FORBIDDEN.items()
        if (hit := re.search(pattern, _read(path)))
    ]
    assert found == []


def test_what_is_searched_for_would_be_found():
    """The search above does see a host, a path, a key and a token."""
    samples = {
        "a registry's host": "https://files.python" + "hosted.org/x",
        "a path of one machine": "see /ho" + "me/jo/notes",
        "a private key": "-----BEGIN PRIVATE" + " KEY-----\n" + "M" * 64,
        "a token": "AKIA" + "ABCDEFGHIJKLMNOP",
        "a conflict's mark": "<" * 7 + " HEAD",
    }
    for what, sample in samples.items():
        assert re.search(FORBIDDEN[what], sample), what


def test_nothing_made_here_is_tracked():
    """No cache, no environment, no lock with addresses and no database is tracked."""
    made = re.compile(
        r"(^|/)(\.venv|__pycache__|\.hypothesis|node_modules|dist|build)/|uv\.lock$|pylock|\.(pyc|db|sqlite3?|key|pem)$"
    )
    assert [name for path in _tracked() if made.search(name := str(path.relative_to(ROOT)))] == []


def test_every_ignored_lint_has_its_reason():
    """A noqa, type-ignore or nosec names its rule and says why, in the line."""
    known = re.compile(r"# (noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*|type: ignore\[[a-z,-]+\]|pragma: no cover)  # \w+")
    bare = []
    for path in _tracked():
        if path.suffix != ".py" or path.relative_to(ROOT).parts[0] not in CODE:
            continue
        for token in tokenize.generate_tokens(io.StringIO(_read(path)).readline):
            mark = token.type == tokenize.COMMENT and re.match(r"#\s*(noqa|type:\s*ignore|nosec|pragma)", token.string)
            if mark and not known.match(token.string):
                bare.append(f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}")
    assert bare == []


def test_every_rule_switched_off_for_all_has_its_reason():
    """Each rule that pyproject.toml switches off everywhere stands in a line of its own, with the reason behind it."""
    lines = _read(ROOT / "pyproject.toml").splitlines()
    settings = tomllib.loads("\n".join(lines))
    for rule in settings["tool"]["ruff"]["lint"]["ignore"]:
        assert any(re.match(rf'\s*"{rule}",\s+# .{{8}}', line) for line in lines), rule


def test_both_locks_hold_the_same_pins_with_hashes():
    """Whatever the demo installs, the tests install in the same version; every pin has its hash."""
    runtime, dev = (_pins(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert runtime
    assert {pin: dev.get(pin) for pin in runtime} == runtime
    assert all(hashes for hashes in (*runtime.values(), *dev.values()))


def _pins(path: Path) -> dict[str, frozenset[str]]:
    """Hashes by pinned requirement, its marker left out."""
    whole = re.sub(r"\\\n\s*", " ", _read(path))
    pins = {}
    for line in whole.splitlines():
        if found := re.match(r"([A-Za-z0-9_.-]+==[^ ;]+)", line):
            pins[found.group(1).lower()] = frozenset(re.findall(r"--hash=(\S+)", line))
    return pins


def test_every_entry_of_the_readmes_set_up_is_a_target():
    """`make demo` and the others exist, and none of them is taken for a file."""
    makefile = _read(ROOT / "Makefile")
    wanted = {"demo", "test", "prove", "live", "lint", "bench", "requirements", "lock", "clean"}
    assert set(re.search(r"^\.PHONY: (.+)$", makefile, re.M).group(1).split()) == wanted
    assert wanted <= set(re.findall(r"^([a-z]+):", makefile, re.M))


def test_the_gate_ends_with_the_tests():
    """.ci/run stops at the first failure, reads the code, runs what the README runs, then the proofs."""
    gate = _read(ROOT / ".ci" / "run")
    assert "set -euo pipefail" in gate
    assert [line for line in gate.splitlines() if line.startswith("make ")] == ["make lint", "make test", "make prove"]
