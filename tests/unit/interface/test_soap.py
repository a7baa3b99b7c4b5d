"""The SOAP interface: envelopes out, result strings in. All answers here are made up; the recorded ones are in
``tests/contract/test_replies.py``."""

from __future__ import annotations

import contextlib
import gc
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from lxml import etree

from jzysoap.calls.operations import Call
from jzysoap.definition.bindings import Bindings, Template
from jzysoap.interface import envelope as tree
from jzysoap.interface.soap import read_usual
from jzysoap.model.errors import (
    HttpStatusError,
    IncompletePollError,
    InvalidMessageError,
    MalformedReplyError,
    SoapFaultError,
)
from jzysoap.model.http import HttpReply
from jzysoap.model.values import DeliveryReport, Poll
from tests.kit.interfaces import SOAP, build_soap as build, call_of
from tests.kit.results import parse_reports
from tests.kit.soap import SOAP_11, SOAP_12, bare_envelope as envelope

LEGAL = st.text(
    st.characters(exclude_categories=["Cs"]).filter(lambda c: c in "\t\n\r" or " " <= c not in "\ufffe\uffff")
)
"""Texts that an XML document can have."""


def answer(value: str) -> str:
    return envelope(f'<r:getSmsReportResponse xmlns:r="urn:x"><r:return>{value}</r:return></r:getSmsReportResponse>')


def reply(text: str | bytes, status: int = 200, content_type: str = "text/xml") -> HttpReply:
    return HttpReply(status, {"content-type": content_type}, text if isinstance(text, bytes) else text.encode())


# -- requests ---------------------------------------------------------------------------------------------------------


def operation(*slots: str, action: str = "urn:x") -> Template:
    pieces = [b"<e>", *(b"|" for _ in slots[1:]), b"</e>"]
    return Template(action, tuple(pieces), slots)


def call(name: str = "sendSms", **arguments: str) -> Call[str | None]:
    return call_of(name, **arguments)


def test_a_call_fills_the_slots() -> None:
    bindings = Bindings("1.1", "port", {"sendSms": operation("content", "password", "username", "extenno")})
    headers, body = build(call(content="短信", extenno=""), "test", "cHc=", bindings)
    assert bytes(body) == "<e>短信|cHc=|test|</e>".encode()
    assert headers == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:x"'}
    assert repr(body) == f"<{len(body)} bytes>"


@pytest.mark.parametrize(
    ("action", "header"),
    [("urn:x", 'application/soap+xml; charset=utf-8; action="urn:x"'), ("", "application/soap+xml; charset=utf-8")],
)
def test_soap_12_has_its_action_in_the_content_type(action: str, header: str) -> None:
    bindings = Bindings("1.2", "port", {"getRestMoney": operation("username", "password", action=action)})
    headers, _ = build(call("getRestMoney"), "u", "p", bindings)
    assert headers == {"Content-Type": header}


def test_an_empty_action_is_quoted_too() -> None:
    bindings = Bindings("1.1", "port", {"getRestMoney": operation("username", "password", action="")})
    assert build(call("getRestMoney"), "u", "p", bindings)[0]["SOAPAction"] == '""'


def test_an_extension_number_without_an_argument_in_the_definition_is_refused() -> None:
    bindings = Bindings("1.1", "port9", {"sendSms": operation("username", "password", "content")})
    with pytest.raises(InvalidMessageError, match=r"has no argument for it$") as caught:
        build(call(content="短信", extenno="0001"), "u", "p", bindings)
    assert caught.value.field == "extension"
    assert build(call(content="短信", extenno=""), "u", "p", bindings)[1].endswith("短信</e>".encode())


@given(LEGAL)
def test_any_legal_text_is_sent_verbatim(text: str) -> None:
    bindings = Bindings("1.1", "port", {"sendSms": operation("content")})
    _, body = build(call(content=text), "u", "p", bindings)
    assert (etree.fromstring(bytes(body)).text or "") == text


