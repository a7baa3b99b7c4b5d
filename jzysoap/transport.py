"""Bytes out and bytes in, over requests; every failure classified by what had happened, never by its class alone.

A request is handed straight to a requests adapter: no redirect is followed, no netrc, cookie or environment variable is
looked at, nothing is repeated that may have been sent. The connections are watched from below: whether a byte of the
request was handed to the socket, and that no read outlasts the deadline of the call.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

from jzysoap.config import Config
from jzysoap.errors import ConfigurationError, JzySoapError, NotSentError, OutcomeUnknownError
from jzysoap.inflate import Inflater
from jzysoap.masking import Secret
from jzysoap.wire import Reply, Request

_CHUNK = 65536
ATTEMPTS = 3
"""Times a connection is tried that fails before the first byte."""


class _Exchange:
    """One exchange under way, as its connection sees it.

    Attributes:
        deadline: when it must be over, on the monotonic clock.
        read: seconds between two arrivals.
        max_idle: seconds a pooled connection may have been idle.
        watched: whether its connection is a watched one, so that ``sent`` can be relied on.
        sent: whether a byte of the request was handed to the socket.
        error: what ended the reading of the reply, else None.
        ended: whether the connection has no more to read.
        response: the answer that is being read, a proxy's to the opening of a tunnel among them.
    """

    __slots__ = ("deadline", "ended", "error", "max_idle", "read", "response", "sent", "watched")

    def __init__(self, deadline: float, read: float, max_idle: float) -> None:
        self.deadline = deadline
        self.read = read
        self.max_idle = max_idle
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


_current: ContextVar[_Exchange | None] = ContextVar("_current", default=None)


class _WatchedReader(io.RawIOBase):
    """The bytes of a reply as they come. A failure ends them, so that what came before it is not lost."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: _Exchange) -> None:
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


class _WatchedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        exchange = _current.get()
        if exchange is not None:
            exchange.response = self
            reader: io.BufferedReader = self.fp
            self.fp = io.BufferedReader(_WatchedReader(reader.detach(), sock, exchange))

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


class _WatchedConnection(_Connection):
    """Laid over whatever connection class an adapter uses; inert outside an exchange."""

    response_class = _WatchedResponse
    idle_since = 0.0
    _connecting = False

    def connect(self) -> None:
        # What a proxy is told while connecting is no part of the request.
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False
            exchange = _current.get()
            if exchange is not None and exchange.response is not None:
                # Python leaves a proxy's answer open (until 3.11), and with it the socket.
                exchange.response.close()

    def send(self, data: Any) -> None:
        exchange = _current.get()
        if exchange is None or self._connecting or not isinstance(data, bytes):
            if exchange is not None and not self._connecting:
                exchange.sent = True
            super().send(data)
            return
        if self.sock is None:
            self.connect()
        left = memoryview(data)
        while left:
            # Piece by piece: sendall would wait anew for each record of TLS.
            self.sock.settimeout(exchange.patience())
            try:
                left = left[self.sock.send(left) :]
            except TimeoutError as error:
                raise exchange.cause(error) from None
            exchange.sent = True


class _WatchedPool(_Pool):
    def _get_conn(self, timeout: float | None = None) -> Any:
        exchange = _current.get()
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


def _watch(manager: Any) -> None:
    """Makes a pool manager use watched pools and connections."""
    manager.pool_classes_by_scheme = {
        scheme: pool if issubclass(pool, _WatchedPool) else _watched(pool)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched(pool: Any) -> Any:
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_WatchedConnection, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (_WatchedPool, pool), {"ConnectionCls": connection})


