"""What every test stands on: profiles, markers, and the line that names what was not run."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("test", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("prove", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("test")

OPT_IN = "live"


def pytest_configure(config: pytest.Config) -> None:
    """A machine's own certificates and proxies must not reach the tests."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line names the opt-in tests."""
    if not hasattr(config, "workerinput") and OPT_IN not in config.option.markexpr and not config.option.collectonly:
        print("opt-in tests not run here: tests/live (make live)")
