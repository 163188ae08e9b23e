"""The house rules, held by tests: who may know whom, how large a room is, and what nobody may take for themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from connector import plugins
from connector.core import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connector"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "versions" not in p.parts)
ROOMS = sorted(p.parent for p in PACKAGE.rglob("__init__.py"))
FAMILIES = (errors.ConfigError, errors.TransientError, errors.RejectedError, errors.ConflictError, errors.BugError)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _outside(path: Path, *rooms: str) -> bool:
    return not set(rooms) & set(path.relative_to(PACKAGE).parts)


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Module and name of each import; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


# -- who may know whom ----------------------------------------------------------------------------------------------------


def test_arrows_point_down():
    """Who may know whom stands in pyproject.toml, and nobody crosses it."""
    lint = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


def test_every_dependency_is_used_and_every_use_declared():
    """What is imported stands in pyproject.toml, and what stands there is imported."""
    dep = subprocess.run([str(Path(sys.executable).parent / "deptry"), "."], cwd=ROOT, capture_output=True, text=True)
    assert dep.returncode == 0, dep.stderr


def test_core_stands_alone():
    """core imports the standard library, itself, and idna in address.py alone."""
    for path in (PACKAGE / "core").rglob("*.py"):
        for name, _ in _imports(_tree(path)):
            top = name.partition(".")[0]
            allowed = top in sys.stdlib_module_names or name.startswith("connector.core")
            assert allowed or (top == "idna" and path.name == "address.py"), f"{_short(path)}: {name}"


@pytest.mark.parametrize("library", ["apscheduler", "alembic", "keyring", "rich", "tenacity"])
def test_a_library_is_wrapped_in_one_room(library):
    """A library that is untyped, optional or easily swapped is known to one file or folder, and nobody else."""
    users = {_short(p.parent) for p in MODULES for name, _ in _imports(_tree(p)) if name.partition(".")[0] == library}
    assert len(users) <= 1, users


def test_emulators_stand_on_a_server_and_a_parser_alone():
    """An emulator is made of the standard library, Starlette, uvicorn, lark, aiosmtpd and cryptography, so that it can disagree."""
    allowed = {"starlette", "uvicorn", "lark", "aiosmtpd", "cryptography", "spnego"}
    for path in (PACKAGE / "emulators").rglob("*.py"):
        for name, _ in _imports(_tree(path)):
            top = name.partition(".")[0]
            ours = name == "connector" or name.startswith("connector.emulators")
            assert ours or top in sys.stdlib_module_names or top in allowed, f"{_short(path)}: {name}"


# -- rooms ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS, ids=_short)
def test_every_room_says_what_it_is(room):
    """A package's docstring says what room this is and what never comes in."""
    doc = ast.get_docstring(_tree(room / "__init__.py"))
    assert doc, room
    assert "Never imports:" in doc, room


def test_every_folder_with_code_is_a_room():
    """No module lies in a folder without a docstring of its own."""
    assert {p.parent for p in PACKAGE.rglob("*.py")} - {*ROOMS} <= {PACKAGE / "store" / "migrations" / "versions"}


def test_no_room_is_a_drawer():
    """Nothing is called utils, helpers, common, base, misc or manager."""
    banned = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}
    assert [p for p in [*MODULES, *ROOMS] if p.stem in banned] == []


LONG_TABLES = {"connector/emulators/salesforce/schema.py:_setup"}
"""Functions that are one long table of a vendor's fields."""


def _own_lines(function: Function) -> int:
    """Lines of the body, less those of functions inside it."""
    lines = set(range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1))
    for node in ast.walk(function):
        if isinstance(node, Function) and node is not function:
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_rooms_stay_small():
    """A module has at most 300 lines, one of core 150, a function 40 of its own (contract suites may be longer, not their tests)."""
    large = []
    for path in MODULES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > (150 if path.parent.name == "core" else 300) and _outside(path, "testing"):
            large.append(f"{_short(path)}: {lines} lines")
        for node in ast.walk(_tree(path)):
            if isinstance(node, Function) and _own_lines(node) > 40:
                where = f"{_short(path)}:{node.name}"
                if where not in LONG_TABLES:
                    large.append(f"{where} has {_own_lines(node)} lines")
    assert large == []


