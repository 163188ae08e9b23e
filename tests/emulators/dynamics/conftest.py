"""An emulated environment on a real socket, fresh for each test; one server per generation serves them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from connector.emulators.dynamics import Environment, create_app
from connector.emulators.server import Running

BASES = {"365": "/api/data/v9.2", "2016": "/acme/api/data/v8.2"}


class World:
    """An environment, its address, and hands for its users."""

    def __init__(self, env: Environment, url: str) -> None:
        self.env, self.url = env, url
        self.base = url + BASES[env.generation]
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = self.signed_in(env.service)

    # -- as a client --------------------------------------------------------------------------------------------
    def signed_in(self, user: str) -> str:
        """A token of this user."""
        return str(self.control("token", user=user)["access_token"])

    def call(self, method: str, path: str, *, token: str = "", prefer: str = "", **more: Any) -> requests.Response:
        """One request below the service's root, or at a whole address."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Accept": "application/json"}
        headers |= {"OData-Version": "4.0", "OData-MaxVersion": "4.0"} | ({"Prefer": prefer} if prefer else {})
        headers |= more.pop("headers", {})
        url = path if path.startswith("http") else f"{self.base}/{path}"
        return self.session.request(method, url, headers=headers, **more)

    def got(self, path: str, **more: Any) -> dict[str, Any]:
        """What a GET found."""
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def found(self, table: str, where: str = "", **more: Any) -> list[str]:
        """Addresses (`emailaddress1`) of the rows that a filter finds, in the order of the answer."""
        column = more.pop("column", "emailaddress1")
        path = f"{table}?$select={column}" + (f"&$filter={quote(where, safe='')}" if where else "")
        return [row[column] for row in self.got(path, **more)["value"]]

    def pages(self, path: str, **more: Any) -> list[dict[str, Any]]:
        """Every page, each link taken as it is."""
        found = [self.got(path, **more)]
        while "@odata.nextLink" in found[-1]:
            found.append(self.got(found[-1]["@odata.nextLink"], **more))
        return found

    def etag(self, path: str) -> str:
        """The row's etag."""
        return str(self.got(path)["@odata.etag"])

    def code(self, answer: requests.Response) -> tuple[int, str]:
        """Status and code of a refusal."""
        return answer.status_code, answer.json()["error"]["code"]

    # -- as an admin --------------------------------------------------------------------------------------------
    def control(self, deed: str, **body: Any) -> Any:
        """One deed of control."""
        answer = self.session.post(f"{self.url}/_emulator/{deed}", data=json.dumps(body))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def contact(self, email: str | None = "ada@example.com", **values: Any) -> str:
        """A contact made by an admin; its id."""
        values = {"lastname": "Person", "emailaddress1": email, **values}
        return str(self.control("create", table="contact", values=values)["id"])

    def row(self, table: str, id_: str) -> dict[str, Any]:
        """A row as the environment holds it."""
        held = self.env.tables[table]
        return held.values(held.cells[id_])


@pytest.fixture(scope="session")
def served() -> Iterator[dict[str, tuple[Any, str]]]:
    """By generation, the application and its address, on uvicorn in a thread."""
    apps = {generation: create_app(Environment(generation=generation)) for generation in BASES}
    running = {generation: Running(app) for generation, app in apps.items()}
    yield {generation: (apps[generation], running[generation].base_url) for generation in BASES}
    for server in running.values():
        server.stop()


def _fresh(served: dict[str, tuple[Any, str]], generation: str, **more: Any) -> World:
    faults, url = served[generation]
    faults.faults.clear()
    faults.app.state.environment = env = Environment(generation=generation, **more)
    return World(env, url)


@pytest.fixture
def world(served) -> World:
    """A fresh 365 environment."""
    return _fresh(served, "365")


@pytest.fixture
def old(served) -> World:
    """A fresh 2016 organization."""
    return _fresh(served, "2016")
