"""The Organization Service at Organization.svc/web: SOAP 1.1, the message Execute, for the requests in `MESSAGES`.

CRM SDK, "IOrganizationService.Execute", "Handle exceptions in your code".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from connector.emulators.dynamics import login, people
from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.errors import VendorError, no_row
from connector.emulators.dynamics.schema import Column
from connector.emulators.dynamics.security import demand, permitted

ACTION = "http://schemas.microsoft.com/xrm/2011/Contracts/Services/IOrganizationService/Execute"
_ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
_RESPONSE = (
    '<ExecuteResponse xmlns="http://schemas.microsoft.com/xrm/2011/Contracts/Services">'
    '<ExecuteResult xmlns:a="http://schemas.microsoft.com/xrm/2011/Contracts"'
    ' xmlns:b="http://schemas.datacontract.org/2004/07/System.Collections.Generic"'
    ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a:ResponseName>{name}</a:ResponseName><a:Results>{results}'
    "</a:Results></ExecuteResult></ExecuteResponse>"
)
_PAIR = "<a:KeyValuePairOfstringanyType><b:key>{key}</b:key><b:value>{value}</b:value></a:KeyValuePairOfstringanyType>"
_FAULT = (
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>{words}</faultstring><detail>"
    '<OrganizationServiceFault xmlns="http://schemas.microsoft.com/xrm/2011/Contracts"><ErrorCode>{code}</ErrorCode>'
    "<Message>{words}</Message></OrganizationServiceFault></detail></s:Fault>"
)


def execute(ask: Ask) -> Answer:
    """One message's answer; a refusal is a fault with its ErrorCode."""
    try:
        if ask.headers.get("soapaction", "").strip('"') != ACTION:
            raise VendorError(500, "0x80040203", "The SOAPAction is not that of Execute.")
        login.enabled(ask.env, ask.user)
        name, given = _read(ask.body)
        if name not in MESSAGES:
            raise VendorError(500, "0x80040203", f"The request {name} is not known.")
        told = MESSAGES[name](ask, given)
    except VendorError as error:
        return _sent(500, _FAULT.format(code=signed(error.code) or "-2147220970", words=escape(error.message)))
    results = "".join(_PAIR.format(key=key, value=value) for key, value in told.items())
    return _sent(200, _RESPONSE.format(name=name, results=results))


def signed(code: str) -> str:
    """A code as these servers write it: the signed number of the hexadecimal one."""
    if not code:
        return ""
    number = int(code, 16)
    return str(number - 2**32 if number >= 2**31 else number)


def _sent(status: int, inner: str) -> Answer:
    return Answer(status, _ENVELOPE.format(inner).encode(), {"Content-Type": "text/xml; charset=utf-8"})


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  # only our own clients speak to it
    except ElementTree.ParseError as error:
        raise VendorError(500, "0x80040203", f"The message is no XML: {error}") from error
    request = root.find("{*}Body/{*}Execute/{*}request")
    name = None if request is None else request.findtext("{*}RequestName")
    if request is None or not name:
        raise VendorError(500, "0x80040203", "Execute without a request.")
    pairs = request.iterfind("{*}Parameters/{*}KeyValuePairOfstringanyType")
    return name, {str(p.findtext("{*}key")): p.find("{*}value") for p in pairs}


def _parameter(given: dict[str, Any], name: str, child: str = "") -> str:
    element = given.get(name)
    text = None if element is None else element.findtext(f"{{*}}{child}") if child else element.text
    if not text:
        raise VendorError(500, "0x80040203", f"The request lacks {name}.")
    return str(text)


