"""Rendering: templates, security headers, and how far a page stands below the pages' root."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.web.words import Words

HERE = Path(__file__).parent

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
STATIC_LIFE = "public, max-age=3600"


class Pages:
    """Renders pages. Every link in them is relative, so that they work below any path of a proxy."""

    def __init__(self) -> None:
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)

    def page(self, request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """One page."""
        up = "../" * max(request.url.path.count("/") - 1, 0)
        html = self._templates.get_template(name).render(up=up, form=up[3:] + "signup", **values)
        return HTMLResponse(html, status_code=status)

    def said(
        self, request: Request, words: Words, status: int = 200, *, brand: str = "", wait: float = 0
    ) -> HTMLResponse:
        """A page that says one thing; `wait` is when to come again, in seconds."""
        method = "get" if words.retry and request.method != "POST" else "post"
        response = self.page(request, "said.html", status, brand=brand, words=words, method=method)
        if wait:
            response.headers["Retry-After"] = str(ceil(wait))
        return response


class Guarded:
    """Puts the security headers on every answer, those to errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].endswith(".css") and message["status"] in (200, 304):
                    headers["Cache-Control"] = STATIC_LIFE
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)
