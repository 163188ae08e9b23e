"""Who asks: the peer, or what a trusted proxy says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from fastapi import Request

from connector.core.errors import ConfigError

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"


class Clients:
    """Knows which peers are proxies whose `X-Forwarded-For` is believed: addresses or networks."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """Raises: `ConfigError` for what is neither an address nor a network."""
        self._trusted = [_network(text) for text in trusted]

    def address(self, request: Request) -> str:
        """The peer; behind trusted proxies the right-most address that is none of them; else `unknown`."""
        peer = _ip(request.client.host) if request.client else None
        chain = [part for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
        while peer is not None and self._is_proxy(peer) and chain:
            peer = _ip(chain.pop())
        return str(peer) if peer else UNKNOWN

    def _is_proxy(self, peer: Ip) -> bool:
        return any(peer in network for network in self._trusted)


def counted(address: str) -> str:
    """What a limit counts a client by: an IPv4 address, or the network of an IPv6 one, of which one line has 2^64."""
    found = _ip(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return address


def _ip(text: str) -> Ip | None:
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise ConfigError(f"trusted_proxies: {text} is neither an address nor a network.") from error
