"""The tenant's block `crm:` for Salesforce."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClientCredentials(_Strict):
    """OAuth client credentials: the way for a server. The app runs as its integration user."""

    kind: Literal["client_credentials"]
    client_id: str = Field(description="The app's consumer key.")
    client_secret: SecretStr = Field(description="The app's consumer secret, by reference: env:NAME or file:PATH.")


class Jwt(_Strict):
    """OAuth JWT bearer: a certificate instead of a secret."""

    kind: Literal["jwt"]
    client_id: str = Field(description="The app's consumer key.")
    username: str = Field(description="The integration user's name.")
    private_key: SecretStr = Field(description="The private key in PEM, by reference.")
    sandbox: bool = Field(default=False, description="True for a sandbox: the audience is test.salesforce.com.")


class Password(_Strict):
    """SOAP login with user, password and token; ends with Summer '27."""

    kind: Literal["password"]
    username: str = Field(description="The integration user's name.")
    password: SecretStr = Field(description="Its password, by reference.")
    token: SecretStr = Field(description="Its security token, by reference.")


Auth = Annotated[ClientCredentials | Jwt | Password, Field(discriminator="kind")]


class Notes(_Strict):
    """Where notes are left: a Task (default), a ContentNote, or a long text field that is appended to."""

    kind: Literal["task", "content_note", "field"] = "task"
    field: str = Field(default="Suppression_Notes__c", description="The field, where kind is field.")


class ObjectSettings(_Strict):
    """One object that carries people, and the names of its fields. An empty name switches that field off."""

    name: Literal["Contact", "Lead", "Account"] = Field(description="Account means Person Accounts.")
    email: str = Field(default="", description="The field that names the person; Email, or PersonEmail on Account.")
    other_emails: list[str] = Field(default_factory=list, description="Further mail fields: only to see if one exists.")
    restriction: str = Field(default="", description="The bulk-email restriction; HasOptedOutOfEmail.")
    box: str = Field(default="", description="The request box of the action Re-Subscribe.")
    request_date: str = Field(default="", description="Takes the date of the confirmed request.")
    status: str = Field(default="", description="Takes the resubscription status.")
    reason: str = Field(default="", description="Takes the suppression's reason.")
    since: str = Field(default="", description="Takes the suppression's date.")
    lists: dict[str, str] = Field(default_factory=dict, description="Field by list, where it differs from `lists:`.")

    def model_post_init(self, _: object) -> None:
        """The standard names of the object, where none is given."""
        person = self.name == "Account"
        self.email = self.email or ("PersonEmail" if person else "Email")
        self.restriction = self.restriction or ("PersonHasOptedOutOfEmail" if person else "HasOptedOutOfEmail")


class Settings(_Strict):
    """A Salesforce org."""

    kind: Literal["salesforce"] = "salesforce"
    login_url: str = Field(description="My Domain, as https://acme.my.salesforce.com.")
    auth: Auth
    api_version: str = Field(default="62.0", pattern=r"^\d\d\.0$", description="The pinned API version.")
    objects: list[ObjectSettings] = Field(
        default_factory=lambda: [ObjectSettings(name="Contact")],
        min_length=1,
        description="Which objects carry people.",
    )
    null_means_clear: bool = Field(
        default=False,
        description="Whether an empty restriction is a clear one; else it is unreadable, and lifts nobody.",
    )
    notes: Notes = Field(default_factory=Notes)
    creates: Literal["Contact", "Lead"] = Field(default="Contact", description="What a signup creates.")
    bulk_threshold: int = Field(default=2000, ge=1, description="Rows from which on the Bulk API writes.")
    api_reserve: float = Field(default=0.1, ge=0, le=0.9, description="Share of the daily calls kept for opt-outs.")
    package: bool = Field(default=True, description="Whether the connector's package is installed and checked.")
