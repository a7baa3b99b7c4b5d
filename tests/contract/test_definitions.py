"""Every recorded definition is compiled to the messages that zeep itself makes of it."""

from __future__ import annotations

import copy
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest
import zeep
from hypothesis import HealthCheck, given, settings, strategies as st
from lxml import etree
from zeep.transports import Transport

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.errors import WsdlError
from tests.kit.definitions import SIGNATURES
from tests.kit.interfaces import build_soap as build, call_of
from tests.kit.recordings import STACKS, UNUSABLE, USABLE, Stack, load
from tests.kit.soap import SOAP_11, SOAP_12

WSDL, XSD = "{http://schemas.xmlsoap.org/wsdl/}", "{http://www.w3.org/2001/XMLSchema}"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMES = SIGNATURES["sendSms"]
NUMBERS = {"smstype", "isLongSms"}
SOAP_12_ONLY = {"jaxws-ri-2.3.0.2-soap12"}
ENCODED = {name for name in USABLE if b'use="encoded"' in load(name).wsdl}
SEVERAL_PORTS = tuple(name for name in USABLE if len(load(name).meta["ports"]) > 1)


class Served(Transport):
    """zeep's own transport, with nothing but the documents given to it."""

    documents: Mapping[str, bytes]

    def load(self, url: str) -> bytes:
        return self.documents[url]


def zeeps(url: str, documents: Mapping[str, bytes]) -> Any:
    # As untyped as they are.
    transport, client = typing.cast("Any", Served), typing.cast("Any", zeep.Client)
    served = transport()
    served.documents = documents
    return client(url, transport=served)


@cache
def compiled(name: str) -> Bindings:
    stack = load(name)
    return compile_bindings(stack.url, stack.documents)


@cache
def zeeps_binding(name: str) -> Any:
    """Zeep's view of the port to be used: the first of SOAP 1.1, if there is one."""
    client = zeeps(load(name).url, load(name).documents)
    ports = [port for service in client.wsdl.services.values() for port in service.ports.values()]
    wanted = "Soap12Binding" if name in SOAP_12_ONLY else "Soap11Binding"
    return next(port.binding for port in ports if type(port.binding).__name__ == wanted)


def canonical(body: Any) -> bytes:
    """A SOAP body by itself as canonical XML, without what "encoded" messages add, which zeep leaves out."""
    alone: Any = etree.fromstring(etree.tostring(body))
    etree.strip_attributes(alone, f"{{{XSI}}}type", f"{{{etree.QName(alone).namespace}}}encodingStyle")
    etree.cleanup_namespaces(alone)
    said: bytes = etree.tostring(alone, method="c14n")
    return said


def body_of(envelope: Any) -> Any:
    (body,) = envelope
    assert etree.QName(body).localname == "Body"
    return body


def filled(bindings: Bindings, operation: str, values: Mapping[str, str]) -> bytes:
    """The canonical body of a call with these values."""
    arguments = {name: value for name, value in values.items() if name not in ("username", "password")}
    _, body = build(call_of(operation, **arguments), values["username"], values["password"], bindings)
    return canonical(body_of(etree.fromstring(bytes(body))))


def by_documented_name(found: Sequence[str]) -> dict[str, str]:
    """The definition's names of the arguments, by the documented ones: by name where they are known, else in order."""
    known = {name.lower(): name for name in NAMES}
    if all(name.lower() in known for name in found):
        return {known[name.lower()]: name for name in found}
    return dict(zip(NAMES, found, strict=False))


def equal_to_zeeps(bindings: Bindings, binding: Any, values: Mapping[str, str]) -> None:
    """Asserts that the messages of all operations equal zeep's."""
    for operation, documented in SIGNATURES.items():
        one = binding.all()[operation]
        found = by_documented_name([name for name, _ in one.input.body.type.elements])
        chosen = {name: values[name] for name in documented if name in found}
        given_to_zeep = {found[name]: int(text) if name in NUMBERS else text for name, text in chosen.items()}
        assert filled(bindings, operation, chosen) == canonical(body_of(one.create(**given_to_zeep).content))
        assert bindings.templates[operation].action == (one.soapaction or "")


