"""ONE COMMAND, ONE FILE: what a person types. Each file parses, calls one thing, and prints its answer.

Never imports: vendors' adapters or the store directly; `wiring` opens both.
"""

from __future__ import annotations


def main() -> None:
    """The console script `connector`."""
    from connector.cli.group import connector

    connector(prog_name="connector")
