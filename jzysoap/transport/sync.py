"""The transport for synchronous code: it hands a request to a requests adapter, once, and receives the reply.

It follows no redirect, looks at no netrc, cookie or environment variable, and repeats nothing that may have been sent.
Connections keep the deadline and prove what was not sent (``connections``); ``failures`` makes the errors.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
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
from jzysoap.transport.connections import Trace, current, inherits, watch
from jzysoap.transport.failures import (
    at_deadline,
    check_right,
    choose_pause,
    describe_failure,
    find_foreign,
    transport_error,
)
from jzysoap.transport.surroundings import find_tls_fault, proxy_for, trusted
from jzysoap.transport.workarounds import unwrap

_CHUNK = 65536


class _Adapter(HTTPAdapter):
    """requests' adapter without the work that is the same for each request or that nobody uses.

    It finds the pool and the target for an address once, and takes neither cookies nor encodings from a response. This
    saves 28 % of the CPU time of a send.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._found: dict[str, Any] = {}
        self._targets: dict[str, str] = {}

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the pool for an address. All that it depends on is settled when the client is made."""
        url = request.url or ""
        if url not in self._found:
            self._found[url] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return self._found[url]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return the target that the first line of the request names."""
        url = request.url or ""
        if url not in self._targets:
            self._targets[url] = super().request_url(request, proxies)
        return self._targets[url]

    def close(self) -> None:
        # A pool is closed once nothing refers to it any more.
        self._found.clear()
        super().close()

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return a response with status, headers and body alone."""
        response = requests.Response()
        # The mocks that stand in for requests look at it.
        response.request = req
        response.status_code = resp.status
        response.headers = resp.headers
        response.raw = resp
        return response


def _verify_proxy_too(verify_pool: Callable[..., None], pool: Any, url: str, verify: Any, cert: Any) -> None:
    """Make a pool verify certificates, also if its TLS is with a proxy and the gateway's address is plain HTTP.

    requests would trust any proxy then, and hand it the proxy's and the account's password
    (``test_a_plain_request_through_a_proxy_over_tls``). A proxy never gets the client certificate.
    """
    if isinstance(pool, urllib3.HTTPSConnectionPool) and not url.lower().startswith("https:"):
        verify_pool(pool, "https:", verify, None)
        pool.cert_file = pool.key_file = None
    else:
        verify_pool(pool, url, verify, cert)


class _State(NamedTuple):
    """The state that each process has for itself.

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
        ConfigurationError: the adapter, or a proxy, cannot be used.
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
        # An adapter may be given to several clients.
        if isinstance(self._adapter, HTTPAdapter) and "cert_verify" not in vars(self._adapter):
            self._adapter.cert_verify = partial(_verify_proxy_too, self._adapter.cert_verify)  # type: ignore[method-assign]
        # An adapter with a ``send`` of its own may send in ways that are not watched.
        self._provable = isinstance(self._adapter, HTTPAdapter) and inherits(type(self._adapter), "send", HTTPAdapter)
        self._addresses: dict[str, str] = {}
        self._closed = False
        self._started = False
        self._state = PerProcess(self._start)
        self._state.get()

    def exchange(self, request: HttpRequest) -> HttpReply:
        """Send a request, at most once, and return its reply. Only the making of a connection is tried again.

        Raises:
            NotSentError: it is proven that no connection was handed the request.
            OutcomeUnknownError: the request may have been sent, and no reply came.
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
        """Close every connection. A call made later is refused."""
        self._closed = True
        self._state.get()
        self._adapter.close()

    def check_open(self) -> None:
        """Refuse a call that would need a connection after ``close``.

        Raises:
            ConfigurationError: the client is closed.
        """
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")

    def _exchange(self, request: HttpRequest, deadline: float) -> HttpReply:
        self.check_open()
        state = self._state.get()
        limits = request.timeout
        trace = Trace(deadline, limits, self._config.max_idle, provable=self._provable, not_after=request.not_after)
        token = current.set(trace)
        try:
            prepared, proxies = self._prepare(request), self._proxies_for(request.url, state)
            connect = min(limits.connect, max(deadline - time.monotonic(), 0.001))
            # A watched connection checks it once more, when it has been made.
            check_right(request.not_after)
            # From here on the adapter, or a mock in its place, may send. Only a watched pool can prove the opposite.
            trace.not_sent = False
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(connect, limits.read),
                verify=self._verify,
                cert=self._config.cert,
                proxies=proxies,
            )
            return self._receive(response, request, deadline)
        except JzySoapError:
            raise
        except Exception as error:  # noqa: BLE001  # an adapter may raise anything; none of it may escape unclassified
            failure = find_foreign(error, own=self._config.adapter is None) or self._classify(error, request, trace)
        finally:
            current.reset(token)
        raise failure

    def _receive(self, response: requests.Response, request: HttpRequest, deadline: float) -> HttpReply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        problem: str | None = "interrupted"
        body = ReplyBody(headers, request.max_bytes)
        try:
            try:
                for chunk in _chunks(response.raw):
                    if not body.feed(chunk):
                        break
                body.finish()
                problem = body.problem
                if problem is None and response.status_code < 200:
                    # The final answer is yet to come, and would be mistaken for that of the next request.
                    problem = f"only an interim answer came (HTTP status {response.status_code})"
            except Exception as error:
                if find_foreign(error, own=self._config.adapter is None) is not None:
                    raise
                # An adapter may raise anything. The bytes that came before are kept.
                if not body.received and not isinstance(
                    error, (http.client.HTTPException, urllib3.exceptions.HTTPError, OSError)
                ):
                    raise
                problem = describe_failure(at_deadline(error, deadline), request)
            return HttpReply(response.status_code, headers, body.value(), problem)
        finally:
            # Only a connection whose reply was read to its end can carry another one.
            if problem is None and isinstance(response.raw, urllib3.HTTPResponse):
                response.raw.release_conn()
            else:
                response.close()

    def _classify(self, error: Exception, request: HttpRequest, trace: Trace) -> JzySoapError:
        secure = request.url.startswith("https:") or proxy_for(self._config, request.url).startswith("https:")
        # No connection was handed the request while that can still be proven.
        fault = find_tls_fault(self._config, self._verify) if secure and trace.provable else ""
        if fault:
            return ConfigurationError(fault)
        return transport_error(at_deadline(error, trace.deadline), request, sent=not trace.not_sent)

    def _proxies_for(self, url: str, state: _State) -> dict[str, str]:
        parts = urlsplit(url)
        # A proxy may be set for one scheme only, and an exception for one port.
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
                    "proxies has a SOCKS proxy, which needs PySocks: pip install 'jzysoap[socks]'"
                ) from None

    def _prepare(self, request: HttpRequest) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        if request.url not in self._addresses:
            prepared.prepare_url(request.url, None)
            self._addresses[request.url] = prepared.url or ""
        prepared.url = self._addresses[request.url]
        headers = request.headers
        if request.body is not None:
            headers = {**headers, "Content-Length": str(len(request.body))}
        # A user's adapter may look up a header in other letters; ours does not.
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


def _chunks(raw: Any) -> Iterator[bytes]:
    original = unwrap(raw)
    if original is None:
        # The answer of a mock, or any file from an adapter that is not of requests.
        options = {"decode_content": False} if isinstance(raw, urllib3.HTTPResponse) else {}
        while chunk := raw.read(_CHUNK, **options):
            yield chunk
        return
    while chunk := original.read1(_CHUNK):
        yield chunk
    original.close()
