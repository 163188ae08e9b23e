"""`connector explain`: what each side says, what was agreed, the history, and what comes next (N10, N20)."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.output import as_json, dump, facts, table
from connector.core.address import Address, Refusal, normalise
from connector.core.errors import ConfigError
from connector.core.note import stamp
from connector.sync.explain import Explanation, explain
from connector.wiring import Installation


@click.command(short_help="tell what is known of one address, and why")
@click.argument("tenant")
@click.argument("address")
@as_json
@click.pass_context
def command(ctx: click.Context, tenant: str, address: str, json_: bool) -> None:
    """Tell what TENANT's sides say of ADDRESS, what was agreed, the history with its reasons, and what comes next."""
    config: Path = ctx.obj
    normal = address_of(address)
    with Installation.open(config) as house:
        said = explain(house.store(tenant), house.policy(tenant), normal, house.clock.now())
    if json_:
        dump(said.plain())
        return
    _print(said, address)


def address_of(text: str) -> Address:
    """The normal form of an address typed by an operator. Raises: `ConfigError`."""
    normal = normalise(text)
    if isinstance(normal, Refusal):
        raise ConfigError(f"That is no e-mail address: it {normal.why}.")
    return normal


def _print(said: Explanation, address: str) -> None:
    facts({"address": address, "state": said.state, "digest": said.view.digest})
    click.echo("\nWhat the sides say")
    rows = [(s.where, s.now, s.agreed) for s in said.sides]
    table(rows, ("where", "now", "agreed"), "  nothing: neither side was seen to know this address")
    click.echo("\nWhy it is suppressed")
    held = [(s.scope, s.reason.value, s.source, stamp(s.since), s.word) for s in said.view.suppressions]
    table(held, ("scope", "reason", "from", "since", "the vendor's word"), "  it is not")
    if said.view.request:
        request = said.view.request
        click.echo(f"\nRequest {request.id}: {request.state.value}" + (f" - {request.why}" if request.why else ""))
    click.echo("\nHistory")
    table(
        [(str(e.seq), stamp(e.at), e.event, e.because) for e in said.history],
        ("no", "when", "what", "because"),
        "  none",
    )
    click.echo("\nWhat comes next")
    for line in said.next:
        click.echo(f"  {line}")
