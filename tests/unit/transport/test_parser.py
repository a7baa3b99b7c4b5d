"""Replies out of bytes: what is counted, what is kept, and for how long a connection may be used again."""

from __future__ import annotations

from http.client import HTTPException

import pytest

from jzysoap import HttpRequest, Timeout
from jzysoap.transport.parser import AROUND_EACH_BYTE, MAX_AROUND_BODY, ReplyParser

REQUEST = HttpRequest("POST", "http://gateway", {}, None, Timeout(1, 1, 1), 1000)
BEGIN, END = b"HTTP/1.1 200 OK\r\nX: ", b"\r\nContent-Length: 2\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def parsed(data: bytes, size: int) -> ReplyParser:
    parser = ReplyParser(REQUEST)
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    return parser


@pytest.mark.parametrize("size", [1, 7, 65_536, 1 << 20])
@pytest.mark.parametrize("more", [0, 1])
def test_the_last_byte_of_a_head_decides(more: int, size: int) -> None:
    head = BEGIN + b"y" * (MAX_AROUND_BODY - len(BEGIN) - len(END) + more) + END
    if more:
        with pytest.raises(HTTPException, match="too much around the body"):
            parsed(head + b"ok", size)
    else:
        assert parsed(head + b"ok", size).result(None).body == b"ok"


@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
@pytest.mark.parametrize("more", [0, 1])
def test_a_body_earns_its_frames(more: int, size: int) -> None:
    body = CHUNKED + b"1\r\nx"
    room = MAX_AROUND_BODY + AROUND_EACH_BYTE - (len(body) - 1)
    data = body + b"\r\n1;" + b"e" * (room - 4 + more)
    if more:
        with pytest.raises(HTTPException):
            parsed(data, size)
    else:
        assert parsed(data, size).status == 200


def test_an_error_keeps_what_came_before() -> None:
    parser = ReplyParser(REQUEST)
    with pytest.raises(HTTPException):
        parser.feed(CHUNKED + b"2\r\nok\r\nzz\r\n")
    assert parser.result("why").body == b"ok"
    assert parser.result("why").problem == "why"


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("", float("inf")),
        ("Keep-Alive: timeout=5\r\n", 4.0),
        ("Keep-Alive: max=9, Timeout = 1\r\n", 0.5),
        ("Keep-Alive: timeout=0\r\n", 0.0),
        ("Keep-Alive: max=9\r\n", float("inf")),
        ("Connection: close\r\n", 0.0),
        ("Connection: close\r\nKeep-Alive: timeout=5\r\n", 0.0),
    ],
)
def test_how_long_a_connection_may_be_used(lines: str, seconds: float) -> None:
    reply = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok".encode()
    assert parsed(reply, 99).keep_alive == seconds
    assert parsed(reply + b"HTTP", 999).keep_alive == 0.0
    assert parsed(b"HTTP/1.0" + reply[8:], 999).keep_alive == 0.0


def test_a_body_that_is_too_large_ends_it() -> None:
    parser = ReplyParser(REQUEST)
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(1500))
    assert parser.complete
    assert parser.keep_alive == 0.0
    parser.feed(bytes(500))
    got = parser.result(None)
    assert (len(got.body), got.problem) == (1000, "it is larger than 1,000 bytes")


def test_the_end_of_the_connection_completes_only_what_nothing_else_ends() -> None:
    for data, complete in (
        (b"", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (CHUNKED + b"2\r\nok\r\n", False),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
    ):
        parser = ReplyParser(REQUEST)
        parser.feed(data)
        parser.feed_eof()
        assert parser.complete is complete
