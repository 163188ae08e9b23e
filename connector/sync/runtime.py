"""What one tenant's run works with: wiring makes it, the run uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.core.policy import Policy
from connector.ports.clock import Clock
from connector.ports.crm import Crm
from connector.ports.esp import Esp
from connector.ports.mailer import Mailer
from connector.ports.store import Store
from connector.sync.confirm import Letters


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One tenant, opened. `told` takes progress for a person at a terminal; `log` is a bound structured logger."""

    tenant: str
    policy: Policy
    store: Store
    crm: Crm
    esp: Esp
    mailer: Mailer
    letters: Letters
    clock: Clock
    log: Any
    first_run_auto: bool = False
    told: Callable[[str], None] = lambda _: None

    def close(self) -> None:
        """Gives back both sides, the mail server and the store."""
        for part in (self.crm, self.esp, self.mailer, self.store):
            part.close()
