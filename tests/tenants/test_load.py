"""Every mistake in a YAML file has its place and its sentence; secrets are references and are never printed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from connector import plugins
from connector.core.errors import ConfigError
from connector.core.policy import LiftAt, Policy
from connector.tenants.load import Loaded, fingerprint, load
from connector.tenants.model import PolicyBlock
from connector.tenants.starter import example
from pydantic import BaseModel

SERVICE = """digest_key: {value: "file:key"}
link_key: "file:key"
mail: {host: 127.0.0.1, port: 25, security: none, sender: a@example.com}
"""
TENANT = """crm:
  kind: salesforce
  login_url: https://acme.my.salesforce.com
  auth: {kind: client_credentials, client_id: id, client_secret: "file:key"}
esp:
  kind: builtin
  lists: [News]
"""


def settings_of(group: str, kind: str) -> type[BaseModel]:
    """Settings by entry point, as wiring finds them."""
    return plugins.load(group, kind).Settings


def _load(folder: Path, tenant: str = TENANT, service: str = SERVICE) -> Loaded:
    (folder / "tenants").mkdir(exist_ok=True)
    (folder / "key").write_text("sixteen characters and more\n")
    (folder / "connector.yaml").write_text(service)
    (folder / "tenants" / "acme.yaml").write_text(tenant)
    return load(folder, settings_of)


def test_a_good_folder_loads_with_its_defaults(tmp_path):
    """What is left out has the documented default, and Salesforce lifts at once."""
    loaded = _load(tmp_path)
    assert loaded.errors == {}
    tenant = loaded.tenants["acme"]
    assert tenant.policy == Policy()
    assert tenant.policy.lift_at is LiftAt.ONCE
    assert tenant.tenant.schedule.every == timedelta(minutes=15)
    assert loaded.service.digest_key.value.get_secret_value() == "sixteen characters and more"


@pytest.mark.requirement("N16")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TENANT + "polici: {}\n", "acme.yaml:8:1: polici: there is no such key, did you mean policy?"),
        (
            TENANT + "policy:\n  confirm: befor\n",
            "acme.yaml:9:3: policy.confirm: must be one of before, after, none, did you mean before?",
        ),
        (
            TENANT + "policy: {expire_after: soon}\n",
            "acme.yaml:8:10: policy.expire_after: write a duration as 90s, 2m, 24h or 30d",
        ),
        (TENANT + "policy: {lift_faults: [complained]}\n", "lift_faults takes faults alone, and complained is none"),
        (
            TENANT + "schedule: {every: 5m, cron: '* * * * *'}\n",
            "acme.yaml:8:1: schedule: say exactly one of every and cron",
        ),
        (TENANT + "crm: {}\n", "acme.yaml:8:1: "),
        (
            TENANT.replace("kind: salesforce", "kind: salesfroce"),
            "acme.yaml:2:3: There is no adapter 'salesfroce' in connector.crm. Did you mean salesforce?",
        ),
        (
            TENANT.replace("login_url", "loginurl"),
            "acme.yaml:3:3: crm.loginurl: there is no such key, did you mean login_url?",
        ),
        (TENANT.replace("client_id: id, ", ""), "crm.auth.client_id: is missing"),
        (TENANT.replace("kind: client_credentials, ", ""), "acme.yaml:4:3: crm.auth.kind: is missing"),
        (TENANT.replace("client_credentials", "client_credential"), "did you mean client_credentials?"),
        (
            TENANT.replace('"file:key"', "hunter2"),
            "acme.yaml:4:51: crm.auth.client_secret: a secret stands here as a reference alone",
        ),
        (
            TENANT.replace('"file:key"', '"env:NO_SUCH_VARIABLE"'),
            "the environment variable NO_SUCH_VARIABLE is not set",
        ),
        (TENANT.replace('"file:key"', '"file:nowhere"'), "nowhere cannot be read"),
        ("- a list\n", "acme.yaml:1:1: the file must be a mapping of keys"),
        ("crm: [\n", "acme.yaml:2:1: "),
    ],
)
def test_each_mistake_is_told_with_its_place(tmp_path, text, told):
    """A wrong key, word, duration, secret or form is told as file:line:column: what, and what was perhaps meant."""
    loaded = _load(tmp_path, text)
    assert loaded.tenants == {}
    assert told in loaded.errors["acme"].operator
    assert "hunter2" not in loaded.errors["acme"].operator


def test_several_mistakes_are_told_at_once(tmp_path):
    """All mistakes of a file come together, a line each."""
    loaded = _load(tmp_path, TENANT + "policy: {confirm: x, moved: y, nothing: z}\n")
    assert len(loaded.errors["acme"].operator.splitlines()) == 3


def test_yaml_is_yaml_1_2(tmp_path):
    """`no` is a word and not false: a list may be called so."""
    loaded = _load(tmp_path, TENANT.replace("[News]", "[no]"))
    assert loaded.tenants["acme"].esp.lists == ["no"]


@pytest.mark.parametrize(
    ("service", "told"),
    [
        (SERVICE.replace("file:key", "file:short"), "shorter than 16 characters"),
        (SERVICE + "ports: 1\n", "connector.yaml:4:1: ports: there is no such key"),
        (SERVICE + "listen: a\nlisten: b\n", "connector.yaml:5:1: "),
    ],
)
def test_a_wrong_service_file_stops_everything(tmp_path, service, told):
    """The service's own mistakes are configuration errors with their place."""
    (tmp_path / "short").write_text("short")
    with pytest.raises(ConfigError, match=r"connector\.yaml") as error:
        _load(tmp_path, service=service)
    assert told in error.value.operator


