"""Signing in by simple-salesforce over our own session; nothing else of it sends."""

from __future__ import annotations

import re
from typing import Any

import requests

from connector.adapters._http import Wire, redacted
from connector.adapters.crm.salesforce.settings import ClientCredentials, Jwt, Settings
from connector.core.errors import ConfigError, TransientError

DOMAIN = "connector-login"
"""simple-salesforce composes https://{domain}.salesforce.com; our session maps this one to the tenant's login_url."""

COMPOSED = f"https://{DOMAIN}.salesforce.com"
SOAP_LAST = "64.0"


class Login:
    """Signs in when called, and remembers which org answered."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._wire, self._settings = wire, settings
        self.organization = ""
        wire.session.hooks["response"].append(self._overhear)

    def __call__(self) -> str:
        """The Authorization header. Raises: `ConfigError` where the vendor refuses, `TransientError` else."""
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        try:
            token, _ = SalesforceLogin(session=self._wire.session, **self._arguments())
        except SalesforceAuthenticationFailed as error:
            raise ConfigError(
                f"Salesforce refuses the login: {redacted(str(error.message))}. See crm.auth in the tenant's YAML.",
                vendor="Salesforce",
                action="login",
            ) from error
        except requests.exceptions.SSLError as error:
            raise ConfigError("Salesforce's certificate is not trusted; name its CA in ca_bundle.") from error
        except requests.exceptions.RequestException as error:
            raise self._wire.unreachable(error, "login") from error
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise TransientError(
                "Salesforce answered something that is no login; a proxy may stand between. The next run tries again.",
                log=f"login: {type(error).__name__}",
                vendor="Salesforce",
                action="login",
            ) from error
        return f"Bearer {token}"

    def _arguments(self) -> dict[str, Any]:
        auth, version = self._settings.auth, self._settings.api_version
        if isinstance(auth, ClientCredentials):
            secret = auth.client_secret.get_secret_value()
            return {"consumer_key": auth.client_id, "consumer_secret": secret, "domain": DOMAIN}
        if isinstance(auth, Jwt):
            # instance_url names the host of the token endpoint, domain the audience
            key = auth.private_key.get_secret_value()
            audience = "test" if auth.sandbox else "login"
            return {
                "username": auth.username,
                "consumer_key": auth.client_id,
                "privatekey": key,
                "domain": audience,
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
        if self.organization or "/services/data/" in str(response.url):
            return
        found = re.search(r"/id/(00D\w{12,15})/|<organizationId>(00D\w{12,15})<", response.text)
        if found:
            self.organization = found.group(1) or found.group(2)
