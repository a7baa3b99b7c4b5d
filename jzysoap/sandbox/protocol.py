"""The gateway over HTTP: a WSGI application that routes requests, carries out faults, and records exchanges.

``soap`` and ``servlet`` read the requests and write the answers. Nothing here opens a socket.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jzysoap.model.operations import Operations
from jzysoap.sandbox import servlet, soap
from jzysoap.sandbox.definition import ServedDefinition
from jzysoap.sandbox.faults import Faults
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import RefusedError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_EXCHANGES = 1000
"""The number of exchanges that are kept; older ones are discarded."""
MAX_EXCHANGE_BYTES = 64 * 1024 * 1024
"""The size of the bodies of all exchanges that are kept, in bytes; older ones are discarded."""

HEAD = "jzysoap.sandbox.head"
"""The key of a request's head, verbatim, in the WSGI environment; the server sets it."""

Headers = tuple[tuple[str, str], ...]

_SERVICE = "/services/userapi"
_SERVLETS = {"/servlet/UserServiceAPI": servlet.GBK, "/servlet/UserServiceAPIUTF8": servlet.UTF8}


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP reply.

    Attributes:
        status: the status code.
        headers: the headers without those that the server adds, such as Content-Length and Date.
        body: the body.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the reply to it.

    Attributes:
        request_line: verbatim.
        request_headers: verbatim, in order.
        request_body: verbatim, its chunks joined.
        status: the status of the reply; None if the connection was closed without a reply.
        reply_headers: the headers of the reply, without those that the server added.
        reply_body: the body of the reply.
    """

    request_line: str
    request_headers: Headers
    request_body: bytes
    status: int | None
    reply_headers: Headers
    reply_body: bytes

    def __repr__(self) -> str:
        # The query of a servlet request holds the password.
        return f"<Exchange {self.request_line.partition('?')[0]}: {self.status}>"


@dataclass(frozen=True, slots=True)
class _Routed:
    """A request that was read.

    Attributes:
        operation: the operation that it asks for; None if that is unknown.
        answer: does what is asked, and returns the reply.
        spell: makes the reply of any result string; None if the request has no result.
    """

    operation: str | None
    answer: Callable[[], Response]
    spell: Callable[[str | None], Response] | None = None


class Application:
    """The gateway as a WSGI application.

    Args:
        answer: returns the result string of a question; a ``RefusedError`` that it raises becomes a refusal.
        operations: the table of operations.
        definition: the service definition.
        encoded_password_change: True if the servlet's ``updatePassword`` takes both passwords as BASE64.
        context_path: the path before ``/services`` and ``/servlet``.

    Attributes:
        url: the base address that the definition names; the server sets it.
        faults: the faults that are waiting.
        closing: set when delayed requests have to give up.
    """

    def __init__(
        self,
        answer: Callable[[Question], str | None],
        operations: Operations,
        definition: ServedDefinition,
        *,
        encoded_password_change: bool = False,
        context_path: str = "",
    ) -> None:
        self.url = ""
        self.faults = Faults()
        self.closing = threading.Event()
        self._answer = answer
        self._operations = operations
        self._definition = definition
        self._encoded_password_change = encoded_password_change
        self._context_path = context_path
        self._exchanges: deque[Exchange] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self._services = {_SERVICE} | {f"{_SERVICE}.{name.lower()}" for name in definition.endpoints}

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The last requests and replies, in the order of the replies."""
        with self._lock:
            return tuple(self._exchanges)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request.

        Raises:
            ConnectionAbortedError: a fault on demand wants no reply; the server closes the connection.
        """
        body = environ["wsgi.input"].read()
        reply = self._answer_or_fail(self._route(environ, body))
        self._record(environ, body, reply)
        if reply is None:
            raise ConnectionAbortedError("dropped on demand")
        reason = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else "Unknown"
        headers = list(reply.headers)
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(reply.body))))
        start_response(f"{reply.status} {reason}", headers)
        return [reply.body]

    def _answer_or_fail(self, routed: _Routed) -> Response | None:
        """Return the reply, or that of a fault on demand; None if the connection is to be closed without a reply."""
        fault = self.faults.take(routed.operation)
        if fault is None:
            return routed.answer()
        replaced = fault.drop or fault.body is not None or fault.result is not None
        acted = routed.answer() if fault.acted or not replaced else None
        if self.closing.wait(fault.delay) or fault.drop:
            return None
        if fault.body is not None:
            return Response(fault.status, tuple(fault.headers), fault.body)
        if fault.result is not None and routed.spell is not None:
            return routed.spell(fault.result)
        return acted or routed.answer()

    def _route(self, environ: WSGIEnvironment, body: bytes) -> _Routed:
        method = environ["REQUEST_METHOD"]
        problem = _refuse_host(environ) or _refuse_page(environ)
        if problem is not None:
            return _Routed(None, lambda: problem)
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        path = path[len(self._context_path) :] if path.startswith(f"{self._context_path}/") else ""
        if path in _SERVLETS:
            if method not in ("GET", "POST"):
                return _Routed(None, lambda: _status_only(405))
            return self._route_servlet(_SERVLETS[path], query.encode("latin-1"), body)
        service = path.lower().removesuffix("/")
        if service not in self._services:
            return _Routed(None, lambda: _status_only(404))
        if method == "POST":
            return self._route_soap(body, environ.get("CONTENT_TYPE", ""), f"{self.url}{path}")
        if method == "GET" and "wsdl" in re.split("[&=]", query.lower()):
            return _Routed("wsdl", lambda: _reply(200, ("text/xml", self._definition.serve_at(self.url))))
        return _Routed(None, lambda: _status_only(405))

    def _route_soap(self, body: bytes, content_type: str, url: str) -> _Routed:
        try:
            envelope = soap.read_request(body, content_type, self._definition, url)
        except soap.FaultError as error:
            fault = _reply(500, soap.build_fault(error))
            return _Routed(error.operation, lambda: fault)

        def spell(result: str | None) -> Response:
            return _reply(200, soap.build_response(envelope, result, self._definition))

        return _Routed(envelope.question.operation, lambda: spell(self._result(envelope.question)), spell)

    def _route_servlet(self, address: servlet.Servlet, query: bytes, body: bytes) -> _Routed:
        def spell(result: str | None) -> Response:
            return _reply(200, servlet.build_response(address, result))

        question = servlet.read_request(
            address, query, body, self._operations, encoded_password_change=self._encoded_password_change
        )
        if question is None:
            return _Routed(None, lambda: spell("failure;未知的方法"), spell)
        return _Routed(question.operation, lambda: spell(self._result(question)), spell)

    def _result(self, question: Question) -> str | None:
        try:
            return self._answer(question)
        except RefusedError as refusal:
            return f"failure;{refusal}"

    def _record(self, environ: WSGIEnvironment, body: bytes, reply: Response | None) -> None:
        line, *fields = environ[HEAD].decode("latin-1").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (field.partition(":") for field in fields) if name)
        answer = (None, (), b"") if reply is None else (reply.status, reply.headers, reply.body)
        exchange = Exchange(line, headers, body, *answer)
        with self._lock:
            self._exchanges.append(exchange)
            self._held += _size(exchange)
            while len(self._exchanges) > MAX_EXCHANGES or self._held > MAX_EXCHANGE_BYTES:
                self._held -= _size(self._exchanges.popleft())


def _size(exchange: Exchange) -> int:
    return len(exchange.request_body) + len(exchange.reply_body)


def is_loopback(host: str) -> bool:
    """Return True if a host name or an address (IPv6 without brackets) is that of loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_host(environ: WSGIEnvironment) -> Response | None:
    """Return the reply to a request for a host other than loopback; None for loopback.

    A web page may have its own name resolve to loopback, so that a browser sends its requests here. Their Host header
    has that name.
    """
    header = environ.get("HTTP_HOST")
    if header is None:
        return None if environ["SERVER_PROTOCOL"] == "HTTP/1.0" else _status_only(400)
    match = re.fullmatch(r"(?:\[(.+)\]|([^:]+))(?::[0-9]*)?", header)
    return None if match and is_loopback(match[1] or match[2]) else _status_only(421)


def _refuse_page(environ: WSGIEnvironment) -> Response | None:
    """Return the reply to a request that a web page of another origin made; None for all others.

    A browser sends some requests to any address without asking, such as a form. It names the page's origin.
    """
    page = urlsplit(environ.get("HTTP_ORIGIN", "")).netloc
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    foreign = "HTTP_ORIGIN" in environ and page.lower() != environ.get("HTTP_HOST", "").lower()
    return _status_only(403) if foreign or site not in ("none", "same-origin") else None


def _status_only(status: int) -> Response:
    return _reply(status, ("text/plain;charset=utf-8", f"{HTTPStatus(status).phrase}\n".encode()))


def _reply(status: int, answer: tuple[str, bytes]) -> Response:
    content_type, body = answer
    return Response(status, (("Content-Type", content_type),), body)
