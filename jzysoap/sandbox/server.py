"""The sandbox: the gateway as a server with its inbox, its start, its end, and its faults on demand."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from jzysoap.definition.local import BUNDLED, bundled
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.operations import OPERATIONS, Operations
from jzysoap.model.values import Channel
from jzysoap.sandbox.answers import Behaviour, Empty, answer_documented
from jzysoap.sandbox.definition import ServedDefinition
from jzysoap.sandbox.faults import Fault
from jzysoap.sandbox.front import PREFIXES, Front
from jzysoap.sandbox.guard import Guard, is_loopback
from jzysoap.sandbox.protocol import Application, Exchange
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import Gateway

if TYPE_CHECKING:
    from jzysoap.sandbox.connections import Listener

MIN_TOKEN = 16
"""Characters of a token at least."""


class Sandbox:
    """A gateway on loopback that speaks SOAP 1.1, SOAP 1.2 and the HTTP servlet; a context manager.

    ::

        with Sandbox(username="test", password="secret1") as sandbox:
            # Each sandbox has an address of its own: its definition is not worth saving.
            Client(sandbox.url, "test", "secret1", cache_dir=False).send("13800000000", "你好")
            assert sandbox.gateway.sent[0].text == "你好"

    A subclass can have more operations and arguments than the documented ones: it brings a table with them in
    ``operations``, and a method ``answer`` for the operations. Over SOAP it needs a ``definition`` that has them.

    Args:
        username: the account to open; ``"test"`` by default.
        password: its password, in the clear; ``"secret1"`` by default.
        balance: its messages on each channel, or on the channels named; 1000 by default.
        gateway: a custom ``Gateway`` with its accounts, instead of the three arguments above.
        host: the address to listen on: a loopback address, or ``"localhost"``, which is 127.0.0.1. Another one, such as
            ``"0.0.0.0"``, needs ``allow_hosts`` and ``token``.
        port: the port; 0 for any free one.
        definition: the service definition to serve: the name of a bundled one (``"axis2-1.6.2-7param"``, with the
            extension number, or ``"axis2-1.6.2"``, as the vendor's page documents it), or the bytes of a custom one in
            the form of these.
        context_path: a path before ``/services`` and ``/servlet``, such as ``"/sms"``.
        empty: the answer to a poll with nothing to report: an empty ``"document"``, an empty ``"string"``, ``"nil"``,
            or a ``"failure"`` (docs/protocol.md#what-is-not-known).
        soap_batch_ids: True to return the batch id over SOAP too; according to the page, the gateway does not
            (docs/protocol.md#send).
        encoded_password_change: True to take both passwords of ``updatePassword`` as BASE64; the page's sample has
            them in the clear (docs/protocol.md#change-of-password).
        max_request_bytes: the largest request body that is read; a larger one gets a 413.
        allow_hosts: names, besides those of loopback, under which it is reached, such as ``"sandbox"``.
        token: the token that the page and the JSON API demand; None for none. The gateway's own paths are guarded by
            its accounts.

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
        allow_hosts: Collection[str] = (),
        token: str | None = None,
    ) -> None:
        if not is_loopback(host) and not (allow_hosts and token):
            raise ConfigurationError(
                "a sandbox that does not listen on loopback needs allow_hosts, the names under which it is reached, "
                "and a token for its page and its API"
            )
        if isinstance(allow_hosts, str) or not all(re.fullmatch(r"[\w.-]+|[0-9a-fA-F:]+", one) for one in allow_hosts):
            raise ConfigurationError("allow_hosts must be host names, without a port")
        if token is not None and len(token) < MIN_TOKEN:
            raise ConfigurationError(f"token must have at least {MIN_TOKEN} characters")
        if gateway is None:
            gateway = Gateway()
            gateway.add_account(
                "test" if username is None else username,
                "secret1" if password is None else password,
                1000 if balance is None else balance,
            )
        elif not (username is None and password is None and balance is None):
            raise ConfigurationError("give the sandbox either a gateway or username, password and balance")
        if not 0 <= port <= 65535:
            raise ConfigurationError("port must be a whole number from 0 to 65535")
        context_path = context_path.rstrip("/")
        if context_path and not context_path.startswith("/"):
            raise ConfigurationError("context_path must start with a slash")
        if context_path.startswith(PREFIXES):
            raise ConfigurationError(f"context_path must not start with {' or '.join(PREFIXES)}: the inbox is there")
        if isinstance(definition, str):
            document, source = bundled(definition), f"bundled:{definition}"
        else:
            document, source = definition, "given as bytes"
        self.gateway = gateway
        self._behaviour = Behaviour(empty, soap_batch_ids, encoded_password_change)
        guard = Guard(allow_hosts, token)
        self._application = Application(
            gateway,
            self.answer,
            self.operations,
            ServedDefinition(document, self.operations, source),
            guard,
            encoded_password_change=encoded_password_change,
            context_path=context_path,
        )
        self._address = ("127.0.0.1" if host.lower() == "localhost" else host, port)
        self._context_path = context_path
        self._front = Front(self._application, guard, gateway, self.operations)
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
    def inbox_url(self) -> str:
        """The address of the page that shows the messages, for a browser.

        Raises:
            ConfigurationError: the sandbox is not running.
        """
        return f"{self.url.removesuffix(self._context_path)}/inbox/"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The last 1,000 requests and replies, in the order of the replies, passwords included.

        Requests that the HTTP server itself refuses (malformed ones, too large ones) are not among them.
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
        """Listen and answer in new threads; do nothing if the sandbox runs already. The state outlives ``close``.

        Returns:
            The sandbox itself.

        Raises:
            ConfigurationError: waitress or Werkzeug is not installed.
            OSError: the port is in use, or may not be used.
        """
        if self._listener is not None:
            return self
        try:
            from jzysoap.sandbox.connections import Listener

            # Imported with the first request for the page or the API.
            if find_spec("werkzeug") is None:
                raise ImportError("no werkzeug")
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                "the sandbox needs waitress and Werkzeug: pip install 'jzysoap[sandbox]'"
            ) from error
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server(self._address, family=family)
        except OSError as error:
            refused = OSError(f"the sandbox cannot listen on port {port} of {host}: {os.strerror(error.errno or 0)}")
            refused.errno = error.errno
            raise refused from error
        authority = f"[{host}]" if family == socket.AF_INET6 else host.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        self._application.url = f"http://{authority}:{listening.getsockname()[1]}{self._context_path}"
        self._application.closing.clear()
        self._listener = Listener(self._front, listening, self._max_request_bytes)
        return self

    def close(self) -> None:
        """Close every connection and end every thread; delayed requests get no reply. May be called again."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._application.closing.set()
            self.gateway.events.wake()
            listener.close()

    def reset(self) -> None:
        """Forget messages, records to be polled, rules, faults and exchanges; balances are those of the beginning."""
        self._application.reset()

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
        after: int = 0,
        to: str | None = None,
        text: str | None = None,
    ) -> None:
        """Have the next request fail. Several calls queue up.

        Without ``result``, ``body`` and ``drop`` the request is answered as usual, after the delay.

        Args:
            operation: the operation whose next request fails, over either interface, such as ``sendSms``; ``wsdl`` for
                the definition; None for any request.
            result: the result string to answer with, such as ``"failure;系统超时"``, in the form of the interface.
            status: the HTTP status of the reply, if ``body`` is given.
            headers: the headers of the reply, if ``body`` is given. A Content-Length that is too large cuts the reply
                off.
            body: the body of the reply.
            delay: seconds before the reply.
            drop: True to close the connection without a reply.
            acted: True if the gateway does what is asked nevertheless: accepts the message, hands out the records.
            times: the number of requests that fail.
            after: the number of requests, of the same operation, that are answered before as usual.
            to: a number; only sends to it fail. None for any request.
            text: a part of a message; only sends of a text with it fail. None for any request.

        Raises:
            ConfigurationError: there is no such operation.
        """
        if operation not in (None, "wsdl", *self.operations):
            raise ConfigurationError(f"operation must be one of {', '.join(self.operations)}, wsdl")
        self._application.faults.add(
            Fault(operation, result, status, headers, body, delay, drop, acted, times, after, to, text)
        )

    def clear_faults(self) -> None:
        """Discard the faults that have not happened yet."""
        self._application.faults.clear()
