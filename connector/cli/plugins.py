"""`connector plugins`: the adapters that are installed."""

from __future__ import annotations

import click

from connector import plugins
from connector.cli.output import as_json, dump, table


@click.command(short_help="list the adapters that are installed")
@as_json
def command(json_: bool) -> None:
    """List every adapter by entry point: built in or from a plugin; none is loaded."""
    rows = [
        (group.rpartition(".")[2], entry.name, entry.dist.name if entry.dist else "", entry.value)
        for group, entries in plugins.listed().items()
        for entry in entries
    ]
    names = ("side", "kind", "package", "object")
    if json_:
        dump([dict(zip(names, row, strict=True)) for row in rows])
    else:
        table(rows, names, "No adapter is installed.")
