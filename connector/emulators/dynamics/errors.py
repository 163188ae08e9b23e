"""What the Web API answers when it refuses: a status, a code in hexadecimal, and words.

"Compose HTTP requests and handle errors", "Web service error codes".
"""

from __future__ import annotations

from typing import Any


class VendorError(Exception):
    """A refusal. `code` is empty where the vendor leaves it empty."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def body(self, *, generation: str) -> dict[str, Any]:
        """The error as JSON. 8.2 tells where it was thrown, and leaves the code of a 404 and a 412 empty."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if generation == "2016":
            error["code"] = "" if self.status in (404, 412) else self.code
            error["innererror"] = {"message": self.message, "type": "Microsoft.Crm.CrmHttpException", "stacktrace": ""}
        return {"error": error}


def bad(message: str, code: str = "0x80060888") -> VendorError:
    """A request that the OData layer does not understand."""
    return VendorError(400, code, message)


def payload(message: str) -> VendorError:
    """A body that does not fit the table's columns."""
    return VendorError(400, "0x80048d19", f"Error identified in Payload provided by the user. {message}")


def invalid(message: str) -> VendorError:
    """InvalidArgument."""
    return VendorError(400, "0x80040203", message)


def no_segment(name: str) -> VendorError:
    """A resource that does not exist."""
    return VendorError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def no_property(name: str, table: str) -> VendorError:
    """A column that does not exist."""
    return bad(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'.")


def no_row(label: str, id_: str) -> VendorError:
    """ObjectDoesNotExist."""
    return VendorError(404, "0x80040217", f"{label} With Id = {id_} Does Not Exist")


def not_allowed(method: str) -> VendorError:
    """A verb that this resource does not have."""
    return VendorError(405, "0x8006088c", f"The requested resource does not support http method '{method}'.")
