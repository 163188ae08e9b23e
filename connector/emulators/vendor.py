"""One emulated CRM, listening, and all that a tenant needs to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.emulators.faults import Faults
from connector.emulators.server import Running


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """`name` stands in emulators.json; `tenant` is the tenant's, and its YAML file's. `state` is the emulated system.

    `yaml` is that file's text, `secrets` what it refers to by name, `shown` what emulators.json tells beside `base_url`
    and `tenant`; `contacts` is how many people it holds.
    """

    name: str
    tenant: str
    state: Any
    faults: Faults
    server: Running
    base_url: str
    yaml: str
    contacts: int
    secrets: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """What emulators.json says of it: base URL, credentials, tenant."""
        return {"base_url": self.base_url, **self.shown, "tenant": self.tenant}
