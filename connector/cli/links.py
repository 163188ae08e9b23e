"""`connector links`: what a newsletter's sender puts into each mail, a stop and a way back, signed (S2, S13)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from connector.cli.exits import DONE, SOME_FAILED
from connector.cli.output import as_json, dump
from connector.cli.suppressions import guarded
from connector.core.address import Refusal, normalise
from connector.core.errors import ConfigError
from connector.wiring import Installation

COLUMNS = ("address", "unsubscribe", "resubscribe")


@click.command(short_help="hand out the signed links of a mailing")
@click.argument("tenant")
@click.argument("addresses", nargs=-1)
@click.option("--csv", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Addresses by file.")
@click.option("--column", default="email", show_default=True, help="The file's column of addresses.")
@click.option(
    "--list", "list_", default="", metavar="NAME", help="Unsubscribe from this list alone, not from all mail."
)
@click.option("--mailing", default="", metavar="NAME", help="The mailing; today's date if not named.")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="How long the way back works.")
@as_json
@click.pass_context
def command(
    ctx: click.Context,
    tenant: str,
    addresses: tuple[str, ...],
    file: Path | None,
    column: str,
    list_: str,
    mailing: str,
    days: int,
    json_: bool,
) -> None:
    """Write the links of each of ADDRESSES, or of a CSV file's, as CSV.

    `unsubscribe` goes into the mail and, with `List-Unsubscribe-Post: List-Unsubscribe=One-Click`, into the header
    `List-Unsubscribe`; it never expires. `resubscribe` works once per mailing.
    """
    if bool(addresses) == (file is not None):
        raise click.UsageError("Name addresses, or a file with --csv.")
    rows: list[tuple[str, str, str]] = []
    bad = 0
    with Installation.open(ctx.obj) as house:
        if house.tenant(tenant).esp_kind != "builtin":
            raise ConfigError(f"{tenant}'s e-mail platform is not the built-in one; its own links are in its mails.")
        known = house.platform(tenant).lists()[1:]
        if list_ and list_ not in known:
            raise ConfigError(f"{tenant} has no list {list_}; it has {', '.join(known) or 'none'}.")
        letters, store, now = house.letters(tenant), house.store(tenant), house.clock.now()
        mailing = mailing or f"{now:%Y-%m-%d}"
        for place, typed in _read(file, column) if file else ((f"{a}", a) for a in addresses):
            address = normalise(typed)
            if isinstance(address, Refusal):
                click.echo(f"{place}: {address.why}", err=True)
                bad += 1
                continue
            expires_at = now + timedelta(days=days)
            links = letters.mailing_links(store.digest(address), mailing=mailing, expires_at=expires_at, list_=list_)
            rows.append((typed, links.unsubscribe, links.resubscribe))
    if json_:
        dump([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([COLUMNS, *((guarded(typed), *links) for typed, *links in rows)])
    ctx.exit(SOME_FAILED if bad else DONE)


def _read(file: Path, column: str) -> Iterator[tuple[str, str]]:
    """Each address of the file with its place. Raises: `ConfigError`."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        if column not in (reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "none"
            raise ConfigError(f"{file.name} has no column {column} (it has: {found}); name it with --column.")
        for row in reader:
            yield f"line {reader.line_num}", row[column] or ""
