"""Every exception class of the libraries below that can come out of them is one of ours before a user sees it."""

from __future__ import annotations

import asyncio
import builtins
import http.client
import inspect
import socket
import ssl
from types import ModuleType
from typing import Any

import aiohappyeyeballs
import httptools
import pytest
import python_socks
import requests
import urllib3
from lxml import etree
from requests.adapters import BaseAdapter, HTTPAdapter

from jzysoap import AsyncClient, Client, MalformedReplyError, NotSentError, OutcomeUnknownError
from jzysoap.transport import failures
from tests.kit.samples import MOBILE
from tests.kit.servers import RawServer, reply
from tests.kit.soap import NAMESPACE
from tests.wire.matrix import good, operation_of


def classes(*modules: ModuleType) -> list[type[Exception]]:
    """The exception classes of these modules, without their warnings."""
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception) and not issubclass(value, Warning)
    }
    return sorted(found, key=lambda one: (one.__module__, one.__name__))


def made(kind: type[Exception]) -> Exception:
    """An instance, whatever its constructor wants."""
    wanted: tuple[Any, ...]
    for wanted in (("made up",), ("made up", [OSError("made up")]), ("made up", 0, 0, 0)):
        try:
            return kind(*wanted)
        except (TypeError, AttributeError):
            continue
    error = kind.__new__(kind)
    error.args = ("made up",)
    return error


def assert_harmless(error: BaseException) -> None:
    """The error has no context, and its cause is a copy of a system's error, with neither frames nor context."""
    cause = error.__cause__
    if cause is not None:
        assert isinstance(cause, OSError)
        assert type(cause).__module__ in {"builtins", "socket", "ssl"}
        assert cause.__context__ is cause.__cause__ is None
        assert cause.__traceback__ is None
    assert error.__context__ is None


SYNCHRONOUS = classes(requests.exceptions, urllib3.exceptions, http.client, ssl, socket)
ASYNCHRONOUS = classes(httptools, aiohappyeyeballs, python_socks, ssl, socket)
NATIVE = [kind for kind in classes(builtins) if kind not in (StopIteration, StopAsyncIteration)]


class Raising(HTTPAdapter):
    """Its connections raise: before the request has left, or after."""

    def __init__(self, error: Exception, *, late: bool) -> None:
        super().__init__(max_retries=0)

        class Connection(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                if not late:
                    raise error
                super().connect()

            def getresponse(self) -> Any:
                self.close()
                raise error

        class Pool(urllib3.HTTPConnectionPool):
            ConnectionCls = Connection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool}


@pytest.fixture(scope="module")
def server() -> Any:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(reply(good("soap", operation_of(request))))

    with RawServer(handle) as server:
        yield server


