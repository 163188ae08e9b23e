"""`connector init`: a commented file for a new tenant."""

from __future__ import annotations

import re
from pathlib import Path

import click

from connector.core.errors import ConfigError
from connector.tenants.starter import KINDS, write


@click.command(short_help="write a commented file for a new tenant")
@click.argument("tenant")
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="CRM and e-mail platform.")
@click.pass_context
def command(ctx: click.Context, tenant: str, kind: str) -> None:
    """Write tenants/TENANT.yaml, and connector.yaml if there is none. Says what each key does; overwrites nothing."""
    config: Path = ctx.obj
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", tenant):
        raise ConfigError("A tenant's name is made of a-z, 0-9 and hyphens.")
    for path in write(config, tenant, kind):
        click.echo(f"wrote {path}")
    click.echo(f"Next: fill it in, then `connector --config {config} check {tenant}`.")
