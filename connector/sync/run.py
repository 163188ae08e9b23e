"""One run, as a story: owed blocks, looking, thinking, promising, doing, remembering, letting go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.core.action import LIFTS, PHASE, Deed, Side
from connector.core.decide import decide
from connector.core.decision import Decision
from connector.core.errors import BugError, ConfigError, ConflictError, Failure, TransientError
from connector.core.view import View
from connector.ports.store import Ended, Run, Trigger
from connector.sync.breaker import Breaker
from connector.sync.deliver import Delivered, deliver
from connector.sync.gather import Seen, gather, look
from connector.sync.runtime import Runtime

DECIDED_AT_ONCE = 2000
"""Decisions stored in one transaction."""

_BLOCK_PHASES = (PHASE[Deed.SUPPRESS], PHASE[Deed.LEAVE_LIST])
_ALL_PHASES = tuple(sorted(set(PHASE.values())))
_ROUNDS = 4
"""A request takes at most this many looks at its own deeds within one run: mail, steps, restriction, end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How one run of a tenant ended, in one sentence and figures. `failure` is the error that ended it, if any."""

    tenant: str
    outcome: Ended
    sentence: str
    counts: dict[str, int] = field(default_factory=dict)
    failure: Failure | None = None
    run: str = ""


def sync_tenant(rt: Runtime, trigger: Trigger, *, sweep: bool = False) -> Report:
    """Runs one sync of one tenant and tells how it ended; raises nothing of the five families."""
    refusal = _first_run_refusal(rt, trigger)
    if refusal:
        rt.store.skip(trigger, refusal)
        return Report(tenant=rt.tenant, outcome=Ended.SKIPPED, sentence=refusal)
    try:
        with rt.store.begin(trigger) as run:
            return _held(rt, run, sweep)
    except ConflictError as taken:
        rt.store.skip(trigger, taken.operator)
        return Report(tenant=rt.tenant, outcome=Ended.SKIPPED, sentence=taken.operator, failure=taken)
    except Failure as failure:
        return Report(tenant=rt.tenant, outcome=Ended.FAILED, sentence=failure.operator, failure=failure)


def _first_run_refusal(rt: Runtime, trigger: Trigger) -> str:
    if trigger is Trigger.COMMAND or rt.first_run_auto:
        return ""
    if any(row.outcome in (Ended.DONE, Ended.PARTIAL, Ended.HELD) for row in rt.store.runs()):
        return ""
    return (
        f"The first run of {rt.tenant} is yours: see what it would do with `connector plan {rt.tenant}`, "
        f"then run `connector sync {rt.tenant}`. From then on the service goes on by itself."
    )


def _held(rt: Runtime, run: Run, sweep: bool) -> Report:
    """The run inside its lease. Whatever ends it is written down before the lease goes."""
    counts: Counter[str] = Counter()
    try:
        report = _story(rt, run, sweep, counts)
    except Exception as error:
        failure = error if isinstance(error, Failure) else _bug(error)
        rt.store.finish(run, Ended.FAILED, failure.operator, counts)
        rt.log.error(
            "run.failed", run=run.id, why=failure.log, family=type(failure).__name__, exc_info=_trace(failure, error)
        )
        raise failure from error
    rt.store.finish(run, report.outcome, report.sentence, report.counts)
    rt.log.info("run.ended", run=run.id, outcome=report.outcome.value, **report.counts)
    return report


def _trace(failure: Failure, error: Exception) -> Exception | None:
    """Where it happened; told for bugs alone, for every other family its own words say it."""
    return error if isinstance(failure, BugError) else None


def _bug(error: Exception) -> BugError:
    return BugError(
        "The run met something that we did not foresee and stopped; everything done so far is recorded. "
        "Please report this with the log.",
        log=f"{type(error).__name__} in a run",
    )


def _story(rt: Runtime, run: Run, sweep: bool, counts: Counter[str]) -> Report:
    identify(rt)
    counts["recovered"] = rt.store.recover(run)
    delivered = Delivered()
    deliver(rt, run, _BLOCK_PHASES, delivered)
    rt.store.anew(run)
    seen = gather(rt, run, sweep=sweep)
    breaker = Breaker(policy=rt.policy, room=rt.store.lift_room(rt.clock.now()))
    for _ in range(_ROUNDS):
        deliver(rt, run, _ALL_PHASES, delivered, begun_only=True)
        look(rt, run, seen)
        planned = _promise(rt, run, seen, breaker)
        counts.update(planned)
        lifted = delivered.lifted
        ended = deliver(rt, run, _ALL_PHASES, delivered)
        if delivered.lifted > lifted and seen.esp_complete:
            _events_since(rt, run, seen)
        # what a side did before it fell silent is not known: nothing more is decided on it
        if delivered.troubles or not (ended or planned["requests"] or planned["stops"]):
            break
        rt.store.anew(run)
    return _report(rt, run, seen, delivered, breaker, counts)


def _events_since(rt: Runtime, run: Run, seen: Seen) -> None:
    """After a lift the platform's events are read again: a stop said meanwhile is rule 1."""
    again = gather(rt, run)
    seen.crm_complete, seen.esp_complete = again.crm_complete, again.esp_complete
    seen.troubles += again.troubles


