"""Hooks: a user's own code in the middle of a call must cost neither a message, nor a record, nor the truth."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from jzysoap import (
    AsyncClient,
    AuthenticationError,
    Batch,
    CallEvent,
    Client,
    ConfigurationError,
    GatewayError,
    HookError,
    InvalidMessageError,
    MalformedReplyError,
    NotSentError,
    Outcome,
)
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.leaks import shown, spellings
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.kit.servers import RawServer, reply
from tests.kit.soap import envelope
from tests.wire.matrix import good, operation_of

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def answer(server: RawServer, connection: socket.socket) -> None:
    while request := server.read_request(connection):
        connection.sendall(reply(good("soap", operation_of(request))))


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(answer) as server:
        yield server


async def asynchronous(*_: object) -> None:
    """A coroutine function, which nothing would wait for."""


class Asynchronous:
    async def __call__(self, *_: object) -> None:
        """A callable object whose call is a coroutine."""


@each_kind
@pytest.mark.parametrize("hook", [5, "print", asynchronous, Asynchronous()])
def test_a_hook_that_cannot_be_called_is_refused_before_anything_leaves(
    kind: Kind, hook: Any, server: RawServer
) -> None:
    with Facade(kind, server.url, "test", "secret1") as client:
        with pytest.raises(InvalidMessageError, match="on_batch must be") as caught:
            client.send([MOBILE, SECOND_MOBILE], TEXT, on_batch=hook)
    assert caught.value.field == "on_batch"
    for name in ("on_reply", "on_call"):
        with pytest.raises(ConfigurationError, match=f"{name} must be"):
            kind(server.url, "test", "secret1", **{name: hook})
    assert server.requests == []


@each_kind
def test_an_error_of_ours_from_on_batch_is_not_taken_for_the_sends_own(kind: Kind, server: RawServer) -> None:
    def alert(_: Batch) -> None:
        raise NotSentError("nothing was sent to the operators")

    with Facade(kind, server.url, "test", "secret1") as client:
        with pytest.raises(HookError, match="NotSentError") as caught:
            client.send([MOBILE, SECOND_MOBILE], TEXT, batch_size=1, on_batch=alert)
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (True, "never")
    assert isinstance(error.__cause__, NotSentError)
    assert error.result is not None
    assert [batch.outcome for batch in error.result.batches] == [Outcome.ACCEPTED, Outcome.NOT_SENT]
    assert len(server.requests) == 1


@each_kind
def test_an_error_of_ours_from_on_reply_does_not_poll_again(kind: Kind, server: RawServer) -> None:
    passwords = iter(["one", "two", "three"])

    def keep(_operation: str, _body: bytes) -> None:
        raise AuthenticationError("another account's")

    with Facade(kind, server.url, "test", lambda: next(passwords), on_reply=keep) as client:
        with pytest.raises(HookError) as caught:
            client.reports()
    assert caught.value.raw == good("soap", "getSmsReport")
    assert len(server.requests) == 1


@each_kind
def test_an_interrupt_in_a_hook_brings_what_it_kept_from_being_stored(kind: Kind, server: RawServer) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with Facade(kind, server.url, "test", "secret1", on_reply=interrupted) as client:
        with pytest.raises(KeyboardInterrupt) as caught:
            client.reports()
        assert caught.value.raw == good("soap", "getSmsReport")  # type: ignore[attr-defined]  # what is tested
        with pytest.raises(KeyboardInterrupt) as caught:
            client.send([MOBILE, SECOND_MOBILE], TEXT, batch_size=1, on_batch=interrupted)
        outcomes = [batch.outcome for batch in caught.value.result.batches]  # type: ignore[attr-defined]  # as above
        assert outcomes == [Outcome.ACCEPTED, Outcome.NOT_SENT]


@each_kind
def test_a_hook_that_has_nothing_more_does_not_end_the_call(kind: Kind, server: RawServer) -> None:
    nothing: Iterator[Any] = iter(())
    with Facade(kind, server.url, "test", "secret1", on_reply=lambda *_: next(nothing)) as client:
        with pytest.raises(HookError, match="a hook raised StopIteration") as caught:
            client.reports()
    assert caught.value.raw == good("soap", "getSmsReport")


class Sealed(Exception):  # noqa: N818  # an error that takes no attributes
    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        if name == "raw":
            raise AttributeError(name)
        super().__setattr__(name, value)


@each_kind
def test_an_error_that_takes_no_attributes_goes_through_as_it_is(kind: Kind, server: RawServer) -> None:
    def keep(_operation: str, _body: bytes) -> None:
        raise Sealed("no")

    with Facade(kind, server.url, "test", "secret1", on_reply=keep) as client, pytest.raises(Sealed) as caught:
        client.reports()
    for text in shown(caught.value, []):
        assert "15275427712" not in text


@each_kind
def test_every_call_is_told_to_on_call_even_when_it_is_given_up(kind: Kind, server: RawServer) -> None:
    events: list[CallEvent] = []

    def fail(*_: object) -> None:
        raise OSError("disk full")

    options: dict[str, Any] = {"on_call": events.append, "on_reply": fail}
    with Facade(kind, server.url, "test", "secret1", **options) as client, pytest.raises(OSError, match="disk full"):
        client.reports()
    assert [(event.operation, event.outcome, event.error) for event in events] == [
        ("getSmsReport", Outcome.UNKNOWN, "OSError")
    ]


class Interrupting(BaseAdapter):
    def send(self, *_: Any, **__: Any) -> requests.Response:
        raise KeyboardInterrupt

    def close(self) -> None:
        """Nothing to close."""


def test_an_interrupted_call_is_told_too() -> None:
    events: list[CallEvent] = []
    options: dict[str, Any] = {"wsdl": "bundled", "cache_dir": False, "on_call": events.append}
    client = Client("http://127.0.0.1:9", "test", "secret1", adapter=Interrupting(), **options)
    with pytest.raises(KeyboardInterrupt):
        client.send(MOBILE, TEXT)
    assert [(event.outcome, event.error, event.numbers) for event in events] == [
        (Outcome.UNKNOWN, "KeyboardInterrupt", 1)
    ]


@each_kind
def test_recipients_that_raise_show_neither_text_nor_numbers(kind: Kind, server: RawServer) -> None:
    def recipients() -> Iterator[str]:
        yield MOBILE
        raise LookupError("no more")

    with Facade(kind, server.url, "test", "s3cret-pass") as client, pytest.raises(LookupError) as caught:
        client.send(recipients(), TEXT, extension="12", signature="签名")
    for text in shown(caught.value, []):
        for secret in spellings("s3cret-pass", TEXT, MOBILE):
            assert secret not in text
    assert server.requests == []


@each_kind
@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_interim_answers_are_passed_over(kind: Kind, status: str) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(f"HTTP/1.1 {status}\r\nLink: </a>\r\n\r\n".encode() * 2)
            connection.sendall(reply(good("soap", operation_of(request))))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1") as client:
        assert len(client.reports()) == 2
        assert client.send(MOBILE, TEXT).batch_id == "337017332"
        assert server.connections == 1


@each_kind
@pytest.mark.parametrize("words", ["成功998条,失败2条", "处理中", "网关无响应", "系统忙", "ORA-00001: x", "null"])
def test_words_that_leave_the_outcome_open_are_no_refusal(kind: Kind, words: str) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(reply(envelope(f"failure;{words}")))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1") as client:
        with pytest.raises(GatewayError) as caught:
            client.send(MOBILE, TEXT)
    assert caught.value.may_have_been_sent
    assert caught.value.result is not None
    assert caught.value.result.batches[0].outcome is Outcome.UNKNOWN


@each_kind
@pytest.mark.parametrize("result", ["success;部分失败", "success;failure", "success;337017332\nfailure"])
def test_a_success_that_says_otherwise_is_unknown(kind: Kind, result: str) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(reply(envelope(result)))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1") as client:
        with pytest.raises(MalformedReplyError):
            client.send(MOBILE, TEXT)


def asynchronous_client(url: str, **options: Any) -> AsyncClient:
    return AsyncClient(
        url, "test", options.pop("password", "secret1"), **{"wsdl": "bundled", "cache_dir": False, **options}
    )


def test_a_cancelled_poll_does_not_poll_again_with_another_password() -> None:
    asked, let = threading.Event(), threading.Event()
    events: list[CallEvent] = []

    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            asked.set()
            let.wait(10)
            connection.sendall(reply(envelope("failure;密码错误", "getSmsReport")))

    async def main(url: str) -> None:
        passwords = iter(["old", "new", "newer"])
        options: dict[str, Any] = {"password": lambda: next(passwords), "on_call": events.append}
        async with asynchronous_client(url, **options) as client:
            task = asyncio.create_task(client.reports())
            assert await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            await asyncio.sleep(0)
            let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    with RawServer(handle) as server:
        asyncio.run(main(server.url))
        assert len(server.requests) == 1
    assert [event.outcome for event in events] == [Outcome.UNKNOWN]


def test_a_cancelled_poll_whose_hook_fails_is_cancelled_for_that_reason() -> None:
    asked, let = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        asked.set()
        let.wait(10)
        connection.sendall(reply(good("soap", "getSmsReport")))

    def fail(*_: object) -> None:
        raise OSError("disk full")

    async def main(url: str) -> None:
        async with asynchronous_client(url, on_reply=fail) as client:
            task = asyncio.create_task(client.reports())
            assert await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            await asyncio.sleep(0)
            let.set()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert isinstance(caught.value.__cause__, OSError)

    with RawServer(handle) as server:
        asyncio.run(main(server.url))


def test_a_cancelled_send_is_told_to_on_call() -> None:
    asked, let = threading.Event(), threading.Event()
    events: list[CallEvent] = []

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        asked.set()
        let.wait(10)

    async def main(url: str) -> None:
        async with asynchronous_client(url, on_call=events.append) as client:
            task = asyncio.create_task(client.send(MOBILE, TEXT))
            assert await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        let.set()

    with RawServer(handle) as server:
        asyncio.run(main(server.url))
    assert [(event.outcome, event.error) for event in events] == [(Outcome.UNKNOWN, "CancelledError")]


def test_closing_waits_for_the_calls_under_way() -> None:
    asked, let = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            asked.set()
            let.wait(10)
            connection.sendall(reply(good("soap", operation_of(request))))

    async def main(url: str) -> None:
        client = asynchronous_client(url)
        task = asyncio.create_task(client.send(MOBILE, TEXT))
        assert await asyncio.to_thread(asked.wait, 10)
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0.05)
        assert not closing.done()
        with pytest.raises(ConfigurationError, match="closed"):
            await client.prepare()
        let.set()
        assert (await task).batch_id == "337017332"
        await closing

    with RawServer(handle) as server:
        asyncio.run(main(server.url))


STOPPED = """
import asyncio, sys
from jzysoap import AsyncClient
client = AsyncClient(sys.argv[1], "test", "secret1", cache_dir=False)
loop = asyncio.new_event_loop()
try:
    loop.run_until_complete(asyncio.wait_for(client.balance(), 0.2))
