"""The transport for asynchronous code: the promises of ``test_transport``, and those of connections of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from jzysoap import AsyncClient, ConfigurationError, NotSentError, OutcomeUnknownError, Timeout
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.masking import SecretBytes
from jzysoap.settings.options import configure
from jzysoap.transport.aio import AsyncTransport
from tests.kit.documents import report, reports
from tests.kit.samples import MOBILE, PASSWORD, TEXT
from tests.kit.servers import RawServer, answering, refused_port, reply, trickling
from tests.kit.soap import soap
from tests.kit.timeouts import PATIENT, QUICK
from tests.wire import test_transport as both
from tests.wire.conftest import Handler, Serve, over_tls
from tests.wire.test_fork import in_child
from tests.wire.test_transport import after_reading, echo, then_silent

GATEWAY = both.GATEWAY
"""A name that only a proxy can resolve: loopback has none."""


class Loops:
    """An event loop for each thread, and what was opened on them."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._all: list[asyncio.AbstractEventLoop] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        if not hasattr(self._here, "loop"):
            self._here.loop = asyncio.new_event_loop()
            self._all.append(self._here.loop)
        return self._here.loop.run_until_complete(work)

    def close(self) -> None:
        for loop in self._all:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


class Opened:
    """An asynchronous transport that is used like a synchronous one."""

    def __init__(self, loops: Loops, **options: Any) -> None:
        self._loops = loops
        arguments = {"base_url": "http://localhost", "username": "u", "password": "p", **options}
        self.transport = AsyncTransport(configure(arguments))

    def exchange(self, request: HttpRequest) -> HttpReply:
        got: HttpReply = self._loops.run(self.transport.exchange(request)).reply
        return got

    def close(self) -> None:
        self._loops.run(self.transport.aclose())


@pytest.fixture(name="transport_of")
def _transport_of() -> Iterator[Callable[..., Opened]]:
    loops = Loops()
    yield lambda **options: Opened(loops, **options)
    loops.close()


@pytest.fixture(name="ask")
def _ask(transport_of: Callable[..., Opened]) -> both.Ask:
    def ask(
        url: str,
        body: bytes = b"ask",
        *,
        transport: Any = None,
        timeout: Timeout = PATIENT,
        max_bytes: int = 1 << 20,
        **options: Any,
    ) -> HttpReply:
        transport = transport or transport_of(**options)
        got: HttpReply = transport.exchange(
            HttpRequest("POST", f"{url}/path", {"User-Agent": "tests"}, SecretBytes(body), timeout, max_bytes)
        )
        return got

    return ask


# What test_transport says of both.

