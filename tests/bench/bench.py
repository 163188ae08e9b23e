"""`make bench`: what a sync costs, beside the bare limit on the same emulator. Prints figures and ratios; judges nothing.

    make bench ARGS="--people 1000000 --latency 0.05"

The emulator runs in a process of its own; each measured part in another, whose peak memory is its own. Process start and
imports count for nobody.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PUSHED = 20_000


def main() -> int:
    """Runs every part, at no latency and at the asked one."""
    parser = argparse.ArgumentParser(description="What a sync costs, beside the bare limit on the same emulator.")
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds added to each request in the second round")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--dir", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.dir)))
        return 0
    for latency in (0.0, options.latency):
        round_(options.people, latency)
    return 0


def round_(people: int, latency: float) -> None:
    """One emulator, and every part against it."""
    print(f"\n{people:,} contacts, 5 % opted out, {latency * 1000:.0f} ms added per request")
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as name:
        folder = Path(name)
        words = [
            sys.executable,
            "-m",
            "connector",
            "emulate",
            "--only",
            "salesforce",
            "--dir",
            name,
            "--people",
            str(people),
        ]
        emulator = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, env=_env())
        try:
            while not (folder / "emulators.json").exists():
                time.sleep(0.1)
                assert emulator.poll() is None, "the emulator ended"
            base = json.loads((folder / "emulators.json").read_text())["salesforce"]["base_url"]
            _post(base, "latency", {"seconds": latency})
            idle = _measured("idle", folder, base)
            bare = _measured("bare_load", folder, base)
            first = _measured("first_sync", folder, base)
            echo = _measured("echo", folder, base)
            still = _measured("nothing_changed", folder, base)
            _measured("opt_out", folder, base)
            pushed = _measured("push", folder, base)
            bare_push = _measured("bare_push", folder, base)
        finally:
            emulator.terminate()
            emulator.wait()
    _line("connector --version", idle)
    _line("bare load", bare)
    _line("first sync", first, f"{first['wall'] / bare['wall']:.2f}x the bare load")
    _line("own writes return", echo)
    _line("nothing changed", still)
    _line("bare push", bare_push)
    _line(f"{PUSHED:,} opt-outs", pushed, f"{pushed['wall'] / bare_push['wall']:.2f}x the bare push")
    more = max(first["memory"], echo["memory"], still["memory"], pushed["memory"]) - idle["memory"]
    print(f"  peak memory above connector --version: {more:.0f} MB")
    print(f"  the emulator's bulk CSV: {bare['rows'] / bare['download']:,.0f} rows a second")


def _line(name: str, found: dict[str, Any], beside: str = "") -> None:
    calls = f"{found['requests']:>3} requests ({found['polls']} polls, {found['logins']} logins)"
    print(
        f"  {name:<20} {found['wall']:8.2f} s wall {found['cpu']:8.2f} s cpu {found['memory']:6.0f} MB  {calls}  {beside}"
    )


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _post(base: str, name: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{base}/_emulator/{name}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()


def _measured(part: str, folder: Path, base: str) -> dict[str, Any]:
    """One part in its own process, with the requests that reached the emulator meanwhile."""
    urllib.request.urlopen(urllib.request.Request(f"{base}/_emulator/requests", method="DELETE")).close()
    words = [sys.executable, str(Path(__file__)), "--part", part, "--dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=_env())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    with urllib.request.urlopen(f"{base}/_emulator/requests") as answer:
        log = json.loads(answer.read())
    polls = [r for r in log if r["method"] == "GET" and "/jobs/" in r["path"] and r["path"].count("/") == 6]
    logins = [r for r in log if "oauth2/token" in r["path"]]
    return found | {"requests": len(log), "polls": len(polls), "logins": len(logins)}


def _timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return found | spent | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def idle(folder: Path) -> dict[str, Any]:
    """What `connector --version` takes: the command's own imports."""
    import connector.cli.group  # noqa: F401  # its import is what is measured

    return _timed(dict)


def _sync(folder: Path) -> dict[str, Any]:
    from connector.ports.store import Trigger
    from connector.sync.run import sync_tenant
    from connector.wiring import Installation

    with Installation.open(folder / "config") as house:
        runtime = house.runtime("acme")

        def work() -> dict[str, Any]:
            report = sync_tenant(runtime, Trigger.COMMAND)
            assert report.failure is None, report.sentence
            return {"counts": report.counts}

        return _timed(work)


def opt_out(folder: Path) -> dict[str, Any]:
    """Not measured: 20,000 people unsubscribe at the platform."""
    import sqlite3

    from connector.core.suppression import Reason
    from connector.wiring import Installation

    with Installation.open(folder / "config") as house:
        platform, now = house.platform("acme"), house.clock.now()
        held = {m.address for m in platform.changes(0, 10**7) if m.suppressed}
        from connector.core.address import normalise
        from connector.emulators.town import people

        wanted: list[Any] = []
        for row in people(10**7):
            address = normalise(row["Email"])
            if address not in held:
                wanted.append(address)
            if len(wanted) == PUSHED:
                break
        database = sqlite3.connect(house.database.path or "", isolation_level=None)
        database.execute("PRAGMA synchronous=OFF")
        database.close()
        for address in wanted:
            platform.suppress(address, Reason.UNSUBSCRIBED, now)
    return _timed(dict)


