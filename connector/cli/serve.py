"""`connector serve`: the background service with the platform's pages."""

from __future__ import annotations

from pathlib import Path

import click

from connector.core.errors import ConfigError
from connector.observability.logs import configure


@click.command(short_help="run the background service")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run every tenant on its schedule, and serve the built-in platform's pages, until SIGTERM.

    A changed, added or removed YAML is taken over without a restart. A tenant's first run is yours: `plan`, `sync`.
    """
    config: Path = ctx.obj
    try:
        from connector.service.lifecycle import Service
        from connector.web.public import public_app
        from connector.web.sites import sites
    except ImportError as error:
        raise ConfigError(f"serve needs {error.name}: pip install 'suppression-connector[web]'.") from error
    service = Service(config)
    configure(service.house.service.log)

    proxies = frozenset(service.house.service.trusted_proxies)
    service.serve(public_app(sites(lambda: service.house), service.clock, proxies))
