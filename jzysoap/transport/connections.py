"""Connections that are watched from below, laid over whatever classes urllib3, or an adapter, brings.

They see whether a byte of the request was handed to the socket, end every operation at the deadline of the call, and
lose no byte of a reply that fails half-way.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import urllib3

from jzysoap.model.masking import SecretBytes


class Exchange:
    """One exchange under way, as its connection sees it.

    Attributes:
        deadline: when it must be over, on the monotonic clock.
        read: seconds between two arrivals.
        max_idle: seconds a pooled connection may have been idle.
        watched: whether its connection is a watched one, so that ``sent`` can be relied on.
        sent: whether a byte of the request was handed to the socket.
        body: whether the request has a body.
        held: the request's head, until its body is there to go with it.
        error: what ended the reading of the reply, else None.
        ended: whether the connection has no more to read.
        response: the answer that is being read, a proxy's to the opening of a tunnel among them.
    """

    __slots__ = ("body", "deadline", "ended", "error", "held", "max_idle", "read", "response", "sent", "watched")

    def __init__(self, deadline: float, read: float, max_idle: float, *, body: bool) -> None:
        self.deadline = deadline
        self.read = read
        self.max_idle = max_idle
        self.body = body
        self.held = b""
        self.watched = False
        self.sent = False
        self.error: OSError | None = None
        self.ended = False
        self.response: http.client.HTTPResponse | None = None

    def patience(self) -> float:
        """Seconds that the next operation on the socket may take.

        Raises:
            TimeoutError: the deadline is past; its only argument is ``"deadline"``.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, self.read)

    def cause(self, error: OSError) -> OSError:
        """What an operation's failure came from: the deadline where that is past by now."""
        return TimeoutError("deadline") if time.monotonic() >= self.deadline else error


current: ContextVar[Exchange | None] = ContextVar("current", default=None)
"""The exchange that this thread is in; None outside of one."""


class WatchedReader(io.RawIOBase):
    """The bytes of a reply as they come. A failure ends them, so that what came before it is not lost."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        try:
            self._sock.settimeout(self._exchange.patience())
            count = self._raw.readinto(buffer)
            self._exchange.ended = count == 0
            return count
        except OSError as error:
            # The first one tells: a socket that timed out fails differently ever after.
            if self._exchange.error is None:
                self._exchange.error = self._exchange.cause(error)
            return 0

    def close(self) -> None:
        self._raw.close()
        super().close()


class WatchedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        exchange = current.get()
        if exchange is not None:
            exchange.response = self
            reader: io.BufferedReader = self.fp
            self.fp = io.BufferedReader(WatchedReader(reader.detach(), sock, exchange))

    def begin(self) -> None:
        super().begin()
        # urllib3 would log the parts of a head that could not be parsed, which may quote the request.
        self.headers.defects.clear()
        self.headers.set_payload("")

    def _read_status(self) -> tuple[str, int, str]:
        # http.client passes over 100 alone; any other interim answer it would take for the last one.
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if status not in (102, 103):
                return version, status, reason
            http.client.parse_headers(self.fp)


if TYPE_CHECKING:
    _Connection = urllib3.connection.HTTPConnection
    _Pool = urllib3.HTTPConnectionPool
else:
    _Connection = _Pool = object


class WatchedConnection(_Connection):
    """Laid over whatever connection class an adapter uses; inert outside an exchange."""

    response_class = WatchedResponse
    idle_since = 0.0
    _connecting = False

    def connect(self) -> None:
        # What a proxy is told while connecting is no part of the request.
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False
            exchange = current.get()
            if exchange is not None and exchange.response is not None:
                # Python leaves a proxy's answer open (until 3.11), and with it the socket.
                exchange.response.close()

    def send(self, data: Any) -> None:
        exchange = current.get()
        if exchange is None or self._connecting:
            super().send(data)
            return
        if self.sock is None:
            self.connect()
        held, exchange.held = exchange.held, b""
        if not isinstance(data, bytes):
            self._write(held, exchange)
            exchange.sent = True
            super().send(data)
        elif exchange.body and not exchange.sent and not held:
            # With the body, it takes one call of the system, and often one packet.
            exchange.held = data
        else:
            self._write(SecretBytes(held + data), exchange)

    def getresponse(self) -> Any:
        exchange = current.get()
        if exchange is not None and exchange.held:
            # An adapter took the body away.
            self.send(b"")
        return super().getresponse()

    def _write(self, data: bytes, exchange: Exchange) -> None:
        left = memoryview(data)
        while left:
            # Piece by piece: sendall would wait anew for each record of TLS.
            self.sock.settimeout(exchange.patience())
            # Told beforehand: a signal's handler may raise once it is sent and before another line is run.
            before, exchange.sent = exchange.sent, True
            try:
                left = left[self.sock.send(left) :]
            except OSError as error:
                if error.errno is not None and _is_of_a_socket(error):
                    # It took nothing. Any other may be a handler's.
                    exchange.sent = before
                raise (exchange.cause(error) if isinstance(error, TimeoutError) else error) from None


def _is_of_a_socket(error: OSError) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    module = frame.f_globals.get("__name__", "")
    return module == __name__ or module.partition(".")[0] in ("ssl", "socket", "urllib3", "gevent", "eventlet")


class WatchedPool(_Pool):
    def _get_conn(self, timeout: float | None = None) -> Any:
        exchange = current.get()
        if exchange is not None:
            exchange.watched = True
        connection: Any = super()._get_conn(timeout)
        idle = time.monotonic() - getattr(connection, "idle_since", 0.0)
        if exchange is not None and connection.sock is not None and idle > exchange.max_idle:
            # The server may be closing it just now, which would make the outcome unknown.
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)


def watch(manager: Any) -> None:
    """Make a pool manager use watched pools and connections."""
    manager.pool_classes_by_scheme = {
        scheme: pool if issubclass(pool, WatchedPool) else _watched(pool)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched(pool: Any) -> Any:
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (WatchedConnection, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (WatchedPool, pool), {"ConnectionCls": connection})