SELECT = (
    "SELECT Id, Email, HasOptedOutOfEmail, IsDeleted, MasterRecordId, SystemModstamp, Resubscribe_Requested__c, "
    "News_List__c, Offers_List__c FROM Contact"
)


class _Bare:
    """A client of nothing but requests: signs in, and calls."""

    def __init__(self, folder: Path) -> None:
        import requests

        told = json.loads((folder / "emulators.json").read_text())["salesforce"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.base = told["base_url"]
        form = {
            "grant_type": "client_credentials",
            "client_id": told["client_id"],
            "client_secret": told["client_secret"],
        }
        token = self.session.post(f"{self.base}/services/oauth2/token", data=form).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.data = f"{self.base}/services/data/v62.0"

    def done(self, path: str) -> None:
        """Polls a job to its end."""
        while self.session.get(f"{self.data}/{path}").json()["state"] != "JobComplete":
            time.sleep(0.1)


def bare_load(folder: Path) -> dict[str, Any]:
    """The same pages fetched, decoded and upserted by a bare loop, into the same table with the same indexes."""
    import csv
    import io
    import sqlite3

    from connector.store.tables import metadata
    from sqlalchemy import create_engine

    path = folder / "bare.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    bare = _Bare(folder)

    def work() -> dict[str, Any]:
        database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8000"):
            database.execute(f"PRAGMA {pragma}")
        body = {"operation": "queryAll", "query": SELECT}
        job = bare.session.post(f"{bare.data}/jobs/query", json=body).json()["id"]
        bare.done(f"jobs/query/{job}")
        rows, locator, download = 0, "", 0.0
        while locator != "null":
            params = {"maxRecords": 100_000} | ({"locator": locator} if locator else {})
            begun = time.perf_counter()
            answer = bare.session.get(f"{bare.data}/jobs/query/{job}/results", params=params)
            download += time.perf_counter() - begun
            locator = answer.headers["Sforce-Locator"]
            reader = csv.reader(io.StringIO(answer.content.decode(), newline=""))
            next(reader)
            piece: list[tuple[Any, ...]] = []
            for row in reader:
                piece.append(_bare_row(row))
                if len(piece) == 10_000:
                    _upsert(database, piece)
                    rows += len(piece)
                    piece = []
            _upsert(database, piece)
            rows += len(piece)
        database.close()
        return {"rows": rows, "download": download}

    return _timed(work)


def _bare_row(row: list[str]) -> tuple[Any, ...]:
    """The row's values in the mirror's columns, with a cheap stand-in for the digest: as long, and as scattered."""
    flag = "clear" if row[2] == "false" else "set"
    digest = f"n1k1:{zlib.crc32(row[1].encode()) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
    return ("acme", "Contact", row[0], digest, flag, flag, digest, "bare")


_UPSERT = """
INSERT INTO records (tenant, entity, id, digest, flag, agreed, agreed_digest, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, entity, id) DO UPDATE SET digest = excluded.digest, flag = excluded.flag, run = excluded.run
"""


def _upsert(database: Any, piece: list[tuple[Any, ...]]) -> None:
    database.execute("BEGIN IMMEDIATE")
    database.executemany(_UPSERT, piece)
    database.execute("COMMIT")


def bare_push(folder: Path) -> dict[str, Any]:
    """The same number of rows pushed by a bare Bulk job, its result files read."""
    bare = _Bare(folder)
    query = f"SELECT Id FROM Contact WHERE HasOptedOutOfEmail = false LIMIT {PUSHED}"
    job = bare.session.post(f"{bare.data}/jobs/query", json={"operation": "query", "query": query}).json()["id"]
    bare.done(f"jobs/query/{job}")
    ids = bare.session.get(f"{bare.data}/jobs/query/{job}/results").text.replace('"', "").split()[1:]

    def work() -> dict[str, Any]:
        head = "Id,HasOptedOutOfEmail,Suppression_Reason__c,Suppression_Date__c\n"
        text = head + "".join(f"{i},true,unsubscribed,2026-11-26T00:00:00Z\n" for i in ids)
        body = {"operation": "update", "object": "Contact", "contentType": "CSV", "lineEnding": "LF"}
        job = bare.session.post(f"{bare.data}/jobs/ingest", json=body).json()["id"]
        url = f"{bare.data}/jobs/ingest/{job}"
        bare.session.put(f"{url}/batches", data=text.encode(), headers={"Content-Type": "text/csv"})
        bare.session.patch(url, json={"state": "UploadComplete"})
        bare.done(f"jobs/ingest/{job}")
        for kind in ("successfulResults", "failedResults", "unprocessedrecords"):
            assert bare.session.get(f"{url}/{kind}").text
        return {"rows": len(ids)}

    return _timed(work)


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "idle": idle,
    "bare_load": bare_load,
    "first_sync": _sync,
    "echo": _sync,
    "nothing_changed": _sync,
    "opt_out": opt_out,
    "push": _sync,
    "bare_push": bare_push,
}

if __name__ == "__main__":
    raise SystemExit(main())
