"""An emulated environment started for a tenant of its own, with the solution installed, over TLS."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from connector.emulators.authority import authority
from connector.emulators.dynamics.app import create_app
from connector.emulators.dynamics.environment import Environment
from connector.emulators.dynamics.schema import flag, text
from connector.emulators.server import Running
from connector.emulators.vendor import Vendor

SOLUTIONS = {"365": "1.0.0.0", "2016": "7.0.1.721"}

_ENTRA = """    kind: entra_secret
    directory: {env.tenant}
    client_id: {env.client_id}
    client_secret: "file:../secrets/{name}_secret"
    authority: {base}
"""
_ADFS = """    kind: adfs
    authority: {base}/adfs
    client_id: {env.client_id}
    username: {env.username}
    password: "file:../secrets/{name}_secret"
"""
YAML = """# Written by `connector emulate`: Dynamics {generation} in small, and the built-in e-mail platform.
crm:
  kind: dynamics
  generation: "{generation}"
  url: {url}
  auth:
{auth}  tables:
    - name: contact
    - name: lead
esp:
  kind: builtin
  lists: [News, Offers]
lists:
  - {{name: News, field: new_news}}
  - {{name: Offers, field: new_offers, subscribed: Subscribed, unsubscribed: Unsubscribed}}
schedule: {{every: 15m}}
{ca}form:
  brand: Example News
  title: Get our mail
  intro: Choose what you would like to read.
  lists: [News, Offers]
"""


def start(generation: str, folder: Path, contacts: Iterable[dict[str, Any]]) -> Vendor:
    """An environment with these contacts, listening on a free port; `dynamics365` is its name and its tenant's."""
    name = f"dynamics{generation}"
    secret = secrets.token_urlsafe(18)
    key = "client_secret" if generation == "365" else "password"
    # an environment is an organization of its own, and two tenants on one are refused
    env = Environment(generation=generation, organization=name, solution=SOLUTIONS[generation], **{key: secret})
    furnish(env)
    held = env.load("contact", people(contacts))
    faults = create_app(env)
    files = authority(folder / "authority" / name)
    server = Running(faults, tls=files.tls)
    base = server.base_url
    url = base if generation == "365" else f"{base}/{env.organization}"
    trusted = f"ca_bundle: ../authority/{name}/ca.crt\n"
    auth = (_ENTRA if generation == "365" else _ADFS).format(env=env, name=name, base=base)
    return Vendor(
        name=name,
        tenant=name,
        state=env,
        faults=faults,
        server=server,
        base_url=base,
        yaml=YAML.format(generation=generation, url=url, auth=auth, name=name, ca=trusted),
        contacts=held,
        secrets={f"{name}_secret": secret},
        shown={"url": url, "client_id": env.client_id, key: secret, "ca_bundle": str(files.ca)},
    )


def furnish(env: Environment) -> None:
    """The columns of the lists that its tenant maps."""
    for table in ("contact", "lead"):
        env.add_column(table, flag("new_News", "News"))
        env.add_column(table, text("new_Offers", 100, label="Offers", custom=True))


def people(contacts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Contacts of the town, by Dynamics' columns."""
    for row in contacts:
        yield {
            "firstname": row.get("FirstName"),
            "lastname": row.get("LastName"),
            "emailaddress1": row.get("Email"),
            "donotbulkemail": row.get("HasOptedOutOfEmail", False),
        }