test_a_reply_has_all_of_its_parts = both.test_a_reply_has_all_of_its_parts
test_a_connection_carries_the_next_request_too = both.test_a_connection_carries_the_next_request_too
test_a_body_however_it_is_framed = both.test_a_body_however_it_is_framed
test_a_body_that_ends_with_its_connection = both.test_a_body_that_ends_with_its_connection
test_an_empty_body_is_no_broken_gzip = both.test_an_empty_body_is_no_broken_gzip
test_a_large_body_comes_whole = both.test_a_large_body_comes_whole
test_a_large_request_goes_whole = both.test_a_large_request_goes_whole
test_no_cookie_is_kept = both.test_no_cookie_is_kept
test_refused = both.test_refused
test_a_name_that_is_unknown = both.test_a_name_that_is_unknown
test_no_connection_in_time = both.test_no_connection_in_time
test_the_deadline_bounds_the_connecting_too = both.test_the_deadline_bounds_the_connecting_too
test_an_address_that_is_none = both.test_an_address_that_is_none
test_several_addresses_of_a_name_are_tried = both.test_several_addresses_of_a_name_are_tried
test_dead_addresses_share_the_time = both.test_dead_addresses_share_the_time
test_a_name_that_resolves_slowly = both.test_a_name_that_resolves_slowly
test_a_certificate_that_is_not_trusted = both.test_a_certificate_that_is_not_trusted
test_plain_text_where_tls_was_meant = both.test_plain_text_where_tls_was_meant
test_tls_where_plain_text_was_meant = both.test_tls_where_plain_text_was_meant
test_certificates_that_cannot_be_used_are_named = both.test_certificates_that_cannot_be_used_are_named
test_faults_of_certificates_are_told_apart = both.test_faults_of_certificates_are_told_apart
test_a_tls_handshake_that_never_ends = both.test_a_tls_handshake_that_never_ends
test_no_answer = both.test_no_answer
test_a_request_that_is_not_taken_in_time = both.test_a_request_that_is_not_taken_in_time
test_a_request_that_is_taken_too_slowly = both.test_a_request_that_is_taken_too_slowly
test_garbage_over_tls_after_the_request = both.test_garbage_over_tls_after_the_request
test_a_body_that_trickles_past_the_deadline = both.test_a_body_that_trickles_past_the_deadline
test_a_reply_of_two_gigabytes_that_never_comes = both.test_a_reply_of_two_gigabytes_that_never_comes
test_a_reply_that_never_ends = both.test_a_reply_that_never_ends
test_ten_megabytes_that_hold_ten_gigabytes = both.test_ten_megabytes_that_hold_ten_gigabytes
test_a_connection_with_a_reply_yet_to_come_is_not_used_again = (
    both.test_a_connection_with_a_reply_yet_to_come_is_not_used_again
)
test_a_connection_that_the_server_closed_is_replaced = both.test_a_connection_that_the_server_closed_is_replaced
test_a_connection_idle_for_too_long_is_replaced = both.test_a_connection_idle_for_too_long_is_replaced
test_a_second_answer_is_nobodys = both.test_a_second_answer_is_nobodys
test_many_threads_get_their_own_replies = both.test_many_threads_get_their_own_replies
test_close_closes_and_refuses = both.test_close_closes_and_refuses
test_a_port_that_opens_a_moment_later = both.test_a_port_that_opens_a_moment_later
test_tls_with_an_authority_of_ones_own = both.test_tls_with_an_authority_of_ones_own
test_tls_unverified = both.test_tls_unverified
test_the_environments_authorities_are_settled_once = both.test_the_environments_authorities_are_settled_once
test_a_client_certificate = both.test_a_client_certificate
test_no_redirect_is_followed = both.test_no_redirect_is_followed
test_loopback_has_no_proxy = both.test_loopback_has_no_proxy
test_a_proxy_over_tls_is_verified = both.test_a_proxy_over_tls_is_verified
test_a_plain_request_through_a_proxy_over_tls = both.test_a_plain_request_through_a_proxy_over_tls
test_a_proxy_never_gets_the_client_certificate = both.test_a_proxy_never_gets_the_client_certificate
test_a_proxy_carries_the_request = both.test_a_proxy_carries_the_request
test_each_scheme_has_its_own_proxy = both.test_each_scheme_has_its_own_proxy
test_a_proxy_that_is_not_there = both.test_a_proxy_that_is_not_there
test_a_tunnel_that_is_refused = both.test_a_tunnel_that_is_refused
test_a_tunnel_that_never_opens = both.test_a_tunnel_that_never_opens
test_a_tunnel = both.test_a_tunnel


(WHAT_CAME,) = (mark.args[1] for mark in both.test_what_came_of_a_body.pytestmark)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("handler", "body", "problem"), [one for one in WHAT_CAME if one.id != "a chunk without size"])
def test_what_came_of_a_body(handler: Handler, body: bytes, problem: str | None, serve: Serve, ask: both.Ask) -> None:
    both.test_what_came_of_a_body(handler, body, problem, serve, ask)


def test_a_chunk_without_size(serve: Serve, ask: both.Ask) -> None:
    got = ask(serve(after_reading(both.chunked(b"answer") + b"six\r\nanswer\r\n")).url)
    assert (got.body, got.problem) == (b"answer", "the answer is not valid HTTP")


# Answers that nobody asked for.


def test_headers_are_those_given_and_no_others(serve: Serve, ask: both.Ask) -> None:
    server = serve(echo)
    ask(server.url)
    assert server.requests[0] == (
        f"POST /path HTTP/1.1\r\nHost: {server.url[7:]}\r\nUser-Agent: tests\r\nContent-Length: 3\r\n\r\nask".encode()
    )