@pytest.mark.parametrize("kind", [*SYNCHRONOUS, *NATIVE], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_of_the_synchronous_stack(kind: type[Exception], server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "ATTEMPTS", 1)
    for late, wanted in ((False, NotSentError), (True, OutcomeUnknownError)):
        options: dict[str, Any] = {"wsdl": "bundled", "cache_dir": False, "adapter": Raising(made(kind), late=late)}
        with Client(server.url, "test", "secret1", **options) as client, pytest.raises(wanted) as caught:
            client.send(MOBILE, "好")
        assert type(caught.value) is wanted
        assert_harmless(caught.value)
        assert "made up" not in str(caught.value)


class Body:
    """The body of a foreign adapter's response; it fails in the middle."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.given = False

    def read(self, *_: Any, **__: Any) -> bytes:
        if self.given:
            raise self.error
        self.given = True
        return b"<half"

    def close(self) -> None:
        return

    release_conn = close


class Half(BaseAdapter):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response.raw = Body(self.error)
        return response

    def close(self) -> None:
        return


READING = [
    kind for kind in SYNCHRONOUS if issubclass(kind, (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError))
]


@pytest.mark.parametrize("kind", READING, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_while_a_body_is_read(kind: type[Exception]) -> None:
    options: dict[str, Any] = {"wsdl": "bundled", "cache_dir": False, "adapter": Half(made(kind))}
    with Client("http://127.0.0.1:9", "test", "secret1", **options) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            client.send(MOBILE, "好")
    assert caught.value.raw == b"<half"


@pytest.mark.parametrize("kind", [*ASYNCHRONOUS, *NATIVE], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_of_the_asynchronous_stack(kind: type[Exception], monkeypatch: pytest.MonkeyPatch, server: RawServer) -> None:
    monkeypatch.setattr(failures, "ATTEMPTS", 1)
    error = made(kind)

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    async def main() -> None:
        options: dict[str, Any] = {"wsdl": "bundled", "cache_dir": False}
        for place, wanted in (
            ("aiohappyeyeballs.start_connection", NotSentError),
            ("jzysoap.transport.parser.ReplyParser.on_header", OutcomeUnknownError),
            ("jzysoap.transport.parser.ReplyParser.on_body", OutcomeUnknownError),
        ):
            async with AsyncClient(server.url, "test", "secret1", **options) as client:
                with monkeypatch.context() as patch:
                    patch.setattr(place, fail)
                    with pytest.raises(wanted) as caught:
                        await client.send(MOBILE, "好")
            assert type(caught.value) is wanted
            assert_harmless(caught.value)
            assert "made up" not in str(caught.value)

    asyncio.run(main())


@pytest.mark.parametrize("kind", [kind for kind in classes(etree) if issubclass(kind, etree.LxmlError)])
def test_of_lxml(kind: type[Exception], monkeypatch: pytest.MonkeyPatch, server: RawServer) -> None:
    # No bytes are known that make libxml2 raise any but one of them; here each does.
    error = made(kind)

    def fail(*_: Any) -> None:
        raise error

    with Client(server.url, "test", "secret1", wsdl="bundled", cache_dir=False) as client:
        client.prepare()
        monkeypatch.setattr("lxml.etree.fromstring", fail)
        # The answer is of the usual form, for which no tree is made.
        monkeypatch.setattr("jzysoap.interface.soap.read_usual", lambda _: None)
        for call in (client.balance, client.reports):
            with pytest.raises(MalformedReplyError) as caught:
                call()
            assert NAMESPACE.encode() in caught.value.raw


class VaultError(Exception):
    """An adapter's own."""


@pytest.mark.parametrize(
    "error",
    [
        VaultError("sealed"),
        ConnectionRefusedError(111, "refused"),
        ConnectionResetError("without a number"),
        ssl.SSLError(1, "broken"),
        socket.gaierror(-2, "unknown"),
        OSError("the words of a proxy"),
    ],
    ids=repr,
)
def test_the_cause_is_a_new_system_error_or_none(error: Exception, server: RawServer) -> None:
    class Own(BaseAdapter):
        max_retries = 0

        def send(self, *_: Any, **__: Any) -> Any:
            try:
                raise KeyError("why")
            except KeyError as reason:
                raise error from reason

        def close(self) -> None:
            pass

    with Client(server.url, "test", "secret1", interface="servlet", adapter=Own()) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            client.balance()
    assert_harmless(caught.value)
    # The adapter's error is left as it was.
    assert isinstance(error.__cause__, KeyError)
    assert error.__traceback__ is not None
    cause = caught.value.__cause__
    if type(error) in (VaultError, OSError):
        assert cause is None
    else:
        assert (type(cause), cause.args if cause else ()) == (type(error), error.args)
        assert cause is not error


class NothingError(Exception):
    exceptions = None


class BoomError(Exception):
    @property
    def reason(self) -> str:
        raise RuntimeError("boom")


class AnyError(Exception):
    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)


@pytest.mark.parametrize("error", [NothingError(), BoomError(), AnyError()], ids=lambda error: type(error).__name__)
def test_whatever_an_adapters_error_does(error: Exception, server: RawServer) -> None:
    class Own(BaseAdapter):
        max_retries = 0

        def send(self, *_: Any, **__: Any) -> Any:
            raise error

        def close(self) -> None:
            pass

    with Client(server.url, "test", "secret1", interface="servlet", adapter=Own()) as client:
        with pytest.raises(OutcomeUnknownError, match=type(error).__name__):
            client.balance()
