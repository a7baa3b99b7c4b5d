"""Exchanges as text: no spelling of a password is in it."""

from __future__ import annotations

import base64

import pytest

from jzysoap.sandbox import Exchange
from jzysoap.sandbox.raw import MAX_SHOWN, show_reply, show_request
from tests.kit.soap import NAMESPACE, SOAP_11

PASSWORD = base64.b64encode(b"secret??1").decode()
XML = (("Content-Type", "text/xml; charset=utf-8"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def exchange(
    body: bytes = b"", headers: tuple[tuple[str, str], ...] = XML, line: str = "POST /services/userApi HTTP/1.1"
) -> Exchange:
    return Exchange(1, line, headers, body, 200, XML, "<回答/>".encode())


def envelope(password: str) -> str:
    content = f"<n:sendSms><n:username>test</n:username>{password}<n:content>您好</n:content></n:sendSms>"
    return f'<e:Envelope xmlns:e="{SOAP_11}" xmlns:n="{NAMESPACE}"><e:Body>{content}</e:Body></e:Envelope>'


@pytest.mark.parametrize(
    "element",
    [
        f"<n:password>{PASSWORD}</n:password>",
        f"<n:password xsi:type='xsd:string' a='>'>{PASSWORD}</n:password >",
        f"<password>{PASSWORD.replace('=', '&#x3D;')}</password>",
        f"<n:password><![CDATA[</n:password>{PASSWORD}]]></n:password>",
        f"<n:password><!-- -->{PASSWORD}<b>{PASSWORD}</b></n:password>",
        f"<n:newPassword>\n{PASSWORD}\n</n:newPassword>",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "gbk"])
def test_an_envelope_without_its_password(element: str, charset: str) -> None:
    headers = (("Content-Type", f"text/xml; charset={charset}"),)
    shown = show_request(exchange(envelope(element).encode(charset), headers), "soap")
    assert PASSWORD[:6] not in shown
    assert "***</" in shown
    assert "您好" in shown


@pytest.mark.parametrize("name", ["password", "newPassword", "p%61ssword", " password", "PASSWORD"])
def test_a_form_without_its_password(name: str) -> None:
    form = f"method=sendSMS&{name}={PASSWORD}&content=%C4%FA"
    shown = show_request(exchange(form.encode(), FORM), "servlet")
    assert PASSWORD[:6] not in shown
    assert shown.endswith(f"method=sendSMS&{name}=***&content=%C4%FA")
    shown = show_request(exchange(line=f"GET /servlet/UserServiceAPI?{form} HTTP/1.1"), "servlet")
    assert PASSWORD[:6] not in shown
    assert shown.startswith(f"GET /servlet/UserServiceAPI?method=sendSMS&{name}=***&content=%C4%FA HTTP/1.1\n")


def test_headers_that_hold_secrets() -> None:
    headers = (*XML, ("Authorization", "Basic c2VjcmV0"), ("Cookie", "c2VjcmV0"), ("Accept", "*/*"))
    shown = show_request(exchange(b"<a/>", headers), "soap")
    assert "c2VjcmV0" not in shown
    assert "Accept: */*" in shown


@pytest.mark.parametrize("charset", ["utf-8", "unknown"])
def test_an_envelope_that_is_not_in_its_charset_is_not_shown(charset: str) -> None:
    headers = (("Content-Type", f"text/xml; charset={charset}"),)
    shown = show_request(exchange(b"<password>\xff\xfec2VjcmV0</password>", headers), "soap")
    assert shown.endswith("(31 bytes that are not in their charset)")


def test_an_envelope_without_a_content_type_is_one() -> None:
    body = envelope(f"<password>{PASSWORD}</password>")
    for charset in ("utf-8", "utf-16"):
        shown = show_request(exchange(body.encode(charset), ()), "soap")
        assert "<password>***</password>" in shown


def test_replies() -> None:
    assert show_reply(exchange()) == "HTTP 200\nContent-Type: text/xml; charset=utf-8\n\n<回答/>"
    gbk = Exchange(1, "", (), b"", 200, (("Content-Type", "text/html;charset=GBK"),), "余额不足".encode("gbk"))
    assert show_reply(gbk).endswith("\n\n余额不足")
    for headers in ((), (("Content-Type", "text/plain;charset=none"),)):
        assert show_reply(Exchange(1, "", (), b"", 502, headers, b"error")).endswith("\n\nerror")
    assert show_reply(Exchange(1, "", (), b"", None, (), b"")) == "(the connection was closed without a reply)"


def test_a_long_body_is_cut() -> None:
    shown = show_reply(Exchange(1, "", (), b"", 200, (), b"x" * (MAX_SHOWN + 10)))
    assert shown.count("x") == MAX_SHOWN
