"""`connector emulate`: every vendor in small, on this machine, and a configuration that uses them."""

from __future__ import annotations

import signal
import threading
from functools import partial
from pathlib import Path

import click

from connector.core.errors import ConfigError


@click.command(short_help="start the emulators and write a configuration that uses them")
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Gets config/, secrets/ and, once everything listens, emulators.json.",
)
@click.option("--people", type=click.IntRange(0, 5_000_000), default=200, show_default=True, help="Contacts to invent.")
@click.option(
    "--contacts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Contacts from an export of Salesforce's Data Loader instead.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Start this CRM alone; may be given again.")
def command(folder: Path, people: int, contacts: Path | None, only: tuple[str, ...]) -> None:
    """Start every emulator on free loopback ports, and run until interrupted.

    DIR/config then holds tenants that use them: `connector --config DIR/config sync --all` works at once.
    DIR/emulators.json names each emulator's base_url and credentials; it appears last, when everything listens.
    """
    from connector.emulators import town
    from connector.emulators.folder import CRMS, Emulated

    unknown = set(only) - set(CRMS)
    if unknown:
        raise click.UsageError(f"--only takes {', '.join(CRMS)}, not {', '.join(sorted(unknown))}.")
    try:
        invented = partial(town.export, contacts) if contacts else partial(town.people, people)
        running = Emulated(folder, people=invented, crms=only or tuple(CRMS))
    except town.ExportError as error:
        raise ConfigError(str(error)) from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    for crm in running.crms.values():
        click.echo(f"{crm.contacts:,} contacts in {crm.name} at {crm.base_url}, tenant {crm.tenant}")
    click.echo(f"Mail is kept and shown at {running.mailbox_server.base_url}")
    click.echo(f"Try: connector --config {running.config} plan {running.crm.tenant}")
    click.echo("Stop with Ctrl-C.")
    stop.wait()
    running.stop()