# -- errors ---------------------------------------------------------------------------------------------------------------

NO_FAMILY = {
    "connector/core/errors.py:Failure": "what the five families have in common; never raised itself",
    "connector/adapters/_http.py:_Again": "control flow inside one file; carries a TransientError out",
    "connector/tenants/secrets.py:SecretError": "becomes a ConfigError with file and line in load.py",
}


def _exceptions() -> Iterator[tuple[str, str, list[str]]]:
    """Every class of the package that is an exception: where, name, and the names of its bases."""
    classes = [
        (_short(path), node.name, [ast.unparse(base).rpartition(".")[2] for base in node.bases])
        for path in MODULES
        if _outside(path, "emulators", "testing")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    known = {n for n, v in vars(__import__("builtins")).items() if isinstance(v, type) and issubclass(v, BaseException)}
    found: dict[tuple[str, str], list[str]] = {}
    while new := [c for c in classes if (c[0], c[1]) not in found and known & set(c[2])]:
        for where, name, bases in new:
            found[where, name] = bases
            known.add(name)
    yield from ((where, name, bases) for (where, name), bases in found.items())


def test_errors_are_of_five_families():
    """Every exception of the package descends from exactly one of the five families, or stands above with its reason."""
    families = {family.__name__ for family in FAMILIES}
    found = {f"{where}:{name}": (name, bases) for where, name, bases in _exceptions()}
    assert {name for name, _ in found.values()} >= families
    strays = {
        where
        for where, (name, bases) in found.items()
        if (name in families and bases != ["Failure"]) or (name not in families and len(families & set(bases)) != 1)
    }
    assert strays == set(NO_FAMILY)


BOUNDARIES = {"connector/cli/exits.py", "connector/sync/run.py"}
"""Where anything at all may be caught; besides, all of web."""


def test_nobody_swallows_everything():
    """Away from the boundaries run, web and command, who catches everything raises at the end of what they do then."""
    for path in MODULES:
        if _short(path) in BOUNDARIES or not _outside(path, "emulators", "web"):
            continue
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                broad = any(c is None or ast.unparse(c) in ("Exception", "BaseException") for c in caught)
                assert not broad or isinstance(node.body[-1], ast.Raise), f"{_short(path)}:{node.lineno}"


# -- what is asked for, never taken ---------------------------------------------------------------------------------------


def test_one_place_makes_sessions():
    """Only _http.py makes a session or sends; everybody else is handed it."""
    sends = re.compile(
        r"(requests\.(sessions\.)?)?Session|requests\.(session|get|post|put|patch|delete|head|options|request)"
    )
    for path in MODULES:
        if path == PACKAGE / "adapters" / "_http.py":
            continue
        for module, name in _imports(_tree(path)):
            assert (module, name) not in {
                ("requests", n) for n in ("get", "post", "put", "patch", "request", "session")
            }
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call):
                assert not sends.fullmatch(ast.unparse(node.func)), f"{_short(path)}:{node.lineno}"


TAKEN = re.compile(
    r"(datetime\.)?(datetime\.(now|utcnow|today)|date\.today)"
    r"|time\.(time|time_ns|sleep|monotonic|perf_counter)|random\..+|secrets\..+|uuid\.uuid[1-7]|os\.urandom"
)
TAKEN_FROM = {"time", "random", "secrets", "uuid"}


