"""The JSON Schema of the YAML files, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from connector.tenants.model import Service, Tenant


def schema(adapters: dict[str, dict[str, type[BaseModel]]]) -> dict[str, Any]:
    """One schema for a tenant's file (top level) and, under `$defs/connector.yaml`, the service's.

    `adapters` holds each adapter's settings model by the tenant's key (`crm`, `esp`, `mail`) and kind.
    """
    made = Tenant.model_json_schema(ref_template="#/$defs/{model}")
    defs: dict[str, Any] = made.setdefault("$defs", {})
    for key, kinds in adapters.items():
        blocks = []
        for kind, model in sorted(kinds.items()):
            one = model.model_json_schema(ref_template=f"#/$defs/{key}-{kind}-{{model}}")
            for name, part in one.pop("$defs", {}).items():
                defs[f"{key}-{kind}-{name}"] = part
            defs[f"{key}-{kind}"] = one
            blocks.append({"$ref": f"#/$defs/{key}-{kind}"})
        if key in made["properties"]:
            made["properties"][key] = {"anyOf": blocks, "description": made["properties"][key].get("description", "")}
    service = Service.model_json_schema(ref_template="#/$defs/service-{model}")
    for name, part in service.pop("$defs", {}).items():
        defs[f"service-{name}"] = part
    defs["connector.yaml"] = service
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
