"""What of a vendor's words may be shown: no secret, no address."""

from __future__ import annotations

import re

LONGEST = 300

_SECRETS = re.compile(
    r"(?i)((?:\b(?:bearer|oauth|basic)\s+)"
    r"|(?:\b\w*(?:token|password|secret|assertion|session_?id|signature|apikey|api_key|cookie)\"?\s*[:=>]\s*\"?))"
    r"[^\s\"'<>,&;]+"
)
_SESSIONS = re.compile(r"\b00D\w{12,15}(?:!|%21)[\w.%-]+")
"""A Salesforce session id, wherever it stands."""

_ADDRESS = re.compile(r"(?:\"[^\"@\n]*\"|[^\s@\"<>()|=&,;:?]+)(?:@|%40)[^\s@\"'<>()|=&,;:?]+", re.IGNORECASE)


def without_addresses(text: str) -> str:
    """The text with every address replaced, also where it stands in a URL."""
    return _ADDRESS.sub("<address>", text)


def redacted(text: str) -> str:
    """A piece of an answer as errors and logs may show it: no secret, no address, 300 characters in one line."""
    shown = _SESSIONS.sub("<secret>", _SECRETS.sub(r"\1<secret>", text[: 20 * LONGEST]))
    return " ".join(without_addresses(shown).split())[:LONGEST]
