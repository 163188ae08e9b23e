"""The two letters: one that asks the person, one that tells the person. The same arguments give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlsplit

from connector.core.address import Address
from connector.core.note import stamp
from connector.core.resubscribe import Request
from connector.core.token import Link, LinkDeed, Signer
from connector.ports.mailer import Letter

_CONFIRM_TEXT = """Hello,

somebody, we think you, asked {brand} to send mail to {address} again{lists}.

If that was you, press this link and then the button on its page:

{confirm}

If you do nothing, nothing changes and you get no mail. The link works until {ends}.

If this was not you, tell us here; we will never ask again:

{abuse}

To stop all mail from {brand} at any time:

{unsubscribe}
"""

_NOTICE_TEXT = """Hello,

{address} gets mail from {brand} again{lists}, as asked on {asked}.

If this was not you, tell us here, and it stops at once:

{abuse}

To stop all mail from {brand} at any time:

{unsubscribe}
"""

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a;max-width:34em;margin:1em auto">
{paragraphs}
</body></html>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterWriter:
    """Composes one tenant's letters. `public_url` is where the pages are; `brand` is who writes."""

    tenant: str
    brand: str
    public_url: str
    signer: Signer

    def compose(
        self, kind: str, *, request: Request, address: Address, digest: str, number: int, at: datetime
    ) -> Letter:
        """The letter of kind `confirm` or `notice`. Its Message-ID is the request's; a recorded resend counts on."""
        links = {
            "confirm": self.url(LinkDeed.CONFIRM, digest, request.id, request.expires_at),
            "abuse": self.url(LinkDeed.ABUSE, digest, request.id),
            "unsubscribe": self.url(LinkDeed.UNSUBSCRIBE, digest),
        }
        ticked = sorted(request.lists)
        words = {
            "brand": self.brand,
            "address": address,
            "lists": f" (lists: {', '.join(ticked)})" if ticked else "",
            "ends": stamp(request.expires_at),
            "asked": stamp(request.asked_at),
        }
        asks = kind == "confirm"
        text = (_CONFIRM_TEXT if asks else _NOTICE_TEXT).format(**words, **links)
        subject = f"Please confirm: mail from {self.brand}" if asks else f"You get mail from {self.brand} again"
        host = urlsplit(self.public_url).hostname or "localhost"
        return Letter(
            to=address,
            subject=subject,
            text=text,
            html=_html(subject, text),
            message_id=f"<{request.id}.{kind}.{number}@{host}>",
            date=at,
            headers={
                "List-Unsubscribe": f"<{links['unsubscribe']}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )

    def url(self, deed: LinkDeed, digest: str, request: str = "", expires_at: datetime | None = None) -> str:
        """One signed link; a sender may put the unsubscribe and resubscribe ones into its own mails."""
        link = Link(tenant=self.tenant, deed=deed, digest=digest, request=request, expires_at=expires_at)
        return f"{self.public_url.rstrip('/')}/{self.tenant}/{deed.value}/{self.signer.sign(link)}"


def _html(title: str, text: str) -> str:
    """The same words as HTML: a paragraph each, a link for each address that stands alone."""
    paragraphs = []
    for block in text.strip().split("\n\n"):
        safe = escape(block)
        if block.startswith(("https://", "http://")):
            paragraphs.append(f'<p><a href="{safe}">{safe}</a></p>')
        else:
            paragraphs.append(f"<p>{safe}</p>")
    return _HTML.format(title=escape(title), paragraphs="\n".join(paragraphs))
