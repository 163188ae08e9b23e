"""Whole runs over generated histories, with a crash at any port call: nobody whose last word was stop is mailable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.adapters.esp.builtin.adapter import Builtin
from connector.core.address import Digester, normalise
from connector.core.policy import Policy
from connector.core.restriction import ENTRY, Flag
from connector.core.resubscribe import State
from connector.core.token import Link, LinkDeed
from connector.observability.logs import logger
from connector.ports.adapter import Context
from connector.ports.mailer import Letter
from connector.ports.store import Ended, Trigger
from connector.store.engine import MEMORY, Database
from connector.store.ledger import replay
from connector.store.platform import SqlPlatform
from connector.store.sql import open_store
from connector.sync.run import sync_tenant
from connector.sync.runtime import Runtime
from connector.testing.memory_crm import MemoryCrm, MemoryRecord
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ("ada@example.com", "bo@example.com", "cy@example.com")
OWNERS = (0, 0, 1, 2)
"""Which address each of four records has at first: two share one."""


class Crash(BaseException):
    """The process dies here."""


class Hands:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.time, self.ids = datetime(2026, 1, 1, tzinfo=UTC), 0

    def now(self) -> datetime:
        """A second later each time it is asked, as work takes time."""
        self.time += timedelta(seconds=0.01)
        return self.time

    def monotonic(self) -> float:
        """The same as seconds."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Moves the hands."""
        self.time += timedelta(seconds=seconds)

    def random(self) -> float:
        """The same every time."""
        return 0.5

    def new_id(self) -> str:
        """A counter."""
        self.ids += 1
        return f"{self.ids:032x}"


