"""`connector suppressions`: who is suppressed, and why."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import click

from connector.cli.output import as_json, dump, table
from connector.core.note import stamp
from connector.wiring import Installation

SHOWN = 200


@click.group(short_help="list or export who is suppressed, and why")
def command() -> None:
    """Suppressions in force: one per address, scope and reason."""


@command.command("list")
@click.argument("tenant")
@as_json
@click.pass_context
def list_(ctx: click.Context, tenant: str, json_: bool) -> None:
    """List TENANT's suppressions."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        rows = [
            (store.address(d) or d, s.scope, s.reason.value, s.source, s.since, s.word)
            for d, s in store.suppressions(None if json_ else SHOWN)
        ]
        total = store.counts()["suppressed"]
    names = ("address", "scope", "reason", "source", "since", "word")
    if json_:
        dump([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = [(str(a), scope, reason, source, stamp(since), word) for a, scope, reason, source, since, word in rows]
    table(shown, names, f"{tenant}: nobody is suppressed.")
    if len(rows) == SHOWN:
        click.echo(f"... {total:,} addresses in all; see them with --json or `suppressions export`")


@command.command("export")
@click.argument("tenant")
@click.pass_context
def export(ctx: click.Context, tenant: str) -> None:
    """Write TENANT's suppressions as CSV to standard output: address, scope, reason, since, source."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("address", "scope", "reason", "since", "source"))
        for digest, s in store.suppressions():
            address = store.address(digest)
            if address:
                writer.writerow((guarded(address), guarded(s.scope), s.reason.value, s.since.isoformat(), s.source))


def guarded(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t" and cell[:1] else cell
