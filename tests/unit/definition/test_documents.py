"""Documents before zeep sees them: repaired, told apart, and refused where zeep would not come to an end."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from lxml import etree

from jzysoap.definition import compiler, documents
from jzysoap.definition.collect import collect, drive
from jzysoap.definition.compiler import compile_bindings
from jzysoap.definition.documents import UnreadableError, expands_too_far, read_document
from jzysoap.definition.local import bundled
from jzysoap.model.errors import WsdlError
from jzysoap.model.http import HttpReply
from tests.kit.definitions import DOCUMENTED, SIGNATURES, URL, Names, definition, overloaded
from tests.kit.recordings import STACKS, load

XML = "text/xml"
CHINESE = bundled().decode().replace("UserApi</wsdl:documentation>", "短信接口</wsdl:documentation>", 1)
BARE = CHINESE.partition("?>")[2]
WANTED = compile_bindings(URL, {URL: bundled()})


def read(body: bytes, content_type: str = XML) -> bytes:
    return read_document(HttpReply(200, {"content-type": content_type}, body))[0]


# Repairs


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0"?>'])
def test_the_headers_charset_is_enough(charset: str, declaration: str) -> None:
    document = read((declaration + BARE).encode(charset), f"text/xml; charset={charset.upper()}")
    assert compile_bindings(URL, {URL: document}) == WANTED
    assert "短信接口" in etree.fromstring(document).findtext("{*}documentation", "")


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (b"\r\n", b""),
        (b" \t\n", b"\n\n"),
        (b"\xef\xbb\xbf\xef\xbb\xbf", b""),
        (b"", b"\r\n0\r\n"),
        (b"\xef\xbb\xbf\r\n", b"\0"),
        (b"<br />\n<b>Warning</b>: include(x) in <b>/var/www/a.php</b> on line <b>3</b><br />\n", b""),
        (b"<html><body><p>notice</p></body></html>", b"<!-- 12 ms -->"),
        (b"<!DOCTYPE html><html><head></head><body>", b"</body></html>"),
        (b"<html><body>", b"</body></html>"),
        (b"Notice: Undefined variable\n", b"</body>"),
        ("提示：请登录\n".encode("gbk"), b""),
    ],
)
def test_what_stands_around_a_definition_is_ignored(front: bytes, behind: bytes) -> None:
    for document in (bundled(), BARE.encode()):
        assert compile_bindings(URL, {URL: read(front + document + behind)}) == WANTED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"UserApi</wsdl:documentation>", b"\xff\xfeUserApi\xd5</wsdl:documentation>"),
        (b"UserApi</wsdl:documentation>", b"send & receive</wsdl:documentation>"),
        (b"UserApi</wsdl:documentation>", b"&#0;\x01</wsdl:documentation>"),
        (b'encoding="UTF-8"', b'encoding="nonsense"'),
        (b'encoding="UTF-8"', b'encoding="UTF-16"'),
    ],
)
def test_characters_are_repaired(old: bytes, new: bytes) -> None:
    assert old in bundled()
    assert compile_bindings(URL, {URL: read(bundled().replace(old, new, 1))}) == WANTED


@pytest.mark.parametrize("name", STACKS)
def test_a_document_without_faults_stays_byte_by_byte(name: str) -> None:
    stack = load(name)
    assert drive(collect(stack.url), lambda url: HttpReply(200, {}, stack.fetch(url))) == stack.documents


@given(front=st.text(st.characters(exclude_characters="<&")), behind=st.binary(max_size=40))
def test_any_noise_is_ignored(front: str, behind: bytes) -> None:
    document = read(front.encode("utf-8", "replace") + bundled() + behind.replace(b"<", b""))
    assert compile_bindings(URL, {URL: document}) == WANTED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"success", "it is not well-formed XML"),
        (b"<html><p>Welcome</html>", "it is an HTML page"),
        (b"<!DOCTYPE html><html><p>Welcome</p></html>", "it is an HTML page"),
        (b"<html><p>Welcome <definitions></html>", "it is an HTML page"),
        (bundled()[:-30], "it is not well-formed XML"),
        (b"\n" + bundled()[:-30], "it is not well-formed XML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><definitions>&b;</definitions>", "it has a DOCTYPE"),
        (b" <!DOCTYPE a [<!ENTITY b 'c'>]><definitions>&b;</definitions>\0", "it is not well-formed XML"),
    ],
)
def test_what_is_no_definition_says_what_it_is(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=f"^{why}$"):
        read(body)


@pytest.mark.parametrize(
    "transport",
    [
        "http://schemas.xmlsoap.org/soap/http/",
        " http://schemas.xmlsoap.org/soap/http/ \n",
        "http://schemas.xmlsoap.org/soap/HTTP",
        "http://www.w3.org/2003/05/soap/bindings/HTTP",
        "http://www.w3.org/2003/05/soap/bindings/HTTP/",
    ],
)
def test_http_is_recognised_in_other_spellings(transport: str) -> None:
    document = bundled().replace(b'"http://schemas.xmlsoap.org/soap/http"', f'"{transport}"'.encode())
    assert compile_bindings(URL, {URL: document}) == WANTED


def test_another_transport_is_named() -> None:
    document = bundled().replace(b'"http://schemas.xmlsoap.org/soap/http"', b'"http://schemas.xmlsoap.org/soap/jms"')
    with pytest.raises(WsdlError, match=r"no SOAP port over HTTP, but one over http://schemas\.xmlsoap\.org/soap/jms"):
        compile_bindings(URL, {URL: document})


# Schemas in which zeep would not come to an end


def nested(kind: str, depth: int) -> str:
    """A definition's parts that refer twice to the next of them, so that the last one is reached 2**depth times."""
    ref = '<x:{0} ref="t:n{1}"/>'
    inner, last = {
        "group": (f"<x:sequence>{ref * 2}</x:sequence>", "<x:sequence/>"),
        "attributeGroup": (ref * 2, ""),
        "simpleType": ('<x:union memberTypes="t:n{1} t:n{1}"/>', '<x:restriction base="x:string"/>'),
    }[kind]
    parts = [inner.format(kind, one + 1) for one in range(depth)] + [last]
    return "".join(f'<x:{kind} name="n{one}">{part}</x:{kind}>' for one, part in enumerate(parts))


