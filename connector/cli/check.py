"""`connector check`: everything a sync needs, asked before it is needed (N14)."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.exits import CONFIGURATION, DONE, code_of, say, worst
from connector.cli.output import as_json, dump, progress, table
from connector.core.errors import ConfigError, Failure, TransientError
from connector.ports.adapter import Finding, Level
from connector.wiring import Installation


@click.command(short_help="ask both sides for everything a sync needs")
@click.argument("tenants", nargs=-1)
@as_json
@click.pass_context
def command(ctx: click.Context, tenants: tuple[str, ...], json_: bool) -> None:
    """Ask both sides of TENANTS (of all, if none is named) for everything that a sync needs. Writes nothing there."""
    config: Path = ctx.obj
    codes: list[int] = []
    found: dict[str, list[Finding]] = {}
    with Installation.open(config, told=progress()) as house:
        if not tenants:
            for error in house.broken:
                say(error)
                codes.append(code_of(error))
        for name in tenants or house.names:
            found[name], code = _tenant(house, name)
            codes.append(code)
    if json_:
        dump({name: [_plain(f) for f in findings] for name, findings in found.items()})
    else:
        for name, findings in found.items():
            click.echo(f"{name}:")
            rows = [(f.level.value, f.what, f"{f.found} {f.todo}".strip()) for f in findings]
            table(rows, ("", "what", "found, and what to do"), "nothing was found to check")
    ctx.exit(worst(codes))


def _tenant(house: Installation, name: str) -> tuple[list[Finding], int]:
    findings: list[Finding] = []
    try:
        findings += house.check(name)
    except Failure as failure:
        level = Level.ERROR if isinstance(failure, ConfigError) else Level.UNKNOWN
        findings.append(Finding(level=level, what=failure.vendor or "configuration", found=failure.operator))
        return findings, code_of(failure) if isinstance(failure, ConfigError | TransientError) else CONFIGURATION
    bad = any(f.level in (Level.ERROR, Level.UNKNOWN) for f in findings)
    return findings, CONFIGURATION if bad else DONE


def _plain(finding: Finding) -> dict[str, str]:
    return {"level": finding.level.value, "what": finding.what, "found": finding.found, "todo": finding.todo}
