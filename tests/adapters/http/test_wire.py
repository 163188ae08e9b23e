"""The one place that sends: where it goes, how long it waits, what it repeats, and what it tells."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
import requests
import responses
import urllib3
from connector.adapters._http import ATTEMPTS, LONGEST_WAIT, Wire
from connector.core.errors import ConfigError, TransientError
from responses import matchers

HOME = "https://acme.my.salesforce.com"
NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)


class Asked(msgspec.Struct):
    """What the test asks for."""

    a: list[int]


class StandingClock:
    """Stands still; its sleeps are remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def random(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return "0" * 32


@pytest.fixture
def clock():
    """The time."""
    return StandingClock()


@pytest.fixture
def net():
    """What stands at the other end; nothing else can be reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        yield net


@pytest.fixture
def wire(clock):
    """A tenant's way to its vendor."""
    wire = Wire(vendor="Vendor", base_url=HOME, clock=clock)
    yield wire
    wire.close()


def get(wire: Wire, path: str = "/x", **more: Any) -> Any:
    """A read."""
    return wire.call("GET", path, **{"repeat": True, "action": "read", **more})


# -- where it goes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/services/data",
        "//evil.example/services/data",
        "https://acme.my.salesforce.com.evil.example/",
        "https://acme.my.salesforce.com@evil.example/",
        "https://user:pass@acme.my.salesforce.com/",
        "https://acme.my.salesforce.com:8443/",
        "http://acme.my.salesforce.com/",
        "https://127.0.0.1/",
    ],
)
def test_a_link_to_a_foreign_host_is_not_followed(wire, net, link):
    """A link from a server leads nowhere but to the tenant's own host, by https, on its own port."""
    with pytest.raises(ConfigError, match="foreign host"):
        get(wire, link)
    assert len(net.calls) == 0


@pytest.mark.parametrize("link", [f"{HOME}/a?b=c", "/a?b=c", "a?b=c"])
def test_a_link_to_the_own_host_is_followed(wire, net, link):
    """A path or a whole address on the tenant's own host is followed as it stands."""
    net.get(f"{HOME}/a", body="here")
    assert get(wire, link).text == "here"
    assert net.calls[0].request.url == f"{HOME}/a?b=c"
    assert wire.pinned("https://Acme.My.Salesforce.com:443/a") == "https://Acme.My.Salesforce.com:443/a"


def test_plain_http_is_for_loopback(clock):
    """Without encryption nothing is opened, save on this machine."""
    with pytest.raises(ConfigError, match="plain http"):
        Wire(vendor="Vendor", base_url="http://acme.my.salesforce.com", clock=clock)
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        Wire(vendor="Vendor", base_url=f"http://{host}", clock=clock).close()


def test_composed_hosts_are_mapped(net, clock):
    """A host that a library composes is the tenant's own, on loopback by plain http; another library's is foreign."""
    home = "http://127.0.0.1:8123"
    wire = Wire(vendor="Vendor", base_url=home, clock=clock, composed={"https://login-of.vendor.com": home})
    net.post(f"{home}/token", body="a token")
    assert wire.session.post("https://login-of.vendor.com/token").text == "a token"
    with pytest.raises(ConfigError, match="foreign host"):
        wire.session.post("https://login-of.vendor.com.evil.example/token")
    with pytest.raises(ConfigError, match="foreign host"):
        wire.session.post("https://login.vendor.com/token")


def test_redirects_are_not_followed(wire, net):
    """A redirect is an answer that was not expected: no login travels along, for no library either."""
    net.get(f"{HOME}/x", status=302, headers={"Location": f"{HOME}/y"})
    with pytest.raises(TransientError, match="302"):
        get(wire)
    assert wire.session.get(f"{HOME}/x").status_code == 302
    assert {call.request.url for call in net.calls} == {f"{HOME}/x"}


def test_timeouts_always(wire, net):
    """Every call has its timeouts, whoever makes it: 3.05 s to connect, 30 s to read."""
    net.get(f"{HOME}/x", match=[matchers.request_kwargs_matcher({"timeout": (3.05, 30.0)})])
    get(wire)
    wire.session.get(f"{HOME}/x")