except asyncio.TimeoutError:
    print("given up")
"""


def test_a_stopped_loop_leaves_no_thread_behind() -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        # Until the process has ended.
        connection.recv(1)

    with RawServer(handle) as server:
        run = subprocess.run(  # noqa: S603  # this very interpreter
            [sys.executable, "-c", STOPPED, server.url], capture_output=True, text=True, check=False, timeout=60
        )
    assert run.stdout == "given up\n"


def test_two_loops_in_two_threads_share_a_client(server: RawServer) -> None:
    client = asynchronous_client(server.url)
    failures: list[BaseException] = []

    def poll() -> None:
        async def main() -> None:
            for _ in range(5):
                assert len(await client.reports()) == 2

        try:
            for _ in range(10):
                asyncio.run(main())
        except BaseException as error:  # noqa: BLE001  # told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=poll) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(server.requests) == 200


def test_an_answer_that_is_no_http_is_told_from_a_closed_connection() -> None:
    for sent, words in ((b"220 ready\r\n\r\n", "not valid HTTP"), (b"", "connection was closed")):

        def handle(server: RawServer, connection: socket.socket, sent: bytes = sent) -> None:
            server.read_request(connection)
            connection.sendall(sent)

        with RawServer(handle) as server, Facade(Client, server.url, "test", "secret1") as client:
            with pytest.raises(Exception, match=words):
                client.send(MOBILE, TEXT)