# -- result strings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 500])
@pytest.mark.parametrize(
    ("text", "result"),
    [
        (answer("success;66"), "success;66"),
        (answer("success;66&#13;\r\n"), "success;66\r\n"),
        (answer(" \t x \n"), " \t x \n"),
        (answer(""), ""),
        (envelope("<r><return/></r>"), ""),
        # Several values: the one that is a result, also behind an empty one; no result if they contradict each other.
        (envelope("<r><a>x</a><b>y</b></r>"), "x"),
        (envelope("<r><error/><return>success;66</return></r>"), "success;66"),
        (envelope("<r><code>0</code><return>success;66</return></r>"), "success;66"),
        (envelope('<r><error i:nil="true"/><return>failure;x</return><b/></r>'), "failure;x"),
        (envelope("<r><a>success;66</a><b>failure;x</b></r>"), "success;66\nfailure;x"),
        (envelope('<r><a i:nil="true"/><b i:nil="true"/></r>'), None),
        # References of both versions of SOAP.
        (envelope('<r><return href="#a"/></r><m id="a">success;66</m>'), "success;66"),
        (
            envelope(
                '<r xmlns:e="http://www.w3.org/2003/05/soap-encoding"><return e:ref="a"/></r>'
                '<m xmlns:e="http://www.w3.org/2003/05/soap-encoding" e:id="a">success;66</m>',
                version=SOAP_12,
            ),
            "success;66",
        ),
        (envelope('<r><return ref="a"/></r><m id="a">success;66</m>'), "success;66"),
        # nil in every spelling; an omitted return; an empty answer.
        (envelope('<r><return i:nil="true"/></r>'), None),
        (envelope('<r><return i:nil=" 1 "/></r>'), None),
        (envelope('<r><return i:nil="true">text</return></r>'), None),
        (envelope('<r><return i:nil="false"/></r>'), ""),
        (envelope("<r/>"), None),
        (envelope("<r>\r\n  </r>"), None),
        # A bare answer.
        (envelope("<r>success;66</r>"), "success;66"),
        # Comments, instructions and CDATA in the text.
        (answer("a<!-- b -->c<?d e?>f"), "acf"),
        (answer("<![CDATA[<a>&amp;]]>b<![CDATA[c]]>"), "<a>&amp;bc"),
        (answer("<!-- only -->"), ""),
        (envelope("<!-- a --><?b c?><r><!-- d --><return>e</return></r>"), "e"),
        # Other white space and a header.
        (
            f'<s:Envelope xmlns:s="{SOAP_11}">\r\n<s:Header><h>no</h></s:Header>\n<s:Body> <r>\n<x> y</x></r></s:Body>'
            "</s:Envelope>\r\n\r\n",
            " y",
        ),
        (envelope("<r><return>1.2</return></r>", version=SOAP_12), "1.2"),
        # mono-asmx-rpc: the first element only names the return.
        (
            envelope(
                '<r><p:result xmlns:p="http://www.w3.org/2003/05/soap-rpc">return</p:result><return>1</return></r>'
            ),
            "1",
        ),
        (envelope('<r><p:result xmlns:p="http://www.w3.org/2003/05/soap-rpc">return</p:result></r>'), None),
    ],
)
def test_the_result_is_the_text_of_the_return(text: str, result: str | None, status: int) -> None:
    assert SOAP.read(reply(text, status)) == result


def test_a_fault_without_the_namespace_is_an_answer() -> None:
    assert SOAP.read(reply(envelope("<Fault><faultcode>x</faultcode></Fault>"))) == "x"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ('<r><return href="#id0"/></r><multiRef id="id0">value</multiRef>', "value"),
        ('<r><return href="#b"/></r><m id="a">no</m><m id="b">value</m>', "value"),
        ('<r><return href="#a"/></r><m id="a" href="#b"/><m id="b">end of a chain</m>', "end of a chain"),
        ('<r><return href="#a"/></r><m id="a" i:nil="true"/>', None),
        ('<r><return href="#a"/></r><m id="a"/>', ""),
        ('<r><return href="http://elsewhere.invalid/">text</return></r>', "text"),
    ],
)
def test_a_reference_is_followed(body: str, result: str | None) -> None:
    """rpc/encoded stacks put the value beside the answer (Axis 1)."""
    assert SOAP.read(reply(envelope(body))) == result


@pytest.mark.parametrize(
    "body",
    [
        '<r><return href="#a"/></r>',
        '<r><return href="#a"/></r><m id="b">no</m>',
        '<r><return href="#"/></r><m id="b">no</m>',
        '<r><return href="#a"/></r><m id="a" href="#a"/>',
        '<r><return href="#a"/></r><m id="a" href="#b"/><m id="b" href="#a"/>',
    ],
)
def test_a_reference_without_a_target_is_an_error(body: str) -> None:
    with pytest.raises(MalformedReplyError, match=r"it has a reference without a target$"):
        SOAP.read(reply(envelope(body)))


def test_an_attachment_is_an_error() -> None:
    with pytest.raises(MalformedReplyError, match=r"its value is in an attachment$"):
        SOAP.read(reply(envelope('<r><return href="cid:part1@gateway"/></r>')))


RECORD = (
    "<{0}psreport><{0}mobile>15275427712</{0}mobile><{0}username>admin</{0}username><{0}smslogid>66</{0}smslogid>"
    "<{0}status>1</{0}status><{0}sendtime>2012-08-16 01:05:39.0</{0}sendtime></{0}psreport>"
)


