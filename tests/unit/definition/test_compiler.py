"""Definitions to compiled bindings. All definitions here are made up; the recorded ones are in ``tests/contract``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given, settings, strategies as st
from lxml import etree
from zeep.wsdl.bindings.soap import SoapOperation

from jzysoap.definition.bindings import Bindings, Template
from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.errors import WsdlError
from tests.kit.definitions import DOCUMENTED, SIGNATURES, URL, definition
from tests.kit.soap import SOAP_11, SOAP_12

NAMES = SIGNATURES["sendSms"]


def compiled(document: bytes, *, arguments: tuple[str, ...] | None = None) -> Bindings:
    return compile_bindings(URL, {URL: document}, arguments=arguments)


def refusal(document: bytes, *, arguments: tuple[str, ...] | None = None) -> WsdlError:
    with pytest.raises(WsdlError) as caught:
        compiled(document, arguments=arguments)
    return caught.value


def sent(bindings: Bindings, operation: str = "sendSms") -> Mapping[str, str]:
    """Return the children of the message, with each argument's documented name as its value."""
    one = bindings.templates[operation]
    envelope = b"".join(piece + slot.encode() for piece, slot in zip(one.pieces, (*one.slots, ""), strict=True))
    root = etree.fromstring(envelope)
    return {etree.QName(child).localname: child.text or "" for child in root[0][0]}


def test_a_definition_is_compiled_to_plain_data() -> None:
    bindings = compiled(definition(query=DOCUMENTED[:2]))
    assert (bindings.soap, bindings.port) == ("1.1", "port0")
    assert set(bindings.templates) == set(SIGNATURES)
    one = bindings.templates["getRestMoney"]
    assert one == Template("urn:getRestMoney", one.pieces, ("username", "password"))
    assert [piece.partition(b"?>\n")[2] or piece for piece in one.pieces] == [
        b'<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Body>'
        b'<ns0:getRestMoney xmlns:ns0="urn:gateway"><ns0:username>',
        b"</ns0:username><ns0:password>",
        b"</ns0:password></ns0:getRestMoney></soap-env:Body></soap-env:Envelope>",
    ]


def test_the_message_has_every_argument_of_the_definition() -> None:
    assert sent(compiled(definition())) == {name: name for name in NAMES[:6]}
    assert sent(compiled(definition(arguments=DOCUMENTED))) == {name: name for name in NAMES}


@given(st.permutations(DOCUMENTED), st.booleans(), st.data())
@settings(max_examples=40)
def test_names_are_matched_in_any_case_and_order(order: list[str], seventh: bool, data: st.DataObject) -> None:
    chosen = [one for one in order if seventh or one != "string extenno"]
    spelled = []
    for one in chosen:
        kind, name = one.split(" ")
        flips = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
        spelled.append(f"{kind} {''.join(c.swapcase() if flip else c for c, flip in zip(name, flips, strict=True))}")
    bindings = compiled(definition(arguments=spelled, query=("string PassWord", "string USERNAME")))
    assert bindings.templates["sendSms"].slots == tuple(one.split(" ")[1] for one in chosen)
    assert list(sent(bindings).items()) == [
        (found.split(" ")[1], documented.split(" ")[1]) for found, documented in zip(spelled, chosen, strict=True)
    ]
    assert sent(bindings, "getSmsReport") == {"PassWord": "password", "USERNAME": "username"}


@pytest.mark.parametrize("stem", ["arg", "args", "in", "param", "p", "s_"])
@pytest.mark.parametrize("first", [0, 1, 9])
@pytest.mark.parametrize("count", [6, 7])
def test_numbered_arguments_are_matched_by_position(stem: str, first: int, count: int) -> None:
    """CXF and JAX-WS write arg0, Axis2 without debug information args0, Axis and XFire in0."""
    kinds = [one.split(" ")[0] for one in DOCUMENTED[:count]]
    bindings = compiled(
        definition(
            arguments=[f"{kind} {stem}{first + number}" for number, kind in enumerate(kinds)],
            query=[f"string {stem}{first}", f"string {stem}{first + 1}"],
        )
    )
    assert bindings.templates["sendSms"].slots == NAMES[:count]
    assert bindings.templates["getRecvSMS"].slots == NAMES[:2]
    assert list(sent(bindings).values()) == list(NAMES[:count])


