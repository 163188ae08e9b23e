"""What every test stands on: profiles, markers, seeds, and the line that names what was not run."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.requirements import rows

settings.register_profile("test", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("prove", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("test")

OPT_IN = "live"


def pytest_configure(config: pytest.Config) -> None:
    """A machine's own certificates and proxies must not reach the tests."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Properties get their marker, before any is deselected by it.

    A requirement that no row has is a slip of the pen, and counts for nothing.
    """
    known = set(rows())
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
        for mark in item.iter_markers("requirement"):
            if not mark.args or set(mark.args) - known:
                raise pytest.UsageError(f"{item.nodeid}: no such requirement: {sorted(set(mark.args) - known)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What failed can be run again in the same order and with the same examples."""
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        seeds = {"-p randomly --randomly-seed": "randomly_seed", "--hypothesis-seed": "hypothesis_seed"}
        told = [f"{option}={seed}" for option, name in seeds.items() if (seed := config.getoption(name, None))]
        terminalreporter.write_line(f"again, with the same seeds: pytest {' '.join(told)}")


def opted_in(expression: str) -> bool:
    """Whether a mark expression lets opt-in tests run."""
    return not expression.strip() or bool(re.search(rf"(?<!not )\b{OPT_IN}\b", expression))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line names the opt-in tests."""
    if not hasattr(config, "workerinput") and not opted_in(config.option.markexpr) and not config.option.collectonly:
        print("opt-in tests not run here: tests/live (make live)")
