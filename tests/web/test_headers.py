"""What every answer carries, and what no page has."""

from __future__ import annotations

import re

import pytest
from connector.core.errors import ConfigError, TransientError
from connector.core.token import LinkDeed
from connector.testing.store_contract.world import SteppingClock
from connector.web.client import Clients, counted
from connector.web.limits import Limiter
from connector.web.pages import HERE
from connector.web.public import public_app
from starlette.requests import Request

from .page import Page


def _answers(web):
    web.ask()
    yield web.get("signup")
    yield web.sign_up("ada@example.com")
    yield web.sign_up("no address")
    yield web.get("nothing/here")
    yield web.post("signup", b"x" * 20_000)
    for deed in LinkDeed:
        yield web.get(web.url(deed, days=30))
        yield web.post(web.url(deed, days=30))
    yield web.session.request("OPTIONS", web.url(LinkDeed.CONFIRM), timeout=10)
    web.refuse(TransientError("busy"))
    yield web.get(web.url(LinkDeed.CONFIRM, days=30))
    web.refuse(RuntimeError("fault"))
    yield web.get(web.url(LinkDeed.CONFIRM, days=30))


def test_every_answer_is_guarded(web):
    """Every answer, to errors too, forbids scripts, framing, sniffing, keeping and referring, and sets no cookie."""
    for answer in _answers(web):
        headers = answer.headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        assert "server" not in headers


def test_no_page_brings_anything_along(web):
    """No page has a script, a style of its own, a frame or anything from elsewhere: only our style sheet."""
    for answer in _answers(web):
        page = Page(answer.text)
        assert not [
            e for e in page.elements if e.tag in ("script", "style", "iframe", "img", "object", "embed", "base")
        ]
        assert not [e for e in page.elements for name in e.attributes if name == "style" or name.startswith("on")]
        sources = [e.attributes.get("href") or e.attributes.get("src") or "" for e in page.elements]
        assert not [s for s in sources if re.match(r"(\w+:)?//", s)]
        (sheet,) = page.all("link", rel="stylesheet")
        url = answer.url.rpartition("/")[0] + "/" + (sheet.attributes["href"] or "")
        assert web.get(url).headers["content-type"].startswith("text/css")


def test_the_style_sheet_may_be_kept(web):
    """The style sheet alone may be kept for a while."""
    answer = web.get(f"{web.server.base_url}/static/style.css")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "@import" not in answer.text
    assert "url(" not in answer.text


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_can_be_read(scheme):
    """In light and dark, text stands out by 4.5 to 1 and edges of controls by 3 to 1 (WCAG AA)."""
    sheet = (HERE / "static" / "style.css").read_text()
    block = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[scheme]
    colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for text in ("ink", "quiet", "accent", "good", "problem"):
        assert _contrast(colour[text], colour["card"]) >= 4.5, text
    assert _contrast(colour["ink"], colour["accent-soft"]) >= 4.5
    assert _contrast(colour["on-accent"], colour["accent"]) >= 4.5
    assert _contrast(colour["edge"], colour["card"]) >= 3


def _asked(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, rubbish"], "unknown"),
        (None, ["198.51.100.1"], "unknown"),
    ],
)
def test_who_asks(peer, forwarded, client):
    """The client is the peer; behind trusted proxies the right-most address that is none of them."""
    assert Clients(["10.0.0.0/8"]).address(_asked(peer, *forwarded)) == client


def test_a_proxy_that_is_none(web):
    """A trusted proxy that is neither an address nor a network is refused at start."""
    with pytest.raises(ConfigError, match="trusted_proxies"):
        public_app(lambda _: None, SteppingClock(), ["proxy.example.com"])


def test_one_line_is_one_client():
    """All addresses of one IPv6 network count as one client, each IPv4 address by itself."""
    assert counted("2001:db8::1") == counted("2001:db8::ffff:1")
    assert counted("2001:db8::1") != counted("2001:db8:0:1::1")
    assert counted("203.0.113.9") != counted("203.0.113.10")
    assert counted("unknown") == "unknown"


def test_the_window_slides():
    """The limit holds in every span of its length, tells the exact wait, and refusals do not prolong it."""
    clock = SteppingClock()
    limiter = Limiter(clock, most=2, seconds=60)
    assert limiter.wait("a") == 0
    clock.sleep(20)
    assert limiter.wait("a") == 0
    for _ in range(3):
        clock.sleep(10)
        assert limiter.wait("a") == 60 - (clock.monotonic())
    clock.sleep(10)
    assert limiter.wait("a") == 0
    assert limiter.wait("a") == 20


def test_limits_do_not_fill_memory():
    """However many clients come, only so many are remembered, and the ones seen last are."""
    limiter = Limiter(SteppingClock(), most=1, seconds=60, keys=3)
    for key in "abcde":
        assert limiter.wait(key) == 0
    assert [limiter.wait(key) > 0 for key in "cde"] == [True] * 3
    assert limiter.wait("a") == 0
