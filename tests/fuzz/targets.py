"""One target per reader: any bytes at all give a value or a documented error, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from jzysoap import JzySoapError
from jzysoap.encoding.charsets import decode
from jzysoap.model.http import HttpReply
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


TARGETS: dict[str, Callable[[bytes], None]] = {
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
    return {
        "reply": [b"\1" + path.read_bytes().partition(b"\r\n\r\n")[2] for path in RESPONSES[::9]],
        "reports": [page.format(root="smsreport", record="psreport", more=report).encode()],
        "replies": [page.format(root="smsrerecv", record="psrerecv", more=answer).encode()],
        "balance": [b"memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964", "failure;查询频繁".encode()],
        "send": [b"success;337017332\r\n", b"success", "failure;余额不足".encode("gbk")],
    }[name]
