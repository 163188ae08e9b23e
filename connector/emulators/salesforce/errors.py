"""The documented error bodies: a list of one object for REST (`errorCode`), and `statusCode` inside rows.

REST API Developer Guide, "Status Codes and Error Responses".
"""

from __future__ import annotations

from typing import Any

STATUS = {
    "INVALID_SESSION_ID": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "API_CURRENTLY_DISABLED": 403,
    "INSUFFICIENT_ACCESS": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "UNSUPPORTED_API_VERSION": 410,
    "JOB_NOT_COMPLETE": 412,
    "URI_TOO_LONG": 414,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}
"""HTTP status by error code; every other code is 400."""


class VendorError(Exception):
    """What Salesforce answers instead of a result."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] = (), status: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, fields
        self.status = status or STATUS.get(code, 400)

    def body(self) -> list[dict[str, Any]]:
        """A top-level error."""
        one: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        return [one | ({"fields": list(self.fields)} if self.fields else {})]

    def row(self) -> dict[str, Any]:
        """The same inside the result of one row."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


def not_found() -> VendorError:
    """A resource that is not there."""
    return VendorError("NOT_FOUND", "The requested resource does not exist")


def no_row() -> VendorError:
    """A row that is not there, or may not be seen."""
    return VendorError("NOT_FOUND", "Provided external ID field does not exist or is not accessible")
