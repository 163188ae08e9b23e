"""`connector approve`: lets go what the breaker holds (N9)."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.output import as_json, dump, table
from connector.core.address import Digest
from connector.core.errors import ConfigError
from connector.core.note import stamp
from connector.wiring import Installation


@click.command(short_help="show or let go lifts that the breaker holds")
@click.argument("tenant")
@click.argument("keys", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is held now.")
@click.option("--by", default="", help="Who approves; wanted with KEYS or --all.")
@click.option("--reason", default="", help="Why; wanted with KEYS or --all.")
@as_json
@click.pass_context
def command(
    ctx: click.Context, tenant: str, keys: tuple[str, ...], everything: bool, by: str, reason: str, json_: bool
) -> None:
    """Show what is held for TENANT; with KEYS or --all let it go in the next sync. Who and why goes into the ledger."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        held = store.held()
        if keys or everything:
            if not by.strip() or not reason.strip():
                raise ConfigError("An approval needs --by and --reason; nothing was let go.")
            let_go = store.approve([h.key for h in held] if everything else keys, by, reason)
            click.echo(f"{let_go} let go; the next sync of {tenant} looks at each again and carries it out.")
            return
        rows = [(h.key, h.deed, store.address(Digest(h.digest)) or h.digest, stamp(h.since), h.because) for h in held]
    names = ("key", "deed", "address", "held since", "because")
    if json_:
        dump([dict(zip(names, row, strict=True)) for row in rows])
    else:
        table([tuple(map(str, row)) for row in rows], names, f"{tenant}: nothing is held.")
