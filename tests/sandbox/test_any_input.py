"""Any input gets an answer in the form of its interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from hypothesis import given, strategies as st
from lxml import etree

from jzysoap.sandbox import Sandbox
from tests.kit.soap import NAMESPACE, SOAP_11, SOAP_12
from tests.sandbox.foreign import envelope

TYPES = ["text/xml", "text/xml; charset=utf-8", "text/xml; charset=utf-16", "text/xml; charset=unicode_escape", ""]
PIECES = st.sampled_from(
    [
        b"",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="hex"?>',
        b"<!DOCTYPE a>",
        b"<!-- -->",
        b"&#xD83D;&#xDE00;",
        b"&#1;",
        envelope("sendSms"),
        f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body>'.encode(),
        f'<Envelope xmlns="{SOAP_12}"><Header/><Body>'.encode(),
        f'<sendSms xmlns="{NAMESPACE}"><mobile><b>1</b></mobile></sendSms>'.encode(),
        b"</e:Body></e:Envelope>",
        b"</Body></Envelope>",
    ]
)
NAMES = ["method", "username", "password", "newPassword", "smstype", "mobile", "content", ""]
METHODS = ["sendSMS", "getRestMoney", "getSmsReport", "getRecvSMS", "updatePassword"]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@given(st.lists(PIECES | st.binary(max_size=20), max_size=6).map(b"".join), st.sampled_from(TYPES))
def test_any_envelope_gets_an_envelope(
    running: Sandbox, session: requests.Session, body: bytes, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    reply = session.post(f"{running.url}/services/userApi", body, headers=headers, timeout=60)
    assert reply.status_code in (200, 500)
    assert etree.fromstring(reply.content).tag in (f"{{{SOAP_11}}}Envelope", f"{{{SOAP_12}}}Envelope")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(METHODS) | st.text()), max_size=8),
    st.binary(),
    st.sampled_from(["", "UTF8"]),
)
def test_any_form_gets_a_result(
    running: Sandbox, session: requests.Session, query: list[tuple[str, str]], body: bytes, twin: str
) -> None:
    url = f"{running.url}/servlet/UserServiceAPI{twin}"
    reply = session.post(url, body, params=[(name, value.encode()) for name, value in query], timeout=60)
    assert reply.status_code == 200
    text = reply.content.decode("utf-8" if twin else "gb18030")
    assert text.startswith("failure;") or text in {"2\r\n", "3\r\n", "4\r\n"}
