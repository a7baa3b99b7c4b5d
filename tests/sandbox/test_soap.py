"""The web service, called by zeep and by hand, and compared with the recorded answers of a real Axis2."""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
import zeep
from lxml import etree

from jzysoap import Channel, DeliveryStatus
from jzysoap.sandbox import Gateway, Sandbox
from jzysoap.sandbox.answers import Empty
from tests.kit.recordings import load
from tests.kit.samples import MOBILE
from tests.kit.soap import NAMESPACE, SOAP_11, SOAP_12
from tests.sandbox.foreign import PASSWORD, envelope, post, talk

HARD = """验证码 1234 & < > " ' ]]> 😀 𠮷\n第二行"""
SERVICE = "/services/userApi"
XML = "Content-Type: text/xml; charset=utf-8"
SENDING = {"smstype": "1", "content": "你好", "mobile": MOBILE, "isLongSms": "0", "extenno": ""}


def call(sandbox: Sandbox, body: bytes, *headers: str, path: str = SERVICE) -> tuple[int, str | None]:
    """Return the status, and the result in the reply."""
    reply = talk(sandbox.url, post(path, body, *(headers or (XML,))))
    root: Any = etree.fromstring(reply.body)
    return reply.status, root[0][0][0].text


def fault(sandbox: Sandbox, body: bytes, *headers: str) -> str:
    reply = talk(sandbox.url, post(SERVICE, body, *(headers or (XML,))))
    assert reply.status == 500
    root: Any = etree.fromstring(reply.body)
    return str(root.findtext(".//faultstring") or root.findtext(f".//{{{SOAP_12}}}Text"))


def load_with_zeep(sandbox: Sandbox) -> Any:
    make: Any = zeep.Client  # zeep has types, but not this one
    return make(f"{sandbox.url}{SERVICE}?wsdl")


