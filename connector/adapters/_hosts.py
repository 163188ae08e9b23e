"""Where a tenant's calls may go: to its own host, by https; in the clear to this machine alone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from connector.core.errors import ConfigError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Home:
    """One tenant's host at one vendor. `composed` maps the beginnings of URLs that a library composes to the real ones.

    Raises: `ConfigError` for unencrypted traffic to another machine.
    """

    def __init__(self, vendor: str, base_url: str, composed: Mapping[str, str] | None = None) -> None:
        self._vendor, self._base, self._composed = vendor, base_url.rstrip("/"), composed or {}
        self._origin = _origin(urlsplit(self._base))
        self.pinned(self._base)

    def joined(self, path: str) -> str:
        """A path of ours, or a link from the server, as a whole URL."""
        return urljoin(self._base + "/", path)

    def pinned(self, url: str) -> str:
        """The URL that is really called. Raises: `ConfigError` for a foreign host or unencrypted traffic."""
        for composed, real in self._composed.items():
            if url.startswith(composed):
                url = real.rstrip("/") + url.removeprefix(composed)
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname in _LOOPBACK and self._origin[0] == "http":
            parts = parts._replace(scheme="http")
        if _origin(parts) != self._origin or not parts.hostname:
            raise ConfigError(
                f"{self._vendor} pointed to the foreign host {parts.hostname}; nothing was sent there. "
                "If it is yours, name it in the tenant's YAML.",
                vendor=self._vendor,
            )
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ConfigError(f"{self._vendor}: plain http is only for loopback; use https.", vendor=self._vendor)
        return urlunsplit(parts)


def _origin(parts: SplitResult) -> tuple[str, str, int | None, bool]:
    """Scheme, host and port, and whether somebody's name stands before them."""
    try:
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, parts.hostname or "", port, "@" in parts.netloc