@pytest.mark.parametrize("early", [reply(b"success;1"), b"220 ready\r\n"], ids=["answer", "banner"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_an_answer_before_the_request_is_no_answer(
    secure: bool, early: bytes, serve: Serve, ask: both.Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(early)
        connection.recv(1)

    server = serve(over_tls(tls, handle) if secure else handle)
    url = server.url.replace("http:", "https:") if secure else server.url
    real = AsyncTransport._connect

    async def slow(*arguments: Any) -> Any:
        connection = await real(*arguments)
        # Whatever came meanwhile.
        await asyncio.sleep(0.1)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncTransport, "_connect", slow)
        with pytest.raises(OutcomeUnknownError):
            ask(url, verify=authority_file)
    assert server.connections == 1


def test_an_answer_that_the_loop_has_not_read_yet_is_no_answer(serve: Serve, ask: both.Ask) -> None:
    said = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(reply(b"success;1"))
        said.set()
        connection.recv(1)

    server = serve(handle)
    real = asyncio.BaseEventLoop.create_connection

    async def blocked(*arguments: Any, **options: Any) -> Any:
        made = await real(*arguments, **options)
        assert said.wait(5)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.BaseEventLoop, "create_connection", blocked)
        with pytest.raises(OutcomeUnknownError, match="the connection was closed"):
            ask(server.url)


@pytest.mark.parametrize("behind", [reply(b"stray"), b"garbage", b"\0", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_what_follows_an_answer_in_the_same_packet_is_nobodys(
    behind: bytes, serve: Serve, transport_of: Any, ask: both.Ask
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(reply(request.partition(b"\r\n\r\n")[2]) + behind)

    server = serve(handle)
    transport = transport_of()
    for number in range(3):
        got = ask(server.url, b"%d" % number, transport=transport)
        assert (got.body, got.problem) == (b"%d" % number, None)
    assert server.connections == 3


def test_line_breaks_behind_an_answer_are_none(serve: Serve, transport_of: Any, ask: both.Ask) -> None:
    server = serve(answering(reply(b"answer") + b"\r\n"))
    transport = transport_of()
    assert {ask(server.url, transport=transport).body for _ in range(3)} == {b"answer"}
    assert server.connections == 1


def test_an_answer_to_half_a_request_is_one(serve: Serve, transport_of: Any, ask: both.Ask) -> None:
    """A gateway that refuses a large request need not read it; its connection is of no use afterwards."""
    let = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(reply(b"too large", "413 Payload Too Large"))
        let.wait(10)

    server = serve(handle)
    transport = transport_of()
    for _ in range(2):
        assert ask(server.url, bytes(20_000_000), transport=transport).status == 413
    let.set()
    assert server.connections == 2


# Heads and trailers without end.


def endless(begin: bytes, piece: bytes) -> Handler:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(begin)
        while True:
            connection.sendall(piece)

    return handle


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (b"\r\n", b"\r\n" * 1000),
    ],
    ids=["headers", "header", "interim answers", "line breaks"],
)
def test_a_head_without_end(begin: bytes, piece: bytes, serve: Serve, ask: both.Ask) -> None:
    with pytest.raises(OutcomeUnknownError, match="the answer is not valid HTTP"):
        ask(serve(endless(begin, piece)).url)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (CHUNKED + b"3\r\nabc\r\n0\r\n", b"X: y\r\n" * 100),
        (CHUNKED + b"3\r\nabc\r\n3;x=", b"y" * 1000),
    ],
    ids=["trailers", "a chunk's extension"],
)
def test_a_frame_without_end(begin: bytes, piece: bytes, serve: Serve, ask: both.Ask) -> None:
    got = ask(serve(endless(begin, piece)).url)
    assert (got.body, got.problem) == (b"abc", "the answer is not valid HTTP")


def test_a_body_in_chunks_of_a_byte(serve: Serve, ask: both.Ask) -> None:
    body = b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"
    got = ask(serve(answering(CHUNKED + body)).url)
    assert (got.body, got.problem) == (b"x" * 200_000, None)


# Connections: how many, and for how long.


@pytest.mark.parametrize(("header", "pause", "connections"), [("timeout=1", 0, 1), ("timeout=1, max=9", 0.6, 2)])
def test_the_servers_limit_of_idleness_is_kept(
    header: str, pause: float, connections: int, serve: Serve, transport_of: Any, ask: both.Ask
) -> None:
    server = serve(answering(reply(b"answer", "200 OK", f"Keep-Alive: {header}")))
    transport = transport_of()
    for _ in range(2):
        ask(server.url, transport=transport)
        time.sleep(pause)
    assert server.connections == connections


@pytest.mark.parametrize("lines", [("Connection: close",), ("Keep-Alive: timeout=0",)])
def test_a_connection_that_the_server_gives_up_is_given_up(
    lines: tuple[str, ...], serve: Serve, transport_of: Any, ask: both.Ask
) -> None:
    server = serve(answering(reply(b"answer", "200 OK", *lines)))
    transport = transport_of()
    for _ in range(3):
        ask(server.url, transport=transport)
    assert server.connections == 3


def client_of(url: str, **options: Any) -> AsyncClient:
    defaults = {"wsdl": "bundled", "cache_dir": False, "timeout": PATIENT, "poll_timeout": PATIENT}
    return AsyncClient(url, "account", PASSWORD, **{**defaults, **options})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def alive(server: RawServer) -> int:
    """Connections that the server still has."""
    return sum(thread.is_alive() for thread in server._threads)