@pytest.mark.parametrize(
    ("open_root", "prefix", "close_root"),
    [
        ("<smsreport>", "", "</smsreport>"),
        ('<smsreport xmlns="">', "", "</smsreport>"),
        ('<smsreport xmlns="urn:y">', "", "</smsreport>"),
        ('<y:smsreport xmlns:y="urn:y">', "y:", "</y:smsreport>"),
        ("\r\n  <r:smsreport>", "r:", "</r:smsreport>\r\n"),
    ],
)
def test_a_document_embedded_as_markup_is_read(open_root: str, prefix: str, close_root: str) -> None:
    inside = open_root + RECORD.format(prefix) * 2 + close_root
    poll = parse_reports(SOAP.read(reply(answer(inside))))
    assert [(one.mobile, one.batch_id, one.raw_fields) for one in poll] == [("15275427712", "66", None)] * 2


def test_text_around_embedded_markup_is_kept() -> None:
    assert SOAP.read(reply(envelope("<r><return>a<b>c</b>d<e/>f</return></r>"))) == ("a<b>c</b>d<e/>f")


def test_a_text_of_more_than_ten_million_bytes_is_read_completely() -> None:
    text = "余" * 3_500_000
    assert SOAP.read(reply(answer(text))) == text
    assert SOAP.read(reply(answer(text + "\x01"))) == text + "\ufffd"
    assert SOAP.read_part(reply(answer(text)[:-40])) == text


FRAGMENTS = (
    *("<", ">", "&", '"', "'", ":", "/", "=", " ", "\r", "\n", "\0", "\x0b", "é", "1", "a", "%", "{", "#"),
    *(
        "&#13;",
        "&#0;",
        "&#x1F600;",
        "&lt;",
        "&a;",
        "<?a?>",
        "<!--a-->",
        "<![CDATA[a]]>",
        "]]>",
        "<a/>",
        "<a:b/>",
        "</a>",
    ),
    *(' xmlns=""', ' xmlns="urn:z"', ' xmlns:r=""', ' xmlns:r="a b"', ' xmlns:xml="urn:q"', ' a="1" a="1"', ' a:b="1"'),
    *(
        ' href="#1"',
        ' id="1"',
        ' xml:id="1"',
        ' i:nil="1"',
        "Header",
        "Fault",
        "Body",
        "r:",
        ' version="1.1"',
        ' encoding="x"',
    ),
)
mutations = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(FRAGMENTS)), max_size=3)


@given(
    st.sampled_from(
        [
            answer("success;66"),
            answer("a&#13;&amp;"),
            answer(""),
            '<?xml version="1.0" encoding="utf-8"?>' + answer("x"),
            answer("x").replace(SOAP_11, SOAP_12),
            answer("x").replace(
                "<r:return>", '<r:return i:type="x:string" xmlns:x="http://www.w3.org/2001/XMLSchema">'
            ),
        ]
    ),
    mutations,
    st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-7", "cp037"]),
)
def test_the_usual_reader_and_the_tree_agree(text: str, changes: list[tuple[float, int, str]], charset: str) -> None:
    for place, length, put in changes:
        at = int(place * len(text))
        text = text[:at] + put + text[at + length :]
    body = text.encode(charset, "replace")
    seen = read_usual(body)
    assert seen is None or seen == tree.read(reply(body))


@pytest.mark.parametrize(
    "text",
    [
        answer("é"),
        answer("<![CDATA[a]]>"),
        answer("<a/>"),
        answer("a<?b?>"),
        answer("a").replace("<r:return>", '<r:return i:nil="1">'),
        answer("a").replace("<r:return>", '<r:return href="#1">'),
        answer("a").replace("<r:return>", '<r:return xml:id="1">'),
        answer("a").replace("</r:return>", "</r:return><r:more/>"),
        answer("a").replace("<s:Body>", "<s:Header/><s:Body>"),
        answer("a").replace("urn:x", "a b"),
        answer("a").replace("</s:Envelope>", ""),
        envelope("<a>b</a>"),
        envelope("<s:Fault><faultcode>a</faultcode></s:Fault>"),
        envelope('<a><b:result xmlns:b="http://www.w3.org/2003/05/soap-rpc">c</b:result></a>'),
        answer("a").replace(SOAP_11, SOAP_12 + "x"),
        "<a><b><c><d>e</d></c></b></a>",
        "",
    ],
)
def test_unusual_replies_are_left_to_the_tree(text: str) -> None:
    assert read_usual(text.encode()) is None


