"""The transport for synchronous code: what is sent, what is read, and what each failure means."""

from __future__ import annotations

import contextlib
import errno
import gc
import gzip
import io
import logging
import os
import signal
import socket
import ssl
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
import trustme
import urllib3
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util.retry import Retry

from jzysoap.model.errors import ConfigurationError, NotSentError, OutcomeUnknownError
from jzysoap.model.http import HttpReply, HttpRequest, Timeout
from jzysoap.model.masking import SecretBytes
from jzysoap.settings.options import configure
from jzysoap.transport import failures
from jzysoap.transport.surroundings import proxy_for
from jzysoap.transport.sync import Transport
from tests.kit.servers import RawServer, answering, refused_port, reply, trickling
from tests.kit.timeouts import PATIENT, QUICK
from tests.wire.conftest import Foreign, Handler, Serve, headers_of, over_tls

LATER = datetime(2090, 1, 1, tzinfo=UTC)


class Ask(Protocol):
    def __call__(
        self,
        url: str,
        body: bytes = b"ask",
        *,
        transport: Transport | None = None,
        timeout: Timeout = PATIENT,
        max_bytes: int = 1 << 20,
        **options: Any,
    ) -> HttpReply: ...


class Open(Protocol):
    def __call__(self, **options: Any) -> Transport: ...


@pytest.fixture(name="transport_of")
def _transport_of() -> Iterator[Open]:
    with contextlib.ExitStack() as stack:

        def transport_of(**options: Any) -> Transport:
            arguments = {"base_url": "http://localhost", "username": "u", "password": "p", **options}
            transport = Transport(configure(arguments))
            stack.callback(transport.close)
            return transport

        yield transport_of


@pytest.fixture(name="ask")
def _ask(transport_of: Open) -> Ask:
    """One exchange, over a transport of its own unless given."""

    def ask(
        url: str,
        body: bytes = b"ask",
        *,
        transport: Transport | None = None,
        timeout: Timeout = PATIENT,
        max_bytes: int = 1 << 20,
        **options: Any,
    ) -> HttpReply:
        transport = transport or transport_of(**options)
        return transport.exchange(
            HttpRequest("POST", f"{url}/path", {"User-Agent": "tests"}, SecretBytes(body), timeout, max_bytes)
        )

    return ask


def echo(server: RawServer, connection: socket.socket) -> None:
    """Answers each request with its body."""
    while request := server.read_request(connection):
        connection.sendall(reply(request.partition(b"\r\n\r\n")[2]))


def after_reading(data: bytes) -> Handler:
    """Reads a request, sends these bytes and closes."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(data)

    return handle


def then_silent(data: bytes) -> Handler:
    """Reads a request, sends these bytes and waits for the client to give up."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(data)
        connection.recv(1)

    return handle


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose connections are never accepted, and of which there can be no more."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


# What goes out and what comes back.


def test_a_reply_has_all_of_its_parts(httpserver: HTTPServer, ask: Ask) -> None:
    httpserver.expect_request("/path", method="POST", data=b"ask").respond_with_data(
        b"answer", status=202, headers={"X-One": "1"}, content_type="Text/Plain; Charset=GBK"
    )
    got = ask(httpserver.url_for("").rstrip("/"))
    assert (got.status, got.body, got.problem) == (202, b"answer", None)
    assert (got.headers["x-one"], got.content_type, got.charset) == ("1", "text/plain", "GBK")


