"""The background service as a process: it wakes, takes over YAML, and ends without loss."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from connector.emulators.folder import Emulated

ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A folder of emulators, and the service as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.emulated = Emulated(folder, listen=f"127.0.0.1:{self.port}")
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits for its pages."""
        words = [sys.executable, "-m", "connector", "--config", str(self.emulated.config), "serve"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
        self.until(lambda: requests.get(f"{self.base}/acme/signup", timeout=5).status_code == 200)

    def sync(self) -> None:
        """The first sync, by hand."""
        words = [sys.executable, "-m", "connector", "--config", str(self.emulated.config), "sync", "acme"]
        subprocess.run(words, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def until(self, true: Callable[[], bool], seconds: float = 20.0) -> float:
        """Waits for something; how long it took."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            try:
                if true():
                    return time.monotonic() - begun
            except requests.exceptions.ConnectionError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service with one contact who opted out and one who did not, not started yet."""
    served = Served(tmp_path)
    served.emulated.crm.state.load(
        "Contact",
        [
            {"LastName": "A", "Email": "ada@example.com", "HasOptedOutOfEmail": True},
            {"LastName": "B", "Email": "bo@example.com"},
        ],
    )
    yield served
    if served.process is not None and served.process.poll() is None:
        served.process.kill()
        served.process.wait()
    served.emulated.stop()


def _sign_up(served: Served, email: str) -> None:
    requests.post(f"{served.base}/acme/signup", data={"email": email}, timeout=5)


def test_a_form_wakes_the_run_and_the_mail_leaves(served):
    """A form submission wakes its tenant's run, and the confirmation mail leaves within ten seconds."""
    served.sync()
    served.start()
    _sign_up(served, "ada@example.com")
    assert served.until(lambda: len(served.emulated.mailbox.messages) == 1) < 10
    link = next(link for link in served.emulated.mailbox.messages[0].plain()["links"] if "/confirm/" in link)
    requests.post(link, timeout=5)
    contacts = served.emulated.crm.state.rows("Contact")
    served.until(lambda: not any(r["HasOptedOutOfEmail"] for r in contacts.values()))
    assert served.stop() == 0


def test_the_first_run_is_a_persons(served):
    """Without a run by hand the service leaves a tenant alone, and says what to type."""
    served.start()
    _sign_up(served, "ada@example.com")
    served.until(lambda: "connector sync acme" in served.log.read_text())
    assert served.emulated.mailbox.messages == []
    assert served.stop() == 0


def test_yaml_is_taken_over_while_it_runs(served):
    """A changed form shows at once, a new tenant is served, a broken file stops nobody, a removed tenant is gone."""
    served.sync()
    served.start()
    tenants = served.emulated.config / "tenants"
    path = tenants / "acme.yaml"
    text = path.read_text()

    def shows(tenant: str, words: str) -> bool:
        return words in requests.get(f"{served.base}/{tenant}/signup", timeout=5).text

    path.write_text(text.replace("title: Get our mail", "title: Another title"))
    served.until(lambda: shows("acme", "Another title"))
    (tenants / "other.yaml").write_text(text)
    served.until(lambda: shows("other", "Get our mail"))
    (tenants / "broken.yaml").write_text("crm: {kind: nothing}\n")
    served.until(lambda: "broken.yaml:1" in served.log.read_text())
    assert shows("acme", "Another title")
    (tenants / "other.yaml").unlink()
    served.until(lambda: requests.get(f"{served.base}/other/signup", timeout=5).status_code == 404)
    assert served.stop() == 0


def test_sigterm_in_the_middle_of_a_run_loses_nothing(served):
    """A run that is told to stop ends at its next step, and the next one finishes it."""
    served.sync()
    tenant = served.emulated.config / "tenants" / "acme.yaml"
    tenant.write_text(tenant.read_text().replace("schedule: {every: 15m}", "schedule: {every: 1s}"))
    served.emulated.crm.faults.latency = 0.4
    served.start()
    served.emulated.crm.faults.requests.clear()
    served.until(lambda: len(served.emulated.crm.faults.requests) > 0)
    assert served.stop() == 0
    served.emulated.crm.faults.latency = 0.0
    from connector.wiring import Installation

    with Installation.open(served.emulated.config) as house:
        assert house.store("acme").verify() is None
        assert all(run.outcome.value != "running" for run in house.store("acme").runs())
    served.sync()


def test_the_schedule_rings(served):
    """A tenant runs by its schedule: a flag set in the CRM reaches the platform without anybody's command."""
    served.sync()
    tenant = served.emulated.config / "tenants" / "acme.yaml"
    tenant.write_text(tenant.read_text().replace("schedule: {every: 15m}", "schedule: {every: 1s}"))
    served.start()
    from connector.emulators.salesforce import writes
    from connector.wiring import Installation

    org = served.emulated.crm.state
    bo = next(r["Id"] for r in org.rows("Contact").values() if r["Email"] == "bo@example.com")
    writes.update(org, "Contact", bo, {"HasOptedOutOfEmail": True}, org.admin)
    with Installation.open(served.emulated.config) as house:
        platform = house.platform("acme")
        served.until(lambda: any(m.suppressed for m in platform.members(["bo@example.com"])))
    assert served.stop() == 0
