"""Service definitions made to order, in the shape of Axis2's: document/literal, wrapped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.collect import Fetch, drive, fetch_request
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
