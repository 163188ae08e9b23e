"""The tenant's block `crm:` for Dynamics. Columns and tables go by their logical names, whatever the server is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Generation = Literal["365", "2016", "2015", "2013", "2011"]
TableName = Literal["contact", "lead", "account"]
VERSION = r"^\d+\.\d+\.\d+\.\d+$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EntraSecret(_Strict):
    """Microsoft Entra, client credentials with a secret: the way of Dynamics 365."""

    kind: Literal["entra_secret"]
    directory: str = Field(description="The Entra tenant: its id, or its domain.")
    client_id: str = Field(description="The app registration's client id.")
    client_secret: SecretStr = Field(description="Its secret, by reference: env:NAME or file:PATH.")
    authority: str = Field(default="", description="A login host of one's own; else https://login.microsoftonline.com.")


class EntraCertificate(_Strict):
    """Microsoft Entra, client credentials with a certificate."""

    kind: Literal["entra_certificate"]
    directory: str = Field(description="The Entra tenant: its id, or its domain.")
    client_id: str = Field(description="The app registration's client id.")
    private_key: SecretStr = Field(description="The private key in PEM, by reference.")
    certificate: SecretStr = Field(description="The certificate in PEM, by reference.")
    authority: str = Field(default="", description="A login host of one's own; else https://login.microsoftonline.com.")


class Adfs(_Strict):
    """AD FS, password grant: a server at home that faces the internet (IFD)."""

    kind: Literal["adfs"]
    authority: str = Field(description="The AD FS, as https://adfs.example.com/adfs.")
    client_id: str = Field(description="The client that Add-AdfsClient registered.")
    username: str = Field(description="The integration user, as DOMAIN\\user or user@domain.")
    password: SecretStr = Field(description="Its password, by reference.")


class Ntlm(_Strict):
    """Windows authentication: a server at home inside the network."""

    kind: Literal["ntlm"]
    username: str = Field(description="The integration user, as DOMAIN\\user.")
    password: SecretStr = Field(description="Its password, by reference.")


Auth = Annotated[EntraSecret | EntraCertificate | Adfs | Ntlm, Field(discriminator="kind")]


class TableSettings(_Strict):
    """One table that carries people, and the names of its columns. An empty name switches that column off."""

    name: TableName = Field(description="Which table.")
    email: str = Field(default="emailaddress1", description="The column that names the person.")
    other_emails: list[str] = Field(
        default_factory=lambda: ["emailaddress2", "emailaddress3"],
        description="Further mail columns: only to see if one exists.",
    )
    restriction: str = Field(
        default="donotbulkemail", description="The restriction; donotemail also stops single mail."
    )
    box: str = Field(default="", description="A request box on the record itself; usually it is on the entry.")
    request_date: str = Field(
        default="sc_resubscriberequestdate", description="Takes the date of the confirmed request."
    )
    status: str = Field(default="sc_resubscribestatus", description="Takes the resubscription status.")
    reason: str = Field(default="sc_suppressionreason", description="Takes the suppression's reason.")
    since: str = Field(default="sc_suppressedsince", description="Takes the suppression's date.")
    lists: dict[str, str] = Field(default_factory=dict, description="Column by list, where it differs from `lists:`.")


class Suppressions(_Strict):
    """The table Email suppressions and its columns. An empty name switches that column off."""

    table: str = Field(default="sc_emailsuppression", description="The table's logical name.")
    key: str = Field(default="sc_emailsuppressionid", description="Its key.")
    entity_set: str = Field(default="sc_emailsuppressions", description="Its name in the Web API's URLs.")
    address: str = Field(default="sc_name", description="The address.")
    reason: str = Field(default="sc_reason", description="The suppression's reason.")
    since: str = Field(default="sc_since", description="The suppression's date.")
    box: str = Field(default="sc_requestresubscribe", description="Request Resubscribe.")
    request_date: str = Field(default="sc_resubscriberequestdate", description="Resubscribe Request Date.")
    status: str = Field(default="sc_status", description="How the request stands.")


class Solution(_Strict):
    """The connector's solution in Dynamics, by its unique name."""

    name: str = Field(default="SuppressionConnector", description="The solution's unique name.")
    minimum: str = Field(
        default="1.0.0.0",
        pattern=VERSION,
        description="The oldest version for Dynamics 365; older servers have theirs.",
    )


class Notes(_Strict):
    """Where notes are left: on the timeline (default), or appended to a text column."""

    kind: Literal["annotation", "column"] = "annotation"
    column: str = Field(default="description", description="The column, where kind is column.")


class Settings(_Strict):
    """A Dynamics organization."""

    kind: Literal["dynamics"] = "dynamics"
    generation: Generation = Field(description="Which server: 365, 2016, 2015, 2013 or 2011.")
    url: str = Field(description="The organization, as https://acme.crm4.dynamics.com or https://server/ORGNAME.")
    auth: Auth
    tables: list[TableSettings] = Field(
        default_factory=lambda: [TableSettings(name="contact")], min_length=1, description="Which tables carry people."
    )
    null_means_clear: bool = Field(
        default=False,
        description="Whether an empty restriction is a clear one; else, and in a secured column, it is unreadable.",
    )
    suppressions: Suppressions | None = Field(
        default_factory=Suppressions, description="The table Email suppressions; null where there is none."
    )
    solution: Solution | None = Field(
        default_factory=Solution, description="The connector's solution; null where everything is named by hand."
    )
    notes: Notes = Field(default_factory=Notes)
    creates: Literal["contact", "lead"] = Field(default="contact", description="What a signup creates.")

    @property
    def entries(self) -> bool:
        """Whether Dynamics has a list of suppressions of its own."""
        return self.suppressions is not None

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        names = [t.name for t in self.tables]
        if len(set(names)) != len(names):
            raise ValueError("tables names one table twice")
        on_line = self.auth.kind in ("entra_secret", "entra_certificate")
        if on_line != (self.generation == "365"):
            raise ValueError(
                "auth is entra_secret or entra_certificate for 365, and adfs or ntlm for the servers at home"
            )
        return self