@pytest.mark.parametrize("charset", ["ascii", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_usual_reader_refuses_a_doctype(charset: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + answer("&b;")
    assert read_usual(bomb.encode(charset)) is None
    with pytest.raises(MalformedReplyError):
        SOAP.read(reply(bomb.encode(charset)))


@given(LEGAL)
def test_any_legal_text_is_read_verbatim(text: str) -> None:
    root = etree.Element("return")
    root.text = text
    # An empty element is an empty text; white space is not stripped.
    body = envelope(f"<r>{etree.tostring(root, encoding='unicode')}</r>")
    assert SOAP.read(reply(body, content_type="text/xml; charset=utf-8")) == text


# -- faults -----------------------------------------------------------------------------------------------------------

FAULT_11 = (
    "<s:Fault><faultcode>s:Server</faultcode><faultstring xml:lang='zh'> 服务器异常 &lt;x&gt; </faultstring>"
    "<faultactor>urn:actor</faultactor><detail><e xmlns='urn:e'>内</e></detail></s:Fault>"
)
FAULT_12 = (
    f"<f:Fault xmlns:f='{SOAP_12}'>"
    "<f:Code><f:Value>f:Receiver</f:Value><f:Subcode><f:Value>f:Deep</f:Value></f:Subcode></f:Code>"
    "<f:Reason><f:Text xml:lang='en'> broken </f:Text><f:Text xml:lang='zh'>坏</f:Text></f:Reason>"
    "<f:Node>urn:node</f:Node><f:Role>urn:role</f:Role><f:Detail><e/></f:Detail></f:Fault>"
)


@pytest.mark.parametrize("status", [200, 202, 400, 404, 500, 503])
@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
@pytest.mark.parametrize(
    ("fault", "code", "text", "actor"),
    [
        (
            f"<s:Fault xmlns:s='{SOAP_11}'>" + FAULT_11.removeprefix("<s:Fault>"),
            "s:Server",
            "服务器异常 <x>",
            "urn:actor",
        ),
        # node-soap sends this fault in an envelope of SOAP 1.1.
        (FAULT_12, "f:Receiver", "broken", "urn:role"),
    ],
)
def test_a_fault_is_found_in_any_envelope_at_any_status(
    fault: str, code: str, text: str, actor: str, soap: str, status: int
) -> None:
    with pytest.raises(SoapFaultError) as caught:
        SOAP.read(reply(envelope(fault, version=soap), status))
    error = caught.value
    assert (error.code, error.text, error.actor) == (code, text, actor)
    assert str(error) == f"the gateway answered with a SOAP fault: {code}: {text}"
    assert error.detail is not None
    assert re.match(r"<(f:D|d)etail[ >].*<e[ /].*</(f:D|d)etail>\Z", error.detail)
    assert error.may_have_been_sent


@pytest.mark.parametrize(
    ("fault", "code", "text", "actor"),
    [
        ("<s:Fault/>", "", "", None),
        ("<s:Fault><faultcode/><faultstring/><faultactor/></s:Fault>", "", "", None),
        ("<s:Fault><faultstring><a><b>deep</b></a></faultstring></s:Fault>", "", "deep", None),
        (f"<f:Fault xmlns:f='{SOAP_12}'><f:Code/><f:Reason/><f:Node>n</f:Node></f:Fault>", "", "", "n"),
    ],
)
def test_a_fault_with_missing_parts_is_a_fault(fault: str, code: str, text: str, actor: str | None) -> None:
    with pytest.raises(SoapFaultError) as caught:
        SOAP.read(reply(envelope(fault), 500))
    error = caught.value
    assert (error.code, error.text, error.actor, error.detail) == (code, text, actor, None)


@pytest.mark.parametrize(
    "words",
    [
        "The service cannot be found for the endpoint reference (EPR) http://h:9003/services/other",  # Axis2
        "The AXIS engine could not find a target service to invoke!  targetService is other",  # Axis 1.4
    ],
)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_fault_of_a_server_without_the_service_proves_that_nothing_acted(words: str, status: int) -> None:
    with pytest.raises(SoapFaultError, match=words[:20]) as caught:
        SOAP.read(reply(envelope(f"<s:Fault><faultstring>{words}</faultstring></s:Fault>"), status))
    assert not caught.value.may_have_been_sent


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("<html><body>No service was found.</body></html>", False),  # CXF
        ("<h2>HTTP ERROR 404</h2><p>Problem accessing /services/userApi. Reason: Not Found</p>", False),  # Jetty
        ("<p>The requested resource [/services/userApi] is not available</p>", False),  # Tomcat
        ("<p>The requested resource [/result.jsp] is not available</p>", True),
        ("<center><h1>404 Not Found</h1></center><hr><center>nginx</center>", True),
        ("", True),
    ],
)
def test_only_the_servers_own_404_proves_that_nothing_acted(page: str, sent: bool) -> None:
    with pytest.raises(HttpStatusError, match="check base_url") as caught:
        SOAP.read(reply(page, 404))
    assert (caught.value.may_have_been_sent, caught.value.retry) == (sent, "never" if sent else "later")
    with pytest.raises(HttpStatusError) as other:
        SOAP.read(reply(page, 500))
    assert other.value.may_have_been_sent


def test_a_fault_shows_no_secret_number_or_control_character() -> None:
    fault = "<s:Fault><faultcode>c&#10;cHc=</faultcode><faultstring>cHc= 13800000001 {}</faultstring></s:Fault>"
    with pytest.raises(SoapFaultError) as caught:
        SOAP.read(reply(envelope(fault.format("x" * 300)), 500), secrets=("cHc=",))
    shown = str(caught.value)
    assert shown.startswith("the gateway answered with a SOAP fault: c ***: *** 138****0001 xxx")
    assert "\n" not in shown
    assert len(shown) < 300
    assert (caught.value.code, caught.value.text) == ("c\ncHc=", "cHc= 13800000001 " + "x" * 300)


# -- other replies ----------------------------------------------------------------------------------------------------

OTHER_REPLIES = [
    ("", "it is empty", False),
    (" \r\n", "it is empty", False),
    ("success", "it is not well-formed XML", False),
    ("<a>", "it is not well-formed XML", False),
    ("<html><body>login</body></html>", "its root element is not a SOAP envelope", False),
    ("<html><body>login<br></body>", "it is an HTML page", False),
    ("<!DOCTYPE html><html><p>login", "it is an HTML page", False),
    ("<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x.dtd'><html/>", "it is an HTML page", False),
    ("<Envelope/>", "its root element is not a SOAP envelope", False),
    (f'<Envelope xmlns="{SOAP_11[:-1]}"/>', "its root element is not a SOAP envelope", False),
    (f'<Body xmlns="{SOAP_11}"><a/></Body>', "its root element is not a SOAP envelope", False),
    ("<return>success</return>", "its root element is not a SOAP envelope", False),
    (f'<Envelope xmlns="{SOAP_11}"/>', "its envelope has no body", False),
    (f'<s:Envelope xmlns:s="{SOAP_11}"><Body><r/></Body></s:Envelope>', "its envelope has no body", False),
    (f'<s:Envelope xmlns:s="{SOAP_11}"><b:Body xmlns:b="{SOAP_12}"/></s:Envelope>', "its envelope has no body", False),
    (envelope(""), "its body is empty", False),
    (envelope("success"), "its body is empty", False),
    (envelope("<!-- -->"), "its body is empty", False),
    (answer("<a></b>"), "it is not well-formed XML", False),
    (answer("x") + answer("y"), "it is not well-formed XML", False),
    (answer("success;66")[:-1], "it ends in the middle of the envelope", True),
    (answer("success;66")[:-30], "it ends in the middle of the envelope", True),
    (answer("success;66")[:40], "it ends in the middle of the envelope", True),
]


@pytest.mark.parametrize(("text", "why", "cut_off"), OTHER_REPLIES)
def test_other_replies_are_malformed(text: str, why: str, cut_off: bool) -> None:
    with pytest.raises(MalformedReplyError) as caught:
        SOAP.read(reply(text))
    assert str(caught.value) == f"the gateway's answer is not a SOAP reply: {why}"
    assert (caught.value.cut_off, caught.value.may_have_been_sent) == (cut_off, True)


@pytest.mark.parametrize("status", [301, 404, 500])
@pytest.mark.parametrize("text", [text for text, _, _ in OTHER_REPLIES])
def test_other_replies_at_an_error_status_are_that_error(text: str, status: int) -> None:
    with pytest.raises(HttpStatusError) as caught:
        SOAP.read(reply(text, status))
    assert caught.value.status == status


@pytest.mark.parametrize(
    "noise",
    [
        ("\r\n\r\n", ""),
        ("warning: x\n", ""),
        ("", "\0\0"),
        ("", "\r\n0\r\n\r\n"),
        ("", "<!-- debug: 3 ms"),
        ("\ufeff", "x"),
    ],
)
def test_noise_around_the_envelope_is_ignored(noise: tuple[str, str]) -> None:
    before, after = noise
    for declaration in ("", '<?xml version="1.0" encoding="UTF-8"?>'):
        assert SOAP.read(reply(before + declaration + answer("余额不足") + after)) == "余额不足"


# -- characters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "result"),
    [
        ("a\x01b", "a\ufffdb"),
        ("a&#1;b&#x0;c", "a\ufffdb\ufffdc"),
        ("a\ufffeb", "a\ufffdb"),
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;", "\ufffd"),
        ("A&B &nbsp; &lt;", "A&B &nbsp; <"),
        ("<![CDATA[A&B&amp;]]>\x01", "A&B&amp;\ufffd"),
    ],
)
def test_illegal_characters_do_not_cost_the_rest(written: str, result: str) -> None:
    assert SOAP.read(reply(answer(f"success;66 {written}!"))) == f"success;66 {result}!"


