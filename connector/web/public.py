"""The pages people see: signup, confirm, this was not me, resubscribe, unsubscribe. No script, cookie or third party.

A GET never acts, whatever opens it (N19); a POST acts without cookies and answers without a redirect (RFC 8058).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from connector.core.errors import Failure
from connector.core.token import Link, LinkDeed, Signer
from connector.observability.logs import logger
from connector.ports.clock import Clock
from connector.ports.platform import Platform, Standing
from connector.web import words as say
from connector.web.client import Clients, counted
from connector.web.form import Form, judged
from connector.web.limits import Limiter
from connector.web.pages import HEADERS, HERE, Guarded, Pages

READ = ["GET", "HEAD"]
BUSY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One tenant's pages: what the form says, and the platform behind it.

    `confirms` tells whether the form's ask waits for the person's answer to a mail (policy `confirm`), so that the form
    may say so.
    """

    tenant: str
    brand: str
    title: str
    intro: str
    lists: tuple[str, ...]
    platform: Platform
    signer: Signer
    confirms: bool = True


Sites = Callable[[str], Site | None]


def public_app(sites: Sites, clock: Clock, trusted_proxies: Collection[str] = frozenset()) -> FastAPI:
    """The application of every tenant's public pages. Raises: `ConfigError` for a trusted proxy that is no address."""
    pages, clients = Pages(), Clients(trusted_proxies)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    _errors(app, pages)
    _signup(app, pages, sites, clock, clients)
    _links(app, pages, sites, clock)
    app.add_middleware(Guarded)
    return app


def _errors(app: FastAPI, pages: Pages) -> None:
    log = logger()

    @app.exception_handler(Failure)
    async def busy(request: Request, error: Failure) -> Response:
        log.error("page.failed", method=request.method, why=error.log, family=type(error).__name__)
        return pages.said(request, say.BUSY, 503, wait=BUSY_SECONDS)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        words = {404: say.NOT_FOUND, 413: say.OVERSIZED}.get(error.status_code, say.NOT_ALLOWED)
        response = pages.said(request, words, error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        response = pages.said(request, say.BROKEN, 500)
        # an answer to an unforeseen fault leaves outside of every middleware
        response.headers.update(HEADERS)
        return response


def _signup(app: FastAPI, pages: Pages, sites: Sites, clock: Clock, clients: Clients) -> None:
    by_client = Limiter(clock, most=20, seconds=600)
    by_address = Limiter(clock, most=5, seconds=3600)

    @app.api_route("/{tenant}/signup", methods=READ)
    def form(tenant: str, request: Request) -> Response:
        site = sites(tenant)
        return _filled(pages, request, site) if site else pages.said(request, say.NOT_FOUND, 404)

    @app.post("/{tenant}/signup")
    def submit(tenant: str, request: Request, fields: Form) -> Response:
        site = sites(tenant)
        if site is None:
            return pages.said(request, say.NOT_FOUND, 404)
        typed, ticked = "".join(fields.get("email", [])[:1]).strip(), fields.get("list", [])
        client, address = clients.address(request), judged(typed)
        wait = by_client.wait(counted(client)) or (by_address.wait(f"{tenant}/{address}") if address else 0)
        if wait:
            return pages.said(request, say.too_many(wait), 429, brand=site.brand, wait=wait)
        if address is None:
            return _filled(pages, request, site, 422, typed=typed, ticked=ticked, problem=say.NO_ADDRESS)
        try:
            site.platform.submit(address, frozenset(ticked) & frozenset(site.lists), clock.now(), client)
        except Failure as failure:
            logger().error("page.failed", tenant=tenant, method="POST", why=failure.log)
            response = _filled(pages, request, site, 503, typed=typed, ticked=ticked, trouble=say.BUSY_FORM)
            response.headers["Retry-After"] = str(BUSY_SECONDS)
            return response
        return pages.page(request, "submitted.html", site=site, typed=typed)


def _filled(
    pages: Pages,
    request: Request,
    site: Site,
    status: int = 200,
    *,
    typed: str = "",
    ticked: Collection[str] = (),
    problem: str = "",
    trouble: str = "",
) -> Response:
    """The form, with what was typed and ticked, and what is wrong: with the address (problem) or with us (trouble)."""
    values = {"site": site, "typed": typed, "ticked": ticked, "problem": problem, "trouble": trouble}
    return pages.page(request, "signup.html", status, **values)


def _links(app: FastAPI, pages: Pages, sites: Sites, clock: Clock) -> None:
    def opened(tenant: str, deed: str, token: str) -> tuple[Site, Link]:
        """The claim of a link on its own page. Raises: `HTTPException` 404 for anything else."""
        site = sites(tenant)
        link = site.signer.read(token) if site else None
        if site is None or link is None or (link.tenant, link.deed.value) != (tenant, deed):
            raise HTTPException(404)
        return site, link

    @app.api_route("/{tenant}/{deed}/{token}", methods=READ)
    def show(tenant: str, deed: str, token: str, request: Request) -> Response:
        site, link = opened(tenant, deed, token)
        words = say.before(link, site.platform.standing(link), site.brand, clock.now())
        return pages.said(request, words, brand=site.brand)

    @app.post("/{tenant}/{deed}/{token}")
    def press(tenant: str, deed: str, token: str, request: Request, fields: Form) -> Response:
        site, link = opened(tenant, deed, token)
        now = clock.now()
        standing = _deed(site.platform, link)(link, now)
        return pages.said(request, say.after(link, standing, site.brand, now), brand=site.brand)


def _deed(platform: Platform, link: Link) -> Callable[[Link, datetime], Standing]:
    return {
        LinkDeed.CONFIRM: platform.confirm,
        LinkDeed.ABUSE: platform.reject,
        LinkDeed.RESUBSCRIBE: platform.resubscribe,
        LinkDeed.UNSUBSCRIBE: platform.unsubscribe,
    }[link.deed]