class Transport:
    """Exchanges requests for replies. Safe in threads, and usable after a fork.

    Args:
        config: the client's checked arguments.

    Raises:
        ConfigurationError: the adapter, or a proxy, that cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._verify = trusted(config)
        self._adapter: Any = config.adapter
        if config.adapter is None:
            self._adapter = HTTPAdapter(pool_maxsize=config.pool_size, max_retries=0)
        elif not isinstance(config.adapter, BaseAdapter):
            raise ConfigurationError("adapter must be a requests adapter, such as requests.adapters.HTTPAdapter()")
        retries = getattr(self._adapter, "max_retries", None)
        if getattr(retries, "total", retries or 0) not in (0, False):
            raise ConfigurationError(
                "adapter repeats requests (max_retries is not 0), which would text people twice: set max_retries=0"
            )
        self._proxies: dict[tuple[str, str], dict[str, str]] = {}
        self._abandoned: list[Any] = []
        self._closed = False
        self._pid = os.getpid()
        self._locks: dict[int, threading.Lock] = {}
        self._watch()

    def exchange(self, request: Request) -> Reply:
        """One request, at most once as far as anyone can tell, and its reply.

        Raises:
            NotSentError: no byte of it was handed to the socket.
            OutcomeUnknownError: some was, and no reply came.
            ConfigurationError: the client is closed.
        """
        deadline = time.monotonic() + request.timeout.total
        attempt = 1
        while True:
            try:
                return self._exchange(request, deadline)
            except NotSentError as error:
                pause = pause_before(attempt, error)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise
                attempt += 1
                time.sleep(pause)

    def close(self) -> None:
        """Closes every connection. A call made later is refused."""
        self._closed = True
        self._renew_after_fork()
        self._adapter.close()

    def check_open(self) -> None:
        """Refuses what would need a connection once there are to be no more.

        Raises:
            ConfigurationError: the client is closed.
        """
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")

    def _exchange(self, request: Request, deadline: float) -> Reply:
        self.check_open()
        self._renew_after_fork()
        exchange = _Exchange(deadline, request.timeout.read, self._config.max_idle)
        if not isinstance(self._adapter, HTTPAdapter):
            # Its connections cannot be watched, so nothing it does can be called not sent.
            exchange.sent = True
        left = max(deadline - time.monotonic(), 0.001)
        token = _current.set(exchange)
        try:
            with self._classified(request, exchange):
                response = self._adapter.send(
                    _prepared(request),
                    stream=True,
                    timeout=(min(request.timeout.connect, left), request.timeout.read),
                    verify=self._verify,
                    cert=self._config.cert,
                    proxies=self._proxies_for(request.url),
                )
                early = exchange.watched and not exchange.sent
                if exchange.error is not None or exchange.ended or early:
                    # http.client takes headers that were cut off for all of them.
                    response.close()
                    raise exchange.error or ConnectionResetError("an answer before the request, or part of its head")
                return _receive(response, request, exchange)
        finally:
            _current.reset(token)

    @contextlib.contextmanager
    def _classified(self, request: Request, exchange: _Exchange) -> Iterator[None]:
        try:
            yield
        except JzySoapError:
            raise
        except Exception as error:  # an adapter may raise anything; none of it may escape unclassified
            where = urlsplit(request.url).netloc
            reason = reason_of(exchange.error or error, request)
            # A subclass of HTTPAdapter may bring connections of its own, which tell nothing.
            if exchange.sent or not (exchange.watched or type(self._adapter) is HTTPAdapter):
                raise OutcomeUnknownError(f"no answer from {where} after the request had left: {reason}") from error
            raise NotSentError(f"nothing was sent to {where}: {reason}") from error

    def _proxies_for(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        # Another scheme may have another proxy, another port none.
        server = parts.scheme, parts.netloc
        if server not in self._proxies:
            proxies = proxies_for(self._config, url)
            proxy = select_proxy(url, proxies)
            if proxy and isinstance(self._adapter, HTTPAdapter):
                _watch(self._adapter.proxy_manager_for(prepend_scheme_if_needed(proxy, "http")))
            self._proxies[server] = proxies
        return self._proxies[server]

    def _watch(self) -> None:
        if isinstance(self._adapter, HTTPAdapter):
            _watch(self._adapter.poolmanager)

    def _renew_after_fork(self) -> None:
        pid = os.getpid()
        if self._pid == pid:
            return
        # A lock of this process: no fork can have left it locked.
        with self._locks.setdefault(pid, threading.Lock()):
            if self._pid != pid:
                self._after_fork()
                # Only now may other threads go on.
                self._pid = pid

    def _after_fork(self) -> None:
        # The parent's connections, and the locks around them, must not be touched, not even to be collected.
        if isinstance(self._adapter, HTTPAdapter):
            adapter = self._adapter
            self._abandoned += [adapter.poolmanager, adapter.proxy_manager]
            adapter.proxy_manager = {}
            adapter.init_poolmanager(adapter._pool_connections, adapter._pool_maxsize, block=adapter._pool_block)
            self._watch()
        self._proxies = {}


def _prepared(request: Request) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.prepare_method(request.method)
    prepared.prepare_url(request.url, None)
    prepared.headers = CaseInsensitiveDict(request.headers)
    prepared.body = request.body
    prepared.hooks = {"response": []}
    if request.body is not None:
        prepared.headers["Content-Length"] = str(len(request.body))
    return prepared


def _receive(response: requests.Response, request: Request, exchange: _Exchange) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    problem: str | None = "interrupted"
    body = bytearray()
    try:
        try:
            came = fill(body, _chunks(response.raw), headers.get("content-encoding", ""), request.max_bytes)
            length = headers.get("content-length", "")
            if exchange.error is not None:
                problem = reason_of(exchange.error, request)
            elif length.isdigit() and "transfer-encoding" not in headers and came < int(length):
                problem = f"the connection ended after {came:,} of {int(length):,} bytes"
            elif response.status_code < 200:
                # The answer proper would come on this connection yet, and be taken for that of the next request.
                problem = f"only an interim answer came (HTTP status {response.status_code})"
            else:
                problem = None
        except ValueError as error:
            problem = str(error)
        except (http.client.HTTPException, urllib3.exceptions.HTTPError, OSError) as error:
            problem = reason_of(exchange.error or error, request)
        return Reply(response.status_code, headers, bytes(body), problem)
    finally:
        # Only a connection whose reply was read to its end can carry another.
        if problem is None and isinstance(response.raw, urllib3.HTTPResponse):
            response.raw.release_conn()
        else:
            response.close()


def fill(body: bytearray, chunks: Iterator[bytes], encoding: str, limit: int) -> int:
    """Decompresses what comes into a body.

    Returns:
        How many bytes came.

    Raises:
        ValueError: why the body is not all of it.
    """
    inflater = Inflater(encoding)
    came = 0
    for chunk in chunks:
        came += len(chunk)
        body += inflater.feed(chunk, limit + 1 - len(body))
        if len(body) > limit:
            del body[limit:]
            raise ValueError(f"it is larger than {limit:,} bytes")
    inflater.finish()
    return came


def _chunks(raw: Any) -> Iterator[bytes]:
    original = getattr(raw, "_original_response", None)
    if isinstance(original, http.client.HTTPResponse):
        # Straight from the connection, whatever arrives: the layers above drop a piece that was cut off.
        while chunk := original.read1(_CHUNK):
            yield chunk
        original.close()
    else:
        # An adapter that is not of requests may bring any file.
        raw_bytes = {"decode_content": False} if isinstance(raw, urllib3.HTTPResponse) else {}
        while chunk := raw.read(_CHUNK, **raw_bytes):
            yield chunk


def trusted(config: Config) -> bool | str:
    """What certificates are verified against: settled once, since requests would ask the environment each time."""
    if config.verify is not True:
        return config.verify
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def proxies_for(config: Config, url: str) -> dict[str, str]:
    """The proxies for an address, as requests takes them; none for loopback."""
    if is_loopback(urlsplit(url).hostname or ""):
        return {}
    if config.proxies is None:
        return {scheme: Secret(address) for scheme, address in get_environ_proxies(url).items()}
    return {scheme: str(address) for scheme, address in config.proxies.items()}


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made of: the libraries below wrap in several ways."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [getattr(one, "reason", None), *getattr(one, "exceptions", ()), *one.args]
            waiting += [one.__cause__, one.__context__]


def pause_before(attempt: int, error: NotSentError) -> float | None:
    """Seconds to wait after a failed attempt, or None where another would be of no use."""
    kinds = (ConnectionRefusedError, ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)
    if attempt >= ATTEMPTS or not any(isinstance(one, kinds) for one in _chain(error)):
        return None
    jitter: float = random.uniform(0.05, 0.1)  # noqa: S311  # no secret
    return jitter * 2.0**attempt


Reasons = Sequence[tuple[tuple[type[BaseException], ...], str]]

# What went wrong, the most telling first; a class further down may wrap one further up.
_REASONS: Reasons = (
    ((socket.gaierror,), "its name cannot be resolved"),
    ((ssl.SSLCertVerificationError,), "its certificate is not trusted"),
    ((ssl.SSLError, urllib3.exceptions.SSLError), "TLS failed"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((urllib3.exceptions.ProxyError,), "the proxy failed"),
    ((ConnectionError, http.client.IncompleteRead), "the connection was closed"),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "the answer is not valid HTTP"),
    ((urllib3.exceptions.ConnectTimeoutError,), "no connection within {connect:g} s"),
    ((TimeoutError, urllib3.exceptions.TimeoutError), "nothing came for {read:g} s"),
)


def reason_of(error: BaseException, request: Request, more: Reasons = ()) -> str:
    """What went wrong, in words that hold nothing but limits."""
    causes = list(_chain(error))
    if any(one.args == ("deadline",) for one in causes if isinstance(one, TimeoutError)):
        return f"the deadline of {request.timeout.total:g} s is past"
    for kinds, words in (*_REASONS, *more):
        if any(isinstance(one, kinds) for one in causes):
            return words.format(**request.timeout._asdict())
    return "the network failed" if any(isinstance(one, OSError) for one in causes) else type(error).__name__