class Post:
    """A mail server that keeps letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> None:
        """Keeps it."""
        self.letters.append(letter)

    def check(self) -> str:
        """It is there."""
        return "there."

    def close(self) -> None:
        """Nothing to give back."""


class Letters:
    """Letters of one line."""

    def compose(self, kind: Any, *, request: Any, address: str, digest: str, number: int, at: datetime) -> Letter:
        """One Message-ID for a request and number."""
        name = f"<{request.id}.{number}>"
        return Letter(to=address, subject=str(kind), text=digest, html="", message_id=name, date=at)


class _Mortal:
    """A port whose every call and step may be the last."""

    def __init__(self, port: Any, life: list[int]) -> None:
        self._port, self._life = port, life

    def _tick(self) -> None:
        self._life[0] -= 1
        if self._life[0] == 0:
            raise Crash

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value) or name in ("begin", "digest", "clock_offset"):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._tick()
            answer = value(*args, **kwargs)
            if isinstance(answer, Iterator):
                return self._steps(answer)
            self._tick()
            return answer

        return call

    def _steps(self, steps: Iterator[Any]) -> Iterator[Any]:
        for step in steps:
            self._tick()
            yield step


class World:
    """One tenant in memory, and what its people truly said last."""

    def __init__(self, entries: bool = False) -> None:
        self.clock, self.crm, self.post = Hands(), MemoryCrm(), Post()
        digester = Digester(key=b"k" * 32, key_id="1")
        database = Database(MEMORY)
        database.open(digester)
        self.store = open_store(database, "acme", digester, self.clock)
        self.platform = SqlPlatform(database, "acme", digester, self.clock, None, [])
        context = Context(tenant="acme", clock=self.clock, policy=Policy(), platform=self.platform)
        self.runtime = Runtime(
            tenant="acme",
            policy=Policy(confirmed_lift_limit=10**6, entries=entries, permission=""),
            store=self.store,
            crm=self.crm,
            esp=Builtin(context),
            mailer=self.post,
            letters=Letters(),
            clock=self.clock,
            log=logger(),
        )
        for n, owner in enumerate(OWNERS):
            self.crm.put(MemoryRecord(id=str(n), email=NAMES[owner]))
        self.stopped: set[str] = set()
        self.accused: set[str] = set()
        self.unseen: set[str] = set()

    def link(self, name: str, deed: LinkDeed, request: str = "") -> Link:
        """A link as a mail would carry it."""
        address = normalise(name)
        assert isinstance(address, str)
        return Link(tenant="acme", deed=deed, digest=self.store.digest(address), request=request)

    # -- what people do -----------------------------------------------------------------------------------------
    def ask(self, name: str) -> None:
        """The form."""
        address = normalise(name)
        assert isinstance(address, str)
        self.platform.submit(address, frozenset(), self.clock.now(), "")

    def confirm(self, name: str) -> None:
        """The button of the latest mail."""
        mine = [r for d, r in self.store.requests() if d == self.link(name, LinkDeed.CONFIRM).digest]
        if mine and mine[0].state is State.CHALLENGED:
            self.platform.confirm(self.link(name, LinkDeed.CONFIRM, mine[0].id), self.clock.now())
            if name not in self.accused:
                self.stopped.discard(name)

    def stop(self, name: str) -> None:
        """One click; the platform knows the person once a mail went there, or a member is."""
        if self.platform.unsubscribe(self.link(name, LinkDeed.UNSUBSCRIBE), self.clock.now()).blocked:
            self.stopped.add(name)

    def accuse(self, name: str) -> None:
        """Says: this was not me."""
        mine = [r for d, r in self.store.requests() if d == self.link(name, LinkDeed.ABUSE).digest]
        if mine and self.store.address(self.link(name, LinkDeed.ABUSE).digest):
            self.platform.reject(self.link(name, LinkDeed.ABUSE, mine[0].id), self.clock.now())
            self.stopped.add(name)
            self.accused.add(name)

    def tick_opt_out(self, n: int) -> None:
        """A CRM user sets Email Opt Out; it counts once a run has read it."""
        record = self.crm.records[str(n)]
        if not record.deleted and record.flag is Flag.CLEAR:
            record.flag = Flag.SET
            self.crm.put(record)
            self.unseen.add(record.id)

    def enter(self, name: str) -> None:
        """A CRM user puts an address on the CRM's own list; it counts once a run has read it."""
        if self.runtime.policy.entries and not self.listed(name):
            entry = MemoryRecord(id=f"by-hand-{len(self.crm.records)}", email=name, flag=Flag.SET, entity=ENTRY)
            self.crm.put(entry)
            self.unseen.add(entry.id)

    def take_off(self, name: str) -> None:
        """A CRM user takes it off again; that is no word of the person's."""
        for entry in self.listed(name):
            entry.deleted, entry.flag, entry.box = True, Flag.CLEAR, False
            self.crm.put(entry)
            self.unseen.discard(entry.id)

    def request(self, name: str) -> None:
        """A CRM user ticks Request Resubscribe on the entry."""
        for entry in self.listed(name):
            entry.box = True
            self.crm.put(entry)

    def listed(self, name: str) -> list[MemoryRecord]:
        """The entries of an address."""
        return [r for r in self.crm.records.values() if r.entity == ENTRY and r.email == name and not r.deleted]

    def clear(self, n: int) -> None:
        """A CRM user clears it; that is no word of the person's."""
        record = self.crm.records[str(n)]
        if not record.deleted:
            record.flag = Flag.CLEAR
            self.crm.put(record)
            self.unseen.discard(record.id)

    def delete(self, n: int) -> None:
        """A CRM user deletes the record."""
        record = self.crm.records[str(n)]
        record.deleted = True
        self.crm.put(record)

    def hide(self, n: int) -> None:
        """An admin hides the field, or shows it again; everything is read again then."""
        self.crm.hidden = not self.crm.hidden
        for record in list(self.crm.records.values()):
            self.crm.put(record)

    def run(self, life: int = -1) -> None:
        """A run, which may die at its `life`-th port call."""
        lives = [life]
        ports = {n: _Mortal(getattr(self.runtime, n), lives) for n in ("store", "crm", "esp", "mailer")}
        try:
            report = sync_tenant(replace(self.runtime, **ports), Trigger.COMMAND)
        except Crash:
            return
        assert report.outcome in (Ended.DONE, Ended.PARTIAL), report.sentence
        if not self.crm.hidden:
            for id_ in self.unseen:
                self.stopped.add(str(normalise(self.crm.records[id_].email)))
            self.unseen.clear()

    # -- what must hold -----------------------------------------------------------------------------------------
    def rest(self) -> None:
        """Healthy runs until nothing is left to do."""
        if self.crm.hidden:
            self.hide(0)
        for _ in range(4):
            self.clock.time += timedelta(hours=2)
            self.run()

    def check(self) -> None:
        """R1, R3, R5, R6 and R7 on what is left."""
        for name in self.stopped:
            here = [r for r in self.crm.records.values() if r.email == name and not r.deleted]
            records = [r for r in here if r.entity != ENTRY]
            member = self.platform.members([name])
            # somebody known by digest alone, whom neither side holds, can be mailed by nobody
            assert member or not records, f"{name} is not known to the platform"
            assert all(m.suppressed for m in member), f"{name} is mailable at the platform"
            for record in records:
                assert record.flag is Flag.SET, f"{name} is mailable in the CRM ({record.id})"
            if self.runtime.policy.entries and (member or records):
                assert self.listed(name), f"{name} is not on the CRM's list"
        before, seq = len(self.post.letters), len(list(self.store.ledger()))
        self.run()
        chain = list(self.store.ledger())
        assert len(self.post.letters) == before
        assert len(chain) == seq, [e.event for e in chain[seq:]]
        assert all(e.because for e in chain)
        assert self.store.verify() is None
        held, states = replay(chain)
        assert {(d, s) for d, found in held.items() for s in found} == set(self.store.suppressions())
        assert states == {request.id: request.state for _, request in self.store.requests()}


PEOPLE = st.sampled_from(NAMES)
STEP = st.one_of(
    st.tuples(st.sampled_from(["ask", "confirm", "stop", "accuse"]), PEOPLE),
    st.tuples(st.sampled_from(["enter", "take_off", "request"]), PEOPLE),
    st.tuples(st.just("tick_opt_out"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["clear", "delete", "hide"]), st.integers(0, 3)),
    st.tuples(st.just("run"), st.one_of(st.just(-1), st.integers(1, 90))),
    st.tuples(st.just("run"), st.just(-1)),
)


@given(st.lists(STEP, min_size=3, max_size=14), st.booleans())
@settings(max_examples=200)
def test_nobody_whose_last_word_was_stop_is_mailable(history, entries):
    """Whatever people do in whatever order, and wherever runs die, a person whose last word was stop is blocked everywhere."""
    world = World(entries)
    world.run()
    for deed, argument in history:
        world.clock.time += timedelta(minutes=5)
        getattr(world, deed)(argument)
    world.rest()
    world.check()
