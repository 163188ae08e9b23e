"""Signed links: what was signed is read, and nothing else is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from connector.core.token import Link, LinkDeed, Signer
from hypothesis import given, settings
from hypothesis import strategies as st

SIGNER = Signer(b"k" * 32)
ENDS = datetime(2026, 12, 26, 9, 30, tzinfo=UTC)
LINK = Link(tenant="acme", deed=LinkDeed.CONFIRM, digest="n1k1:00ff", request="abc", expires_at=ENDS)


@pytest.mark.parametrize("deed", list(LinkDeed))
@pytest.mark.parametrize("ends", [None, ENDS])
@pytest.mark.parametrize("name", ["", "News", "Größen & Trends"])
def test_what_was_signed_is_read(deed: LinkDeed, ends: datetime | None, name: str) -> None:
    """A link comes back whole, with its deed, request, address, expiry and list."""
    link = Link(tenant="acme", deed=deed, digest="n1k1:00ff", request="abc", expires_at=ends, list=name)
    assert SIGNER.read(SIGNER.sign(link)) == link


def test_no_single_flipped_bit_is_read() -> None:
    """A token with any one bit changed is no link."""
    token = SIGNER.sign(LINK).encode()
    for place in range(len(token)):
        for bit in range(8):
            broken = bytearray(token)
            broken[place] ^= 1 << bit
            assert SIGNER.read(broken.decode("latin-1")) is None, (place, bit)


@pytest.mark.requirement("S2")
def test_a_deed_cannot_be_exchanged_for_another() -> None:
    """A link that may unsubscribe cannot be made one that confirms, nor one address's link another's."""
    token = SIGNER.sign(LINK)
    head, _, mac = token.partition(".")
    body = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    for old, new in ((b"confirm", b"unsubscribe"), (b"00ff", b"00fe"), (b"acme", b"acne"), (b"abc", b"abd")):
        forged = base64.urlsafe_b64encode(body.replace(old, new)).rstrip(b"=").decode()
        assert SIGNER.read(f"{forged}.{mac}") is None


def test_another_key_reads_nothing() -> None:
    """A link that another installation signed is no link."""
    assert Signer(b"l" * 32).read(SIGNER.sign(LINK)) is None


def test_a_link_carries_its_own_expiry() -> None:
    """A link is over from its own time on, and one without a time never is."""
    assert not LINK.expired(ENDS - timedelta(seconds=1))
    assert LINK.expired(ENDS)
    assert not Link(tenant="acme", deed=LinkDeed.UNSUBSCRIBE, digest="d").expired(ENDS + timedelta(days=9999))


def test_there_is_one_form_of_a_token() -> None:
    """Padding, spaces, foreign characters and loose last bits make no second form of one token."""
    token = SIGNER.sign(LINK)
    head, _, mac = token.partition(".")
    others = [token + "=", f"{head}=.{mac}", f" {token}", f"{token}\n", token + ".", f"{head}!.{mac}", f"{head}..{mac}"]
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if last != mac[-1]:
            others.append(token[:-1] + last)
    assert [text for text in others if SIGNER.read(text) is not None] == []


def test_a_token_shows_no_address() -> None:
    """A token is text for a URL and holds digest, not address."""
    token = SIGNER.sign(LINK)
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=120))
def test_reading_anything_never_raises(text: str) -> None:
    """Whatever stands in a URL is a link or none, never an error."""
    assert SIGNER.read(text) is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12), min_size=3))
def test_what_a_link_says_is_kept_or_it_is_no_link(parts: list[str]) -> None:
    """Any words in a link come back as they went in."""
    link = Link(tenant=parts[0], deed=LinkDeed.ABUSE, digest=parts[1], request=parts[2])
    assert SIGNER.read(SIGNER.sign(link)) == link