@pytest.mark.parametrize("kind", ["string", "long", "short", "integer", "unsignedByte", "token"])
def test_an_int_may_be_declared_as_text_or_as_another_whole_number(kind: str) -> None:
    arguments = [one.replace("int ", f"{kind} ") for one in DOCUMENTED]
    assert compiled(definition(arguments=arguments)).templates["sendSms"].slots == NAMES


def test_a_type_derived_from_string_is_a_string() -> None:
    schema = '<x:simpleType name="word"><x:restriction base="x:string"/></x:simpleType>'
    document = definition(arguments=["t:word username", *DOCUMENTED[1:]], schema=schema)
    assert compiled(document).templates["sendSms"].slots == NAMES


OTHER = ("user", "pwd", "type", "text", "phone", "long", "sub")


@pytest.mark.parametrize("count", [6, 7])
def test_the_caller_may_give_the_order(count: int) -> None:
    kinds = [one.split(" ")[0] for one in DOCUMENTED[:count]]
    arguments = [f"{kind} {name}" for kind, name in zip(kinds, OTHER, strict=False)]
    bindings = compiled(definition(arguments=arguments), arguments=NAMES[:count])
    assert sent(bindings) == dict(zip(OTHER, NAMES[:count], strict=False))
    assert bindings.templates["getRestMoney"].slots == NAMES[:2]


def test_the_given_order_wins_for_a_send() -> None:
    swapped = ("password", "username", *NAMES[2:6])
    bindings = compiled(definition(), arguments=swapped)
    assert bindings.templates["sendSms"].slots == swapped
    assert sent(bindings)["username"] == "password"
    # Arguments that can be matched are matched.
    assert bindings.templates["getSmsReport"].slots == NAMES[:2]


def test_the_given_order_applies_to_a_query_that_cannot_be_matched() -> None:
    arguments = [f"{one.split(' ')[0]} {name}" for one, name in zip(DOCUMENTED[:6], OTHER, strict=False)]
    document = definition(arguments=arguments, query=("string user", "string pwd"))
    assert "Give the order of the arguments of sendSms with arguments=[…]" in str(refusal(document))
    assert compiled(document, arguments=NAMES[:6]).templates["getRecvSMS"].slots == ("username", "password")
    swapped = ("password", "username", *NAMES[2:6])
    assert compiled(document, arguments=swapped).templates["getRecvSMS"].slots == ("password", "username")


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        # Types that no spelling of the argument fits.
        (["boolean username", *DOCUMENTED[1:6]], None),
        (["int username", *DOCUMENTED[1:6]], None),
        ([*DOCUMENTED[:5], "boolean isLongSms"], None),
        ([*DOCUMENTED[:5], "decimal isLongSms"], None),
        ([*DOCUMENTED[:5], "t:own isLongSms"], None),
        ([*DOCUMENTED[:6], "int extenno"], None),
        (["string arg0", "string arg1", "string arg2", "int arg3", "string arg4", "int arg5"], None),
        # Too few, too many, others.
        (DOCUMENTED[:5], None),
        ([*DOCUMENTED, "string other"], None),
        (DOCUMENTED[1:], None),
        ([], None),
        (["string user", *DOCUMENTED[1:6]], None),
        (["string username1", *DOCUMENTED[1:6]], None),
        # Numbers out of order, with two stems, too few, too many.
        (["string in1", "string in0", "int in2", "string in3", "string in4", "int in5"], None),
        (["string arg0", "string in1", "int in2", "string in3", "string in4", "int in5"], None),
        (["string in0", "string in1", "int in2", "string in3", "string in4"], None),
        ([f"string in{number}" for number in range(8)], None),
        # An order that does not fit.
        (DOCUMENTED[:6], NAMES),
        (DOCUMENTED, NAMES[:6]),
        (DOCUMENTED[:6], NAMES[5::-1]),
        (DOCUMENTED[:6], ("username",) * 6),
    ],
)
def test_arguments_that_cannot_be_matched_are_shown(arguments: list[str], order: tuple[str, ...] | None) -> None:
    own = '<x:complexType name="own"><x:sequence><x:element name="a" type="x:string"/></x:sequence></x:complexType>'
    error = refusal(definition(arguments=arguments, ports=["1.1"], schema=own), arguments=order)
    found = ", ".join(one.removeprefix("t:") for one in arguments) or "none"
    assert str(error) == (
        f"the definition at {URL} cannot be used: port port0 (SOAP 1.1): the arguments of sendSms cannot be matched: "
        "wanted string username, string password, int smstype, string content, string mobile, int isLongSms, "
        f"string extenno (optional); found {found}. "
        "Give the order of the arguments of sendSms with arguments=[…]"
    )
    assert (error.source, error.readable, error.may_have_been_sent) == (URL, True, False)


