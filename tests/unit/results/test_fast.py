"""Documents read at a glance: whatever is said of one is what the plain way says of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jzysoap.calls import operations as calls
from jzysoap.interface import servlet, soap
from jzysoap.model.http import HttpReply
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import DeliveryStatus, Poll
from jzysoap.results.parse import parse_replies, parse_reports, scan_replies, scan_reports
from jzysoap.settings.config import configure
from tests.kit.recordings import USABLE, load

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
WAYS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (parse_reports, scan_reports),
    (parse_replies, scan_replies),
]


def wrap(document: str, way: str) -> HttpReply:
    """A reply with a document, as one server or another writes it."""
    if way == "servlet":
        return HttpReply(200, {"content-type": "text/html;charset=GBK"}, document.encode("utf-8"))
    text = {
        "axis2": document.replace("&", "&amp;").replace("<", "&lt;"),
        "escaped": document.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"),
        "cdata": f"<![CDATA[{document}]]>",
        "markup": document.removeprefix(DECLARATION),
    }[way]
    return HttpReply(
        200,
        {"content-type": "text/xml; charset=utf-8"},
        (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><n:r xmlns:n="urn:n">'
            f"<n:return>{text}</n:return></n:r></s:Body></s:Envelope>"
        ).encode(),
    )


def glance(reply: HttpReply, look: Callable[..., Any], way: str) -> Any:
    span = servlet.locate(reply) if way == "servlet" else soap.locate(reply)
    return None if span is None else look(reply.body, span)


def plainly(reply: HttpReply, parse: Callable[..., Any], way: str) -> Any:
    try:
        return parse((servlet if way == "servlet" else soap).read(reply), raw=reply.body)
    except JzySoapError as error:
        return error


def report(mobile: str = "13800000001", username: str = "account", status: str = "1", **others: str) -> dict[str, str]:
    fields = {"mobile": mobile, "username": username, "smslogid": "66", "status": status}
    return {**fields, "sendtime": "2012-08-16 01:05:39.0", **others}


def inbound(text: bytes = "收到".encode("gbk")) -> dict[str, str]:
    content = base64.b64encode(text).decode()
    return {"mobile": "13800000001", "receiver": "a", "content": content, "sendtime": "2012-08-16 01:05:39.0"}


def document(
    records: list[dict[str, str]],
    *,
    kind: str = "smsreport",
    between: str = "",
    inside: str = "",
    lead: str = DECLARATION,
) -> str:
    record = {"smsreport": "psreport", "smsrerecv": "psrerecv"}[kind]
    rows = [
        f"<{record}>{inside}{''.join(f'<{name}>{value}</{name}>{inside}' for name, value in one.items())}</{record}>"
        for one in records
    ]
    return f"{lead}<{kind}>{between}{between.join(rows)}{between}</{kind}>"


values = st.one_of(
    st.sampled_from(
        ["", " ", "0", "1", "2", "3", "13800000001", "account", " a ", "]]", "账户", "a&amp;b", "\r", "\0"]
    ),
    st.sampled_from(["2012-08-16 01:05:39.0", "2012-08-16T01:05:39", "2012-08-16 01:05:39", "2012-13-16 01:05:39.0"]),
    st.text(st.sampled_from("aZ09 +/=:-.;<>&'\"\t\n"), max_size=6),
)
usual = st.one_of(
    st.builds(
        report,
        st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
        st.sampled_from(["account", "a b"]),
        st.sampled_from(["0", "1", "2"]),
    ),
    st.builds(
        inbound,
        st.one_of(st.binary(max_size=4), st.text(max_size=3).map(lambda text: text.encode("gb18030", "replace"))),
    ),
)
names = ["mobile", "username", "smslogid", "status", "sendtime", "receiver", "content"]
odd = st.dictionaries(st.sampled_from([*names, "other"]), values, max_size=7)
blanks = st.sampled_from(["", "\n", "\r\n  ", "-", "x"])
documents = st.builds(
    document,
    st.lists(st.one_of(usual, usual, odd, st.builds(lambda one, more: {**one, **more}, usual, odd)), max_size=5),
    kind=st.sampled_from(["smsreport", "smsrerecv"]),
    between=blanks,
    inside=blanks,
    lead=st.sampled_from(["", DECLARATION, DECLARATION + "\n", "\ufeff", "<!-- -->", "<!DOCTYPE a>", "&amp;", "noise"]),
)
ways = st.sampled_from(["axis2", "escaped", "cdata", "markup", "servlet"])
cuts = st.tuples(
    st.floats(0, 1), st.integers(0, 12), st.sampled_from(["", "<", "&", "]]>", "<a>", "&lt;", "x", "é", "\0"])
)


@given(documents, ways, st.lists(cuts, max_size=2))
@example(document([report()]).replace("<mobile>", "<1a>").replace("</mobile>", "</1a>"), "axis2", [])
def test_what_is_seen_is_what_is_read(text: str, way: str, changes: list[tuple[float, int, str]]) -> None:
    reply = wrap(text, way)
    body = reply.body
    for place, length, put in changes:
        at = int(place * len(body))
        body = body[:at] + put.encode() + body[at + length :]
    reply = HttpReply(200, reply.headers, body)
    for parse, look in WAYS:
        seen = glance(reply, look, way)
        if seen is not None:
            read = plainly(reply, parse, way)
            assert seen == read
            assert [one.raw_fields for one in seen] == [one.raw_fields for one in read]


@pytest.mark.parametrize("way", ["axis2", "escaped", "cdata", "servlet"])
@pytest.mark.parametrize(("between", "inside"), [("", ""), ("\n", ""), ("\n  ", "\n    ")])
@pytest.mark.parametrize(("count", "a_second"), [(1, 1), (2, 1), (3000, 1), (3000, 7)])
def test_the_usual_is_seen(way: str, between: str, inside: str, count: int, a_second: int) -> None:
    begin = datetime(2012, 8, 16)  # noqa: DTZ001  # as it is written
    times = [begin + timedelta(seconds=number // a_second) for number in range(count)]
    records = [
        report(f"1380000{number:04}", smslogid=str(number // 7), sendtime=f"{time}.0")
        for number, time in enumerate(times)
    ]
    reply = wrap(document(records, between=between, inside=inside), way)
    seen = glance(reply, scan_reports, way)
    assert len(seen) == count
    assert seen == plainly(reply, parse_reports, way)
    assert seen.raw is reply.body


@pytest.mark.parametrize("missing", ["username", "smslogid", "status", "sendtime"])
@pytest.mark.parametrize("other", [{}, {"channel": "1"}])
def test_records_with_other_fields_are_seen(missing: str, other: dict[str, str]) -> None:
    records = [{name: value for name, value in report(**other).items() if name != missing}] * 2
    reply = wrap(document(records), "axis2")
    seen = glance(reply, scan_reports, "axis2")
    assert len(seen) == 2
    assert seen == plainly(reply, parse_reports, "axis2")


@pytest.mark.parametrize("way", ["axis2", "servlet"])
@pytest.mark.parametrize("count", [1, 2, 3000])
def test_replies_are_seen(way: str, count: int) -> None:
    texts = [f"收到 {number}"[: 2 + number % 4] for number in range(count)]
    reply = wrap(document([inbound(text.encode("gbk")) for text in texts], kind="smsrerecv"), way)
    seen = glance(reply, scan_replies, way)
    assert [one.text for one in seen] == texts
    assert [one.raw_fields for one in seen] == [None] * count
    assert seen == plainly(reply, parse_replies, way)


def test_replies_with_other_fields_are_seen() -> None:
    reply = wrap(document([{**inbound(), "channel": "1"}] * 2, kind="smsrerecv"), "axis2")
    seen = glance(reply, scan_replies, "axis2")
    assert [one.raw_fields["channel"] for one in seen] == ["1", "1"]
    assert seen == plainly(reply, parse_replies, "axis2")


@pytest.mark.parametrize(
    "other",
    [
        {"receiver": ""},
        {"content": ""},
        {"content": "u9jP8w"},
        {"content": "u9jP8w==="},
        {"content": "u9jP8w=A"},
        {"content": "u9jP 8w=="},
        {"content": "____"},
        {"content": "/w=="},
        {"sendtime": ""},
        {"sendtime": "2012-08-16 25:05:39.0"},
    ],
)
def test_an_odd_reply_costs_the_others_nothing(other: dict[str, str]) -> None:
    reply = wrap(document([inbound(), {**inbound(), **other}], kind="smsrerecv"), "axis2")
    seen = glance(reply, scan_replies, "axis2")
    read = plainly(reply, parse_replies, "axis2")
    assert seen == read
    assert [one.raw_fields for one in seen] == [one.raw_fields for one in read]
    assert seen[0].text == "收到"


@pytest.mark.parametrize(
    "other",
    [
        {"status": "9"},
        {"status": " 1 "},
        {"username": ""},
        {"smslogid": " "},
        {"sendtime": ""},
        {"sendtime": "2012-08-16 01:05:39"},
        {"sendtime": "2012-08-16 25:05:39.0"},
        {"sendtime": "2012-08-16 01:05:39.5"},
        {"sendtime": "20120816T010539.12345"},
    ],
)
def test_an_odd_record_costs_the_others_nothing(other: dict[str, str]) -> None:
    records = [report(), report(**other)]
    reply = wrap(document(records), "axis2")
    seen = glance(reply, scan_reports, "axis2")
    assert seen == plainly(reply, parse_reports, "axis2")
    assert seen[0].status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "failure;a",
        document([]),
        document([report(mobile="")]),
        document([report(username="账户")]),
        document([report(username="a&amp;b")]),
        document([report(), {"mobile": "1"}]),
        document([{"mobile": "1"}]),
        document([report(), report()]).replace("</psreport><psreport>", "</psreport>x<psreport>"),
        document([report()]).replace("</smsreport>", ""),
        document([report()]) + "x",
        document([report()]).replace("smsreport", "other"),
        document([report()]).replace("<psreport>", "<psreport a='1'>"),
        document([report()]).replace("</psreport>", "</psreport >"),
        document([report()]).replace("<mobile>", "<mobile><mobile/>"),
        document([report()]).replace("</psreport>", "<mobile>1</mobile></psreport>"),
        document([report()]).replace("<smsreport>", "<!DOCTYPE a><smsreport>"),
        document([report()], lead=" " * 2000),
        document([report(), report(username="a" * 1_000_000), report()]),
    ],
)
@pytest.mark.parametrize("way", ["axis2", "escaped", "servlet"])
def test_the_unusual_is_left_alone(text: str, way: str) -> None:
    assert glance(wrap(text, way), scan_reports, way) is None


def test_an_envelope_that_is_not_seen_through() -> None:
    reply = wrap(document([report()]), "axis2")
    for old, new in (
        (b"<n:return>", b"<n:return><a/>"),
        (b"<n:return>", b"<n:return>" + b" " * 5000),
        (b"</s:Envelope>", b" " * 5000 + b"</s:Envelope>"),
        (b"<n:return>", b'<n:return xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="1">'),
        (b"schemas", b"other"),
        (b"</n:return>", b""),
        (b"&lt;?xml", b"x&lt;?xml"),
    ):
        changed = HttpReply(200, reply.headers, reply.body.replace(old, new))
        assert glance(changed, scan_reports, "axis2") is None


def test_a_document_in_markup_of_the_envelopes() -> None:
    # The root is the envelope's own element, the records are its text.
    records = document([report()], lead="").removeprefix("<smsreport>").removesuffix("</smsreport>")
    body = wrap("@", "axis2").body.replace(b"@", b"&lt;?a?><smsreport>" + records.replace("<", "&lt;").encode())
    body = body.replace(b"</n:return>", b"&lt;/smsreport></n:return>")
    assert glance(HttpReply(200, {}, body), scan_reports, "axis2") is None


@pytest.mark.parametrize("name", USABLE)
def test_recorded_answers(name: str) -> None:
    for exchange in load(name).responses():
        recorded = load(name).response(exchange)
        reply = HttpReply(recorded.status, recorded.headers, recorded.body)
        for parse, look in WAYS:
            seen = glance(reply, look, "axis2")
            assert seen is None or seen == plainly(reply, parse, "axis2")


def test_the_recorded_poll_of_axis2_is_seen() -> None:
    reply = HttpReply(200, {}, load("axis2-1.6.2").response("getSmsReport").body)
    assert len(glance(reply, scan_reports, "axis2")) == 1


def test_texts_that_stand_for_nothing_may_be_documents() -> None:
    options = {"base_url": "http://localhost", "username": "u", "password": "p"}
    assert calls.reports(configure(options)).scan is not None
    assert calls.reports(configure({**options, "empty_texts": [document([report()])]})).scan is None
    assert calls.replies(configure({**options, "empty_texts": [" <a/>"]})).scan is None


def test_a_poll_is_one() -> None:
    seen: Poll[Any] = glance(wrap(document([report()]), "servlet"), scan_reports, "servlet")
    assert isinstance(seen, Poll)
    assert not seen.rejected


@pytest.mark.parametrize("around", ["<a>{mark}</a><b>{document}</b>", "<b><!--{document}-->{mark}</b>"])
def test_what_stands_in_for_the_document_is_not_taken_for_it(around: str) -> None:
    text = document([report()]).replace("<", "&lt;")
    filled = around.format(mark=soap._MARK.decode(), document=text)
    envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><r>{}</r></s:Body></s:Envelope>'
    assert soap.locate(HttpReply(200, {}, envelope.format(f"<b>{text}</b>").encode())) is not None
    assert soap.locate(HttpReply(200, {}, envelope.format(filled).encode())) is None


@pytest.mark.parametrize("nuls", [b"\0", b"\0\0"])
def test_a_charset_that_goes_by_what_is_left_out_is_not_seen_at_once(nuls: bytes) -> None:
    reply = wrap(document([report()]), "axis2")
    for body in (reply.body + nuls, nuls + reply.body):
        assert soap.locate(HttpReply(200, {"content-type": "text/xml; charset=utf-16"}, body)) is None