@pytest.fixture(params=["axis2-1.6.2-7param", "axis2-1.6.2"])
def served(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(username="test", password="secret1", definition=request.param, soap_batch_ids=True) as sandbox:
        yield sandbox


@pytest.mark.parametrize("binding", ["Soap11", "Soap12"])
def test_zeep_can_call_every_operation(served: Sandbox, binding: str) -> None:
    with load_with_zeep(served) as client:
        (service,) = client.wsdl.services.values()
        (port,) = (name for name in service.ports if binding in name)
        extension = ["0001"] if service.name == "UserApi" else []
        ask = client.bind(service.name, port)
        served.gateway.inject_reply(MOBILE, "你谁啊?")
        assert ask.sendSms("test", PASSWORD, 2, HARD, f"{MOBILE},15375427702", 1, *extension) == "success;337017332"
        assert ask.getRestMoney("test", PASSWORD) == "memberSmsNum=998;gateSmsNum=1000;kaSmsNum=1000"
        assert ask.getSmsReport("test", PASSWORD).count("<psreport>") == 2
        assert "<content>xOPLrbChPw==</content>" in ask.getRecvSMS("test", PASSWORD)
        assert ask.getSmsReport("test", PASSWORD).count("<psreport>") == 0
        assert ask.getRecvSMS("test", PASSWORD).count("<psrerecv>") == 0
        assert ask.getRestMoney("test", "d3Jvbmc=") == "failure;用户名或密码错误"
    (message,) = served.gateway.sent
    assert message.text == HARD
    assert (message.channel, message.long, message.via) == (Channel.MEMBER, True, "soap")
    assert message.mobiles == (MOBILE, "15375427702")
    assert message.extension == "".join(extension)


def test_a_send_returns_no_batch_id_by_default(sandbox: Sandbox) -> None:
    assert call(sandbox, envelope("sendSms", **SENDING)) == (200, "success")


# getRecvSMS is omitted: the service that was recorded has other names for the elements of the document.
@pytest.mark.parametrize("stack", ["axis2-1.6.2-7param", "axis2-1.6.2"])
@pytest.mark.parametrize(
    ("name", "soap12"),
    [
        ("sendSms", False),
        ("sendSms", True),
        ("getRestMoney", False),
        ("getRestMoney", True),
        ("getSmsReport", False),
        ("getSmsReport", True),
        ("getSmsReport_null", False),
        ("getSmsReport_empty", False),
    ],
)
def test_a_recorded_request_gets_the_recorded_answer(stack: str, name: str, soap12: bool) -> None:
    recorded = load(stack)
    _, _, mode = name.partition("_")
    if soap12:
        name = next(one for one in recorded.responses() if one.startswith(f"{name}.") and "Soap12" in one)
    request, response = recorded.request(name), recorded.response(name)
    username, password = (
        re.findall(f"<ns0:{argument}>(.*?)<", request.body.decode())[0] for argument in ("username", "password")
    )
    gateway = Gateway(clock=lambda: datetime(2012, 8, 16, 1, 5, 39, tzinfo=timezone(timedelta(hours=8))))
    gateway.add_account(username, password, {Channel.MEMBER: 684, Channel.GATEWAY: 49919, Channel.CARD: 49964})
    if not mode:
        gateway.inject_report("15275427712", DeliveryStatus.DELIVERED, batch_id="66", username=username)
    # The service that was recorded took the password in the clear, and ended a batch id with a line break.
    body = request.body.replace(f">{password}<".encode(), b">%s<" % base64.b64encode(password.encode()))
    path = request.start.split(" ")[1]
    empty: Empty = "nil" if mode == "null" else "string"
    with Sandbox(gateway=gateway, definition=stack, soap_batch_ids=True, empty=empty) as sandbox:
        reply = talk(sandbox.url, post(path, body, f"Content-Type: {request.headers['content-type']}"))
    assert reply.status == response.status
    assert reply.headers["content-type"] == response.headers["content-type"]
    assert reply.body == response.body.replace(b"&#xd;\n", b"")


def test_a_fault_has_the_recorded_form(sandbox: Sandbox) -> None:
    response = load("axis2-1.6.2-7param").response("getSmsReport_fault")
    reply = talk(sandbox.url, post(SERVICE, envelope("unheard"), XML))
    assert (reply.status, reply.headers["content-type"]) == (response.status, response.headers["content-type"])
    shape = [[element.tag for element in etree.fromstring(body)[0][0]] for body in (reply.body, response.body)]
    assert shape[0] == shape[1]
    assert reply.body.startswith(response.body[: response.body.index(b"<faultstring>")])


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "Wsdl=1", "x=1&wsdl"])
def test_the_definition_names_the_sandbox(served: Sandbox, query: str) -> None:
    reply = requests.get(f"{served.url}{SERVICE}?{query}", timeout=30)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/xml")
    stack = "axis2-1.6.2-7param" if b"extenno" in reply.content else "axis2-1.6.2"
    recorded = load(stack)
    origin = recorded.url.partition("/services")[0].encode()
    assert reply.content.count(f'location="{served.url}/services/'.encode()) == 3
    assert reply.content.replace(served.url.encode(), origin) == recorded.wsdl


def test_a_context_path_comes_before_every_path() -> None:
    with Sandbox(context_path="/sms/") as sandbox:
        assert sandbox.url.endswith("/sms")
        with load_with_zeep(sandbox) as client:
            assert client.service.getRestMoney("test", PASSWORD).startswith("memberSmsNum=1000;")
        elsewhere = sandbox.url.removesuffix("/sms")
        for path in (f"{SERVICE}?wsdl", f"/smsservices{SERVICE}?wsdl", "/sms"):
            assert requests.get(f"{elsewhere}{path}", timeout=30).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        SERVICE,
        f"{SERVICE}/",
        f"{SERVICE}.userApiHttpSoap11Endpoint/",
        f"{SERVICE}.userApiHttpSoap12Endpoint",
        "/services/UserApi.UserApiHttpSoap11Endpoint/",
    ],
)
def test_every_address_of_the_service_is_answered(sandbox: Sandbox, path: str) -> None:
    assert call(sandbox, envelope("getRestMoney"), path=path)[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/services/other", 404),
        (f"{SERVICE}.userApiHttpEndpoint/", 404),
        (SERVICE, 405),
        (f"{SERVICE}?x", 405),
    ],
)
def test_other_addresses_get_an_http_status(sandbox: Sandbox, path: str, status: int) -> None:
    assert requests.get(f"{sandbox.url}{path}", timeout=30).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        [XML, 'SOAPAction: "urn:getRestMoney"'],
        [XML, "SOAPAction: urn:getRestMoney"],
        [XML, 'SOAPAction: ""'],
        [XML, "SOAPAction:"],
        ['Content-Type: text/xml; charset="UTF-8"'],
        ["Content-Type: TEXT/XML"],
        ["Content-Type: application/xml"],
        ["X-Nothing: no content type at all"],
    ],
)
def test_unusual_headers_are_accepted(sandbox: Sandbox, headers: list[str]) -> None:
    assert call(sandbox, envelope("getRestMoney"), *headers)[0] == 200


