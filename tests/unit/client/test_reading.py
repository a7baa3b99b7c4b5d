"""From a reply to a model: what both interfaces have in common."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap import IncompletePollError, JzySoapError, MalformedReplyError, SoapFaultError
from jzysoap.calls.operations import Call
from jzysoap.client.reading import INTERFACES, read_reply
from jzysoap.model.http import HttpReply
from jzysoap.model.operations import OPERATIONS
from jzysoap.results.parse import parse_reports, parse_send
from tests.kit.documents import report, reports
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.kit.soap import XSI, envelope, fault

SEND: Call[Any] = Call(OPERATIONS["sendSms"], parse_send)
POLL: Call[Any] = Call(OPERATIONS["getSmsReport"], parse_reports)
TWO = reports(report(MOBILE), report(SECOND_MOBILE))


def read(
    call: Call[Any], interface: str, body: bytes, content_type: str = "text/xml; charset=utf-8", status: int = 200
) -> Any:
    return read_reply(call, INTERFACES[interface], HttpReply(status, {"content-type": content_type}, body))


def body_of(interface: str, text: str, operation: str = "sendSms") -> bytes:
    return envelope(text, operation) if interface == "soap" else text.encode()


def parts(body: bytes, *, encoding: str = "binary", first: bytes = b"") -> bytes:
    head = b'--b1\r\nContent-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\n'
    head += f"Content-Transfer-Encoding: {encoding}\r\nContent-ID: <root@gateway>\r\n\r\n".encode()
    return first + head + body + b"\r\n--b1\r\nContent-ID: <more>\r\n\r\n\xff\xd8 picture\r\n--b1--\r\n"


MULTIPART = 'multipart/related; type="application/xop+xml"; boundary="b1"; start="<root@gateway>"'
each_interface = pytest.mark.parametrize("interface", ["soap", "servlet"])


@each_interface
@pytest.mark.parametrize("first", [b"", b"\r\n", b"--b1\r\nContent-ID: <another>\r\n\r\nnothing\r\n"])
def test_an_answer_of_several_parts_is_read(interface: str, first: bytes) -> None:
    assert read(SEND, interface, parts(body_of(interface, "success;66"), first=first), MULTIPART) == "66"
    body = parts(body_of(interface, TWO, "getSmsReport"), first=first)
    poll = read(POLL, interface, body, MULTIPART)
    assert [one.mobile for one in poll] == [MOBILE, SECOND_MOBILE]
    assert poll.raw == body


def test_a_part_may_be_encoded() -> None:
    encoded = envelope("success;66").replace(b"=", b"=3D")
    assert read(SEND, "soap", parts(encoded, encoding="quoted-printable"), MULTIPART) == "66"


def test_a_fault_in_parts_is_a_fault() -> None:
    with pytest.raises(SoapFaultError):
        read(SEND, "soap", parts(fault().partition(b"\r\n\r\n")[2] or fault()), MULTIPART, 500)


@pytest.mark.parametrize("content_type", ["multipart/related", "multipart/related; boundary=other", "multipart/x"])
def test_parts_that_cannot_be_found_leave_the_answer_as_it_is(content_type: str) -> None:
    assert read(SEND, "soap", envelope("success;66"), content_type) == "66"


def test_nested_parts_are_not_read() -> None:
    nested = b"--b1\r\nContent-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--\r\n--b1--\r\n"
    with pytest.raises(MalformedReplyError):
        read(SEND, "servlet", nested, 'multipart/related; boundary="b1"')


@each_interface
@pytest.mark.parametrize("notice", ["<br />\n<b>Deprecated</b>: x in <b>sms.php</b><br />\n", "<p>x</p>\n"])
def test_a_notice_in_front_of_an_answer_is_ignored(interface: str, notice: str) -> None:
    assert read(SEND, interface, notice.encode() + body_of(interface, "success;66")) == "66"
    assert len(read(POLL, interface, notice.encode() + body_of(interface, TWO, "getSmsReport"))) == 2


def test_a_line_of_a_page_is_no_result_unless_it_is_the_last() -> None:
    for page in (b"<p>success;66\n</p>", b"hello\nsuccess;66"):
        with pytest.raises(MalformedReplyError):
            read(SEND, "servlet", page)


@pytest.mark.parametrize(
    ("header", "inside"),
    [
        ("", f"<r/><x>{TWO.replace('<', '&lt;')}</x>"),
        (report(), "<r/>"),
        ("", f'<r><v xmlns:i="{XSI}" i:nil="1">{report()}</v></r>'),
        ("", f"<r><v/><v>&lt;smsreport/></v></r><x>{TWO.replace('<', '&lt;')}</x>"),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le"])
def test_records_where_none_are_expected_are_found_or_reported(header: str, inside: str, charset: str) -> None:
    start = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    body = f"{start}<s:Header>{header}</s:Header><s:Body>{inside}</s:Body></s:Envelope>".encode(charset)
    with pytest.raises((MalformedReplyError, IncompletePollError)) as caught:
        read(POLL, "soap", body, f"text/xml; charset={charset}")
    assert caught.value.raw == body
    assert not isinstance(caught.value, IncompletePollError) or len(caught.value.poll) > 0


WAYS = ["escaped", "cdata", "markup", "declared markup", "undeclared prefix", "two values", "servlet"]


def answer_of(way: str, count: int) -> bytes:
    document = f"<smsreport>{report() * count}</smsreport>"
    if way == "servlet":
        return document.encode()
    escaped = document.replace("<", "&lt;")
    inside = {
        "escaped": f"<v>{escaped}</v>",
        "cdata": f"<v><![CDATA[{document}]]></v>",
        "markup": f"<v>{document}</v>",
        "declared markup": f'<v><?xml version="1.0"?>{document}</v>',
        "undeclared prefix": f'<v xsi:type="xsd:string">{escaped}</v>',
        "two values": f"<v/><v>{escaped}</v>",
    }[way]
    start = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><r>'
    return f"{start}{inside}</r></s:Body></s:Envelope>".encode()


def count_read(way: str, data: bytes) -> int:
    try:
        return len(read(POLL, "servlet" if way == "servlet" else "soap", data))
    except IncompletePollError as error:
        return len(error.poll)
    except JzySoapError:
        return 0


@given(st.sampled_from(WAYS), st.integers(1, 3), st.data())
def test_a_whole_answer_gives_no_fewer_records_than_the_same_answer_cut_off(
    way: str, count: int, data: st.DataObject
) -> None:
    whole = answer_of(way, count)
    # A fault somewhere in the answer, too.
    at = data.draw(st.integers(0, len(whole)))
    put = data.draw(st.sampled_from([b"", b"&", b"<", b"</x>", b"\xff", b"<?xml?>", b"<q:x>", b"]]>", b"\0"]))
    whole = whole[:at] + put + whole[at:]
    cut = data.draw(st.integers(0, len(whole)))
    assert count_read(way, whole) >= count_read(way, whole[:cut])
