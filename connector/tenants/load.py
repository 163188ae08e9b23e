"""Reading the configuration folder: every mistake with file, line and column; one bad tenant stops no other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connector.core.errors import ConfigError
from connector.core.policy import Policy
from connector.ports.adapter import ListMapping
from connector.tenants.model import Service, Tenant
from connector.tenants.secrets import SecretError, resolve

SettingsOf = Callable[[str, str], type[BaseModel]]
"""The settings model of an adapter, by entry-point group and kind. Raises: `ConfigError`."""

M = TypeVar("M", bound=BaseModel)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class LoadedTenant:
    """One tenant, checked: its own model, the adapters' settings, and what the core needs."""

    name: str
    tenant: Tenant
    crm_kind: str
    crm: BaseModel
    esp_kind: str
    esp: BaseModel
    mail: BaseModel
    policy: Policy
    lists: tuple[ListMapping, ...]
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The whole folder: the service, the good tenants by name, and an error for each bad one."""

    service: Service
    tenants: dict[str, LoadedTenant] = field(default_factory=dict)
    errors: dict[str, ConfigError] = field(default_factory=dict)


def load(folder: Path, settings_of: SettingsOf) -> Loaded:
    """Reads `connector.yaml` and `tenants/*.yaml`. Raises: `ConfigError` where the service itself is wrong."""
    main = folder / "connector.yaml"
    if not main.is_file():
        raise ConfigError(f"There is no {main}. Write a configuration with `connector --config {folder} init TENANT`.")
    service = _Document(main, folder).model(Service, ())
    tenants: dict[str, LoadedTenant] = {}
    errors: dict[str, ConfigError] = {}
    for path in sorted((folder / "tenants").glob("*.yaml")):
        try:
            tenants[path.stem] = _tenant(path, folder, service, settings_of)
        except ConfigError as error:
            errors[path.stem] = error
    return Loaded(service=service, tenants=tenants, errors=errors)


def fingerprint(folder: Path) -> str:
    """Changes when any file of the configuration does."""
    files = [folder / "connector.yaml", *sorted((folder / "tenants").glob("*.yaml"))]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _tenant(path: Path, folder: Path, service: Service, settings_of: SettingsOf) -> LoadedTenant:
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(f"{path}: a tenant's name is made of a-z, 0-9 and hyphens.")
    document = _Document(path, folder)
    tenant = document.model(Tenant, ())
    crm_kind, crm = document.adapter("connector.crm", "crm", tenant.crm, settings_of)
    esp_kind, esp = document.adapter("connector.esp", "esp", tenant.esp, settings_of)
    if tenant.mail is not None:
        _, mail = document.adapter("connector.mail", "mail", tenant.mail, settings_of)
    else:
        main = _Document(folder / "connector.yaml", folder)
        _, mail = main.adapter("connector.mail", "mail", {"kind": "smtp", **service.mail}, settings_of)
    mappings = tuple(block.mapping() for block in tenant.lists)
    return LoadedTenant(
        name=path.stem,
        tenant=tenant,
        crm_kind=crm_kind,
        crm=crm,
        esp_kind=esp_kind,
        esp=esp,
        mail=mail,
        policy=tenant.policy.policy(crm_kind, mappings, entries=bool(getattr(crm, "entries", False))),
        lists=mappings,
        fingerprint=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


class _Document:
    """One YAML file with the places of its keys."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder
        try:
            self.tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
        except MarkedYAMLError as error:
            mark = error.problem_mark
            where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
            raise ConfigError(f"{where}: {error.problem or 'this is no YAML'}") from error
        except (YAMLError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read as YAML in UTF-8") from error
        if not isinstance(self.tree, CommentedMap):
            raise ConfigError(f"{path}:1:1: the file must be a mapping of keys")

    def model(self, model: type[M], at: tuple[str | int, ...]) -> M:
        """The model filled from the part of the file below `at`."""
        return self._filled(model, self._plain(self._node(at)), at)

    def adapter(self, group: str, key: str, block: dict[str, Any], settings_of: SettingsOf) -> tuple[str, BaseModel]:
        """The adapter's kind and its filled settings."""
        kind = str(block.get("kind", ""))
        try:
            settings = settings_of(group, kind)
        except ConfigError as error:
            raise ConfigError(f"{self._where((key, 'kind'))}: {error.operator}") from error
        return kind, self._filled(settings, self._plain(block), (key,))

    def _filled(self, model: type[M], values: Any, at: tuple[str | int, ...]) -> M:
        problems: list[str] = []
        values = self._secrets(model, values, at, problems)
        if not problems:
            try:
                return model.model_validate(values)
            except ValidationError as error:
                problems = [self._problem(model, values, at, dict(e)) for e in error.errors(include_url=False)]
        raise ConfigError("\n".join(dict.fromkeys(problems)))

    def _secrets(self, model: type[BaseModel], values: Any, at: tuple[str | int, ...], problems: list[str]) -> Any:
        """The same values with every reference to a secret resolved."""
        if not isinstance(values, dict):
            return values
        filled = dict(values)
        for name, info in model.model_fields.items():
            if name not in values or values[name] is None:
                continue
            inner = _models(info.annotation)
            if SecretStr in inner:
                try:
                    filled[name] = SecretStr(resolve(values[name], self.folder))
                except SecretError as error:
                    key = ".".join(str(part) for part in (*at, name))
                    problems.append(f"{self._where((*at, name))}: {key}: {error}")
            elif isinstance(values[name], dict):
                for one in _chosen(inner, values[name]):
                    filled[name] = self._secrets(one, filled[name], (*at, name), problems)
        return filled

    def _problem(self, model: type[BaseModel], values: Any, at: tuple[str | int, ...], error: dict[str, Any]) -> str:
        loc = tuple(part for part in error["loc"] if not self._invented(at, error["loc"], part))
        where = self._where((*at, *loc))
        key = ".".join(str(p) for p in (*at, *loc)) or "the file"
        if error["type"] == "extra_forbidden":
            near = get_close_matches(str(loc[-1]), _names(model, loc[:-1]), n=1)
            return f"{where}: {key}: there is no such key" + (f", did you mean {near[0]}?" if near else "")
        if error["type"] == "union_tag_not_found":
            return f"{where}: {key}.kind: is missing"
        if error["type"] == "union_tag_invalid":
            words = re.findall(r"'([^']+)'", str(error["ctx"]["expected_tags"]))
            return f"{where}: {key}.kind: {_one_of(words, error['ctx']['tag'])}"
        if error["type"] == "missing":
            return f"{where}: {key}: is missing"
        if error["type"] in ("enum", "literal_error"):
            words = re.findall(r"'([^']+)'", str(error["ctx"]["expected"]))
            return f"{where}: {key}: {_one_of(words, error['input'])}"
        return f"{where}: {key}: {str(error['msg']).removeprefix('Value error, ')}"

    def _invented(self, at: tuple[str | int, ...], loc: tuple[str | int, ...], part: str | int) -> bool:
        """Whether pydantic put a name into the path that stands in no file (the tag of a union)."""
        index = loc.index(part)
        node = self._node((*at, *loc[:index]))
        last = index == len(loc) - 1
        return not last and isinstance(node, CommentedMap) and part not in node

    def _node(self, at: tuple[str | int, ...]) -> Any:
        node: Any = self.tree
        for part in at:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def _where(self, at: tuple[str | int, ...]) -> str:
        """`file:line:column` of a key, or of the nearest one above it."""
        node, line, column = self.tree, 0, 0
        for part in at:
            try:
                if isinstance(node, CommentedMap):
                    line, column = node.lc.key(part)
                elif isinstance(node, CommentedSeq):
                    line, column = node.lc.item(part)
                node = node[part]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return f"{self.path}:{line + 1}:{column + 1}"

    def _plain(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {str(k): self._plain(v) for k, v in node.items()}
        if isinstance(node, list):
            return [self._plain(v) for v in node]
        return node


def _one_of(words: list[str], said: object) -> str:
    near = get_close_matches(str(said), words, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"must be one of {', '.join(words)}{hint}"


def _models(annotation: Any) -> list[Any]:
    """The classes an annotation is made of."""
    args = get_args(annotation)
    return [annotation] if not args else [found for arg in args for found in _models(arg)]


def _chosen(models: list[Any], values: dict[str, Any]) -> list[type[BaseModel]]:
    """Of the models a block may be, the one that its `kind` names."""
    inner = [m for m in models if isinstance(m, type) and issubclass(m, BaseModel)]
    if len(inner) < 2:
        return inner
    kind = values.get("kind")
    return [m for m in inner if kind in get_args(m.model_fields["kind"].annotation)]


def _names(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    for part in path:
        info = model.model_fields.get(str(part))
        inner = _chosen(_models(info.annotation), {}) if info else []
        if inner:
            model = inner[0]
    return list(model.model_fields)