def _who(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    return {"UserId": ask.user, "BusinessUnitId": ask.env.unit, "OrganizationId": ask.env.id}


def _version(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    return {"Version": ask.env.server_version}


def _entity(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    """RetrieveEntity, with its attributes."""
    name = _parameter(given, "LogicalName")
    if "Attributes" not in _parameter(given, "EntityFilters").split():
        raise VendorError(500, "0x80040203", "Only the filter Attributes is emulated.")
    if name not in ask.env.tables:
        raise VendorError(500, "0x80040217", f"Could not find an entity with name {name}.")
    definition = ask.env.tables[name].definition
    columns = "".join(_attribute(column) for column in definition.columns.values())
    return {
        "EntityMetadata": f"<Attributes>{columns}</Attributes><LogicalName>{definition.name}</LogicalName>"
        f"<SchemaName>{definition.schema}</SchemaName>"
    }


def _attribute(column: Column) -> str:
    yes = {True: "true", False: "false"}
    default = f"<DefaultValue>{yes[bool(column.default)]}</DefaultValue>" if column.type == "Boolean" else ""
    return (
        f"<AttributeMetadata><MetadataId>{column.id}</MetadataId><AttributeType>{column.type}</AttributeType>"
        f"<IsSecured>{yes[column.secured]}</IsSecured><IsValidForCreate>{yes[column.creatable]}</IsValidForCreate>"
        f"<IsValidForRead>{yes[column.readable]}</IsValidForRead>"
        f"<IsValidForUpdate>{yes[column.updatable]}</IsValidForUpdate><LogicalName>{column.name}</LogicalName>"
        f"<SchemaName>{column.schema}</SchemaName>{default}</AttributeMetadata>"
    )


def _multiple(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    """RetrieveMultiple by FetchXML: attributes of one entity, by one condition `in` or `eq`."""
    query: Any = ElementTree.fromstring(_parameter(given, "Query", "Query"))  # noqa: S314  # as above
    entity = query.find("entity")
    table = ask.env.tables.get(entity.get("name") if entity is not None else "")
    if table is None or len(entity.findall("filter/condition")) != 1 or entity.find("link-entity") is not None:
        raise VendorError(500, "0x80041102", "This query is not emulated, or its entity is not there.")
    demand(ask.env, ask.user, "Read", table.definition)
    condition = entity.find("filter/condition")
    wanted = {v.text.lower() for v in condition.findall("value")} or {str(condition.get("value")).lower()}
    names = [attribute.get("name") for attribute in entity.findall("attribute")]
    for name in (*names, condition.get("attribute")):
        if name not in table.columns:
            raise VendorError(500, "0x80041103", f"'{table.definition.name}' has no attribute '{name}'.")
    at = table.columns[condition.get("attribute")]
    found = [cells for cells in table.cells.values() if str(cells[at]).lower() in wanted]
    rows = "".join(_row(table.values(cells), names, table.definition.name, cells[0]) for cells in found)
    return {"EntityCollection": f"<a:Entities>{rows}</a:Entities><a:MoreRecords>false</a:MoreRecords>"}


def _row(values: dict[str, Any], names: list[str], table: str, id_: str) -> str:
    told = {name: values[name] for name in names if values[name] is not None}
    pairs = "".join(_PAIR.format(key=key, value=escape(str(value))) for key, value in told.items())
    return (
        f"<a:Entity><a:Attributes>{pairs}</a:Attributes><a:Id>{id_}</a:Id><a:LogicalName>{table}</a:LogicalName>"
        "</a:Entity>"
    )


def _privileges(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    """RetrieveUserPrivileges."""
    user = _parameter(given, "UserId")
    if user not in ask.env.tables["systemuser"].cells:
        raise no_row("systemuser", user)
    held = {name: people.depth(ask.env, user, name) for name in ask.env.privileges}
    rights = "".join(
        f"<RolePrivilege><BusinessUnitId>{ask.env.unit}</BusinessUnitId><Depth>{depth}</Depth>"
        f"<PrivilegeId>{ask.env.privileges[name]}</PrivilegeId></RolePrivilege>"
        for name, depth in held.items()
        if depth
    )
    return {"RolePrivileges": rights}


def _columns(ask: Ask, given: dict[str, Any]) -> dict[str, str]:
    """RetrievePrincipalAttributePrivileges: 0 or 4 for each deed on a secured column."""
    user = _parameter(given, "Principal", "Id")
    rights = ""
    for table in ask.env.tables.values():
        for column in (c for c in table.definition.columns.values() if c.secured):
            may = {d: 4 * permitted(ask.env, user, table.definition, column, d) for d in ("Create", "Read", "Update")}
            told = "".join(f"<a:Can{deed}>{value}</a:Can{deed}>" for deed, value in may.items())
            rights += f"<a:AttributePrivilege><a:AttributeId>{column.id}</a:AttributeId>{told}</a:AttributePrivilege>"
    return {"AttributePrivileges": rights}


MESSAGES: dict[str, Callable[[Ask, dict[str, Any]], dict[str, str]]] = {
    "WhoAmI": _who,
    "RetrieveVersion": _version,
    "RetrieveEntity": _entity,
    "RetrieveMultiple": _multiple,
    "RetrieveUserPrivileges": _privileges,
    "RetrievePrincipalAttributePrivileges": _columns,
}
"""Requests that are emulated; every other one is refused."""
