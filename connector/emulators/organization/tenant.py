"""An emulated server at home started for a tenant of its own, with the solution installed, behind NTLM."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.tenant import YAML, furnish, people
from connector.emulators.organization.app import create_app
from connector.emulators.server import Running
from connector.emulators.vendor import Vendor

SOLUTIONS = {"2015": "7.0.1.721", "2013": "6.0.1.719", "2011": "5.0.0.14"}

_NTLM = """    kind: ntlm
    username: {env.username}
    password: "file:../secrets/{name}_secret"
"""


def start(generation: str, folder: Path, contacts: Iterable[dict[str, Any]]) -> Vendor:
    """A server with these contacts, listening on a free port; `dynamics2011` is its name and its tenant's."""
    name = f"dynamics{generation}"
    password = secrets.token_urlsafe(18)
    env = Environment(generation=generation, organization=name, solution=SOLUTIONS[generation], password=password)
    furnish(env)
    held = env.load("contact", people(contacts))
    faults = create_app(env)
    server = Running(faults)
    url = f"{server.base_url}/{env.organization}"
    return Vendor(
        name=name,
        tenant=name,
        state=env,
        faults=faults,
        server=server,
        base_url=server.base_url,
        yaml=YAML.format(generation=generation, url=url, auth=_NTLM.format(env=env, name=name), name=name, ca=""),
        contacts=held,
        secrets={f"{name}_secret": password},
        shown={"url": url, "username": env.username, "password": password},
    )
