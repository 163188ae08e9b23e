"""`connector import`: suppressions exported elsewhere, into the built-in platform."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from connector.cli.exits import DONE, SOME_FAILED
from connector.cli.output import as_json, dump
from connector.core.errors import ConfigError
from connector.wiring import Installation, import_file

BAD_SHOWN = 50


@click.command("import", short_help="take in suppressions exported elsewhere")
@click.argument("tenant")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--address", default="", help="The column of addresses, where its header does not say so.")
@click.option("--reason", default="", help="The column of reasons; where there is none, `suppressed`.")
@click.option("--since", default="", help="The column of dates; where there is none, now.")
@click.option("--dry-run", is_flag=True, help="Only read and count.")
@as_json
@click.pass_context
def command(
    ctx: click.Context, tenant: str, file: Path, address: str, reason: str, since: str, dry_run: bool, json_: bool
) -> None:
    """Take the suppressions of the CSV FILE into TENANT's built-in platform; the next sync carries them to the CRM.

    Rows that cannot be read are named by line, and the others are taken. A second import of the same file adds nothing.
    """
    config: Path = ctx.obj
    with Installation.open(config) as house:
        if house.tenant(tenant).esp_kind != "builtin":
            raise ConfigError(f"{tenant}'s e-mail platform is not the built-in one; import the file there.")
        platform, now = house.platform(tenant), house.clock.now()
        done = import_file(file, platform, now, dry_run=dry_run, address=address, reason=reason, since=since)
    counts = Counter({reason.value: n for reason, n in done.taken.items()})
    if json_:
        bad = [{"line": row.line, "why": row.why} for row in done.bad]
        dump({"taken": dict(counts), "dry_run": dry_run, "refused": done.refused, "bad": bad})
    else:
        click.echo(f"{'would take' if dry_run else 'took'} {sum(counts.values()):,} rows: " + _counted(counts))
        for row in done.bad[:BAD_SHOWN]:
            click.echo(f"  line {row.line}: {row.why}")
        if done.refused:
            click.echo(f"{done.refused:,} rows were not taken.")
    ctx.exit(SOME_FAILED if done.refused else DONE)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items())) or "none"
