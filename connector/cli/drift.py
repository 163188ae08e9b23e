"""`connector drift`: both sides compared in full (N1)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from connector.cli.exits import DONE, SOME_FAILED
from connector.cli.output import as_json, dump, progress, table
from connector.sync.drift import differences
from connector.sync.plan import plan
from connector.wiring import Installation


@click.command(short_help="compare both sides in full; writes nothing")
@click.argument("tenant")
@as_json
@click.pass_context
def command(ctx: click.Context, tenant: str, json_: bool) -> None:
    """Compare TENANT's two sides in full: each difference with its cause. Writes nothing; exits 1 if there is one."""
    config: Path = ctx.obj
    with Installation.open(config, told=progress()) as house, plan(house.runtime(tenant), sweep=True) as planned:
        found = list(differences(planned))
        read = f"{planned.seen.records:,} records and {planned.seen.words:,} words read"
    if json_:
        dump({"tenant": tenant, "read": read, "differences": [asdict(d) for d in found]})
    else:
        rows = [(d.address or d.digest, d.where, d.what, d.cause) for d in found]
        table(rows, ("address", "where", "what", "cause"), f"{tenant}: no difference. {read}.")
    ctx.exit(SOME_FAILED if found else DONE)
