"""HTTP/1.1 connections of an event loop, each of which carries one exchange after another, and how they are made.

What a failure means for a message is decided in ``aio``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import select
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohappyeyeballs
import urllib3

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import HttpRequest
from jzysoap.model.masking import SecretBytes
from jzysoap.transport.parser import MAX_AROUND_BODY, ReplyParser
from jzysoap.transport.routes import Proxy, Route, TlsContexts
from jzysoap.transport.threads import in_thread

NEXT_ADDRESS_AFTER = 0.25
"""Seconds after which the next address of a name is tried beside the one before."""


class IncomingReply(ReplyParser):
    """A reply while it is received.

    Args:
        request: the request that is answered.
        loop: the event loop.
        deadline: when the exchange must be over, on the loop's clock.

    Attributes:
        ended: True once the reply is complete, or nothing more of it comes.
        error: why the reply is incomplete, else None.
        last_progress: when bytes last came or left, on the loop's clock.
    """

    def __init__(self, request: HttpRequest, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        super().__init__(request)
        self._silence = request.timeout.read
        self._loop = loop
        self._waiter: asyncio.Future[None] = loop.create_future()
        self.deadline = deadline
        self.ended = False
        self.error: BaseException | None = None
        self.last_progress = loop.time()

    @property
    def due(self) -> float:
        """When the exchange has taken too long, unless more comes before."""
        return min(self.deadline, self.last_progress + self._silence)

    async def wait(self) -> None:
        """Wait until the reply has ended."""
        if self._waiter.cancelled():
            self._waiter = self._loop.create_future()
        await self._waiter

    def end(self, error: BaseException | None) -> None:
        """Take note that nothing more of the reply comes, and wake up the one who waits for it."""
        self.close()
        # What follows a complete reply changes nothing of it.
        self.error = None if self.complete else error
        self.ended = True
        if not self._waiter.done():
            self._waiter.set_result(None)


class Connection(asyncio.Protocol):
    """A connection. asyncio calls its methods that take a transport, bytes or an error.

    Args:
        loop: the event loop.
        max_idle: seconds for which it may be idle.

    Attributes:
        lost: a future that is done once the connection is no more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_idle: float) -> None:
        self._loop = loop
        self._max_idle = max_idle
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._reply: IncomingReply | None = None
        self._unsent = 0
        self._unusable_at = 0.0
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.has_unread: Callable[[], object] = _unread_probe(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None:
            # Nothing was asked for. Read later, these bytes would be mistaken for the next reply.
            self.abort()
            return
        reply.last_progress = self._loop.time()
        try:
            reply.feed(data)
        except BaseException as error:
            self._end(error)
            if not isinstance(error, Exception):
                # KeyboardInterrupt, say, which a signal handler has raised here.
                raise
        else:
            if reply.complete:
                self._end(None)

    def eof_received(self) -> None:
        # asyncio closes the connection after this.
        if self._reply is not None:
            self._reply.feed_eof()
            self._end(ConnectionResetError("closed"))

    def connection_lost(self, error: BaseException | None) -> None:
        if self._reply is not None:
            self._end(error or ConnectionResetError("closed"))
        if self._timer is not None:
            self._timer.cancel()
        self._transport = self._timer = None
        self.lost.set_result(None)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_idle(self) -> bool:
        """True if it is open, and its last exchange was whole."""
        return self._unusable_at > 0 and self.is_open

    def is_usable(self) -> bool:
        """Return True if an idle connection can carry another exchange."""
        return self._loop.time() < self._unusable_at and self.is_open and not self.has_unread()

    def start(self, data: bytes, reply: IncomingReply) -> None:
        """Hand a request to the socket; ``reply`` tells what comes of it."""
        self._reply = reply
        self._unusable_at = 0.0
        self._transport.write(data)
        self._unsent = self._transport.get_write_buffer_size()
        # Early enough for the end of idleness, too. A timer that fires too early only waits on: that is cheaper than a
        # timer for each exchange.
        due = min(reply.due, reply.last_progress + self._max_idle)
        if self._timer is None or self._timer.when() > due:
            self._call_at(due)

    def abort(self) -> None:
        """Close it, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: BaseException | None) -> None:
        reply = self._reply
        assert reply is not None, "only an exchange that was started can end"
        reply.end(error)
        self._reply = None
        if error is not None or not reply.keep_alive or self._transport.get_write_buffer_size():
            # Nor could the rest of a request be taken back.
            self.abort()
        else:
            self._unusable_at = reply.last_progress + min(self._max_idle, reply.keep_alive)

    def _call_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        reply, now = self._reply, self._loop.time()
        if reply is None:
            if now < self._unusable_at:
                self._call_at(self._unusable_at)
            else:
                self.abort()
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent = unsent
            reply.last_progress = now
        if now < reply.due:
            self._call_at(reply.due)
        else:
            self._end(TimeoutError("deadline") if now >= reply.deadline else TimeoutError())


def _unread_probe(sock: Any) -> Callable[[], object]:
    """Return a function that tells whether a socket holds bytes, or an end, that the event loop has not read yet."""
    if not hasattr(select, "poll"):
        return lambda: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return lambda: poll.poll(0)


async def connect(route: Route, new: Callable[[], Connection], tls: TlsContexts) -> Connection:
    """Make a connection. It may be closed again already when this returns.

    Raises:
        ConfigurationError: a package for the proxy, or a certificate, is missing.
        Exception: the connection cannot be made.
    """
    proxy, connection = route.proxy, new()
    context = tls.gateway if route.secure else None
    try:
        if proxy is None:
            sock = await _open_socket(route.host, route.port)
            await _attach(sock, connection, context, route.host)
        elif proxy.is_socks:
            sock = await _open_through_socks(proxy, route.host, route.port)
            await _attach(sock, connection, context, route.host)
        else:
            proxy_context = tls.proxy if proxy.scheme == "https" else None
            if context is None:
                await _attach_to_proxy(connection, proxy, proxy_context)
            else:
                await _attach_through_tunnel(connection, route, proxy, proxy_context, context)
        # What is unread now came before a request was written. The event loop reads it, and the connection closes,
        # unless it belongs to TLS.
        while connection.is_open and connection.has_unread():
            await asyncio.sleep(0)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _attach(sock: socket.socket, protocol: asyncio.Protocol, tls: ssl.SSLContext | None, host: str) -> Any:
    """Let a protocol have a connected socket, over TLS if there is a context for that; return the transport."""
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: protocol, sock=sock, ssl=tls, server_hostname=host if tls else None
        )
    except BaseException:
        sock.close()
        raise
    return transport


async def _open_socket(host: str, port: int) -> socket.socket:
    resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await in_thread(resolve)
    else:
        # An IP address needs no thread.
        found = resolve()
    return await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_AFTER)


async def _open_through_socks(proxy: Proxy, host: str, port: int) -> socket.socket:
    try:
        from python_socks import ProxyConnectionError, ProxyError, ProxyType
        from python_socks.async_.asyncio import Proxy as SocksProxy
    except ImportError:
        raise ConfigurationError(
            "proxies has a SOCKS proxy, which needs python-socks: pip install 'jzysoap[socks]'"
        ) from None
    kind = ProxyType.SOCKS5 if proxy.scheme.startswith("socks5") else ProxyType.SOCKS4
    # As requests has it: with socks4a and socks5h, the proxy resolves the name.
    resolves = proxy.scheme in ("socks4a", "socks5h")
    client = SocksProxy(kind, proxy.host, proxy.port, proxy.user or None, proxy.password or None, resolves)
    try:
        # The caller's limit is shorter. Without one here, python-socks takes a minute.
        return await client.connect(host, port, timeout=86400)
    except ProxyConnectionError as error:
        raise _unreachable(OSError(error.errno, "no connection to the proxy")) from None
    except ProxyError:
        # Its text may be the proxy's.
        raise _refusal("refused") from None


def _unreachable(error: OSError) -> Exception:
    return urllib3.exceptions.ProxyError("no connection to the proxy", error)


def _refusal(reason: str) -> Exception:
    return urllib3.exceptions.ProxyError("the proxy failed", OSError(reason))


_END_OF_HEAD = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] +([1-5][0-9]{2})\b")


class _TunnelRequest(asyncio.Protocol):
    """The request to a proxy to open a tunnel, and the head of its answer.

    Attributes:
        status: a future for the HTTP status; 0 where none can be read.
        has_more: True if bytes came behind the head. They cannot be the gateway's, to which nothing was said yet.
    """

    def __init__(self, data: SecretBytes, loop: asyncio.AbstractEventLoop) -> None:
        self._data = data
        self._received = bytearray()
        self.status: asyncio.Future[int] = loop.create_future()
        self.has_more = False

    def connection_made(self, transport: Any) -> None:
        transport.write(self._data)

    def data_received(self, data: bytes) -> None:
        searched = max(len(self._received) - 2, 0)
        self._received += data
        end = _END_OF_HEAD.search(self._received, searched)
        if self.status.done() or end is not None:
            self.has_more = end is None or end.end() < len(self._received)
            found = _STATUS_LINE.match(self._received)
            self._answer(int(found[1]) if found else 0)
        elif len(self._received) > MAX_AROUND_BODY:
            self._answer(0)

    def connection_lost(self, _error: BaseException | None) -> None:
        self._answer(0)

    def _answer(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)


async def _attach_to_proxy(protocol: asyncio.Protocol, proxy: Proxy, tls: ssl.SSLContext | None) -> Any:
    """Let a protocol have a connection to a proxy; return the transport."""
    try:
        return await _attach(await _open_socket(proxy.host, proxy.port), protocol, tls, proxy.host)
    except OSError as error:
        raise _unreachable(error) from None


async def _attach_through_tunnel(
    connection: Connection,
    route: Route,
    proxy: Proxy,
    proxy_context: ssl.SSLContext | None,
    context: ssl.SSLContext,
) -> None:
    loop = asyncio.get_running_loop()
    address = f"[{route.host}]:{route.port}" if ":" in route.host else f"{route.host}:{route.port}"
    head = f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n".encode("ascii")
    request = _TunnelRequest(SecretBytes(head + proxy.credentials + b"\r\n"), loop)
    transport = await _attach_to_proxy(request, proxy, proxy_context)
    try:
        status = await request.status
        if not 200 <= status < 300:
            raise _refusal(f"Tunnel connection failed: {status}" if status else "no answer to CONNECT")
        if request.has_more:
            raise _refusal("it sent more than an answer to CONNECT")
        secured = await loop.start_tls(transport, connection, context, server_hostname=route.host)
        if secured is None:
            raise ConnectionResetError("closed")
        connection.connection_made(secured)
    except BaseException:
        transport.abort()
        raise