def test_the_tenants_proxies_and_ca(net, clock, tmp_path):
    """Proxies and CA bundle are the tenant's settings, and nothing else; a bundle that is not there is told at once."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    expected = {"verify": str(bundle), "proxies": {"https": "http://proxy.example:3128"}}
    net.get(f"{HOME}/x", match=[matchers.request_kwargs_matcher(expected)])
    proxies = {"https": "http://proxy.example:3128"}
    wire = Wire(vendor="Vendor", base_url=HOME, clock=clock, ca_bundle=str(bundle), proxies=proxies)
    get(wire)
    with pytest.raises(ConfigError, match="CA bundle"):
        Wire(vendor="Vendor", base_url=HOME, clock=clock, ca_bundle=str(tmp_path / "none.pem"))


def test_the_machines_environment_has_no_say(wire, net, monkeypatch):
    """Neither a proxy nor a netrc of the machine touches a tenant's calls."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    net.get(f"{HOME}/x", match=[matchers.request_kwargs_matcher({"proxies": {}, "verify": True})])
    get(wire)


# -- what it repeats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [406, 408, 420, 429, 500, 502, 503, 504])
def test_a_read_is_repeated(wire, net, clock, status):
    """A server that is busy is asked again, each time after a longer wait."""
    for _ in range(3):
        net.get(f"{HOME}/x", status=status)
    net.get(f"{HOME}/x", body="here")
    assert get(wire).text == "here"
    assert clock.slept == [0.25, 0.5, 1.0]
    assert wire.calls == 4


def test_a_server_that_stays_busy(wire, net, clock):
    """After six attempts it is left for the next run."""
    net.get(f"{HOME}/x", status=503)
    with pytest.raises(TransientError) as caught:
        get(wire)
    assert len(net.calls) == ATTEMPTS
    assert caught.value.status == 503


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_is_not_repeated(wire, net, status):
    """A write whose fate is unknown is not said twice."""
    net.post(f"{HOME}/x", status=status)
    with pytest.raises(TransientError):
        wire.call("POST", "/x", repeat=False, action="write")
    assert len(net.calls) == 1


def test_a_write_that_was_not_taken_is_repeated(wire, net):
    """429 says that nothing was done, and a connection that never came about can have carried nothing."""
    net.post(f"{HOME}/x", status=429)
    refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    reason = urllib3.exceptions.MaxRetryError(None, "/x", refused)  # type: ignore[arg-type]
    net.post(f"{HOME}/x", body=requests.exceptions.ConnectionError(reason))
    net.post(f"{HOME}/x", body=requests.exceptions.ConnectTimeout())
    net.post(f"{HOME}/x", body="done")
    assert wire.call("POST", "/x", repeat=False, action="write").text == "done"


def test_a_write_cut_in_the_middle(wire, net):
    """A connection that broke after it was made may have carried the write."""
    net.post(f"{HOME}/x", body=requests.exceptions.ConnectionError("reset"))
    with pytest.raises(TransientError, match="cannot be reached"):
        wire.call("POST", "/x", repeat=False, action="write")
    assert len(net.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("reset"),
        requests.exceptions.ReadTimeout(),
        requests.exceptions.ChunkedEncodingError("cut"),
        requests.exceptions.ContentDecodingError("cut"),
        requests.exceptions.SSLError("EOF occurred in violation of protocol"),
        requests.exceptions.ProxyError("no proxy"),
    ],
)
def test_a_broken_connection_is_tried_again(wire, net, error):
    """Whatever broke on the way of a read is tried again."""
    net.get(f"{HOME}/x", body=error)
    net.get(f"{HOME}/x", body="here")
    assert get(wire).text == "here"


