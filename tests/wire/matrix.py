"""Every way the wire can fail, as data: what a server does, and what a send and a poll then raise.

``test_matrix`` plays each row for both interfaces and both clients; ``docs/failures.md`` shows the same rows, written
by ``python -m tests.wire.matrix``.
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import gzip
import itertools
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import trustme

from jzysoap import (
    ConfigurationError,
    HttpStatusError,
    IncompletePollError,
    JzySoapError,
    MalformedReplyError,
    NotSentError,
    OutcomeUnknownError,
    SoapFaultError,
    Timeout,
)
from tests.kit.documents import report, reports
from tests.kit.servers import RawServer, refused_port, reply
from tests.kit.soap import envelope, fault
from tests.kit.timeouts import PATIENT, QUICK_CONNECT, QUICK_READ, QUICK_TOTAL

REPORTS = reports(*(report(mobile, username="test") for mobile in ("15275427712", "13865193295")))
HTML = b"<html><head><title>Oops</title></head><body>Bad &nbsp; gateway<br></body></html>"


def operation_of(request: bytes) -> str:
    """Which of the two operations a request is for."""
    return "getSmsReport" if b"getSmsReport" in request else "sendSms"


def good(interface: str, operation: str) -> bytes:
    """A body with a result that says yes."""
    text = REPORTS if operation == "getSmsReport" else "success;337017332"
    return envelope(text, operation) if interface == "soap" else text.encode()


@dataclass
class Stage:
    """The stage on which a case is played.

    Attributes:
        interface: which of the two the client uses.
        options: more arguments for the client.
        servers: those that were started.
    """

    interface: str
    options: dict[str, Any] = field(default_factory=dict)
    servers: list[RawServer] = field(default_factory=list)

    @contextlib.contextmanager
    def server(self, handler: Callable[[RawServer, socket.socket], None]) -> Iterator[RawServer]:
        """A raw server that is up for as long."""
        with RawServer(handler) as server:
            self.servers.append(server)
            yield server


Serve = Callable[[Stage], contextlib.AbstractContextManager[str]]


class Same(enum.Enum):
    """The type of ``SAME``."""

    SAME = "as over SOAP"


SAME: Final = Same.SAME
"""Over the servlet, the same is raised as over SOAP."""

READ: Final = None
"""Nothing is raised: the answer is read."""


class JobLimit(Exception):  # noqa: N818  # as Celery's SoftTimeLimitExceeded
    """What a signal handler of the user's raises."""


Expected = type[JzySoapError | JobLimit] | None


@dataclass(frozen=True)
class Case:
    """One way to fail.

    Attributes:
        name: for the test's id.
        english, chinese: what happens, for the documentation.
        serve: sets the stage; gives the base address.
        send, poll: what is raised over SOAP, or ``READ``.
        servlet_send, servlet_poll: what is raised over the servlet, ``READ``, or ``SAME``. A poll that is ``READ``
            over the servlet only gives no records: an empty answer means that there are none.
        requests: how many requests may arrive, at most, in one call.
        sent: ``may_have_been_sent``, where it is not that of the error's class.
    """

    name: str
    _: KW_ONLY
    english: str
    chinese: str
    serve: Serve
    send: Expected
    poll: Expected
    servlet_send: Expected | Same = SAME
    servlet_poll: Expected | Same = SAME
    requests: int = 1
    sent: bool | None = None

    def expected(self, interface: str, operation: str) -> Expected:
        """The error that an operation raises over an interface, or ``READ``."""
        soap, servlet = (self.send, self.servlet_send) if operation == "send" else (self.poll, self.servlet_poll)
        return soap if interface == "soap" or servlet is SAME else servlet


def answered(make: Callable[[str, str], bytes], *, close: bool = False, **options: Any) -> Serve:
    """A server that answers with what is made of interface and operation."""

    @contextlib.contextmanager
    def serve(stage: Stage) -> Iterator[str]:
        def handle(server: RawServer, connection: socket.socket) -> None:
            while request := server.read_request(connection):
                connection.sendall(make(stage.interface, operation_of(request)))
                if close:
                    return

        stage.options.update(options)
        with stage.server(handle) as server:
            yield server.url

    return serve