def test_a_connection_carries_the_next_request_too(serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(echo)
    transport = transport_of()
    assert [ask(server.url, b"%d" % number, transport=transport).body for number in range(3)] == [b"0", b"1", b"2"]
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            reply(b"4\r\nansw\r\n2;note=1\r\ner\r\n0\r\nX-Late: 1\r\n\r\n", "200 OK", "Transfer-Encoding: chunked"),
            id="chunked",
        ),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"answer"), id="after 100"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" * 2 + reply(b"answer"), id="after 103"),
        pytest.param(reply(b"answer", "200 OK", "Content-Length: 6", "Connection: close"), id="announced close"),
        pytest.param(reply(gzip.compress(b"answer"), "200 OK", "Content-Encoding: gzip"), id="gzip"),
        pytest.param(
            reply(gzip.compress(b"ans") + gzip.compress(b"wer") + b"padding", "200 OK", "Content-Encoding: x-gzip"),
            id="two members",
        ),
        pytest.param(reply(zlib.compress(b"answer"), "200 OK", "Content-Encoding: DEFLATE"), id="zlib"),
        pytest.param(reply(b"answer", "200 OK", "Content-Encoding: identity"), id="identity"),
        pytest.param(reply(b"answer", "200 OK", "Content-Encoding: gzip"), id="decompressed on its way"),
        pytest.param(reply(gzip.compress(b"answer")), id="gzip without a header"),
        pytest.param(reply(b"answer and more", length=6), id="more than announced"),
    ],
)
def test_a_body_however_it_is_framed(answer: bytes, serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(answering(answer))
    transport = transport_of()
    for _ in range(2):
        got = ask(server.url, transport=transport)
        assert (got.body, got.problem) == (b"answer", None)


def test_a_body_that_ends_with_its_connection(serve: Serve, ask: Ask) -> None:
    got = ask(serve(after_reading(b"HTTP/1.0 200 OK\r\n\r\nanswer")).url)
    assert (got.body, got.problem) == (b"answer", None)


def test_an_empty_body_is_no_broken_gzip(serve: Serve, ask: Ask) -> None:
    got = ask(serve(answering(reply(b"", "200 OK", "Content-Encoding: gzip"))).url)
    assert (got.body, got.problem) == (b"", None)


def test_a_large_body_comes_whole(serve: Serve, ask: Ask) -> None:
    body = os.urandom(3_000_000)
    server = serve(answering(reply(gzip.compress(body), "200 OK", "Content-Encoding: gzip")))
    got = ask(server.url, max_bytes=len(body))
    assert got.problem is None
    assert got.body == body


def test_a_large_request_goes_whole(serve: Serve, ask: Ask) -> None:
    body = os.urandom(3_000_000)
    assert ask(serve(echo).url, body, max_bytes=len(body)).body == body


def test_headers_are_those_given_and_no_others(
    serve: Serve, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(echo)
    ask(server.url)
    sent = headers_of(server.requests[0])
    assert sent == {
        "host": server.url.removeprefix("http://"),
        "user-agent": "tests",
        "content-length": "3",
        "accept-encoding": "identity",
    }


def test_no_cookie_is_kept(serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(answering(reply(b"", "200 OK", "Set-Cookie: session=1; Path=/")))
    transport = transport_of()
    ask(server.url, transport=transport)
    ask(server.url, transport=transport)
    assert "cookie" not in headers_of(server.requests[1])


# Nothing was sent.


def test_refused(ask: Ask) -> None:
    with refused_port() as port, pytest.raises(NotSentError, match=f"127.0.0.1:{port}: the connection was refused"):
        ask(f"http://127.0.0.1:{port}")


def test_a_name_that_is_unknown(ask: Ask) -> None:
    with pytest.raises(NotSentError, match=r"nope\.invalid: its name cannot be resolved"):
        ask("http://nope.invalid")


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="elsewhere a full backlog refuses")
def test_no_connection_in_time(ask: Ask) -> None:
    with full_backlog() as port, pytest.raises(NotSentError, match=r"no connection within 0\.2 s"):
        ask(f"http://127.0.0.1:{port}", timeout=Timeout(0.2, 5, 10))


def test_the_deadline_bounds_the_connecting_too(ask: Ask) -> None:
    with full_backlog() as port, pytest.raises(NotSentError):
        ask(f"http://127.0.0.1:{port}", timeout=Timeout(5, 5, 0.2))


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int], seconds: float = 0) -> None:
    """Let the name sms.invalid have these addresses, which are known after so many seconds."""
    resolve = socket.getaddrinfo

    def answer(host: Any, *given: Any, **options: Any) -> Any:
        if host not in ("sms.invalid", b"sms.invalid"):
            return resolve(host, *given, **options)
        time.sleep(seconds)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_several_addresses_of_a_name_are_tried(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(echo)
    with refused_port() as port:
        resolving(monkeypatch, ("127.0.0.1", port), ("127.0.0.1", server.port))
        assert ask("http://sms.invalid").body == b"ask"


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="elsewhere a full backlog refuses")
@pytest.mark.parametrize("alive", [False, True])
def test_dead_addresses_share_the_time(alive: bool, serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(echo)
    with full_backlog() as port:
        dead = [("127.0.0.1", port)] * 3
        resolving(monkeypatch, *dead, *([("127.0.0.1", server.port)] if alive else []))
        started = time.monotonic()
        if alive:
            assert ask("http://sms.invalid", timeout=Timeout(4, 5, 10)).body == b"ask"
        else:
            with pytest.raises(NotSentError, match=r"no connection within 0\.4 s"):
                ask("http://sms.invalid", timeout=Timeout(0.4, 5, 10))
            assert time.monotonic() - started < 3


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch)
    transport = Transport(
        configure({"base_url": "http://sms.invalid", "username": "u", "password": "p", "proxies": {}})
    )
    request = HttpRequest("POST", "http://sms.invalid/", {}, SecretBytes(b""), QUICK, 1024)
    with pytest.raises(NotSentError, match="its name cannot be resolved"):
        transport.exchange(request)
    transport.close()


