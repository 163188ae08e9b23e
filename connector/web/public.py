"""The pages people see: signup, confirm, this was not me, resubscribe, unsubscribe. No script, no cookie, no third party."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from email_validator import EmailNotValidError, validate_email
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape

from connector.core.address import Address, normalise
from connector.core.errors import Failure
from connector.core.token import Link, LinkDeed, Signer
from connector.ports.clock import Clock
from connector.ports.platform import Platform, Standing
from connector.web.limits import Limiter
from connector.web.words import Words, after, before

LARGEST_BODY = 16_384
HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One tenant's pages: what the form says, and the platform behind it."""

    tenant: str
    brand: str
    title: str
    intro: str
    lists: tuple[str, ...]
    platform: Platform
    signer: Signer


Sites = Callable[[str], Site | None]


class Pages:
    """Renders pages and knows who asks."""

    def __init__(self, clock: Clock, trusted_proxies: frozenset[str]) -> None:
        self.clock = clock
        self._trusted = trusted_proxies
        self.by_client = Limiter(clock, most=20, seconds=600)
        self.by_address = Limiter(clock, most=5, seconds=3600)
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=select_autoescape(["html"]))

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """One page."""
        html = self._templates.get_template(name).render(**values)
        return HTMLResponse(html, status_code=status)

    def said(self, site: Site | None, words: Words, status: int = 200) -> HTMLResponse:
        """A page that says one thing."""
        return self.page("said.html", status, brand=site.brand if site else "", words=words)

    def client(self, request: Request) -> str:
        """The peer; behind a trusted proxy the right-most address that is not one."""
        peer = request.client.host if request.client else ""
        chain = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
        while peer in self._trusted and chain:
            peer = chain.pop()
        try:
            return str(ipaddress.ip_address(peer))
        except ValueError:
            return "unknown"


async def _form(request: Request) -> dict[str, list[str]]:
    """The fields of a posted form; read here, so that the handlers themselves may be plain functions."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Oversized
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)


class Oversized(ValueError):
    """A form that no person fills in."""


Form = Annotated[Mapping[str, list[str]], Depends(_form)]

NOT_FOUND = Words(
    title="This link does not work",
    text="It is damaged or incomplete. Please open it again from the mail you got.",
)
BUSY = Words(
    title="Please try again in a moment",
    text="We could not store your wish just now, and nothing was changed. Please press the button again in a minute.",
    alert=True,
)
TOO_MANY = Words(
    title="That was often",
    text="This form was sent many times from here. Please wait an hour and try again.",
    alert=True,
)


def public_app(sites: Sites, clock: Clock, trusted_proxies: frozenset[str] = frozenset()) -> FastAPI:
    """The application of every tenant's public pages."""
    pages = Pages(clock, trusted_proxies)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(Failure)
    async def busy(request: Request, error: Failure) -> Response:
        return pages.said(None, BUSY, 503)

    @app.exception_handler(Oversized)
    async def oversized(request: Request, error: Oversized) -> Response:
        return PlainTextResponse("The form is too large.\n", status_code=413)

    @app.exception_handler(404)
    async def missing(request: Request, error: Exception) -> Response:
        return pages.said(None, NOT_FOUND, 404)

    _signup(app, pages, sites)
    _links(app, pages, sites)
    return app


def _signup(app: FastAPI, pages: Pages, sites: Sites) -> None:
    @app.get("/{tenant}/signup")
    def form(tenant: str) -> Response:
        site = sites(tenant)
        return pages.page("signup.html", site=site) if site else pages.said(None, NOT_FOUND, 404)

    @app.post("/{tenant}/signup")
    def submit(tenant: str, request: Request, form: Form) -> Response:
        site = sites(tenant)
        if site is None:
            return pages.said(None, NOT_FOUND, 404)
        typed, ticked = "".join(form.get("email", [])).strip(), form.get("list", [])
        if not pages.by_client.allows(pages.client(request)):
            return _too_many(pages, site)
        address = judged(typed)
        if address is None:
            problem = "This does not look like an e-mail address. Please write it as name@example.com."
            return pages.page("signup.html", 422, site=site, typed=typed, ticked=ticked, problem=problem)
        if not pages.by_address.allows(f"{tenant}/{address}"):
            return _too_many(pages, site)
        chosen = frozenset(ticked) & frozenset(site.lists)
        site.platform.submit(address, chosen, pages.clock.now(), pages.client(request))
        return pages.page("submitted.html", site=site, typed=typed)


def _too_many(pages: Pages, site: Site) -> Response:
    response = pages.said(site, TOO_MANY, 429)
    response.headers["Retry-After"] = str(int(pages.by_address.seconds))
    return response


def judged(typed: str) -> Address | None:
    """A typed address in its normal form, or None; our own door is strict, but asks no DNS."""
    try:
        found = validate_email(typed, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    normal = normalise(found.normalized)
    return normal if isinstance(normal, str) else None


def _links(app: FastAPI, pages: Pages, sites: Sites) -> None:
    def opened(tenant: str, deed: LinkDeed, token: str) -> tuple[Site, Link] | None:
        site = sites(tenant)
        link = site.signer.read(token) if site else None
        if site is None or link is None or link.tenant != tenant or link.deed is not deed:
            return None
        return site, link

    @app.get("/{tenant}/{deed}/{token}")
    def show(tenant: str, deed: str, token: str) -> Response:
        found = opened(tenant, LinkDeed(deed), token) if deed in set(LinkDeed) else None
        if found is None:
            return pages.said(None, NOT_FOUND, 404)
        site, link = found
        words = before(link, site.platform.standing(link), site.brand, pages.clock.now())
        return pages.said(site, words)

    @app.post("/{tenant}/{deed}/{token}")
    def press(tenant: str, deed: str, token: str, form: Form) -> Response:
        found = opened(tenant, LinkDeed(deed), token) if deed in set(LinkDeed) else None
        if found is None:
            return pages.said(None, NOT_FOUND, 404)
        site, link = found
        act: dict[LinkDeed, Callable[[Link, Any], Standing]] = {
            LinkDeed.CONFIRM: site.platform.confirm,
            LinkDeed.ABUSE: site.platform.reject,
            LinkDeed.RESUBSCRIBE: site.platform.resubscribe,
            LinkDeed.UNSUBSCRIBE: site.platform.unsubscribe,
        }
        now = pages.clock.now()
        standing = act[link.deed](link, now)
        if link.deed is LinkDeed.UNSUBSCRIBE and not standing.blocked:
            return pages.said(site, NOT_FOUND, 404)
        return pages.said(site, after(link, standing, site.brand, now))
