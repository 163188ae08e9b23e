"""`connector db`: the database's schema and its copies."""

from __future__ import annotations

from pathlib import Path

import click

from connector.core.errors import ConfigError
from connector.wiring import Installation


@click.group(short_help="migrate or back up the database")
def command() -> None:
    """The connector's own database."""


@command.command("upgrade")
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the schema to this version; every command does so at first use."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        click.echo(f"The schema is at revision {house.database.revision()}.")


@command.command("backup")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup(ctx: click.Context, target: Path) -> None:
    """Copy the database to TARGET while it is in use. Never restore the journals beside it: leave them in place."""
    config: Path = ctx.obj
    if target.exists():
        raise ConfigError(f"{target} is there already; nothing was written.")
    with Installation.open(config) as house:
        house.database.backup(target)
    click.echo(f"Copied to {target}. After a restore, the journal beside the database gives back later stops.")