def test_no_more_connections_are_kept_than_are_to_be(serve: Serve) -> None:
    barrier = threading.Barrier(9)

    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(5)
            connection.sendall(soap("success"))

    async def main() -> None:
        async with client_of(server.url, pool_size=3) as client:
            await asyncio.gather(*(client.send(MOBILE, TEXT) for _ in range(9)))
            await until(lambda: alive(server) == 3)
            barrier.abort()
            for _ in range(5):
                await client.send(MOBILE, TEXT)
        await until(lambda: alive(server) == 0)

    server = serve(handle)
    asyncio.run(main())
    assert server.connections == 9


def test_an_idle_connection_is_closed_when_its_time_is_up(serve: Serve) -> None:
    async def main() -> None:
        async with client_of(server.url, max_idle=0.5) as client:
            for _ in range(2):
                await client.send(MOBILE, TEXT)
                await asyncio.sleep(0.3)
            assert alive(server) == 1
            await until(lambda: alive(server) == 0)
            # It takes no place of another's either.
            await client.send(MOBILE, TEXT)

    server = serve(answering(soap("success")))
    asyncio.run(main())
    assert server.connections == 2


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors cannot be counted")
def test_ten_thousand_calls_leave_no_descriptor_open() -> None:
    answer = soap("success")

    class Server(asyncio.Protocol):
        """Half of its answers end the connection."""

        def connection_made(self, transport: Any) -> None:
            self._transport = transport
            self._left = random.Random(1).randint(1, 3)

        def data_received(self, _data: bytes) -> None:
            self._transport.write(answer)
            self._left -= 1
            if not self._left:
                self._transport.close()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        before = descriptors()
        async with client_of(url) as client:
            left = iter(range(10_000))

            async def some() -> None:
                for _ in left:
                    # A connection that is closed just then makes the outcome unknown.
                    with contextlib.suppress(OutcomeUnknownError):
                        await client.send(MOBILE, TEXT)

            await asyncio.gather(*(some() for _ in range(20)))
            # At both ends.
            assert descriptors() <= before + 2 * 20
        await until(lambda: descriptors() <= before)
        server.close()

    asyncio.run(main())


# Deadlines.


def test_a_request_that_moves_is_not_silent(serve: Serve, ask: both.Ask) -> None:
    """Longer than two arrivals may be apart, but some of it is taken all the time."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        left = 40_000_000
        while left > 0:
            left -= len(connection.recv(1 << 18))
            time.sleep(0.01)
        connection.sendall(reply(b"answer"))

    began = time.monotonic()
    assert ask(serve(handle).url, bytes(40_000_000), timeout=Timeout(5, 0.7, 20)).body == b"answer"
    assert time.monotonic() - began > 0.7


def test_every_stage_is_bounded_by_the_deadline(serve: Serve, ask: both.Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    server = serve(handle)
    secure = server.url.replace("http:", "https:")
    for url, proxies in (
        (server.url, None),
        (secure, None),
        (f"https://{GATEWAY}", {"https": server.url}),
        (f"https://{GATEWAY}", {"https": secure}),
        (f"http://{GATEWAY}", {"http": secure}),
        (f"http://{GATEWAY}", {"http": server.url.replace("http:", "socks5h:")}),
        (f"http://{GATEWAY}", {"http": server.url.replace("http:", "socks4a:")}),
    ):
        began = time.monotonic()
        with pytest.raises((NotSentError, OutcomeUnknownError), match=r"the deadline of 0\.3 s is past"):
            ask(url, timeout=Timeout(5, 5, 0.3), proxies=proxies)
        assert time.monotonic() - began < 2


def test_a_shorter_deadline_is_kept_on_a_connection_that_had_a_longer_one(
    serve: Serve, transport_of: Any, ask: both.Ask
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(reply(b"answer"))
        server.read_request(connection)
        connection.recv(1)

    server = serve(handle)
    transport = transport_of(max_idle=30)
    ask(server.url, transport=transport, timeout=Timeout(5, 20, 30))
    with pytest.raises(OutcomeUnknownError, match=r"nothing came for 0\.2 s"):
        ask(server.url, transport=transport, timeout=Timeout(5, 0.2, 30))
    assert server.connections == 1


# TLS that ends too early.


@pytest.mark.parametrize("after", [0, 1, 5, 100, 600])
def test_a_handshake_that_is_cut_off_sends_nothing(
    after: int, serve: Serve, ask: both.Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    """So many bytes of the server's come, then the end."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = tls.wrap_bio(incoming, outgoing, server_side=True)
        left = after
        while left:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            piece = outgoing.read()[:left]
            connection.sendall(piece)
            left -= len(piece)
            if left:
                incoming.write(connection.recv(65536))

    server = serve(handle)
    with pytest.raises(NotSentError, match=r"the connection was closed|TLS failed"):
        ask(server.url.replace("http:", "https:"), verify=authority_file)