DECLARED = '<?xml version="1.0" encoding="{}"?>'
WORDS = "failure;余额不足"


@pytest.mark.parametrize(
    ("declaration", "written_in", "content_type"),
    [
        (DECLARED.format("GBK"), "gbk", "text/xml"),
        (DECLARED.format("gb2312"), "gb2312", "text/xml; charset=gb2312"),
        (DECLARED.format("GB18030"), "gb18030", "text/xml"),
        ("<?xml version='1.0' encoding='gbk' standalone='yes'?>\n", "gbk", "text/xml"),
        # Not declared at all, or in the header alone.
        ("", "gbk", "text/xml"),
        ("", "gbk", "text/xml; charset=GBK"),
        ("", "utf-8", "text/xml"),
        ('<?xml version="1.0"?>', "gbk", "text/xml"),
        # Declared wrongly.
        (DECLARED.format("GBK"), "utf-8", "text/xml"),
        ("", "utf-8", "text/xml; charset=GBK"),
        (DECLARED.format("UTF-8"), "gbk", "text/xml;charset=UTF-8"),
        (DECLARED.format("ISO-8859-1"), "utf-8", "text/xml; charset=ISO-8859-1"),
        ("", "gbk", "text/xml; charset=ISO-8859-1"),
        (DECLARED.format("us-ascii"), "utf-8", "text/xml"),
        (DECLARED.format("utf-16"), "utf-8", "text/xml"),
        (DECLARED.format("nonsense"), "gbk", 'text/xml; charset="nonsense"'),
        (DECLARED.format("GBK"), "utf-8", "text/xml; charset=UTF-8"),
        # A line break before the declaration.
        ("\r\n" + DECLARED.format("UTF-8"), "utf-8", "text/xml"),
        ("\n" + DECLARED.format("GBK"), "gbk", "text/xml"),
        # Byte order marks.
        ("", "utf-8-sig", "text/xml"),
        (DECLARED.format("GBK"), "utf-8-sig", "text/xml; charset=GBK"),
        (DECLARED.format("UTF-16"), "utf-16", "text/xml"),
        ("", "utf-16", "text/xml; charset=utf-8"),
    ],
)
def test_the_charset_is_found_whatever_is_declared(declaration: str, written_in: str, content_type: str) -> None:
    text = declaration + answer(WORDS)
    assert SOAP.read(reply(text.encode(written_in), 200, content_type)) == WORDS
    if written_in not in ("utf-16", "gb2312"):
        assert SOAP.read(reply((text + "\0").encode(written_in), 200, content_type)) == WORDS


