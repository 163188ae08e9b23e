"""The five families of errors, typed by what to do next. Every exception of the package descends from exactly one."""

from __future__ import annotations


class Failure(Exception):
    """What went wrong, in two sentences: one for the operator, one for the log. Never raised itself.

    `excerpt` is a redacted piece of the vendor's answer; nothing here ever holds a secret or a readable address.
    """

    def __init__(
        self,
        operator: str,
        *,
        log: str = "",
        vendor: str = "",
        action: str = "",
        status: int | None = None,
        request_id: str = "",
        excerpt: str = "",
    ) -> None:
        super().__init__(operator)
        self.operator = operator
        self.log = log or operator
        self.vendor = vendor
        self.action = action
        self.status = status
        self.request_id = request_id
        self.excerpt = excerpt


class ConfigError(Failure):
    """A person must edit something; this tenant stops until then."""


class TransientError(Failure):
    """It may work later. `retry_after` is in seconds where the vendor named a time."""

    def __init__(self, operator: str, *, retry_after: float | None = None, **facts: object) -> None:
        super().__init__(operator, **facts)  # type: ignore[arg-type]  # the facts are Failure's own keywords
        self.retry_after = retry_after


class RejectedError(Failure):
    """The vendor refuses this one item for its own sake; the others go on."""


class ConflictError(Failure):
    """The world moved between look and deed; look again."""


class BugError(Failure):
    """We are wrong: stop, and tell us."""
