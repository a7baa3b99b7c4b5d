"""The common parts of the tests over real sockets: patient clients, servers that end with the test, parsed requests."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pytest
import requests
import trustme
from lxml import etree
from requests.adapters import BaseAdapter

from jzysoap import Client
from jzysoap.transport import failures
from tests.kit.samples import PASSWORD, USERNAME
from tests.kit.servers import RawServer
from tests.kit.soap import NAMESPACE, SOAP_11
from tests.kit.timeouts import PATIENT

Handler = Callable[[RawServer, socket.socket], None]


class Make(Protocol):
    def __call__(self, url: str, password: Any = PASSWORD, **options: Any) -> Client: ...


class Serve(Protocol):
    def __call__(self, handler: Handler) -> RawServer: ...


@pytest.fixture(name="make")
def _make() -> Iterator[Make]:
    """Makes clients, which are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(url: str, password: Any = PASSWORD, **options: Any) -> Client:
            defaults = {"wsdl": "bundled", "cache_dir": False, "timeout": PATIENT, "poll_timeout": PATIENT}
            return stack.enter_context(Client(url, USERNAME, password, **{**defaults, **options}))

        yield make


@pytest.fixture(name="serve")
def _serve() -> Iterator[Serve]:
    """Starts raw servers, which end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda handler: stack.enter_context(RawServer(handler))


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an attempt to connect follow a failed one at once, where the pause between them is not tested."""
    monkeypatch.setattr(failures, "FIRST_PAUSE", 0.0)


@pytest.fixture(scope="session", name="authority")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session", name="authority_file")
def _authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session", name="tls")
def _tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's side of TLS, for loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


class Foreign(BaseAdapter):
    """An adapter that is none of HTTPAdapter's kind."""

    max_retries: Any = 0

    def __init__(self, answer: Callable[[requests.PreparedRequest], requests.Response]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        return self._answer(request)

    def close(self) -> None:
        pass


def over_tls(context: ssl.SSLContext, handler: Handler) -> Handler:
    """A handler whose connection speaks TLS."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            # The server ends what it knows, and the plain connection is no more.
            server._open.append(secure)
            handler(server, secure)

    return handle


def body_of(request: bytes) -> bytes:
    """The body of a request."""
    return request.partition(b"\r\n\r\n")[2]


def headers_of(request: bytes) -> dict[str, str]:
    """The headers of a request, by lower-case name."""
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def asked(request: bytes) -> tuple[str, dict[str, str]]:
    """The operation of a SOAP request and its arguments."""
    root = etree.fromstring(body_of(request))
    (call,) = root.find(f"{{{SOAP_11}}}Body")  # type: ignore[misc]  # a request has one
    assert etree.QName(call).namespace == NAMESPACE
    return etree.QName(call).localname, {etree.QName(child).localname: child.text or "" for child in call}


def form(request: bytes, encoding: str = "gbk") -> dict[str, str]:
    """The fields of a servlet request."""
    text = body_of(request).decode("ascii")
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, encoding=encoding, errors="strict"))
