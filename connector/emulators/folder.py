"""Starting every emulator at once, and the configuration folder whose tenants use them (`connector emulate`).

Below DIR: `config/connector.yaml`, `config/tenants/*.yaml`, `secrets/*` (the emulators' own), and last, written at once
when everything listens, `emulators.json`:

    {"salesforce": {"base_url": …, "client_id": …, "client_secret": …, "tenant": …},
     "dynamics365": {"base_url": …, "url": …, "client_id": …, "client_secret": …, "ca_bundle": …, "tenant": …}, …,
     "mailbox": {"base_url": …, "smtp_host": …, "smtp_port": …}, "config": "DIR/config"}
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from connector.emulators import mailbox
from connector.emulators.dynamics import tenant as dynamics
from connector.emulators.faults import Faults
from connector.emulators.organization import tenant as organization
from connector.emulators.salesforce import tenant as salesforce
from connector.emulators.server import Running
from connector.emulators.vendor import Vendor

_SERVICE = """# Written by `connector emulate`: everything runs on this machine.
database: ../connector.db
digest_key: {{value: "file:../secrets/digest_key"}}
link_key: "file:../secrets/link_key"
public_url: {public_url}
listen: {listen}
log: console
mail:
  host: 127.0.0.1
  port: {smtp_port}
  security: none
  sender: news@example.com
  sender_name: Example News
"""

CRMS: dict[str, Callable[[Path, Iterable[dict[str, Any]]], Vendor]] = {
    "salesforce": salesforce.start,
    "dynamics365": partial(dynamics.start, "365"),
    "dynamics2016": partial(dynamics.start, "2016"),
    "dynamics2015": partial(organization.start, "2015"),
    "dynamics2013": partial(organization.start, "2013"),
    "dynamics2011": partial(organization.start, "2011"),
}
"""How each CRM is started, with the folder for its files and people in it."""


class Emulated:
    """The mail server and the CRMs of `crms`, listening, and the folder that uses them; `crm` is the first of them."""

    def __init__(
        self,
        folder: Path,
        *,
        people: Callable[[], Iterable[dict[str, Any]]] = tuple,
        listen: str = "127.0.0.1:8480",
        public_url: str = "",
        crms: Sequence[str] = ("salesforce",),
    ) -> None:
        self.folder, self.config = folder, folder / "config"
        self.mailbox = mailbox.Mailbox().start()
        self.mailbox_server = Running(Faults(mailbox.create_app(self.mailbox)))
        self.crms = {name: CRMS[name](folder, people()) for name in crms}
        self.crm = self.crms[crms[0]]
        self._write(listen, public_url or f"http://{listen}")

    def _write(self, listen: str, public_url: str) -> None:
        for name in ("digest_key", "link_key"):
            if not (self.folder / "secrets" / name).exists():
                _secret(self.folder, name, secrets.token_hex(24))
        facts = {"public_url": public_url, "listen": listen, "smtp_port": self.mailbox.port}
        _put(self.config / "connector.yaml", _SERVICE.format(**facts))
        shown: dict[str, Any] = {}
        for crm in self.crms.values():
            for name, value in crm.secrets.items():
                _secret(self.folder, name, value)
            _put(self.config / "tenants" / f"{crm.tenant}.yaml", crm.yaml)
            shown[crm.name] = crm.entry()
        smtp = {"smtp_host": "127.0.0.1", "smtp_port": self.mailbox.port}
        shown["mailbox"] = {"base_url": self.mailbox_server.base_url, **smtp}
        shown["config"] = str(self.config)
        part = self.folder / ".emulators.json"
        _put(part, json.dumps(shown, indent=2) + "\n")
        os.replace(part, self.folder / "emulators.json")

    def stop(self) -> None:
        """Stops every emulator; the folder stays."""
        for crm in self.crms.values():
            crm.server.stop()
        self.mailbox_server.stop()
        self.mailbox.stop()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _secret(folder: Path, name: str, value: str) -> None:
    path = folder / "secrets" / name
    _put(path, value + "\n")
    path.chmod(0o600)