@pytest.mark.parametrize("kind", ["group", "attributeGroup", "simpleType"])
def test_nested_references_are_refused_before_zeep(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeep.wsdl.Document", None)
    with pytest.raises(WsdlError, match=r"refer to one another more than 10,000 times") as caught:
        compile_bindings(URL, {URL: definition(schema=nested(kind, 200))})
    assert caught.value.readable


def test_a_long_chain_of_types_is_refused_if_it_is_used_often() -> None:
    chain = "".join(
        f'<x:simpleType name="n{one}"><x:restriction base="t:n{one + 1}"/></x:simpleType>' for one in range(200)
    )
    chain += '<x:simpleType name="n200"><x:restriction base="x:string"/></x:simpleType>'
    with pytest.raises(WsdlError, match="refer to one another"):
        compile_bindings(URL, {URL: definition(schema=chain)})


@pytest.mark.parametrize("schema", ['<x:group name="n"><x:sequence><x:group ref="t:n"/></x:sequence></x:group>'])
def test_a_circle_is_refused(schema: str) -> None:
    used = '<x:element name="other"><x:complexType><x:group ref="t:n"/></x:complexType></x:element>'
    with pytest.raises(WsdlError, match="refer to one another"):
        compile_bindings(URL, {URL: definition(schema=schema + used)})


def test_namespaces_and_references_do_not_multiply() -> None:
    names = " ".join(f'xmlns:n{one}="urn:{one}"' for one in range(30_000))
    document = definition().replace(b"<definitions ", f"<definitions {names} ".encode())
    with pytest.raises(WsdlError, match="declares too many namespaces for its size") as caught:
        compile_bindings(URL, {URL: document})
    assert caught.value.readable


def test_what_real_definitions_have_is_accepted() -> None:
    own = '<x:simpleType name="string"><x:restriction base="x:string"/></x:simpleType>'
    tree = '<x:complexType name="tree"><x:sequence><x:element name="a" type="t:tree"/></x:sequence></x:complexType>'
    for schema in (own + tree, nested("group", 8), nested("simpleType", 8), nested("attributeGroup", 8)):
        assert compile_bindings(URL, {URL: definition(schema=schema)}).port == "port0"
    for name in STACKS:
        assert not expands_too_far(etree.fromstring(document) for document in load(name).documents.values())


@given(st.data())
def test_the_count_is_that_of_the_written_out_tree(data: st.DataObject) -> None:
    """Compared with a count that expands everything, on small graphs without circles."""
    refs = [data.draw(st.lists(st.integers(one + 1, 7), max_size=3)) if one < 7 else [] for one in range(8)]
    groups = ["".join(f'<x:group ref="t:n{ref}"/>' for ref in found) for found in refs]
    schema = "".join(
        f'<x:group name="n{one}"><x:sequence>{inside}</x:sequence></x:group>' for one, inside in enumerate(groups)
    )

    def size(one: int) -> int:
        return 1 + sum(map(size, refs[one]))

    total = sum(size(ref) - 1 for found in refs for ref in found)
    root = etree.fromstring(definition(schema=schema))
    with limit(total):
        assert not expands_too_far([root])
    if total:
        with limit(total - 1):
            assert expands_too_far([root])


@contextlib.contextmanager
def limit(value: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_EXPANSIONS", value)
        yield


# Overloaded operations


@pytest.mark.parametrize("names", [("six", "seven"), ("six", ""), ("", "seven")])
@pytest.mark.parametrize("turned", [False, True])
def test_the_form_with_all_arguments_is_used_with_its_own_action(names: Names, turned: bool) -> None:
    bindings = compile_bindings(URL, {URL: overloaded(names, turned=turned)})
    template = bindings.templates["sendSms"]
    assert (template.action, len(template.slots)) == ("urn:seven", 7)
    assert b"sendSms6" not in b"".join(template.pieces)
    assert bindings.templates["getRestMoney"].action == "urn:getRestMoney"


@pytest.mark.parametrize("turned", [False, True])
def test_a_form_that_does_not_match_is_not_used(turned: bool) -> None:
    # Without a number, the form with seven arguments is the only one that a send can use, and the other way round.
    bindings = compile_bindings(URL, {URL: overloaded(turned=turned, missing="mobile")})
    assert bindings.templates["sendSms"].action == "urn:seven"
    order = DOCUMENTED[:6]
    bindings = compile_bindings(URL, {URL: overloaded(turned=turned)}, arguments=[one.split()[1] for one in order])
    assert bindings.templates["sendSms"].action == "urn:six"
    assert b"sendSms6" in b"".join(bindings.templates["sendSms"].pieces)


@pytest.mark.parametrize(
    ("names", "bound"),
    [(("", ""), None), (("six", "six"), None), (("six", "seven"), ("", "")), (("six", "seven"), ("six", "six"))],
)
def test_forms_that_cannot_be_told_apart_are_refused_and_shown(names: Names, bound: Names | None) -> None:
    with pytest.raises(WsdlError) as caught:
        compile_bindings(URL, {URL: overloaded(names, bound)})
    first, second = (name or "sendSmsRequest" for name in names)
    assert "it does not tell the forms of sendSms apart: " in str(caught.value)
    assert f"{first} (t:sendSms6) to " in str(caught.value)
    assert f"{second} (t:sendSms) to " in str(caught.value)


def test_forms_with_the_same_arguments_are_refused_and_shown() -> None:
    with pytest.raises(
        WsdlError, match="several forms with the same arguments, with the actions urn:six and urn:seven"
    ):
        compile_bindings(URL, {URL: overloaded(missing="nothing")})


def test_a_definition_with_hundreds_of_forms_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = definition().decode()
    many = re.sub(
        r'(<operation name="sendSms">)(<input)(.*?</operation>)',
        lambda found: "".join(f'{found[1]}{found[2]} name="f{one}" {found[3]}' for one in range(500)),
        text,
    )
    loaded: list[str] = []
    load = compiler.find_ports

    def count(url: str, *given: Any) -> Any:
        loaded.append("once")
        return load(url, *given)

    monkeypatch.setattr(compiler, "find_ports", count)
    with pytest.raises(WsdlError, match="does not tell the forms of sendSms apart") as caught:
        compile_bindings(URL, {URL: many.encode()})
    assert len(str(caught.value)) < 2000
    assert loaded == ["once"]


def test_neither_form_matches() -> None:
    with pytest.raises(WsdlError, match="the arguments of sendSms cannot be matched"):
        compile_bindings(URL, {URL: overloaded().replace(b'name="content"', b'name="words"')})


def test_a_form_that_a_binding_lacks_is_not_used() -> None:
    root = etree.fromstring(overloaded())
    for binding in root.iterfind("{*}binding"):
        for operation in binding.iterfind("{*}operation[@name='sendSms']"):
            if "urn:seven" in etree.tostring(operation).decode():
                binding.remove(operation)
    bindings = compile_bindings(URL, {URL: etree.tostring(root)})
    assert bindings.templates["sendSms"].action == "urn:six"


def test_an_operation_of_no_interest_may_be_overloaded() -> None:
    text = definition(operations=(*SIGNATURES, "other")).decode()
    doubled = re.sub(r'<operation name="other">.*?</operation>', lambda found: found[0] * 2, text)
    assert compile_bindings(URL, {URL: doubled.encode()}).port == "port0"
