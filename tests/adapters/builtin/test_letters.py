"""The two letters and their links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from connector.adapters.esp.builtin.letters import LetterWriter, links_for
from connector.adapters.mail.mime import mime
from connector.core.address import normalise
from connector.core.resubscribe import Origin, Request, State
from connector.core.token import LinkDeed, Signer

WHEN = datetime(2026, 11, 26, 21, 53, tzinfo=UTC)
SIGNER = Signer(b"0123456789abcdef")
ADA = normalise("ada@example.com")
DIGEST = "n1k1:" + "ab" * 16
WRITER = LetterWriter(tenant="acme", brand="Example News", public_url="https://mail.example.com/", signer=SIGNER)
REQUEST = Request(
    id="0123456789abcdef0123456789abcdef",
    state=State.REQUESTED,
    origin=Origin.FORM,
    asked_by="the person",
    asked_at=WHEN,
    expires_at=WHEN + timedelta(days=30),
    lists=frozenset({"Offers", "News"}),
)


def letter(kind="confirm", writer=WRITER, request=REQUEST, address=ADA, number=1):
    """One letter to Ada."""
    return writer.compose(kind, request=request, address=address, digest=DIGEST, number=number, at=WHEN)


class Links(HTMLParser):
    """The links of an HTML letter, and every tag that is there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Collects."""
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]


def claim(url):
    """What the token of a URL says."""
    return SIGNER.read(url.rpartition("/")[2])


@pytest.mark.parametrize("kind", ["confirm", "notice"])
def test_the_same_letter_twice(kind):
    """The same request, address, number and time give the same letter, to the byte."""
    assert letter(kind) == letter(kind)
    sent = [mime(letter(kind), sender="news@example.com", sender_name="News") for _ in range(2)]
    assert sent[0] == sent[1]
    assert letter(kind).date == WHEN


@pytest.mark.requirement("S23")
def test_one_message_id_for_a_request():
    """The Message-ID is the request's with the number of its mail, at the pages' host."""
    assert letter().message_id == "<0123456789abcdef0123456789abcdef.1@mail.example.com>"
    assert letter("notice").message_id == letter().message_id
    assert letter(number=2).message_id == "<0123456789abcdef0123456789abcdef.2@mail.example.com>"


@pytest.mark.parametrize("kind", ["confirm", "notice"])
def test_one_click_unsubscribe(kind):
    """Both letters can be answered by one click of the mail program (RFC 8058), with a link that never expires."""
    headers = letter(kind).headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = claim(headers["List-Unsubscribe"].strip("<>"))
    assert (link.deed, link.digest, link.request, link.expires_at) == (LinkDeed.UNSUBSCRIBE, DIGEST, "", None)


def test_links_are_bound():
    """Each link is bound to tenant, address, request and deed; only the confirming one ends, with the request."""
    links = links_for(REQUEST, tenant="acme", digest=DIGEST, public_url="https://mail.example.com", signer=SIGNER)
    for deed in ("confirm", "abuse", "unsubscribe"):
        url = getattr(links, deed)
        assert url.startswith(f"https://mail.example.com/acme/{deed}/")
        link = claim(url)
        assert (link.tenant, link.deed.value, link.digest) == ("acme", deed, DIGEST)
    assert claim(links.confirm).request == claim(links.abuse).request == REQUEST.id
    assert claim(links.confirm).expires_at == REQUEST.expires_at
    assert claim(links.abuse).expires_at is None


@pytest.mark.parametrize(
    ("kind", "deeds"), [("confirm", ["confirm", "abuse", "unsubscribe"]), ("notice", ["abuse", "unsubscribe"])]
)
def test_text_and_html_say_the_same(kind, deeds):
    """Text and HTML carry the same links, and nothing of anybody else's: no picture, no script, no style sheet."""
    made = letter(kind)
    html = Links(made.html)
    in_text = [line for line in made.text.splitlines() if line.startswith("https://")]
    assert in_text == html.links
    assert [claim(url).deed.value for url in html.links] == deeds
    assert not html.tags & {"img", "script", "link", "style", "iframe"}


def test_the_letter_says_what_happens():
    """The asking letter names brand, address, lists and the link's end, and says that silence changes nothing."""
    for said in ("Example News", "ada@example.com", "News, Offers", "26 December 2026, 21:53 UTC", "nothing changes"):
        assert said in letter().text
        assert said in letter().html
    assert "Example News" in letter().subject


def test_the_notice_says_what_happened():
    """The notice says who gets mail again, how and when it was asked for, and what to do if it was somebody else."""
    for origin, said in (
        (Origin.LINK, "with the link in one of our mails on 26 November 2026"),
        (Origin.FORM, "with our signup form on 26 November 2026"),
        (Origin.COMMAND, "It was asked for on 26 November 2026"),
    ):
        made = letter("notice", request=replace(REQUEST, origin=origin, lists=frozenset()))
        assert said in made.text
        assert "you are subscribed again: ada@example.com" in made.text
        assert "It was not you?" in made.text
        assert "The list" not in made.text


def test_words_cannot_break_out():
    """Brand, lists and address are shown as written, never as HTML or as another header."""
    brand = 'A & B <b>"News"</b>\r\nBcc: eve@example.com'
    writer = replace(WRITER, brand=brand)
    odd = normalise("<script>'&\"@example.com")
    made = letter(writer=writer, address=odd, request=replace(REQUEST, lists=frozenset({"<i>{brand}</i>"})))
    assert not Links(made.html).tags & {"b", "i", "script"}
    assert "{brand}" in made.text
    assert "\n" not in made.subject
    mime(made, sender="news@example.com", sender_name="News")


@pytest.mark.parametrize(
    ("public_url", "host", "starts"),
    [
        ("http://127.0.0.1:8480", "127.0.0.1", "http://127.0.0.1:8480/acme/"),
        ("http://[::1]:8480", "[IPv6:::1]", "http://[::1]:8480/acme/"),
        (
            "https://Post.Müller.example/Mail/",
            "post.xn--mller-kva.example",
            "https://post.xn--mller-kva.example/Mail/acme/",
        ),
        ("https://x.example/a/b", "x.example", "https://x.example/a/b/acme/"),
    ],
)
def test_where_the_pages_are(public_url, host, starts):
    """Whatever the pages' address, links and Message-ID are plain ASCII and lead there."""
    made = letter(writer=replace(WRITER, public_url=public_url))
    assert made.message_id.endswith(f".1@{host}>")
    assert made.headers["List-Unsubscribe"].startswith(f"<{starts}unsubscribe/")
    assert made.headers["List-Unsubscribe"].isascii()
    mime(made, sender="news@example.com", sender_name="News")


@pytest.mark.requirement("S2")
def test_links_for_a_newsletter():
    """A sender gets, for one address, a link that stops at any time and one that leads back, once per mailing."""
    links = WRITER.mailing_links(DIGEST, mailing="2026-48", expires_at=WHEN)
    stop, back = claim(links.unsubscribe), claim(links.resubscribe)
    assert (stop.deed, stop.digest, stop.expires_at) == (LinkDeed.UNSUBSCRIBE, DIGEST, None)
    assert (back.deed, back.digest, back.request, back.expires_at) == (LinkDeed.RESUBSCRIBE, DIGEST, "2026-48", WHEN)
