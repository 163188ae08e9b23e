"""The one place that sends: session, timeouts, host pinning, counting, retries, redaction, and the vendor's budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connector.core.errors import ConfigError, TransientError
from connector.ports.clock import Clock

CONNECT, READ = 3.05, 30.0
"""Default timeouts in seconds."""

ATTEMPTS = 5
LONGEST_WAIT = 60.0
"""The longest wait between two attempts; a vendor that asks for more ends the run, and the next one goes on."""

BUSY = frozenset({408, 420, 429, 500, 502, 503, 504})
NEVER_TAKEN = frozenset({429, 420})
"""Answers by which the vendor says that it did nothing, so that even a write may be repeated."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRETS = re.compile(r"(?i)(bearer |oauth |basic |token\"?[:=]\s*\"?|password\"?[:=]\s*\"?)[^\s\"',&]+")
_ADDRESS = re.compile(r"[^\s@\"'<>|=&]+@[^\s@\"'<>|&]+")


def redacted(text: str) -> str:
    """A piece of an answer as errors and logs may show it: no token, no address, 300 characters."""
    return _ADDRESS.sub("<address>", _SECRETS.sub(r"\1<secret>", text))[:300]


class _Again(Exception):  # noqa: N818  # never leaves this file
    """This attempt failed in a way that another may not."""

    def __init__(self, failure: TransientError) -> None:
        super().__init__(failure.operator)
        self.failure = failure


@dataclass(kw_only=True)
class Budget:
    """The vendor's own count of calls in its window; None where it never told."""

    used: int | None = None
    limit: int | None = None

    @property
    def left(self) -> float:
        """The share that is left, 1.0 where the vendor does not tell."""
        if self.used is None or not self.limit:
            return 1.0
        return max(0.0, 1.0 - self.used / self.limit)


class _Pinned(HTTPAdapter):
    """Sends only to the tenant's own hosts, always with a timeout; maps composed hosts to the configured one."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One attempt on the wire. Raises: `ConfigError` for a foreign host or plain http."""
        wire = self._wire
        request.url = wire.mapped(str(request.url))
        request.headers.pop("Host", None)
        if args:
            raise TypeError("keywords only")
        kwargs["timeout"] = kwargs.get("timeout") or (CONNECT, wire.read_timeout)
        kwargs["verify"] = wire.ca_bundle or True
        if wire.proxies:
            kwargs["proxies"] = dict(wire.proxies)
        wire.calls += 1
        sent = wire.clock.now()
        response = super().send(request, **kwargs)
        wire.learn(response, sent)
        return response


