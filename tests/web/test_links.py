"""The links of the mails: confirm, this was not me, resubscribe, unsubscribe."""

from __future__ import annotations

import pytest
from connector.core.errors import BugError, ConfigError, TransientError
from connector.core.lists import ListStatus
from connector.core.resubscribe import State
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.core.token import Link, LinkDeed, Signer

from .conftest import ADA, DIGESTER, REQUEST, SIGNER
from .page import Page

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def title(answer) -> str:
    """The heading of the page."""
    return Page(answer.text).one("h1").text


@pytest.mark.requirement("N19")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("deed", LinkDeed)
def test_only_a_press_acts(web, deed, method):
    """Whatever a scanner does with a link short of pressing its button, nothing is said and nothing changes."""
    web.ask()
    url = web.url(deed, days=30)
    answer = web.session.request(method, url, timeout=10, allow_redirects=False)
    assert answer.status_code == (200 if method in ("GET", "HEAD") else 405)
    assert web.said() == []
    assert web.member() is None
    if method == "GET":
        page = Page(answer.text)
        assert page.one("form").attributes["method"] == "post"
        assert page.one("button").text


def test_confirming(web):
    """The button confirms once; the link, spent, says that it is done, on both a look and a press."""
    web.ask()
    url = web.url(LinkDeed.CONFIRM, days=30)
    assert "Get mail from Example & Söhne?" in title(web.get(url))
    answer = web.post(url)
    assert (answer.status_code, title(answer)) == (200, "Thank you")
    assert Page(answer.text).role("status")
    (said,) = web.said()
    assert (said.kind, said.request) == (Kind.CONFIRM, REQUEST)
    for again in (web.get(url), web.post(url)):
        assert title(again) == "Thank you"
        assert not Page(again.text).all("button")
    assert len(web.said()) == 1


@pytest.mark.parametrize("days", [1, 30])
def test_confirming_too_late(web, days):
    """After the link's or the request's end the page says so, offers the form, and confirms nothing."""
    web.ask()
    url = web.url(LinkDeed.CONFIRM, days=days)
    assert "This link works until" in web.get(url).text
    web.clock.sleep(days * 86_400)
    for answer in (web.get(url), web.post(url)):
        assert title(answer) == "This link is too old"
        assert Page(answer.text).one("a").attributes["href"] == "../signup"
        assert not Page(answer.text).all("button")
    assert web.said() == []


@pytest.mark.parametrize("state", [s for s in State if s not in (State.REQUESTED, State.CHALLENGED)])
def test_a_spent_link_tells_the_state(web, state):
    """A link whose request has gone on or ended shows what holds, without a button that would do nothing."""
    web.ask(state)
    url = web.url(LinkDeed.CONFIRM, days=30)
    looked, pressed = web.get(url), web.post(url)
    assert title(looked) == title(pressed)
    assert not Page(looked.text).all("button")
    assert web.said() == []


def test_a_spent_link_after_a_later_stop(web):
    """Who confirmed and unsubscribed later is not told that mail comes."""
    web.ask(State.COMPLETED)
    web.post(web.url(LinkDeed.UNSUBSCRIBE))
    assert "No mail comes to you" in web.get(web.url(LinkDeed.CONFIRM, days=30)).text


def test_a_request_that_is_not_there(web):
    """A confirm link of a request that is not there, or is another address's, confirms nothing."""
    web.ask()
    for url in (
        web.url(LinkDeed.CONFIRM, request="f" * 32, days=30),
        web.url(LinkDeed.CONFIRM, "bo@example.com", days=30),
    ):
        assert title(web.post(url)) == "This link is too old"
    assert web.said() == []


@pytest.mark.requirement("S24")
@pytest.mark.parametrize("state", list(State))
def test_this_was_not_me(web, state):
    """The report is taken whatever the request's state, any number of times, however late, and blocks at once."""
    web.ask(state)
    url = web.url(LinkDeed.ABUSE)
    web.clock.sleep(400 * 86_400)
    for _ in range(2):
        answer = web.post(url)
        assert (answer.status_code, title(answer)) == (200, "Thank you for telling us")
    assert [(s.kind, s.request) for s in web.said()] == [(Kind.COMPLAINT, REQUEST)] * 2
    assert web.member().suppressed is Reason.ABUSE
    web.move(State.REJECTED)
    assert "You told us" in web.get(url).text


@pytest.mark.parametrize("body", [ONE_CLICK, {}, b"", b"anything at all"])
def test_unsubscribing_by_one_click(web, body):
    """A POST without cookies blocks at once and answers 200 without a redirect, whatever its body (RFC 8058)."""
    web.ask()
    answer = web.post(web.url(LinkDeed.UNSUBSCRIBE, request=""), body)
    assert answer.status_code == 200
    assert not answer.headers.get("set-cookie")
    assert not answer.history
    assert web.member().suppressed is Reason.UNSUBSCRIBED
    (said,) = web.said()
    assert said.kind is Kind.STOP


@pytest.mark.requirement("S13", "N19")
def test_unsubscribing_from_one_list(web):
    """A list's link names its list, leaves it by one click and blocks nothing else; to look at it changes nothing."""
    web.ask()
    name = "Offers & <more>"
    web.platform.set_list(ADA, name, ListStatus.SUBSCRIBED, web.clock.now())
    url = web.url(LinkDeed.UNSUBSCRIBE, request="", name=name)
    looked = web.get(url)
    assert "Stop Offers &amp; &lt;more&gt;" in looked.text
    assert web.said() == []
    for _ in range(2):
        answer = web.post(url, ONE_CLICK)
        assert (answer.status_code, title(answer)) == (200, f"You are unsubscribed from {name}")
    assert [(s.kind, s.scope) for s in web.said()] == [(Kind.STOP, name)] * 2
    assert web.member().suppressed is None
    assert web.member().lists[name] is ListStatus.UNSUBSCRIBED


