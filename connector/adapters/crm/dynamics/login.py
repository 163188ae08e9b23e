"""Signing in: Microsoft Entra by msal, AD FS by its password grant, Windows by requests-ntlm, over our own sessions.

The issuer of tokens has a wire of its own, pinned to its own host: no token ever goes there, no secret anywhere else.
Microsoft identity platform, "OAuth 2.0 client credentials flow"; AD FS, "OpenID Connect/OAuth flows".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import requests

from connector.adapters._http import BUSY, Wire, redacted
from connector.adapters.crm.dynamics.settings import Adfs, EntraCertificate, EntraSecret, Ntlm, Settings
from connector.core.errors import ConfigError, Failure, TransientError

ENTRA = "https://login.microsoftonline.com"
TRANSIENT = frozenset({"temporarily_unavailable", "server_error", "interaction_throttled"})
"""Errors of a token endpoint that another try may not meet."""

SEE = "See crm.auth in the tenant's YAML."


class Token(msgspec.Struct):
    """What a token endpoint answers."""

    access_token: str = ""
    error: str = ""
    error_description: str = ""


def sign_in(wire: Wire, settings: Settings, issuer: Callable[[str, str], Wire]) -> Wire | None:
    """Gives the wire its login; nothing is sent yet. `issuer` makes a wire to another vendor's host, which is returned.

    Raises: `ConfigError` where NTLM is asked for and its extra is not installed.
    """
    auth = settings.auth
    if isinstance(auth, Ntlm):
        try:
            from connector.adapters.crm.dynamics.windows import WindowsAuth
        except ImportError:
            words = "auth kind ntlm needs requests-ntlm: pip install 'suppression-connector[onprem]'."
            raise ConfigError(words, vendor="Dynamics") from None
        # NTLM signs in the connection, which the session keeps
        wire.session.auth = WindowsAuth(auth.username, auth.password.get_secret_value())
        return None
    if isinstance(auth, Adfs):
        other = issuer("AD FS", auth.authority)
        wire.authorise = AdfsLogin(other, auth, settings.url)
    else:
        other = issuer("Microsoft Entra", auth.authority or ENTRA)
        wire.authorise = EntraLogin(other, auth, settings.url)
    return other


class _Login:
    """What both kinds of token have in common: the last answer of the issuer, and what a refusal means."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answer: requests.Response | None = None
        wire.session.hooks["response"].append(self._overhear)

    def _overhear(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._answer = response

    def _header(self, token: Token) -> str:
        if token.access_token:
            return f"Bearer {token.access_token}"
        raise self._refused(token.error, token.error_description)

    def _refused(self, code: str, words: str) -> Failure:
        vendor, answer = self._wire.vendor, self._answer
        if answer is None:
            words = f"{vendor}: the credentials cannot be used ({redacted(words)}). {SEE}"
            return ConfigError(words, vendor=vendor, action="login")
        if answer.status_code in BUSY or code in TRANSIENT:
            return self._wire.failure(answer, "login")
        if answer.status_code == 200 or not code:
            return self._wire.garbled("login", f"{answer.status_code} without a token")
        said = f"{vendor} refuses the login ({redacted(f'{code}: {words}')}). {SEE}"
        return ConfigError(said, **self._wire.facts(answer, "login"))


class EntraLogin(_Login):
    """Client credentials by msal, with a secret or a certificate; a fresh token at every call."""

    def __init__(self, wire: Wire, auth: EntraSecret | EntraCertificate, url: str) -> None:
        super().__init__(wire)
        self._auth, self._scope = auth, f"{url.rstrip('/')}/.default"

    def __call__(self) -> str:
        """The Authorization header. Raises: `ConfigError` where Entra refuses, `TransientError` else."""
        # msal asks Entra while it is made, and keeps tokens and refusals: a new one each time is a fresh try
        from msal import ConfidentialClientApplication  # type: ignore[import-untyped]  # it has no types

        self._answer = None
        try:
            app = ConfidentialClientApplication(
                self._auth.client_id,
                client_credential=self._credential(),
                authority=f"{self._wire.base_url}/{self._auth.directory}",
                # the authority is the tenant's own word, and no other host is asked about it
                instance_discovery=False,
                http_client=self._wire.session,
            )
            answer: dict[str, Any] = app.acquire_token_for_client(scopes=[self._scope])
        except requests.exceptions.HTTPError:
            raise self._refused("", "") from None
        except requests.exceptions.RequestException as error:
            raise self._wire.unreachable(error, "login") from None
        except Exception as error:
            # it reads answers and keys without looking: whatever it trips over is one of the two
            if isinstance(error, Failure):
                raise
            raise self._tripped(error) from None
        return self._header(Token(**{k: str(v) for k, v in answer.items() if k in Token.__struct_fields__}))

    def _tripped(self, error: Exception) -> Failure:
        answer = self._answer
        if answer is not None and answer.status_code in (400, 404):
            return ConfigError(
                f"{self._wire.vendor} knows no directory {self._auth.directory}. {SEE}",
                **self._wire.facts(answer, "login"),
            )
        if answer is not None and _tells_where(answer.content):
            # it was told where to ask and did not come to it: the key is none
            self._answer = None
        elif answer is not None and answer.status_code not in BUSY:
            return self._wire.garbled("login", type(error).__name__)
        return self._refused("", type(error).__name__)

    def _credential(self) -> Any:
        if isinstance(self._auth, EntraSecret):
            return self._auth.client_secret.get_secret_value()
        return {
            "private_key": self._auth.private_key.get_secret_value(),
            "public_certificate": self._auth.certificate.get_secret_value(),
        }


def _tells_where(discovery: bytes) -> bool:
    """Whether an answer is a whole one that says where tokens are asked for."""
    try:
        return "token_endpoint" in msgspec.json.decode(discovery, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


class AdfsLogin(_Login):
    """The password grant, for one resource."""

    def __init__(self, wire: Wire, auth: Adfs, url: str) -> None:
        super().__init__(wire)
        self._auth, self._resource = auth, url

    def __call__(self) -> str:
        """The Authorization header. Raises: `ConfigError` where AD FS refuses, `TransientError` else."""
        self._answer = None
        form = {
            "grant_type": "password",
            "client_id": self._auth.client_id,
            "username": self._auth.username,
            "password": self._auth.password.get_secret_value(),
            "resource": self._resource,
        }
        try:
            answer = self._wire.session.post(f"{self._wire.base_url}/oauth2/token", data=form, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            raise self._wire.unreachable(error, "login") from None
        try:
            token: Token = self._wire.json(answer, Token, "login")
        except TransientError as garbled:
            if answer.status_code == 404:
                words = f"There is no AD FS at crm.auth.authority ({self._wire.base_url}). {SEE}"
                raise ConfigError(words, **self._wire.facts(answer, "login")) from None
            raise (self._wire.failure(answer, "login") if answer.status_code != 200 else garbled) from None
        return self._header(token)
