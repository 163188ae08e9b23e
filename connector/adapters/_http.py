"""The one place that sends: session, timeouts, host pinning, counting, retries, token refresh, the vendor's budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connector.adapters._headers import Budget, http_date, retry_after
from connector.adapters._hosts import Home
from connector.adapters._redaction import redacted
from connector.core.errors import ConfigError, TransientError
from connector.ports.clock import Clock

__all__ = ["Wire", "redacted"]

CONNECT, READ = 3.05, 30.0
"""Default timeouts in seconds."""

ATTEMPTS = 6
FIRST_WAIT = 0.25
LONGEST_WAIT = 60.0
"""The longest wait between two attempts; a vendor that asks for more ends the run, and the next one goes on."""

NEVER_TAKEN = frozenset({420, 429})
"""Answers by which the vendor says that it did nothing, so that even a write may be repeated."""

BUSY = frozenset({406, 408, 500, 502, 503, 504}) | NEVER_TAKEN

GOES_ON = "Nobody was let go; the next run goes on where this one stopped."

_REQUEST_IDS = ("X-Request-Id", "X-SFDC-Request-Id", "X-Ms-Service-Request-Id", "X-Ms-Request-Id", "Request-Id")


class _Again(Exception):
    """One attempt failed in a way that another may not. Never leaves this file."""

    def __init__(self, failure: TransientError) -> None:
        super().__init__(failure.operator)
        self.failure = failure


class _Session(requests.Session):
    """Knows no redirects and nothing of the machine's environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["User-Agent"] = "suppression-connector"

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: a redirect is an answer like another, so that no login travels along."""
        return None


class _Pinned(HTTPAdapter):
    """Sends only to the tenant's own hosts, always with a timeout; maps composed hosts to the configured one."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One attempt on the wire. Raises: `ConfigError` for a foreign host or plain http."""
        if args:
            raise TypeError("keywords only")
        wire = self._wire
        request.url = wire.pinned(str(request.url))
        request.headers.pop("Host", None)
        kwargs["timeout"] = kwargs.get("timeout") or (CONNECT, wire.read_timeout)
        kwargs["verify"] = wire.ca_bundle or True
        kwargs["proxies"] = dict(wire.proxies or {})
        wire.calls += 1
        sent = wire.clock.now()
        response = super().send(request, **kwargs)
        wire.learn(response, sent)
        return response


