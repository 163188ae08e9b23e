"""The bytes of a letter."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from connector.adapters.mail.mime import mailbox, mime
from connector.core.address import normalise
from connector.core.errors import RejectedError
from connector.ports.mailer import Letter
from hypothesis import given
from hypothesis import strategies as st

from .conftest import letter

URL = "<https://mail.example.com/acme/unsubscribe/" + "Ab9_-" * 60 + ">"


def made(given_: Letter, name: str = "Example News") -> bytes:
    """The bytes, from the example sender."""
    return mime(given_, sender="news@example.com", sender_name=name)


def test_the_same_letter_gives_the_same_bytes():
    """Composed twice, a letter is the same to the byte, its MIME boundary included."""
    assert made(letter()) == made(letter())
    assert made(letter()) != made(letter(message_id="<0123456789abcdef.2@mail.example.com>"))


def test_a_long_link_stays_a_link_in_its_header():
    """A long List-Unsubscribe stands in one line as it is, not folded into encoded words."""
    headers = {"List-Unsubscribe": URL, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    lines = made(letter(headers=headers)).split(b"\r\n")
    assert f"List-Unsubscribe: {URL}".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


def test_the_parts_are_read_as_written():
    """Text and HTML come out of the message as they went in, in ASCII lines short enough for any server."""
    raw = made(letter(text="Grüße, ℳ\n" + "x" * 3000 + "\n", html="<p>ä</p>"))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = message_from_bytes(raw, policy=default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Grüße, ℳ", "x" * 3000]
    assert html.get_content().strip() == "<p>ä</p>"


@pytest.mark.parametrize(
    "bad",
    [
        letter(to="ada@example.com\r\nBcc: eve@example.com"),
        letter(message_id="<x@y>\r\nBcc: eve@example.com"),
        letter(headers={"X-Note": "a\nBcc: eve@example.com"}),
        letter(headers={"X: y\r\nBcc": "eve@example.com"}),
        letter(headers={"List-Unsubscribe": "https://example.com/ü"}),
    ],
)
def test_no_header_can_be_smuggled_in(bad):
    """A line break in an address, a Message-ID or a further header refuses the letter."""
    with pytest.raises(RejectedError):
        made(bad)


def test_a_brand_with_line_breaks_is_one_line():
    """Words that come from configuration cannot break out of their header: each becomes one line."""
    raw = made(letter(subject="News\r\nBcc: eve@example.com"), name="Ex\r\nBcc: eve@example.com")
    message = message_from_bytes(raw, policy=default)
    assert message["Bcc"] is None
    assert message["Subject"] == "News Bcc: eve@example.com"
    assert [a.addr_spec for a in message["From"].addresses] == ["news@example.com"]


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("a..b@example.com", '"a..b"@example.com'),
        ("a,eve@example.com", '"a,eve"@example.com'),
        ("ada lovelace@example.com", '"ada lovelace"@example.com'),
        ('"a b"@example.com', '"a b"@example.com'),
        ("a@b@example.com", '"a@b"@example.com'),
        ("ſam@xn--mller-kva.example", "ſam@xn--mller-kva.example"),
    ],
)
def test_an_odd_address_is_one_mailbox(address, written):
    """What a vendor held as an address is written so that exactly that one mailbox can be meant."""
    assert mailbox(address) == written


@pytest.mark.parametrize(
    "address", ["ada@straße_x.example", "ada@", "@example.com", "ada", "ada@ex>ample.com", "a@ü.example"]
)
def test_no_mailbox(address):
    """An address whose domain no mail server can have is refused before anything is sent."""
    with pytest.raises(RejectedError):
        mailbox(address)


@given(st.text(max_size=60).map(lambda text: f"{text}@example.com"))
def test_a_letter_never_reaches_a_second_mailbox(raw):
    """Whatever the local part, a letter names one mailbox at the address's own domain, or is refused."""
    address = normalise(raw)
    if not isinstance(address, str):
        return
    try:
        message = message_from_bytes(made(letter(to=address)), policy=default.clone(utf8=True))
    except RejectedError:
        return
    assert message["Bcc"] is None
    assert message["Subject"] == "Please confirm"
    assert len(message.get_all("To")) == 1
    (to,) = message["To"].addresses
    assert to.domain == address.rpartition("@")[2]
