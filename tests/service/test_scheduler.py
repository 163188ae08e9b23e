"""Never two runs of a tenant at once, and no ring without a run or a word."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from connector.ports.store import Trigger
from connector.service.scheduler import Scheduler
from connector.tenants.model import Schedule


def test_a_ring_during_a_run_is_told_and_followed_by_one_run():
    """Rings that meet a running run are remembered as skipped where they were scheduled, and one run follows them all."""
    begun, go, runs, most = threading.Event(), threading.Event(), [], []
    alive = 0

    def work(tenant: str, trigger: Trigger) -> None:
        nonlocal alive
        alive += 1
        most.append(alive)
        runs.append(trigger)
        begun.set()
        go.wait(5)
        alive -= 1

    skipped: list[str] = []
    scheduler = Scheduler(work, lambda tenant, trigger: skipped.append(tenant), workers=2)
    scheduler.start()
    scheduler.ring("acme", Trigger.COMMAND)
    assert begun.wait(5)
    for trigger in (Trigger.INBOX, Trigger.SCHEDULE, Trigger.SCHEDULE):
        scheduler.ring("acme", trigger)
    time.sleep(0.5)
    go.set()
    end = time.monotonic() + 5
    while scheduler.busy() and time.monotonic() < end:
        time.sleep(0.05)
    scheduler.stop()
    assert max(most) == 1
    assert len(runs) == 2
    assert skipped == ["acme", "acme"]


def test_intervals_and_cron_both_make_jobs():
    """Either kind of schedule is taken, and a dropped tenant rings no more."""
    rung: list[str] = []
    scheduler = Scheduler(lambda tenant, trigger: rung.append(tenant), lambda *_: None, workers=1)
    scheduler.set("often", Schedule(every=timedelta(seconds=1)))
    scheduler.set("nightly", Schedule(cron="0 3 * * *", timezone="Europe/Berlin"))
    scheduler.start()
    end = time.monotonic() + 5
    while not rung and time.monotonic() < end:
        time.sleep(0.05)
    scheduler.drop("often")
    time.sleep(0.2)
    seen = len(rung)
    time.sleep(1.3)
    scheduler.stop()
    assert set(rung) == {"often"}
    assert len(rung) == seen
