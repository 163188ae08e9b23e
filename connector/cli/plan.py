"""`connector plan`: what a sync would do, record by record, with the reason (N2)."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import click

from connector.cli.output import as_json, dump, progress, table
from connector.sync.plan import Planned, plan
from connector.wiring import Installation

SHOWN = 200
"""Actions listed on a terminal; `--json` lists all."""


@click.command(short_help="show what a sync would do and why")
@click.argument("tenant")
@click.option("--full", is_flag=True, help=f"List every action, not the first {SHOWN}.")
@as_json
@click.pass_context
def command(ctx: click.Context, tenant: str, full: bool, json_: bool) -> None:
    """Show what a sync of TENANT would do and why. Nothing is written anywhere: not here, not at a vendor."""
    config: Path = ctx.obj
    with Installation.open(config, told=progress()) as house, plan(house.runtime(tenant)) as planned:
        actions = list(planned.actions())
        counts = Counter(p.action.deed.value for p in actions)
        seen = {"records": planned.seen.records, "words": planned.seen.words, "refused": planned.seen.refused}
    if json_:
        dump({"tenant": tenant, "read": seen, "counts": counts, "actions": [_plain(p) for p in actions]})
        return
    rows = [_row(p) for p in islice(actions, None if full else SHOWN)]
    table(rows, ("deed", "where", "address", "because"), f"{tenant}: nothing to do; both sides agree.")
    if len(actions) > len(rows):
        click.echo(f"... and {len(actions) - len(rows):,} more; see them with --full")
    click.echo(f"{seen['records']:,} records and {seen['words']:,} words read; {len(actions):,} actions planned.")
    for deed, number in sorted(counts.items()):
        click.echo(f"  {deed}: {number:,}")


def _row(planned: Planned) -> tuple[str, str, str, str]:
    action = planned.action
    where = f"{action.side.value} {action.target}".strip()
    return (action.deed.value, where, planned.address or planned.digest, action.because)


def _plain(planned: Planned) -> dict[str, object]:
    action = planned.action
    return {
        "deed": action.deed.value,
        "side": action.side.value,
        "target": action.target,
        "address": planned.address,
        "digest": planned.digest,
        "because": action.because,
        "key": action.key,
        "request": action.request,
    }