def sent_text(sandbox: Sandbox, body: bytes, *headers: str) -> str:
    assert call(sandbox, body, *headers) == (200, "success")
    return sandbox.gateway.sent[-1].text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#x00D83D;&#56832;", "😀"),
        ("&#x4F60;&#x597D;", "你好"),
        ("&#20320;&#22909;", "你好"),
        ("<![CDATA[&#xD83D;&#xDE00; <b>&amp;]]>", "&#xD83D;&#xDE00; <b>&amp;"),
        ("a<!-- no text -->b<?nor this?>c", "abc"),
        ("\r\n&#13;&#10;", "\n\r\n"),
    ],
)
def test_every_spelling_of_a_text_is_read(sandbox: Sandbox, written: str, text: str) -> None:
    body = envelope("sendSms", **SENDING | {"content": "TEXT"}).decode().replace("TEXT", written)
    assert sent_text(sandbox, body.encode()) == text


@pytest.mark.parametrize(
    ("charset", "encoded"),
    [
        ("", HARD.encode()),
        ("; charset=gb18030", HARD.encode("gb18030")),
        ('; charset="utf-8"', codecs.BOM_UTF8 + HARD.encode()),
        ("", HARD.encode("utf-16")),
    ],
)
def test_every_charset_is_read(sandbox: Sandbox, charset: str, encoded: bytes) -> None:
    codec = "utf-16" if encoded.startswith(codecs.BOM_UTF16) else "gb18030" if "gb" in charset else "utf-8-sig"
    text = encoded.decode(codec)
    body = envelope("sendSms", **SENDING | {"content": text}).decode().encode(codec)
    assert sent_text(sandbox, body, f"Content-Type: text/xml{charset}") == HARD


def test_a_charset_that_only_the_document_declares(sandbox: Sandbox) -> None:
    body = '<?xml version="1.0" encoding="GBK"?>'.encode("gbk") + envelope("sendSms", **SENDING).decode().encode("gbk")
    assert sent_text(sandbox, body, "Content-Type: text/xml") == "你好"


def test_arguments_may_be_unqualified_omitted_or_nil(sandbox: Sandbox) -> None:
    body = f"""<e:Envelope xmlns:e="{SOAP_11}"><e:Header><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">urn:other
        </a:Action></e:Header><e:Body><m:sendSms xmlns:m="{NAMESPACE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        <mobile>{MOBILE}, ,</mobile><m:content>你好</m:content><m:extenno i:nil="true">9</m:extenno>
        <m:unknown>1</m:unknown><password>{PASSWORD}</password><m:username>test</m:username></m:sendSms></e:Body>
        </e:Envelope>""".encode()
    assert call(sandbox, body) == (200, "success")
    (message,) = sandbox.gateway.sent
    assert (message.mobiles, message.text, message.extension) == ((MOBILE,), "你好", "")
    assert (message.channel, message.long) == (Channel.GATEWAY, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"smstype": "3"}, "短信类型错误"),
        ({"smstype": "x"}, "短信类型错误"),
        ({"smstype": "9" * 5000}, "短信类型错误"),
        ({"mobile": ""}, "手机号码不能为空"),
        ({"content": ""}, "短信内容不能为空"),
        ({"password": "secret1"}, "用户名或密码错误"),
        ({"password": "密码"}, "用户名或密码错误"),
        ({"mobile": ",".join([MOBILE] * 1001)}, "余额不足"),
    ],
)
def test_a_refused_send_is_a_failure(sandbox: Sandbox, arguments: dict[str, str], words: str) -> None:
    assert call(sandbox, envelope("sendSms", **SENDING | arguments)) == (200, f"failure;{words}")
    assert sandbox.gateway.sent == ()


