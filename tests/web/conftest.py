"""A site over a platform in memory, on a real socket, and what a browser or a mail program does with it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
import uvicorn
from connector.core.address import Address, Digest, Digester, normalise
from connector.core.errors import Failure, TransientError
from connector.core.resubscribe import Origin, Request, State
from connector.core.said import Said
from connector.core.token import Link, LinkDeed, Signer
from connector.ports.platform import Member
from connector.testing.memory_platform import MemoryDoor, MemoryPlatform
from connector.testing.store_contract.world import SteppingClock
from connector.web.public import Site, public_app
from starlette.types import ASGIApp, Receive, Scope, Send

DIGESTER = Digester(key=b"0123456789abcdef", key_id="1")
SIGNER = Signer(b"0123456789abcdef")
REQUEST = "0123456789abcdef0123456789abcdef"


def address(text: str) -> Address:
    """A normal form."""
    found = normalise(text)
    assert isinstance(found, str)
    return found


ADA = address("ada@example.com")


class Served:
    """A free port of loopback, served with the settings of `connector serve`; `app` is what answers there."""

    app: ASGIApp

    def __init__(self) -> None:
        # asyncio turns Nagle's delay off only where the protocol is named
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self, log_level="critical", access_log=False, proxy_headers=False, server_header=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on to the pages of the test that runs."""
        await self.app(scope, receive, send)

    def stop(self) -> None:
        """Stops listening."""
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


class Refusing(MemoryDoor):
    """A house whose database can be made to refuse."""

    trouble: Failure | Exception | None = None

    def tell(self, said: Said, address: Address, digest: Digest) -> bool:
        """Appends, or fails."""
        if self.trouble:
            raise self.trouble
        return super().tell(said, address, digest)

    def request(self, request_id: str) -> tuple[Digest, Request] | None:
        """One request, or fails."""
        if self.trouble:
            raise self.trouble
        return super().request(request_id)


@dataclass
class Web:
    """The pages of the tenant `acme`, and the house behind them."""

    server: Served
    clock: SteppingClock = field(default_factory=SteppingClock)
    door: Refusing = field(default_factory=Refusing)
    site: Site = field(init=False)
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.platform = MemoryPlatform(
            clock=self.clock, digester=DIGESTER, lists=["News", "Offers & <more>"], door=self.door
        )
        self.site = Site(
            tenant="acme",
            brand="Example & Söhne",
            title="Get our mail",
            intro="Choose what you would like to read.",
            lists=("News", "Offers & <more>"),
            platform=self.platform,
            signer=SIGNER,
        )
        self.server.app = public_app(lambda name: self.site if name == "acme" else None, self.clock, self.proxies)
        self.session = requests.Session()
        self.session.trust_env = False

    @property
    def base(self) -> str:
        """Where the tenant's pages are."""
        return f"{self.server.base_url}/acme"

    def get(self, path: str, **more: Any) -> requests.Response:
        """Opens a page: a path below the tenant's, or a whole URL."""
        return self._do("GET", path, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> requests.Response:
        """Presses a button, without cookies and without following anything."""
        return self._do("POST", path, data=data or {}, **more)

    def _do(self, method: str, path: str, **more: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.base}/{path}"
        return self.session.request(method, url, allow_redirects=False, timeout=10, **more)

    def sign_up(self, email: str, *lists: str, **more: Any) -> requests.Response:
        """Sends the form."""
        return self.post("signup", {"email": email, "list": list(lists)}, **more)

    def url(
        self, deed: LinkDeed, who: str = ADA, *, request: str = REQUEST, days: float | None = None, name: str = ""
    ) -> str:
        """A link as it stands in a mail; it works for so many days."""
        ends = self.clock.now() + timedelta(days=days) if days is not None else None
        digest = DIGESTER(address(who))
        link = Link(tenant="acme", deed=deed, digest=digest, request=request, expires_at=ends, list=name)
        return f"{self.base}/{deed.value}/{SIGNER.sign(link)}"

    def ask(self, state: State = State.CHALLENGED, who: str = ADA) -> None:
        """Somebody has a request in that state."""
        person = address(who)
        request = Request(
            id=REQUEST,
            state=state,
            origin=Origin.FORM,
            asked_by="the person",
            asked_at=self.clock.now(),
            expires_at=self.clock.now() + timedelta(days=30),
        )
        self.door.addresses[DIGESTER(person)] = person
        self.door.asked[REQUEST] = (DIGESTER(person), request)

    def move(self, state: State) -> None:
        """The request goes on to another state."""
        digest, request = self.door.asked[REQUEST]
        self.door.asked[REQUEST] = (digest, replace(request, state=state))

    def said(self) -> list[Said]:
        """What the inbox was told."""
        return list(self.door.said.values())

    def member(self, who: str = ADA) -> Member | None:
        """What the platform holds of somebody."""
        found = self.platform.members([address(who)])
        return found[0] if found else None

    def refuse(self, trouble: Exception | None = None) -> None:
        """The database refuses from now on."""
        self.door.trouble = trouble or TransientError("The database is busy.")

    def close(self) -> None:
        """Gives the connections back."""
        self.session.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One server for all tests of a process."""
    served = Served()
    yield served
    served.stop()


@pytest.fixture
def web(served: Served) -> Iterator[Web]:
    """Fresh pages, reached directly."""
    web = Web(served)
    yield web
    web.close()


@pytest.fixture
def proxied(served: Served) -> Iterator[Web]:
    """Fresh pages behind a proxy on loopback."""
    web = Web(served, proxies=("127.0.0.1", "10.0.0.0/8"))
    yield web
    web.close()