class Wire:
    """One tenant's way to one vendor. `authorise` gives the header value of a fresh login; it is called as needed.

    `composed` maps the beginnings of URLs that a library composes to where they really go. `usage` reads the vendor's
    count of calls, as (used, limit), from an answer's headers. Raises: `ConfigError` for unencrypted traffic.
    """

    def __init__(
        self,
        *,
        vendor: str,
        base_url: str,
        clock: Clock,
        proxies: Mapping[str, str] | None = None,
        ca_bundle: str | None = None,
        read_timeout: float = READ,
        composed: Mapping[str, str] | None = None,
        usage: Callable[[Mapping[str, str]], tuple[int, int] | None] = lambda _: None,
        reserve: float = 0.0,
    ) -> None:
        self.vendor, self.base_url, self.clock = vendor, base_url.rstrip("/"), clock
        self.proxies, self.ca_bundle, self.read_timeout = proxies, ca_bundle, read_timeout
        self._home, self._usage = Home(vendor, base_url, composed), usage
        self.calls = 0
        self.budget = Budget(reserve=reserve)
        self.offset = timedelta()
        self.heard_at: float | None = None
        self.authorise: Callable[[], str] | None = None
        self._token = ""
        if ca_bundle and not Path(ca_bundle).exists():
            raise ConfigError(f"There is no CA bundle {ca_bundle}; see ca_bundle in the tenant's YAML.", vendor=vendor)
        self.session: requests.Session = _Session()
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _Pinned(self))

    def pinned(self, url: str) -> str:
        """The URL that is really called. Raises: `ConfigError` for a foreign host or unencrypted traffic."""
        return self._home.pinned(url)

    def learn(self, response: requests.Response, sent: datetime) -> None:
        """What every answer tells besides: the vendor's clock, and how many calls are left."""
        used = self._usage(response.headers)
        if used:
            self.budget.used, self.budget.limit = used
        server = http_date(response.headers.get("Date"))
        if server:
            # the header has whole seconds: half a second is its mean error
            middle = sent + (self.clock.now() - sent) / 2
            self.offset = server + timedelta(milliseconds=500) - middle
            self.heard_at = self.clock.monotonic()

    def server_now(self) -> datetime:
        """The vendor's clock, as far as its answers told."""
        return self.clock.now() + self.offset

    def call(
        self,
        method: str,
        path: str,
        *,
        repeat: bool,
        action: str,
        ok: tuple[int, ...] = (200,),
        read: Callable[[requests.Response], Any] | None = None,
        **request: Any,
    ) -> Any:
        """One call, repeated as long as that is safe; `repeat` says that doing it twice is as good as once.

        The response, or what `read` makes of it: a `TransientError` of `read` counts as a failed attempt. `ok` are the
        statuses that are answers. Raises: `TransientError`, `ConfigError`, and what `read` raises.
        """
        url = self._home.joined(path)
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            retry=retry_if_exception_type(_Again),
            wait=self._wait,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return retrying(self._attempt, method, url, repeat, action, ok, read, request)
        except _Again as again:
            raise again.failure from None

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.failure.retry_after if isinstance(error, _Again) else None
        exponential: float = FIRST_WAIT * 2 ** (state.attempt_number - 1)
        # with jitter on top also where the vendor named a time, or all its clients come back at once
        return min(asked if asked is not None else exponential, LONGEST_WAIT) * (1 + self.clock.random() / 4)

    def _attempt(
        self,
        method: str,
        url: str,
        repeat: bool,
        action: str,
        ok: tuple[int, ...],
        read: Callable[[requests.Response], Any] | None,
        request: dict[str, Any],
    ) -> Any:
        response = self._send(method, url, repeat, action, request)
        if response.status_code == 401 and self.authorise is not None:
            response.close()
            self._token = ""
            response = self._send(method, url, repeat, action, request)
            if response.status_code == 401:
                words = f"{self.vendor} refuses its own fresh login ({action}). "
                words += "See whether the integration user still has API access."
                raise ConfigError(words, **self.facts(response, action))
        if response.status_code in ok:
            try:
                return read(response) if read else response
            except TransientError as garbled:
                raise self._again(garbled, repeat) from None
        failure = self.failure(response, action)
        response.close()
        raise self._again(failure, response.status_code in (BUSY if repeat else NEVER_TAKEN))

    def _again(self, failure: TransientError, repeat: bool) -> Exception:
        soon = failure.retry_after is None or failure.retry_after <= LONGEST_WAIT
        return _Again(failure) if repeat and soon else failure

    def _send(self, method: str, url: str, repeat: bool, action: str, request: dict[str, Any]) -> requests.Response:
        headers = dict(request.get("headers") or {})
        if self.authorise is not None:
            try:
                self._token = self._token or self.authorise()
            except TransientError as refused:
                # nothing of the call itself was sent yet
                raise self._again(refused, True) from None
            headers["Authorization"] = self._token
        try:
            return self.session.request(method, url, **{**request, "headers": headers, "allow_redirects": False})
        except requests.exceptions.RequestException as error:
            failure = self.unreachable(error, action)
            # the chain would carry the URL, and with it addresses, into a log
            raise self._again(failure, repeat or _unsent(error)) from None

    def unreachable(self, error: Exception, action: str) -> TransientError:
        """The failure for a connection that broke. Raises: `ConfigError` where its certificate is not trusted."""
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            words = f"{self.vendor}'s certificate is not trusted; name its CA in ca_bundle."
            raise ConfigError(words, vendor=self.vendor, action=action) from None
        log = f"{self.vendor} {action}: {type(error).__name__}: {redacted(str(error))}"
        return TransientError(
            f"{self.vendor} cannot be reached ({action}). {GOES_ON}", log=log, vendor=self.vendor, action=action
        )

    def failure(self, response: requests.Response, action: str) -> TransientError:
        """The failure for a status that was not expected."""
        asked = retry_after(response.headers.get("Retry-After"), self.server_now())
        words = f"{self.vendor} answered {response.status_code} ({action}). {GOES_ON}"
        return TransientError(words, retry_after=asked, **self.facts(response, action))

    def facts(self, response: requests.Response, action: str) -> dict[str, Any]:
        """What an error says of an answer: vendor, action, status, its request's id, and a redacted excerpt."""
        found = next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), "")
        try:
            text = response.content.decode("utf-8", "replace")
        except (requests.exceptions.RequestException, RuntimeError):
            text = ""
        facts = {"vendor": self.vendor, "action": action, "status": response.status_code, "request_id": found[:80]}
        return facts | {"excerpt": redacted(text)}

    def json(self, response: requests.Response, type_: Any, action: str) -> Any:
        """The answer decoded as `type_`. Raises: `TransientError` where it is something else, as a proxy's page is."""
        kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
        if "json" not in kind:
            raise self.garbled(action, f"{kind} instead of JSON")
        try:
            return msgspec.json.decode(response.content, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.garbled(action, str(error)) from None

    def garbled(self, action: str, why: str) -> TransientError:
        """The failure for an answer that is not what was asked for; it is never read as empty."""
        words = f"{self.vendor} answered something that is not its answer ({action}); a proxy may stand between. "
        log = f"{self.vendor} {action}: {redacted(why)}"
        return TransientError(words + GOES_ON, log=log, vendor=self.vendor, action=action)

    def close(self) -> None:
        """Gives back its connections."""
        self.session.close()


def _unsent(error: requests.exceptions.RequestException) -> bool:
    """Whether no connection came about, so that nothing can have been taken."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    unmade = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, unmade)
