"""Log lines: JSON or for a console, with addresses masked and secrets never."""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from connector.core.address import masked

_ADDRESS = re.compile(r"[^\s@\"'<>|=&,;]+@[^\s@\"'<>|&,;]+")
_SECRET = re.compile(r"(?i)(bearer |basic |token[=:]\s*|password[=:]\s*|secret[=:]\s*)\S+")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub(lambda found: masked(found.group()), _SECRET.sub(r"\1***", value))
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return value


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor before a line is rendered: every text in it is masked."""
    for key in list(event):
        event[key] = _clean(event[key])
    return event


def configure(form: str, least: str = "info") -> None:
    """Sets the form of log lines for this process, `json` or `console`, and the `least` level that is told.

    They go to standard error.
    """
    last: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger(**bound: Any) -> Any:
    """A logger with these values on every line; redaction never depends on somebody having configured it."""
    if not structlog.is_configured():
        configure("console")
    return structlog.get_logger(**bound)
