"""The documented error bodies: a list of one object for REST (`errorCode`), and `statusCode` inside rows."""

from __future__ import annotations

from typing import Any

STATUS = {
    "INVALID_SESSION_ID": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "INSUFFICIENT_ACCESS": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "UNSUPPORTED_API_VERSION": 410,
    "JOB_NOT_COMPLETE": 412,
    "CONFLICT": 409,
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
