"""`connector sync`: one run now."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.exits import code_of, code_of_report, say, worst
from connector.cli.output import as_json, dump, progress, table
from connector.core.errors import Failure
from connector.ports.store import Ended, Trigger
from connector.sync.run import Report, sync_tenant
from connector.wiring import Installation


@click.command(short_help="run one sync now")
@click.argument("tenants", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every tenant of the configuration.")
@click.option("--sweep", is_flag=True, help="Read both sides from the start instead of what changed.")
@as_json
@click.pass_context
def command(ctx: click.Context, tenants: tuple[str, ...], everyone: bool, sweep: bool, json_: bool) -> None:
    """Run one sync of TENANTS now, and say what was done."""
    config: Path = ctx.obj
    if bool(tenants) == everyone:
        raise click.UsageError("name at least one tenant, or say --all")
    with Installation.open(config, told=progress()) as house:
        broken = house.broken if everyone else []
        for error in broken:
            say(error)
        names = house.names if everyone else tenants
        reports = [_one(house, name, sweep) for name in names]
    if json_:
        dump([_plain(r) for r in reports])
    else:
        rows = [(r.tenant, r.outcome.value, r.sentence) for r in reports]
        table(rows, ("tenant", "outcome", "what was done"), "No tenant is configured; write one with `connector init`.")
    ctx.exit(worst([*(code_of_report(r) for r in reports), *(code_of(e) for e in broken)]))


def _one(house: Installation, name: str, sweep: bool) -> Report:
    try:
        return sync_tenant(house.runtime(name), Trigger.COMMAND, sweep=sweep)
    except Failure as failure:
        return Report(tenant=name, outcome=Ended.FAILED, sentence=failure.operator, failure=failure)


def _plain(report: Report) -> dict[str, object]:
    return {
        "tenant": report.tenant,
        "run": report.run,
        "outcome": report.outcome.value,
        "sentence": report.sentence,
        "counts": report.counts,
    }
