"""`connector lists`: the mapped lists, and a list of subscribers built from the CRM's own fields (S15)."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import click

from connector.cli.output import as_json, dump, table
from connector.cli.suppressions import guarded
from connector.core.address import normalise
from connector.core.errors import ConfigError
from connector.core.lists import ListStatus
from connector.core.restriction import Flag
from connector.wiring import Installation


@click.group(short_help="show the mapped lists, or export one list's subscribers")
def command() -> None:
    """Lists of the e-mail platform that are mapped to CRM fields."""


@command.command("show")
@click.argument("tenant")
@as_json
@click.pass_context
def show(ctx: click.Context, tenant: str, json_: bool) -> None:
    """Show TENANT's mapped lists: the CRM field and the words written there."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        rows = [(m.name, m.field, m.words.subscribed, m.words.unsubscribed) for m in house.tenant(tenant).lists]
    names = ("list", "field", "subscribed", "unsubscribed")
    if json_:
        dump([dict(zip(names, row, strict=True)) for row in rows])
    else:
        table(rows, names, f"{tenant} maps no list; add one under `lists:` in its YAML.")


@command.command("export")
@click.argument("tenant")
@click.argument("name")
@click.pass_context
def export(ctx: click.Context, tenant: str, name: str) -> None:
    """Write the subscribers of list NAME as CSV, read from the CRM now: subscribed in its field, and not opted out."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        if name not in [m.name for m in house.tenant(tenant).lists]:
            raise ConfigError(f"{tenant} maps no list {name}; see `connector lists show {tenant}`.")
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("address", "record"))
        out: set[str] = set()
        found: dict[str, str] = {}
        for page in house.runtime(tenant).crm.changes(""):
            for row in page.rows:
                address = str(normalise(row.address))
                if row.deleted or not row.address:
                    continue
                if row.flag is not Flag.CLEAR or row.lists.get(name) is ListStatus.UNSUBSCRIBED:
                    out.add(address)
                elif row.lists.get(name) is ListStatus.SUBSCRIBED:
                    found[address] = f"{row.entity}/{row.id}"
        for address, record in sorted(found.items()):
            if address not in out:
                writer.writerow((guarded(address), record))
