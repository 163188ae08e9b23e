"""The background service: owns the main thread and the signals, takes a changed YAML over, and ends without loss."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import uvicorn

from connector.core.errors import ConfigError, Failure
from connector.observability.logs import logger
from connector.ports.store import Ended, Trigger
from connector.service.scheduler import Scheduler
from connector.sync.run import sync_tenant
from connector.tenants.load import fingerprint
from connector.wiring import Installation, SystemClock

LOOK_EVERY = 1.0
"""Seconds between looks at inboxes and at the configuration: an inbox row wakes its tenant well within five."""


class Service:
    """One configuration folder, served until it is told to stop."""

    def __init__(self, folder: Path) -> None:
        """Raises: `ConfigError` where the service's own file is wrong."""
        self._folder = folder
        self.stop = threading.Event()
        self.clock = SystemClock(self.stop)
        self.house = Installation.open(folder, clock=self.clock)
        self._seen = fingerprint(folder)
        self._old: list[Installation] = []
        self._swept: dict[str, float] = {}
        self._patience: dict[str, tuple[float, float]] = {}
        self._log = logger()
        self._scheduler = Scheduler(self._work, self._skipped, self.house.service.workers)

    def serve(self, app: Any) -> None:
        """Runs schedules and pages until SIGTERM or SIGINT; returns once everything ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop.set())
        host, _, port = self.house.service.listen.rpartition(":")
        config = uvicorn.Config(
            app,
            host=host,
            port=int(port),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        server = _Pages(config)
        pages = threading.Thread(target=server.run, name="pages", daemon=True)
        pages.start()
        self._take_over()
        self._scheduler.start()
        self._log.info("service.started", listen=self.house.service.listen, tenants=self.house.names)
        while not self.stop.wait(LOOK_EVERY):
            self._look()
            if not pages.is_alive():
                self.stop.set()
        server.should_exit = True
        self._scheduler.stop()
        pages.join(timeout=10)
        for house in (*self._old, self.house):
            house.close()
        self._log.info("service.ended")

    def _look(self) -> None:
        """Wakes tenants that have mail in their inbox, and takes over a changed configuration."""
        try:
            if fingerprint(self._folder) != self._seen:
                self._reload()
            for name in self.house.names:
                if (
                    self._patience.get(name, (0.0, 0.0))[0] <= self.clock.monotonic()
                    and self.house.store(name).waiting()
                ):
                    self._scheduler.ring(name, Trigger.INBOX)
        except Failure as failure:
            self._log.error("service.look", why=failure.log)
        if self._old and not self._scheduler.busy():
            for house in self._old:
                house.close()
            self._old.clear()

    def _reload(self) -> None:
        self._seen = fingerprint(self._folder)
        try:
            fresh = Installation.open(self._folder, clock=self.clock)
        except ConfigError as error:
            self._log.error("configuration.refused", why=error.operator)
            return
        former, self.house = self.house, fresh
        # runs that go on still use the former one; it is closed when the last of them has ended
        self._old.append(former)
        for name in former.names:
            if name not in fresh.names:
                self._scheduler.drop(name)
        self._take_over()
        self._log.info("configuration.taken_over", tenants=fresh.names)

    def _take_over(self) -> None:
        for error in self.house.broken:
            self._log.error("tenant.refused", why=error.operator)
        for name in self.house.names:
            self._scheduler.set(name, self.house.tenant(name).tenant.schedule)
            self._swept.setdefault(name, self.clock.monotonic())

    def _work(self, name: str, trigger: Trigger) -> None:
        if self.stop.is_set() or name not in self.house.names:
            return
        every = self.house.tenant(name).tenant.schedule.sweep.total_seconds()
        sweep = self.clock.monotonic() - self._swept[name] >= every
        try:
            report = sync_tenant(self.house.runtime(name), trigger, sweep=sweep)
        except Failure as failure:
            self._log.error("tenant.stopped", tenant=name, why=failure.operator)
            return
        self._remember(name, report.outcome)
        if sweep and report.outcome is not Ended.FAILED:
            self._swept[name] = self.clock.monotonic()
        if report.outcome is Ended.SKIPPED:
            self._log.warning("run.skipped", tenant=name, why=report.sentence)

    def _remember(self, name: str, outcome: Ended) -> None:
        """After a run that came to nothing the inbox waits longer each time, up to five minutes."""
        if outcome in (Ended.FAILED, Ended.SKIPPED):
            wait = min(self._patience.get(name, (0.0, 1.0))[1] * 2, 300.0)
            self._patience[name] = (self.clock.monotonic() + wait, wait)
        else:
            self._patience.pop(name, None)

    def _skipped(self, name: str, trigger: Trigger) -> None:
        self.house.store(name).skip(trigger, "The run before it was still going; one run follows it.")


class _Pages(uvicorn.Server):
    """uvicorn without signal handlers of its own: they would cut running jobs."""

    def capture_signals(self) -> Any:
        """Leaves the process's signals to the service."""
        from contextlib import nullcontext

        return nullcontext()
