"""Signed links: bound to one address, one request and one deed, so that a link does what it says and no more."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class LinkDeed(StrEnum):
    """What a link may do. Unsubscribe and abuse links never expire; the others end with their request."""

    CONFIRM = "confirm"
    ABUSE = "abuse"
    RESUBSCRIBE = "resubscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """The claim of a link: tenant, deed, the address's digest, the request it belongs to, and its own expiry.

    `list` names the one list that an unsubscribe link leaves; empty for all mail.
    """

    tenant: str
    deed: LinkDeed
    digest: str
    request: str = ""
    expires_at: datetime | None = None
    list: str = ""

    def expired(self, now: datetime) -> bool:
        """Whether the link's own time is over at `now`; a link without one never is."""
        return self.expires_at is not None and now >= self.expires_at


class Signer:
    """Signs and reads links with one installation's key (at least 16 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, link: Link) -> str:
        """The token that stands in the URL: URL-safe text, no address in it."""
        ends = str(int(link.expires_at.timestamp())) if link.expires_at else ""
        parts = [link.tenant, link.deed.value, link.digest, link.request, ends, *([link.list] if link.list else [])]
        body = "\n".join(parts).encode()
        return f"{_encode(body)}.{_encode(self._mac(body))}"

    def read(self, token: str) -> Link | None:
        """The claim of a token, or None if it was not signed by this key or is damaged. Expiry is the caller's."""
        try:
            head, _, tail = token.partition(".")
            body, mac = _decode(head), _decode(tail)
            if not hmac.compare_digest(mac, self._mac(body)):
                return None
            tenant, deed, digest, request, ends, *name = body.decode().split("\n", 5)
            return Link(
                tenant=tenant,
                deed=LinkDeed(deed),
                digest=digest,
                request=request,
                expires_at=datetime.fromtimestamp(int(ends), UTC) if ends else None,
                list="".join(name),
            )
        except ValueError:
            return None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"connector link\n" + body, "sha256")[:16]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    # altchars with validate: urlsafe_b64decode alone would skip foreign characters and accept many forms of one token
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(raw) != text:
        raise ValueError("not the canonical form")
    return raw
