"""Single rows by id or by external id (REST API, sObject Rows; sObject Rows by External ID)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.emulators.salesforce import writes
from connector.emulators.salesforce.access import field_of, sees, table_of
from connector.emulators.salesforce.bodies import body_of
from connector.emulators.salesforce.conditions import resolve
from connector.emulators.salesforce.errors import VendorError, no_row, not_found
from connector.emulators.salesforce.ids import long_id
from connector.emulators.salesforce.org import Org
from connector.emulators.salesforce.query import Column
from connector.emulators.salesforce.render import record_url, recorder
from connector.emulators.salesforce.table import Cells, Table


def table_at(org: Org, request: Request, user: str) -> Table:
    """The object that the path names. Raises: `VendorError` NOT_FOUND."""
    try:
        return table_of(org, request.path_params["object"], user)
    except VendorError as error:
        raise not_found() from error


def _row(org: Org, request: Request, user: str) -> tuple[Table, Cells]:
    """A live row: a deleted one is not found by its address."""
    table = table_at(org, request, user)
    cells = table.cells.get(long_id(request.path_params["id"]))
    if cells is None:
        raise no_row()
    if cells[table.deleted]:
        raise VendorError("ENTITY_IS_DELETED", "entity is deleted", status=404)
    return table, cells


def shown(org: Org, table: Table, cells: Cells, names: list[str] | None, version: str, user: str) -> dict[str, Any]:
    """A row as a record: the named fields, or all that the user sees."""
    wanted = names or [n for n in table.object.fields if sees(org, user, table.object, n)]
    columns = tuple(Column((f.name,), f, get) for f, get in (resolve(org, table, (n,), user) for n in wanted))
    return recorder(table, columns, version)(cells)


async def read(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/{id}?fields=`."""
    table, cells = _row(org, request, user)
    wanted = request.query_params.get("fields")
    names = wanted.split(",") if wanted else None
    return JSONResponse(shown(org, table, cells, names, request.path_params["version"], user))


def _values(body: dict[str, Any]) -> dict[str, Any]:
    body.pop("attributes", None)
    if any(name.lower() == "id" for name in body):
        raise VendorError("INVALID_FIELD", "The Id field should not be specified in the sobject data.", ("Id",))
    return body


def allows_duplicates(request: Request) -> bool:
    """`Sforce-Duplicate-Rule-Header: allowSave=true`."""
    return "allowsave=true" in request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()


async def create(request: Request, org: Org, user: str) -> Response:
    """`POST sobjects/{object}`."""
    table = table_at(org, request, user)
    values = _values(await body_of(request))
    made = writes.create(org, table.object.name, values, user, allow_duplicate=allows_duplicates(request))
    where = record_url(request.path_params["version"], table.object.name, made)
    return JSONResponse({"id": made, "success": True, "errors": []}, status_code=201, headers={"Location": where})


async def update(request: Request, org: Org, user: str) -> Response:
    """`PATCH sobjects/{object}/{id}`: 204 and no body."""
    table, cells = _row(org, request, user)
    writes.update(org, table.object.name, cells[0], _values(await body_of(request)), user)
    return Response(status_code=204)


async def delete(request: Request, org: Org, user: str) -> Response:
    """`DELETE sobjects/{object}/{id}`."""
    table, cells = _row(org, request, user)
    writes.delete(org, table.object.name, cells[0], user)
    return Response(status_code=204)


# -- by external id ------------------------------------------------------------------------------------------------
def matches(org: Org, table: Table, field_name: str, value: str, user: str) -> list[str]:
    """The live rows with this external id. Raises: `VendorError` NOT_FOUND for a field that is none."""
    field = field_of(org, table.object, field_name, user)
    if field.name == "Id":
        found = [long_id(value)] if long_id(value) in table.cells else []
    elif field.external:
        found = sorted(table.indexes[field.name].get(value.lower(), ()))
    else:
        raise no_row()
    return [id_ for id_ in found if not table.cells[id_][table.deleted]]


def put_by_key(
    org: Org, table: Table, key: tuple[str, str], values: dict[str, Any], user: str, *, allow_duplicate: bool = False
) -> tuple[str, bool]:
    """Upserts one row; its id and whether it is new. Raises: `VendorError` DUPLICATE_VALUE for two or more matches."""
    name, value = key
    found = matches(org, table, name, value, user)
    if len(found) > 1:
        words = f"{name}: more than one record found for external id field: {found}"
        raise VendorError("DUPLICATE_EXTERNAL_ID", words, (name,), status=300)
    if found:
        return writes.update(org, table.object.name, found[0], values, user), False
    if name.lower() == "id":
        raise VendorError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    values = {**values, table.object.by_lower[name.lower()]: value}
    return writes.create(org, table.object.name, values, user, allow_duplicate=allow_duplicate), True


async def upsert(request: Request, org: Org, user: str) -> Response:
    """`PATCH sobjects/{object}/{ExtField}/{value}`: 201 created, 200 updated (204 before 46.0), 300 for two matches."""
    table = table_at(org, request, user)
    name, value, version = (request.path_params[n] for n in ("field", "value", "version"))
    values = _values(await body_of(request))
    if any(given.lower() == name.lower() for given in values):
        raise VendorError("INVALID_FIELD", f"The {name} field should not be specified in the sobject data.", (name,))
    found = matches(org, table, name, value, user)
    if len(found) > 1:
        return JSONResponse([record_url(version, table.object.name, i) for i in found], status_code=300)
    allow = allows_duplicates(request)
    made, created = put_by_key(org, table, (name, value), values, user, allow_duplicate=allow)
    if not created and float(version) < 46:
        return Response(status_code=204)
    body = {"id": made, "success": True, "errors": [], "created": created}
    return JSONResponse(body, status_code=201 if created else 200)


async def read_by_key(request: Request, org: Org, user: str) -> Response:
    """`GET sobjects/{object}/{ExtField}/{value}`: the row, 404, or 300 with the addresses of several."""
    table = table_at(org, request, user)
    name, value, version = (request.path_params[n] for n in ("field", "value", "version"))
    found = matches(org, table, name, value, user)
    if not found:
        raise no_row()
    if len(found) > 1:
        return JSONResponse([record_url(version, table.object.name, i) for i in found], status_code=300)
    return JSONResponse(shown(org, table, table.cells[found[0]], None, version, user))
