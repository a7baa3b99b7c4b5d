"""A reply's head taken at a glance: whatever is taken is what http.client would have made of it."""

from __future__ import annotations

import http.client
import io
import queue
from typing import Any

import pytest
import urllib3
from hypothesis import example, given, strategies as st

from jzysoap.transport.connections import Stack, WatchedResponse, watch

PARTS = ("status", "code", "reason", "version", "chunked", "length", "will_close")


class Silent:
    """A socket that says what it is given."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self.data))


def begun(data: bytes, *, glance: bool) -> Any:
    """What a reply's head says, and what follows it."""
    response = WatchedResponse(Silent(data), method="POST")  # type: ignore[arg-type]  # as much as is used of one
    try:
        if glance:
            response.begin()
        else:
            http.client.HTTPResponse.begin(response)
    except (http.client.HTTPException, ValueError) as error:
        return type(error)
    facts = [getattr(response, name) for name in PARTS]
    try:
        body: Any = response.read()
    except http.client.HTTPException as error:
        body = type(error)
    return facts, response.headers.items(), response.headers is response.msg, body


names = st.sampled_from(
    [
        "Content-Length",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Content-Type",
        "X",
        "X-1",
        "Date",
        "a b",
        "",
    ]
)
values = st.one_of(
    st.sampled_from(["0", "3", "03", "-1", "+3", " 3", "3 ", "3,3", "chunked", "Chunked", "gzip, chunked"]),
    st.sampled_from(["close", "Keep-Alive", "keep-alive, Close", "text/xml; charset=utf-8", "multipart/mixed", ""]),
    st.text(st.sampled_from("az09 \t:;\"'\0\x0b\x0c\x1c\x85é\r\n"), max_size=6),
)
lines = st.builds(
    lambda name, colon, value, end: f"{name}{colon}{value}{end}",
    names,
    st.sampled_from([":", ": ", ":\t", " : ", ""]),
    values,
    st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r\n "]),
)
heads = st.builds(
    lambda version, status, reason, fields, end: f"{version} {status}{reason}\r\n{''.join(fields)}{end}",
    st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1", "ICY"]),
    st.sampled_from(["200", "200", "204", "304", "404", "500", "600", "99", "20", "100", "103", "2000"]),
    st.sampled_from([" OK", " ", "", "  Not  Found ", " é", " \t"]),
    st.lists(lines, max_size=5),
    st.sampled_from(["\r\n", "\r\n", "\n", ""]),
)
USUAL = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: 3\r\n\r\n"


@given(heads, st.sampled_from(["", "abc", "3\r\nabc\r\n0\r\n\r\n", "abcd", USUAL]))
@example(USUAL, "abc")
@example("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n")
@example("HTTP/1.1 200 OK\r\n" + "a: b\r\n" * 50 + "\r\n", "abc")
@example(f"HTTP/1.1 200 OK\r\nContent-Length: {'9' * 5000}\r\n\r\n", "abc")
@example("HTTP/1.1 200 OK\r\n" + "a: b\r\n" * 101 + "\r\n", "abc")
@example("HTTP/1.1 200 OK\r\na: " + "b" * 9000 + "\r\n\r\n", "abc")
@example("HTTP/1.1 100 Continue\r\n\r\n" + USUAL, "abc")
def test_a_head_at_a_glance(head: str, body: str) -> None:
    data = (head + body).encode("latin-1")
    assert begun(data, glance=True) == begun(data, glance=False)


def test_what_a_pool_keeps_its_connections_in() -> None:
    stack, like = Stack(2), queue.LifoQueue[str](2)
    for one in (stack, like):
        one.put("a", block=False)
        one.put("b", block=False)
        with pytest.raises(queue.Full):
            one.put("c", block=False)
        assert one.qsize() == 2
        assert [one.get(block=False, timeout=1) for _ in range(2)] == ["b", "a"]
        with pytest.raises(queue.Empty):
            one.get(block=False)


@pytest.mark.parametrize(("waits", "kind"), [(False, Stack), (True, urllib3.connectionpool.ConnectionPool.QueueCls)])
def test_a_pool_that_waits_for_a_connection_keeps_its_queue(waits: bool, kind: type[Any]) -> None:
    manager = urllib3.PoolManager()
    watch(manager, waits=waits)
    assert type(manager.connection_from_url("http://127.0.0.1").pool) is kind


def test_a_pool_with_a_queue_of_its_own_keeps_it() -> None:
    class Own(queue.LifoQueue[Any]):
        pass

    class Pool(urllib3.HTTPConnectionPool):
        QueueCls = Own

    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": Pool}
    watch(manager, waits=False)
    assert type(manager.connection_from_url("http://127.0.0.1").pool) is Own
