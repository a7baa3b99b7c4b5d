"""A description of a live definition, made without the library's own code."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from tests.interop.ledger import Facts
from tests.interop.stacks import Service

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
SOAP = {"{http://schemas.xmlsoap.org/wsdl/soap/}": "1.1", "{http://schemas.xmlsoap.org/wsdl/soap12/}": "1.2"}


def describe(service: Service, documents: Mapping[str, bytes]) -> Facts:
    """The facts of a service, from the documents of its definition."""
    trees = [etree.fromstring(document) for document in documents.values()]
    elements = [element for tree in trees for element in tree.iter("*")]
    versions = [version for space, version in SOAP.items() if any(one.tag == space + "address" for one in elements)]
    (style,) = {one.get("style") for one in elements if one.tag in [space + "binding" for space in SOAP]}
    (use,) = {one.get("use") for one in elements if one.tag in [space + "body" for space in SOAP]}
    if style == "rpc":
        holders = [one for one in elements if one.tag == WSDL + "message" and one.get("name") == "sendSmsRequest"]
        names = [part.get("name", "") for holder in holders for part in holder.iter(WSDL + "part")]
    else:
        holders = [one for one in elements if one.tag.startswith(XS) and one.get("name") == "sendSms"]
        names = [one.get("name", "") for holder in holders for one in holder.iter(XS + "element") if one is not holder]
    return Facts(
        service.stack.title, service.server.version, tuple(versions), f"{style}/{use}", tuple(names), len(documents)
    )
