"""The HTTP side: messages as JSON, and a page for people."""

from __future__ import annotations

from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connector.emulators.mailbox.server import Mailbox

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere}}article{{border-top:1px solid #999;padding:1rem 0}}</style></head>
<body><main><h1>Mailbox</h1><p>{count} messages, latest first.</p>{messages}</main></body></html>"""
_MESSAGE = """<article><h2>{subject}</h2><p>To {to}, {received}</p><pre>{text}</pre></article>"""


def create_app(mailbox: Mailbox) -> Starlette:
    """`GET|DELETE /messages` (JSON), `GET /messages/{id}` (raw), `POST /_emulator/fail`, and `/` to read."""

    async def messages(request: Request) -> Response:
        if request.method == "DELETE":
            mailbox.messages.clear()
        return JSONResponse([kept.plain() for kept in mailbox.messages])

    async def message(request: Request) -> Response:
        found = [kept for kept in mailbox.messages if kept.number == request.path_params["id"]]
        return Response(found[0].raw, media_type="message/rfc822") if found else Response(status_code=404)

    async def fail(request: Request) -> Response:
        body = await request.json()
        mailbox.fail_next += body.get("next", [])
        mailbox.refuse |= body.get("refuse", {})
        return JSONResponse({"next": mailbox.fail_next, "refuse": mailbox.refuse})

    async def page(request: Request) -> Response:
        shown = []
        for kept in reversed(mailbox.messages):
            plain = kept.plain()
            cells = {"subject": plain["subject"], "to": ", ".join(plain["to"]), "text": plain["text"]}
            cells["received"] = plain["received"][:19].replace("T", " ")
            shown.append(_MESSAGE.format(**{k: escape(v) for k, v in cells.items()}))
        return HTMLResponse(_PAGE.format(count=len(shown), messages="".join(shown)))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/messages", messages, methods=["GET", "DELETE"]),
            Route("/messages/{id:int}", message),
            Route("/_emulator/fail", fail, methods=["POST"]),
        ]
    )
