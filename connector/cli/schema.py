"""`connector schema`: the JSON Schema of the YAML files, for editors."""

from __future__ import annotations

import click

from connector import plugins
from connector.cli.output import dump
from connector.tenants.schema import schema


@click.command(short_help="print the JSON Schema of the YAML files")
def command() -> None:
    """Print the JSON Schema of a tenant's file; connector.yaml's stands in it under $defs."""
    adapters = {
        group.rpartition(".")[2]: {entry.name: plugins.load(group, entry.name).Settings for entry in entries}
        for group, entries in plugins.listed().items()
    }
    dump(schema(adapters))
