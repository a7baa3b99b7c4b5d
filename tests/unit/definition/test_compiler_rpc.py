"""Definitions of style "rpc", with messages that are "encoded" or "literal". All are made up."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from lxml import etree

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.compiler import compile_bindings
from jzysoap.definition.standard import standard_schema
from jzysoap.model.errors import WsdlError
from tests.kit.definitions import DOCUMENTED, SIGNATURES, URL
from tests.kit.soap import SOAP_11, SOAP_12

ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
ENCODING_12 = "http://www.w3.org/2003/05/soap-encoding"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENVELOPES = {"1.1": SOAP_11, "1.2": SOAP_12}
IMPORT = '<x:schema targetNamespace="urn:gateway"><x:import namespace="{0}" schemaLocation="{0}"/></x:schema>'


def rpc(
    *,
    soap: Literal["1.1", "1.2"] = "1.1",
    use: str = f'use="encoded" encodingStyle="{ENCODING}"',
    types: str = "",
    string: str = "x:string",
    number: str = "x:int",
) -> bytes:
    """Return a definition like those of PHP and Axis 1."""
    namespace = {"1.1": "http://schemas.xmlsoap.org/wsdl/soap/", "1.2": "http://schemas.xmlsoap.org/wsdl/soap12/"}[soap]
    messages, port_type, binding = "", "", ""
    for name, arguments in SIGNATURES.items():
        kinds = {argument: kind for kind, argument in (one.split(" ") for one in DOCUMENTED)}
        parts = "".join(
            f'<part name="{argument}" type="{number if kinds[argument] == "int" else string}"/>'
            for argument in arguments[:6]
        )
        messages += f'<message name="{name}">{parts}</message>'
        messages += f'<message name="{name}Response"><part name="return" type="{string}"/></message>'
        port_type += (
            f'<operation name="{name}"><input message="t:{name}"/><output message="t:{name}Response"/></operation>'
        )
        body = f'<s:body {use} namespace="urn:gateway"/>'
        binding += f'<operation name="{name}"><s:operation soapAction="urn:{name}"/>'
        binding += f"<input>{body}</input><output>{body}</output></operation>"
    return (
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:gateway" targetNamespace="urn:gateway" '
        f'xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:s="{namespace}" xmlns:e="{ENCODING}" '
        f'xmlns:f="{ENCODING_12}">'
        f'<types>{types}</types>{messages}<portType name="type">{port_type}</portType>'
        '<binding name="b" type="t:type"><s:binding transport="http://schemas.xmlsoap.org/soap/http" style="rpc"/>'
        f'{binding}</binding><service name="userApi"><port name="port" binding="t:b"><s:address location="http://10.0.0.1/"/>'
        "</port></service></definitions>"
    ).encode()


def compiled(document: bytes) -> Bindings:
    return compile_bindings(URL, {URL: document})


def wrapper_of(bindings: Bindings, operation: str = "sendSms") -> Any:
    ((wrapper,),) = etree.fromstring(b"".join(bindings.templates[operation].pieces))
    return wrapper


def types_of(wrapper: Any) -> list[etree.QName]:
    """Return the declared types of the arguments, their prefixes resolved."""
    declared = [argument.get(f"{XSI}type").split(":") for argument in wrapper]
    return [etree.QName(wrapper.nsmap[prefix], name) for prefix, name in declared]


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
@pytest.mark.parametrize("style", [f' encodingStyle="{ENCODING}"', ' encodingStyle="urn:own"', ""])
def test_an_encoded_message_has_its_style_and_its_types(soap: Literal["1.1", "1.2"], style: str) -> None:
    bindings = compiled(rpc(soap=soap, use=f'use="encoded"{style}'))
    for operation, arguments in SIGNATURES.items():
        wrapper = wrapper_of(bindings, operation)
        declared = style.partition('"')[2][:-1] or {"1.1": ENCODING, "1.2": ENCODING_12}[soap]
        assert dict(wrapper.attrib) == {f"{{{ENVELOPES[soap]}}}encodingStyle": declared}
        assert {one.namespace for one in types_of(wrapper)} == {"http://www.w3.org/2001/XMLSchema"}
        assert [one.localname for one in types_of(wrapper)] == [
            "int" if name in ("smstype", "isLongSms") else "string" for name in arguments[:6]
        ]


@pytest.mark.parametrize("use", ['use="literal"', "", f'encodingStyle="{ENCODING}"'])
def test_a_literal_message_has_neither(use: str) -> None:
    wrapper = wrapper_of(compiled(rpc(use=use)))
    assert not any(element.attrib for element in wrapper.iter())
    assert set(wrapper.nsmap) == {"ns0", "soap-env"}


@pytest.mark.parametrize(
    "types",
    [
        "",
        f'<x:schema targetNamespace="urn:gateway"><x:import namespace="{ENCODING}"/></x:schema>',
        IMPORT.format(ENCODING),
        IMPORT.format(ENCODING) + IMPORT.format("http://schemas.xmlsoap.org/wsdl/"),
        IMPORT.format(ENCODING).replace('schemaLocation="http:', 'schemaLocation="https:'),
    ],
)
def test_types_of_the_encoding_need_no_network(types: str) -> None:
    wrapper = wrapper_of(compiled(rpc(types=types, string="e:string", number="e:int")))
    assert {one.namespace for one in types_of(wrapper)} == {ENCODING}
    assert [one.localname for one in types_of(wrapper)] == ["string", "string", "int", "string", "string", "int"]


def test_types_of_the_soap_12_encoding_need_no_network() -> None:
    wrapper = wrapper_of(
        compiled(rpc(soap="1.2", types=IMPORT.format(ENCODING_12), string="f:string", number="f:integer"))
    )
    assert {(one.namespace, one.localname) for one in types_of(wrapper)} == {
        (ENCODING_12, "string"),
        (ENCODING_12, "integer"),
    }


def test_a_definitions_own_schema_of_the_encoding_is_used() -> None:
    """The real schema has complex types, for their attributes."""
    types = "".join(
        f'<x:complexType name="{one}"><x:simpleContent><x:extension base="x:{one}"><x:attribute name="id" type="x:ID"/>'
        "</x:extension></x:simpleContent></x:complexType>"
        for one in ("string", "int")
    )
    schema = f'<x:schema targetNamespace="{ENCODING}">{types}</x:schema>'
    wrapper = wrapper_of(compiled(rpc(types=schema, string="e:string", number="e:int")))
    assert [one.localname for one in types_of(wrapper)] == ["string", "string", "int", "string", "string", "int"]


def test_the_namespace_of_a_custom_type_is_declared() -> None:
    kind = '<x:simpleType name="text"><x:restriction base="x:string"/></x:simpleType>'
    schema = f'<x:schema targetNamespace="urn:own">{kind}</x:schema>'
    document = rpc(types=schema, string="o:text").replace(b"<definitions ", b'<definitions xmlns:o="urn:own" ')
    declared = {(one.namespace, one.localname) for one in types_of(wrapper_of(compiled(document)))}
    assert declared == {("urn:own", "text"), ("http://www.w3.org/2001/XMLSchema", "int")}


def test_a_document_that_nothing_refers_to_is_ignored() -> None:
    document = rpc()
    other = {"http://gateway.invalid/other": b"", "http://gateway.invalid/xml": b"<a/>"}
    assert compile_bindings(URL, {URL: document, **other}) == compiled(document)


@pytest.mark.parametrize(
    "url",
    [
        "http://schemas.xmlsoap.org/soap/encoding/",
        "http://schemas.xmlsoap.org/soap/encoding",
        "HTTPS://schemas.xmlsoap.org/soap/encoding/",
        "https://www.w3.org/2001/xml.xsd",
    ],
)
def test_standard_schemas_are_recognised(url: str) -> None:
    assert standard_schema(url) is not None
    assert standard_schema(url + "x") is None
    assert standard_schema(url.partition("://")[2]) is None


def test_the_attributes_of_xml_need_no_network() -> None:
    """zeep has an address for them if the import has none."""
    own = '<x:import namespace="http://www.w3.org/XML/1998/namespace"/>'
    assert compiled(rpc(types=f'<x:schema targetNamespace="urn:gateway">{own}</x:schema>')) == compiled(rpc())


def test_another_schema_is_not_substituted() -> None:
    with pytest.raises(
        WsdlError, match=r"refers to http://schemas\.xmlsoap\.org/other, which is not among its documents"
    ):
        compiled(rpc(types=IMPORT.format("http://schemas.xmlsoap.org/other")))