def identify(rt: Runtime) -> None:
    """Asks each side who it is and remembers it. Raises: `ConfigError` where it is not the one we know."""
    for side, port in ((Side.CRM, rt.crm), (Side.ESP, rt.esp)):
        rt.store.remember_identity(side, port.identity())


def _promise(rt: Runtime, run: Run, seen: Seen, breaker: Breaker) -> Counter[str]:
    """Decides every address that changed, disagrees or waits, and stores what follows, batch by batch."""
    planned: Counter[str] = Counter()
    batch: list[tuple[View, Decision]] = []
    for view, decision in think(rt, run, seen):
        batch.append((view, decision))
        planned["stops"] += sum(f.kind.value in ("suppression.added", "suppression.renewed") for f in decision.facts)
        planned["requests"] += len(decision.moves)
        if len(batch) >= DECIDED_AT_ONCE:
            rt.store.promise(run, batch, rt.clock.now(), breaker.hold(batch))
            batch = []
    if batch:
        rt.store.promise(run, batch, rt.clock.now(), breaker.hold(batch))
    return planned


def think(rt: Runtime, run: Run, seen: Seen) -> Iterator[tuple[View, Decision]]:
    """Every candidate with its decision; those that change nothing are left out."""
    now = rt.clock.now()
    views = rt.store.candidates(run, rt.policy, now, crm_complete=seen.crm_complete, esp_complete=seen.esp_complete)
    for view in views:
        decision = decide(view, rt.policy, now)
        if not empty(decision):
            yield view, decision


def empty(decision: Decision) -> bool:
    """Whether a decision changes nothing anywhere."""
    return not (
        decision.actions
        or decision.facts
        or decision.moves
        or decision.requests
        or decision.agreed
        or decision.agreed_esp
        or decision.heard
    )


def _report(rt: Runtime, run: Run, seen: Seen, delivered: Delivered, breaker: Breaker, counts: Counter[str]) -> Report:
    troubles = [*seen.troubles, *delivered.troubles.values()]
    if troubles:
        worst: TransientError | ConfigError = troubles[0]
        raise worst
    counts.update(records=seen.records, words=seen.words, refused=seen.refused)
    counts.update(dict(delivered.done))
    counts.update(aside=delivered.aside, later=delivered.later, held=len(rt.store.held()))
    outcome = Ended.HELD if counts["held"] else Ended.PARTIAL if delivered.aside or delivered.later else Ended.DONE
    figures = {k: v for k, v in counts.items() if v}
    return Report(tenant=rt.tenant, outcome=outcome, sentence=sentence(outcome, counts), counts=figures, run=run.id)


def sentence(outcome: Ended, counts: Counter[str]) -> str:
    """What a run did, as a person would say it."""
    blocks = sum(counts[deed.value] for deed in (Deed.SUPPRESS, Deed.RESTRICT, Deed.ADD_ENTRY))
    lifts = sum(counts[deed.value] for deed in LIFTS)
    read = f"{_counted(counts['records'], 'record')} and {_counted(counts['words'], 'word')} read"
    said = f"{read}; {_counted(blocks, 'block')} and {_counted(lifts, 'lift')} made"
    if counts["mail"] + counts["notice"]:
        said += f"; {_counted(counts['mail'] + counts['notice'], 'mail')} sent"
    if counts["aside"] + counts["later"]:
        said += f"; {counts['aside']:,} set aside, {counts['later']:,} to be tried later"
    if outcome is Ended.HELD:
        said += f"; {_counted(counts['held'], 'lift')} held: see `connector approve`"
    return said + "."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
