"""`$metadata`: the service's schema as CSDL ("Web API service documents")."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from connector.emulators.dynamics.asks import Answer, Ask
from connector.emulators.dynamics.filters import edm
from connector.emulators.dynamics.schema import LOOKUPS, Definition

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" '
    'xmlns="http://docs.oasis-open.org/odata/ns/edm">'
)
_TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"


def describe(ask: Ask) -> Answer:
    """Every table as an entity type, and the sets of them."""
    ask.options()
    tables = [table.definition for table in ask.env.tables.values()]
    sets = "".join(f'<EntitySet Name="{d.set}" EntityType="Microsoft.Dynamics.CRM.{d.name}"/>' for d in tables)
    container = f'<EntityContainer Name="System">{sets}</EntityContainer>'
    body = _HEAD + "".join(map(_type, tables)) + container + _TAIL
    return Answer(200, body.encode(), {"Content-Type": "application/xml"})


def _type(definition: Definition) -> str:
    lines = [f'<EntityType Name="{definition.name}"><Key><PropertyRef Name="{definition.key}"/></Key>']
    for column in definition.columns.values():
        length = f' MaxLength="{column.length}"' if column.length else ""
        lines.append(f"<Property Name={quoteattr(column.wire)} Type={quoteattr(edm(column))}{length}/>")
        if column.type in LOOKUPS:
            lines += [
                f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr('mscrm.' + target)}/>"
                for name, target in column.navigation.items()
            ]
    return "".join([*lines, "</EntityType>"])