def test_a_certificate_nobody_trusts(wire, net):
    """An untrusted certificate is a person's to mend."""
    net.get(f"{HOME}/x", body=requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
    with pytest.raises(ConfigError, match="ca_bundle"):
        get(wire)
    assert len(net.calls) == 1


@pytest.mark.parametrize(("told", "waits"), [("7", 7.0), (" 7 ", 7.0), ("0", 0.0)])
def test_retry_after_in_seconds(wire, net, clock, told, waits):
    """The vendor's own waiting time is kept, to the second."""
    net.get(f"{HOME}/x", status=503, headers={"Retry-After": told})
    net.get(f"{HOME}/x")
    get(wire)
    assert clock.slept == [waits]


def test_retry_after_as_a_date(wire, net, clock):
    """A date is read by the vendor's own clock, which may be an hour ahead of ours."""
    ahead = NOW + timedelta(hours=1)
    dates = {"Date": format_datetime(ahead, usegmt=True)}
    asked = format_datetime(ahead + timedelta(seconds=20), usegmt=True)
    net.get(f"{HOME}/x", status=429, headers={**dates, "Retry-After": asked})
    net.get(f"{HOME}/x")
    get(wire)
    assert clock.slept == [19.5]


@pytest.mark.parametrize("told", ["soon", "-5", "1.5", "Thu, 99 Foo 2026 21:00:00 GMT", "²"])
def test_a_retry_after_nobody_can_read(wire, net, clock, told):
    """A waiting time that is none is passed over."""
    net.get(f"{HOME}/x", status=503, headers={"Retry-After": told.encode().decode("latin-1")})
    net.get(f"{HOME}/x")
    get(wire)
    assert clock.slept == [0.25]


def test_a_vendor_that_wants_longer_ends_the_run(wire, net, clock):
    """A vendor that asks for more than a minute is left for the next run, which is told how long."""
    net.get(f"{HOME}/x", status=503, headers={"Retry-After": str(LONGEST_WAIT + 1)[:2]})
    with pytest.raises(TransientError) as caught:
        get(wire, ok=(299,))
    assert caught.value.retry_after == 61.0
    assert clock.slept == []


# -- signing in --------------------------------------------------------------------------------------------------------


def test_a_token_is_fetched_once_and_renewed_once(wire, net):
    """The login is asked for once; a 401 renews it once, also for a write, and the call goes on."""
    tokens = iter(["old", "new"])
    wire.authorise = lambda: next(tokens)
    net.get(f"{HOME}/x", match=[matchers.header_matcher({"Authorization": "old"})], body="here")
    assert [get(wire).text, get(wire).text] == ["here", "here"]
    net.post(f"{HOME}/y", match=[matchers.header_matcher({"Authorization": "old"})], status=401)
    net.post(f"{HOME}/y", match=[matchers.header_matcher({"Authorization": "new"})], body="done")
    assert wire.call("POST", "/y", repeat=False, action="write").text == "done"


def test_a_fresh_token_that_is_refused(wire, net):
    """A login that is refused right after it was given is a person's to mend, and not tried for ever."""
    net.get(f"{HOME}/x", status=401, body='{"token": "abc"}')
    wire.authorise = lambda: "Bearer abc"
    with pytest.raises(ConfigError, match="fresh login"):
        get(wire)
    assert len(net.calls) == 2


def test_a_login_that_fails_for_now_is_tried_again(wire, net):
    """A login server that is busy holds up even a write only for a while: nothing of it was sent yet."""
    busy = iter([TransientError("busy"), TransientError("busy")])

    def login() -> str:
        for failure in busy:
            raise failure
        return "token"

    wire.authorise = login
    net.post(f"{HOME}/x", body="done")
    assert wire.call("POST", "/x", repeat=False, action="write").text == "done"


# -- what it reads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>502 Bad Gateway</html>", "text/html"),
        ("<html>502 Bad Gateway</html>", "application/json"),
        ("", "application/json"),
        ('{"a": [1, 2', "application/json"),
        ('{"a": "no list"}', "application/json"),
        ("[]", "application/json"),
        ("{}", "application/json"),
        ("null", "application/json"),
        (b'{"a": ["\xff\xfe"]}', "application/json"),
        ('{"a": [1]}', "text/html"),
    ],
)
def test_an_answer_that_is_none(wire, net, body, kind):
    """A proxy's page, half a body or another shape is never read as empty: it is asked for again, then left."""
    net.get(f"{HOME}/x", body=body, content_type=kind)
    with pytest.raises(TransientError, match="not its answer"):
        get(wire, read=lambda response: wire.json(response, Asked, "read"))
    assert len(net.calls) == ATTEMPTS
    net.reset()
    net.get(f"{HOME}/x", body=body, content_type=kind)
    net.get(f"{HOME}/x", body='{"a": [1]}', content_type="application/json;charset=UTF-8")
    assert get(wire, read=lambda response: wire.json(response, Asked, "read")).a == [1]