def test_a_folder_without_files_says_what_to_do(tmp_path):
    """No connector.yaml: the sentence names init."""
    with pytest.raises(ConfigError, match="init TENANT"):
        load(tmp_path, settings_of)


def test_the_fingerprint_moves_with_the_files(tmp_path):
    """A change, a new file and a removed one are all seen."""
    _load(tmp_path)
    seen = [fingerprint(tmp_path)]
    (tmp_path / "tenants" / "acme.yaml").write_text(TENANT + "\n")
    seen.append(fingerprint(tmp_path))
    (tmp_path / "tenants" / "b.yaml").write_text(TENANT)
    seen.append(fingerprint(tmp_path))
    (tmp_path / "tenants" / "acme.yaml").unlink()
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == 4


@pytest.mark.requirement("N16")
def test_the_example_names_every_policy_key(tmp_path, monkeypatch):
    """The example holds every key of the policy with its default, and validates as it stands."""
    for name in ("CONNECTOR_DIGEST_KEY", "CONNECTOR_LINK_KEY", "CONNECTOR_SMTP_PASSWORD", "ACME_SALESFORCE_SECRET"):
        monkeypatch.setenv(name, "a secret of sixteen characters")
    loaded = _load(tmp_path, example("tenants/salesforce-builtin.yaml"), example("connector.yaml"))
    assert loaded.errors == {}
    policy = loaded.tenants["acme"].policy
    assert policy == Policy(lists=("News", "Offers"), flat_lists=frozenset({"News"}))
    text = example("tenants/salesforce-builtin.yaml")
    assert [name for name in PolicyBlock.model_fields if f"  {name}:" not in text] == []


@pytest.mark.requirement("N16")
def test_the_example_of_dynamics_says_the_defaults(tmp_path, monkeypatch):
    """Dynamics' example holds every key of its tables, columns and policy with its default, and validates as it stands."""
    for name in ("CONNECTOR_DIGEST_KEY", "CONNECTOR_LINK_KEY", "CONNECTOR_SMTP_PASSWORD", "ACME_DYNAMICS_SECRET"):
        monkeypatch.setenv(name, "a secret of sixteen characters")
    loaded = _load(tmp_path, example("tenants/dynamics-builtin.yaml"), example("connector.yaml"))
    assert loaded.errors == {}
    tenant = loaded.tenants["acme"]
    mapped = tenant.lists
    assert tenant.policy == PolicyBlock().policy("dynamics", mapped, entries=True)
    settings = tenant.crm
    plain = settings_of("connector.crm", "dynamics").model_validate(
        {"generation": "365", "url": settings.url, "auth": settings.auth.model_dump(), "tables": [{"name": "contact"}]}
    )
    assert settings.tables[0] == plain.tables[0]
    assert (settings.suppressions, settings.solution, settings.notes) == (
        plain.suppressions,
        plain.solution,
        plain.notes,
    )


def test_a_keyring_reference_without_the_extra_names_the_install_line(tmp_path, monkeypatch):
    """keyring is an extra: where it is missing, the sentence says how to install it."""
    import sys

    monkeypatch.setitem(sys.modules, "keyring", None)
    loaded = _load(tmp_path, TENANT.replace('"file:key"', '"keyring:acme/salesforce"'))
    assert "pip install 'suppression-connector[keyring]'" in loaded.errors["acme"].operator


def test_the_schema_knows_every_adapter_and_forbids_the_rest():
    """Editors get every key with its description, the adapters' own included."""
    from connector.tenants.schema import schema

    made = schema({"crm": {"salesforce": settings_of("connector.crm", "salesforce")}})
    assert made["properties"]["crm"]["anyOf"] == [{"$ref": "#/$defs/crm-salesforce"}]
    assert "login_url" in made["$defs"]["crm-salesforce"]["properties"]
    assert made["additionalProperties"] is False
    assert all("description" in p for p in made["$defs"]["PolicyBlock"]["properties"].values())


def test_each_kind_of_crm_has_its_own_usual_choices():
    """Dynamics lifts at the next sync and demands no permission, Salesforce at once and demands one; what the YAML says wins."""
    dynamics, salesforce = PolicyBlock().policy("dynamics", ()), PolicyBlock().policy("salesforce", ())
    assert (dynamics.lift_at, dynamics.permission, dynamics.ask_whom) == (
        LiftAt.NEXT_SYNC,
        "",
        "your Dynamics administrator",
    )
    assert salesforce == Policy()
    said = PolicyBlock(permission="", ask_whom="Jo").policy("salesforce", ())
    assert (said.permission, said.ask_whom) == ("", "Jo")
