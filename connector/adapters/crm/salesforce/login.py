"""Signing in by simple-salesforce over our own session; nothing else of it sends."""

from __future__ import annotations

import re
import warnings
from typing import Any
from urllib.parse import urlsplit

import requests

from connector.adapters._http import BUSY, Wire, redacted
from connector.adapters.crm.salesforce.settings import ClientCredentials, Jwt, Settings
from connector.core.errors import ConfigError, Failure

DOMAIN = "connector-login"
"""simple-salesforce composes https://{domain}.salesforce.com; our session maps this one to the tenant's login_url."""

COMPOSED = f"https://{DOMAIN}.salesforce.com"

SOAP_LAST = "64.0"
"""The last API version that has login()."""

TRANSIENT = frozenset(
    {
        "LOGIN_RATE_EXCEEDED",
        "REQUEST_LIMIT_EXCEEDED",
        "SERVER_UNAVAILABLE",
        "UNKNOWN_EXCEPTION",
        "rate_limit_exceeded",
        "server_error",
        "temporarily_unavailable",
        "unknown_error",
    }
)
"""Codes of a refused login that another try may not meet (OAuth 2.0 and SOAP login)."""


class Login:
    """Signs in when called, and remembers which org answered."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._wire, self._settings = wire, settings
        self._answer: requests.Response | None = None
        self.organization = ""
        wire.session.hooks["response"].append(self._overhear)

    def __call__(self) -> str:
        """The Authorization header. Raises: `ConfigError` where the vendor refuses, `TransientError` else."""
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        self._answer = None
        try:
            with warnings.catch_warnings():
                # it warns beside the error that it raises
                warnings.simplefilter("ignore")
                token, instance = SalesforceLogin(session=self._wire.session, **self._arguments())
        except SalesforceAuthenticationFailed as error:
            raise self._refused(error.code, error.auth_message) from None
        except requests.exceptions.RequestException as error:
            if self._answer is not None:
                raise self._wire.garbled("login", type(error).__name__) from None
            raise self._wire.unreachable(error, "login") from None
        except Exception as error:
            # it reads what it was answered without looking: whatever it trips over is an answer that is none
            if isinstance(error, Failure):
                raise
            if self._answer is None:
                words = f"The credentials cannot be used ({type(error).__name__}). See crm.auth in the tenant's YAML."
                raise ConfigError(words, vendor="Salesforce", action="login") from None
            raise self._wire.garbled("login", type(error).__name__) from None
        if not token:
            raise self._wire.garbled("login", "no token")
        self._at_home(str(instance))
        return f"Bearer {token}"

    def _refused(self, code: object, words: str) -> Failure:
        answer = self._answer
        if answer is None:
            return ConfigError(f"The credentials are incomplete: {redacted(words)}.", vendor="Salesforce")
        # a fault of SOAP comes as 500, so its own code tells; code is a status where the answer was no login's at all
        named = isinstance(code, str) and code != "UNKNOWN_EXCEPTION_CODE"
        if answer.status_code == 200:
            return self._wire.garbled("login", words)
        if code in TRANSIENT or (answer.status_code in BUSY and not (named and "/Soap/" in str(answer.url))):
            return self._wire.failure(answer, "login")
        facts = self._wire.facts(answer, "login")
        if not named:
            said = f"Salesforce has no login at crm.login_url (it answered {answer.status_code})."
            return ConfigError(f"{said} It is the org's My Domain, https://NAME.my.salesforce.com.", **facts)
        said = f"Salesforce refuses the login ({redacted(str(code))}: {redacted(words)})."
        return ConfigError(f"{said} See crm.auth in the tenant's YAML.", **facts)

    def _at_home(self, instance: str) -> None:
        home = urlsplit(self._wire.base_url)
        if instance.rstrip("/").lower() != home.netloc.lower():
            raise ConfigError(
                f"Salesforce says that this org lives on {redacted(instance)}; set crm.login_url to "
                f"https://{redacted(instance)}. Nothing was sent there.",
                vendor="Salesforce",
                action="login",
            )

    def _arguments(self) -> dict[str, Any]:
        auth, version = self._settings.auth, self._settings.api_version
        if isinstance(auth, ClientCredentials):
            secret = auth.client_secret.get_secret_value()
            return {"consumer_key": auth.client_id, "consumer_secret": secret, "domain": DOMAIN}
        if isinstance(auth, Jwt):
            # instance_url names the host of the token endpoint, domain the audience
            return {
                "username": auth.username,
                "consumer_key": auth.client_id,
                "privatekey": auth.private_key.get_secret_value(),
                "domain": "test" if auth.sandbox else "login",
                "instance_url": DOMAIN,
            }
        return {
            "username": auth.username,
            "password": auth.password.get_secret_value(),
            "security_token": auth.token.get_secret_value(),
            "domain": DOMAIN,
            "sf_version": min(version, SOAP_LAST),
        }

    def _overhear(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """The org's id stands in the token answer, which simple-salesforce throws away."""
        if "/services/data/" in str(response.url):
            return
        self._answer = response
        found = re.search(r"/id/(00D\w{12,15})/|<organizationId>(00D\w{12,15})<", response.text)
        if found:
            self.organization = found.group(1) or found.group(2)