character = st.characters(exclude_categories=["Cs"]).filter(lambda c: c in "\t\n\r" or " " <= c not in "\ufffe\uffff")
PIECES = ("\r", "\r\n", "\t", "  ", "😀", "]]>", "<![CDATA[", "&", "&#13;", "<", '"', "测")
text = st.lists(character | st.sampled_from(PIECES)).map("".join)
values = st.fixed_dictionaries(
    {name: st.integers(-(2**31), 2**31 - 1).map(str) if name in NUMBERS else text for name in NAMES}
)
EDGES = dict(zip(NAMES, ["\r a\r\n", "]]>&<\t", "0", " 【签】😀\r", "", "1", "\n"], strict=True))


@pytest.mark.parametrize("name", USABLE)
def test_a_recorded_definition_is_compiled(name: str) -> None:
    bindings, meta = compiled(name), load(name).meta
    port = next(one for one in meta["ports"] if one["binding"] == f"Soap{bindings.soap.replace('.', '')}Binding")
    assert bindings.soap == ("1.2" if name in SOAP_12_ONLY else "1.1")
    assert bindings.port == port["port"]
    for operation, one in bindings.templates.items():
        assert one.action == (port["operations"][operation]["soapaction"] or "")
        assert one.slots == SIGNATURES[operation][: 7 if name == "axis2-1.6.2-7param" else 6]
    assert Bindings.from_json(bindings.to_json()) == bindings


def test_one_is_refused_since_nobody_can_call_it_rightly() -> None:
    (name,) = UNUSABLE
    with pytest.raises(WsdlError) as caught:
        compiled(name)
    assert str(caught.value) == (
        f"the definition at {load(name).url} cannot be used: port userApiDoc (SOAP 1.1): "
        "sendSms is document style with 6 parts in its body, which no client can call correctly"
    )


@pytest.mark.parametrize("name", USABLE)
def test_the_messages_are_zeeps_at_the_edges(name: str) -> None:
    equal_to_zeeps(compiled(name), zeeps_binding(name), EDGES)


@pytest.mark.parametrize("name", USABLE)
def test_only_encoded_messages_say_their_types_and_their_style(name: str) -> None:
    assert len(ENCODED) == 4
    for operation, one in compiled(name).templates.items():
        envelope = etree.fromstring(b"".join(one.pieces))
        (wrapper,) = body_of(envelope)
        found = [dict(element.attrib) for element in envelope.iter() if element.attrib]
        if name not in ENCODED:
            assert found == []
            continue
        assert found[0] == {f"{{{SOAP_11}}}encodingStyle": "http://schemas.xmlsoap.org/soap/encoding/"}
        assert dict(wrapper.attrib) == found[0]
        assert (wrapper.nsmap["xsd"], wrapper.nsmap["xsi"]) == (XSD[1:-1], XSI)
        assert [dict(argument.attrib) for argument in wrapper] == [
            {f"{{{XSI}}}type": "xsd:int" if slot in NUMBERS else "xsd:string"}
            for slot in SIGNATURES[operation][: len(wrapper)]
        ]


@pytest.mark.parametrize("name", USABLE)
@given(said=values)
@settings(max_examples=20)
def test_the_messages_are_zeeps_whatever_is_said(name: str, said: dict[str, str]) -> None:
    equal_to_zeeps(compiled(name), zeeps_binding(name), said)


@pytest.mark.parametrize("name", USABLE)
def test_the_messages_are_those_that_the_stack_accepted(name: str) -> None:
    stack, bindings = load(name), compiled(name)
    for operation, one in bindings.templates.items():
        recorded = stack.request(operation)
        body = etree.fromstring(recorded.body).find(f"{{{SOAP_12 if bindings.soap == '1.2' else SOAP_11}}}Body")
        assert body is not None
        said = [argument.text or "" for argument in body[0]]
        assert filled(bindings, operation, dict(zip(one.slots, said, strict=True))) == canonical(body)
        if bindings.soap == "1.1":
            assert recorded.headers["soapaction"] == f'"{one.action}"'