@pytest.mark.parametrize("orderly", [False, True])
@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (0, None),
        (20, None),
        (len(reply(b"answer")) - 6, "the connection ended after 0 of 6 bytes"),
        (len(reply(b"answer")) - 2, "the connection ended after 4 of 6 bytes"),
    ],
)
def test_an_answer_over_tls_that_is_cut_off(
    part: int,
    problem: str | None,
    orderly: bool,
    serve: Serve,
    ask: both.Ask,
    tls: ssl.SSLContext,
    authority_file: Path,
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(reply(b"answer")[:part])
        if orderly:
            with contextlib.suppress(OSError):
                connection.unwrap()  # type: ignore[attr-defined]  # it is one of TLS

    url = serve(over_tls(tls, handle)).url.replace("http:", "https:")
    if problem is None:
        with pytest.raises(OutcomeUnknownError, match="the connection was closed"):
            ask(url, verify=authority_file)
    else:
        assert ask(url, verify=authority_file).problem == problem


def test_a_reset_is_no_answer(serve: Serve, ask: both.Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with pytest.raises(OutcomeUnknownError, match="the connection was closed"):
        ask(serve(handle).url)


# Proxies.


class Nested:
    """TLS within a connection that may have TLS already."""

    def __init__(self, outer: Any, context: ssl.SSLContext) -> None:
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._side = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._pump(self._side.do_handshake)

    def recv(self, size: int) -> bytes:
        data: bytes = self._pump(lambda: self._side.read(size))
        return data

    def sendall(self, data: bytes) -> None:
        self._pump(lambda: self._side.write(data))

    def _pump(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                result = work()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._outer.recv(65536)
                if not data:
                    return b""
                self._incoming.write(data)
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._outer.sendall(data)


@pytest.fixture(name="gateway")
def _gateway(authority: trustme.CA) -> ssl.SSLContext:
    """The gateway's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(GATEWAY).configure_cert(context)
    return context


def tunnelling(context: ssl.SSLContext, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Handler:
    """A proxy that answers so, and is the gateway behind itself."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(answer)
        inner: Any = Nested(connection, context)
        echo(server, inner)

    return handle


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", ["", "me:geheim%40x@", "m%C3%A9:%E5%AF%86@"])
def test_a_tunnel_with_a_password(
    user: str,
    scheme: str,
    serve: Serve,
    transport_of: Any,
    ask: both.Ask,
    tls: ssl.SSLContext,
    gateway: ssl.SSLContext,
    authority_file: Path,
) -> None:
    proxy = serve(over_tls(tls, tunnelling(gateway)) if scheme == "https" else tunnelling(gateway))
    address = proxy.url.replace("http://", f"{scheme}://{user}")
    transport = transport_of(proxies={"https": address}, verify=authority_file)
    for _ in range(3):
        assert ask(f"https://{GATEWAY}", bytes(100_000), transport=transport).body == bytes(100_000)
    opening, *rest = proxy.requests
    assert opening.startswith(b"CONNECT gateway.invalid:443 HTTP/1.1\r\nHost: gateway.invalid:443\r\n")
    expected = {"": None, "me:geheim%40x@": b"bWU6Z2VoZWltQHg=", "m%C3%A9:%E5%AF%86@": b"bcOpOuWvhg=="}[user]
    assert opening.partition(b"Proxy-Authorization: Basic ")[2].strip() == (expected or b"")
    # The password is the proxy's alone.
    assert not any(b"Proxy-Authorization" in request for request in rest)
    assert (len(rest), proxy.connections) == (3, 1)


def test_a_gateway_behind_a_proxy_is_verified(
    serve: Serve, ask: both.Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    # The name of another.
    proxy = serve(tunnelling(tls))
    with pytest.raises(NotSentError, match="its certificate is for another name"):
        ask(f"https://{GATEWAY}", proxies={"https": proxy.url}, verify=authority_file)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nX: y\r\n\r\n", r"the proxy failed \(HTTP status 407\)"),
        (b"HTTP/1.0 502 Bad\n\n<html>geheim</html>", r"the proxy failed \(HTTP status 502\)"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", r"the proxy failed \(HTTP status 100\)"),
        (b"geheim geheim\r\n\r\n", "the proxy failed"),
        (b"HTTP/1.1 geheim\r\n\r\n", "the proxy failed"),
        (b"HTTP/1.1 200 OK\r\n\r\ngeheim", "the proxy failed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "the proxy failed"),
    ],
)
def test_a_tunnel_that_does_not_open(answer: bytes, reason: str, serve: Serve, ask: both.Ask) -> None:
    proxy = serve(then_silent(answer))
    with pytest.raises(NotSentError, match=f": {reason}$"):
        ask(f"https://{GATEWAY}", proxies={"https": proxy.url})
    assert len(proxy.requests) == 1


def test_a_tunnel_whose_proxy_goes_on_talking(serve: Serve, ask: both.Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: y")
        time.sleep(0.05)
        connection.sendall(b"\r\n\r")
        time.sleep(0.05)
        connection.sendall(b"\ngarbage")
        connection.recv(65536)

    with pytest.raises(NotSentError, match="the proxy failed"):
        ask(f"https://{GATEWAY}", proxies={"https": serve(handle).url})


def test_a_tunnel_that_is_cut_off_in_the_handshake(serve: Serve, ask: both.Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.recv(65536)

    with pytest.raises(NotSentError, match="the connection was closed"):
        ask(f"https://{GATEWAY}", proxies={"https": serve(handle).url})


def test_a_tunnel_that_is_lost_within_the_handshake(
    serve: Serve, ask: both.Ask, gateway: ssl.SSLContext, authority_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: Any, **__: Any) -> None:
        """asyncio has no transport to return then."""

    monkeypatch.setattr(asyncio.BaseEventLoop, "start_tls", lose)
    with pytest.raises(NotSentError, match="the connection was closed"):
        ask(f"https://{GATEWAY}", proxies={"https": serve(tunnelling(gateway)).url}, verify=authority_file)


def socks(server: RawServer, connection: socket.socket) -> None:
    """A SOCKS proxy that writes down what it is told, and is the gateway behind itself."""

    def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += connection.recv(count - len(data)) or pytest.fail("it ended")
        return data

    def read_text() -> bytes:
        data = b""
        while (byte := read(1)) != b"\0":
            data += byte
        return data

    if read(1) == b"\x04":
        _, _, address, user = read(1), read(2), read(4), read_text()
        host = read_text() if address[:3] == b"\0\0\0" else socket.inet_ntoa(address).encode()
        server.requests.append(b"4 %b %b" % (user, host))
        connection.sendall(b"\0\x5a" + bytes(6))
    else:
        methods = read(read(1)[0])
        user = password = b""
        if b"\x02" in methods:
            connection.sendall(b"\x05\x02")
            read(1)
            user = read(read(1)[0])
            password = read(read(1)[0])
            connection.sendall(b"\x01\0" if password == b"geheim" else b"\x01\x01")
        else:
            connection.sendall(b"\x05\0")
        kind = read(4)[3]
        host = read(read(1)[0]) if kind == 3 else socket.inet_ntoa(read(4)).encode()
        read(2)
        server.requests.append(b"5 %b:%b %b" % (user, password, host))
        connection.sendall(b"\x05\0\0\x01" + bytes(6))
    echo(server, connection)


@pytest.mark.parametrize(
    ("address", "host", "told"),
    [
        ("socks4a://me@{}", GATEWAY, b"4 me gateway.invalid"),
        ("socks5h://me:geheim@{}", GATEWAY, b"5 me:geheim gateway.invalid"),
        ("socks5h://{}", GATEWAY, b"5 : gateway.invalid"),
        ("socks5://me:geheim@{}", "192.0.2.1", b"5 me:geheim 192.0.2.1"),
        ("socks4://{}", "192.0.2.1", b"4  192.0.2.1"),
    ],
)
def test_socks(address: str, host: str, told: bytes, serve: Serve, transport_of: Any, ask: both.Ask) -> None:
    proxy = serve(socks)
    transport = transport_of(proxies={"http": address.format(proxy.url[7:])})
    for _ in range(2):
        assert ask(f"http://{host}:9003", transport=transport).body == b"ask"
    assert proxy.requests[0] == told
    # The gateway behind it is asked as if there were no proxy.
    assert proxy.requests[1].startswith(b"POST /path HTTP/1.1\r\nHost: ")
    assert proxy.connections == 1


def test_tls_through_socks(serve: Serve, ask: both.Ask, gateway: ssl.SSLContext, authority_file: Path) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"\x05\0" * bool(connection.recv(3)))
        connection.recv(100)
        connection.sendall(b"\x05\0\0\x01" + bytes(6))
        inner: Any = Nested(connection, gateway)
        echo(server, inner)

    address = serve(handle).url.replace("http:", "socks5h:")
    assert ask(f"https://{GATEWAY}", proxies={"https": address}, verify=authority_file).body == b"ask"


@pytest.mark.parametrize("answer", [b"", b"\x05\xff", b"\x05\x02\x01\x01", b"HTTP/1.1 400 geheim\r\n\r\n"])
def test_a_socks_proxy_that_refuses(answer: bytes, serve: Serve, ask: both.Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(answer)

    address = serve(handle).url.replace("http://", "socks5h://me:geheim@")
    with pytest.raises(NotSentError, match=r"(the proxy failed|the connection was closed)$"):
        ask(f"http://{GATEWAY}", proxies={"http": address})


def test_a_socks_proxy_that_is_not_there(ask: both.Ask) -> None:
    with refused_port() as port, pytest.raises(NotSentError, match="the connection was refused"):
        ask(f"http://{GATEWAY}", proxies={"http": f"socks5h://127.0.0.1:{port}"})


# Cancelled, interrupted, forked.


def test_a_send_that_is_cancelled_at_any_moment(serve: Serve) -> None:
    """Its connection is closed, or was whole; the next send gets its own answer."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = request.partition(b"<ns0:mobile>")[2].partition(b"<")[0].decode()
            data = soap(f"success;id-{number[3:]}")
            connection.sendall(data[:50])
            time.sleep(0.0005)
            connection.sendall(data[50:])

    async def main() -> None:
        chance = random.Random(7)
        async with client_of(server.url) as client:
            cancelled = 0
            for number in range(100):
                task = asyncio.create_task(client.send(f"1380000{number:04d}", TEXT))
                await asyncio.sleep(chance.random() * 0.004)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    cancelled += 1
                mobile = f"1390000{number:04d}"
                assert (await client.send(mobile, TEXT)).batch_id == f"id-{mobile[3:]}"
            assert cancelled
        await until(lambda: alive(server) == 0)

    server = serve(handle)
    asyncio.run(main())


def test_a_poll_that_is_cancelled_at_any_moment(serve: Serve) -> None:
    """What the gateway was asked for is kept."""
    served = 0

    def handle(server: RawServer, connection: socket.socket) -> None:
        nonlocal served
        while server.read_request(connection):
            served += 1
            data = soap(reports(), "getSmsReport")
            connection.sendall(data[:50])
            time.sleep(0.0005)
            connection.sendall(data[50:])

    kept: list[bytes] = []

    async def main() -> None:
        chance = random.Random(7)
        async with client_of(server.url, on_reply=lambda raw: kept.append(raw.body)) as client:
            for _ in range(100):
                task = asyncio.create_task(client.reports())
                for _ in range(chance.randint(1, 3)):
                    await asyncio.sleep(chance.random() * 0.002)
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    server = serve(handle)
    asyncio.run(main())
    assert len(kept) == served > 0


def test_a_cancelled_poll_with_a_long_answer_is_kept(serve: Serve) -> None:
    """It would be parsed in a thread, for which a cancelled caller does not wait."""
    let = threading.Event()
    answer = soap(reports(*[report()] * 3000), "getSmsReport")

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        let.wait(10)
        connection.sendall(answer)

    kept: list[bytes] = []

    async def main() -> None:
        async with client_of(server.url, on_reply=lambda raw: kept.append(raw.body)) as client:
            task = asyncio.create_task(client.reports())
            await until(lambda: server.requests)
            task.cancel()
            let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    server = serve(handle)
    asyncio.run(main())
    assert [len(body) > 300_000 for body in kept] == [True]


def test_a_cancelled_poll_keeps_its_deadline(serve: Serve) -> None:
    async def main() -> None:
        async with client_of(server.url, poll_timeout=Timeout(5, 5, 0.5)) as client:
            task = asyncio.create_task(client.reports())
            await until(lambda: server.requests)
            task.cancel()
            began = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 1.5

    server = serve(then_silent(b""))
    asyncio.run(main())


def test_no_task_is_made_for_a_call(serve: Serve) -> None:
    async def main() -> None:
        async with client_of(server.url) as client:
            await client.send(MOBILE, TEXT)
            seen: set[Any] = set()

            def see(loop: Any, work: Any, **options: Any) -> Any:
                seen.add(work)
                return asyncio.Task(work, loop=loop, **options)

            asyncio.get_running_loop().set_task_factory(see)
            await client.send(MOBILE, TEXT)
            with contextlib.suppress(Exception):
                await client.reports()
            assert not seen

    server = serve(answering(soap("success")))
    asyncio.run(main())


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="there are no signals for a thread")
@pytest.mark.parametrize("came", [b"", b"HTTP/1.1 200 OK\r\nX", reply(b"half", length=8)])
def test_an_interrupt_drops_the_connection(came: bytes, serve: Serve) -> None:
    closed = threading.Event()
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(came)
        time.sleep(0.05)
        signal.pthread_kill(main_thread, signal.SIGALRM)
        if connection.recv(1) == b"":
            closed.set()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        async with client_of(server.url) as client:
            await client.send(MOBILE, TEXT)

    server = serve(handle)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert closed.wait(5)


def test_an_interrupt_while_an_answer_is_read(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler raises within the parser."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jzysoap.transport.parser.ReplyParser.on_header", interrupt)

    async def main() -> None:
        async with client_of(server.url) as client:
            await client.send(MOBILE, TEXT)

    server = serve(answering(soap("success")))
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert len(server.requests) == 1


def forks(test: Any) -> Any:
    test = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")(test)
    # What Python warns of since 3.12 is what is tested here.
    return pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")(test)


def run(work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
    return asyncio.run(work(*arguments))


@forks
def test_forked_processes_make_their_own_connections(serve: Serve) -> None:
    def echo_numbers(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = request.partition(b"<ns0:mobile>")[2].partition(b"<")[0].decode()
            connection.sendall(soap(f"success;id-{number[3:]}"))

    async def some(begin: int) -> list[str]:
        numbers = [f"13800{begin + number:06d}" for number in range(20)]
        sent = await asyncio.gather(*(client.send(number, TEXT) for number in numbers))
        assert [one.batch_id for one in sent] == [f"id-{number[3:]}" for number in numbers]
        return numbers

    server = serve(echo_numbers)
    client = client_of(server.url, pool_size=20)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(some(0))
    before = server.connections

    async def within() -> list[Any]:
        # While the parent's loop runs.
        return [in_child(partial(run, some, begin)) for begin in range(100, 400, 100)]

    results = [
        *loop.run_until_complete(within()),
        in_child(lambda: asyncio.run(some(500))),
        in_child(lambda: asyncio.run(client.aclose())),
    ]
    loop.run_until_complete(some(600))
    assert [type(result()) for result in results] == [list, list, list, list, type(None)]
    loop.run_until_complete(some(700))
    # The parent's have outlived them all.
    assert server.connections <= before + 4 * 20
    loop.run_until_complete(client.aclose())
    loop.close()


def test_six_loops_in_six_threads(serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = request.partition(b"<ns0:mobile>")[2].partition(b"<")[0].decode()
            connection.sendall(soap(f"success;id-{number[3:]}"))

    server = serve(handle)
    client = client_of(server.url)
    ready = threading.Barrier(6)

    def work(thread: int) -> None:
        async def main() -> None:
            for number in range(30):
                mobile = f"1380{thread}00{number:04d}"
                assert (await client.send(mobile, TEXT)).batch_id == f"id-{mobile[3:]}"

        ready.wait(10)
        for _ in range(2):
            asyncio.run(main())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    # Each loop had one, and closed it.
    assert server.connections == 12
    asyncio.run(client.aclose())


def test_a_loop_that_was_closed_without_being_shut_down(serve: Serve) -> None:
    async def send() -> Any:
        return (await client.send(MOBILE, TEXT)).batches[0].outcome

    server = serve(answering(soap("success"), close=True))
    client = client_of(server.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(send())
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()
    asyncio.run(send())
    asyncio.run(client.aclose())
    assert server.connections == 2


def test_closing_waits_for_the_calls_under_way(serve: Serve) -> None:
    let = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        let.wait(10)
        connection.sendall(soap("success"))

    async def main() -> None:
        client = client_of(server.url)
        call = asyncio.create_task(client.send(MOBILE, TEXT))
        await until(lambda: server.requests)
        closing = [asyncio.create_task(client.aclose()) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(ConfigurationError, match="closed"):
            await client.send(MOBILE, TEXT)
        assert not any(one.done() for one in closing)
        let.set()
        await asyncio.gather(call, *closing)

    server = serve(handle)
    asyncio.run(main())


def test_without_poll_a_socket_is_looked_at_by_select(
    serve: Serve, ask: both.Ask, transport_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("select.poll")
    server = serve(echo)
    transport = transport_of()
    assert [ask(server.url, transport=transport).body for _ in range(3)] == [b"ask"] * 3
    assert server.connections == 1


def test_trickled_answers_are_whole(serve: Serve, ask: both.Ask) -> None:
    assert ask(serve(trickling(reply(b"answer"), 0.001)).url).body == b"answer"
    assert ask(serve(after_reading(reply(b"answer"))).url, timeout=QUICK).body == b"answer"
