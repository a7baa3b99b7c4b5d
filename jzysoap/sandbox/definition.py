"""The service definition that the sandbox serves, and the names in it that envelopes need.

Nothing here does I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from jzysoap.model.errors import WsdlError
from jzysoap.model.operations import Operations

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_ACTION = "{http://www.w3.org/2006/05/addressing/wsdl}Action"
_SOAP_PORTS = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")

_ADDRESS = re.compile(rb"(<(?:soap|soap12|http):address\s+location=[\"'])https?://[^/\"']*")


@dataclass(frozen=True, slots=True)
class ServedOperation:
    """The names that the definition gives to one operation.

    Attributes:
        arguments: the elements of its arguments.
        response: the element that wraps its result.
        result: the element that holds its result.
        action: the action of its answer.
    """

    arguments: frozenset[str]
    response: str
    result: str
    action: str


class ServedDefinition:
    """A document/literal definition as Axis2 makes it: one schema, wrapped elements, arguments by their names.

    Args:
        document: the bytes of the definition.
        operations: the table of operations.
        source: the name of the definition in an error.

    Attributes:
        namespace: the namespace of its elements.
        operations: the operations of the table that it has, by name.
        endpoints: the names of its SOAP ports.

    Raises:
        WsdlError: the definition has another form, or does not fit the table.
    """

    def __init__(self, document: bytes, operations: Operations, source: str) -> None:
        self._document = document
        try:
            self._read(etree.fromstring(document, strict_parser()), operations)
        except (etree.LxmlError, LookupError, AttributeError, TypeError, ValueError) as error:
            raise WsdlError(
                f"the sandbox cannot serve the definition {source}: it must be document/literal with wrapped elements, "
                f"as Axis2 makes it ({type(error).__name__})",
                source=source,
            ) from error
        for one in operations.values():
            served = self.operations.get(one.name)
            if one.definition == "required" and served is None:
                raise WsdlError(f"the definition {source} lacks the operation {one.name}", source=source)
            if served is not None and not one.accepts(tuple(served.arguments)):
                raise WsdlError(
                    f"the definition {source} has other arguments of {one.name} than the table of operations: "
                    f"{', '.join(sorted(served.arguments))}",
                    source=source,
                )

    def serve_at(self, url: str) -> bytes:
        """Return the definition with its addresses moved to a base URL, otherwise verbatim."""
        return _ADDRESS.sub(lambda match: match[1] + url.encode(), self._document)

    def _read(self, root: Any, operations: Operations) -> None:
        self.namespace: str = root.get("targetNamespace")
        elements = {
            element.get("name"): [child.get("name") for child in element.iter(f"{_XSD}element") if child is not element]
            for element in root.iterfind(f"{_WSDL}types/{_XSD}schema/{_XSD}element")
        }
        messages = {
            message.get("name"): _local(message.find(f"{_WSDL}part").get("element"))
            for message in root.iterfind(f"{_WSDL}message")
        }
        self.operations: dict[str, ServedOperation] = {}
        for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
            question, answer = operation.find(f"{_WSDL}input"), operation.find(f"{_WSDL}output")
            wrapper, response = messages[_local(question.get("message"))], messages[_local(answer.get("message"))]
            if wrapper in operations and operations[wrapper].definition != "never":
                self.operations[wrapper] = ServedOperation(
                    frozenset(elements[wrapper]), response, elements[response][0], answer.get(_ACTION)
                )
        self.endpoints: frozenset[str] = frozenset(
            port.get("name")
            for port in root.iterfind(f"{_WSDL}service/{_WSDL}port")
            if etree.QName(port[0]).namespace in _SOAP_PORTS
        )


def strict_parser(encoding: str | None = None) -> etree.XMLParser:
    """Return a parser that loads nothing, resolves no entity, and drops comments and processing instructions."""
    # huge_tree stays off: it would let entity bombs pass, and no document here may be that large.
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )


def _local(name: str) -> str:
    return name.rpartition(":")[2]