@given(st.sampled_from(SEVERAL_PORTS), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_port_is_that_of_soap_11_whatever_the_order(name: str, random: Any) -> None:
    stack = load(name)
    root = etree.fromstring(stack.wsdl)
    for service in root.iter(f"{WSDL}service"):
        ports = list(service.iterchildren(f"{WSDL}port"))
        random.shuffle(ports)
        service.extend(ports)
    bindings = compile_bindings(stack.url, {stack.url: etree.tostring(root)})
    assert bindings == compiled(name)


def test_the_plain_http_port_may_come_first() -> None:
    for name in SEVERAL_PORTS:
        stack = load(name)
        root = etree.fromstring(stack.wsdl)
        (service,) = root.iter(f"{WSDL}service")
        service.extend(list(reversed(list(service.iterchildren(f"{WSDL}port")))))
        kinds = [type(port.binding).__name__ for port in zeeps_ports(stack, etree.tostring(root))]
        assert kinds[0].startswith("Http")
        assert kinds[-1] == "Soap11Binding"
        assert compile_bindings(stack.url, {stack.url: etree.tostring(root)}) == compiled(name)


def zeeps_ports(stack: Stack, document: bytes) -> list[Any]:
    (service,) = zeeps(stack.url, {**stack.documents, stack.url: document}).wsdl.services.values()
    return list(service.ports.values())


def arguments_of(root: Any, operation: str) -> Any:
    """The sequence that holds an operation's arguments in an Axis2 definition."""
    (element,) = (one for one in root.iter(f"{XSD}element") if one.get("name") == operation)
    return element.find(f"{XSD}complexType/{XSD}sequence")


def edited(order: Sequence[int], rename: Mapping[str, str], *, only: str = "") -> tuple[str, bytes]:
    """The recorded definition with seven arguments, with those of a send in another order and any of them renamed."""
    stack = load("axis2-1.6.2-7param")
    root = etree.fromstring(stack.wsdl)
    for operation in [only] if only else SIGNATURES:
        sequence = arguments_of(root, operation)
        elements = list(sequence)
        if operation == "sendSms":
            sequence[:] = [elements[place] for place in order]
        for element in sequence:
            element.set("name", rename.get(element.get("name"), element.get("name")))
    return stack.url, etree.tostring(root)


@given(
    st.permutations(range(7)), st.lists(st.sampled_from([str, str.upper, str.lower, str.title]), min_size=7, max_size=7)
)
@settings(max_examples=20)
def test_arguments_are_matched_by_name_in_any_case_and_order(order: list[int], spell: list[Any]) -> None:
    rename = {name: change(name) for name, change in zip(NAMES, spell, strict=True)}
    url, document = edited(order, rename)
    bindings = compile_bindings(url, {url: document})
    assert bindings.templates["sendSms"].slots == tuple(NAMES[place] for place in order)
    equal_to_zeeps(bindings, zeeps_ports(load("axis2-1.6.2-7param"), document)[0].binding, EDGES)


@pytest.mark.parametrize("stem", ["arg", "args", "in", "param"])
@pytest.mark.parametrize("count", [6, 7])
def test_arguments_are_matched_by_number(stem: str, count: int) -> None:
    url, document = edited(range(count), {name: f"{stem}{place}" for place, name in enumerate(NAMES)})
    bindings = compile_bindings(url, {url: document})
    assert bindings.templates["sendSms"].slots == NAMES[:count]
    equal_to_zeeps(bindings, zeeps_ports(load("axis2-1.6.2-7param"), document)[0].binding, EDGES)


@given(st.permutations(range(7)))
@settings(max_examples=20)
def test_arguments_are_matched_as_the_caller_says(order: list[int]) -> None:
    url, document = edited(order, {name: f"{name}_" for name in NAMES}, only="sendSms")
    said = tuple(NAMES[place] for place in order)
    with pytest.raises(WsdlError, match="cannot be matched"):
        compile_bindings(url, {url: document})
    bindings = compile_bindings(url, {url: document}, arguments=said)
    assert bindings.templates["sendSms"].slots == said
    assert bindings.templates["getRestMoney"].slots == ("username", "password")


@pytest.mark.parametrize(
    ("order", "rename", "found"),
    [
        (
            (1, 0, 2, 3, 4, 5),
            {name: f"in{place}" for place, name in enumerate(NAMES)},
            "string in1, string in0, int in2",
        ),
        (range(7), {"mobile": "phone"}, "string content, string phone, int isLongSms"),
        (range(5), {}, "string content, string mobile."),
        (
            (0, 1, 3, 2, 4, 5),
            {"smstype": "content", "content": "smstype"},
            "string smstype, int content, string mobile",
        ),
    ],
)
def test_what_cannot_be_matched_is_shown_with_what_was_wanted(
    order: Sequence[int], rename: dict[str, str], found: str
) -> None:
    url, document = edited(order, rename, only="sendSms")
    with pytest.raises(WsdlError) as caught:
        compile_bindings(url, {url: document})
    assert found in str(caught.value)
    assert "wanted string username, string password, int smstype, string content, string mobile, " in str(caught.value)


def test_a_definition_that_lacks_an_operation_says_which_it_has() -> None:
    stack = load("axis2-1.6.2")
    root = etree.fromstring(stack.wsdl)
    for operation in [one for one in root.iter(f"{WSDL}operation") if one.get("name") == "getRecvSMS"]:
        operation.getparent().remove(operation)  # type: ignore[union-attr]  # it has one
    with pytest.raises(WsdlError, match=r"lacks the operation getRecvSMS; it has getRestMoney, getSmsReport, sendSms;"):
        compile_bindings(stack.url, {stack.url: etree.tostring(root)})


def test_a_document_that_is_missing_is_named() -> None:
    for name in ("cxf-3.3.2-jaxws-sei-webparam", "jaxws-ri-2.3.0.2"):
        stack = load(name)
        (imported,) = set(stack.documents) - {stack.url}
        with pytest.raises(WsdlError) as caught:
            compile_bindings(stack.url, {stack.url: stack.wsdl})
        assert str(caught.value) == (
            f"the definition at {stack.url} cannot be used: it refers to {imported}, which is not among its documents"
        )


JUNK = ["", "x", "0", "unbounded", "xs:int", "ns:sendSms", "rpc", "encoded", "sendSms", "a:b", "http://[x", "xsd:none"]
PARTS = ["any", "choice", "sequence", "all", "attribute", "element", "complexType", "simpleType", "group", "import"]


@given(st.sampled_from(STACKS), st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutilated_definition_is_compiled_whole_or_refused(name: str, data: st.DataObject) -> None:
    stack = load(name)
    root = etree.fromstring(stack.wsdl)
    for _ in range(data.draw(st.integers(1, 3))):
        elements: list[Any] = [one for one in root.iter(etree.Element) if one is not root]
        element = data.draw(st.sampled_from(range(len(elements))).map(elements.__getitem__))
        kind = data.draw(st.sampled_from(["remove", "attribute", "double", "rename", "insert"]))
        if kind == "remove":
            element.getparent().remove(element)
        elif kind == "attribute" and element.attrib:
            element.set(data.draw(st.sampled_from(sorted(element.attrib))), data.draw(st.sampled_from(JUNK)))
        elif kind == "double":
            element.getparent().append(copy.deepcopy(element))
        elif kind == "rename":
            element.tag = data.draw(st.sampled_from(sorted({one.tag for one in elements})))
        else:
            etree.SubElement(element, XSD + data.draw(st.sampled_from(PARTS)), name="q", use="required")
    try:
        bindings = compile_bindings(stack.url, {**stack.documents, stack.url: etree.tostring(root)})
    except WsdlError:
        return
    assert Bindings.from_json(bindings.to_json()) == bindings
