"""The tables of an environment as it is delivered, in the columns that matter here ("Dataverse table reference")."""

from __future__ import annotations

from connector.emulators.dynamics.schema import Column, Definition, choice, flag, lookup, memo, table, text
from connector.emulators.dynamics.system_tables import system

_STATE = {0: "Active", 1: "Inactive"}
_STATUS = {1: "Active", 2: "Inactive"}
_LEAD_STATE = {0: "Open", 1: "Qualified", 2: "Disqualified"}
_LEAD_STATUS = {1: "New", 2: "Contacted", 3: "Qualified", 4: "Lost", 5: "Cannot Contact", 6: "No Longer Interested"}
_ALLOW = ("Allow", "Do Not Allow")

STATUS_OF = {"lead": {0: 1, 1: 3, 2: 4}, "contact": {0: 1, 1: 2}, "account": {0: 1, 1: 2}}
"""The default status of each state."""


def _states(states: dict[int, str], statuses: dict[int, str]) -> tuple[Column, Column]:
    return choice("StateCode", "State", states, required="SystemRequired"), choice("StatusCode", "Status", statuses)


def _reachable() -> list[Column]:
    """What a contact, a lead and an account have in common."""
    emails = [text(f"EMailAddress{n}", format="Email", label=f"Email Address {n}") for n in (1, 2, 3)]
    return [
        *emails,
        flag("DoNotBulkEMail", "Do not allow Bulk Emails", _ALLOW),
        flag("DoNotEMail", "Do not allow Emails", _ALLOW),
        flag("DoNotSendMM", "Send Marketing Materials", ("Send", "Do Not Send")),
        flag("FollowEmail", "Follow Email Activity", ("Do Not Allow", "Allow"), default=True),
        memo("Description", 2000),
        text("Telephone1", 50, format="Phone"),
        Column(schema="Merged", type="Boolean", labels={False: "No", True: "Yes"}, creatable=False, updatable=False),
    ]


def _people() -> list[Column]:
    return [
        text("FirstName", 50),
        text("LastName", 50, required="ApplicationRequired"),
        Column(schema="FullName", type="String", length=160, format="Text", creatable=False, updatable=False),
        text("JobTitle", 100),
        text("MobilePhone", 50, format="Phone"),
    ]


def standard() -> list[Definition]:
    """Business tables, notes, and the system's own."""
    account = table(
        "Account",
        "accounts",
        1,
        "Account",
        *_states(_STATE, _STATUS),
        text("Name", 160, required="ApplicationRequired"),
        *_reachable(),
        lookup("MasterId", fixed=True, masterid="account"),
        primary="name",
        tracking=True,
    )
    return [account, _contact(), _lead(), _annotation(), *system()]


def _contact() -> Definition:
    return table(
        "Contact",
        "contacts",
        2,
        "Contact",
        *_states(_STATE, _STATUS),
        *_people(),
        *_reachable(),
        lookup("MasterId", fixed=True, masterid="contact"),
        lookup("ParentCustomerId", "Customer", parentcustomerid_account="account", parentcustomerid_contact="contact"),
        primary="fullname",
        tracking=True,
    )


def _lead() -> Definition:
    return table(
        "Lead",
        "leads",
        4,
        "Lead",
        *_states(_LEAD_STATE, _LEAD_STATUS),
        text("Subject", 300),
        text("CompanyName", 100),
        *_people(),
        *_reachable(),
        lookup("MasterId", fixed=True, masterid="lead"),
        primary="fullname",
        tracking=True,
    )


def _annotation() -> Definition:
    return table(
        "Annotation",
        "annotations",
        5,
        "Note",
        text("Subject", 500),
        memo("NoteText", 100_000),
        flag("IsDocument"),
        text("FileName", 255),
        lookup("ObjectId", objectid_account="account", objectid_contact="contact", objectid_lead="lead"),
        Column(schema="ObjectTypeCode", type="EntityName", creatable=False, updatable=False),
        primary="subject",
        privilege="Note",
        tracking=True,
        bulk=False,
    )
