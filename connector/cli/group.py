"""The command `connector`: its options, and its subcommands, each loaded only when it is called."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from pathlib import Path

import click

from connector.cli.exits import guarded

COMMANDS = {
    "init": "write a commented file for a new tenant",
    "check": "ask both sides for everything a sync needs, and say what is missing",
    "provision": "make the connector's own things in the CRM, after showing them",
    "plan": "show what a sync would do and why; writes nothing anywhere",
    "sync": "run one sync now",
    "serve": "run the background service: schedules and the platform's pages",
    "explain": "tell what is known of one address, why, and what comes next",
    "requests": "list, add, cancel or resend requests to resubscribe",
    "suppressions": "list or export who is suppressed, and why",
    "lists": "show the mapped lists, or export one list's subscribers",
    "links": "hand out the signed links of a mailing: stop, and come back",
    "drift": "compare both sides in full, each difference with its cause; writes nothing",
    "approve": "show or let go lifts that the breaker holds",
    "ledger": "show the ledger, or prove that nobody changed it",
    "db": "migrate or back up the database",
    "import": "take in suppressions exported elsewhere",
    "schema": "print the JSON Schema of the YAML files",
    "plugins": "list the adapters that are installed",
    "emulate": "start every vendor's emulator and write a configuration that uses them",
    "demo": "show the whole loop in a minute, on emulators",
}
"""Every subcommand with its one line of help; `connector.cli.<name>` holds it."""

_FILES = {"import": "import_"}


class _Lazy(click.Group):
    """Loads a command's module when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"connector.cli.{_FILES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        return guarded(lambda: super(_Lazy, self).invoke(ctx))


EXIT_CODES = """
\b
Exit codes: 0 done; 1 some items failed or were set aside; 2 configuration or usage;
3 held for approval; 4 another run holds the tenant; 5 a vendor cannot be reached; 70 a bug.
"""


@click.command(cls=_Lazy, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("suppression-connector"), "--version", prog_name="connector")
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("config"),
    show_default=True,
    help="The folder that holds connector.yaml and tenants/.",
)
@click.pass_context
def connector(ctx: click.Context, config: Path) -> None:
    """Keeps e-mail suppressions the same in a CRM and an e-mail platform, and lifts them when the person confirmed."""
    from connector.observability.logs import configure

    # a command tells a person itself what it did; only what went wrong is said beside it
    configure("console", "warning")
    ctx.obj = config