# -- what stands around an envelope, and what is undeclared in it ----------------------------------------------------


NOTICE = "<br />\n<b>Deprecated</b>: x in <b>sms.php</b> on line <b>1</b><br />\n"
PAGE = "<!DOCTYPE html>\n<html><body>Loading&nbsp;&hellip;</body></html>\n"


@pytest.mark.parametrize(
    "front", [NOTICE, PAGE, "<p>", "<?php x ?>", "warning &amp; <a href='x'>more</a>\n", "\ufeff<br>"]
)
@pytest.mark.parametrize("behind", ["", "\n<!-- 0.1 s -->", "<br />\n", "</body></html>"])
def test_markup_around_an_envelope_is_ignored(front: str, behind: str) -> None:
    assert SOAP.read(reply(front + answer("success;66") + behind)) == "success;66"
    with pytest.raises(SoapFaultError, match="fault"):
        SOAP.read(reply(front + envelope(FAULT_11) + behind, 500))


@pytest.mark.parametrize(
    "text",
    [
        envelope('<r><return xsi:type="xsd:string">success;66</return></r>'),
        envelope("<ns:r><ns:return>success;66</ns:return></ns:r>"),
        answer("success;66").replace(f' xmlns:s="{SOAP_11}"', ""),
    ],
)
def test_undeclared_prefixes_are_declared(text: str) -> None:
    assert SOAP.read(reply(text)) == "success;66"


def test_an_envelope_in_other_markup_is_found() -> None:
    assert SOAP.read(reply(f"<answer>{answer('success;66')}</answer>")) == "success;66"


def test_a_proxy_that_wants_a_password_is_named() -> None:
    with pytest.raises(HttpStatusError, match=r"a proxy wants a user and a password \(HTTP status 407\)"):
        SOAP.read(reply("<html>", 407))


def test_an_undeclared_nil_is_nil() -> None:
    assert SOAP.read(reply(envelope('<r><return xsi:nil="true"/></r>'))) is None


def test_a_document_embedded_with_its_declaration_is_read() -> None:
    inside = '<?xml version="1.0" encoding="GBK"?><smsreport>' + RECORD.format("") + "</smsreport>"
    assert len(parse_reports(SOAP.read(reply(answer(inside))))) == 1


def test_a_malformed_record_embedded_as_markup_costs_no_other() -> None:
    inside = f"<smsreport>{RECORD.format('')}<psreport><mobile>1</psreport>{RECORD.format('')}</smsreport>"
    poll = parse_reports(SOAP.read(reply(answer(inside))))
    assert (len(poll), len(poll.rejected)) == (2, 1)