def test_unsubscribing_by_a_multipart_body(web):
    """A mail program may send its one click as multipart form data."""
    web.ask()
    answer = web.post(web.url(LinkDeed.UNSUBSCRIBE), None, files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert web.member().suppressed is Reason.UNSUBSCRIBED


def test_unsubscribing_again_and_late(web):
    """The link works any number of times and for ever; a look says that no mail comes, and still offers the button."""
    web.ask()
    url = web.url(LinkDeed.UNSUBSCRIBE, request="")
    web.post(url, ONE_CLICK)
    web.clock.sleep(3_000 * 86_400)
    looked = web.get(url)
    assert "You get no mail" in looked.text
    assert Page(looked.text).all("button")
    assert web.post(url, ONE_CLICK).status_code == 200
    assert len(web.said()) == 2


def test_an_unsubscribe_that_could_not_be_stored(web):
    """Where nothing was stored, the answer is never 200."""
    web.ask()
    for trouble in (TransientError("busy"), ConfigError("x"), BugError("x"), RuntimeError("x")):
        web.refuse(trouble)
        assert web.post(web.url(LinkDeed.UNSUBSCRIBE), ONE_CLICK).status_code in (500, 503)
    assert web.member() is None


@pytest.mark.requirement("S2")
def test_coming_back_by_a_link(web):
    """A resubscribe link's button asks once, for its own address; the link is spent then, and says so."""
    web.platform.suppress(ADA, Reason.UNSUBSCRIBED, web.clock.now())
    url = web.url(LinkDeed.RESUBSCRIBE, request="mailing-7", days=30)
    assert Page(web.get(url).text).one("button").text == "Yes, send me mail again"
    assert title(web.post(url)) == "Welcome back"
    assert title(web.post(url)) == "This link was used before"
    (said,) = web.said()
    assert (said.kind, said.allowed) == (Kind.ASK, True)
    assert list(web.door.addresses.values()) == [ADA]


def test_coming_back_too_late(web):
    """An expired resubscribe link says so on a look and on a press, and asks nothing."""
    web.platform.suppress(ADA, Reason.UNSUBSCRIBED, web.clock.now())
    url = web.url(LinkDeed.RESUBSCRIBE, request="mailing-7", days=1)
    web.clock.sleep(86_400)
    assert title(web.get(url)) == title(web.post(url)) == "This link is too old"
    assert web.said() == []


def _damaged(web) -> list[str]:
    good = web.url(LinkDeed.CONFIRM, days=30)
    token = good.rpartition("/")[2]
    other = Link(tenant="other", deed=LinkDeed.CONFIRM, digest=DIGESTER(ADA), request=REQUEST)
    mine = Link(tenant="acme", deed=LinkDeed.CONFIRM, digest=DIGESTER(ADA), request=REQUEST)
    return [
        good[:-1],
        good + "A",
        good.replace("/confirm/", "/unsubscribe/"),
        good.replace("/confirm/", "/anything/"),
        good.replace("/acme/", "/other/"),
        f"{web.base}/confirm/{SIGNER.sign(other)}",
        f"{web.base}/confirm/{Signer(b'another key 0123').sign(mine)}",
        f"{web.base}/confirm/%00%ff",
        f"{web.base}/confirm/" + "A" * 5000,
        f"{web.base}/confirm/{token}/more",
        f"{web.base}/confirm/",
        f"{web.base}/",
        f"{web.server.base_url}/",
        f"{web.server.base_url}/nobody/signup",
        f"{web.server.base_url}/docs",
        f"{web.server.base_url}/openapi.json",
        f"{web.server.base_url}/static/../../../../etc/passwd",
        f"{web.server.base_url}/static/missing.css",
    ]


@pytest.mark.parametrize("n", range(18))
def test_what_is_not_there(web, n):
    """A damaged, foreign or misplaced link, and every other address, is not there, in plain words, and says nothing."""
    web.ask()
    url = _damaged(web)[n]
    for method in ("GET", "POST"):
        answer = web.session.request(method, url, timeout=10, allow_redirects=False)
        if "/static/" in url and method == "POST":
            assert answer.status_code in (404, 405)
            continue
        assert (answer.status_code, title(answer)) == (404, "This page does not exist")
        assert "text/html" in answer.headers["content-type"]
    assert web.said() == []


@pytest.mark.parametrize("deed", LinkDeed)
def test_a_database_that_refuses(web, deed):
    """Where the database refuses, the page says that nothing was lost and when to come again, and offers the button."""
    web.ask()
    url = web.url(deed, days=30)
    web.refuse()
    for answer, method in ((web.get(url), "get"), (web.post(url), "post")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        page = Page(answer.text)
        assert "Nothing was lost" in page.role("alert")[0]
        assert page.one("form").attributes["method"] == method
    web.door.trouble = None
    assert web.post(url).status_code == 200
    assert len(web.said()) == 1


def test_a_fault_of_ours(web):
    """A fault that nobody foresaw is a page in plain words that tells nothing of our insides."""
    web.ask()
    web.refuse(RuntimeError("secret details"))
    answer = web.get(web.url(LinkDeed.CONFIRM, days=30))
    assert answer.status_code == 500
    assert title(answer) == "Something went wrong on our side"
    assert "secret" not in answer.text
