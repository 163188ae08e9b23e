"""`connector requests`: the requests to resubscribe, and an operator's own."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.explain import address_of
from connector.cli.output import as_json, dump, table
from connector.core.errors import ConfigError
from connector.core.note import stamp
from connector.core.resubscribe import Origin
from connector.core.said import Kind, Said
from connector.wiring import Installation


@click.group(short_help="list, add, cancel or resend requests to resubscribe")
def command() -> None:
    """Requests to resubscribe: each with who asked, how, when, and where it stands."""


@command.command("list")
@click.argument("tenant")
@click.option("--open", "only_open", is_flag=True, help="Only those that have not ended.")
@as_json
@click.pass_context
def list_(ctx: click.Context, tenant: str, only_open: bool, json_: bool) -> None:
    """List TENANT's requests, latest first."""
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        found = [(d, r, store.address(d) or d) for d, r in store.requests(only_open=only_open)]
    if json_:
        dump(
            [
                {
                    "id": r.id,
                    "address": address,
                    "state": r.state.value,
                    "origin": r.origin.value,
                    "asked_by": r.asked_by,
                    "asked_at": r.asked_at.isoformat(),
                    "mails": r.mails,
                    "confirmed_at": r.confirmed_at.isoformat() if r.confirmed_at else None,
                    "why": r.why,
                }
                for _, r, address in found
            ]
        )
        return
    rows = [(r.id, str(a), r.state.value, r.origin.value, stamp(r.asked_at), r.why) for _, r, a in found]
    table(rows, ("request", "address", "state", "asked", "when", "why it ended"), f"{tenant} has no requests.")


@command.command("add")
@click.argument("tenant")
@click.argument("address")
@click.option("--reason", default="", help="Where the person's own wish is recorded (a ticket, a call). Required.")
@click.option("--by", default="", help="Who asks in the person's name.")
@click.pass_context
def add(ctx: click.Context, tenant: str, address: str, reason: str, by: str) -> None:
    """Ask for a resubscribe of ADDRESS in the person's name; the next sync sends the one confirmation mail."""
    if not reason.strip():
        raise ConfigError(
            "A resubscribe by hand needs the person's recorded request: say where it is with --reason. "
            "Nothing was changed."
        )
    normal = address_of(address)
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        said = Said(
            kind=Kind.ASK,
            key=f"command/{house.clock.new_id()}",
            at=house.clock.now(),
            source="command",
            origin=Origin.COMMAND,
            by=by or "an operator",
            why=reason,
            allowed=True,
        )
        store.tell(said, normal, store.digest(normal))
    click.echo(
        f"Recorded. The next sync of {tenant} takes it up: run `connector sync {tenant}` or wait for the service."
    )


@command.command("cancel")
@click.argument("tenant")
@click.argument("request")
@click.option("--reason", default="", help="Why.")
@click.pass_context
def cancel(ctx: click.Context, tenant: str, request: str, reason: str) -> None:
    """Cancel an open REQUEST; the suppression stays."""
    _tell(ctx, tenant, request, Kind.CANCEL, reason)
    click.echo("Recorded. The next sync cancels it; the suppression stays.")


@command.command("resend")
@click.argument("tenant")
@click.argument("request")
@click.pass_context
def resend(ctx: click.Context, tenant: str, request: str) -> None:
    """Send an open REQUEST's confirmation mail once more, a day after the last; at most three in 30 days."""
    _tell(ctx, tenant, request, Kind.RESEND, "")
    click.echo(
        "Recorded. The next sync sends it once more, if policy's resend_after has passed and fewer than its mails left."
    )


def _tell(ctx: click.Context, tenant: str, request_id: str, kind: Kind, why: str) -> None:
    config: Path = ctx.obj
    with Installation.open(config) as house:
        store = house.store(tenant)
        found = store.request(request_id)
        if found is None:
            raise ConfigError(f"{tenant} has no request {request_id}; see `connector requests list {tenant}`.")
        digest, request = found
        if not request.open:
            raise ConfigError(f"That request has ended: {request.state.value}. Nothing was changed.")
        address = store.address(digest)
        if address is None:
            raise ConfigError("The address of that request was erased; nothing more is done for it.")
        said = Said(
            kind=kind,
            key=f"command/{house.clock.new_id()}",
            at=house.clock.now(),
            source="command",
            request=request_id,
            by="an operator",
            why=why,
        )
        store.tell(said, address, digest)
