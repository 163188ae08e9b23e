"""An emulated org on a real socket, fresh for each test; one server serves them all, one after another."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from connector.emulators.salesforce import Org, create_app
from connector.emulators.server import Running
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

VERSION = "62.0"


class Loopback(requests.Session):
    """Maps every https host to the emulator, as the notes on simple-salesforce advise."""

    def __init__(self, netloc: str) -> None:
        super().__init__()
        self.trust_env = False
        self.netloc = netloc

    def request(self, method, url, *args, **kwargs):
        """The same call on loopback."""
        parts = urlsplit(url)
        return super().request(method, urlunsplit(("http", self.netloc, parts.path, parts.query, "")), *args, **kwargs)


class World:
    """An org, its address, and hands for its users."""

    def __init__(self, org: Org, url: str, app: Any) -> None:
        self.org, self.url, self.app = org, url, app
        self.session = Loopback(urlsplit(url).netloc)
        self.token = self.signed_in(org.integration)

    # -- as a client --------------------------------------------------------------------------------------------
    def signed_in(self, user: str) -> str:
        """A token of this user."""
        return str(self.control("session", user=user)["access_token"])

    def oauth(self, **form: str) -> requests.Response:
        """One call of the token endpoint."""
        return self.session.post(f"{self.url}/services/oauth2/token", data=form)

    def call(self, method: str, path: str, *, version: str = VERSION, token: str = "", **more: Any):
        """One REST call."""
        headers = {"Authorization": f"Bearer {token or self.token}"} | more.pop("headers", {})
        url = f"{self.url}/services/data/v{version}/{path}"
        return self.session.request(method, url, headers=headers, **more)

    def soql(self, text: str, *, everything: bool = False, **more: Any):
        """One query's answer."""
        return self.call("GET", "queryAll" if everything else "query", params={"q": text}, **more)

    def found(self, text: str, *, everything: bool = False) -> list[dict[str, Any]]:
        """The rows of a query, without their attributes."""
        answer = self.soql(text, everything=everything).json()
        assert isinstance(answer, dict), answer
        return [{k: v for k, v in row.items() if k != "attributes"} for row in answer["records"]]

    def update(self, object_: str, id_: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The result of one row in a collection."""
        record = {"attributes": {"type": object_}, "id": id_, **values}
        (row,) = self.call("PATCH", "composite/sobjects", json={"records": [record]}, **more).json()
        return row  # type: ignore[no-any-return]

    def code(self, object_: str, id_: str, values: dict[str, Any], **more: Any) -> str:
        """Its status code, empty if it was written."""
        row = self.update(object_, id_, values, **more)
        return "" if row["success"] else str(row["errors"][0]["statusCode"])

    # -- as an admin --------------------------------------------------------------------------------------------
    def control(self, deed: str, **body: Any) -> Any:
        """One deed of control."""
        return self.session.post(f"{self.url}/_emulator/{deed}", json=body).json()

    def contact(self, **values: Any) -> str:
        """A contact made by an admin; its id."""
        return str(self.control("create", object="Contact", values={"LastName": "Person", **values})["id"])

    def lead(self, **values: Any) -> str:
        """A lead made by an admin; its id."""
        values = {"LastName": "Person", "Company": "Example", **values}
        return str(self.control("create", object="Lead", values=values)["id"])

    def row(self, object_: str, id_: str) -> Any:
        """A row as the org holds it."""
        return self.org.rows(object_)[id_]


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, str]:
    """A private key and its certificate, both PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return private, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Any, str]]:
    """The application and its address, on uvicorn in a thread."""
    app = create_app(Org())
    with Running(app) as running:
        yield app, running.base_url


@pytest.fixture
def world(served, key_pair) -> World:
    """A fresh org with the package."""
    app, url = served
    org = Org(certificate_pem=key_pair[1])
    org.install_package()
    app.state.org, app.state.locators, app.state.jobs = org, {}, {}
    return World(org, url, app)
