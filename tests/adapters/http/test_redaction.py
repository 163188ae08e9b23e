"""What of a vendor's words may be shown."""

from __future__ import annotations

import pytest
from connector.adapters._redaction import LONGEST, redacted

SECRET = "Tr0ub4dor"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: OAuth {SECRET}",
        f"Basic {SECRET}",
        f'{{"access_token":"{SECRET}","x":1}}',
        f'{{"refresh_token" : "{SECRET}"}}',
        f"grant_type=password&password={SECRET}&x=1",
        f"client_secret={SECRET}",
        f"assertion={SECRET}",
        f"<sessionId>{SECRET}</sessionId>",
        f"session_id: {SECRET}",
        f"sid 00D000000000001AAA!{SECRET}.more",
        f"sid=00D000000000001%21{SECRET}",
    ],
)
def test_secrets_are_replaced(text):
    """No token, password, key or session id is shown, whichever way it is written."""
    shown = redacted(text)
    assert SECRET not in shown
    assert "<secret>" in shown


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "ada.l+tag@mail.example.co.uk",
        "o'brien@example.com",
        '"ada l"@example.com',
        "ada%40example.com",
        "ADA@EXAMPLE.COM",
        "größe@exämple.com",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "Email = '{}'", '"{}"', "<{}>", "q={}&x=1", "to {}, please", "duplicate: {}."]
)
def test_addresses_are_replaced(address, around):
    """No address is shown, not even in a URL."""
    shown = redacted(around.format(address))
    assert "<address>" in shown
    for part in ("ada", "brien", "größe", "example.com"):
        assert part not in shown.lower()


def test_the_rest_stays():
    """What is no secret stays, in one line of at most 300 characters."""
    words = "FIELD_CUSTOM_VALIDATION_EXCEPTION: the token was fine; see 00D000000000001AAA"
    assert redacted(words) == words
    assert redacted("one\n  two\r\n\tthree") == "one two three"
    assert len(redacted("x" * 10_000)) == LONGEST
