"""Bytes out and bytes in for asynchronous code, over httpx; failures classified as over requests.

A request is handed straight to an httpx transport: no redirect is followed, no environment variable is looked at,
nothing is repeated that may have been sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any

from requests.utils import prepend_scheme_if_needed

from jzysoap.model.errors import ConfigurationError, NotSentError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.settings.options import Config
from jzysoap.transport.body import ReplyBody as Body
from jzysoap.transport.failures import (
    Reasons,
    choose_pause as pause_before,
    describe_failure as reason_of,
    transport_error as failure_of,
)
from jzysoap.transport.surroundings import proxy_for, trusted

if TYPE_CHECKING:
    import httpx


class _Watch:
    """What httpx tells of an exchange under way.

    Attributes:
        heard: whether it tells anything at all; a foreign transport may not.
        sent: whether the writing of the request has begun.
    """

    def __init__(self) -> None:
        self.heard = False
        self.sent = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        self.heard = True
        # What a proxy is told to open a tunnel is no part of the request.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True


class Exchange:
    """One exchange, so that others can see how far it has come.

    Attributes:
        given: whether another's transport has it, which may tell nothing.
        sent: whether a byte of the request may have left.
    """

    def __init__(self) -> None:
        self.watch = _Watch()
        self.given = False

    @property
    def sent(self) -> bool:
        return self.watch.sent or (self.given and not self.watch.heard)


class AsyncTransport:
    """Exchanges requests for replies. Usable from several event loops, one after the other or at once.

    Args:
        config: the client's checked arguments.

    Raises:
        ConfigurationError: httpx is not installed, or the adapter is none of its transports.
    """

    def __init__(self, config: Config) -> None:
        try:
            import anyio
            import httpx
        except ImportError as error:
            raise ConfigurationError("AsyncClient needs httpx: pip install 'jzysoap[async]'") from error
        if config.adapter is not None and not isinstance(config.adapter, httpx.AsyncBaseTransport):
            raise ConfigurationError("adapter must be an httpx asynchronous transport, such as AsyncHTTPTransport()")
        self._config = config
        self._httpx = httpx
        self._anyio = anyio
        self._reasons: Reasons = (
            ((httpx.ProxyError,), "the proxy failed"),
            ((httpx.ConnectTimeout, httpx.PoolTimeout), "no connection within {connect:g} s"),
            ((httpx.TimeoutException,), "nothing came for {read:g} s"),
            ((httpx.NetworkError, anyio.EndOfStream), "the connection was closed"),
            ((httpx.RemoteProtocolError,), "the connection was closed, or the answer is not valid HTTP"),
        )
        self._addresses: dict[str, httpx.URL] = {}
        self._proxies: dict[str, str] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False
        self._pid = os.getpid()
        self._loops: dict[asyncio.AbstractEventLoop, _Kept] = {}
        # Loops in several threads share the dictionary.
        self._lock = threading.Lock()

    async def exchange(self, request: HttpRequest, exchange: Exchange | None = None) -> HttpReply:
        """One request, at most once as far as anyone can tell, and its reply.

        Raises:
            NotSentError: no byte of it was handed to the socket.
            OutcomeUnknownError: some was, and no reply came.
            ConfigurationError: the client is closed.
        """
        exchange = exchange or Exchange()
        deadline = time.monotonic() + request.timeout.total
        attempt = 1
        self.check_open()
        kept = await self._kept()
        under_way = asyncio.get_running_loop().create_future()
        kept.running.add(under_way)
        try:
            while True:
                try:
                    return await self._exchange(request, exchange, deadline, kept)
                except NotSentError as error:
                    pause = pause_before(attempt, error)
                    if pause is None or time.monotonic() + pause >= deadline:
                        raise
                    attempt += 1
                    await asyncio.sleep(pause)
        finally:
            kept.running.discard(under_way)
            under_way.cancel()

    async def aclose(self) -> None:
        """Closes every connection. A call made later is refused."""
        self._closed = True
        kept = self._loops.get(asyncio.get_running_loop())
        if kept is not None:
            if kept.running:
                await asyncio.wait(kept.running)
            async with kept.closing:
                await kept.keeper.aclose()
        if self._config.adapter is not None:
            await self._config.adapter.aclose()
        with self._lock:
            # Those of another loop went with it.
            self._loops.clear()

    def check_open(self) -> None:
        """Refuses what would need a connection once there are to be no more.

        Raises:
            ConfigurationError: the client is closed.
        """
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")

    async def _exchange(self, request: HttpRequest, exchange: Exchange, deadline: float, kept: _Kept) -> HttpReply:
        httpx = self._httpx
        limits = request.timeout
        left = max(deadline - time.monotonic(), 0.0)
        watch = exchange.watch = _Watch()
        exchange.given = False
        reply = _Arriving(request)
        used = self._used(request.url, kept)
        asked = False
        try:
            with self._anyio.fail_after(left):
                outgoing = httpx.Request(
                    request.method,
                    self._address(request.url),
                    headers=[
                        (name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()
                    ],
                    content=request.body,
                    extensions={
                        "trace": watch,
                        "timeout": {
                            "connect": limits.connect,
                            "read": limits.read,
                            "write": limits.read,
                            "pool": limits.connect,
                        },
                    },
                )
                asked = True
                exchange.given = self._config.adapter is not None
                response = await used.transport.handle_async_request(outgoing)
                try:
                    await reply.receive(response)
                    await _end_where_more_came(response)
                finally:
                    with self.shield(True):
                        await response.aclose()
            return reply.finish(None)
        except Exception as error:  # noqa: BLE001  # a transport may raise anything; none of it may escape unclassified
            late = isinstance(error, TimeoutError) and time.monotonic() >= deadline
            problem = TimeoutError("deadline") if late else error
            if reply.status is not None:
                return reply.finish(reason_of(problem, request, self._reasons))
            failure = failure_of(problem, request, self._reasons, sent=watch.sent or (asked and not watch.heard))
        except asyncio.CancelledError:
            used.suspect = True
            raise
        finally:
            used.users -= 1
            if used.suspect and used.is_left_over():
                kept.retire(used)
            if used in kept.retired and not used.users:
                await self._close(used, kept)
        raise failure

    async def _kept(self) -> _Kept:
        if self._pid != os.getpid():
            # The parent's connections must not be touched, nor the lock that another thread of it may have held.
            self._abandoned = self._loops
            self._loops = {}
            self._lock = threading.Lock()
            self._pid = os.getpid()
        loop = asyncio.get_running_loop()
        kept = self._loops.get(loop)
        if kept is None:
            kept = await _Kept.start()
            with self._lock:
                # Of a loop that was closed without a word, nothing can be closed any more.
                for other in [other for other in self._loops if other.is_closed()]:
                    del self._loops[other]
                self._loops[loop] = kept
        return kept

    def _address(self, url: str) -> httpx.URL:
        # The same few at every call, and slow to parse.
        if url not in self._addresses:
            self._addresses[url] = self._httpx.URL(url)
        return self._addresses[url]

    def shield(self, on: bool) -> Any:
        """A scope that cancellations from outside of it do not reach, if it is on."""
        return self._anyio.CancelScope(shield=on)

    def _used(self, url: str, kept: _Kept) -> _Used:
        if self._config.adapter is not None:
            return _Used(self._config.adapter)
        if url not in self._proxies:
            self._proxies[url] = proxy_for(self._config, url)
        proxy = self._proxies[url]
        if proxy not in kept.transports:
            kept.transports[proxy] = _Used(self._new_transport(proxy))
        kept.transports[proxy].users += 1
        return kept.transports[proxy]

    async def _close(self, used: _Used, kept: _Kept) -> None:
        # What goes wrong with it must not take the place of the answer.
        with self.shield(True), contextlib.suppress(Exception):
            await used.transport.aclose()
        kept.retired.discard(used)

    def _new_transport(self, proxy: str) -> httpx.AsyncBaseTransport:
        config = self._config
        if self._tls is None:
            self._tls = _context(self._httpx, config)
        limits = self._httpx.Limits(
            max_connections=None, max_keepalive_connections=config.pool_size, keepalive_expiry=config.max_idle
        )
        try:
            made: httpx.AsyncBaseTransport = self._httpx.AsyncHTTPTransport(
                verify=self._tls,
                trust_env=False,
                limits=limits,
                proxy=self._httpx.Proxy(prepend_scheme_if_needed(proxy, "http")) if proxy else None,
            )
        except ImportError:
            raise ConfigurationError(
                "proxies has a SOCKS proxy, which needs socksio: pip install 'httpx[socks]'"
            ) from None
        except ValueError:
            raise ConfigurationError(
                "proxies has an address of a kind that httpx does not know: it knows http, https and socks5"
            ) from None
        return made


async def _end_where_more_came(response: httpx.Response) -> None:
    """Ends the connection of a reply behind which more has come: h11 would take that for the next request's."""
    # Neither httpx nor httpcore says so; what is another's keeps no such state.
    stream = getattr(response.stream, "_httpcore_stream", None)
    connection = getattr(getattr(stream, "_stream", stream), "_connection", None)
    state = getattr(connection, "_h11_state", None)
    if state is not None and state.trailing_data[0]:
        await response.extensions["network_stream"].aclose()


