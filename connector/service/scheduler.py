"""One job per tenant: by interval or cron, never two at once, never silently skipped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]  # apscheduler has no types
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]  # apscheduler has no types
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # apscheduler has no types
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]  # apscheduler has no types

from connector.ports.store import Trigger
from connector.tenants.model import Schedule

Work = Callable[[str, Trigger], None]


class Scheduler:
    """Rings for tenants. `work` runs one sync; `skipped` is told of a ring that met a running one."""

    def __init__(self, work: Work, skipped: Callable[[str, Trigger], None], workers: int) -> None:
        self._work, self._skipped = work, skipped
        self._guard = threading.Lock()
        self._running: set[str] = set()
        self._again: dict[str, Trigger] = {}
        defaults = {"coalesce": True, "max_instances": 3, "misfire_grace_time": None}
        # A job only asks for its turn here, so that APScheduler itself never has to drop one.
        self._scheduler: Any = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(workers, 2) * 3)}, job_defaults=defaults, timezone="UTC"
        )
        self._turns = threading.BoundedSemaphore(workers)

    def start(self) -> None:
        """Begins to ring."""
        self._scheduler.start()

    def set(self, tenant: str, schedule: Schedule) -> None:
        """Adds the tenant's job, or replaces it."""
        jitter = int(schedule.jitter.total_seconds()) or None
        trigger: Any
        if schedule.cron:
            trigger = CronTrigger.from_crontab(schedule.cron, timezone=schedule.timezone)
            trigger.jitter = jitter
        else:
            every = (schedule.every or timedelta(minutes=15)).total_seconds()
            trigger = IntervalTrigger(seconds=every, jitter=jitter)
        self._scheduler.add_job(self._turn, trigger, args=(tenant, Trigger.SCHEDULE), id=tenant, replace_existing=True)

    def drop(self, tenant: str) -> None:
        """Removes the tenant's job; a run that goes on goes on."""
        if self._scheduler.get_job(tenant):
            self._scheduler.remove_job(tenant)

    def ring(self, tenant: str, trigger: Trigger) -> None:
        """Runs the tenant now, or right after the run that goes on."""
        self._scheduler.add_job(self._turn, args=(tenant, trigger))

    def busy(self) -> bool:
        """Whether any tenant runs."""
        with self._guard:
            return bool(self._running)

    def _turn(self, tenant: str, trigger: Trigger) -> None:
        with self._guard:
            if tenant in self._running:
                self._again[tenant] = trigger
                meets = trigger is Trigger.SCHEDULE
            else:
                self._running.add(tenant)
                meets = None
        if meets is not None:
            if meets:
                self._skipped(tenant, trigger)
            return
        while True:
            with self._turns:
                self._work(tenant, trigger)
            with self._guard:
                if tenant not in self._again:
                    self._running.discard(tenant)
                    return
                trigger = self._again.pop(tenant)

    def stop(self) -> None:
        """Stops ringing and waits for the runs that go on; they end at their next batch once the stop event is set."""
        self._again.clear()
        self._scheduler.shutdown(wait=True)
