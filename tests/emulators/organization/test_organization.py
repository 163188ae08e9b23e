"""The servers of 2011 to 2015 in small: what they answer, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from connector.emulators.dynamics import Environment
from connector.emulators.organization import create_app
from connector.emulators.server import Running
from requests_ntlm import HttpNtlmAuth


@dataclass
class World:
    """One server, its state, and a client that has signed in."""

    env: Environment
    base: str
    session: requests.Session

    def rows(self, **options: str) -> requests.Response:
        """A page of contacts."""
        return self.session.get(f"{self.base}/ContactSet", params={f"${k}": v for k, v in options.items()})

    def contact(self, **values: Any) -> str:
        """A contact made by nobody in particular."""
        return self.env.plain("contact", lastname="Person", **values)

    def merge(self, id_: str, **values: Any) -> requests.Response:
        """A change of one contact."""
        url = f"{self.base}/ContactSet(guid'{id_}')"
        return self.session.post(url, json=values, headers={"X-HTTP-Method": "MERGE"})


@pytest.fixture(params=["2011", "2013", "2015"])
def world(request) -> Iterator[World]:
    """A fresh server of each generation."""
    env = Environment(generation=request.param, solution="7.0.1.721")
    with Running(create_app(env)) as running, requests.Session() as session:
        session.trust_env = False
        session.auth = HttpNtlmAuth(env.username, env.password)
        session.headers["Accept"] = "application/json"
        yield World(env, f"{running.base_url}/{env.organization}/XRMServices/2011/OrganizationData.svc", session)


def test_nobody_comes_in_without_the_password(world):
    """Without NTLM, and with a wrong password, every answer is 401."""
    bare = requests.get(f"{world.base}/ContactSet", timeout=5)
    assert (bare.status_code, bare.headers["WWW-Authenticate"]) == (401, "NTLM")
    wrong = requests.get(f"{world.base}/ContactSet", auth=HttpNtlmAuth(world.env.username, "wrong"), timeout=5)
    assert wrong.status_code == 401
    assert world.rows().status_code == 200


def test_pages_have_fifty_rows_and_lead_to_the_next(world):
    """All rows come once, page by page, in the order of their keys."""
    ids = {world.contact(emailaddress1=f"p{n}@example.com") for n in range(120)}
    link, seen, sizes = f"{world.base}/ContactSet?$select=ContactId", list[str](), list[int]()
    while link:
        page = world.session.get(link).json()["d"]
        sizes.append(len(page["results"]))
        seen += [row["ContactId"] for row in page["results"]]
        link = page.get("__next", "")
    assert (sizes, set(seen), seen == sorted(seen)) == ([50, 50, 20], ids, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EMailAddress1 eq 'A+B@example.com'", 1),
        ("EMailAddress1 eq 'o''brien@example.com' or EMailAddress1 eq 'a+b@example.com'", 2),
        ("DoNotBulkEMail eq true", 1),
        ("not (DoNotBulkEMail eq true) and startswith(EMailAddress1,'a')", 1),
        ("ModifiedOn ge datetime'2999-01-01T00:00:00'", 0),
        ("StateCode/Value eq 0", 2),
        ("EMailAddress2 eq null", 2),
        ("substringof('brien',EMailAddress1)", 1),
    ],
)
def test_what_a_filter_finds(world, text, found):
    """Filters compare text without case, dates as dates, choices by Value."""
    world.contact(emailaddress1="a+b@example.com", statecode=0)
    world.contact(emailaddress1="o'brien@example.com", donotbulkemail=True, statecode=0)
    answer = world.rows(filter=text)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["d"]["results"]) == found


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "EMailAddress1 like 'a'"},
        {"filter": "emailaddress1 eq 'a'"},
        {"filter": "StateCode eq 0"},
        {"filter": "DoNotBulkEMail eq 'true'"},
        {"select": "Nothing"},
        {"format": "json"},
        {"inlinecount": "allpages"},
    ],
)
def test_what_is_refused(world, options):
    """What these servers do not know is refused with 400."""
    assert world.rows(**options).status_code == 400


def test_a_long_query_is_a_page_that_is_not_there(world):
    """IIS answers a query over 2,048 characters with its own page, which says nothing of any row."""
    answer = world.rows(filter=" or ".join(["EMailAddress1 eq 'somebody@example.com'"] * 60))
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (404, "text/html")


def test_writing(world):
    """A create answers the whole row, once for an id; a merge changes what it names and makes nothing."""
    id_ = "11111111-2222-4333-8444-555555555555"
    body = {"ContactId": id_, "LastName": "New", "EMailAddress1": "new@example.com"}
    made = world.session.post(f"{world.base}/ContactSet", json=body)
    assert (made.status_code, made.json()["d"]["DoNotBulkEMail"]) == (201, False)
    again = world.session.post(f"{world.base}/ContactSet", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (500, "-2147220937")
    assert world.merge(id_, DoNotBulkEMail=True).status_code == 204
    (row,) = world.rows(filter=f"ContactId eq guid'{id_}'").json()["d"]["results"]
    assert (row["DoNotBulkEMail"], row["EMailAddress1"]) == (True, "new@example.com")
    gone = world.merge("99999999-2222-4333-8444-555555555555", DoNotBulkEMail=True)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "-2147220969")
    assert world.merge(id_, Nothing=1).status_code == 400
    assert world.session.post(f"{world.base}/$batch", data=b"").status_code == 404


def test_rights_hold(world):
    """A user without the privilege reads nothing, and a plug-in's refusal is a 500 with its own code."""
    id_ = world.contact(emailaddress1="a@example.com")
    world.env.refused[id_] = (400, "0x80040265", "kept")
    refused = world.merge(id_, DoNotBulkEMail=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (500, "-2147220891")
    world.env.holders[world.env.service] = set()
    assert world.rows().status_code == 403
