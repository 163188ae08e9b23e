"""One e-mail address as an identity: its normal form, and its digest under the installation's key.

Whatever a vendor holds gets a key; only what cannot be an address at all is refused. Judging whether an address is
well formed belongs to our own doors (the form, the command), never here.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

import idna

Address = NewType("Address", str)
"""A normal form, as `normalise` returns it."""

Digest = NewType("Digest", str)
"""What stands for an address where it must not be readable: `n<normaliser>k<key id>:<32 hex digits>`."""

NORMALISER = 1
LONGEST = 320

_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLAIN = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~.-]+@{_LABEL}(?:\.{_LABEL})*")
_ATOM = re.compile(r"[^\s\"(),:;<>@\[\\\]]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a text is no address. The text itself is not repeated."""

    why: str


def normalise(raw: str) -> Address | Refusal:
    """The normal form of what a vendor or a person wrote, or why there is none. Never raises.

    Local part: NFC and `lower()` (never casefold: `ß` would become `ss` and merge two people), quotes dropped where
    they change nothing. Domain: IDNA 2008 A-label, lower case, no final dots; no DNS is asked.
    """
    lowered = raw.lower() if raw.isascii() else ""
    if lowered and len(lowered) <= LONGEST and _PLAIN.fullmatch(lowered):
        return Address(lowered)
    text = raw.strip()
    if len(text) > 4 * LONGEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        return Refusal(why="longer than 320 bytes")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        return Refusal(why="holds a control character")
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1].strip()
    local, at, domain = text.rpartition("@")
    if not at:
        return Refusal(why="has no @")
    normal = f"{_local(local)}@{_domain(domain)}"
    if len(normal.encode()) > LONGEST:
        return Refusal(why="longer than 320 bytes")
    return Address(normal)


def _local(local: str) -> str:
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        inside = re.sub(r"\\(.)", r"\1", local[1:-1])
        if _ATOM.fullmatch(inside) and ".." not in inside and inside[0] != "." and inside[-1] != ".":
            local = inside
    # Lowering may leave a form that composes again, so NFC stands on both sides.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())


def _domain(domain: str) -> str:
    bare = re.sub(r"[\s.]+$", "", domain.strip())
    try:
        return idna.encode(bare, uts46=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError, IndexError):
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", bare).lower())


class Digester:
    """Turns normal forms into digests under one installation's key."""

    def __init__(self, *, key: bytes, key_id: str) -> None:
        self._key = key
        self._prefix = f"n{NORMALISER}k{key_id}:"

    def __call__(self, address: Address) -> Digest:
        """The digest of `address`; the same address and key always give the same text."""
        return Digest(self._prefix + hmac.digest(self._key, address.encode(), "sha256").hex()[:32])

    def check_value(self) -> str:
        """What the database keeps to know the key again: a digest of no address."""
        return self._prefix + hmac.digest(self._key, b"connector digest key check", "sha256").hex()


def masked(address: str) -> str:
    """An address as logs may show it: first letter and domain (`a***@example.com`)."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"