def test_records_beside_the_result_are_not_overlooked() -> None:
    beside = f"<r><return>&lt;smsreport/></return></r><more>&lt;smsreport>{RECORD.format('')}&lt;/smsreport></more>"
    with pytest.raises(MalformedReplyError, match="it has records beside the result"):
        SOAP.read(reply(envelope(beside)))


def test_all_documents_of_an_answer_are_read() -> None:
    document = f"<smsreport>{RECORD.format('')}</smsreport>".replace("<", "&lt;")
    text = envelope(f"<r><return>{document}</return><return/><return>{document}</return></r>")
    assert len(parse_reports(SOAP.read(reply(text)))) == 2


def test_namespaces_are_not_repeated_for_each_child() -> None:
    """The text grows with the number of children, not with that number times the number of namespaces."""
    sizes = []
    for count in (1000, 2000):
        names = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(count))
        inside = f"<smsreport>{'<psreport><mobile>13800000001</mobile></psreport>' * count}</smsreport>"
        text = answer(inside).replace("<s:Envelope", f"<s:Envelope {names}")
        sizes.append(len(SOAP.read(reply(text)) or ""))
    assert sizes[1] < 2.2 * sizes[0]


def test_a_tree_of_nothing_but_tags_is_not_built() -> None:
    with pytest.raises(MalformedReplyError):
        SOAP.read(reply(answer("<a/>" * 50_000)))
    assert SOAP.read_part(reply(answer("<a/>" * 50_000)[:-30])) == ""


# -- hostile replies --------------------------------------------------------------------------------------------------


def bomb() -> str:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE a [<!ENTITY e0 "{"x" * 10}">{levels}]>'


@pytest.fixture
def external(tmp_path: Path) -> str:
    (tmp_path / "secret").write_text("TOPSECRET")
    return f'<!DOCTYPE a [<!ENTITY e9 SYSTEM "{(tmp_path / "secret").as_uri()}">]>'


@pytest.mark.parametrize(
    "before", ["", "\ufeff", "\ufeff\ufeff", "\r\n", '<?xml version="1.0"?>', "<!-- <a> -->", "noise", "\x01", "\0\0"]
)
def test_a_doctype_is_refused_behind_anything(before: str, external: str) -> None:
    for doctype in (bomb(), external, "<!DOCTYPE a SYSTEM 'http://elsewhere.invalid/a.dtd'>", "<!DOCTYPE a>"):
        text = before + doctype + envelope('<r><return a="&e9;">&e9;</return></r>')
        with pytest.raises(MalformedReplyError, match=r"it has a DOCTYPE$"):
            SOAP.read(reply(text))
        assert SOAP.read_part(reply(text[:-30])) == ""


def test_a_malformed_declaration_does_not_hide_a_doctype(external: str) -> None:
    for doctype in (bomb(), external):
        text = '<?xml version="1.0">' + doctype + envelope('<r><return a="&e9;">&e9;</return></r>')
        with pytest.raises(MalformedReplyError):
            SOAP.read(reply(text))
        assert SOAP.read_part(reply(text)) == ""


def test_a_doctype_in_the_text_is_text() -> None:
    assert SOAP.read(reply(answer("<![CDATA[<!DOCTYPE a>]]>"))) == "<!DOCTYPE a>"


DEPTH = 100_000


