"""The one file that knows everyone: configuration in, runtimes out."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from connector import plugins
from connector.adapters.esp.builtin.csv_import import Imported, read, take_in
from connector.adapters.esp.builtin.letters import LetterWriter
from connector.core.address import Digester
from connector.core.errors import ConfigError, Failure, TransientError
from connector.core.policy import Policy
from connector.core.token import Signer
from connector.observability.logs import logger
from connector.ports.adapter import Context, Finding, Level, Provisions
from connector.ports.platform import Platform
from connector.ports.store import Store
from connector.store.engine import Database
from connector.store.journal import Journal
from connector.store.platform import SqlPlatform
from connector.store.sql import open_store
from connector.sync.run import identify
from connector.sync.runtime import Runtime
from connector.tenants.load import Loaded, LoadedTenant, load
from connector.tenants.model import Form, Service


class SystemClock:
    """The machine's clock; its sleeps end early, with a `TransientError`, once `stop` is set."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits. Raises: `TransientError` where the service stops meanwhile."""
        if self.stop.wait(seconds):
            raise TransientError("The service is stopping; the next run goes on where this one stopped.")

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311  # jitter, no secret

    def new_id(self) -> str:
        """32 hex digits."""
        return uuid.uuid4().hex


class Installation:
    """One configuration folder, opened: its database, and its tenants as far as they are well configured."""

    def __init__(self, loaded: Loaded, folder: Path, clock: SystemClock, told: Callable[[str], None]) -> None:
        self.clock = clock
        self._loaded, self._folder, self._told = loaded, folder, told
        service = loaded.service
        self._digester = Digester(
            key=service.digest_key.value.get_secret_value().encode(), key_id=service.digest_key.id
        )
        self.signer = Signer(service.link_key.get_secret_value().encode())
        self.database = Database(f"sqlite:///{(folder / service.database).resolve()}")
        self.database.open(self._digester)
        self._runtimes: dict[str, Runtime] = {}

    @classmethod
    def open(
        cls, folder: Path, told: Callable[[str], None] = lambda _: None, clock: SystemClock | None = None
    ) -> Installation:
        """Reads the folder and opens the database, making it at first use. Raises: `ConfigError`."""
        return cls(load(folder, _settings_of), folder, clock or SystemClock(), told)

    @property
    def service(self) -> Service:
        """The service's own settings."""
        return self._loaded.service

    @property
    def names(self) -> list[str]:
        """The tenants that are well configured."""
        return list(self._loaded.tenants)

    @property
    def broken(self) -> list[ConfigError]:
        """One error for each tenant that is not."""
        return list(self._loaded.errors.values())

    def fingerprint(self, name: str) -> str:
        """Changes when the tenant's file does."""
        return self._loaded.tenants[name].fingerprint

    def tenant(self, name: str) -> LoadedTenant:
        """One tenant's configuration. Raises: `ConfigError`."""
        if name in self._loaded.errors:
            raise self._loaded.errors[name]
        if name not in self._loaded.tenants:
            known = ", ".join(self._loaded.tenants) or "none"
            raise ConfigError(
                f"There is no tenant {name} in {self._folder / 'tenants'} (there are: {known}). "
                f"Write one with `connector init {name}`."
            )
        return self._loaded.tenants[name]

    def policy(self, name: str) -> Policy:
        """One tenant's policy."""
        return self.tenant(name).policy

    def store(self, name: str) -> Store:
        """One tenant's memory."""
        return open_store(self.database, self.tenant(name).name, self._digester, self.clock)

    def platform(self, name: str) -> Platform:
        """One tenant's built-in platform."""
        lists = getattr(self.tenant(name).esp, "lists", [])
        journal = Journal(Path(f"{self.database.path}.{name}.journal"))
        return SqlPlatform(self.database, name, self._digester, self.clock, journal, lists)

    def form(self, name: str) -> Form:
        """What the tenant's signup form says."""
        form = self.tenant(name).tenant.form
        return form.model_copy(update={"brand": form.brand or name})

    def letters(self, name: str) -> LetterWriter:
        """Who composes the tenant's letters."""
        brand = self.form(name).brand
        return LetterWriter(tenant=name, brand=brand, public_url=self.service.public_url, signer=self.signer)

    def runtime(self, name: str) -> Runtime:
        """One tenant, opened; nothing is sent yet. Raises: `ConfigError`."""
        if name not in self._runtimes:
            self._runtimes[name] = self._opened(self.tenant(name))
        return self._runtimes[name]

    def _opened(self, loaded: LoadedTenant) -> Runtime:
        ca_bundle = loaded.tenant.ca_bundle
        context = Context(
            tenant=loaded.name,
            clock=self.clock,
            policy=loaded.policy,
            lists=loaded.lists,
            platform=self.platform(loaded.name),
            proxies=loaded.tenant.proxies,
            ca_bundle=str(self._folder / ca_bundle) if ca_bundle else None,
            told=self._told,
        )
        mail_kind = str(getattr(loaded.mail, "kind", "smtp"))
        return Runtime(
            tenant=loaded.name,
            policy=loaded.policy,
            store=self.store(loaded.name),
            crm=plugins.load("connector.crm", loaded.crm_kind).open(loaded.crm, context),
            esp=plugins.load("connector.esp", loaded.esp_kind).open(loaded.esp, context),
            mailer=plugins.load("connector.mail", mail_kind).open(loaded.mail, context),
            letters=self.letters(loaded.name),
            clock=self.clock,
            log=logger(tenant=loaded.name),
            first_run_auto=loaded.tenant.first_run == "auto",
            told=self._told,
        )

    def check(self, name: str) -> Iterator[Finding]:
        """Everything a sync of the tenant needs, asked now. Raises: the five families where it cannot be asked."""
        runtime = self.runtime(name)
        yield Finding(level=Level.OK, what="configuration", found="well formed.")
        yield from runtime.crm.check()
        yield from runtime.esp.check()
        identify(runtime)
        who = f"{runtime.crm.identity()} and {runtime.esp.identity()}"
        yield Finding(level=Level.OK, what="identity", found=f"{who} belong to this tenant alone.")
        try:
            yield Finding(level=Level.OK, what="mail server", found=runtime.mailer.check())
        except Failure as failure:
            yield Finding(level=Level.ERROR, what="mail server", found=failure.operator)

    def provisions(self, name: str) -> Provisions:
        """Who tells and makes what the tenant's CRM lacks of ours. Raises: `ConfigError` where nobody does."""
        crm = self.runtime(name).crm
        if not isinstance(crm, Provisions):
            kind = self.tenant(name).crm_kind
            raise ConfigError(f"What {kind} needs of ours is installed there by hand: see deploy/{kind}/README.md.")
        return crm

    def close(self) -> None:
        """Gives everything back."""
        for runtime in self._runtimes.values():
            runtime.close()
        self._runtimes.clear()
        self.database.close()

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def import_file(
    path: Path, platform: Platform, now: datetime, *, dry_run: bool, address: str, reason: str, since: str
) -> Imported:
    """Takes the suppressions of a CSV file into the built-in platform. Raises: `ConfigError`."""
    return take_in(read(path, address=address, reason=reason, since=since), platform, now=now, dry_run=dry_run)


def _settings_of(group: str, kind: str) -> type[Any]:
    return plugins.load(group, kind).Settings
