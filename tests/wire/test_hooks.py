"""Hooks: a user's own code in the middle of a call must cost neither a message, nor a record, nor the truth."""

from __future__ import annotations

import asyncio
import pickle
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from jzysoap import (
    AsyncClient,
    AuthenticationError,
    Batch,
    CallEvent,
    CallStarted,
    Client,
    ConfigurationError,
    GatewayError,
    HookError,
    InvalidMessageError,
    MalformedReplyError,
    NotSentError,
    Outcome,
    Poll,
    RawReply,
    parse_replies,
    parse_reports,
)
from tests.kit.documents import replies
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
    if kind is AsyncClient and callable(hook):
        return
    with Facade(kind, server.url, "test", "secret1") as client:
        for name in ("on_batch_started", "on_batch"):
            with pytest.raises(InvalidMessageError, match=f"{name} must be") as caught:
                client.send([MOBILE, SECOND_MOBILE], TEXT, **{name: hook})
            assert caught.value.field == name
    for name in ("on_reply", "on_call_started", "on_call"):
        with pytest.raises(ConfigurationError, match=f"{name} must be"):
            kind(server.url, "test", "secret1", **{name: hook})
    assert server.requests == []


def hook_of(kind: Kind, hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """The hook; for an ``AsyncClient`` as a coroutine function that gives way once before."""

    async def call(given: Any) -> object:
        await asyncio.sleep(0)
        return hook(given)

    return call if kind is AsyncClient else hook


@each_kind
def test_each_batch_is_announced_before_it_leaves(kind: Kind, server: RawServer) -> None:
    seen: list[tuple[str, Batch, int]] = []

    def see(name: str) -> Callable[[Any], object]:
        return hook_of(kind, lambda batch: seen.append((name, batch, len(server.requests))))

    options: dict[str, Any] = {name: see(name) for name in ("on_batch_started", "on_batch")}
    before = datetime.now(UTC)
    with Facade(kind, server.url, "test", "secret1") as client:
        sent = client.send([MOBILE, SECOND_MOBILE], TEXT, batch_size=1, **options)
    assert [(name, batch.mobiles, batch.outcome, asked) for name, batch, asked in seen] == [
        ("on_batch_started", (MOBILE,), Outcome.NOT_SENT, 0),
        ("on_batch", (MOBILE,), Outcome.ACCEPTED, 1),
        ("on_batch_started", (SECOND_MOBILE,), Outcome.NOT_SENT, 1),
        ("on_batch", (SECOND_MOBILE,), Outcome.ACCEPTED, 2),
    ]
    times = [batch.started_at for _, batch, _ in seen if batch.started_at]
    assert times[0] == times[1] < times[2] == times[3]
    assert before <= times[0]
    assert times[0].utcoffset() == timedelta(hours=8)
    assert sent.batches == (seen[1][1], seen[3][1])


@each_kind
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("error", [OSError("disk full"), NotSentError("another message")])
def test_a_batch_whose_announcement_fails_does_not_leave(
    kind: Kind, at: int, error: Exception, server: RawServer
) -> None:
    announced: list[Batch] = []

    def announce(batch: Batch) -> None:
        announced.append(batch)
        if len(announced) > at:
            raise error

    numbers = [MOBILE, SECOND_MOBILE, "13800000003"]
    with Facade(kind, server.url, "test", "secret1") as client, pytest.raises((OSError, HookError)) as caught:
        client.send(numbers, TEXT, batch_size=1, on_batch_started=hook_of(kind, announce))
    failure: Any = caught.value
    if isinstance(error, OSError):
        assert failure is error
    else:
        assert failure.__cause__ is error
        assert failure.may_have_been_sent is bool(at)
    outcomes = [batch.outcome for batch in failure.result.batches]
    assert outcomes == [Outcome.ACCEPTED] * at + [Outcome.NOT_SENT] * (3 - at)
    assert len(server.requests) == at


@each_kind
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_both_events_of_a_call_name_it(kind: Kind, interface: str) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(reply(good(interface, operation_of(request))))

    started: list[CallStarted] = []
    ended: list[CallEvent] = []
    options: dict[str, Any] = {
        "on_call_started": hook_of(kind, started.append),
        "on_call": hook_of(kind, ended.append),
        "interface": interface,
    }
    with RawServer(handle) as server, RawServer(handle) as polls:
        with Facade(kind, server.url, "test", "secret1", poll_url=polls.url, **options) as client:
            client.send(MOBILE, TEXT)
            client.reports()
    assert [(one.operation, one.interface, one.account, one.address, one.numbers, one.segments) for one in started] == [
        ("sendSms", interface, "test", server.url, 1, 1),
        ("getSmsReport", interface, "test", polls.url, 0, 0),
    ]
    for before, after in zip(started, ended, strict=True):
        common = {one.name: getattr(after, one.name) for one in fields(CallStarted)}
        assert CallStarted(**common) == before
        assert re.fullmatch("[0-9a-f]{16}", after.id)
    assert started[0].id != started[1].id


@each_kind
def test_watching_hooks_that_fail_spoil_nothing(
    kind: Kind, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise NotSentError("the counter")

    options: dict[str, Any] = {"on_call_started": hook_of(kind, fail), "on_call": hook_of(kind, fail)}
    with Facade(kind, server.url, "test", "secret1", **options) as client:
        assert client.send(MOBILE, TEXT).batch_id == "337017332"
    assert "on_call_started failed" in caplog.text
    assert "on_call failed" in caplog.text


@each_kind
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_raw_reply_is_read_again_as_the_client_read_it(kind: Kind, interface: str) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if b"getRecv" in request:
                text = replies((MOBILE, "MTIz"))
                connection.sendall(reply(text.encode() if interface == "servlet" else envelope(text, "getRecvSMS")))
            else:
                connection.sendall(reply(good(interface, operation_of(request))))

    kept: list[RawReply] = []
    options: dict[str, Any] = {"interface": interface, "on_reply": hook_of(kind, kept.append)}
    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", **options) as client:
        polls: list[Poll[Any]] = [client.reports(), client.replies()]
        client.send(MOBILE, TEXT)
    readers: tuple[Callable[..., Any], ...] = (parse_reports, parse_replies)
    for read, raw, poll in zip(readers, kept, polls, strict=True):
        again = pickle.loads(pickle.dumps(raw))  # noqa: S301  # just written
        assert again == raw
        assert read(again) == poll
        assert read(again).raw == raw.body == poll.raw
        assert read(raw.body, interface=interface, content_type=raw.content_type) == poll
    reports, texts = kept
    assert (reports.operation, texts.operation) == ("getSmsReport", "getRecvSMS")
    assert (reports.interface, reports.account, reports.status, reports.problem) == (interface, "test", 200, None)
    assert reports.content_type == "text/xml; charset=utf-8"
    assert reports.received_at.utcoffset() == timedelta(hours=8)
    assert "15275427712" not in repr(reports)


@each_kind
def test_an_answer_without_a_byte_is_not_stored(kind: Kind) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(reply(b""))

    kept: list[RawReply] = []
    with RawServer(handle) as server:
        with Facade(kind, server.url, "test", "secret1", interface="servlet", on_reply=kept.append) as client:
            assert len(client.reports()) == 0
    assert kept == []


@pytest.mark.parametrize("again", [False, True])
def test_a_cancellation_does_not_reach_the_hook_that_stores_a_poll(again: bool, server: RawServer) -> None:
    stored: list[bytes] = []
    events: list[CallEvent] = []

    async def main() -> None:
        called, finish = asyncio.Event(), asyncio.Event()

        async def keep(raw: RawReply) -> None:
            called.set()
            await finish.wait()
            stored.append(raw.body)

        async def count(event: CallEvent) -> None:
            await asyncio.sleep(0)
            events.append(event)

        async with asynchronous_client(server.url, on_reply=keep, on_call=count) as client:
            task = asyncio.create_task(client.reports())
            await called.wait()
            task.cancel("enough")
            await asyncio.sleep(0)
            if again:
                task.cancel("at once")
                await asyncio.sleep(0)
            assert not task.done()
            finish.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert stored == [good("soap", "getSmsReport")]
    assert [event.operation for event in events] == ["getSmsReport"]


def test_a_hook_that_fails_while_its_poll_is_cancelled_is_the_cause(server: RawServer) -> None:
    async def main() -> None:
        called = asyncio.Event()

        async def keep(_: RawReply) -> None:
            called.set()
            await asyncio.sleep(0.01)
            raise OSError("disk full")

        async with asynchronous_client(server.url, on_reply=keep) as client:
            task = asyncio.create_task(client.reports())
            await called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert isinstance(caught.value.__cause__, OSError)
            assert caught.value.raw == good("soap", "getSmsReport")  # type: ignore[attr-defined]  # what is tested

    asyncio.run(main())


def test_a_watching_hook_runs_in_the_task_of_its_call(server: RawServer) -> None:
    tasks: list[object] = []

    async def count(_: object) -> None:
        tasks.append(asyncio.current_task())

    async def main() -> None:
        async with asynchronous_client(server.url, on_call_started=count, on_call=count) as client:
            await client.send(MOBILE, TEXT, on_batch_started=count, on_batch=count)
            assert set(tasks) == {asyncio.current_task()}

    asyncio.run(main())
    assert len(tasks) == 4


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

    def keep(_: RawReply) -> None:
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
    def keep(_: RawReply) -> None:
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