def _context(httpx: Any, config: Config) -> ssl.SSLContext:
    verify = trusted(config)
    try:
        if isinstance(verify, str):
            folder = os.path.isdir(verify)
            context = ssl.create_default_context(capath=verify if folder else None, cafile=None if folder else verify)
        else:
            context = httpx.create_ssl_context(verify=verify, trust_env=False)
        if config.cert is not None:
            context.load_cert_chain(*((config.cert,) if isinstance(config.cert, str) else config.cert))
    except OSError as error:
        raise ConfigurationError(f"verify or cert cannot be used: {type(error).__name__}") from error
    return context


class _Used:
    """A transport.

    Attributes:
        transport: itself.
        users: how many exchanges it is used by.
        suspect: whether one of them was cancelled, and nobody has seen yet what that left.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport
        self.users = 0
        self.suspect = False

    def is_left_over(self) -> bool:
        """Whether it has connections that are neither idle nor anyone's, as httpcore leaves them when cancelled."""
        # What is another's shows no pool.
        connections = getattr(getattr(self.transport, "_pool", None), "connections", ())
        # Only once nobody uses it can there be no mistake.
        self.suspect = self.users > 0
        return sum(not (one.is_idle() or one.is_closed()) for one in connections) > self.users


class _Kept:
    """The transports of one event loop, which are closed when it shuts down.

    A loop tells only asynchronous generators of its end (``shutdown_asyncgens``, which ``asyncio.run`` calls).

    Attributes:
        transports: by proxy.
        retired: those that no exchange begins with any more.
        running: one future for each exchange under way.
        closing: held while they are closed.
    """

    def __init__(self) -> None:
        self.transports: dict[str, _Used] = {}
        self.retired: set[_Used] = set()
        self.closing = asyncio.Lock()
        self.running: set[asyncio.Future[None]] = set()
        self.keeper = self._keep()

    @classmethod
    async def start(cls) -> _Kept:
        kept = cls()
        await kept.keeper.__anext__()
        return kept

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            for used in (*self.transports.values(), *self.retired):
                await used.transport.aclose()
            self.transports.clear()

    def retire(self, used: _Used) -> None:
        """Begins no other exchange with it, so that it can be closed."""
        for proxy in [proxy for proxy, other in self.transports.items() if other is used]:
            self.retired.add(self.transports.pop(proxy))


class _Arriving:
    """A reply as it comes; what came before a failure is kept."""

    def __init__(self, request: HttpRequest) -> None:
        self._max_bytes = request.max_bytes
        self._headers: dict[str, str] = {}
        self._body = Body({}, 0)
        self.status: int | None = None

    async def receive(self, response: httpx.Response) -> None:
        self._headers = {name.lower(): value for name, value in response.headers.items()}
        self._body = Body(self._headers, self._max_bytes)
        self.status = response.status_code
        chunks: AsyncIterator[bytes] = response.stream.__aiter__()  # type: ignore[union-attr]  # an asynchronous one
        async for chunk in chunks:
            if not self._body.feed(chunk):
                break

    def finish(self, problem: str | None) -> HttpReply:
        """The reply, and ``problem``, or whatever else is wrong with it."""
        assert self.status is not None, "a reply is finished only once it has begun"
        self._body.finish()
        return HttpReply(self.status, self._headers, self._body.value(), problem or self._body.problem)
