"""The two kinds of YAML file, as models: the service, and one tenant. Adapters check their own blocks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from connector.core.lists import Words
from connector.core.policy import BornRestricted, Cleared, Confirm, Lift, LiftAt, ListsOnLift, Moved, Policy
from connector.core.suppression import BOUNCES, Kind, Reason
from connector.core.suppression import KIND as KIND_OF
from connector.ports.adapter import ListMapping

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(value: object) -> object:
    """`90s`, `2m`, `24h`, `30d` as a timedelta. Raises: `ValueError`."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+)\s*([smhd])", str(value).strip())
    if not found:
        raise ValueError("write a duration as 90s, 2m, 24h or 30d")
    return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})


Duration = Annotated[timedelta, BeforeValidator(duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DigestKey(_Strict):
    """The installation's key for digests. Whoever loses it loses everybody's suppressions: keep a copy."""

    id: str = Field(default="1", pattern=r"^[a-z0-9]{1,8}$", description="Names the key inside every digest.")
    value: SecretStr = Field(description="At least 16 characters, by reference.")


class Service(_Strict):
    """config/connector.yaml."""

    database: str = Field(default="../var/connector.db", description="SQLite file, relative to the config folder.")
    digest_key: DigestKey
    link_key: SecretStr = Field(description="Signs the links in mails; at least 16 characters, by reference.")
    public_url: str = Field(default="http://127.0.0.1:8480", description="Where people reach the pages.")
    listen: str = Field(default="127.0.0.1:8480", description="Where the service listens.")
    trusted_proxies: list[str] = Field(default_factory=list, description="Peers whose X-Forwarded-For is believed.")
    workers: int = Field(default=4, ge=1, le=64, description="Tenants that run at once.")
    log: Literal["json", "console"] = Field(default="json", description="The form of log lines.")
    mail: dict[str, Any] = Field(default_factory=dict, description="The mail server; kind smtp.")

    @model_validator(mode="after")
    def _long_enough(self) -> Service:
        for name, secret in (("digest_key", self.digest_key.value), ("link_key", self.link_key)):
            if len(secret.get_secret_value()) < 16:
                raise ValueError(f"{name} is shorter than 16 characters")
        return self


class Schedule(_Strict):
    """When the service runs this tenant: exactly one of `every` and `cron`."""

    every: Duration | None = Field(default=None, description="An interval, as 15m.")
    cron: str = Field(default="", description="Five cron fields, as */15 * * * *.")
    timezone: str = Field(default="UTC", description="The zone cron means.")
    jitter: Duration = Field(default=timedelta(), description="Starts are moved by up to this much.")
    sweep: Duration = Field(default=timedelta(days=7), description="How often both sides are compared in full.")

    @model_validator(mode="after")
    def _one_of(self) -> Schedule:
        if (self.every is None) == (not self.cron):
            raise ValueError("say exactly one of every and cron")
        return self


class ListBlock(_Strict):
    """One list of the e-mail platform and the CRM field that shows its status."""

    name: str = Field(description="The list's name at the e-mail platform.")
    field: str = Field(description="The CRM field.")
    subscribed: str = Field(default="true", description="The word written for subscribed.")
    unsubscribed: str = Field(default="false", description="The word written for unsubscribed.")

    def mapping(self) -> ListMapping:
        """The same for the adapters."""
        words = Words(subscribed=self.subscribed, unsubscribed=self.unsubscribed)
        return ListMapping(name=self.name, field=self.field, words=words)


class Form(_Strict):
    """What the signup form says."""

    brand: str = Field(default="", description="Who writes to people; the tenant's name if empty.")
    title: str = Field(default="Get our mail", description="The form's heading.")
    intro: str = Field(default="", description="A sentence under it.")
    lists: list[str] = Field(default_factory=list, description="Lists offered as boxes.")


class PolicyBlock(_Strict):
    """The tenant's choices; see docs in the example file. Durations are written as 2m, 24h, 30d."""

    confirm: Confirm = Field(default=Confirm.BEFORE, description="before: nothing is lifted until the person answers.")
    lift_at: LiftAt | None = Field(default=None, description="once (Salesforce's default) or next_sync (Dynamics').")
    lift: Lift = Field(default=Lift.ANY, description="any restriction, or only ours.")
    lift_faults: list[Reason] = Field(default_factory=lambda: sorted(BOUNCES), description="Faults a request may lift.")
    faults_restrict: bool = Field(default=False, description="Whether a bounce also sets the CRM's restriction.")
    esp_cleared: Cleared = Field(default=Cleared.REASSERT, description="A block taken off the platform by hand.")
    crm_cleared: Cleared = Field(default=Cleared.REASSERT, description="A restriction cleared in the CRM by hand.")
    moved: Moved = Field(default=Moved.FOLLOW_PERSON, description="What a changed address takes along.")
    born_restricted: BornRestricted | None = Field(default=None, description="Must be said if a default is true.")
    lists_on_lift: ListsOnLift = Field(default=ListsOnLift.NONE, description="Whether former lists survive a lift.")
    double_opt_in: bool = Field(default=True, description="Whether a signup without a block is asked to confirm too.")
    clock_margin: Duration = Field(default=timedelta(minutes=2), description="Inside it a stop wins.")
    expire_after: Duration = Field(default=timedelta(days=30), description="How long a request waits for an answer.")
    resend_after: Duration = Field(default=timedelta(hours=24), description="When a second ask sends the mail again.")
    mails_per_30_days: int = Field(default=3, ge=1, le=3, description="Confirmation mails to one address.")
    unknown_limit: int = Field(default=50, ge=0, description="Blocks for words nobody knows, in 24 hours.")
    lift_limit: int = Field(default=500, ge=0, description="Lifts in 24 hours, before they are held.")
    lift_percent: float = Field(default=5.0, ge=0, le=100, description="The same as a share of the suppressed.")
    lift_floor: int = Field(default=10, ge=0, description="The limit is never below this.")
    confirmed_lift_limit: int = Field(default=5000, ge=0, description="The same for people's own confirmations.")
    permission: str | None = Field(
        default=None, description="Needed to tick; empty for none. Administrative_Data_Management for Salesforce."
    )
    ask_whom: str = Field(default="", description="Whom a refusal names; the CRM's administrator if empty.")
    creates: bool = Field(default=True, description="Whether a signup creates a record where none exists.")

    @model_validator(mode="after")
    def _faults(self) -> PolicyBlock:
        for reason in self.lift_faults:
            if KIND_OF[reason] is not Kind.FAULT:
                raise ValueError(f"lift_faults takes faults alone, and {reason.value} is none")
        return self

    def policy(self, crm: str, mapped: tuple[ListMapping, ...], *, entries: bool = False) -> Policy:
        """The core's policy, with the defaults of that kind of CRM. `entries`: it has a list of its own."""
        values = {name: getattr(self, name) for name in PolicyBlock.model_fields}
        usual = _USUAL.get(crm, _ELSEWHERE)
        values["lift_at"] = self.lift_at or usual.lift_at
        values["permission"] = usual.permission if self.permission is None else self.permission
        values["ask_whom"] = self.ask_whom or usual.ask_whom
        values["lift_faults"] = frozenset(self.lift_faults)
        lists = tuple(m.name for m in mapped)
        flat = frozenset(m.name for m in mapped if m.words.flat)
        return Policy(**values, lists=lists, flat_lists=flat, entries=entries)


class _Usual(NamedTuple):
    """What a kind of CRM decides where the YAML says nothing."""

    lift_at: LiftAt
    permission: str
    ask_whom: str


_ELSEWHERE = _Usual(LiftAt.ONCE, "Administrative_Data_Management", "the CRM's administrator")
_USUAL = {
    "salesforce": _Usual(LiftAt.ONCE, "Administrative_Data_Management", "your Salesforce administrator"),
    "dynamics": _Usual(LiftAt.NEXT_SYNC, "", "your Dynamics administrator"),
}


class Tenant(_Strict):
    """config/tenants/NAME.yaml."""

    crm: dict[str, Any] = Field(description="The CRM; kind says which adapter, the rest is that adapter's.")
    esp: dict[str, Any] = Field(description="The e-mail platform, likewise.")
    mail: dict[str, Any] | None = Field(default=None, description="A mail server of its own.")
    schedule: Schedule = Field(default_factory=lambda: Schedule(every=timedelta(minutes=15)))
    policy: PolicyBlock = Field(default_factory=PolicyBlock)
    lists: list[ListBlock] = Field(default_factory=list, description="Lists mapped to CRM fields.")
    form: Form = Field(default_factory=Form)
    first_run: Literal["manual", "auto"] = Field(
        default="manual", description="auto lets the service do the first run."
    )
    proxies: dict[str, str] | None = Field(default=None, description="Proxies by scheme.")
    ca_bundle: str | None = Field(default=None, description="A CA file, relative to the config folder.")
