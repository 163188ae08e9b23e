"""What a refusal in Dynamics' own words means, whichever wire carried it: one of the five families, in plain words."""

from __future__ import annotations

import requests

from connector.adapters._http import Wire, redacted
from connector.adapters.crm.dynamics.mapping import STATUSES, About, family, named
from connector.adapters.crm.dynamics.wire import Result
from connector.core.errors import BugError, ConfigError, ConflictError, Failure, RejectedError, TransientError
from connector.ports.adapter import Status

GUIDE = "deploy/dynamics/README.md"


def no_words(wire: Wire, response: requests.Response, action: str) -> Failure:
    """A refusal that Dynamics did not word: a login that fails, or somebody in between."""
    if response.status_code == 401:
        return _login(wire, response, action)
    return wire.failure(response, action)


def meant(wire: Wire, response: requests.Response, code: str, message: str, action: str, about: About) -> Failure:
    """The family of a refusal with its code (`0x80040217`; empty where there is none) and message."""
    status = response.status_code
    if status == 401:
        return _login(wire, response, action)
    said = redacted(f"{named(code)}: {message}" if code else message or str(status))
    facts = wire.facts(response, action) | {"excerpt": said}
    found = family(status, code, about)
    if found is ConflictError:
        return ConflictError(f"Dynamics knows another state of things ({action}: {said}); looking again.", **facts)
    if found is TransientError:
        return TransientError(f"Dynamics takes no more now ({action}: {said}). The next run goes on.", **facts)
    if found is RejectedError:
        return RejectedError(said, **facts)
    if found is BugError:
        return BugError(f"Dynamics does not understand us ({action}: {said}). Please report it.", **facts)
    return ConfigError(f"Dynamics refuses ({action}): {said} {_todo(status)}", **facts)


def _login(wire: Wire, response: requests.Response, action: str) -> ConfigError:
    words = f"Dynamics refuses the login ({action}). See crm.auth in the tenant's YAML."
    return ConfigError(words, **wire.facts(response, action))


def _todo(status: int) -> str:
    if status in (400, 404):
        return f"See crm.url and the tables and columns under crm, and {GUIDE}."
    return f"See the security role of the integration user, {GUIDE}."


def of_the_asked(failure: Failure) -> bool:
    """Whether a refusal is Dynamics' word on what was asked; else it is of the login, of the way, or of everything."""
    own = failure.vendor == "Dynamics" and failure.status is not None and failure.status not in OF_ALL
    return own and (not isinstance(failure, TransientError) or "0x" in failure.excerpt)


OF_ALL = frozenset({401, 429, 502, 503, 504})
"""Statuses that say nothing of the one thing asked; 500 does where Dynamics' own code stands in it (a plug-in's)."""


def refused(failure: Failure) -> Result:
    """How one row ended that was refused. Raises: the failure, where it is of no row's own."""
    if not of_the_asked(failure):
        raise failure
    found = next((status for kind, status in STATUSES.items() if isinstance(failure, kind)), Status.ASIDE)
    return Result(status=found, words=failure.excerpt or failure.operator)