def test_connections_are_made_without_threads_too(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("jzysoap"):
            raise RuntimeError("can't start new thread")
        start(thread)

    server = serve(echo)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert ask(server.url).body == b"ask"


def test_an_adapter_works_as_before_outside_of_an_exchange(serve: Serve) -> None:
    server = serve(echo)
    adapter = HTTPAdapter()
    given = {"base_url": server.url, "username": "u", "password": "p", "adapter": adapter}
    transport = Transport(configure(given))
    with requests.Session() as session:
        session.mount("http://", adapter)
        assert session.post(server.url, data=b"ask", timeout=10).content == b"ask"
    transport.close()


def test_a_name_that_resolves_slowly(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(echo)
    resolving(monkeypatch, ("127.0.0.1", server.port), seconds=1)
    started = time.monotonic()
    with pytest.raises(NotSentError, match=r"no connection within 0\.2 s"):
        ask("http://sms.invalid", timeout=Timeout(0.2, 5, 10))
    with pytest.raises(NotSentError, match=r"the deadline of 0\.2 s is past"):
        ask("http://sms.invalid", timeout=Timeout(5, 5, 0.2))
    assert time.monotonic() - started < 0.9
    assert server.requests == []


def test_an_address_that_is_none(ask: Ask) -> None:
    with pytest.raises(NotSentError):
        ask("http://.")


def test_a_certificate_that_is_not_trusted(serve: Serve, ask: Ask, tls: ssl.SSLContext) -> None:
    server = serve(over_tls(tls, echo))
    with pytest.raises(NotSentError, match="its certificate is not trusted"):
        ask(server.url.replace("http:", "https:"))
    assert server.requests == []


def test_plain_text_where_tls_was_meant(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(reply(b"no TLS here"))

    server = serve(handle)
    with pytest.raises(NotSentError, match="it does not speak TLS: try http://"):
        ask(server.url.replace("http:", "https:"))


def test_tls_where_plain_text_was_meant(serve: Serve, ask: Ask, tls: ssl.SSLContext) -> None:
    """A server that speaks TLS answers a plain request with an alert."""
    for alert in (b"\x15\x03\x01\x00\x02\x02\x46", b"\x15\x03\x03\x00\x02\x01\x00"):
        server = serve(after_reading(alert))
        with pytest.raises(OutcomeUnknownError, match="it speaks TLS: try https://"):
            ask(server.url)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("127.0.0.1", {"not_after": datetime(2020, 1, 1, tzinfo=UTC)}, "its certificate has expired"),
        (
            "127.0.0.1",
            {"not_before": LATER, "not_after": LATER + timedelta(days=1)},
            "its certificate is not valid yet",
        ),
        ("other.invalid", {}, "its certificate is for another"),
    ],
)
def test_faults_of_certificates_are_told_apart(
    name: str,
    options: dict[str, Any],
    words: str,
    serve: Serve,
    ask: Ask,
    authority: trustme.CA,
    authority_file: Path,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(context)
    server = serve(over_tls(context, echo))
    with pytest.raises(NotSentError, match=words):
        ask(server.url.replace("http:", "https:"), verify=authority_file)


RUBBISH = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("content", [None, b"", b"rubbish", RUBBISH], ids=["gone", "empty", "rubbish", "damaged"])
@pytest.mark.parametrize("name", ["verify", "cert", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_cannot_be_used_are_named(
    name: str, content: bytes | None, serve: Serve, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pem"
    options: dict[str, Any] = {}
    if name.isupper():
        monkeypatch.setenv(name, str(path))
    else:
        options[name] = str(path)
    if content is None:
        # The file vanished after the client had been made.
        monkeypatch.setattr(os.path, "exists", lambda _: True)
    else:
        path.write_bytes(content)
    server = serve(echo)
    with pytest.raises(ConfigurationError, match=f"^{name} is not a usable .*x.pem"):
        ask(server.url.replace("http:", "https:"), **options)
    assert server.requests == []
    # Without TLS, nobody needs a certificate.
    assert ask(server.url, **options).body == b"ask"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENETUNREACH, "the network has no way to it"), (errno.EMFILE, "this process has too many open files")],
)
def test_failures_of_the_system_are_named(number: int, words: str, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", fail)
    with pytest.raises(NotSentError, match=words):
        ask("http://127.0.0.1:9")


def test_a_tls_handshake_that_never_ends(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with pytest.raises(NotSentError):
        ask(serve(handle).url.replace("http:", "https:"), timeout=Timeout(0.3, 5, 10))


# Something was sent, and no reply came.


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        pytest.param(lambda *_: None, "the connection was closed", id="accepted, then closed"),
        pytest.param(after_reading(b""), "the connection was closed", id="no answer"),
        pytest.param(after_reading(b"HTTP/1.1 200 O"), "the connection was closed", id="half a status line"),
        pytest.param(after_reading(b"HTTP/1.1 200 OK\r\n"), "the connection was closed", id="status line only"),
        pytest.param(
            after_reading(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Le"),
            "the connection was closed",
            id="half the headers",
        ),
        pytest.param(after_reading(b"SSH-2.0-OpenSSH_9.2\r\n"), "the answer is not valid HTTP", id="another protocol"),
        pytest.param(after_reading(b"\x00\xff" * 99 + b"\r\n\r\n"), "the answer is not valid HTTP", id="garbage"),
        pytest.param(
            after_reading(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000),
            "the answer is not valid HTTP",
            id="endless header",
        ),
        pytest.param(then_silent(b""), "nothing came for 0.5 s", id="silence"),
        pytest.param(then_silent(b"HTTP/1.1 200 OK\r\n"), "nothing came for 0.5 s", id="silence in the headers"),
        pytest.param(trickling(reply(b"answer"), 0.05), "the deadline of 1 s is past", id="trickled headers"),
    ],
)
def test_no_answer(handler: Handler, reason: str, serve: Serve, ask: Ask) -> None:
    server = serve(handler)
    with pytest.raises(OutcomeUnknownError) as caught:
        ask(server.url, timeout=QUICK)
    assert str(caught.value) == f"no answer from {server.url[7:]} after the request had left: {reason}"
    assert server.connections == 1


def test_a_request_that_is_not_taken_in_time(serve: Serve, ask: Ask) -> None:
    released = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        released.wait(10)

    server = serve(handle)
    try:
        with pytest.raises(OutcomeUnknownError, match=r"nothing came for 0\.5 s"):
            ask(server.url, bytes(20_000_000), timeout=QUICK)
    finally:
        released.set()


def test_a_request_that_is_taken_too_slowly(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while connection.recv(65536):
            time.sleep(0.02)

    with pytest.raises(OutcomeUnknownError, match="the deadline of 1 s is past"):
        ask(serve(handle).url, bytes(50_000_000), timeout=Timeout(5, 10, 1))


def test_garbage_over_tls_after_the_request(serve: Serve, ask: Ask, tls: ssl.SSLContext, authority_file: Path) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        with socket.socket(fileno=os.dup(connection.fileno())) as bare:
            bare.sendall(reply(b"plain text"))

    server = serve(over_tls(tls, handle))
    with pytest.raises(OutcomeUnknownError, match="TLS failed"):
        ask(server.url.replace("http:", "https:"), verify=authority_file)
    assert len(server.requests) == 1


def read_in_part(server: RawServer, connection: socket.socket) -> None:
    """Reads some of the request, then resets the connection."""
    left = 50_000
    while left > 0:
        left -= len(connection.recv(16384))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


GATEWAY = "gateway.invalid"
"""A host that only a proxy could reach."""


class SlowPath(HTTPAdapter):
    """Its connections take as little at once as those over a slow path."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, socket_options=[(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)], **kwargs)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_that_was_read_in_part(
    scheme: str, serve: Serve, ask: Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    server = serve(over_tls(tls, read_in_part) if scheme == "https" else read_in_part)
    with pytest.raises(OutcomeUnknownError) as caught:
        ask(server.url.replace("http:", f"{scheme}:"), bytes(1_000_000), adapter=SlowPath(), verify=authority_file)
    assert isinstance(caught.value.__cause__, OSError)
    assert server.connections == 1


def test_a_request_over_tls_that_is_read_too_slowly(
    serve: Serve, ask: Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while connection.recv(16384):
            time.sleep(0.02)

    server = serve(over_tls(tls, handle))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknownError, match="the deadline of 1 s is past"):
        ask(
            server.url.replace("http:", "https:"),
            bytes(50_000_000),
            adapter=SlowPath(),
            verify=authority_file,
            timeout=Timeout(5, 10, 1),
        )
    assert time.monotonic() - started < 5


def test_a_malformed_head_is_not_logged(serve: Serve, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    answer = reply(b"answer", "200 OK", "X: y", "secret without a colon", "Content-Length: 6")
    assert ask(serve(after_reading(answer)).url).body.startswith(b"answer")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


# A reply of which not all came.


def chunked(*chunks: bytes) -> bytes:
    return reply(b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks), "200 OK", "Transfer-Encoding: chunked")


PACKED = gzip.compress(b"answer" * 100)


@pytest.mark.parametrize(
    ("handler", "body", "problem"),
    [
        pytest.param(
            after_reading(reply(b"", length=12)), b"", "the connection ended after 0 of 12 bytes", id="headers only"
        ),
        pytest.param(
            after_reading(reply(b"answer", length=12)),
            b"answer",
            "the connection ended after 6 of 12 bytes",
            id="half a body",
        ),
        pytest.param(then_silent(reply(b"answer", length=12)), b"answer", "nothing came for 0.5 s", id="silence"),
        pytest.param(trickling(reply(b"")[:-4] + b"\r\nX: y\r\n\r\n", 0, 999), b"", None, id="nothing to come"),
        pytest.param(after_reading(chunked(b"answer")), b"answer", "the connection was closed", id="no last chunk"),
        pytest.param(
            after_reading(chunked(b"answer") + b"6\r\nans"), b"answerans", "the connection was closed", id="cut chunk"
        ),
        pytest.param(
            after_reading(chunked(b"answer") + b"six\r\nanswer\r\n"),
            b"answer",
            "the connection was closed",
            id="a chunk without size",
        ),
        pytest.param(
            then_silent(chunked(b"answer") + b"0\r\n"), b"answer", "nothing came for 0.5 s", id="no end of the trailer"
        ),
        pytest.param(
            after_reading(reply(PACKED[:-20], "200 OK", "Content-Encoding: gzip")),
            zlib.decompressobj(31).decompress(PACKED[:-20]),
            "its compressed data ends in the middle",
            id="gzip cut",
        ),
        pytest.param(
            after_reading(reply(b"\0answer", "200 OK", "Content-Encoding: gzip")),
            b"\0answer",
            "its compression is broken",
            id="no gzip at all",
        ),
        pytest.param(
            after_reading(reply(PACKED[:1], "200 OK", "Content-Encoding: gzip")),
            PACKED[:1],
            "its compressed data ends in the middle",
            id="a byte of gzip",
        ),
        pytest.param(
            after_reading(reply(PACKED[:-8] + bytes(200_000), "200 OK", "Content-Encoding: gzip")),
            b"answer" * 100,
            "its compression is broken",
            id="gzip with a wrong checksum",
        ),
        pytest.param(
            after_reading(reply(gzip.compress(b"x" * 1025)[:-8] + bytes(8), "200 OK", "Content-Encoding: gzip")),
            b"x" * 1024,
            "it is larger than 1,024 bytes",
            id="gzip with a wrong checksum over the cap",
        ),
        pytest.param(
            after_reading(reply(b"\0answer", "200 OK", "Content-Encoding: br")),
            b"\0answer",
            "its Content-Encoding is not supported",
            id="unsupported encoding",
        ),
        pytest.param(
            after_reading(reply(bytes(1025))), bytes(1024), "it is larger than 1,024 bytes", id="over the cap"
        ),
        pytest.param(
            after_reading(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            b"",
            "only an interim answer came (HTTP status 101)",
            id="interim answer",
        ),
    ],
)
def test_what_came_of_a_body(handler: Handler, body: bytes, problem: str | None, serve: Serve, ask: Ask) -> None:
    got = ask(serve(handler).url, timeout=QUICK, max_bytes=1024)
    assert (got.status // 100 in (1, 2), got.body, got.problem) == (True, body, problem)


def test_a_body_that_trickles_past_the_deadline(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(reply(b"", length=1000))
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.05)

    got = ask(serve(handle).url, timeout=QUICK)
    assert got.problem == "the deadline of 1 s is past"
    assert set(got.body) == set(b"x")
    assert 0 < len(got.body) < 1000


def test_a_reply_of_two_gigabytes_that_never_comes(serve: Serve, ask: Ask) -> None:
    server = serve(after_reading(reply(b"answer", length=2**31)))
    tracemalloc.start()
    try:
        got = ask(server.url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got.problem == "the connection ended after 6 of 2,147,483,648 bytes"
    assert peak < 4_000_000


def test_a_reply_that_never_ends(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(65536))

    got = ask(serve(handle).url, max_bytes=100_000)
    assert (len(got.body), got.problem) == (100_000, "it is larger than 100,000 bytes")


def test_ten_megabytes_that_hold_ten_gigabytes(serve: Serve, ask: Ask) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = reply(first + again * (10_000_000 // len(again)), "200 OK", "Content-Encoding: gzip")
    server = serve(after_reading(bomb))
    tracemalloc.start()
    try:
        got = ask(server.url, max_bytes=1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(got.body), got.problem) == (1 << 20, "it is larger than 1,048,576 bytes")
    assert peak < 8_000_000


# Connections: kept, dropped, never mixed up.


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(b"short", length=99), id="not whole"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="interim"),
    ],
)
def test_a_connection_with_a_reply_yet_to_come_is_not_used_again(
    answer: bytes, serve: Serve, transport_of: Open, ask: Ask
) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        first = server.connections == 1
        server.read_request(connection)
        if first:
            connection.sendall(answer)
            connection.recv(1)
        else:
            connection.sendall(reply(b"second"))

    server = serve(handle)
    transport = transport_of()
    assert ask(server.url, transport=transport, timeout=QUICK).problem is not None
    assert ask(server.url, transport=transport, timeout=QUICK).body == b"second"
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_replaced(serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(answering(reply(b"1"), reply(b"2"), close=True))
    transport = transport_of()
    assert ask(server.url, transport=transport).body == b"1"
    server_is_done(server)
    assert ask(server.url, transport=transport).body == b"2"
    assert (server.connections, len(server.requests)) == (2, 2)


def server_is_done(server: RawServer) -> None:
    """Waits until the first connection is closed at the server's side."""
    server._threads[0].join(5)
    # What it sent last may still be on its way.
    time.sleep(0.05)


def test_a_connection_idle_for_too_long_is_replaced(serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(echo)
    transport = transport_of(max_idle=0.1)
    for pause, connections in ((0, 1), (0, 1), (0.3, 2)):
        time.sleep(pause)
        ask(server.url, transport=transport)
        assert server.connections == connections


@pytest.mark.parametrize("late", [False, True])
def test_a_second_answer_is_nobodys(late: bool, serve: Serve, transport_of: Open, ask: Ask) -> None:
    received, strayed = threading.Semaphore(0), threading.Semaphore(0)

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            answer = reply(request.partition(b"\r\n\r\n")[2])
            connection.sendall(answer if late else answer + reply(b"stray"))
            if late:
                received.acquire(timeout=10)
                connection.sendall(reply(b"stray"))
            strayed.release()

    server = serve(handle)
    transport = transport_of()
    for number in range(3):
        assert ask(server.url, b"%d" % number, transport=transport).body == b"%d" % number
        received.release()
        strayed.acquire(timeout=10)
    assert len(server.requests) == 3


def test_many_threads_get_their_own_replies(
    serve: Serve, transport_of: Open, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "urllib3")
    server = serve(echo)
    transport = transport_of()
    wrong: list[object] = []

    def work(worker: int) -> None:
        for number in range(20):
            body = b"%d/%d" % (worker, number)
            try:
                answer: object = ask(server.url, body, transport=transport).body
            except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
                answer = error
            if answer != body:
                wrong.append((body, answer))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.requests) == 32 * 20


def test_close_closes_and_refuses(serve: Serve, transport_of: Open, ask: Ask) -> None:
    server = serve(echo)
    transport = transport_of()
    ask(server.url, transport=transport)
    transport.close()
    server._threads[0].join(5)
    assert not server._threads[0].is_alive()
    with pytest.raises(ConfigurationError, match="closed"):
        ask(server.url, transport=transport)
    transport.close()


@contextlib.contextmanager
def interrupted(after: float) -> Iterator[None]:
    """A Ctrl-C in a while."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers that interrupt")
@pytest.mark.parametrize("came", [b"", b"HTTP/1.1 200 OK\r\nX", reply(b"half", length=8)])
def test_an_interrupt_drops_the_connection(came: bytes, serve: Serve, transport_of: Open, ask: Ask) -> None:
    closed = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        first = server.connections == 1
        server.read_request(connection)
        if not first:
            connection.sendall(reply(b"second"))
            return
        connection.sendall(came)
        if connection.recv(1) == b"":
            closed.set()

    server = serve(handle)
    transport = transport_of()
    with pytest.raises(KeyboardInterrupt), interrupted(0.2):
        ask(server.url, transport=transport)
    assert closed.wait(5)
    assert ask(server.url, transport=transport).body == b"second"


# Tried again, but only before the first byte.


def test_a_port_that_opens_a_moment_later(ask: Ask) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        got: list[bytes] = []

        def serve() -> None:
            time.sleep(0.05)
            listener.listen()
            with listener.accept()[0] as connection:
                got.append(connection.recv(65536))
                connection.sendall(reply(b"answer"))

        thread = threading.Thread(target=serve)
        thread.start()
        assert ask(f"http://127.0.0.1:{listener.getsockname()[1]}").body == b"answer"
        thread.join()
    assert len(got) == 1


def test_no_attempt_is_made_past_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    # The pause before a second attempt would take five seconds at least.
    monkeypatch.setattr(failures, "FIRST_PAUSE", 10.0)
    transport = Transport(configure({"base_url": "http://localhost", "username": "u", "password": "p"}))
    started = time.monotonic()
    with refused_port() as port, pytest.raises(NotSentError):
        transport.exchange(HttpRequest("GET", f"http://127.0.0.1:{port}", {}, None, Timeout(1, 1, 0.05), 1024))
    assert time.monotonic() - started < 5
    transport.close()


class SlowToSpeak(HTTPConnection):
    """A connection that thinks before it speaks."""

    def connect(self) -> None:
        super().connect()
        time.sleep(0.2)


class SlowPool(urllib3.HTTPConnectionPool):
    ConnectionCls = SlowToSpeak


class SlowAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": SlowPool}


def test_an_answer_before_the_request_is_no_answer(serve: Serve, ask: Ask) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        if server.connections > 1:
            echo(server, connection)
            return
        connection.sendall(reply(b"you are too slow", "408 HttpRequest Timeout"))
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = serve(handle)
    assert ask(server.url, adapter=SlowAdapter()).body == b"ask"
    assert (server.connections, len(server.requests)) == (2, 1)


# TLS.


def test_tls_with_an_authority_of_ones_own(
    serve: Serve, transport_of: Open, ask: Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    server = serve(over_tls(tls, echo))
    transport = transport_of(verify=authority_file)
    for _ in range(2):
        assert ask(server.url.replace("http:", "https:"), bytes(100_000), transport=transport).body == bytes(100_000)
    assert server.connections == 1


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_unverified(
    serve: Serve, ask: Ask, tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent"))
    assert ask(serve(over_tls(tls, echo)).url.replace("http:", "https:"), verify=False).body == b"ask"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_authorities_are_settled_once(
    variable: str,
    serve: Serve,
    transport_of: Open,
    ask: Ask,
    tls: ssl.SSLContext,
    authority_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = serve(over_tls(tls, echo)).url.replace("http:", "https:")
    before = transport_of()
    monkeypatch.setenv(variable, str(authority_file))
    transport = transport_of()
    with pytest.raises(NotSentError, match="not trusted"):
        ask(url, transport=before)
    monkeypatch.delenv(variable)
    assert ask(url, transport=transport).body == b"ask"


def test_a_client_certificate(
    serve: Serve, ask: Ask, authority: trustme.CA, authority_file: Path, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    url = serve(over_tls(context, echo)).url.replace("http:", "https:")
    mine = tmp_path / "mine.pem"
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(mine))
    assert ask(url, verify=authority_file, cert=str(mine)).body == b"ask"


# urllib3 1.26 uses deprecated parts of pyOpenSSL, and leaves a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:unclosed:ResourceWarning")
def test_tls_by_pyopenssl(serve: Serve, ask: Ask, tls: ssl.SSLContext, authority_file: Path) -> None:
    from urllib3.contrib import pyopenssl

    server = serve(over_tls(tls, echo))
    silent = serve(over_tls(tls, after_reading(b"")))
    # google-auth does the same for the whole process.
    pyopenssl.inject_into_urllib3()
    try:
        url = server.url.replace("http:", "https:")
        assert ask(url, bytes(1_000_000), verify=authority_file).body == bytes(1_000_000)
        with pytest.raises(OutcomeUnknownError):
            ask(silent.url.replace("http:", "https:"), verify=authority_file)
        with pytest.raises(NotSentError):
            ask(url)
    finally:
        pyopenssl.extract_from_urllib3()
        gc.collect()
    assert (len(server.requests), len(silent.requests)) == (1, 1)


# Redirects and proxies.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_no_redirect_is_followed(status: int, elsewhere: bool, serve: Serve, ask: Ask) -> None:
    other = serve(echo)
    target = f"{other.url}/path" if elsewhere else "/other"
    server = serve(answering(reply(b"", f"{status} Moved", f"Location: {target}")))
    got = ask(server.url)
    assert (got.status, got.headers["location"]) == (status, target)
    assert (len(server.requests), other.connections) == (1, 0)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_has_no_proxy(given: bool, host: str, serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(echo)
    with refused_port() as port:
        proxy = f"http://127.0.0.1:{port}"
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy)
        assert ask(f"http://{host}:{server.port}", proxies={"http": proxy} if given else None).body == b"ask"


@pytest.mark.parametrize("host", ["127.1.2.3", "[::1]", "localhost", "sms.localhost"])
def test_what_loopback_is(host: str) -> None:
    arguments = {"base_url": "http://x", "username": "u", "password": "p", "proxies": {"http": "http://proxy.invalid"}}
    assert proxy_for(configure(arguments), f"http://{host}:9003/path") == ""


@pytest.mark.parametrize("inner", ["http", "https"])
def test_a_proxy_over_tls_is_verified(inner: str, serve: Serve, ask: Ask, tls: ssl.SSLContext) -> None:
    proxy = serve(over_tls(tls, echo))
    with pytest.raises(NotSentError, match="its certificate is not trusted"):
        ask(f"{inner}://{GATEWAY}", proxies={inner: proxy.url.replace("http:", "https:")})
    assert proxy.requests == []


def test_a_plain_request_through_a_proxy_over_tls(
    serve: Serve, ask: Ask, tls: ssl.SSLContext, authority_file: Path
) -> None:
    proxy = serve(over_tls(tls, echo))
    address = proxy.url.replace("http://", "https://me:geheim@")
    assert ask(f"http://{GATEWAY}", proxies={"http": address}, verify=authority_file).body == b"ask"
    assert proxy.requests[0].startswith(b"POST http://gateway.invalid/path HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6Z2VoZWlt\r\n" in proxy.requests[0]


def test_a_proxy_never_gets_the_client_certificate(
    serve: Serve, ask: Ask, authority: trustme.CA, authority_file: Path, tmp_path: Path
) -> None:
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(asking)
    authority.configure_trust(asking)
    asking.verify_mode = ssl.CERT_OPTIONAL
    shown: list[Any] = []

    def handle(server: RawServer, connection: Any) -> None:
        shown.append(connection.getpeercert())
        echo(server, connection)

    mine = tmp_path / "mine.pem"
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(mine))
    url = serve(over_tls(asking, handle)).url.replace("http:", "https:")
    options: Any = {"verify": authority_file, "cert": (str(mine), str(mine))}
    ask(url, **options)
    ask(f"http://{GATEWAY}", proxies={"http": url}, **options)
    assert [bool(one) for one in shown] == [True, False]


@pytest.mark.parametrize("given", [True, False])
def test_a_proxy_carries_the_request(
    given: bool, serve: Serve, ask: Ask, transport_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(echo)
    if not given:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
    transport = transport_of(proxies={"http": proxy.url} if given else None)
    for _ in range(2):
        assert ask("http://gateway.invalid:9003", transport=transport).body == b"ask"
    assert proxy.requests[0].startswith(b"POST http://gateway.invalid:9003/path HTTP/1.1\r\n")
    assert proxy.connections == 1


def test_each_scheme_has_its_own_proxy(serve: Serve, transport_of: Open, ask: Ask) -> None:
    one, other = serve(answering(reply(b"one"))), serve(answering(reply(b"", "403 Forbidden")))
    transport = transport_of(proxies={"http": one.url, "https": other.url})
    assert ask("http://gateway.invalid", transport=transport).body == b"one"
    with pytest.raises(NotSentError, match=r"the proxy failed \(HTTP status 403\)$"):
        ask("https://gateway.invalid", transport=transport)
    assert other.requests[0].startswith(b"CONNECT gateway.invalid:443 ")


def test_a_proxy_that_reads_and_closes(serve: Serve, ask: Ask) -> None:
    with pytest.raises(OutcomeUnknownError, match="the proxy failed"):
        ask("http://gateway.invalid", proxies={"http": serve(after_reading(b"")).url})


def test_a_proxy_that_is_not_there(ask: Ask) -> None:
    with refused_port() as port, pytest.raises(NotSentError, match="the connection was refused"):
        ask("http://gateway.invalid", proxies={"http": f"http://127.0.0.1:{port}"})


@pytest.mark.parametrize("answer", [reply(b"", "403 Forbidden"), b"", b"HTTP/1.1 200 OK\r\n"])
def test_a_tunnel_that_is_refused(answer: bytes, serve: Serve, ask: Ask) -> None:
    proxy = serve(after_reading(answer))
    with pytest.raises(NotSentError):
        ask("https://gateway.invalid:9003", proxies={"https": proxy.url})
    assert {request.split(b" HTTP")[0] for request in proxy.requests} == {b"CONNECT gateway.invalid:9003"}


def test_a_tunnel_that_never_opens(serve: Serve, ask: Ask) -> None:
    with pytest.raises(NotSentError):
        ask("https://gateway.invalid", proxies={"https": serve(then_silent(b"")).url}, timeout=QUICK)


def test_a_tunnel(serve: Serve, transport_of: Open, ask: Ask, authority: trustme.CA, authority_file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("gateway.invalid").configure_cert(context)

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        over_tls(context, echo)(server, connection)

    proxy = serve(handle)
    transport = transport_of(proxies={"https": proxy.url}, verify=authority_file)
    for _ in range(2):
        assert ask("https://gateway.invalid", transport=transport).body == b"ask"
    assert [request.split(b" ")[0] for request in proxy.requests] == [b"CONNECT", b"POST", b"POST"]


# The user's own adapter.


def test_an_adapter_with_its_own_source_address(serve: Serve, ask: Ask) -> None:
    class FromElsewhere(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, source_address=("127.0.0.2", 0), **kwargs)

    peers: list[str] = []

    def handle(server: RawServer, connection: socket.socket) -> None:
        peers.append(connection.getpeername()[0])
        echo(server, connection)

    assert ask(serve(handle).url, adapter=FromElsewhere()).body == b"ask"
    assert peers == ["127.0.0.2"]


def test_an_adapter_is_of_use_elsewhere_too(serve: Serve, ask: Ask) -> None:
    server = serve(echo)
    adapter = HTTPAdapter()
    ask(server.url, adapter=adapter)
    with requests.Session() as session:
        session.mount("http://", adapter)
        assert session.post(server.url, data=b"mine").content == b"mine"


@pytest.mark.parametrize("retries", [3, Retry(3, allowed_methods=None), Retry(None, connect=1)])
def test_an_adapter_that_repeats_is_refused(retries: int | Retry) -> None:
    with pytest.raises(ConfigurationError, match="text people twice"):
        Transport(configure({"base_url": "http://x", "username": "u", "password": "p", "adapter": _retrying(retries)}))


def _retrying(retries: int | Retry) -> HTTPAdapter:
    return HTTPAdapter(max_retries=retries)


def test_a_foreign_adapter_that_repeats_is_refused(transport_of: Open) -> None:
    adapter = Foreign(lambda _: requests.Response())
    adapter.max_retries = 2
    with pytest.raises(ConfigurationError, match="text people twice"):
        transport_of(adapter=adapter)


@pytest.mark.parametrize("retries", [0, Retry(0), Retry(False)])
def test_an_adapter_that_does_not_repeat_is_taken(retries: int | Retry, serve: Serve, ask: Ask) -> None:
    assert ask(serve(echo).url, adapter=_retrying(retries)).body == b"ask"


def test_what_is_no_adapter_is_refused(transport_of: Open) -> None:
    with pytest.raises(ConfigurationError, match="must be a requests adapter"):
        transport_of(adapter=requests.Session())


def test_of_a_foreign_adapter_nothing_is_known(ask: Ask) -> None:
    def fail(request: requests.PreparedRequest) -> requests.Response:
        raise LookupError("I am not of this world")

    with pytest.raises(OutcomeUnknownError, match="LookupError"):
        ask("http://gateway.invalid", adapter=Foreign(fail))


def test_what_a_foreign_adapter_knows_better_is_believed(ask: Ask) -> None:
    def fail(request: requests.PreparedRequest) -> requests.Response:
        raise NotSentError("a test wants it so")

    with pytest.raises(NotSentError, match="a test wants it so"):
        ask("http://gateway.invalid", adapter=Foreign(fail))


@pytest.mark.parametrize(
    "raw",
    [
        io.BytesIO(b"answer"),
        urllib3.HTTPResponse(io.BytesIO(gzip.compress(b"answer")), {"Content-Encoding": "gzip"}, preload_content=False),
    ],
    ids=["file", "urllib3"],
)
def test_a_foreign_adapters_answer(raw: Any, ask: Ask) -> None:
    def answer(request: requests.PreparedRequest) -> requests.Response:
        assert request.body == b"ask"
        response = requests.Response()
        response.status_code = 200
        response.raw = raw
        response.headers.update(getattr(raw, "headers", {}))
        return response

    got = ask("http://gateway.invalid", adapter=Foreign(answer))
    assert (got.body, got.problem) == (b"answer", None)


class Breaking:
    """A file of whose content some can be read."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, _size: int) -> bytes:
        if not self._pieces:
            raise RuntimeError("secret")
        return self._pieces.pop(0)

    def close(self) -> None:
        pass


def test_what_a_foreign_adapter_gave_before_it_broke_is_kept(ask: Ask) -> None:
    def answer(raw: Breaking) -> Foreign:
        response = requests.Response()
        response.status_code = 200
        response.raw = raw
        return Foreign(lambda _: response)

    got = ask("http://gateway.invalid", adapter=answer(Breaking(b"half ", b"of it")))
    assert (got.body, got.problem) == (b"half of it", "RuntimeError")
    with pytest.raises(OutcomeUnknownError, match=r"RuntimeError$"):
        ask("http://gateway.invalid", adapter=answer(Breaking()))


def test_a_foreign_adapters_answer_that_cannot_be_read(ask: Ask) -> None:
    with pytest.raises(OutcomeUnknownError, match="AttributeError"):
        ask("http://gateway.invalid", adapter=Foreign(lambda _: requests.Response()))


def test_an_adapter_that_changes_the_body(serve: Serve, ask: Ask) -> None:
    class Changing(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            request.body = bytearray(b"sky")  # type: ignore[assignment]  # urllib3 takes any buffer
            return super().send(request, *args, **kwargs)

    assert ask(serve(echo).url, adapter=Changing()).body == b"sky"


def test_an_adapter_that_takes_the_body_away(serve: Serve, ask: Ask) -> None:
    class Bare(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            request.body = None
            request.headers["content-length"] = "0"
            return super().send(request, *args, **kwargs)

    assert ask(serve(echo).url, adapter=Bare()).body == b""


# A request counts as sent, unless a watched connection could not be made.


class OwnConnections(HTTPAdapter):
    """An adapter whose connections come from pools that nobody watches."""

    def __init__(self) -> None:
        super().__init__()
        self.own = urllib3.PoolManager()

    def get_connection(self, url: Any, *_: Any) -> Any:
        return self.own.connection_from_url(url)

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        return self.own.connection_from_url(request.url)

    def close(self) -> None:
        self.own.clear()
        super().close()


def test_connections_that_are_not_watched_prove_nothing(serve: Serve, ask: Ask) -> None:
    adapter = OwnConnections()
    server = serve(echo)
    assert ask(server.url, adapter=adapter).body == b"ask"
    assert len(server.requests) == 1
    silent = serve(after_reading(b""))
    with pytest.raises(OutcomeUnknownError):
        ask(silent.url, adapter=adapter)
    assert len(silent.requests) == 1
    with refused_port() as port, pytest.raises(OutcomeUnknownError, match="the connection was refused"):
        ask(f"http://127.0.0.1:{port}", adapter=adapter)


class Delegating(HTTPConnection):
    """A connection that leaves all to another one, as recording mocks and signing proxies do."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> None:
        self.inner = HTTPConnection(self.host, self.port)
        self.inner.request(method, url, *args, **kwargs)

    def getresponse(self) -> Any:
        return self.inner.getresponse()

    def close(self) -> None:
        if hasattr(self, "inner"):
            self.inner.close()
        super().close()


def adapter_of(connection: type[HTTPConnection], **options: Any) -> HTTPAdapter:
    """An adapter whose connections are of this class."""

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = connection

    adapter = HTTPAdapter(**options)
    adapter.poolmanager.pool_classes_by_scheme = {"http": Pool}
    return adapter


def test_a_connection_class_that_writes_in_its_own_way(serve: Serve, ask: Ask) -> None:
    server, silent = serve(echo), serve(after_reading(b""))
    assert ask(server.url, adapter=adapter_of(Delegating)).body == b"ask"
    with pytest.raises(OutcomeUnknownError):
        ask(silent.url, adapter=adapter_of(Delegating))
    # There is no other connection, such as one that only proves that the gateway can be reached.
    assert (len(server.requests), server.connections) == (len(silent.requests), silent.connections) == (1, 1)
    with refused_port() as port, pytest.raises(OutcomeUnknownError, match="the connection was refused"):
        ask(f"http://127.0.0.1:{port}", adapter=adapter_of(Delegating))


def test_a_mock_may_replace_the_connections_of_a_client_in_use(
    serve: Serve, transport_of: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(echo)
    transport = transport_of()
    ask(server.url, transport=transport)

    class Mock(HTTPConnection):
        def request(self, *_: Any, **__: Any) -> None:
            raise ConnectionAbortedError(103, "as the test wants it")

    with monkeypatch.context() as patch:
        patch.setattr(urllib3.HTTPConnectionPool, "ConnectionCls", Mock)
        with pytest.raises(OutcomeUnknownError, match="the connection was closed"):
            # A new pool, since the old one keeps the connections that it has.
            ask(server.url.replace("127.0.0.1", "localhost"), transport=transport)
    assert ask(server.url, transport=transport).body == b"ask"
    assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("target", ["requests.adapters.HTTPAdapter.send", "urllib3.HTTPConnectionPool.urlopen"])
def test_a_mock_in_place_of_a_library_may_have_sent(target: str, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise requests.exceptions.ConnectionError(ConnectionRefusedError(111, "as the test wants it"))

    monkeypatch.setattr(target, fail)
    with pytest.raises(OutcomeUnknownError, match="the connection was refused"):
        ask("http://gateway.invalid")


class OtherAdapter(HTTPAdapter):
    """Sends through another adapter first."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        with contextlib.suppress(requests.exceptions.ConnectionError), contextlib.closing(HTTPAdapter()) as other:
            return other.send(request, *args, **kwargs)
        # The next one is not there.
        request.url = "http://127.0.0.1:9/path"
        return super().send(request, *args, **kwargs)


class OtherPool(urllib3.HTTPConnectionPool):
    """Sends through another pool first."""

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return urllib3.HTTPConnectionPool(self.host, self.port).urlopen(method, url, *args, **kwargs)
        self.port = 9
        return super().urlopen(method, url, *args, **kwargs)


def test_an_adapter_that_also_sends_in_another_way_proves_nothing(serve: Serve, ask: Ask) -> None:
    with_pool = HTTPAdapter()
    with_pool.poolmanager.pool_classes_by_scheme = {"http": OtherPool}
    for adapter in (OtherAdapter(), with_pool):
        server = serve(after_reading(b""))
        with pytest.raises(OutcomeUnknownError, match="the connection was refused"):
            ask(server.url, adapter=adapter)
        assert len(server.requests) == 1


def test_a_second_connection_proves_nothing_about_the_first(serve: Serve, ask: Ask) -> None:
    class Again(Retry):
        """Repeats once, and does not look as if it would."""

        def increment(self, *_: Any, error: Any = None, **__: Any) -> Any:
            if isinstance(error, urllib3.exceptions.ProtocolError) and "refused" not in str(error):
                return self
            raise error

    class Once(HTTPConnection):
        made = 0

        def connect(self) -> None:
            Once.made += 1
            if Once.made > 1:
                raise ConnectionRefusedError(111, "refused")
            super().connect()

    server = serve(after_reading(b""))
    with pytest.raises(OutcomeUnknownError, match="the connection was refused"):
        ask(server.url, adapter=adapter_of(Once, max_retries=Again(0)))
    assert (Once.made, len(server.requests)) == (2, 1)


def test_no_connection_is_free_in_time(serve: Serve, transport_of: Open, ask: Ask) -> None:
    asked, done = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        asked.set()
        done.wait(10)
        connection.sendall(reply(b"answer"))

    server = serve(handle)
    transport = transport_of(adapter=HTTPAdapter(pool_maxsize=1, pool_block=True))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, server.url, transport=transport)
        assert asked.wait(10)
        with pytest.raises(NotSentError, match=r"no connection was free within 0\.2 s"):
            ask(server.url, transport=transport, timeout=Timeout(0.2, 5, 10))
        done.set()
        assert first.result(10).body == b"answer"
    assert len(server.requests) == 1
