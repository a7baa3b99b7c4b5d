"""The head of a reply, read at a glance and as the standard library reads it: the same where both read it."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jzysoap.transport import PlainResponse

USUAL = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=utf-8\r\nContent-Length: 3\r\n\r\nabc"


class Source:
    """A socket that has some bytes for its reader."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BufferedReader:
        raw: Any = io.BytesIO(self._data)
        return io.BufferedReader(raw)


class Standard(PlainResponse):
    def _glance(self) -> bool:
        return False


def outcome(kind: type[PlainResponse], data: bytes) -> Any:
    """All that a response is asked for, or the class of what it raises."""
    source: Any = Source(data)
    response = kind(source, method="POST")
    try:
        response.begin()
        about = response.status, response.version, response.fields, response.will_close, response.chunked
        return about, response.length, b"".join(iter(lambda: response.read1(65536), b""))
    except http.client.IncompleteRead as error:
        return error.partial
    except (http.client.HTTPException, ValueError) as error:
        return type(error)
    finally:
        response.close()


lines = st.sampled_from(
    [
        "Content-Type: text/xml; charset=utf-8",
        "Content-Length: 3",
        "content-length:\t3 ",
        "Content-Length: 2, 3",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: Chunked",
        "Transfer-Encoding: gzip",
        "Connection: close",
        "Connection: keep-alive",
        "Keep-Alive: timeout=5",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "X: ",
        "X:a",
        "X : a",
        " folded",
        "X: é",
        "X: a: b\t",
        "nothing",
        "",
    ]
)
starts = st.sampled_from(
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 200 ",
        "HTTP/1.1 500 Oh",
        "HTTP/1.1 204 No",
        "HTTP/1.1 304 Same",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 103 Early",
        "HTTP/1.0 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/2 200",
        "ICY 200 OK",
        "",
    ]
)
bodies = st.sampled_from(
    [b"abc", b"ab", b"abcd", b"", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=1\r\nabc\r\n0\r\nT: 1\r\n\r\n", b"3\r\nab"]
)


@given(starts, st.lists(lines, max_size=4), bodies, st.sampled_from(["\r\n", "\n"]))
@example("HTTP/1.1 200 OK", ["Content-Length: 3"], b"abc", "\r\n")
@example("HTTP/1.1 200 OK", ["Transfer-Encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n", "\r\n")
def test_a_head_says_the_same_either_way(start: str, given_lines: list[str], body: bytes, end: str) -> None:
    data = end.join([start, *given_lines, "", ""]).encode("utf-8") + body
    assert outcome(PlainResponse, data) == outcome(Standard, data)


@given(st.integers(0, len(USUAL)), st.binary(max_size=3), st.integers(0, 3))
def test_a_head_that_is_damaged_says_the_same_either_way(place: int, put: bytes, length: int) -> None:
    data = USUAL[:place] + put + USUAL[place + length :]
    assert outcome(PlainResponse, data) == outcome(Standard, data)


def test_the_usual_head_is_read_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(http.client.HTTPResponse, "begin", fail)
    (status, *_), length, body = outcome(PlainResponse, USUAL)
    assert (status, length, body) == (200, 3, b"abc")
    chunked = USUAL.replace(b"Content-Length: 3", b"Transfer-Encoding: chunked").replace(
        b"abc", b"3\r\nabc\r\n0\r\n\r\n"
    )
    assert outcome(PlainResponse, chunked)[2] == b"abc"
