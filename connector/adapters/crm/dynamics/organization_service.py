"""The Organization Service of 2011, 2013 and 2015: SOAP 1.1, the message Execute alone, at `Organization.svc/web`.

CRM SDK, "IOrganizationService.Execute"; faults: "Handle exceptions in your code", OrganizationServiceFault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from lxml import etree  # type: ignore[import-untyped]  # it has no types

from connector.adapters._http import Wire
from connector.adapters.crm.dynamics.mapping import About, hex_code
from connector.adapters.crm.dynamics.refusals import meant, no_words
from connector.core.errors import ConfigError, Failure, TransientError

ENDPOINT = "XRMServices/2011/Organization.svc/web"
SERVICES = "http://schemas.microsoft.com/xrm/2011/Contracts/Services"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMES = {
    "s": SOAP,
    "i": XSI,
    "a": "http://schemas.microsoft.com/xrm/2011/Contracts",
    "b": "http://schemas.microsoft.com/crm/2011/Contracts",
    "c": "http://schemas.datacontract.org/2004/07/System.Collections.Generic",
    "m": "http://schemas.microsoft.com/xrm/2011/Metadata",
    "g": "http://schemas.microsoft.com/2003/10/Serialization/",
    "x": "http://www.w3.org/2001/XMLSchema",
}
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f"{SERVICES}/IOrganizationService/Execute"}
REFUSALS = (400, 401, 403, 404, 500)

CORE, CRM = "a", "b"
"""Which assembly a request is of, as the prefix of its contract's namespace: the SDK's core, or its messages of CRM."""


class Service:
    """The messages of one organization."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def execute(
        self,
        name: str,
        parameters: Mapping[str, tuple[str, Any]] | None = None,
        *,
        assembly: str = CRM,
        action: str,
        about: About = "call",
    ) -> dict[str, Any]:
        """The results of one message, as XML elements by their keys. All that is asked here may be asked twice.

        Parameters are (type with prefix, text or child elements) by key. Raises: the five families.
        """

        def answered(response: requests.Response) -> Any:
            if response.status_code == 200:
                return self._results(response, action)
            failure = self._fault(response, action, about)
            if isinstance(failure, TransientError):
                raise failure
            return failure

        answer = self._wire.call(
            "POST",
            ENDPOINT,
            repeat=True,
            action=action,
            ok=(200, *REFUSALS),
            read=answered,
            headers=HEADERS,
            data=envelope(name, parameters or {}, assembly),
        )
        if isinstance(answer, Failure):
            # raised here and not where it is read: what Dynamics refuses in its own words is not asked again at once
            raise answer
        return dict(answer)

    def _results(self, response: requests.Response, action: str) -> dict[str, Any]:
        root = self._parsed(response, action)
        result = root.find("{*}Body/{*}ExecuteResponse/{*}ExecuteResult")
        results = None if result is None else result.find("{*}Results")
        if results is None:
            raise self._wire.garbled(action, "no ExecuteResult")
        return {str(pair.findtext("{*}key")): pair.find("{*}value") for pair in results}

    def _fault(self, response: requests.Response, action: str, about: About) -> Failure:
        """What a fault means, by its ErrorCode. An answer that is no fault is somebody's in between."""
        if response.status_code == 404:
            # the path is short and always the same: whoever is there, it is no organization of these servers
            words = f"There is no Organization Service at {self._wire.base_url}; see crm.url and crm.generation."
            return ConfigError(words, **self._wire.facts(response, action))
        try:
            fault = self._parsed(response, action).find("{*}Body/{*}Fault")
        except TransientError:
            fault = None
        if fault is None:
            return no_words(self._wire, response, action)
        told = fault.find("detail/{*}OrganizationServiceFault")
        if told is None:
            return meant(self._wire, response, "", str(fault.findtext("faultstring") or ""), action, about)
        code, message = (str(told.findtext(f"{{*}}{name}") or "") for name in ("ErrorCode", "Message"))
        return meant(self._wire, response, hex_code(code), message, action, about)

    def _parsed(self, response: requests.Response, action: str) -> Any:
        """The document. One with a DTD, which could name files and expand without end, is none of Dynamics'."""
        kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
        if not kind.endswith("xml"):
            raise self._wire.garbled(action, f"{kind} instead of XML")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(response.content, parser)
        except etree.XMLSyntaxError as error:
            raise self._wire.garbled(action, str(error)) from None
        if root.getroottree().docinfo.doctype:
            raise self._wire.garbled(action, "a document with a DTD")
        return root


def envelope(name: str, parameters: Mapping[str, tuple[str, Any]], assembly: str) -> bytes:
    """The request of one message."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap=NAMES)
    execute = etree.SubElement(
        etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{SERVICES}}}Execute", nsmap={None: SERVICES}
    )
    request = etree.SubElement(execute, f"{{{SERVICES}}}request", {f"{{{XSI}}}type": f"{assembly}:{name}Request"})
    listed = etree.SubElement(request, _name("a:Parameters"))
    for key, (kind, value) in parameters.items():
        pair = etree.SubElement(listed, _name("a:KeyValuePairOfstringanyType"))
        etree.SubElement(pair, _name("c:key")).text = key
        element = etree.SubElement(pair, _name("c:value"), {f"{{{XSI}}}type": kind})
        _put(element, value)
    etree.SubElement(request, _name("a:RequestId"), {f"{{{XSI}}}nil": "true"})
    etree.SubElement(request, _name("a:RequestName")).text = name
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _put(element: Any, value: Any) -> None:
    """Text, or child elements by their prefixed names; None is a child that says nothing."""
    if not isinstance(value, Mapping):
        element.text = str(value)
        return
    for name, text in value.items():
        child = etree.SubElement(element, _name(name), {} if text is not None else {f"{{{XSI}}}nil": "true"})
        child.text = text


def _name(prefixed: str) -> str:
    prefix, _, local = prefixed.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def fetch(table: str, columns: list[str], column: str, values: list[str]) -> str:
    """FetchXML: some columns of the rows of a table whose `column` is one of the values."""
    root = etree.Element("fetch", {"mapping": "logical"})
    entity = etree.SubElement(root, "entity", {"name": table})
    for name in columns:
        etree.SubElement(entity, "attribute", {"name": name})
    condition = etree.SubElement(
        etree.SubElement(entity, "filter"), "condition", {"attribute": column, "operator": "in"}
    )
    for value in values:
        etree.SubElement(condition, "value").text = value
    return str(etree.tostring(root, encoding="unicode"))