def _at_the_jobs_limit(serve: Serve) -> Serve:
    """A signal handler ends the call while it waits for an answer, as task queues end a job."""

    @contextlib.contextmanager
    def limited(stage: Stage) -> Iterator[str]:
        def end(*_: object) -> None:
            raise JobLimit

        before = signal.signal(signal.SIGALRM, end)
        try:
            with serve(stage) as url:
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                yield url
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    return limited


def handled(handler: Callable[[RawServer, socket.socket], None], timeout: Timeout = PATIENT) -> Serve:
    """A server that does as it likes with each connection."""

    @contextlib.contextmanager
    def serve(stage: Stage) -> Iterator[str]:
        stage.options.update(timeout=timeout, poll_timeout=timeout)
        with stage.server(handler) as server:
            yield server.url

    return serve


def trickled(head: int, size: int) -> Serve:
    """A server that sends so many bytes at once and the rest in pieces, past the deadline."""

    @contextlib.contextmanager
    def serve(stage: Stage) -> Iterator[str]:
        def handle(server: RawServer, connection: socket.socket) -> None:
            request = server.read_request(connection)
            data = reply(good(stage.interface, operation_of(request)) + b" " * 4000)
            connection.sendall(data[:head])
            for start in range(head, len(data), size):
                connection.sendall(data[start : start + size])
                time.sleep(0.05)

        stage.options.update(timeout=QUICK_TOTAL, poll_timeout=QUICK_TOTAL)
        with stage.server(handle) as server:
            yield server.url

    return serve


@contextlib.contextmanager
def _unresolvable(_: Stage) -> Iterator[str]:
    yield "http://gateway.invalid:9003"


@contextlib.contextmanager
def _refused(_: Stage) -> Iterator[str]:
    with refused_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _unreachable(stage: Stage) -> Iterator[str]:
    # A listener whose queue is full answers no handshake, as a host behind a firewall does not.
    stage.options.update(timeout=QUICK_CONNECT, poll_timeout=QUICK_CONNECT)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@cache
def authority() -> trustme.CA:
    """A certificate authority of the tests' own."""
    return trustme.CA()


@cache
def authority_file() -> str:
    """The path of its certificate."""
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(authority().cert_pem.bytes())
    return file.name


def secured(
    *,
    trusted: bool = True,
    expired: bool = False,
    after: Callable[[ssl.SSLSocket, socket.socket], None] | None = None,
) -> Serve:
    """A server behind TLS; ``after`` gets the connection once the request was read."""

    @contextlib.contextmanager
    def serve(stage: Stage) -> Iterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ended = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if expired else None
        authority().issue_cert("127.0.0.1", not_after=ended).configure_cert(context)

        def handle(server: RawServer, connection: socket.socket) -> None:
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection.dup(), server_side=True) as secure:
                request = server.read_request(secure)
                if request and after is not None:
                    after(secure, connection)
                elif request:
                    secure.sendall(reply(good(stage.interface, operation_of(request))))

        if trusted:
            stage.options.update(verify=authority_file())
        with stage.server(handle) as server:
            yield server.url.replace("http:", "https:")

    return serve


def _corrupt_record(_: ssl.SSLSocket, connection: socket.socket) -> None:
    connection.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)


def _plain_text(_: ssl.SSLSocket, connection: socket.socket) -> None:
    connection.sendall(reply(b"success;1"))


@contextlib.contextmanager
def _plain_server_on_https(stage: Stage) -> Iterator[str]:
    def handle(_: RawServer, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply(HTML, "400 Bad Request"))

    with stage.server(handle) as server:
        yield server.url.replace("http:", "https:")


@contextlib.contextmanager
def _proxy_refuses(stage: Stage) -> Iterator[str]:
    def handle(_: RawServer, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply(HTML, "403 Forbidden"))

    with stage.server(handle) as server:
        stage.options.update(proxies={"https": server.url})
        yield "https://gateway.invalid:9003"


