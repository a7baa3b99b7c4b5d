"""The HTTP servlet: the page's own requests verbatim, and those that deployments see besides."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
import requests

from jzysoap import Channel
from jzysoap.sandbox import Gateway, Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.sandbox.foreign import PASSWORD, post, talk

SERVLET = "/servlet/UserServiceAPI"
TWIN = "/servlet/UserServiceAPIUTF8"
FORM = "Content-Type: application/x-www-form-urlencoded"
NUMBERS = (MOBILE, SECOND_MOBILE)
HARD = """验证码 1234 & < > " ' ]]> 100%+1 😀"""


def get(sandbox: Sandbox, path: str = SERVLET, codec: str = "gb18030", **arguments: str) -> str:
    arguments = {"username": "test", "password": PASSWORD if path == SERVLET else "secret1"} | arguments
    reply = requests.get(f"{sandbox.url}{path}?{urlencode(arguments, encoding=codec)}", timeout=30)
    assert reply.headers["Content-Type"] == f"text/html;charset={'GBK' if path == SERVLET else 'UTF-8'}"
    text = reply.content.decode(codec)
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n")


# The page's samples (docs/protocol.md#http-servlet). Libraries of Java and Microsoft make its requests: the heads are
# those that these libraries write. A text that the page does not URL-encode is in GBK, as on a Chinese Windows.

PAGE_URL = (
    f"{SERVLET}?method=sendSMS&isLongSms=0&username=test&password=zadlll&smstype=1&extenno=123"
    "&mobile=13866194295,15375427702&content=短信测试"
)

HTTP_CLIENT = (
    b"POST /servlet/UserServiceAPI HTTP/1.1\r\n"
    b"User-Agent: Jakarta Commons-HttpClient/3.1\r\n"
    b"Host: localhost:80\r\n"
    b"Content-Length: 104\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"\r\n"
    b"method=sendSMS&username=dddb&password=MTIyMw%3D%3D&mobile=13866194295%2C15266144263&content=test+content"
)

JAVA_NET_URL = (
    "POST /servlet/UserServiceAPI?method=sendSMS&username=test&password=MTIz&smstype=1"
    "&mobile=13866194295,15375427702&content=短信测试 HTTP/1.1\r\n"
    "Content-type: application/x-www-form-urlencoded\r\n"
    "Cache-Control: no-cache\r\n"
    "Pragma: no-cache\r\n"
    "User-Agent: Java/1.6.0_45\r\n"
    "Host: localhost\r\n"
    "Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\n"
    "Connection: Close\r\n"
    "Content-Length: 0\r\n"
    "\r\n"
).encode("gbk")

ASP = (
    "POST /servlet/UserServiceAPI?method=sendSMS&username=1test&password=MTIzNDU2&smstype=2&content=短信测试"
    "&mobile=13866194295 HTTP/1.1\r\n"
    "Accept: */*\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n"
    "Host: localhost\r\n"
    "Content-Length: 11\r\n"
    "Connection: close\r\n"
    "Cache-Control: no-cache\r\n"
    "\r\n"
    "13866194295"
).encode("gbk")

LAST_URL = (
    f"{SERVLET}?method=sendSMS&username=115&password=MTIzNDU2&smstype=2&mobile=13866194295,15375427702&content=短信测试"
)


