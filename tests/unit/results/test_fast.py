"""The fast path for polls gives the same records as the plain way."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from jzysoap.model.http import HttpReply
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import DeliveryStatus
from jzysoap.results.documents import read_document
from jzysoap.results.fast import MAX_FIELDS, read_uniform
from jzysoap.results.schema import REPORTS, Schema, replies_schema
from tests.kit.documents import DECLARATION
from tests.kit.interfaces import SERVLET, SOAP
from tests.kit.recordings import USABLE, load
from tests.kit.soap import bare_envelope

REPLIES = replies_schema()


def wrap(document: str, way: str) -> HttpReply:
    """Return a reply with a document, in the style of one server."""
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
        bare_envelope(f'<n:r xmlns:n="urn:n"><n:return>{text}</n:return></n:r>').encode(),
    )


def result_of(reply: HttpReply, way: str) -> str | None:
    """Return the result string of a reply; None if it has none."""
    try:
        return (SERVLET if way == "servlet" else SOAP).read(reply)
    except JzySoapError:
        return None


def fast(text: str | None, schema: Schema[Any] = REPORTS) -> list[Any] | None:
    return None if text is None else read_uniform(text, schema.root, schema.record, schema.read_all)


def plain(text: str, schema: Schema[Any] = REPORTS) -> list[Any]:
    """Return the records that the plain way finds; all must be readable."""
    read = read_document(schema, text)
    assert read is not None
    assert read.complete
    assert read.rejected == []
    return read.records


def assert_same(seen: list[Any], read: list[Any]) -> None:
    assert seen == read
    assert [one.raw_fields for one in seen] == [one.raw_fields for one in read]


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
def test_the_fast_path_and_the_plain_way_read_the_same(
    text: str, way: str, changes: list[tuple[float, int, str]]
) -> None:
    body = wrap(text, way).body
    for place, length, put in changes:
        at = int(place * len(body))
        body = body[:at] + put.encode() + body[at + length :]
    result = result_of(HttpReply(200, wrap(text, way).headers, body), way)
    for schema in (REPORTS, REPLIES):
        seen = fast(result, schema)
        if seen is not None:
            assert_same(seen, plain(result or "", schema))


@pytest.mark.parametrize("way", ["axis2", "escaped", "cdata", "servlet"])
@pytest.mark.parametrize(("between", "inside"), [("", ""), ("\n", ""), ("\n  ", "\n    ")])
@pytest.mark.parametrize(("count", "a_second"), [(1, 1), (2, 1), (3000, 1), (3000, 7)])
def test_usual_documents_take_the_fast_path(way: str, between: str, inside: str, count: int, a_second: int) -> None:
    begin = datetime(2012, 8, 16)  # noqa: DTZ001  # as it is written
    times = [begin + timedelta(seconds=number // a_second) for number in range(count)]
    records = [
        report(f"1380000{number:04}", smslogid=str(number // 7), sendtime=f"{time}.0")
        for number, time in enumerate(times)
    ]
    text = document(records, between=between, inside=inside)
    seen = fast(result_of(wrap(text, way), way))
    assert seen is not None
    assert len(seen) == count
    assert_same(seen, plain(text))


@pytest.mark.parametrize("missing", ["username", "smslogid", "status", "sendtime"])
@pytest.mark.parametrize("other", [{}, {"channel": "1"}])
def test_records_with_other_fields_take_the_fast_path(missing: str, other: dict[str, str]) -> None:
    records = [{name: value for name, value in report(**other).items() if name != missing}] * 2
    text = document(records)
    seen = fast(text)
    assert seen is not None
    assert len(seen) == 2
    assert_same(seen, plain(text))


@pytest.mark.parametrize("count", [1, 2, 3000])
def test_replies_take_the_fast_path(count: int) -> None:
    texts = [f"收到 {number}"[: 2 + number % 4] for number in range(count)]
    text = document([inbound(one.encode("gbk")) for one in texts], kind="smsrerecv")
    seen = fast(text, REPLIES)
    assert seen is not None
    assert [one.text for one in seen] == texts
    assert [one.raw_fields for one in seen] == [None] * count
    assert_same(seen, plain(text, REPLIES))


def test_replies_with_other_fields_take_the_fast_path() -> None:
    text = document([{**inbound(), "channel": "1"}] * 2, kind="smsrerecv")
    seen = fast(text, REPLIES)
    assert seen is not None
    assert [one.raw_fields["channel"] for one in seen] == ["1", "1"]
    assert_same(seen, plain(text, REPLIES))


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
def test_a_malformed_reply_does_not_cost_the_others(other: dict[str, str]) -> None:
    text = document([inbound(), {**inbound(), **other}], kind="smsrerecv")
    seen = fast(text, REPLIES)
    assert seen is not None
    assert_same(seen, plain(text, REPLIES))
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
def test_a_malformed_report_does_not_cost_the_others(other: dict[str, str]) -> None:
    text = document([report(), report(**other)])
    seen = fast(text)
    assert seen is not None
    assert_same(seen, plain(text))
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
def test_unusual_documents_are_left_to_the_plain_way(text: str) -> None:
    assert fast(text) is None


@pytest.mark.parametrize("name", USABLE)
def test_recorded_answers(name: str) -> None:
    for exchange in load(name).responses():
        recorded = load(name).response(exchange)
        result = result_of(HttpReply(recorded.status, recorded.headers, recorded.body), "soap")
        for schema in (REPORTS, REPLIES):
            seen = fast(result, schema)
            if seen is not None:
                assert_same(seen, plain(result or "", schema))


def test_the_recorded_poll_of_axis2_takes_the_fast_path() -> None:
    result = result_of(HttpReply(200, {}, load("axis2-1.6.2").response("getSmsReport").body), "soap")
    assert len(fast(result) or ()) == 1


def test_a_record_with_many_fields_is_left_to_the_plain_way() -> None:
    """The time for the pattern of a record grows with the square of its fields."""
    for count, read in ((MAX_FIELDS, True), (MAX_FIELDS + 1, False)):
        fields = "".join(f"<f{number}>1</f{number}>" for number in range(count))
        text = f"<smsreport><psreport>{fields}</psreport></smsreport>"
        models = read_uniform(text, "smsreport", "psreport", lambda columns: [columns])
        assert (models is not None) is read