def test_an_unpadded_password_is_accepted(sandbox: Sandbox) -> None:
    assert PASSWORD.endswith("=")
    status, text = call(sandbox, envelope("getRestMoney", password=PASSWORD.rstrip("=")))
    assert (status, str(text)[:9]) == (200, "memberSms")


@pytest.mark.parametrize("empty", ["document", "string", "nil", "failure"])
def test_the_answer_to_an_empty_poll(empty: Any) -> None:
    expected = {"string": None, "nil": None, "failure": "failure;没有记录"}
    head = '<?xml version="1.0" encoding="utf-8" ?>'
    with Sandbox(empty=empty) as sandbox:
        for operation, root in (("getSmsReport", "smsreport"), ("getRecvSMS", "smsrerecv")):
            assert call(sandbox, envelope(operation))[1] == expected.get(empty, f"{head}<{root}></{root}>")


DOCTYPE = b'<!DOCTYPE e [<!ENTITY a "x">]>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (envelope("sendSMS"), "Operation not found is"),
        (
            envelope("getRestMoney", namespace="http://other"),
            f"namespace mismatch require {NAMESPACE} found http://other",
        ),
        (DOCTYPE + envelope("getRestMoney"), "MUST NOT contain a Document Type Declaration"),
        (b"", "org.apache.axiom.om.OMException"),
        (b"\xff", "org.apache.axiom.om.OMException"),
        (envelope("getRestMoney")[:-1], "org.apache.axiom.om.OMException"),
        (envelope("getRestMoney", username="TEXT").replace(b"TEXT", b"&#xD83D;&#65;"), "org.apache.axiom"),
        (envelope("getRestMoney", username="TEXT").replace(b"TEXT", b"&#xD83D;&#xD83D;"), "org.apache.axiom"),
        (b"<html/>", "First Element must contain the local name, Envelope , but found html"),
        (f'<e:Envelope xmlns:e="{SOAP_11}"/>'.encode(), "Operation not found"),
        (f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body/></e:Envelope>'.encode(), "Operation not found"),
        (envelope("getRestMoney", version=SOAP_12), "Transport level information does not match"),
    ],
)
def test_a_malformed_request_gets_a_fault(sandbox: Sandbox, body: bytes, words: str) -> None:
    assert words in fault(sandbox, body)


def test_an_operation_without_a_namespace_gets_a_fault(sandbox: Sandbox) -> None:
    body = f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body><getRestMoney/></e:Body></e:Envelope>'.encode()
    assert fault(sandbox, body) == f"namespace mismatch require {NAMESPACE} found none"


@pytest.mark.parametrize("charset", ["none", "unicode_escape", "hex"])
def test_an_unknown_charset_gets_a_fault(sandbox: Sandbox, charset: str) -> None:
    words = fault(sandbox, envelope("getRestMoney"), f"Content-Type: text/xml; charset={charset}")
    assert words == f"org.apache.axiom.om.OMException: unknown encoding: {charset}"


def test_a_fault_over_soap_1_2(sandbox: Sandbox) -> None:
    body = envelope("<", version=SOAP_12) + b"broken"
    reply = talk(sandbox.url, post(SERVICE, body, "Content-Type: application/soap+xml"))
    assert reply.status == 500
    assert reply.headers["content-type"].startswith("application/soap+xml; charset=utf-8; action=")
    root: Any = etree.fromstring(reply.body)
    assert root.findtext(f".//{{{SOAP_12}}}Value") == "soapenv:Receiver"


@pytest.mark.parametrize("binding", ["Soap11", "Soap12"])
def test_zeep_can_read_a_fault(sandbox: Sandbox, binding: str) -> None:
    with load_with_zeep(sandbox) as client, Sandbox(definition="axis2-1.6.2") as changed:
        name = next(name for name in client.wsdl.bindings if binding in name)
        ask = client.create_service(name, f"{changed.url}{SERVICE}")
        with pytest.raises(
            zeep.exceptions.Fault, match=r"namespace mismatch require http://pojo\.service\.sms\.com found"
        ):
            ask.getRestMoney("test", PASSWORD)
