"""What a person sees, and what a program reads: a table on a terminal, JSON with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")


def dump(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(rows: Iterable[Sequence[str]], head: Sequence[str], empty: str) -> None:
    """A table for people, as wide as the terminal; `empty` is said where there is no row."""
    rows = list(rows)
    if not rows:
        click.echo(empty)
        return
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        shown = Table(*head, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            shown.add_row(*row)
        Console(highlight=False, markup=False).print(shown)
        return
    widths = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        click.echo("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def facts(values: Mapping[str, object]) -> None:
    """Labelled lines, aligned."""
    width = max((len(k) for k in values), default=0)
    for label, value in values.items():
        click.echo(f"{label.ljust(width)}  {value}")


def progress() -> Callable[[str], None]:
    """Takes sentences of progress: shown on a terminal, dropped elsewhere."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda said: click.echo(f"\r\x1b[2K{said}", nl=False, err=True)
