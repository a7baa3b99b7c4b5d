"""Connections that keep the deadline of an exchange, and the proof that its request was not sent.

They are laid over whatever classes urllib3, an adapter or a mock brings, and do nothing outside an exchange. What a
failure means is decided elsewhere (``failures``).
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.util import is_connection_dropped

from jzysoap.model.http import Timeout
from jzysoap.transport.failures import check_right
from jzysoap.transport.workarounds import HookedConnection, HookedPool, read_head, replace_reader

_PIECE = 16384
"""Bytes per write: one record of TLS, since a socket's timeout counts anew for each of them."""


class Trace:
    """The record of one exchange under way.

    A request counts as sent unless it is proven that it was not. The proof holds while a watched pool waits for a
    connection or makes one. It ends for good when a connection is handed the request.

    Args:
        deadline: when the exchange must be over, on the monotonic clock.
        timeout: the limits of the exchange.
        max_idle: seconds that a pooled connection may have been idle.
        not_after: as the request's.
        provable: True if no code of the user's runs between the transport and the pool, which could send the request
            in other ways.

    Attributes:
        not_sent: True while it is proven that nothing of the request was sent.
        connect_by: when the connection that is being made must be there, on the monotonic clock.
    """

    __slots__ = ("connect_by", "deadline", "max_idle", "not_after", "not_sent", "provable", "timeout")

    def __init__(
        self, deadline: float, timeout: Timeout, max_idle: float, *, provable: bool, not_after: float | None = None
    ) -> None:
        self.deadline = deadline
        self.timeout = timeout
        self.max_idle = max_idle
        self.provable = provable
        self.not_after = not_after
        self.not_sent = True
        self.connect_by = deadline

    def hand_over(self) -> None:
        """Note that from now on the request may be sent, whatever is seen of it.

        Raises:
            NotSentError: the right to send it has ended.
        """
        check_right(self.not_after)
        self.not_sent = self.provable = False

    def limit(self, seconds: float) -> float:
        """Return how long an operation may take: these seconds, or less if the deadline is closer.

        Raises:
            TimeoutError: the deadline is past; its only argument is ``"deadline"``.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, seconds)


current: ContextVar[Trace | None] = ContextVar("current", default=None)
"""The exchange that this thread is in; None outside of one."""


class DeadlineReader(io.RawIOBase):
    """The bytes of a reply; no read lasts longer than the exchange may.

    Attributes:
        ended: True once the connection has no more to read.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, trace: Trace) -> None:
        self.ended = False
        self._raw = raw
        self._sock = sock
        self._trace = trace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._trace.limit(self._trace.timeout.read))
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class WatchedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        trace = current.get()
        self._reader: DeadlineReader | None = None
        if trace is not None:
            self._reader = replace_reader(self, lambda raw: DeadlineReader(raw, sock, trace))

    def begin(self) -> None:
        read_head(self)
        if self._reader is not None and self._reader.ended:
            # http.client accepts a head that was cut off.
            raise ConnectionResetError("the connection was closed in the head of the answer")


if TYPE_CHECKING:
    _Connection = urllib3.connection.HTTPConnection
else:
    _Connection = object


class WatchedConnection(_Connection):
    response_class = WatchedResponse
    idle_since = 0.0

    def connect(self) -> None:
        trace = current.get()
        if trace is None:
            super().connect()
            return
        seconds = trace.limit(trace.timeout.connect)
        trace.connect_by = time.monotonic() + seconds
        try:
            run_within(seconds, super().connect, self.close)
        except TimeoutError:
            if time.monotonic() >= trace.deadline:
                raise TimeoutError("deadline") from None
            raise urllib3.exceptions.ConnectTimeoutError from None

    def send(self, data: Any) -> None:
        trace = current.get()
        for piece in _pieces(data):
            if trace is not None and self.sock is not None:
                self.sock.settimeout(trace.limit(trace.timeout.read))
            super().send(piece)