class Wire:
    """One tenant's way to one vendor. `authorise` gives the header value of a fresh login; it is called as needed."""

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
    ) -> None:
        self.vendor = vendor
        self.base_url = base_url.rstrip("/")
        self.clock = clock
        self.proxies, self.ca_bundle, self.read_timeout = proxies, ca_bundle, read_timeout
        self.composed = {} if composed is None else composed
        self.hosts = {urlsplit(base_url).netloc}
        self.calls = 0
        self.budget = Budget()
        self.offset = timedelta()
        self.authorise: Callable[[], str] | None = None
        self.server_time: datetime | None = None
        self._token = ""
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["User-Agent"] = "suppression-connector"
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _Pinned(self))

    def mapped(self, url: str) -> str:
        """The URL that is really called. Raises: `ConfigError` for a foreign host or unencrypted traffic."""
        for composed, real in self.composed.items():
            if url.startswith(composed):
                url = real.rstrip("/") + url.removeprefix(composed)
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname in _LOOPBACK and urlsplit(self.base_url).scheme == "http":
            parts = parts._replace(scheme="http")
        if parts.netloc not in self.hosts:
            raise ConfigError(
                f"{self.vendor} pointed to the foreign host {parts.hostname}; nothing was sent there. "
                "If it is yours, name it in the tenant's YAML.",
                vendor=self.vendor,
            )
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ConfigError(f"{self.vendor}: plain http is only for loopback; use https.", vendor=self.vendor)
        return urlunsplit(parts)

    def learn(self, response: requests.Response, sent: datetime) -> None:
        """What every answer tells besides: the vendor's clock, and how many calls are left."""
        date = response.headers.get("Date")
        if date:
            try:
                server = parsedate_to_datetime(date)
            except ValueError:
                return
            now = self.clock.now()
            self.server_time = server
            # the header has whole seconds: half a second is its mean error
            self.offset = server + timedelta(milliseconds=500) - (sent + (now - sent) / 2)
        usage = re.search(r"api-usage=(\d+)/(\d+)", response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self.budget.used, self.budget.limit = int(usage.group(1)), int(usage.group(2))

    def call(
        self,
        method: str,
        path: str,
        *,
        repeat: bool,
        action: str,
        ok: tuple[int, ...] = (200,),
        tolerate: tuple[int, ...] = (),
        **request: Any,
    ) -> requests.Response:
        """One call, repeated as long as that is safe; `repeat` says that doing it twice is as good as once.

        `ok` and `tolerate` are the statuses given back. Raises: `TransientError`, `ConfigError`.
        """
        url = urljoin(self.base_url + "/", path)
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            retry=retry_if_exception_type(_Again),
            wait=self._wait,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            response: requests.Response = retrying(
                self._attempt, method, url, repeat, action, (*ok, *tolerate), request
            )
        except _Again as again:
            raise again.failure from again
        return response

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.failure.retry_after if isinstance(error, _Again) else None
        if asked is not None:
            return asked
        exponential: float = 0.25 * 2 ** (state.attempt_number - 1) * (0.5 + self.clock.random())
        return min(exponential, LONGEST_WAIT)

    def _attempt(
        self, method: str, url: str, repeat: bool, action: str, fine: tuple[int, ...], request: dict[str, Any]
    ) -> requests.Response:
        response = self._send(method, url, repeat, action, request)
        if response.status_code == 401 and self.authorise is not None:
            response.close()
            self._token = ""
            response = self._send(method, url, repeat, action, request)
            if response.status_code == 401:
                raise ConfigError(
                    f"{self.vendor} refuses its own fresh login. See whether the integration user still has API access.",
                    vendor=self.vendor,
                    action=action,
                    status=401,
                    excerpt=redacted(response.text),
                )
        if response.status_code in fine:
            return response
        failure = self.failure(response, action)
        if response.status_code in NEVER_TAKEN or (repeat and response.status_code in BUSY):
            if failure.retry_after is None or failure.retry_after <= LONGEST_WAIT:
                raise _Again(failure)
        raise failure

    def _send(self, method: str, url: str, repeat: bool, action: str, request: dict[str, Any]) -> requests.Response:
        headers = dict(request.get("headers") or {})
        if self.authorise is not None:
            self._token = self._token or self.authorise()
            headers["Authorization"] = self._token
        try:
            return self.session.request(method, url, **{**request, "headers": headers, "allow_redirects": False})
        except requests.exceptions.SSLError as error:
            raise ConfigError(
                f"{self.vendor}'s certificate is not trusted; name its CA in ca_bundle.", vendor=self.vendor
            ) from error
        except requests.exceptions.RequestException as error:
            failure = self.unreachable(error, action)
            unsent = isinstance(error, requests.exceptions.ConnectTimeout) or "NewConnectionError" in repr(error)
            if repeat or unsent:
                raise _Again(failure) from error
            raise failure from error

    def unreachable(self, error: Exception, action: str) -> TransientError:
        """The failure for a connection that broke."""
        return TransientError(
            f"{self.vendor} cannot be reached ({action}). Nobody was let go; the next run goes on where this one stopped.",
            log=f"{self.vendor} {action}: {type(error).__name__}",
            vendor=self.vendor,
            action=action,
        )

    def failure(self, response: requests.Response, action: str) -> TransientError:
        """The failure for a status that was not expected."""
        return TransientError(
            f"{self.vendor} answered {response.status_code} ({action}). "
            "Nobody was let go; the next run goes on where this one stopped.",
            retry_after=self._retry_after(response),
            vendor=self.vendor,
            action=action,
            status=response.status_code,
            request_id=response.headers.get("X-Request-Id", ""),
            excerpt=redacted(response.text),
        )

    def _retry_after(self, response: requests.Response) -> float | None:
        told = response.headers.get("Retry-After", "").strip()
        if not told:
            return None
        if told.isdigit():
            return float(told)
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - (self.clock.now() + self.offset)).total_seconds())

    def json(self, response: requests.Response, type_: Any, action: str) -> Any:
        """The answer decoded as `type_`. Raises: `TransientError` where it is something else, such as a proxy's page."""
        try:
            return msgspec.json.decode(response.content, type=type_)
        except msgspec.DecodeError as error:
            raise self.garbled(action, str(error)) from error

    def garbled(self, action: str, why: str) -> TransientError:
        """The failure for an answer that is not what was asked for; it is never read as empty."""
        return TransientError(
            f"{self.vendor} answered something that is not its answer ({action}); a proxy may stand between. "
            "Nobody was let go; the next run asks again.",
            log=f"{self.vendor} {action}: {redacted(why)}",
            vendor=self.vendor,
            action=action,
        )

    @contextmanager
    def reading(self, action: str) -> Iterator[None]:
        """Around a streamed body: a cut becomes a `TransientError`."""
        try:
            yield
        except requests.exceptions.RequestException as error:
            raise self.unreachable(error, action) from error

    def close(self) -> None:
        """Gives back its connections."""
        self.session.close()
