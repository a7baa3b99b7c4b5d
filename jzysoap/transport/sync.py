"""Bytes out and bytes in, over requests; every failure classified by what had happened (``failures``).

A request is handed straight to a requests adapter: no redirect is followed, no netrc, cookie or environment variable is
looked at, nothing is repeated that may have been sent. Its connections are watched (``connections``).
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import prepend_scheme_if_needed

from jzysoap.model.errors import ConfigurationError, NotSentError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.processes import PerProcess
from jzysoap.model.sent import JzySoapError
from jzysoap.settings.options import Config
from jzysoap.transport.body import ReplyBody
from jzysoap.transport.connections import Exchange, current, watch
from jzysoap.transport.failures import choose_pause, describe_failure, transport_error
from jzysoap.transport.surroundings import proxy_for, trusted

_CHUNK = 65536


class _Adapter(HTTPAdapter):
    """requests' adapter, for replies that nobody but this module sees."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._found: dict[str, Any] = {}
        self._targets: dict[str, str] = {}

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """The pool for an address, which is the same at every call: nothing it depends on can change."""
        url = request.url or ""
        if url not in self._found:
            self._found[url] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return self._found[url]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """The same for what stands in the request's first line."""
        url = request.url or ""
        if url not in self._targets:
            self._targets[url] = super().request_url(request, proxies)
        return self._targets[url]

    def close(self) -> None:
        # A pool is closed once nothing refers to it any more.
        self._found.clear()
        super().close()

    def build_response(self, _req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """No more than is read of it: neither cookies nor encodings."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        return response


class _State(NamedTuple):
    """What each process has for itself.

    Attributes:
        lock: held while a proxy is looked up; a signal handler may use the client in the same thread.
        proxies: those that were looked up, by scheme and server, as requests takes them.
        managers: the adapter's pool managers. A child keeps its parent's: to collect them would close connections.
    """

    lock: threading.RLock
    proxies: dict[tuple[str, str], dict[str, str]]
    managers: tuple[Any, ...]


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
            self._adapter = _Adapter(pool_maxsize=config.pool_size, max_retries=0)
        elif not isinstance(config.adapter, BaseAdapter):
            raise ConfigurationError("adapter must be a requests adapter, such as requests.adapters.HTTPAdapter()")
        retries = getattr(self._adapter, "max_retries", None)
        if getattr(retries, "total", retries or 0) not in (0, False):
            raise ConfigurationError(
                "adapter repeats requests (max_retries is not 0), which would text people twice: set max_retries=0"
            )
        self._addresses: dict[str, str] = {}
        self._closed = False
        self._started = False
        self._state = PerProcess(self._start)
        self._state.get()

    def exchange(self, request: HttpRequest) -> HttpReply:
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
                pause = choose_pause(attempt, error)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise
                attempt += 1
                time.sleep(pause)

    def close(self) -> None:
        """Closes every connection. A call made later is refused."""
        self._closed = True
        self._state.get()
        self._adapter.close()

    def check_open(self) -> None:
        """Refuses what would need a connection once there are to be no more.

        Raises:
            ConfigurationError: the client is closed.
        """
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")

    def _exchange(self, request: HttpRequest, deadline: float) -> HttpReply:
        self.check_open()
        state = self._state.get()
        exchange = Exchange(deadline, request.timeout.read, self._config.max_idle, body=bool(request.body))
        if not isinstance(self._adapter, HTTPAdapter):
            # Its connections cannot be watched, so nothing it does can be called not sent.
            exchange.sent = True
        left = max(deadline - time.monotonic(), 0.001)
        token = current.set(exchange)
        try:
            response = self._adapter.send(
                self._prepared(request),
                stream=True,
                timeout=(min(request.timeout.connect, left), request.timeout.read),
                verify=self._verify,
                cert=self._config.cert,
                proxies=self._proxies_for(request.url, state),
            )
            early = exchange.watched and not exchange.sent
            if exchange.error is not None or exchange.ended or early:
                # http.client takes headers that were cut off for all of them.
                response.close()
                raise exchange.error or ConnectionResetError("an answer before the request, or part of its head")
            return _receive(response, request, exchange)
        except JzySoapError:
            raise
        except Exception as error:  # noqa: BLE001  # an adapter may raise anything; none of it may escape unclassified
            # A subclass of HTTPAdapter may bring connections of its own, which tell nothing.
            told = exchange.watched or type(self._adapter) in (_Adapter, HTTPAdapter)
            failure = transport_error(exchange.error or error, request, sent=exchange.sent or not told)
        finally:
            current.reset(token)
        raise failure

    def _proxies_for(self, url: str, state: _State) -> dict[str, str]:
        parts = urlsplit(url)
        # Another scheme may have another proxy, another port none.
        server = parts.scheme, parts.netloc
        if server not in state.proxies:
            # No thread may use a manager that another thread has made and not yet watched.
            with state.lock:
                if server not in state.proxies:
                    proxy = proxy_for(self._config, url)
                    self._watch_proxy(proxy)
                    state.proxies[server] = {parts.scheme: proxy} if proxy else {}
        return state.proxies[server]

    def _watch_proxy(self, proxy: str) -> None:
        if proxy and isinstance(self._adapter, HTTPAdapter):
            try:
                watch(self._adapter.proxy_manager_for(prepend_scheme_if_needed(proxy, "http")))
            except requests.exceptions.InvalidSchema:
                raise ConfigurationError(
                    "proxies has a SOCKS proxy, which needs PySocks: pip install 'requests[socks]'"
                ) from None

    def _prepared(self, request: HttpRequest) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        if request.url not in self._addresses:
            prepared.prepare_url(request.url, None)
            self._addresses[request.url] = prepared.url or ""
        prepared.url = self._addresses[request.url]
        headers = request.headers
        if request.body is not None:
            headers = {**headers, "Content-Length": str(len(request.body))}
        # Only another's adapter may look for a name in other letters.
        prepared.headers = headers if isinstance(self._adapter, _Adapter) else CaseInsensitiveDict(headers)  # type: ignore[assignment]  # as good
        prepared.body = request.body
        prepared.hooks = {"response": []}
        return prepared

    def _start(self) -> _State:
        """Make the connections of this process: those that the adapter has, or after a fork new ones."""
        adapter = self._adapter
        if not isinstance(adapter, HTTPAdapter):
            return _State(threading.RLock(), {}, ())
        if self._started:
            # As an adapter that is unpickled does it: new pools, of the same size.
            adapter.__setstate__(adapter.__getstate__())
        self._started = True
        watch(adapter.poolmanager)
        return _State(threading.RLock(), {}, (adapter.poolmanager, adapter.proxy_manager))


def _receive(response: requests.Response, request: HttpRequest, exchange: Exchange) -> HttpReply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    problem: str | None = "interrupted"
    body = ReplyBody(headers, request.max_bytes)
    try:
        try:
            for chunk in _chunks(response.raw):
                if not body.feed(chunk):
                    break
            body.finish()
            problem = body.problem if exchange.error is None else describe_failure(exchange.error, request)
            if problem is None and response.status_code < 200:
                # The answer proper would come on this connection yet, and be taken for that of the next request.
                problem = f"only an interim answer came (HTTP status {response.status_code})"
        except Exception as error:
            # An adapter may raise anything; what came before is kept.
            if not body.received and not isinstance(
                error, (http.client.HTTPException, urllib3.exceptions.HTTPError, OSError)
            ):
                raise
            problem = describe_failure(exchange.error or error, request)
        return HttpReply(response.status_code, headers, body.value(), problem)
    finally:
        # Only a connection whose reply was read to its end can carry another.
        if problem is None and isinstance(response.raw, urllib3.HTTPResponse):
            response.raw.release_conn()
        else:
            response.close()


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