def browser(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("gbk")


@pytest.mark.parametrize(
    ("request_bytes", "username", "password", "channel", "text", "mobiles"),
    [
        (
            # The sample itself keeps the connection open.
            HTTP_CLIENT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
            "dddb",
            "1223",
            Channel.GATEWAY,
            "test content",
            ("13866194295", "15266144263"),
        ),
        (JAVA_NET_URL, "test", "123", Channel.GATEWAY, "短信测试", NUMBERS),
        (ASP, "1test", "123456", Channel.MEMBER, "短信测试", NUMBERS[:1]),
        (browser(LAST_URL), "115", "123456", Channel.MEMBER, "短信测试", NUMBERS),
    ],
    ids=["HttpClient", "java.net.URL", "ASP", "URL"],
)
def test_the_pages_samples_are_answered(
    request_bytes: bytes, username: str, password: str, channel: Channel, text: str, mobiles: tuple[str, ...]
) -> None:
    with Sandbox(username=username, password=password) as sandbox:
        reply = talk(sandbox.url, request_bytes)
        (message,) = sandbox.gateway.sent
    assert reply.body == b"success;337017332\r\n"
    assert reply.headers["content-type"] == "text/html;charset=GBK"
    assert (message.channel, message.text, message.mobiles, message.via) == (channel, text, mobiles, "servlet")
    assert (message.long, message.extension) == (False, "")


def test_the_pages_first_url_has_a_wrong_password(sandbox: Sandbox) -> None:
    # The page's zadlll stands for any BASE64; it is not that of the password.
    assert talk(sandbox.url, browser(PAGE_URL)).body.decode("gbk") == "failure;用户名或密码错误\r\n"
    reply = talk(sandbox.url, browser(PAGE_URL.replace("zadlll", PASSWORD)))
    assert reply.body == b"success;337017332\r\n"
    assert sandbox.gateway.sent[0].extension == "123"


@pytest.mark.parametrize(("path", "codec"), [(SERVLET, "gb18030"), (TWIN, "utf-8")])
def test_every_method_is_answered(sandbox: Sandbox, path: str, codec: str) -> None:
    sandbox.gateway.inject_reply(NUMBERS[0], "回象")

    def ask(**arguments: str) -> str:
        return get(sandbox, path, codec, **arguments)

    sending = {"smstype": "0", "mobile": ",".join(NUMBERS), "content": HARD, "isLongSms": "1", "extenno": "0001"}
    assert ask(method="sendSMS", **sending) == "success;337017332"
    (message,) = sandbox.gateway.sent
    assert (message.text, message.channel, message.long, message.extension) == (HARD, Channel.CARD, True, "0001")
    assert ask(method="getRestMoney") == "memberSmsNum=1000;gateSmsNum=1000;kaSmsNum=998"
    assert ask(method="getSmsReport").count("<psreport>") == 2
    assert "<content>u9jP8w==</content>" in ask(method="getRecvSMS")
    assert ask(method="getSmsReport").endswith("<smsreport></smsreport>")
    assert ask(method="updatePassword", password="secret1", newPassword="new1") == "1"
    assert ask(method="getRestMoney") == "failure;用户名或密码错误"
    assert ask(method="getrestmoney") == "failure;未知的方法"


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({"newPassword": "122"}, "1"),
        ({"password": "wrong", "newPassword": "122"}, "2"),
        ({"newPassword": "密码"}, "2"),
        ({"newPassword": ""}, "2"),
        ({"username": "nobody", "newPassword": "122"}, "3"),
        ({}, "4"),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_change_of_password(arguments: dict[str, str], result: str, encoded: bool) -> None:
    spell: Callable[[str], str] = (lambda text: base64.b64encode(text.encode()).decode()) if encoded else str
    passwords = {
        name: spell(text) for name, text in ({"password": "secret1"} | arguments).items() if name != "username"
    }
    with Sandbox(encoded_password_change=encoded) as sandbox:
        assert get(sandbox, method="updatePassword", **arguments | passwords) == result
        new = base64.b64encode(arguments["newPassword"].encode()).decode() if result == "1" else PASSWORD
        assert get(sandbox, method="getRestMoney", password=new).startswith("memberSmsNum=")


def test_a_new_password_that_is_not_base64() -> None:
    with Sandbox(encoded_password_change=True) as sandbox:
        assert get(sandbox, method="updatePassword", newPassword="?") == "4"


def test_arguments_come_from_query_and_body(sandbox: Sandbox) -> None:
    form = {"password": PASSWORD, "content": "你好", "mobile": "1", "isLognSms": "1"}
    reply = requests.post(
        f"{sandbox.url}{SERVLET}?method=sendSMS&username=test&mobile={NUMBERS[0]}",
        urlencode(form, encoding="gbk"),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
        timeout=30,
    )
    assert reply.content == b"success;337017332\r\n"
    (message,) = sandbox.gateway.sent
    assert (message.mobiles, message.text, message.long) == (NUMBERS[:1], "你好", False)


def test_an_unpadded_password_is_accepted(sandbox: Sandbox) -> None:
    assert get(sandbox, method="getRestMoney", password=PASSWORD.rstrip("=")).startswith("memberSmsNum=")


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " "])
def test_a_password_with_a_line_break_is_refused(line_break: str) -> None:
    password = "a" * 60
    encoded = base64.b64encode(password.encode()).decode()
    with Sandbox(password=password) as sandbox:
        assert get(sandbox, method="getRestMoney", password=encoded).startswith("memberSmsNum=")
        broken = f"{encoded[:76]}{line_break}{encoded[76:]}"
        assert get(sandbox, method="getRestMoney", password=broken) == "failure;用户名或密码错误"


def test_bytes_outside_the_forms_charset_are_replaced(sandbox: Sandbox) -> None:
    query = f"method=sendSMS&username=test&password=secret1&mobile={NUMBERS[0]}&content=%FF{quote('你好')}"
    assert requests.get(f"{sandbox.url}{TWIN}?{query}", timeout=30).text == "success;337017332\r\n"
    assert sandbox.gateway.sent[0].text == "\ufffd你好"


def test_a_document_is_always_ascii() -> None:
    gateway = Gateway()
    gateway.add_account("测试&<", "secret1")
    gateway.inject_reply(NUMBERS[0], "你谁啊?")
    with Sandbox(gateway=gateway) as sandbox:
        document = get(sandbox, method="getRecvSMS", username="测试&<")
    assert document.isascii()
    assert "<receiver>&#27979;&#35797;&amp;&lt;</receiver>" in document


@pytest.mark.parametrize("empty", ["string", "nil"])
def test_an_empty_poll_without_a_document(empty: str) -> None:
    with Sandbox(empty="string" if empty == "string" else "nil") as sandbox:
        assert get(sandbox, method="getSmsReport") == ""


def test_other_http_methods_are_refused(sandbox: Sandbox) -> None:
    assert requests.put(f"{sandbox.url}{SERVLET}", timeout=30).status_code == 405


def test_arguments_may_all_be_in_the_body(sandbox: Sandbox) -> None:
    body = f"method=getRestMoney&username=test&password={quote(PASSWORD)}".encode()
    reply = talk(sandbox.url, post(SERVLET, body, FORM))
    assert reply.body == b"memberSmsNum=1000;gateSmsNum=1000;kaSmsNum=1000\r\n"
