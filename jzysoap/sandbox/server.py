"""The sandbox: a gateway of one's own on loopback, to run, to test against, to break on purpose."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from jzysoap.definition.source import BUNDLED, bundled
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.operations import OPERATIONS, Operations
from jzysoap.model.values import Channel
from jzysoap.sandbox.answers import Behaviour, Empty, answer_documented
from jzysoap.sandbox.definition import ServedDefinition
from jzysoap.sandbox.faults import Fault
from jzysoap.sandbox.protocol import Application, Exchange, is_loopback
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import Gateway

if TYPE_CHECKING:
    from jzysoap.sandbox.connections import Listener


class Sandbox:
    """A gateway on loopback that speaks SOAP 1.1, SOAP 1.2 and the HTTP servlet; a context manager.

    ::

        with Sandbox(username="test", password="secret1") as sandbox:
            Client(sandbox.url, "test", "secret1").send("13800000000", "你好")
            assert sandbox.gateway.sent[0].text == "你好"

    Args:
        username: the account to open; ``"test"`` unless given.
        password: its password, in the clear; ``"secret1"`` unless given.
        balance: its messages on each channel, or on the channels named; 1000 unless given.
        gateway: a ``Gateway`` of one's own, instead of the three above.
        host: a loopback address, or ``"localhost"``, which is 127.0.0.1.
        port: 0 for any free one.
        definition: the service definition to serve: the name of a bundled one (``"axis2-1.6.2-7param"``, with the
            extension number, or ``"axis2-1.6.2"``, as the vendor's page documents it), or the bytes of a custom one in
            the form of these.
        context_path: a path before ``/services`` and ``/servlet``, such as ``"/sms"``.
        empty: what a poll with nothing to report answers: an empty ``"document"``, an empty ``"string"``, ``"nil"``, or
            a ``"failure"``.
        soap_batch_ids: whether a SOAP send answers with the batch id too; the page says that it does not.
        encoded_password_change: whether the servlet's ``updatePassword`` takes both passwords as BASE64; the page's
            sample shows them in the clear.
        max_request_bytes: the largest request body that is read; a larger one gets a 413.

    Attributes:
        gateway: the state.

    Raises:
        ConfigurationError: an argument cannot be used.
        WsdlError: there is no such definition, or it has another form.
    """

    operations: ClassVar[Operations] = OPERATIONS
    """The table of operations; a subclass may bring another one."""

    def __init__(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        balance: int | Mapping[Channel, int] | None = None,
        gateway: Gateway | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        definition: str | bytes = BUNDLED,
        context_path: str = "",
        empty: Empty = "document",
        soap_batch_ids: bool = False,
        encoded_password_change: bool = False,
        max_request_bytes: int = 4 * 1024 * 1024,
    ) -> None:
        if not is_loopback(host):
            raise ConfigurationError("the sandbox listens on loopback only: host must be 127.0.0.1, ::1 or localhost")
        if gateway is None:
            gateway = Gateway()
            gateway.add_account(
                "test" if username is None else username,
                "secret1" if password is None else password,
                1000 if balance is None else balance,
            )
        elif not (username is None and password is None and balance is None):
            raise ConfigurationError("give the sandbox either a gateway or username, password and balance")
        context_path = context_path.rstrip("/")
        if context_path and not context_path.startswith("/"):
            raise ConfigurationError("context_path must start with a slash")
        if isinstance(definition, str):
            document, source = bundled(definition), f"bundled:{definition}"
        else:
            document, source = definition, "given as bytes"
        self.gateway = gateway
        self._behaviour = Behaviour(empty, soap_batch_ids, encoded_password_change)
        self._application = Application(
            self.answer,
            self.operations,
            ServedDefinition(document, self.operations, source),
            encoded_password_change=encoded_password_change,
            context_path=context_path,
        )
        self._address = ("127.0.0.1" if host.lower() == "localhost" else host, port)
        self._context_path = context_path
        self._max_request_bytes = max_request_bytes
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        return f"<Sandbox {self._application.url if self._listener else 'not running'}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base address, for a client.

        Raises:
            ConfigurationError: the sandbox is not running.
        """
        if self._listener is None:
            raise ConfigurationError("the sandbox is not running: use it in a with statement, or call start()")
        return self._application.url

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The last 1,000 requests and replies, in the order they were answered, passwords and all.

        What the HTTP server refuses by itself (no HTTP, a body that is too large) is not among them.
        """
        return self._application.exchanges

    def answer(self, question: Question) -> str | None:
        """Answer a call. A subclass extends this method to answer operations that are not documented.

        Several threads may call it at once.

        Args:
            question: the call.

        Returns:
            The result string, which the interface of the call spells; None for nil.

        Raises:
            RefusedError: the gateway refuses; its text is what follows ``failure;``.
            ConfigurationError: the operation is neither documented nor answered by a subclass.
        """
        return answer_documented(self.gateway, self._behaviour, question)

    def start(self) -> Self:
        """Listen and answer, in threads of its own; what runs already goes on. State outlives ``close``.

        Returns:
            The sandbox itself.

        Raises:
            ConfigurationError: waitress is not installed.
            OSError: the port is taken.
        """
        if self._listener is not None:
            return self
        try:
            from jzysoap.sandbox.connections import Listener
        except ImportError as error:
            raise ConfigurationError("the sandbox needs waitress: pip install 'jzysoap[sandbox]'") from error
        host, _ = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server(self._address, family=family)
        authority = f"[{host}]" if family == socket.AF_INET6 else host
        self._application.url = f"http://{authority}:{listening.getsockname()[1]}{self._context_path}"
        self._application.closing.clear()
        self._listener = Listener(self._application, listening, self._max_request_bytes)
        return self

    def close(self) -> None:
        """Close every connection, end every thread; a request that waits gets no reply. May be called again."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._application.closing.set()
            listener.close()

    def fail_next(
        self,
        operation: str | None = None,
        *,
        result: str | None = None,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (("Content-Type", "text/xml;charset=utf-8"),),
        body: bytes | None = None,
        delay: float = 0.0,
        drop: bool = False,
        acted: bool = False,
        times: int = 1,
    ) -> None:
        """Let something go wrong with the next request. Several calls queue up.

        Without ``result``, ``body`` and ``drop`` the request is answered as usual, after the delay.

        Args:
            operation: only with this one, over either interface: the name of an operation, such as ``sendSms``, or
                ``wsdl``; None for any request.
            result: a result string to answer with, such as ``"failure;系统超时"``, spelled as the interface does it.
            status: the reply's HTTP status, with ``body``.
            headers: the reply's headers, with ``body``. A Content-Length that is too large cuts the reply off.
            body: the reply's body, instead of all.
            delay: seconds to wait with the reply.
            drop: close the connection without a reply.
            acted: whether the gateway does what is asked nevertheless: accepts the message, hands out the records.
            times: for how many requests.

        Raises:
            ConfigurationError: there is no such operation.
        """
        if operation not in (None, "wsdl", *self.operations):
            raise ConfigurationError(f"operation must be one of {', '.join(self.operations)}, wsdl")
        self._application.faults.add(Fault(operation, result, status, headers, body, delay, drop, acted, times))

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self._application.faults.clear()
