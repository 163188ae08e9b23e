"""What `connector init` writes: the example files, under the tenant's own name, never over a file that is there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from connector.core.errors import ConfigError

KINDS = ("salesforce-builtin", "dynamics-builtin")


def example(name: str) -> str:
    """The text of an example: `connector.yaml` or `tenants/KIND.yaml`."""
    return files("connector.tenants").joinpath("examples", name).read_text(encoding="utf-8")


def write(folder: Path, tenant: str, kind: str) -> list[Path]:
    """Writes the tenant's file, and connector.yaml where there is none; the paths written. Raises: `ConfigError`."""
    target = folder / "tenants" / f"{tenant}.yaml"
    if target.exists():
        raise ConfigError(f"{target} is there already; nothing was written.")
    written = [target]
    if not (folder / "connector.yaml").exists():
        written.insert(0, folder / "connector.yaml")
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in written:
        name = f"tenants/{kind}.yaml" if path is target else "connector.yaml"
        path.write_text(example(name), encoding="utf-8")
    return written
