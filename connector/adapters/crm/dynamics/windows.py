"""Windows authentication by requests-ntlm (extra `onprem`), with an end that the wire knows where it breaks off."""

from __future__ import annotations

from typing import Any

import requests
from requests_ntlm import HttpNtlmAuth
from spnego.exceptions import SpnegoError

from connector.core.errors import ConfigError


class WindowsAuth(HttpNtlmAuth):
    """Signs in each connection once. Raises: `ConfigError` where the server takes no NTLM."""

    def retry_using_http_NTLM_auth(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: N802  # the library's
        """The hand-shake. A server that answers something else in the middle of it is one that cannot be reached."""
        try:
            return super().retry_using_http_NTLM_auth(*args, **kwargs)
        except requests.exceptions.RequestException:
            raise
        except PermissionError:
            words = "Dynamics takes no NTLM, or not from this user. See crm.auth in the tenant's YAML."
            raise ConfigError(words, vendor="Dynamics", action="login") from None
        except (LookupError, ValueError, SpnegoError) as error:
            raise requests.exceptions.ConnectionError(f"the hand-shake broke off ({type(error).__name__})") from None
