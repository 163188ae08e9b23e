"""What the org tells of itself: versions, resources, objects, fields, limits.

REST API: Versions, Resources by Version, Describe Global, sObject Basic Information, sObject Describe, Limits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce.access import edits, may, sees
from connector.emulators.salesforce.errors import VendorError
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.schema import Object
from connector.emulators.salesforce.single import table_at
from connector.emulators.salesforce.soql import parse
from connector.emulators.salesforce.table import Table

FIRST, LAST = 31, 67
"""API versions that live; 21.0 to 30.0 are retired and answer 410."""

_SEASONS = ("Spring", "Summer", "Winter")


async def versions(request: Request) -> Response:
    """`GET /services/data`: no session needed, and not counted."""
    rows = []
    for version in range(FIRST, LAST + 1):
        year, season = divmod(version - 66, 3)
        label = f"{_SEASONS[season]} '{26 + year + (season == 2)}"
        rows.append({"label": label, "url": f"/services/data/v{version}.0", "version": f"{version}.0"})
    return JSONResponse(rows)


async def resources(request: Request, org: Org, user: str) -> Response:
    """`GET /services/data/vXX.X`."""
    here = f"/services/data/v{request.path_params['version']}"
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "tooling")
    return JSONResponse({name: f"{here}/{name}" for name in names})


def _facts(org: Org, object_: Object, user: str, version: str) -> dict[str, Any]:
    """What both kinds of describe say of an object."""
    here, may_edit = f"/services/data/v{version}/sobjects/{object_.name}", may(org, user, f"Edit {object_.name}")
    return {
        "name": object_.name,
        "label": object_.name,
        "labelPlural": f"{object_.name}s",
        "custom": object_.custom,
        "customSetting": False,
        "keyPrefix": object_.prefix,
        "queryable": True,
        "searchable": object_.bulk,
        "createable": object_.createable and may_edit,
        "updateable": object_.writable and may_edit,
        "deletable": object_.createable and may_edit,
        "undeletable": object_.createable and may_edit,
        "mergeable": "MasterRecordId" in object_.fields,
        "replicateable": True,
        "retrieveable": True,
        "layoutable": object_.createable,
        "triggerable": object_.createable,
        "deprecatedAndHidden": False,
        "urls": {"sobject": here, "describe": f"{here}/describe", "rowTemplate": here + "/{ID}"},
    }


def _shown(org: Org, object_: Object, user: str) -> bool:
    return may(org, user, f"Read {object_.name}") and (not object_.setup or may(org, user, "ViewSetup"))


async def global_describe(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects`."""
    version = request.path_params["version"]
    rows = [_facts(org, t.object, user, version) for t in org.tables.values() if _shown(org, t.object, user)]
    return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})


async def basic(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}`."""
    object_ = table_at(org, request, user).object
    facts = _facts(org, object_, user, request.path_params["version"])
    return JSONResponse({"objectDescribe": facts, "recentItems": []})


async def describe(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/describe`: what this user may see, and may write. 304 if nothing changed since."""
    table = table_at(org, request, user)
    since = request.headers.get("if-modified-since")
    if since and (seen := _moment(since)) is not None and seen >= org.schema_changed:
        return Response(status_code=304)
    body = _facts(org, table.object, user, request.path_params["version"])
    body |= {"fields": _fields(org, table, user), "recordTypeInfos": [_MASTER], "childRelationships": []}
    changed = org.schema_changed.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return JSONResponse(body, headers={"Last-Modified": changed})


_MASTER = {"active": True, "available": True, "defaultRecordTypeMapping": True, "master": True, "name": "Master"}


def _moment(header: str) -> datetime | None:
    """A time in a header; one that cannot be read is passed over, as HTTP says."""
    try:
        found = parsedate_to_datetime(header)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fields(org: Org, table: Table, user: str) -> list[dict[str, Any]]:
    object_, made = table.object, []
    for field in object_.fields.values():
        if not sees(org, user, object_, field.name):
            continue
        may_edit = edits(org, user, object_, field.name)
        createable = field.writable if field.createable is None else field.createable
        made.append(
            field.describe(
                updateable=field.writable and object_.writable and may_edit,
                createable=createable and object_.createable and may_edit,
            )
        )
    return made


async def limits(request: Request, org: Org, user: str) -> Response:
    """`GET limits`: needs View Setup and Configuration."""
    if not may(org, user, "ViewSetup"):
        raise VendorError("INSUFFICIENT_ACCESS", "insufficient access rights: View Setup and Configuration")
    plenty = {"Max": 10_000, "Remaining": 10_000}
    left = {"Max": org.limit, "Remaining": max(org.limit - org.used, 0)}
    storage = {"Max": 976_562, "Remaining": 976_562}
    return JSONResponse(
        {
            "DailyApiRequests": left,
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": plenty,
            "DailyBulkV2QueryFileStorageMB": storage,
        }
    )


async def tooling_query(request: Request, org: Org, user: str) -> Response:
    """`GET tooling/query` over FieldDefinition alone: whether a field's history is tracked."""
    tree = parse(request.query_params.get("q", ""))
    if tree.object.lower() != "fielddefinition" or not may(org, user, "ViewSetup"):
        raise VendorError("INVALID_TYPE", f"sObject type '{tree.object}' is not supported.")
    wanted = {".".join(p.field): p.value for p in getattr(tree.where, "parts", (tree.where,)) if hasattr(p, "value")}
    entity = str(wanted.get("EntityDefinitionId") or wanted.get("EntityDefinition.QualifiedApiName") or "")
    name = str(wanted.get("QualifiedApiName") or "")
    object_ = org.tables[entity].object if entity in org.tables else None
    if object_ is None or name not in object_.fields:
        return JSONResponse({"totalSize": 0, "done": True, "records": []})
    row = {"QualifiedApiName": name, "IsFieldHistoryTracked": f"{entity}.{name}" in org.tracked}
    return JSONResponse({"totalSize": 1, "done": True, "records": [{"attributes": {"type": "FieldDefinition"}} | row]})
