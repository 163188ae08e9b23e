"""`connector ledger`: the account of everything learnt and done, and its proof (N10)."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.exits import DONE, SOME_FAILED
from connector.cli.explain import address_of
from connector.cli.output import as_json, dump, table
from connector.core.note import stamp
from connector.wiring import Installation


@click.group(short_help="show the ledger, or prove that nobody changed it")
def command() -> None:
    """The append-only, hash-chained account of everything learnt and done."""


@command.command("show")
@click.argument("tenant")
@click.argument("address", default="")
@click.option("--after", default=0, show_default=True, help="Only rows with a higher number.")
@as_json
@click.pass_context
def show(ctx: click.Context, tenant: str, address: str, after: int, json_: bool) -> None:
    """Show TENANT's ledger, or the part about ADDRESS."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        digest = store.digest(address_of(address)) if address else None
        entries = list(store.ledger(digest, after=after))
    if json_:
        dump(
            [
                {
                    "seq": e.seq,
                    "at": e.at.isoformat(),
                    "run": e.run,
                    "digest": e.digest,
                    "event": e.event,
                    "because": e.because,
                    "values": dict(e.values),
                    "hash": e.hash,
                }
                for e in entries
            ]
        )
        return
    rows = [(str(e.seq), stamp(e.at), e.digest[-8:], e.event, e.because) for e in entries]
    table(rows, ("no", "when", "whom", "what", "because"), f"{tenant}: the ledger is empty.")


@command.command("verify")
@click.argument("tenants", nargs=-1)
@click.pass_context
def verify(ctx: click.Context, tenants: tuple[str, ...]) -> None:
    """Read the whole chain of TENANTS (of all, if none is named): any row edited, removed or reordered is named."""
    config: Path = ctx.obj
    code = DONE
    with Installation.open(config) as house:
        for name in tenants or house.names:
            damage = house.store(name).verify()
            if damage is None:
                click.echo(f"{name}: the chain verifies.")
            else:
                code = SOME_FAILED
                click.echo(f"{name}: the chain is broken at row {damage.seq}: {damage.what}.")
    ctx.exit(code)
