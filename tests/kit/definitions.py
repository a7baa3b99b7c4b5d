"""Service definitions made to order, in the shape of Axis2's: document/literal, wrapped."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from lxml import etree

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.collect import Fetch, drive, fetch_request
from jzysoap.definition.documents import XSD
from jzysoap.definition.source import loading
from jzysoap.model.http import HttpReply
from jzysoap.model.operations import OPERATIONS
from jzysoap.settings.options import Config, configure
from jzysoap.transport.sync import Transport

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    one.name: tuple(argument.name for argument in one.arguments)
    for one in OPERATIONS.values()
    if one.definition == "required"
}
"""The documented arguments of the web service's operations, by the operation's name."""

URL = "http://gateway.invalid/services/userApi?wsdl"
"""The address at which a client of ``http://gateway.invalid`` looks for its definition."""

DOCUMENTED = tuple(
    f"{'int' if name in ('smstype', 'isLongSms') else 'string'} {name}" for name in SIGNATURES["sendSms"]
)
"""The documented arguments of a send, the seventh included."""

Port = Literal["1.1", "1.2", "http"]

_SOAP = {"1.1": "http://schemas.xmlsoap.org/wsdl/soap/", "1.2": "http://schemas.xmlsoap.org/wsdl/soap12/"}


def load_bindings(config: Config, fetch: Fetch, *, clock: Callable[[], float] = time.time) -> tuple[Bindings, str]:
    """Load the definition of a client with these options, and the origin of it."""
    loaded = drive(loading(config, clock=clock), fetch)
    return loaded.bindings, loaded.origin


def fetch(url: str) -> HttpReply:
    """Get a document over HTTP, as a client does."""
    transport = Transport(configure({"base_url": "http://127.0.0.1", "username": "-", "password": "-"}))
    try:
        return transport.exchange(fetch_request(url, {}))
    finally:
        transport.close()


def definition(
    *,
    arguments: Sequence[str] = DOCUMENTED[:6],
    query: Sequence[str] = DOCUMENTED[:2],
    operations: Mapping[str, str] | Sequence[str] = tuple(SIGNATURES),
    ports: Sequence[Port] = ("1.1", "1.2", "http"),
    action: str = "urn:{}",
    namespace: str = "urn:gateway",
    extra: str = "",
    schema: str = "",
) -> bytes:
    """A definition.

    Args:
        arguments: those of ``sendSms``, each a type, a name and, after them, any further attributes.
        query: those of the other operations.
        operations: their names; or, by name, the XML of their input in the port type.
        ports: the ports, in this order.
        action: the soapAction, with ``{}`` for the operation.
        namespace: of everything.
        extra: more XML, at the beginning.
        schema: more XML, at the beginning of the schema.
    """
    inputs = dict(operations) if isinstance(operations, Mapping) else {}
    elements, messages, port_type = [], [], []
    for name in operations:
        inside = "".join(map(_element, arguments if name == "sendSms" else query))
        elements += [_wrapper(name, inside), _wrapper(f"{name}Response", _element("string return"))]
        messages += [
            f'<message name="{one}"><part name="parameters" element="t:{one}"/></message>'
            for one in (name, f"{name}Response")
        ]
        given = inputs.get(name, f'<input message="t:{name}" a:Action="urn:{name}"/>')
        port_type.append(f'<operation name="{name}">{given}<output message="t:{name}Response"/></operation>')
    bindings = [_binding(port, number, tuple(operations), action) for number, port in enumerate(ports)]
    services = [
        f'<port name="port{number}" binding="t:binding{number}">{_address(port)}</port>'
        for number, port in enumerate(ports)
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?><definitions xmlns="http://schemas.xmlsoap.org/wsdl/" '
        f'xmlns:t="{namespace}" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}" '
        f'xmlns:a="http://www.w3.org/2006/05/addressing/wsdl">{extra}'
        f'<types><x:schema targetNamespace="{namespace}" elementFormDefault="qualified">{schema}{"".join(elements)}'
        f'</x:schema></types>{"".join(messages)}<portType name="type">{"".join(port_type)}</portType>'
        f'{"".join(bindings)}<service name="userApi">{"".join(services)}</service></definitions>'
    ).encode()