@contextlib.contextmanager
def _untrusted_proxy(stage: Stage) -> Iterator[str]:
    with secured(trusted=False)(stage) as url:
        stage.options.update(proxies={"http": url})
        yield "http://gateway.invalid:9003"


@contextlib.contextmanager
def _unusable_bundle(stage: Stage) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(suffix=".pem") as bundle, secured()(stage) as url:
        bundle.write(b"no certificate")
        bundle.flush()
        stage.options.update(verify=bundle.name)
        yield url


def _in_parts(interface: str, operation: str) -> bytes:
    part = b"--b1\r\nContent-Type: text/xml; charset=UTF-8\r\n\r\n" + good(interface, operation)
    body = part + b"\r\n--b1\r\nContent-ID: <more>\r\n\r\nmore\r\n--b1--\r\n"
    return reply(body, content_type='multipart/related; type="text/xml"; boundary="b1"')


def _accept_and_close(_server: RawServer, _connection: socket.socket) -> None:
    return


def _read_and_close(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)


def _never_answer(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    # Until the client gives up.
    connection.recv(1)


def redirected(status: str, *, elsewhere: bool) -> Serve:
    """A server that sends the client away: to another path, or to another server."""

    @contextlib.contextmanager
    def serve(stage: Stage) -> Iterator[str]:
        def handle(server: RawServer, connection: socket.socket) -> None:
            while server.read_request(connection):
                target = stage.servers[0].url.replace("127.0.0.1", "localhost") if elsewhere else ""
                connection.sendall(reply(b"", status, f"Location: {target}/services/other"))

        other = stage.server(_read_and_close) if elsewhere else contextlib.nullcontext()
        with other, stage.server(handle) as server:
            yield server.url

    return serve


@cache
def bomb() -> bytes:
    """Ten megabytes that gzip makes ten gigabytes of: as many members of a stream as it takes."""
    member = gzip.compress(bytes(64 << 20))
    return member * 160


def _sized(body: bytes, length: int) -> bytes:
    return reply(body, "200 OK", f"Content-Length: {length}")


def _half(interface: str, operation: str) -> bytes:
    body = good(interface, operation)
    return _sized(body[: len(body) // 2], len(body))


def _gzipped(body: bytes) -> bytes:
    return reply(body, "200 OK", "Content-Encoding: gzip")


def _fixed(answer: bytes, *_: str) -> bytes:
    return answer


def _with_status(line: str, interface: str, operation: str) -> bytes:
    return reply(good(interface, operation), line)


def _own_404(interface: str, _operation: str) -> bytes:
    path = "/services/userApi" if interface == "soap" else "/servlet/UserServiceAPI"
    page = f"<html><body><h1>HTTP Status 404 - {path}</h1><p>The requested resource is not available.</p></body></html>"
    return reply(page.encode(), "404 Not Found")


def _statuses() -> Iterator[Case]:
    bodies: dict[str, tuple[str, str, bytes]] = {
        "html": ("an HTML page", "HTML 页面", HTML),
        "json": ("JSON", "JSON", b'{"error": "no"}'),
        "nothing": ("nothing", "空内容", b""),
    }
    lines = [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "429 Too Many Requests",
        "500 Oops",
        "502 Bad",
        "503 No",
    ]
    for line, (kind, (english, chinese, body)) in itertools.product(lines, bodies.items()):
        yield Case(
            f"{line[:3]}-{kind}",
            english=f"status {line[:3]} with {english}",
            chinese=f"状态码 {line[:3]}，{chinese}",
            serve=answered(partial(_fixed, reply(body, line))),
            send=HttpStatusError,
            poll=HttpStatusError,
        )
    yield Case(
        "404-own",
        english="status 404 with the server's page that names the path",
        chinese="状态码 404，服务器的页面写明该路径",
        serve=answered(_own_404),
        send=HttpStatusError,
        poll=HttpStatusError,
        sent=False,
    )
    for line in lines:
        yield Case(
            f"{line[:3]}-fault",
            english=f"status {line[:3]} with a SOAP fault",
            chinese=f"状态码 {line[:3]}，SOAP fault",
            serve=answered(partial(_fixed, reply(fault("服务器异常"), line))),
            send=SoapFaultError,
            poll=SoapFaultError,
            servlet_send=HttpStatusError,
            servlet_poll=HttpStatusError,
        )
        yield Case(
            f"{line[:3]}-result",
            english=f"status {line[:3]} with a valid result",
            chinese=f"状态码 {line[:3]}，有效结果",
            serve=answered(partial(_with_status, line)),
            send=READ,
            poll=READ,
        )


def _redirects() -> Iterator[Case]:
    for status, elsewhere in itertools.product((301, 302, 303, 307, 308), (False, True)):
        yield Case(
            f"{status}-{'elsewhere' if elsewhere else 'same'}",
            english=f"status {status} to {'another' if elsewhere else 'the same'} host",
            chinese=f"状态码 {status}，重定向到{'其他' if elsewhere else '同一'}主机",
            serve=redirected(f"{status} Go", elsewhere=elsewhere),
            send=HttpStatusError,
            poll=HttpStatusError,
        )


CASES: tuple[Case, ...] = (
    Case(
        "unresolvable",
        english="the name cannot be resolved",
        chinese="域名无法解析",
        serve=_unresolvable,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "refused",
        english="the connection is refused",
        chinese="连接被拒绝",
        serve=_refused,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "unreachable",
        english="no connection in time",
        chinese="连接超时",
        serve=_unreachable,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "untrusted",
        english="an untrusted certificate",
        chinese="证书不受信任",
        serve=secured(trusted=False),
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "untrusted-proxy",
        english="an untrusted proxy that is reached over TLS",
        chinese="通过 TLS 连接的代理，其证书不受信任",
        serve=_untrusted_proxy,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "unusable-bundle",
        english="a CA bundle that cannot be used",
        chinese="CA 证书文件无法使用",
        serve=_unusable_bundle,
        send=ConfigurationError,
        poll=ConfigurationError,
    ),
    Case(
        "expired",
        english="an expired certificate",
        chinese="证书已过期",
        serve=secured(expired=True),
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "no-tls",
        english="TLS fails: the server speaks plain HTTP",
        chinese="TLS 失败：服务器只讲明文 HTTP",
        serve=_plain_server_on_https,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "proxy",
        english="a proxy refuses the tunnel",
        chinese="代理拒绝建立隧道",
        serve=_proxy_refuses,
        send=NotSentError,
        poll=NotSentError,
    ),
    Case(
        "tls-record",
        english="a corrupt TLS record after the request was read",
        chinese="请求被读取后收到损坏的 TLS 记录",
        serve=secured(after=_corrupt_record),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "tls-plain",
        english="a plain-text answer over TLS after the request was read",
        chinese="请求被读取后在 TLS 上收到明文",
        serve=secured(after=_plain_text),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "accept-close",
        english="accepted, then closed",
        chinese="接受连接后立即关闭",
        serve=handled(_accept_and_close),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "read-close",
        english="closed after the request was read",
        chinese="读取请求后关闭",
        serve=handled(_read_and_close),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "silence",
        english="never answered",
        chinese="始终不应答",
        serve=handled(_never_answer, QUICK_READ),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "job-limit",
        english="a job's time limit, raised by a signal handler while the call waits",
        chinese="等待响应时，信号处理函数抛出任务超时异常",
        serve=_at_the_jobs_limit(handled(_never_answer, Timeout(2, 2, 2))),
        send=JobLimit,
        poll=JobLimit,
    ),
    Case(
        "trickled-head",
        english="headers that trickle past the deadline",
        chinese="响应头缓慢到达，超过总时限",
        serve=trickled(0, 2),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "trickled-body",
        english="a body that trickles past the deadline",
        chinese="响应体缓慢到达，超过总时限",
        serve=trickled(200, 40),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "no-body",
        english="closed after the headers",
        chinese="发送响应头后关闭",
        serve=answered(lambda *_: _sized(b"", 500), close=True),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "half-body",
        english="half a body",
        chinese="只收到一半响应体",
        serve=answered(_half, close=True),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "half-chunk",
        english="a chunked body that is cut off",
        chinese="分块传输中途断开",
        serve=answered(lambda *_: reply(b"ff\r\nabc", "200 OK", "Transfer-Encoding: chunked"), close=True),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "not-http",
        english="an answer that is not HTTP",
        chinese="应答不是 HTTP",
        serve=answered(lambda *_: b"220 ready\r\n\r\n", close=True),
        send=OutcomeUnknownError,
        poll=OutcomeUnknownError,
    ),
    Case(
        "notice",
        english="a notice of PHP in front of the answer",
        chinese="应答前面有一段 PHP 提示",
        serve=answered(lambda i, o: reply(b"<br />\n<b>Deprecated</b>: x in <b>sms.php</b><br />\n" + good(i, o))),
        send=READ,
        poll=READ,
    ),
    Case(
        "multipart",
        english="an answer of several parts (MTOM)",
        chinese="多部分（MTOM）的应答",
        serve=answered(_in_parts),
        send=READ,
        poll=READ,
    ),
    Case(
        "charset-as-encoding",
        english="a charset where a content encoding is meant",
        chinese="Content-Encoding 中写的是字符集",
        serve=answered(lambda i, o: reply(good(i, o), "200 OK", "Content-Encoding: UTF-8")),
        send=READ,
        poll=READ,
    ),
    Case(
        "gzip",
        english="gzip",
        chinese="gzip 压缩",
        serve=answered(lambda i, o: _gzipped(gzip.compress(good(i, o)))),
        send=READ,
        poll=READ,
    ),
    Case(
        "gzip-broken",
        english="broken gzip",
        chinese="gzip 数据损坏",
        serve=answered(lambda *_: _gzipped(b"\x1f\x8bnothing of the kind")),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "gzip-cut",
        english="gzip that ends in the middle",
        chinese="gzip 数据不完整",
        serve=answered(lambda i, o: _gzipped(gzip.compress(good(i, o))[:-9])),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "gzip-bomb",
        english="a gzip bomb, 10 GB in 10 MB",
        chinese="gzip 炸弹，10 MB 解压为 10 GB",
        serve=answered(lambda *_: _gzipped(bomb()), max_reply_bytes=100_000, max_poll_bytes=100_000),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "too-large",
        english="larger than the limit",
        chinese="超过大小上限",
        serve=answered(lambda i, o: reply(good(i, o) + b" " * 99_000), max_reply_bytes=2048, max_poll_bytes=2048),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    Case(
        "huge",
        english="2 GB announced",
        chinese="声明长度为 2 GB",
        serve=answered(lambda *_: _sized(b"x" * 9000, 2 << 30), close=True, max_reply_bytes=4096, max_poll_bytes=4096),
        send=OutcomeUnknownError,
        poll=IncompletePollError,
    ),
    *_redirects(),
    *_statuses(),
    Case(
        "empty",
        english="200 with an empty body",
        chinese="200，空响应体",
        serve=answered(lambda *_: reply(b"")),
        send=MalformedReplyError,
        poll=MalformedReplyError,
        servlet_poll=READ,
    ),
    Case(
        "html",
        english="200 with an HTML page",
        chinese="200，HTML 页面",
        serve=answered(lambda *_: reply(HTML)),
        send=MalformedReplyError,
        poll=MalformedReplyError,
    ),
    Case(
        "other-xml",
        english="200 with another service's XML",
        chinese="200，其他服务的 XML",
        serve=answered(lambda *_: reply(b"<weather><today>rain</today></weather>")),
        send=MalformedReplyError,
        poll=MalformedReplyError,
    ),
    Case(
        "fault-11",
        english="200 with a SOAP 1.1 fault",
        chinese="200，SOAP 1.1 fault",
        serve=answered(lambda *_: reply(fault("服务器异常"))),
        send=SoapFaultError,
        poll=SoapFaultError,
        servlet_send=MalformedReplyError,
        servlet_poll=MalformedReplyError,
    ),
    Case(
        "fault-12",
        english="200 with a fault of the other SOAP version",
        chinese="200，另一 SOAP 版本的 fault",
        serve=answered(lambda *_: reply(fault("服务器异常", "1.2"))),
        send=SoapFaultError,
        poll=SoapFaultError,
        servlet_send=MalformedReplyError,
        servlet_poll=MalformedReplyError,
    ),
    Case(
        "cut-document",
        english="200 with a document that ends in the middle",
        chinese="200，文档中途结束",
        serve=answered(lambda i, o: reply(good(i, o)[:-30])),
        send=MalformedReplyError,
        poll=IncompletePollError,
    ),
    Case(
        "trailing",
        english="200 with garbage after the document",
        chinese="200，文档后有多余内容",
        serve=answered(
            lambda i, o: reply(good(i, o) + (b"\r\n<!-- x --> trailing" if i == "soap" or o != "sendSms" else b"\r\n"))
        ),
        send=READ,
        poll=READ,
    ),
    Case(
        "bom",
        english="200 with a byte-order mark",
        chinese="200，带字节顺序标记",
        serve=answered(lambda i, o: reply(b"\xef\xbb\xbf" + good(i, o))),
        send=READ,
        poll=READ,
    ),
    Case(
        "202",
        english="202 with a valid result",
        chinese="202，有效结果",
        serve=answered(lambda i, o: reply(good(i, o), "202 Accepted")),
        send=READ,
        poll=READ,
    ),
    Case(
        "202-empty",
        english="202 with nothing",
        chinese="202，空内容",
        serve=answered(lambda *_: reply(b"", "202 Accepted")),
        send=MalformedReplyError,
        poll=MalformedReplyError,
        servlet_poll=READ,
    ),
    Case(
        "204",
        english="204",
        chinese="204",
        serve=answered(lambda *_: reply(b"", "204 No Content", "Content-Length: 0")),
        send=MalformedReplyError,
        poll=MalformedReplyError,
        servlet_poll=READ,
    ),
    Case(
        "twice",
        english="answered twice",
        chinese="应答两次",
        serve=answered(lambda i, o: reply(good(i, o)) * 2),
        send=READ,
        poll=READ,
    ),
)


def table(language: str) -> str:
    """The rows of the documentation's table."""
    heads = {
        "en": (
            "What happens",
            "Send over SOAP",
            "Send over the servlet",
            "Poll over SOAP",
            "Poll over the servlet",
            "the answer is read",
            "the job's exception, unchanged",
        ),
        "zh": (
            *("发生了什么", "SOAP 发送", "servlet 发送", "SOAP 轮询", "servlet 轮询", "正常读取应答"),
            "任务自己的异常，原样抛出",
        ),
    }[language]
    rows = ["| " + " | ".join((*heads[:5], "`may_have_been_sent`")) + " |", "|---" * 6 + "|"]
    for case in CASES:
        cells = []
        sent = set()
        for operation, interface in itertools.product(("send", "poll"), ("soap", "servlet")):
            error = case.expected(interface, operation)
            cells.append(heads[6] if error is JobLimit else f"`{error.__name__}`" if error else heads[5])
            if error is not None and issubclass(error, JzySoapError):
                sent.add(error.may_have_been_sent if case.sent is None else case.sent)
        flag = " / ".join(str(value) for value in sorted(sent)) or "–"
        rows.append("| " + " | ".join((case.english if language == "en" else case.chinese, *cells, flag)) + " |")
    return "\n".join(rows) + "\n"


DOCUMENTS = {"en": "docs/failures.md", "zh": "docs/failures.zh-CN.md"}
START, END = "<!-- table: python -m tests.wire.matrix -->\n", "<!-- end of table -->\n"


def document(language: str, text: str) -> str:
    """A document with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return before + START + table(language) + END + after


if __name__ == "__main__":
    for language, name in DOCUMENTS.items():
        path = Path(__file__).parent.parent.parent / name
        path.write_text(document(language, path.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{name} written\n")