def test_a_garbled_answer_to_a_write(wire, net):
    """A write with a garbled answer may be done: it is not said twice."""
    net.post(f"{HOME}/x", body="<html>", content_type="text/html")
    with pytest.raises(TransientError, match="not its answer"):
        wire.call("POST", "/x", repeat=False, action="write", read=lambda r: wire.json(r, Asked, "write"))
    assert len(net.calls) == 1


# -- what it tells -----------------------------------------------------------------------------------------------------


def test_an_error_says_what_it_knows_and_no_more(wire, net):
    """An error names vendor, action, status and the vendor's request, in words for a person; no secret, no address."""
    body = '{"error": "ada@example.com is wrong", "access_token": "s3cret", "password=s3cret"}'
    net.get(f"{HOME}/x", status=418, body=body, headers={"X-Request-Id": "r-17"})
    with pytest.raises(TransientError) as caught:
        get(wire, params={"q": "SELECT Id FROM Contact WHERE Email = 'ada@example.com'"})
    error = caught.value
    assert (error.vendor, error.action, error.status, error.request_id) == ("Vendor", "read", 418, "r-17")
    assert error.operator.startswith("Vendor answered 418 (read). Nobody was let go;")
    assert error.excerpt == '{"error": "<address> is wrong", "access_token": "<secret>", "password=<secret>"}'


@pytest.mark.parametrize("error", [requests.exceptions.ConnectionError, requests.exceptions.SSLError])
def test_no_traceback_holds_an_address(wire, net, error):
    """What a library writes into its errors, the address in the URL above all, stands in no traceback of ours."""
    net.get(f"{HOME}/x", body=error("Max retries exceeded with url: /x?q=zoe%40example.com&r=zoe@example.com"))
    with pytest.raises(TransientError) as caught:
        get(wire)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.log
    assert "Max retries exceeded" in shown
    assert "zoe" not in shown


def test_the_vendors_clock(wire, net):
    """Each answer measures the vendor's clock; a date nobody can read, or without a zone, does no harm."""
    net.get(f"{HOME}/x", headers={"Date": format_datetime(NOW + timedelta(minutes=5), usegmt=True)})
    get(wire)
    assert wire.offset == timedelta(minutes=5, milliseconds=500)
    assert wire.server_now() == NOW + wire.offset
    net.reset()
    net.get(f"{HOME}/x", headers={"Date": "yesterday"})
    get(wire)
    assert wire.offset == timedelta(minutes=5, milliseconds=500)
    net.reset()
    net.get(f"{HOME}/x", headers={"Date": "Thu, 26 Nov 2026 21:00:00 -0000"})
    get(wire)
    assert wire.offset == timedelta(milliseconds=500)


def test_the_vendors_budget(net, clock):
    """The vendor's count is read from each answer, failures included; below the reserve only opt-outs may be sent."""

    def usage(headers: Any) -> tuple[int, int] | None:
        return (int(headers["Used"]), 100) if "Used" in headers else None

    wire = Wire(vendor="Vendor", base_url=HOME, clock=clock, usage=usage, reserve=0.1)
    net.get(f"{HOME}/x")
    get(wire)
    assert (wire.budget.left, wire.budget.low) == (1.0, False)
    net.get(f"{HOME}/y", headers={"Used": "89", "Date": "nonsense"})
    get(wire, "/y")
    assert not wire.budget.low
    net.get(f"{HOME}/z", status=403, headers={"Used": "95"})
    get(wire, "/z", ok=(403,))
    assert wire.budget.low
