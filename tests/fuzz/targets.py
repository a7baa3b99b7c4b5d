"""One target per reader: any bytes at all give a value or a documented error, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from jzysoap import HttpReply, HttpRequest, JzySoapError, Timeout
from jzysoap.encoding.charsets import decode
from jzysoap.transport.parser import ReplyParser
from tests.kit import results
from tests.kit.interfaces import SERVLET, SOAP

CHARSETS = ("", "; charset=utf-8", "; charset=GBK", "; charset=utf-16", "; charset=nonsense")
RESPONSES = sorted((Path(__file__).parent.parent / "recorded").glob("*/*.response.http"))


def reply(data: bytes) -> None:
    """Whole HTTP bodies, over both interfaces, complete and cut off; the first byte picks what the headers say."""
    charset = CHARSETS[(data[:1] or b"\0")[0] % len(CHARSETS)]
    whole = HttpReply(200, {"content-type": f"text/xml{charset}"}, data[1:])
    readers: tuple[Callable[[HttpReply], str | None], ...] = (SOAP.read, SERVLET.read)
    for read in readers:
        with contextlib.suppress(JzySoapError):
            text = read(whole)
            assert text is None or isinstance(text, str)
    assert isinstance(SOAP.read_part(whole), str)
    assert isinstance(SERVLET.read_part(whole), str)


def reports(data: bytes) -> None:
    """The document with delivery reports."""
    _poll(lambda text, complete: results.parse_reports(text, raw=data, complete=complete), data)


def replies(data: bytes) -> None:
    """The document with replies."""
    _poll(lambda text, complete: results.parse_replies(text, raw=data, complete=complete), data)


def balance(data: bytes) -> None:
    """The result of a balance query."""
    with contextlib.suppress(JzySoapError):
        results.parse_balance(decode(data))


def send(data: bytes) -> None:
    """The result of a send."""
    with contextlib.suppress(JzySoapError):
        results.parse_send(decode(data))


def _poll(parse: Callable[[str, bool], object], data: bytes) -> None:
    text = decode(data)
    for complete in (True, False):
        failure = None
        try:
            parse(text, complete)
        except JzySoapError as error:
            failure = error
        assert failure is None or failure.raw == data, "a poll's bytes were lost"


def http(data: bytes) -> None:
    """The bytes of a connection, an HTTP reply: the outcome does not depend on where the bytes are cut."""
    cuts, answer = data[:8], data[8:]
    whole = _parsed([answer])
    assert whole == _parsed([answer[at : at + 1] for at in range(len(answer))])
    places = sorted({cut * len(answer) // 256 for cut in cuts} | {0, len(answer)})
    assert whole == _parsed([answer[start:end] for start, end in itertools.pairwise(places)])


def _parsed(pieces: list[bytes]) -> HttpReply | str:
    """The reply that came, with what is wrong with it; or that there is none."""
    parser = ReplyParser(HttpRequest("POST", "http://h", {}, None, Timeout(1, 1, 1), 2048))
    problem = None
    try:
        for piece in pieces:
            parser.feed(piece)
            if parser.complete:
                break
        else:
            parser.feed_eof()
            problem = None if parser.complete else "closed"
    except HTTPException:
        problem = None if parser.complete else "not valid"
    parser.close()
    return parser.result(problem) if parser.status is not None else problem or "nothing"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "http": http,
    "reply": reply,
    "reports": reports,
    "replies": replies,
    "balance": balance,
    "send": send,
}


def seeds(name: str) -> list[bytes]:
    """Well-formed inputs of a target."""
    page = (
        '  <?xmlversion="1.0" encoding="utf-8" ?>\n-<{root}>\n-<{record}>\n  <mobile>15275427712</mobile>\n{more}'
        "  <sendtime>2012-08-16 01:05:39.0</sendtime>\n  </{record}>\n  </{root}>\n"
    )
    report = "<username>admin</username><smslogid>66</smslogid><status>1</status>"
    answer = "<receiver>admin</receiver><content>xOPLrbChPw==</content>"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return {
        "http": [
            *(b"\x10\x20\x30\x40\x60\x80\xa0\xc0" + path.read_bytes()[:1500] for path in RESPONSES[::9]),
            bytes(8) + chunked + b"6\r\nanswer\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n",
            bytes(8) + b"HTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 2\nX: a\n b\n\nokstray",
            bytes(8) + b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"answer" * 9),
            bytes(8) + chunked + b"1\r\nx\r\n" * 300 + b"0\r\n\r\n",
        ],
        "reply": [b"\1" + path.read_bytes().partition(b"\r\n\r\n")[2] for path in RESPONSES[::9]],
        "reports": [page.format(root="smsreport", record="psreport", more=report).encode()],
        "replies": [page.format(root="smsrerecv", record="psrerecv", more=answer).encode()],
        "balance": [b"memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964", "failure;查询频繁".encode()],
        "send": [b"success;337017332\r\n", b"success", "failure;余额不足".encode("gbk")],
    }[name]
