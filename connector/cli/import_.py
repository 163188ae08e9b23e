"""`connector import`: suppressions exported elsewhere, into the built-in platform."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from connector.cli.exits import DONE, SOME_FAILED
from connector.cli.output import as_json, dump
from connector.core.errors import ConfigError
from connector.wiring import Installation, import_rows

BAD_SHOWN = 50


@click.command("import", short_help="take in suppressions exported elsewhere")
@click.argument("tenant")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--address", default="email", show_default=True, help="The column of addresses.")
@click.option("--reason", default="", help="The column of reasons; without it every row is `suppressed`.")
@click.option("--since", default="", help="The column of dates; without it every row is suppressed from now on.")
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
        counts: Counter[str] = Counter()
        bad: list[tuple[int, str]] = []
        for row in import_rows(file, address=address, reason=reason, since=since):
            if isinstance(row, tuple):
                bad.append(row)
                continue
            counts[row.reason.value] += 1
            if not dry_run:
                platform.suppress(row.address, row.reason, row.since or now)
    if json_:
        dump({"taken": dict(counts), "dry_run": dry_run, "bad": [{"line": n, "why": w} for n, w in bad]})
    else:
        click.echo(f"{'would take' if dry_run else 'took'} {sum(counts.values()):,} rows: " + _counted(counts))
        for line, why_ in bad[:BAD_SHOWN]:
            click.echo(f"  line {line}: {why_}")
        if bad:
            click.echo(f"{len(bad):,} rows were not taken.")
    ctx.exit(SOME_FAILED if bad else DONE)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items())) or "none"
