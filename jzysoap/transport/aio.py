"""Exchanges for asynchronous code: pools, deadlines, cancellation, and what a failure means for the message.

Connections are made and parsed by ``aioconnection``. No redirect is followed, no netrc, cookie or environment variable
is read, and nothing is repeated that may have been sent: a request counts as sent once its connection has been made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import urllib3

from jzysoap.model.errors import ConfigurationError, NotSentError
from jzysoap.model.http import HttpRequest
from jzysoap.model.masking import Secret
from jzysoap.model.processes import PerProcess
from jzysoap.model.sent import JzySoapError
from jzysoap.settings.options import Config
from jzysoap.transport.cancellation import Exchanged, outlast
from jzysoap.transport.custom import close_custom, exchange_over
from jzysoap.transport.failures import check_right, choose_pause, describe_failure, find_foreign, transport_error
from jzysoap.transport.routes import Route, TlsContexts, route_to
from jzysoap.transport.surroundings import proxy_for

if TYPE_CHECKING:
    from jzysoap.transport.aioconnection import Connection, IncomingReply


class AsyncTransport:
    """Exchanges requests for replies. Usable from several event loops, one after another or at once.

    Args:
        config: the client's checked arguments.

    Raises:
        ConfigurationError: a package is missing, or an argument is Client's alone.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._custom = config.transport
        if config.adapter is not None:
            raise ConfigurationError("adapter is an argument of Client alone: give AsyncClient a transport")
        if self._custom is None:
            try:
                from jzysoap.transport import aioconnection
            except ImportError as error:
                raise ConfigurationError(
                    f"AsyncClient needs {error.name}, which is not installed: pip install 'jzysoap[async]'"
                ) from None
            self._aio = aioconnection
            self._tls = TlsContexts(config)
        self._routes: dict[str, Route] = {}
        self._closed = False
        self._pools = PerProcess(_Pools)

    async def exchange(self, request: HttpRequest) -> Exchanged:
        """Exchange a request for its reply. The request is sent once at most.

        A consuming request that was sent is received to its end although the caller is cancelled.

        Raises:
            NotSentError: no connection was made.
            OutcomeUnknownError: the request may have been sent, and no reply came.
            ConfigurationError: the client is closed, or runs on something else than asyncio.
        """
        loop = self.check_open()
        deadline = loop.time() + request.timeout.total
        pools = self._pools.get()
        pool = pools.by_loop.get(loop) or await pools.add(_Pool(loop, self._config.pool_size))
        pool.exchanges += 1
        attempt = 1
        try:
            if self._custom is not None:
                return await exchange_over(self._custom, request, deadline)
            while True:
                try:
                    return await self._exchange(request, deadline, pool)
                except NotSentError as error:
                    pause = choose_pause(attempt, error)
                    if pause is None or loop.time() + pause >= deadline:
                        raise
                    attempt += 1
                    await asyncio.sleep(pause)
        finally:
            pool.exchanges -= 1
            if not pool.exchanges and pool.at_rest is not None:
                pool.at_rest.set()

    async def aclose(self) -> None:
        """Close every connection of this event loop, once the exchanges under way have ended, and refuse later calls.

        Those of another event loop close when that loop shuts down.
        """
        loop = _running_loop()
        first, self._closed = not self._closed, True
        pools = self._pools.get()
        pool = pools.by_loop.get(loop)
        if pool is not None:
            if pool.exchanges:
                pool.at_rest = pool.at_rest or asyncio.Event()
                await pool.at_rest.wait()
            await pool.close()
            pools.by_loop.pop(loop, None)
        if self._custom is not None and first:
            await close_custom(self._custom)

    def check_open(self) -> asyncio.AbstractEventLoop:
        """Return the event loop, or refuse a call that cannot be made here.

        Raises:
            ConfigurationError: the client is closed, or runs on something else than asyncio.
        """
        loop = _running_loop()
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")
        return loop

    async def _exchange(self, request: HttpRequest, deadline: float, pool: _Pool) -> Exchanged:
        connection: Connection | None = None
        reply: IncomingReply | None = None
        error: BaseException | None = None
        cancelled: asyncio.CancelledError | None = None
        sent = False
        try:
            route = self._routes.get(request.url) or self._find_route(request.url)
            data = route.encode(request)
            connection = pool.take(route) or await self._connect(route, request, deadline, pool)
            # A connection has been made: from here on, the request may have been sent.
            sent = True
            if not connection.is_open:
                raise ConnectionResetError("closed")
            reply = self._aio.IncomingReply(request, pool.loop, deadline)
            check_right(request.not_after)
            connection.start(data, reply)
            if request.consuming:
                cancelled = await outlast(reply.wait, lambda: reply.ended)
            else:
                await reply.wait()
            error = reply.error
        except JzySoapError:
            raise
        except Exception as problem:  # noqa: BLE001  # none of them may reach the caller unclassified
            error = problem
        finally:
            if connection is not None:
                # A connection whose reply is incomplete, or whose exchange was cancelled, is closed instead.
                pool.give_back(route, connection)
        if reply is not None and reply.status is not None and (error is None or not find_foreign(error, own=True)):
            return Exchanged(reply.result(describe_failure(error, request) if error else None), cancelled)
        if cancelled is not None:
            raise cancelled
        assert error is not None, "a reply without a head has an error"
        raise find_foreign(error, own=True) or transport_error(error, request, sent=sent)

    async def _connect(self, route: Route, request: HttpRequest, deadline: float, pool: _Pool) -> Connection:
        loop = pool.loop
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + request.timeout.connect)):
                connection = await self._aio.connect(
                    route, lambda: self._aio.Connection(loop, self._config.max_idle), self._tls
                )
        except TimeoutError:
            if loop.time() >= deadline:
                raise TimeoutError("deadline") from None
            raise urllib3.exceptions.ConnectTimeoutError from None
        pool.add(connection)
        return connection

    def _find_route(self, url: str) -> Route:
        # There are few addresses, and parsing one is slow.
        self._routes[url] = route_to(url, Secret(proxy_for(self._config, url)))
        return self._routes[url]


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "AsyncClient needs a running event loop of asyncio; trio's, say, cannot be used"
        ) from None