@pytest.mark.parametrize(
    "text",
    [
        answer("<a>" * DEPTH + "x" + "</a>" * DEPTH),
        "<a>" * DEPTH + "</a>" * DEPTH,
        "<a>" * DEPTH,
        answer("<a>" * DEPTH),
        envelope("<s:Fault>" + "<faultcode>" * DEPTH + "x" + "</faultcode>" * DEPTH + "</s:Fault>"),
        envelope("<s:Fault><detail>" + "<a>" * DEPTH + "x" + "</a>" * DEPTH + "</detail></s:Fault>"),
    ],
    ids=["return", "alone", "open", "cut", "fault", "detail"],
)
def test_deep_nesting_does_not_crash(text: str) -> None:
    for cut in (text, text[: -len(text) // 4]):
        try:
            result = SOAP.read(reply(cut))
        except (MalformedReplyError, SoapFaultError):
            result = ""
        assert isinstance(result, str)
        assert isinstance(SOAP.read_part(reply(cut)), str)
    gc.collect()


@pytest.mark.parametrize(
    "unit", ["<", "&", "<a", "<![CDATA[", "&#xD83D;", "]]>", "<!--", "<?", '<?xml encoding="', " "]
)
def test_long_garbage_is_read_quickly(unit: str) -> None:
    started = time.process_time()
    for text in (unit * 20_000, unit * 20_000 + ">", answer(unit * 20_000), answer(unit * 20_000)[:-60] + ">"):
        with contextlib.suppress(MalformedReplyError):
            assert isinstance(SOAP.read(reply(text)), str)
        assert isinstance(SOAP.read_part(reply(text)), str)
    assert time.process_time() - started < 10


def test_a_long_chain_of_references_is_followed_quickly() -> None:
    chain = "".join(f'<m id="{n}" href="#{n + 1}"/>' for n in range(30_000))
    body = f'<r><return href="#0"/></r>{chain}<m id="30000">end</m>'
    started = time.process_time()
    assert SOAP.read(reply(envelope(body))) == "end"
    assert time.process_time() - started < 10


@settings(max_examples=300)
@given(st.data())
def test_any_reply_gives_a_result_or_a_documented_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([answer("success;66"), answer(RECORD.format("")), envelope(FAULT_11), "<html>"]))
    body = text.encode(data.draw(st.sampled_from(["utf-8", "gbk", "utf-16"])))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 8)) :]
    answered = reply(body, data.draw(st.sampled_from([200, 500])))
    with contextlib.suppress(MalformedReplyError, HttpStatusError, SoapFaultError):
        assert isinstance(SOAP.read(answered), (str, type(None)))
    assert isinstance(SOAP.read_part(answered), str)


# -- replies that were cut off ----------------------------------------------------------------------------------------


def records(text: str) -> Poll[DeliveryReport]:
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(text, complete=False)
    return caught.value.poll


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        "<?xml",
        "<html>",
        "success",
        "<s:Envelope",
        envelope("")[:-20],
        envelope(FAULT_11)[:-20],
        answer("")[:-40],
    ],
)
def test_a_part_without_a_result_is_an_empty_text(text: str) -> None:
    assert SOAP.read_part(reply(text)) == ""


def test_a_result_is_read_as_far_as_it_was_received() -> None:
    assert SOAP.read_part(reply(answer("a &lt;b&gt; c")[:-40])) == "a <b> c"
    assert SOAP.read_part(reply(envelope('<r><return i:nil="true"/>')[:-20])) == ""
    assert SOAP.read_part(reply(answer("complete"))) == "complete"


def test_undeclared_prefixes_in_a_part_are_ignored() -> None:
    assert SOAP.read_part(reply(envelope("<s:Fault><x:faultcode>a</x:faultcode>")[:-20])) == ""
    assert SOAP.read_part(reply(envelope("<x:r><y:return>&lt;a>")[:-20])) == "<a>"


@pytest.mark.parametrize(
    "inside",
    [
        # In an attribute, "<![CDATA[" begins no section, but the repair skips what follows it.
        '<r xmlns:a="<![CDATA[&#xD83D;]]>"><return>a',
        '<r a="<![CDATA[&#xD83D;]]>"><return>a',
        '&x;<r a="<![CDATA[">&y;<return>',
        '<r a="<![CDATA["><&y;<return>',
        '<r a="<![CDATA[">&y;',
    ],
)
def test_names_that_a_recovering_parser_accepts_do_not_crash(inside: str) -> None:
    assert isinstance(SOAP.read_part(reply(f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body>{inside}')), str)
    assert isinstance(SOAP.read_part(reply(f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><r><return>{inside}')), str)


def test_an_incomplete_embedded_record_is_dropped() -> None:
    whole, opened = RECORD.format(""), RECORD.format("").partition("<smslogid>")[0]
    assert len(records(SOAP.read_part(reply(answer(f"<smsreport>{opened}")[:-60])))) == 0
    poll = records(SOAP.read_part(reply(answer(f"<smsreport>{whole}{opened}")[:-60])))
    assert [one.batch_id for one in poll] == ["66"]


def test_noise_and_illegal_characters_do_not_cost_the_records_of_a_part() -> None:
    escaped = RECORD.format("").replace("<", "&lt;").replace("admin", "A&B\x01&#xD83D;&#xDE00;")
    poll = records(SOAP.read_part(reply("noise\r\n" + answer(f"&lt;smsreport>{escaped}{escaped}")[:-90])))
    assert [one.username for one in poll] == ["A&B\ufffd😀"]


@pytest.mark.parametrize("written_in", ["utf-8", "gbk"])
def test_a_character_cut_in_two_does_not_change_the_charset(written_in: str) -> None:
    escaped = RECORD.format("").replace("<", "&lt;").replace("admin", "用户名")
    text = DECLARED.format(written_in) + answer("&lt;smsreport>" + escaped * 3)
    data = text.encode(written_in)
    middle = data.rindex("户".encode(written_in)) + 1
    poll = records(SOAP.read_part(HttpReply(200, {}, data[:middle], "cut off")))
    assert [one.username for one in poll] == ["用户名", "用户名"]
