"""Dynamics' words and ours: error codes by family, states of a record, literals. Touches no wire.

Error codes: Dataverse developer guide, "Web service error codes"; the Web API writes them as hex text, the
Organization Data Service and SOAP as signed 32-bit numbers. Service protection: "Service protection API limits".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote

import idna

from connector.core.address import Address
from connector.core.errors import BugError, ConfigError, ConflictError, Failure, RejectedError, TransientError
from connector.ports.adapter import Status

About = Literal["item", "place", "call"]


class Code(NamedTuple):
    """One error code: the vendor's name of it (or its words, where it has none), and its meaning for one item."""

    name: str
    family: type[Failure]


CODES: dict[str, Code] = {
    # gone, or changed since
    "0x80040217": Code("ObjectDoesNotExist", ConflictError),
    "0x80060891": Code("RecordNotFoundByEntityKey", ConflictError),
    "0x80060882": Code("ConcurrencyVersionMismatch", ConflictError),
    "0x80040237": Code("DuplicateRecord", ConflictError),
    "0x80060892": Code("DuplicateRecordEntityKey", ConflictError),
    "0x80040333": Code("DuplicateRecordsFound", ConflictError),
    "0x80044352": Code("ExpiredVersionStamp", ConflictError),
    # a right, a setting or a licence that a person must mend
    "0x80060883": Code("ConcurrencyVersionNotProvided", ConfigError),
    "0x8006088d": Code("OptimisticConcurrencyNotEnabled", ConfigError),
    "0x80040220": Code("PrivilegeDenied", ConfigError),
    "0x80040231": Code("PrincipalPrivilegeDenied", ConfigError),
    "0x80048405": Code("AccessDenied", ConfigError),
    "0x8004f504": Code("AttributePermissionReadIsMissing", ConfigError),
    "0x8004f507": Code("AttributePermissionUpdateIsMissing", ConfigError),
    "0x8004f502": Code("AttributePermissionCreateIsMissing", ConfigError),
    "0x80072491": Code("ChangeTrackingNotEnabledForEntity", ConfigError),
    "0x80040225": Code("user not enabled", ConfigError),
    "0x80042f09": Code("user without roles", ConfigError),
    "0x80072560": Code("user is no member of the organization", ConfigError),
    "0x8004d24b": Code("UserNotAssignedLicense", ConfigError),
    "0x8004a104": Code("OrganizationDisabled", ConfigError),
    # the values or the record itself
    "0x80040203": Code("InvalidArgument", RejectedError),
    "0x80041103": Code("QueryBuilderNoAttribute", RejectedError),
    "0x8004431a": Code("PicklistValueOutOfRange", RejectedError),
    "0x80044331": Code("StringLengthTooLong", RejectedError),
    "0x80040230": Code("CannotUpdateObjectBecauseItIsInactive", RejectedError),
    "0x8004022e": Code("CannotUpdateObjectBecauseItIsReadOnly", RejectedError),
    "0x80040265": Code("IsvAborted", RejectedError),
    "0x80060888": Code("no such property", RejectedError),
    # later
    "0x80044171": Code("sandbox plug-in timeout", TransientError),
    "0x80044172": Code("sandbox plug-in timeout", TransientError),
    "0x80044173": Code("sandbox plug-in timeout", TransientError),
    "0x80081111": Code("sandbox plug-in timeout", TransientError),
    "0x80044151": Code("SqlTimeout", TransientError),
    "0x80044150": Code("GenericSqlError", TransientError),
    "0x80072322": Code("too many requests in five minutes", TransientError),
    "0x80072321": Code("too much execution time in five minutes", TransientError),
    "0x80072326": Code("too many requests at once", TransientError),
    "0x8005f103": Code("Throttling", TransientError),
    "0x80048544": Code("DataEngineQueryThrottling", TransientError),
    "0x8004a001": Code("CrmSqlGovernorDatabaseRequestDenied", TransientError),
    "0x80072324": Code("AzureSqlMaxConcurrentWorkers", TransientError),
}
"""What each code means. One that is not here is judged by its HTTP status."""

