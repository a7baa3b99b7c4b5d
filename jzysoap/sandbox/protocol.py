"""The gateway over HTTP: a WSGI application that routes requests, carries out faults, and records exchanges.

``soap`` and ``servlet`` read the requests and write the answers. Nothing here opens a socket.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from jzysoap.model.operations import Operations
from jzysoap.sandbox import servlet, soap
from jzysoap.sandbox.definition import ServedDefinition
from jzysoap.sandbox.events import FaultHappened, Refusal
from jzysoap.sandbox.faults import Fault, Faults
from jzysoap.sandbox.guard import Guard
from jzysoap.sandbox.messages import RefusedError
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import Gateway

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
        number: its number, counted from 1.
        request_line: verbatim.
        request_headers: verbatim, in order.
        request_body: verbatim, its chunks joined.
        status: the status of the reply; None if the connection was closed without a reply.
        reply_headers: the headers of the reply, without those that the server added.
        reply_body: the body of the reply.
    """

    number: int
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
        question: the call in it; None if there is none that can be read.
    """

    operation: str | None
    answer: Callable[[], Response]
    spell: Callable[[str | None], Response] | None = None
    question: Question | None = None


class Application:
    """The gateway as a WSGI application.

    Args:
        gateway: the state, which notes refusals and faults, and has rules.
        answer: returns the result string of a question; a ``RefusedError`` that it raises becomes a refusal.
        operations: the table of operations.
        definition: the service definition.
        guard: refuses requests for other hosts, and those of web pages.
        encoded_password_change: True if the servlet's ``updatePassword`` takes both passwords as BASE64.
        context_path: the path before ``/services`` and ``/servlet``.

    Attributes:
        url: the base address that the definition names; the server sets it.
        faults: the faults that are waiting.
        closing: set when delayed requests have to give up.
    """

    def __init__(
        self,
        gateway: Gateway,
        answer: Callable[[Question], str | None],
        operations: Operations,
        definition: ServedDefinition,
        guard: Guard,
        *,
        encoded_password_change: bool = False,
        context_path: str = "",
    ) -> None:
        self.url = ""
        self.faults = Faults()
        self.closing = threading.Event()
        self._gateway = gateway
        self._answer = answer
        self._operations = operations
        self._definition = definition
        self._guard = guard
        self._encoded_password_change = encoded_password_change
        self._context_path = context_path
        self._exchanges: deque[Exchange] = deque()
        self._held = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._services = {_SERVICE} | {f"{_SERVICE}.{name.lower()}" for name in definition.endpoints}

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The last requests and replies, in the order of the replies."""
        with self._lock:
            return tuple(self._exchanges)

    def reset(self) -> None:
        """Forget faults, exchanges, and what the gateway forgets in its own ``reset``."""
        self.faults.clear()
        with self._lock:
            self._exchanges.clear()
            self._held = 0
        self._gateway.reset()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request.

        Raises:
            ConnectionAbortedError: a fault on demand wants no reply; the server closes the connection.
        """
        body, number = environ["wsgi.input"].read(), next(self._numbers)
        reply = self._answer_or_fail(self._route(environ, body, number))
        self._record(number, environ, body, reply)
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
        fault = self._take_fault(routed)
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

    def _take_fault(self, routed: _Routed) -> Fault | None:
        question = routed.question
        username, mobiles, text = (
            ("", (), "") if question is None else (question.username, question.mobiles, question.text)
        )
        fault = self.faults.take(routed.operation, mobiles, text) or self._gateway.take_fault(
            routed.operation, mobiles, text
        )
        if fault is not None:
            self._gateway.note("fault", username, FaultHappened(routed.operation, fault.describe()))
        return fault

    def _route(self, environ: WSGIEnvironment, body: bytes, number: int) -> _Routed:
        method = environ["REQUEST_METHOD"]
        refused = self._guard.refuse(environ)
        if refused is not None:
            return _Routed(None, lambda: _status_only(refused))
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        path = path[len(self._context_path) :] if path.startswith(f"{self._context_path}/") else ""
        if path in _SERVLETS:
            if method not in ("GET", "POST"):
                return _Routed(None, lambda: _status_only(405))
            return self._route_servlet(_SERVLETS[path], query.encode("latin-1"), body, number)
        service = path.lower().removesuffix("/")
        if service not in self._services:
            return _Routed(None, lambda: _status_only(404))
        if method == "POST":
            return self._route_soap(body, environ.get("CONTENT_TYPE", ""), f"{self.url}{path}", number)
        if method == "GET" and "wsdl" in re.split("[&=]", query.lower()):
            # Other stacks call the address that the definition names: the host under which they reached this one.
            host = environ.get("HTTP_HOST")
            url = self.url if host is None else f"http://{host}{self._context_path}"
            return _Routed("wsdl", lambda: _reply(200, ("text/xml", self._definition.serve_at(url))))
        return _Routed(None, lambda: _status_only(405))

    def _route_soap(self, body: bytes, content_type: str, url: str, number: int) -> _Routed:
        try:
            envelope = soap.read_request(body, content_type, self._definition, url)
        except soap.FaultError as error:
            fault = _reply(500, soap.build_fault(error))
            return _Routed(error.operation, lambda: fault)

        def spell(result: str | None) -> Response:
            return _reply(200, soap.build_response(envelope, result, self._definition))

        return self._routed(replace(envelope.question, exchange=number), spell)

    def _route_servlet(self, address: servlet.Servlet, query: bytes, body: bytes, number: int) -> _Routed:
        def spell(result: str | None) -> Response:
            return _reply(200, servlet.build_response(address, result))

        question = servlet.read_request(
            address, query, body, self._operations, encoded_password_change=self._encoded_password_change
        )
        if question is None:
            return _Routed(None, lambda: spell("failure;未知的方法"), spell)
        return self._routed(replace(question, exchange=number), spell)

    def _routed(self, question: Question, spell: Callable[[str | None], Response]) -> _Routed:
        return _Routed(question.operation, lambda: spell(self._result(question)), spell, question)

    def _result(self, question: Question) -> str | None:
        try:
            return self._answer(question)
        except RefusedError as refusal:
            record = Refusal(question.operation, str(refusal), question.mobiles, question.text)
            self._gateway.note("refused", question.username, record)
            return f"failure;{refusal}"

    def _record(self, number: int, environ: WSGIEnvironment, body: bytes, reply: Response | None) -> None:
        line, *fields = environ[HEAD].decode("latin-1").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (field.partition(":") for field in fields) if name)
        answer = (None, (), b"") if reply is None else (reply.status, reply.headers, reply.body)
        exchange = Exchange(number, line, headers, body, *answer)
        with self._lock:
            self._exchanges.append(exchange)
            self._held += _size(exchange)
            while len(self._exchanges) > MAX_EXCHANGES or self._held > MAX_EXCHANGE_BYTES:
                self._held -= _size(self._exchanges.popleft())


def _size(exchange: Exchange) -> int:
    return len(exchange.request_body) + len(exchange.reply_body)


def _status_only(status: int) -> Response:
    return _reply(status, ("text/plain;charset=utf-8", f"{HTTPStatus(status).phrase}\n".encode()))


def _reply(status: int, answer: tuple[str, bytes]) -> Response:
    content_type, body = answer
    return Response(status, (("Content-Type", content_type),), body)
