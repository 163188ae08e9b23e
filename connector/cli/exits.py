"""Exit codes, and the one boundary where an error becomes a sentence on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click

from connector.core.errors import BugError, ConfigError, ConflictError, Failure, RejectedError, TransientError
from connector.ports.store import Ended
from connector.sync.run import Report

DONE, SOME_FAILED, CONFIGURATION, HELD, TAKEN, UNREACHABLE, BUG = 0, 1, 2, 3, 4, 5, 70

_WORST_FIRST = (BUG, CONFIGURATION, UNREACHABLE, TAKEN, HELD, SOME_FAILED, DONE)

_OF_FAMILY: tuple[tuple[type[Failure], int], ...] = (
    (ConfigError, CONFIGURATION),
    (TransientError, UNREACHABLE),
    (ConflictError, TAKEN),
    (RejectedError, SOME_FAILED),
    (BugError, BUG),
)

_OF_OUTCOME = {
    Ended.DONE: DONE,
    Ended.PARTIAL: SOME_FAILED,
    Ended.HELD: HELD,
    Ended.SKIPPED: TAKEN,
    Ended.FAILED: BUG,
}


def code_of(failure: Failure) -> int:
    """The exit code of one failure."""
    return next((code for family, code in _OF_FAMILY if isinstance(failure, family)), BUG)


def code_of_report(report: Report) -> int:
    """The exit code of one run."""
    return code_of(report.failure) if report.failure else _OF_OUTCOME[report.outcome]


def worst(codes: Iterable[int]) -> int:
    """Of several tenants the first of 70, 2, 5, 4, 3, 1 that occurred."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), DONE)


def guarded(call: Callable[[], object]) -> object:
    """Runs a command; a failure is told in its own sentence, on standard error, with its exit code."""
    try:
        return call()
    except Failure as failure:
        say(failure)
        sys.exit(code_of(failure))
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(DONE)
    except Exception as error:
        click.echo(f"A bug: {type(error).__name__}: {error}. Nothing more was done. Please report this.", err=True)
        if click.get_current_context(silent=True) is None:
            raise
        import traceback

        traceback.print_exc()
        sys.exit(BUG)


def say(failure: Failure) -> None:
    """One plain sentence, and the vendor's request id where there is one."""
    click.echo(failure.operator, err=True)
    if failure.request_id:
        click.echo(f"  {failure.vendor} request {failure.request_id}", err=True)
