"""The HTTP servlet interface: forms out, result strings in. All values are made up."""

from __future__ import annotations

import traceback
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, strategies as st

from jzysoap.calls.operations import Call
from jzysoap.interface.servlet import ServletInterface
from jzysoap.model.errors import ConfigurationError, HttpStatusError, InvalidMessageError
from jzysoap.model.http import HttpReply
from tests.kit.interfaces import SERVLET, build_form as build, call_of, config_of

REPORTS = "<?xml version='1.0' encoding='utf-8' ?><smsreport></smsreport>"


def call(operation: str, **arguments: str) -> Call[str | None]:
    return call_of(operation, **arguments)


@pytest.mark.parametrize(
    ("operation", "method"),
    [
        ("sendSms", b"sendSMS"),
        ("getRestMoney", b"getRestMoney"),
        ("getSmsReport", b"getSmsReport"),
        ("getRecvSMS", b"getRecvSMS"),
        ("updatePassword", b"updatePassword"),
    ],
)
def test_the_servlet_has_its_own_spelling_of_one_operation(operation: str, method: bytes) -> None:
    headers, body = build(call(operation), "test", "cHcxMjM=", encoding="gbk")
    assert bytes(body) == b"method=" + method + b"&username=test&password=cHcxMjM%3D"
    assert headers == {"Content-Type": "application/x-www-form-urlencoded; charset=GBK"}


def test_the_form_is_gbk() -> None:
    """docs/protocol.md#http-servlet."""
    _, body = build(call("sendSms", content="测试 &=+%", mobile="1,2", extenno=""), "用户", "a+b/c=", encoding="gbk")
    assert body == (
        b"method=sendSMS&username=%D3%C3%BB%A7&password=a%2Bb%2Fc%3D"
        b"&content=%B2%E2%CA%D4+%26%3D%2B%25&mobile=1%2C2&extenno="
    )
    assert repr(body) == f"<{len(body)} bytes>"


def test_the_form_of_the_other_servlet_is_utf_8() -> None:
    headers, body = build(call("sendSms", content="测😀"), "u", "p", encoding="utf-8")
    assert body.endswith(b"&content=%E6%B5%8B%F0%9F%98%80")
    assert headers["Content-Type"].endswith("; charset=UTF-8")


@given(st.text(st.one_of(st.characters(codec="gbk"), st.sampled_from(",%2C，"))), st.sampled_from(["gbk", "utf-8"]))
def test_the_servlet_reads_the_sent_text(text: str, encoding: str) -> None:
    _, body = build(call("sendSms", content=text), "u", "p", encoding=encoding)
    assert body.endswith(urlencode({"content": text}, encoding=encoding).encode())
    fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding=encoding, strict_parsing=True)
    assert fields == [("method", "sendSMS"), ("username", "u"), ("password", "p"), ("content", text)]


@pytest.mark.parametrize(
    ("username", "password", "field"), [("u😀", "hidden", "username"), ("u", "hidden😀", "password")]
)
def test_credentials_that_gbk_lacks_are_refused_without_the_rest_of_the_form(
    username: str, password: str, field: str
) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{field} cannot be encoded in gbk, the servlet's charset$"
    ) as caught:
        build(call("sendSms", content="secret"), username, password, encoding="gbk")
    assert caught.value.__cause__ is None
    assert "hidden" not in "".join(traceback.format_exception_only(caught.value))


@pytest.mark.parametrize("status", [200, 299])
@pytest.mark.parametrize("text", ["success;66", "", "<html>login</html>", "anything"])
def test_below_300_the_body_is_the_result(status: int, text: str) -> None:
    assert SERVLET.read(HttpReply(status, {}, text.encode())) == text


@pytest.mark.parametrize("status", [302, 404, 500, 503])
@pytest.mark.parametrize(
    "text",
    [
        "success",
        "\r\nsuccess;66\r\n",
        "SUCCESS;66",
        "failure;余额不足",
        "failure ；余额不足",
        "memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964",
        "kaSmsNum = 1",
        "1",
        " 4\r\n",
        REPORTS,
        "<smsrerecv/>",
        "\ufeff<!-- 1 -->\n<smsreport>",
    ],
)
def test_a_result_is_read_at_any_status(status: int, text: str) -> None:
    assert SERVLET.read(HttpReply(status, {}, text.encode("utf-8"))) == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    "text", ["", "<html>1</html>", "5", "12", "no success", "failure", "Num=1", "error", "x" * 5000 + "<smsreport>"]
)
def test_other_texts_at_an_error_status_are_that_error(text: str) -> None:
    with pytest.raises(HttpStatusError, match=r"^the gateway answered with HTTP status 502$") as caught:
        SERVLET.read(HttpReply(502, {}, text.encode()), secrets=("p",))
    assert (caught.value.status, caught.value.may_have_been_sent) == (502, True)


@pytest.mark.parametrize(("status", "hint"), [(404, "check base_url"), (302, "a redirect, which is never followed")])
def test_statuses_about_the_address_say_so(status: int, hint: str) -> None:
    with pytest.raises(HttpStatusError, match=hint):
        SERVLET.read(HttpReply(status, {}, b"<html>"))


@pytest.mark.parametrize(
    "charset", ["", "; charset=GBK", "; charset=ISO-8859-1", "; charset=gb2312", "; charset=nonsense"]
)
def test_gbk_is_read_whatever_is_declared(charset: str) -> None:
    reply = HttpReply(200, {"content-type": f"text/html{charset}"}, "failure;余额不足".encode("gbk"))
    assert SERVLET.read(reply) == SERVLET.read_part(reply) == "failure;余额不足"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_reply_that_was_cut_off_is_read_as_far_as_it_was_received(encoding: str) -> None:
    text = "<smsrerecv><psrerecv><receiver>用户</receiver></psrerecv>"
    data = text.encode(encoding)
    for end in range(len(data) + 1):
        part = SERVLET.read_part(HttpReply(500, {}, data[:end], "cut off"))
        whole = data[:end].decode(encoding, "ignore")
        assert part.startswith(whole)
        assert len(part) <= len(whole) + 1


@pytest.mark.parametrize("text", ["😀", "【名€】名"])
def test_a_text_that_gbk_lacks_is_refused_before_sending(text: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        SERVLET.check(call("sendSms", content=text))
    assert caught.value.field == "text"
    ServletInterface(config_of(utf8_servlet=True)).check(call("sendSms", content=text))
