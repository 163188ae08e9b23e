"""The standard objects of a fresh org that hold people and what is said of them (Object Reference)."""

from __future__ import annotations

from connector.emulators.salesforce.schema import BOUNCE, OPT_OUT, Field, Object, fields
from connector.emulators.salesforce.setup_objects import setup_objects

_OWNER = Field(name="OwnerId", type="reference", length=18, parent="User")
_NAME = (Field(name="FirstName", length=40), Field(name="LastName", length=80, nillable=False))
_FULL_NAME = Field(name="Name", length=121, writable=False, nillable=False, parts=("FirstName", "LastName"))


def standard() -> dict[str, Object]:
    """A fresh org's objects, without the connector's package."""
    people = (_contact(), _lead(), _account())
    return {o.name: o for o in (*people, _task(), _classic_note(), *_content(), *setup_objects(), *_histories())}


def _contact() -> Object:
    return Object(
        name="Contact",
        prefix="003",
        required=("LastName",),
        fields=fields(
            Field(name="MasterRecordId", type="reference", length=18, parent="Contact", writable=False),
            Field(name="AccountId", type="reference", length=18, parent="Account"),
            *_NAME,
            _FULL_NAME,
            Field(name="Email", type="email", length=80),
            Field(name="Title", length=128),
            Field(name="Phone", type="phone", length=40),
            Field(name="MailingStreet", type="textarea", length=255),
            Field(name="MailingCity", length=40),
            Field(name="MailingAddress", type="address", writable=False, parts=("MailingStreet", "MailingCity")),
            Field(name="External_Id__c", length=40, custom=True, external=True),
            _OWNER,
            OPT_OUT,
            Field(name="IsEmailBounced", type="boolean", writable=False, nillable=False, default=False),
            *BOUNCE,
        ),
    )


def _lead() -> Object:
    statuses = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
    return Object(
        name="Lead",
        prefix="00Q",
        required=("LastName", "Company"),
        fields=fields(
            Field(name="MasterRecordId", type="reference", length=18, parent="Lead", writable=False),
            *_NAME,
            _FULL_NAME,
            Field(name="Company", nillable=False),
            Field(name="Email", type="email", length=80),
            Field(name="Title", length=128),
            Field(name="Phone", type="phone", length=40),
            Field(name="Status", type="picklist", default=statuses[0], values=statuses, nillable=False),
            _OWNER,
            OPT_OUT,
            Field(name="IsConverted", type="boolean", writable=False, nillable=False, default=False),
            Field(name="ConvertedDate", type="date", writable=False),
            Field(name="ConvertedContactId", type="reference", length=18, parent="Contact", writable=False),
            Field(name="ConvertedAccountId", type="reference", length=18, parent="Account", writable=False),
            *BOUNCE,
        ),
    )


def _account() -> Object:
    return Object(
        name="Account",
        prefix="001",
        required=("Name",),
        fields=fields(
            Field(name="MasterRecordId", type="reference", length=18, parent="Account", writable=False),
            Field(name="Name", nillable=False),
            _OWNER,
        ),
    )


def _task() -> Object:
    return Object(
        name="Task",
        prefix="00T",
        fields=fields(
            Field(name="WhoId", type="reference", length=18, parent="Contact Lead"),
            Field(name="WhatId", type="reference", length=18, parent="Account"),
            _OWNER,
            Field(name="Subject"),
            Field(name="Status", type="picklist", default="Not Started", values=("Not Started", "Completed")),
            Field(name="ActivityDate", type="date"),
            Field(name="Description", type="textarea", length=32000, filterable=False),
        ),
    )


def _classic_note() -> Object:
    return Object(
        name="Note",
        prefix="002",
        required=("ParentId", "Title"),
        bulk=False,
        fields=fields(
            Field(name="ParentId", type="reference", length=18, parent="Contact Lead Account", nillable=False),
            Field(name="Title", length=80, nillable=False),
            Field(name="IsPrivate", type="boolean", nillable=False, default=False),
            Field(name="Body", type="textarea", length=32000, filterable=False),
            _OWNER,
        ),
    )


def _content() -> tuple[Object, ...]:
    note = Object(
        name="ContentNote",
        prefix="069",
        required=("Title",),
        bulk=False,
        fields=fields(
            Field(name="Title", nillable=False),
            Field(name="Content", type="base64", filterable=False),
            Field(name="FileType", default="SNOTE", writable=False),
        ),
    )
    document = Object(
        name="ContentDocument",
        prefix="069",
        createable=False,
        fields=fields(Field(name="Title"), Field(name="FileType", writable=False)),
    )
    once = {"writable": False, "createable": True, "nillable": False}
    link = Object(
        name="ContentDocumentLink",
        prefix="06A",
        required=("ContentDocumentId", "LinkedEntityId"),
        bulk=False,
        filtered=("id", "linkedentityid", "contentdocumentid"),
        fields=fields(
            Field(name="ContentDocumentId", type="reference", length=18, parent="ContentDocument", **once),  # type: ignore[arg-type]  # three flags
            Field(name="LinkedEntityId", type="reference", length=18, parent="Contact Lead Account", **once),  # type: ignore[arg-type]  # as above
            Field(name="ShareType", type="picklist", default="V", values=("V", "C", "I"), restricted=True),
            Field(name="Visibility", type="picklist", default="AllUsers", values=("AllUsers", "InternalUsers")),
        ),
    )
    return note, document, link


def _histories() -> tuple[Object, ...]:
    return tuple(
        Object(
            name=f"{parent}History",
            prefix="017",
            writable=False,
            createable=False,
            fields=fields(
                Field(name=f"{parent}Id", type="reference", length=18, parent=parent),
                Field(name="Field"),
                Field(name="OldValue", type="anyType", filterable=False),
                Field(name="NewValue", type="anyType", filterable=False),
            ),
        )
        for parent in ("Contact", "Lead", "Account")
    )