class OpeningConnection(HookedConnection):
    """A connection that gives each address of its name a share of the time that is left, not all of it."""

    def open_socket(self, host: str) -> socket.socket | None:
        trace = current.get()
        if trace is None:
            return None
        found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        for left in range(len(found), 0, -1):
            address = found[-left][4]
            share = max(trace.connect_by - time.monotonic(), 0.001) / left
            try:
                return urllib3.util.connection.create_connection(
                    (str(address[0]), int(address[1])),
                    share,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError:
                if left == 1:
                    raise
        raise socket.gaierror(socket.EAI_NONAME, "no address")


def run_within(seconds: float, work: Callable[[], object], undo: Callable[[], object]) -> None:
    """Run work that has no timeout of its own, such as the resolution of a name, in a thread.

    Args:
        seconds: how long to wait for it.
        work: the work.
        undo: undoes the work, in its thread, if nobody waits for it any more.

    Raises:
        TimeoutError: the work was not done in time.
        BaseException: what the work raised.
    """
    job: Future[object] = Future()
    given_up = threading.Event()

    def run() -> None:
        try:
            job.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  # raised where the job is waited for
            job.set_exception(error)
        if given_up.is_set():
            undo()

    context = copy_context()
    try:
        threading.Thread(target=run, name="jzysoap connects", daemon=True).start()
    except RuntimeError:
        # No more threads can be started.
        work()
        return
    try:
        job.result(seconds)
    except BaseException:
        given_up.set()
        # In case that it ended in the moment before; otherwise this ends it sooner.
        undo()
        raise


def _pieces(data: Any) -> Iterable[Any]:
    if not isinstance(data, (bytes, bytearray)) or len(data) <= _PIECE:
        return (data,)
    view = memoryview(data)
    return (view[start : start + _PIECE] for start in range(0, len(view), _PIECE))


class _WatchedClass:
    """The connection class of a watched pool: whatever class the pool has at this moment, watched.

    It is looked up each time, since a mock such as vcrpy replaces it while a client is in use.
    """

    def __get__(self, pool: Any, owner: Any) -> Any:
        kind = super(WatchedPool, owner if pool is None else pool).ConnectionCls  # type: ignore[misc]  # one of these
        return _watched_connection(kind) if isinstance(kind, type) else kind


class WatchedPool(HookedPool):
    ConnectionCls = _WatchedClass()
    sends_otherwise = False
    """True if the class below has a ``urlopen`` of its own, which may send in ways that are not watched."""

    def limit_wait(self, timeout: float | None) -> float | None:
        trace = current.get()
        if trace is None:
            return timeout
        trace.not_sent = trace.provable and not self.sends_otherwise
        return trace.limit(trace.timeout.connect)

    def inspect(self, connection: Any) -> None:
        trace = current.get()
        idle = time.monotonic() - getattr(connection, "idle_since", 0.0)
        if trace is not None and connection.sock is not None and idle > trace.max_idle:
            # The server may be closing it at this moment, which would make the outcome unknown.
            connection.close()

    def hand_over(self, connection: Any) -> None:
        trace = current.get()
        if trace is None:
            return
        # A connection class with a ``request`` of its own, such as a mock, may need no socket, or use another one.
        if connection.sock is None and inherits(type(connection), "request", urllib3.connection.HTTPConnection):
            connection.connect()
            sock: Any = connection.sock
            # Readable is also the end of the connection, which may as well come a moment later: that proves nothing.
            if type(sock) is socket.socket and is_connection_dropped(connection) and sock.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError("there was an answer before the request")
        trace.hand_over()

    def keep(self, connection: Any) -> None:
        connection.idle_since = time.monotonic()


def inherits(kind: type, method: str, library: type) -> bool:
    """Return True if a class has a method from the library's class, and not from one of the user's."""
    return next(one for one in kind.__mro__ if method in vars(one)) is library


def watch(manager: Any) -> None:
    """Make a pool manager use watched pools, and these watched connections."""
    manager.pool_classes_by_scheme = {
        scheme: pool if issubclass(pool, WatchedPool) else _watched_pool(pool)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched_pool(kind: type) -> type:
    own = not inherits(kind, "urlopen", urllib3.HTTPConnectionPool)
    return type(f"Watched{kind.__name__}", (WatchedPool, kind), {"sends_otherwise": own})


@functools.cache
def _watched_connection(kind: type) -> type:
    opens_socket = inherits(kind, "_new_conn", urllib3.connection.HTTPConnection)
    bases = (WatchedConnection, OpeningConnection, kind) if opens_socket else (WatchedConnection, kind)
    return type(f"Watched{kind.__name__}", bases, {})
