"""The emulated org started for a tenant of its own, with the package installed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connector.emulators.faults import Faults
from connector.emulators.salesforce.app import create_app
from connector.emulators.salesforce.org import Org
from connector.emulators.server import Running
from connector.emulators.vendor import Vendor

_EXPIRED = b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'

_YAML = """# Written by `connector emulate`: a Salesforce org in small, and the built-in e-mail platform.
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


def start(folder: Path, contacts: Iterable[dict[str, Any]]) -> Vendor:
    """An org with these contacts, listening on a free port; its tenant is `acme`."""
    org = Org(client_secret=secrets.token_urlsafe(18))
    org.install_package()
    held = org.load("Contact", contacts)
    faults = Faults(create_app(org), expired_body=_EXPIRED)
    server = Running(faults)
    return Vendor(
        name="salesforce",
        tenant="acme",
        state=org,
        faults=faults,
        server=server,
        base_url=server.base_url,
        yaml=_YAML.format(base_url=server.base_url, client_id=org.client_id),
        contacts=held,
        secrets={"salesforce_client_secret": org.client_secret},
        shown={"client_id": org.client_id, "client_secret": org.client_secret},
    )
