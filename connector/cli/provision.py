"""`connector provision`: the connector's own things at the vendor, shown first, then made."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.output import as_json, dump, table
from connector.wiring import Installation


@click.command(short_help="make the connector's own things in the CRM")
@click.argument("tenant")
@click.option("--yes", is_flag=True, help="Make what is missing; else it is only shown.")
@as_json
@click.pass_context
def command(ctx: click.Context, tenant: str, yes: bool, json_: bool) -> None:
    """Show what TENANT's CRM lacks of the connector's own (solution, table, columns, role), and make it with --yes.

    Safe to repeat: what stands there is left alone. Where a server lets no program make it, the way by hand is shown.
    """
    config: Path = ctx.obj
    made: list[str] = []
    with Installation.open(config) as house:
        side = house.provisions(tenant)
        missing = side.missing()
        for part in missing if yes and side.makes else ():
            side.make(part)
            made.append(part.name)
            if not json_:
                click.echo(f"made {part.what}")
    if json_:
        dump([{"name": p.name, "what": p.what, "by_hand": p.by_hand, "made": p.name in made} for p in missing])
    elif side.makes and not yes:
        table([(p.what,) for p in missing], ("missing",), f"{tenant}: nothing is missing.")
        if missing:
            click.echo(f"Make it with: connector provision {tenant} --yes")
    elif not side.makes:
        table([(p.what, p.by_hand) for p in missing], ("missing", "by hand"), f"{tenant}: nothing is missing.")
        if missing:
            click.echo(f"Then: connector check {tenant}. deploy/dynamics/README.md tells it in full.")
    elif not missing:
        click.echo(f"{tenant}: nothing is missing.")