def test_time_and_chance_are_asked_for():
    """Clocks, sleeps, chance and ids come from ports.clock; only wiring takes them (and emulators, which are worlds of their own)."""
    for path in MODULES:
        if _short(path) == "connector/wiring.py" or not _outside(path, "emulators"):
            continue
        tree = _tree(path)
        for module, name in _imports(tree):
            assert module not in TAKEN_FROM, f"{_short(path)}: {module}.{name}"
            assert (module, name) != ("os", "urandom"), _short(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert not TAKEN.fullmatch(ast.unparse(node.func)), f"{_short(path)}:{node.lineno}"


def test_times_know_their_zone():
    """Nobody makes a naive time: no fromtimestamp without a zone, no utcfromtimestamp."""
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr != "utcfromtimestamp", f"{_short(path)}:{node.lineno}"
                if node.func.attr == "fromtimestamp":
                    assert len(node.args) + len(node.keywords) == 2, f"{_short(path)}:{node.lineno}"


def test_nothing_happens_at_import(tmp_path):
    """Importing every module writes no file, starts no process or thread, connects nowhere, and reads no environment of ours."""
    script = tmp_path / "import_all.py"
    names = [_name(p) for p in MODULES if p.name not in ("__main__.py", "env.py") and _outside(p, "testing")]
    script.write_text(
        f"import sys, importlib, threading\nsys.path.insert(0, {str(ROOT)!r})\n"
        "banned = ('socket.connect', 'sqlite3.connect', 'subprocess.Popen', 'os.fork', 'os.mkdir', 'os.remove')\n"
        "def hook(event, args):\n"
        "    writes = event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+')\n"
        "    if event in banned or writes:\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(hook)\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in MODULES:
        tree = _tree(path)
        later = {n for f in ast.walk(tree) if isinstance(f, Function | ast.Lambda) for n in ast.walk(f)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node not in later:
                assert ast.unparse(node) not in ("os.environ", "os.getenv"), f"{_short(path)}:{node.lineno}"


# -- values ---------------------------------------------------------------------------------------------------------------


def test_values_are_frozen_keyword_only_and_slotted():
    """Every dataclass of core and ports is frozen, keyword-only and slotted."""
    for room in ("core", "ports"):
        for path in (PACKAGE / room).rglob("*.py"):
            for node in ast.walk(_tree(path)):
                if not isinstance(node, ast.ClassDef):
                    continue
                for mark in node.decorator_list:
                    said = ast.unparse(mark)
                    if said.partition("(")[0].endswith("dataclass"):
                        wanted = {"frozen=True", "kw_only=True", "slots=True"}
                        assert wanted <= set(re.findall(r"\w+=True", said)), f"{_short(path)}: {node.name}"


# -- adapters -------------------------------------------------------------------------------------------------------------


def _adapters() -> Iterator[tuple[str, str, Path]]:
    for group, entries in plugins.listed().items():
        for entry in entries:
            if entry.value.startswith("connector."):
                yield group, entry.name, ROOT / Path(*entry.value.partition(":")[0].split("."))


def test_every_adapter_comes_through_the_door():
    """Each folder below adapters/crm and adapters/esp is an entry point, under its own name."""
    folders = {p.parent for kind in ("crm", "esp") for p in (PACKAGE / "adapters" / kind).glob("*/__init__.py")}
    assert folders == {folder for group, _, folder in _adapters() if group != "connector.mail"}
    for group, name, _ in _adapters():
        adapter = plugins.load(group, name)
        assert adapter.name == name
        assert adapter.can is not None


def test_every_adapter_has_its_five_things():
    """An adapter is a folder, an entry point, a README that says what it cannot do, a contract test, and a vendor's emulator."""
    for group, name, folder in _adapters():
        if group == "connector.mail":
            continue
        assert (folder / "adapter.py").is_file(), folder
        readme = (folder / "README.md").read_text(encoding="utf-8")
        for part in ("switch on", "Rights", "fields", "cannot"):
            assert part.lower() in readme.lower(), f"{_short(folder)}/README.md says nothing of: {part}"
        contract = "CrmContract" if group == "connector.crm" else "EspContract"
        tests = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests" / "adapters" / name).glob("test_*.py"))
        assert re.search(rf"class \w+\({contract}\)", tests), f"tests/adapters/{name} has no {contract}"
        assert name == "builtin" or (PACKAGE / "emulators" / name / "__init__.py").is_file(), f"no emulator of {name}"
