"""References to secrets: `env:NAME`, `file:PATH`, `keyring:SERVICE/USER`. A secret written into the YAML is refused."""

from __future__ import annotations

import os
from pathlib import Path

FORMS = "env:NAME, file:PATH or keyring:SERVICE/USER"


class SecretError(ValueError):
    """Why a reference gives no secret; never repeats what stands in the file."""


def resolve(reference: object, folder: Path) -> str:
    """The secret behind a reference; files are relative to the config folder. Raises: `SecretError`."""
    kind, colon, rest = str(reference).partition(":")
    if not colon or kind not in ("env", "file", "keyring") or not rest:
        raise SecretError(f"a secret stands here as a reference alone ({FORMS}); what is there was not printed")
    if kind == "env":
        value = os.environ.get(rest)
        if not value:
            raise SecretError(f"the environment variable {rest} is not set")
        return value
    if kind == "file":
        return _file(folder / rest)
    return _keyring(rest)


def _file(path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the file {path} cannot be read") from error
    if not value:
        raise SecretError(f"the file {path} is empty")
    return value


def _keyring(rest: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise SecretError("keyring references need: pip install 'suppression-connector[keyring]'") from error
    service, _, user = rest.partition("/")
    value = keyring.get_password(service, user)
    if not value:
        raise SecretError(f"the keyring holds nothing for {service}/{user}")
    return str(value)
