"""Salesforce's words and ours: error codes, editions, limits. Touches no wire; records are in `records.py`.

Error codes: REST API Developer Guide, "Status Codes and Error Responses", and the StatusCode list of the SOAP API
Developer Guide, "Core Data Types Used in API Calls". Limits: REST API Developer Guide, "Limit Info Header".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connector.core.errors import BugError, ConfigError, ConflictError, Failure, RejectedError, TransientError
from connector.ports.adapter import Status

ROW_STATUS: dict[str, Status] = {
    "UNABLE_TO_LOCK_ROW": Status.LATER,
    "QUERY_TIMEOUT": Status.LATER,
    "SERVER_UNAVAILABLE": Status.LATER,
    "UNKNOWN_EXCEPTION": Status.LATER,
    "REQUEST_LIMIT_EXCEEDED": Status.LATER,
    "TXN_SECURITY_METERING_ERROR": Status.LATER,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Status.LATER,
    "PROCESSING_HALTED": Status.LATER,
    "ENTITY_IS_DELETED": Status.CONFLICT,
    "INVALID_CROSS_REFERENCE_KEY": Status.CONFLICT,
    "NOT_FOUND": Status.CONFLICT,
}
"""What the code of one refused row means. Every other one, a code we do not know included, is the org's own rule or a
right that is missing: the row is set aside with Salesforce's words, tried again with growing waits, and listed."""

LOCKED = "UNABLE_TO_LOCK_ROW"

CALL_FAMILY: dict[str, type[Failure]] = {
    **dict.fromkeys(
        (
            "REQUEST_LIMIT_EXCEEDED",
            "QUERY_TIMEOUT",
            "SERVER_UNAVAILABLE",
            "UNKNOWN_EXCEPTION",
            "TXN_SECURITY_METERING_ERROR",
            "UNABLE_TO_LOCK_ROW",
            "JOB_NOT_COMPLETE",
            "EXCEEDED_QUOTA",
        ),
        TransientError,
    ),
    **dict.fromkeys(
        (
            "API_DISABLED_FOR_ORG",
            "API_CURRENTLY_DISABLED",
            "FUNCTIONALITY_NOT_ENABLED",
            "FEATURENOTENABLED",
            "INSUFFICIENT_ACCESS",
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "INVALID_FIELD",
            "INVALID_TYPE",
            "INVALIDENTITY",
            "INVALIDVERSION",
            "UNSUPPORTED_API_VERSION",
        ),
        ConfigError,
    ),
    "INVALID_QUERY_LOCATOR": ConflictError,
    **dict.fromkeys(
        (
            "MALFORMED_QUERY",
            "MALFORMED_ID",
            "JSON_PARSER_ERROR",
            "INVALID_QUERY_FILTER_OPERATOR",
            "INVALID_INPUT",
            "MISSING_ARGUMENT",
            "EXCEEDED_MAX_SIZE_REQUEST",
            "INVALIDJOB",
            "INVALIDREQUEST",
            "METHOD_NOT_ALLOWED",
        ),
        BugError,
    ),
}
"""What a code means that refuses a whole call."""

NO_ACCESS = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})

EDITIONS = {
    "Professional Edition": "API access has to be bought; the guide's part on Professional Edition applies.",
    "Enterprise Edition": "the guide's part on Enterprise and Unlimited Edition applies.",
    "Unlimited Edition": "the guide's part on Enterprise and Unlimited Edition applies.",
    "Performance Edition": "the guide's part on Enterprise and Unlimited Edition applies.",
    "Developer Edition": "the guide's part on Enterprise and Unlimited Edition applies.",
}
"""`Organization.OrganizationType`, and which part of the guide is right for it."""


def row_status(code: str) -> Status:
    """What becomes of an item whose row was refused with this code."""
    return ROW_STATUS.get(code, Status.ASIDE)


def call_family(code: str, status: int, *, place: bool, row: bool) -> type[Failure]:
    """The family of a refused call. `place`: it asked for a job or a locator; `row`: it was about one row alone.

    A code we do not know is a right that is missing (403), or a mistake of ours.
    """
    known = CALL_FAMILY.get(code.upper())
    if place and (status in (404, 409) or code.upper() == "INVALIDJOBSTATE"):
        return ConflictError
    if known is not None:
        return known
    if row and status in (400, 404):
        return RejectedError
    return ConfigError if status in (403, 404, 410) else BugError


def bulk_error(text: str) -> tuple[str, str]:
    """`CODE:message:field --` of a failed Bulk row, as code and words."""
    code, _, rest = text.partition(":")
    return code, rest.removesuffix("--").rstrip(": ")


def usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Calls used and allowed in 24 hours, of `Sforce-Limit-Info: api-usage=18/5000` whatever else stands there."""
    found = re.search(r"(?<![\w-])api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""))
    return (int(found.group(1)), int(found.group(2))) if found else None


def moment(text: str) -> datetime:
    """A time as Salesforce writes it: `2026-11-20T00:00:01.000+0000` in REST, with `Z` in Bulk."""
    return datetime.fromisoformat(text[:-2] + ":" + text[-2:] if text[-5] in "+-" else text)


def literal(text: str) -> str:
    """A SOQL string literal (SOQL and SOSL Reference, "Quoted String Escape Sequences")."""
    return f"'{text.translate(_ESCAPES)}'"


_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


def literals(texts: list[str]) -> str:
    """Literals for `IN (...)`."""
    return ",".join(map(literal, texts))