def _element(argument: str) -> str:
    kind, name, *attributes = argument.split(" ")
    prefix = "" if ":" in kind else "x:"
    return f'<x:element minOccurs="0" name="{name}" type="{prefix}{kind}" {" ".join(attributes)}/>'


def _wrapper(name: str, inside: str) -> str:
    return f'<x:element name="{name}"><x:complexType><x:sequence>{inside}</x:sequence></x:complexType></x:element>'


def _binding(port: Port, number: int, operations: Sequence[str], action: str) -> str:
    if port == "http":
        kind = '<h:binding xmlns:h="http://schemas.xmlsoap.org/wsdl/http/" verb="POST"/>'
        each = [
            f'<operation name="{name}"><h:operation xmlns:h="http://schemas.xmlsoap.org/wsdl/http/" '
            f'location="{name}"/><input><m:content xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/" '
            'type="text/xml"/></input><output><m:content xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/" '
            'type="text/xml"/></output></operation>'
            for name in operations
        ]
    else:
        kind = f'<s:binding xmlns:s="{_SOAP[port]}" transport="http://schemas.xmlsoap.org/soap/http" style="document"/>'
        body = f'<s:body xmlns:s="{_SOAP[port]}" use="literal"/>'
        each = [
            f'<operation name="{name}"><s:operation xmlns:s="{_SOAP[port]}" soapAction="{action.format(name)}"/>'
            f"<input>{body}</input><output>{body}</output></operation>"
            for name in operations
        ]
    return f'<binding name="binding{number}" type="t:type">{kind}{"".join(each)}</binding>'


def _address(port: Port) -> str:
    namespace = _SOAP.get(port, "http://schemas.xmlsoap.org/wsdl/http/")
    return f'<s:address xmlns:s="{namespace}" location="http://10.0.0.1/internal"/>'


Names = tuple[str, str]
"""The names of the inputs of both forms; empty for none."""


def overloaded(
    names: Names = ("six", "seven"), bound: Names | None = None, *, turned: bool = False, missing: str = "extenno"
) -> bytes:
    """A definition whose ``sendSms`` has two forms: one with the action ``urn:six`` that lacks an argument, and one
    with all seven arguments and the action ``urn:seven``.

    Args:
        names: in the port type.
        bound: in the bindings, if not the same.
        turned: True to write the forms in another order in the bindings.
        missing: the argument that the first form lacks.
    """
    root = etree.fromstring(definition(arguments=DOCUMENTED))
    (seven,) = root.iterfind(f".//{{{XSD}}}element[@name='sendSms']")
    six = copy.deepcopy(seven)
    six.set("name", "sendSms6")
    for argument in list(six.iter(f"{{{XSD}}}element"))[1:]:
        if argument.get("name") == missing:
            parent = argument.getparent()
            assert parent is not None
            parent.remove(argument)
    seven.addnext(six)
    message = root.find("{*}message[@name='sendSms']")
    assert message is not None
    other = copy.deepcopy(message)
    other.set("name", "sendSms6")
    other[0].set("element", "t:sendSms6")
    message.addnext(other)
    for operation in list(root.iterfind(".//{*}operation[@name='sendSms']")):
        in_port_type = operation.getparent() is root.find("{*}portType")
        first = copy.deepcopy(operation)
        for one, which, name in zip(
            (first, operation), ("six", "seven"), names if in_port_type else bound or names, strict=True
        ):
            if name:
                one.find("{http://schemas.xmlsoap.org/wsdl/}input").set("name", name)  # type: ignore[union-attr]  # it is there
                one.find("{http://schemas.xmlsoap.org/wsdl/}output").set("name", f"{name}Out")  # type: ignore[union-attr]
            for action in one.iterfind("{*}operation"):
                action.set("soapAction", f"urn:{which}")
        if in_port_type:
            first.find("{http://schemas.xmlsoap.org/wsdl/}input").set("message", "t:sendSms6")  # type: ignore[union-attr]
        if turned and not in_port_type:
            operation.addnext(first)
        else:
            operation.addprevious(first)
    return etree.tostring(root)
