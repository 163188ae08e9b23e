"""The two letters: one that asks the person, one that tells the person. The same arguments give the same letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlsplit, urlunsplit

from connector.core.address import Address
from connector.core.resubscribe import Origin, Request
from connector.core.token import Link, LinkDeed, Signer
from connector.ports.mailer import Letter

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body style="margin:0;padding:24px 16px;font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5">
<div style="max-width:34em;margin:0 auto">
{parts}
</div></body></html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{text}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a href="{url}" style="display:inline-block;padding:12px 20px;border-radius:6px;'
    'background:#0b57d0;color:#ffffff;font-weight:bold;text-decoration:none">{label}</a></p>'
)
_QUIET = '<p style="margin:0 0 16px;font-size:14px">{text} <a href="{url}">{label}</a></p>'


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A sentence, and the link that follows it; the main one is a button in HTML."""

    text: str
    url: str = ""
    label: str = ""
    main: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """The URLs of one letter. `confirm` ends with its request; the others never do."""

    confirm: str
    abuse: str
    unsubscribe: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingLinks:
    """The URLs that a sender puts into one mailing for one address; `unsubscribe` is a one-click link by RFC 8058."""

    unsubscribe: str
    resubscribe: str


def link_url(signer: Signer, public_url: str, link: Link) -> str:
    """The page of a signed link: `{public_url}/{tenant}/{deed}/{token}`, in ASCII whatever the host's name."""
    return f"{_ascii(public_url)}/{link.tenant}/{link.deed.value}/{signer.sign(link)}"


def links_for(request: Request, *, tenant: str, digest: str, public_url: str, signer: Signer) -> Links:
    """The links of a request's letter, bound to the address, the request and one deed each."""

    def url(deed: LinkDeed, request_id: str = request.id, expires_at: datetime | None = None) -> str:
        link = Link(tenant=tenant, deed=deed, digest=digest, request=request_id, expires_at=expires_at)
        return link_url(signer, public_url, link)

    return Links(
        confirm=url(LinkDeed.CONFIRM, expires_at=request.expires_at),
        abuse=url(LinkDeed.ABUSE),
        unsubscribe=url(LinkDeed.UNSUBSCRIBE, request_id=""),
    )


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
        """The letter of kind `confirm` or `notice`.

        Its Message-ID is the request's; `number` counts the mails of the request from 1, so a recorded resend is a
        new one. `at` is the time it was meant to leave, and its Date.
        """
        links = links_for(request, tenant=self.tenant, digest=digest, public_url=self.public_url, signer=self.signer)
        brand = " ".join(self.brand.split())
        asks = kind == "confirm"
        subject = f"Please confirm: mail from {brand}" if asks else f"You get mail from {brand} again"
        parts = (_asking if asks else _telling)(brand, address, request, links)
        return Letter(
            to=address,
            subject=subject,
            text=_text(parts),
            html=_html(subject, parts),
            message_id=f"<{request.id}.{number}@{_host(self.public_url)}>",
            date=at,
            headers={
                "List-Unsubscribe": f"<{links.unsubscribe}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )

    def url(
        self, deed: LinkDeed, digest: str, request: str = "", expires_at: datetime | None = None, list_: str = ""
    ) -> str:
        """One signed link."""
        link = Link(tenant=self.tenant, deed=deed, digest=digest, request=request, expires_at=expires_at, list=list_)
        return link_url(self.signer, self.public_url, link)

    def mailing_links(self, digest: str, *, mailing: str, expires_at: datetime, list_: str = "") -> MailingLinks:
        """What a sender puts into a mailing for an address: stop at any time, and a way back.

        The stop is one of all mail, or of `list_` alone. The way back can be used once per `mailing` (a name of the
        sender's) and until `expires_at`.
        """
        return MailingLinks(
            unsubscribe=self.url(LinkDeed.UNSUBSCRIBE, digest, list_=list_),
            resubscribe=self.url(LinkDeed.RESUBSCRIBE, digest, mailing, expires_at),
        )


def _asking(brand: str, address: str, request: Request, links: Links) -> list[_Part]:
    return [
        _Part(text="Hello,"),
        _Part(text=f"somebody asked {brand} to send mail to {address}. We think it was you.{_ticked(request)}"),
        _Part(
            text="If you want this mail, open this page and press the button there:",
            url=links.confirm,
            label="Yes, I want this mail",
            main=True,
        ),
        _Part(text=f"The link works until {_moment(request.expires_at)}. If you do nothing, nothing changes."),
        _Part(
            text="It was not you? Tell us, and we will not write to this address again:",
            url=links.abuse,
            label="This was not me",
        ),
        _stop(brand, links),
    ]


def _telling(brand: str, address: str, request: Request, links: Links) -> list[_Part]:
    how = {
        Origin.LINK: "You asked for it with the link in one of our mails",
        Origin.FORM: "You asked for it with our signup form",
    }.get(request.origin, "It was asked for")
    return [
        _Part(text="Hello,"),
        _Part(text=f"you are subscribed again: {address} gets mail from {brand}.{_ticked(request)}"),
        _Part(text=f"{how} on {_moment(request.asked_at)}. You need not do anything."),
        _Part(
            text="It was not you? Tell us, and it stops at once:",
            url=links.abuse,
            label="This was not me",
        ),
        _stop(brand, links),
    ]


def _stop(brand: str, links: Links) -> _Part:
    return _Part(text=f"To stop all mail from {brand}, at any time:", url=links.unsubscribe, label="Unsubscribe")


def _ticked(request: Request) -> str:
    lists = sorted(request.lists)
    if not lists:
        return ""
    return f" The {'list' if len(lists) == 1 else 'lists'}: {', '.join(lists)}."


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def _text(parts: list[_Part]) -> str:
    return "\n\n".join(f"{part.text}\n\n{part.url}" if part.url else part.text for part in parts) + "\n"


def _html(title: str, parts: list[_Part]) -> str:
    made = []
    for part in parts:
        text, url, label = escape(part.text), escape(part.url), escape(part.label)
        if not part.url:
            made.append(_PARAGRAPH.format(text=text))
        elif part.main:
            made.append(_PARAGRAPH.format(text=text) + "\n" + _BUTTON.format(url=url, label=label))
        else:
            made.append(_QUIET.format(text=text, url=url, label=label))
    return _HTML.format(title=escape(title), parts="\n".join(made))


def _host(public_url: str) -> str:
    host = urlsplit(public_url).hostname or "localhost"
    return f"[IPv6:{host}]" if ":" in host else host if host.isascii() else host.encode("idna").decode("ascii")


def _ascii(public_url: str) -> str:
    base = public_url.rstrip("/")
    if base.isascii():
        return base
    parts = urlsplit(base)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, _host(base) + port, quote(parts.path), "", ""))