@pytest.mark.parametrize("query", [(), DOCUMENTED[:1], ("string user", "string password"), DOCUMENTED[:3]])
def test_arguments_of_a_query_that_cannot_be_matched_are_shown(query: tuple[str, ...]) -> None:
    error = refusal(definition(query=query))
    assert "the arguments of getRestMoney cannot be matched: wanted string username, string password; " in str(error)
    assert f"found {', '.join(query) or 'none'}. " in str(error)


@pytest.mark.parametrize(
    "operations", [[], ["sendSms"], ["SendSms", "getRestMoney"], ["sendSms", "getRestMoney", "getSmsReport"]]
)
def test_a_definition_without_our_operations_is_refused(operations: list[str]) -> None:
    error = refusal(definition(operations=operations))
    missing = next(name for name in SIGNATURES if name not in operations)
    had = ", ".join(sorted(operations)) or "none"
    assert f"port port0 (SOAP 1.1): it lacks the operation {missing}; it has {had}; port port1" in str(error)


def test_other_operations_are_ignored() -> None:
    assert set(compiled(definition(operations=[*SIGNATURES, "more"])).templates) == set(SIGNATURES)


@pytest.mark.parametrize("action", ["a&quot;b", "a b", "a&#10;b", "á", "a&#9;"])
def test_a_soap_action_that_would_break_the_header_is_refused(action: str) -> None:
    assert "the soapAction of sendSms cannot be an HTTP header" in str(refusal(definition(action=action)))


def test_a_soap_action_may_be_empty() -> None:
    soap: Literal["1.1", "1.2"]
    for soap in ("1.1", "1.2"):
        bindings = compiled(definition(action="", ports=[soap]))
        assert {one.action for one in bindings.templates.values()} == {""}


@given(st.permutations(["1.1", "1.2", "http"]))
@settings(max_examples=6)
def test_the_soap_11_port_is_used_in_any_place(ports: list[Any]) -> None:
    bindings = compiled(definition(ports=ports))
    assert (bindings.soap, bindings.port) == ("1.1", f"port{ports.index('1.1')}")
    assert f'"{SOAP_11}"'.encode() in bindings.templates["sendSms"].pieces[0]


def test_the_first_of_several_soap_11_ports_is_used() -> None:
    assert compiled(definition(ports=["http", "1.1", "1.1"])).port == "port1"


def test_a_soap_12_port_is_used_if_there_is_no_other() -> None:
    bindings = compiled(definition(ports=["http", "1.2"]))
    assert (bindings.soap, bindings.port) == ("1.2", "port1")
    assert f'"{SOAP_12}"'.encode() in bindings.templates["sendSms"].pieces[0]


@pytest.mark.parametrize("ports", [[], ["http"]])
def test_a_definition_without_a_soap_port_is_refused(ports: list[Any]) -> None:
    error = refusal(definition(ports=ports))
    assert str(error) == f"the definition at {URL} cannot be used: it has no SOAP port"


def test_the_next_port_is_used_if_the_first_cannot_be() -> None:
    document = definition(ports=["1.1", "1.2"], action="urn:{}")
    bindings = compiled(document.replace(b'soapAction="urn:sendSms"', b'soapAction="urn: sendSms"', 1))
    assert (bindings.soap, bindings.port) == ("1.2", "port1")


