"""Finding adapters by entry point: listed without loading, loaded one at a time, checked before use.

Never imports: any adapter by name; built-ins come through the same door as plugins.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from connector.core.errors import ConfigError
from connector.ports.adapter import Adapter

GROUPS = ("connector.crm", "connector.esp", "connector.mail")


def listed() -> dict[str, list[EntryPoint]]:
    """Every adapter that is installed, by group, nothing loaded."""
    return {group: sorted(entry_points(group=group), key=lambda e: e.name) for group in GROUPS}


def load(group: str, kind: str) -> Adapter:
    """The adapter of that name. Raises: `ConfigError` where there is none, or it does not load, or is no adapter."""
    known = {entry.name: entry for entry in entry_points(group=group)}
    if kind not in known:
        near = get_close_matches(kind, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(known))}."
        raise ConfigError(f"There is no adapter {kind!r} in {group}.{hint}")
    try:
        adapter: Adapter = known[kind].load()
    except ImportError as error:
        missing = error.name or str(error)
        raise ConfigError(
            f"The adapter {kind} needs {missing}, which is not installed: pip install 'suppression-connector[{kind}]'."
        ) from error
    lacking = [part for part in ("name", "Settings", "can", "open") if not hasattr(adapter, part)]
    if lacking:
        raise ConfigError(f"The plugin {kind} in {group} is no adapter: it lacks {', '.join(lacking)}.")
    return adapter