class _Pools:
    """The pools of one process, by event loop."""

    def __init__(self) -> None:
        self.by_loop: dict[asyncio.AbstractEventLoop, _Pool] = {}

    async def add(self, pool: _Pool) -> _Pool:
        """Add the pool of another event loop, and drop those of event loops that are closed."""
        # Event loops in several threads share the dictionary: one step at a time, each of which is atomic.
        for other in self.by_loop.copy():
            if other.is_closed():
                self.by_loop.pop(other, None)
        self.by_loop[pool.loop] = pool
        await pool.open()
        return pool


class _Pool:
    """The connections of one event loop, those that are idle by route. The last one that came idle is used first.

    An event loop tells only asynchronous generators that it shuts down (``shutdown_asyncgens``, which ``asyncio.run``
    calls): that is why one waits here for its end.

    Attributes:
        loop: the event loop.
        exchanges: how many are under way.
        at_rest: set once none is under way, where someone waits for that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        self._size = size
        self._idle: dict[Any, dict[Connection, None]] = {}
        self._all: set[Connection] = set()
        self._closing = asyncio.Lock()
        self._keeper = self._keep()
        self.loop = loop
        self.exchanges = 0
        self.at_rest: asyncio.Event | None = None

    async def open(self) -> None:
        """Begin to wait for the end of the event loop."""
        await self._keeper.__anext__()

    async def close(self) -> None:
        """Close all connections."""
        async with self._closing:
            await self._keeper.aclose()

    def add(self, connection: Connection) -> None:
        """Take note of a new connection."""
        self._all.add(connection)
        connection.lost.add_done_callback(lambda _: self._forget(connection))

    def take(self, route: Route) -> Connection | None:
        """Return a connection that can be used again, or None."""
        idle = self._idle.get(route.key)
        while idle:
            connection, _ = idle.popitem()
            if connection.is_usable():
                return connection
            connection.abort()
        return None

    def give_back(self, route: Route, connection: Connection) -> None:
        """Keep a connection for another exchange, or close it."""
        idle = self._idle.setdefault(route.key, {})
        if connection.is_idle and len(idle) < self._size:
            idle[connection] = None
        else:
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        for idle in self._idle.values():
            idle.pop(connection, None)

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._idle.clear()
            left = [*self._all]
            for connection in left:
                connection.abort()
            if left:
                await asyncio.wait([connection.lost for connection in left], timeout=1)