def test_an_argument_that_zeep_omits_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such definition is known, but a call without its password or text must not be possible."""
    create: Any = SoapOperation.create

    def without_text(self: Any, **arguments: Any) -> Any:
        return create(self, **{**arguments, "content": None} if "content" in arguments else arguments)

    monkeypatch.setattr(SoapOperation, "create", without_text)
    assert "an argument of sendSms is not a plain element" in str(refusal(definition()))


def test_several_parts_in_a_body_are_refused() -> None:
    """Axis 1.4's and XFire's document style: see ``axis-1.4-doc``."""
    parts = "".join(f'<part name="{name}" element="t:{name}"/>' for name in NAMES[:6])
    elements = "".join(f'<x:element name="{one.split()[1]}" type="x:{one.split()[0]}"/>' for one in DOCUMENTED[:6])
    document = definition(schema=elements, ports=["1.1"]).replace(
        b'<message name="sendSms"><part name="parameters" element="t:sendSms"/></message>',
        f'<message name="sendSms">{parts}</message>'.encode(),
    )
    assert "sendSms is document style with 6 parts in its body, which no client can call correctly" in str(
        refusal(document)
    )


WRAPPER = re.compile(rb'(?<=<x:element name="sendSms">).*?(?=</x:element><x:element name="sendSmsResponse">)')


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"x:sequence", b"x:choice", "TypeError: "),
        (b"<x:sequence>", b'<x:sequence maxOccurs="unbounded">', "TypeError: "),
        (b"</x:sequence>", b'</x:sequence><x:attribute name="a" type="x:string" use="required"/>', "ValidationError: "),
    ],
)
def test_a_message_that_zeep_cannot_build_is_an_error(old: bytes, new: bytes, why: str) -> None:
    document = WRAPPER.sub(lambda wrapper: wrapper[0].replace(old, new), definition(ports=["1.1"]))
    error = refusal(document)
    assert f"port port0 (SOAP 1.1): zeep cannot build its messages: {why}" in str(error)
    assert error.readable


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"x:sequence", b"x:all"),
        (b"</x:sequence>", b'</x:sequence><x:attribute name="a"/>'),
        (b'name="content"', b'name="content" maxOccurs="unbounded"'),
        (b'name="content"', b'name="content" nillable="true" default="a"'),
    ],
)
def test_other_shapes_of_the_same_message_are_accepted(old: bytes, new: bytes) -> None:
    bindings = compiled(WRAPPER.sub(lambda wrapper: wrapper[0].replace(old, new), definition()))
    assert bindings.soap == "1.1"
    assert sent(bindings) == {name: name for name in NAMES[:6]}


def test_an_operation_without_a_request_cannot_be_called() -> None:
    operation = re.compile(rb'(soapAction="urn:sendSms"/>)<input>.*?</input>')
    error = refusal(operation.sub(rb"\1", definition(ports=["1.1"])))
    assert "zeep cannot build its messages: AttributeError: " in str(error)


def test_a_warning_of_zeep_is_an_error_only_if_warnings_are() -> None:
    document = definition(extra='<message name="broken"><part name="a" element="t:absent"/></message>')
    with pytest.warns(UserWarning, match="broken"):
        assert compiled(document).port == "port0"
    error = refusal(document)
    assert "cannot be read: UserWarning: " in str(error)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html/>",
        b"<definitions/>",
        b"<definitions",
        b"success",
        definition()[:-20],
        definition().replace(b'type="x:string"', b'type="x:none"'),
        definition().replace(b'type="t:type"', b'type="t:none"'),
        definition().replace(b"urn:gateway", b"http://[x", 1),
    ],
)
def test_other_documents_are_an_error(document: bytes) -> None:
    error = refusal(document)
    assert str(error).startswith(f"the definition at {URL} cannot be ")
    assert not error.may_have_been_sent


def test_an_error_uses_the_callers_name_and_masks_long_numbers() -> None:
    document = definition().replace(b'type="x:string"', b'type="x:n13800000001"')
    with pytest.raises(WsdlError) as caught:
        compile_bindings(URL, {URL: document}, source="here.wsdl")
    assert str(caught.value).startswith("the definition at here.wsdl cannot be read: ")
    assert "138****0001" in str(caught.value)
    assert (caught.value.source, caught.value.readable) == ("here.wsdl", False)


def test_nothing_is_fetched() -> None:
    for other in ("http://10.0.0.1/other.xsd", "file:///etc/passwd", "other.xsd"):
        error = refusal(definition(schema=f'<x:include schemaLocation="{other}"/>'))
        assert "cannot be used: it refers to " in str(error)
        assert error.readable
