"""Starting every emulator at once, and the configuration folder whose tenants use them (`connector emulate`).

Below DIR: `config/connector.yaml`, `config/tenants/*.yaml`, `secrets/*` (the emulators' own), and last, written at once
when everything listens, `emulators.json`:

    {"salesforce": {"base_url": …, "client_id": …, "client_secret": …, "tenant": …},
     "mailbox": {"base_url": …, "smtp_host": …, "smtp_port": …}, "config": "DIR/config"}
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connector.emulators import mailbox, salesforce
from connector.emulators.faults import Faults
from connector.emulators.server import Running

_EXPIRED = b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'

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

_TENANT = """# Written by `connector emulate`: a Salesforce org in small, and the built-in e-mail platform.
crm:
  kind: salesforce
  login_url: {base_url}
  auth:
    kind: client_credentials
    client_id: {client_id}
    client_secret: "file:../secrets/salesforce_client_secret"
  objects:
    - name: Contact
      box: Resubscribe_Requested__c
      request_date: Resubscribe_Request_Date__c
      status: Resubscription_Status__c
      reason: Suppression_Reason__c
      since: Suppression_Date__c
    - name: Lead
      box: Resubscribe_Requested__c
      request_date: Resubscribe_Request_Date__c
      status: Resubscription_Status__c
      reason: Suppression_Reason__c
      since: Suppression_Date__c
esp:
  kind: builtin
  lists: [News, Offers]
lists:
  - {{name: News, field: News_List__c}}
  - {{name: Offers, field: Offers_List__c, subscribed: Subscribed, unsubscribed: Unsubscribed}}
schedule: {{every: 15m}}
form:
  brand: Example News
  title: Get our mail
  intro: Choose what you would like to read.
  lists: [News, Offers]
"""


class Emulated:
    """All emulators, listening, and the folder that uses them; `salesforce` and `mailbox` are they themselves."""

    def __init__(
        self,
        folder: Path,
        *,
        contacts: Iterable[dict[str, Any]] = (),
        listen: str = "127.0.0.1:8480",
        public_url: str = "",
        tenant: str = "acme",
    ) -> None:
        self.folder, self.tenant = folder, tenant
        self.salesforce = salesforce.Org(client_secret=secrets.token_urlsafe(18))
        self.salesforce.install_package()
        self.contacts = self.salesforce.load("Contact", contacts)
        self.mailbox = mailbox.Mailbox().start()
        self.faults = Faults(salesforce.create_app(self.salesforce), expired_body=_EXPIRED)
        self.salesforce_server = Running(self.faults)
        self.mailbox_server = Running(Faults(mailbox.create_app(self.mailbox)))
        self.config = folder / "config"
        self._write(listen, public_url or f"http://{listen}")

    def _write(self, listen: str, public_url: str) -> None:
        org = self.salesforce
        _secret(self.folder, "salesforce_client_secret", org.client_secret)
        for name in ("digest_key", "link_key"):
            if not (self.folder / "secrets" / name).exists():
                _secret(self.folder, name, secrets.token_hex(24))
        facts = {"public_url": public_url, "listen": listen, "smtp_port": self.mailbox.port}
        _put(self.config / "connector.yaml", _SERVICE.format(**facts))
        tenant = _TENANT.format(base_url=self.salesforce_server.base_url, client_id=org.client_id)
        _put(self.config / "tenants" / f"{self.tenant}.yaml", tenant)
        shown = {
            "salesforce": {
                "base_url": self.salesforce_server.base_url,
                "client_id": org.client_id,
                "client_secret": org.client_secret,
                "tenant": self.tenant,
            },
            "mailbox": {
                "base_url": self.mailbox_server.base_url,
                "smtp_host": "127.0.0.1",
                "smtp_port": self.mailbox.port,
            },
            "config": str(self.config),
        }
        part = self.folder / ".emulators.json"
        _put(part, json.dumps(shown, indent=2) + "\n")
        os.replace(part, self.folder / "emulators.json")

    def stop(self) -> None:
        """Stops every emulator; the folder stays."""
        self.salesforce_server.stop()
        self.mailbox_server.stop()
        self.mailbox.stop()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _secret(folder: Path, name: str, value: str) -> None:
    path = folder / "secrets" / name
    _put(path, value + "\n")
    path.chmod(0o600)