GONE = frozenset({"0x80040217", "0x80060891"})
TRACKING_OFF = "0x80072491"
EXPIRED = "0x80044352"
NO_SUCH_COLUMN = frozenset({"0x80041103", "0x80060888"})
"""The tenant's YAML names a column that the organization does not have."""

STANDS_ALREADY = frozenset({"0x80040237", "0x80060892"})
FEWER_MAY_PASS = frozenset({"0x80044150", "0x80044151"})
"""SQL's own complaints, where fewer rows in one call may pass."""

STATUSES: dict[type[Failure], Status] = {
    ConflictError: Status.CONFLICT,
    TransientError: Status.LATER,
    RejectedError: Status.ASIDE,
    ConfigError: Status.ASIDE,
    BugError: Status.ASIDE,
}
"""How an item ends by the family of its refusal: what only a person can mend is set aside and tried again, slowly."""

BY_STATUS: dict[int, type[Failure]] = {
    400: RejectedError,
    403: ConfigError,
    404: ConflictError,
    405: RejectedError,
    409: ConflictError,
    412: ConflictError,
    413: BugError,
    501: ConfigError,
}
"""What a status means where no code tells more: documented errors come with an empty one."""


def hex_code(number: int | str) -> str:
    """A code as the Web API writes it (`0x80040217`), of the signed number or the text that another wire gave."""
    text = str(number).strip().lower()
    if text.startswith("0x"):
        return text
    try:
        return f"0x{int(text) & 0xFFFFFFFF:08x}"
    except ValueError:
        return ""


def family(status: int, code: str, about: About = "call") -> type[Failure]:
    """The family of a refusal: of one `item`, of the `place` where a read went on, or of a whole `call`.

    409, 412 and 429 say all by themselves; of the others the code knows more, for old servers answer 500 to a plug-in's
    refusal and to a missing right alike.
    """
    known = CODES.get(code.lower())
    if status in (409, 412):
        found: type[Failure] = ConflictError
    elif status == 429:
        found = TransientError
    elif known is not None:
        found = known.family
    else:
        found = BY_STATUS.get(status, TransientError if status >= 500 else BugError)
    if about == "item" or found is TransientError:
        return found
    if about == "place":
        # a link that the server no longer takes, for whatever reason, is one from which nobody can go on
        return ConfigError if status == 403 or code.lower() == TRACKING_OFF else ConflictError
    if found in (RejectedError, BugError):
        return ConfigError if code.lower() in NO_SUCH_COLUMN else BugError
    return ConfigError if status == 404 else found


def item_status(status: int, code: str) -> Status:
    """How one row ends that was refused so."""
    return STATUSES[family(status, code, "item")]


def named(code: str) -> str:
    """A code with the vendor's name for it, as a person may look it up."""
    known = CODES.get(code.lower())
    return f"{known.name} {code}" if known else code


CLOSED_LEAD = frozenset({1, 2})
"""`lead.statecode`: 0 open, 1 qualified, 2 disqualified; a closed lead takes no changes until it is opened again."""


def quoted(text: str) -> str:
    """A string literal of OData: apostrophes doubled. What it stands in is encoded for the URL as a whole."""
    return "'" + text.replace("'", "''") + "'"


PLAIN = "$,()'=:/"
"""Characters that stand in a query as they are."""


def url(path: str, options: Mapping[str, str]) -> str:
    """A path with its query, encoded so that a plus, an apostrophe and whatever else an address holds arrive."""
    return path + "?" + "&".join(f"{name}={quote(text, safe=PLAIN)}" for name, text in options.items())


def spellings(address: Address) -> list[str]:
    """How an address may stand in a column: a domain of other scripts in both of its forms."""
    local, _, domain = address.rpartition("@")
    if "xn--" not in domain:
        return [address]
    try:
        return [address, f"{local}@{idna.decode(domain)}"]
    except idna.IDNAError:
        return [address]
