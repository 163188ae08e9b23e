r"""Windows authentication in front of an application: NTLM, which signs in the connection ([MS-NLMP], by pyspnego).

`scope["ntlm_user"]` is then `DOMAIN\user`. Control under /_emulator stays open.
"""

from __future__ import annotations

import base64
import os
import tempfile
import threading
from typing import Any
from weakref import WeakKeyDictionary

import spnego
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.emulators.faults import TRANSPORTS

_FILE = threading.Lock()
"""pyspnego reads who may sign in from one file that the process's environment names."""

_GREETING = b"\x01"
"""What the first message of a hand-shake has behind its signature."""


class Ntlm:
    """The middleware; it has to be served by `emulators.server`, which knows the connections."""

    def __init__(self, app: ASGIApp, *, username: str, password: str) -> None:
        self.app = app
        self._users = f"{username.replace(chr(92), ':')}:{password}\n"
        self._talks: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a connection through that has signed in, and shakes hands with the others."""
        if scope["type"] != "http" or scope["path"].startswith("/_emulator/"):
            await self.app(scope, receive, send)
            return
        connection = TRANSPORTS.get(tuple(scope["client"]))
        said = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        kind, _, token = said.partition(" ")
        talk = self._talks.get(connection)
        if kind.upper() in ("NTLM", "NEGOTIATE") and token and connection is not None:
            talk, answer = self._step(talk, token)
            self._talks[connection] = talk
            if talk is None or not talk.complete:
                await _refuse(receive, send, f"NTLM {answer}" if answer else "NTLM")
                return
        if talk is None or not talk.complete:
            await _refuse(receive, send, "NTLM")
            return
        await self.app({**scope, "ntlm_user": str(talk.client_principal)}, receive, send)

    def _step(self, talk: Any, token: str) -> tuple[Any, str]:
        """One message of the hand-shake; no talk any more where the password is wrong."""
        with _FILE, tempfile.NamedTemporaryFile("w", suffix=".ntlm") as users:
            users.write(self._users)
            users.flush()
            os.environ["NTLM_USER_FILE"] = users.name
            try:
                message = base64.b64decode(token)
                if talk is None or message[8:9] == _GREETING:  # whoever greets again begins anew
                    talk = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
                answer = talk.step(message)
            except (spnego.exceptions.SpnegoError, ValueError):
                return None, ""
            finally:
                os.environ.pop("NTLM_USER_FILE", None)
        return talk, base64.b64encode(answer).decode() if answer else ""


async def _refuse(receive: Receive, send: Send, how: str) -> None:
    while (await receive()).get("more_body"):
        pass
    body = b"<!DOCTYPE html><html><head><title>401 - Unauthorized</title></head><body></body></html>"
    headers = {"content-type": "text/html", "content-length": str(len(body)), "www-authenticate": how}
    raw = [(k.encode(), v.encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": 401, "headers": raw})
    await send({"type": "http.response.body", "body": body})
