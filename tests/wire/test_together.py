"""Calls that meet: in threads, in tasks, with a signal's handler, with whatever cancels them."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import pytest
import urllib3
from lxml import etree
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from jzysoap import AsyncClient, CallEvent, JzySoapError, Outcome, OutcomeUnknownError, WsdlError
from jzysoap.definition.local import bundled
from jzysoap.transport.aioconnection import IncomingReply
from jzysoap.transport.connections import watch
from jzysoap.transport.surroundings import proxy_for
from tests.kit.documents import reports
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.samples import MOBILE, PASSWORD, TEXT
from tests.kit.servers import RawServer, answering, reply
from tests.kit.soap import soap
from tests.kit.timeouts import PATIENT
from tests.wire.conftest import Make, Serve

NUMBERS = [f"138000000{number:02}" for number in range(8)]


def client_of(url: str, **options: Any) -> AsyncClient:
    defaults = {"wsdl": "bundled", "cache_dir": False, "timeout": PATIENT, "poll_timeout": PATIENT}
    return AsyncClient(url, "account", **{"password": PASSWORD, **defaults, **options})


class Gate:
    """A server that reads a request, says so, and gives the same answer to all once it is let."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked, self.let = threading.Event(), threading.Event()

    def __call__(self, server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            self.asked.set()
            self.let.wait(10)
            connection.sendall(self.answer)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


# Signals.


class Interrupted(HTTPConnection):
    """Once it is armed, a signal comes as soon as the body is sent, before another line of ours is run."""

    armed = False

    def send(self, data: Any) -> None:
        super().send(data)
        if Interrupted.armed and not bytes(data).startswith(b"POST"):
            signal.raise_signal(signal.SIGALRM)


class InterruptedPool(urllib3.HTTPConnectionPool):
    ConnectionCls = Interrupted


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no such signal")
@pytest.mark.parametrize("error", [RuntimeError("enough"), TimeoutError("enough"), BrokenPipeError(32, "no more")])
def test_a_signals_handler_that_raises_after_a_write_makes_the_outcome_unknown(
    error: Exception, make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answering(soap("success")))
    adapter = HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {"http": InterruptedPool}
    events: list[CallEvent] = []
    client = make(server.url, adapter=adapter, on_call=events.append)
    client.send(MOBILE, TEXT)

    def handler(*_: object) -> None:
        raise error

    monkeypatch.setattr(Interrupted, "armed", True)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        # urllib3 goes on to read after a broken pipe, and the answer is there.
        with pytest.raises(type(error)) if not isinstance(error, BrokenPipeError) else nullcontext():
            client.send(MOBILE, TEXT)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert events[1].outcome is (Outcome.ACCEPTED if isinstance(error, BrokenPipeError) else Outcome.UNKNOWN)
    # The request was not repeated, which would take another connection: the server reads both, and no more.
    for _ in range(500):
        if len(server.requests) > 1:
            break
        time.sleep(0.01)
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_signals_handler_may_use_the_client_while_it_looks_for_a_proxy(
    make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answering(soap("success")))
    client = make(server.url)
    handled: list[int] = []

    def interrupted(*arguments: Any) -> str:
        if not handled:
            handled.append(1)
            client.send(MOBILE, TEXT)
        return proxy_for(*arguments)

    monkeypatch.setattr("jzysoap.transport.sync.proxy_for", interrupted)
    client.send(MOBILE, TEXT)
    assert len(server.requests) == 2


# Threads.


def test_a_proxys_connections_are_watched_before_any_thread_has_them(
    make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[Any] = []
    real = watch

    def slow(manager: Any) -> None:
        watched.append(manager)
        time.sleep(0.1)
        real(manager)

    def handle(server: RawServer, connection: socket.socket) -> None:
        # The server takes the request, and the answer is lost.
        server.read_request(connection)

    proxy = serve(handle)
    client = make("http://gateway.invalid", interface="servlet", proxies={"http": proxy.url})
    monkeypatch.setattr("jzysoap.transport.sync.watch", slow)

    def send(number: str) -> type[Exception]:
        with pytest.raises(JzySoapError) as caught:
            client.send(number, TEXT)
        return caught.type

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, NUMBERS)) == {OutcomeUnknownError}
    assert len(watched) == 1
    # Each left once: none was taken for unsent, and repeated.
    assert len(proxy.requests) == 8


def slow_failure(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    time.sleep(0.3)
    connection.sendall(reply(b"", "503 Service Unavailable", "Connection: close"))


def of_their_own(errors: list[WsdlError]) -> None:
    """Each tells of its own call."""
    assert {error.result.batches[0].mobiles for error in errors if error.result} == {(one,) for one in NUMBERS}
    assert not any(error.may_have_been_sent for error in errors)


def test_threads_that_wait_for_a_definition_fail_with_it(make: Make, serve: Serve) -> None:
    server = serve(slow_failure)
    client = make(server.url, wsdl=None)
    ready = threading.Barrier(8)

    def send(number: str) -> WsdlError:
        ready.wait(10)
        with pytest.raises(WsdlError) as caught:
            client.send(number, TEXT)
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        of_their_own(list(pool.map(send, NUMBERS)))
    assert len(server.requests) == 1
    # Later, it is tried again.
    with pytest.raises(WsdlError):
        client.send(MOBILE, TEXT)
    assert len(server.requests) == 2


# Tasks.


def test_tasks_that_wait_for_a_definition_fail_with_it(serve: Serve) -> None:
    async def send(client: AsyncClient, number: str) -> WsdlError:
        with pytest.raises(WsdlError) as caught:
            await client.send(number, TEXT)
        return caught.value

    async def main() -> None:
        async with client_of(server.url, wsdl=None) as client:
            of_their_own(list(await asyncio.gather(*(send(client, number) for number in NUMBERS))))
            assert len(server.requests) == 1
            await send(client, MOBILE)
            assert len(server.requests) == 2

    server = serve(slow_failure)
    asyncio.run(main())


def test_a_definition_that_nobody_waits_for_any_more_takes_one_thread(serve: Serve) -> None:
    definition, gate = bundled(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            gate.wait(10)
            connection.sendall(reply(definition) if request.startswith(b"GET") else soap("success"))

    async def main() -> None:
        async with client_of(server.url, wsdl=None) as client:
            for number in NUMBERS:
                task = asyncio.create_task(client.send(number, TEXT))
                await until(lambda: len(server.requests) == 1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert len([one for one in threading.enumerate() if one.name == "jzysoap works"]) <= 1
            gate.set()
            # What came of it is of use to whoever comes next.
            assert len((await client.send(MOBILE, TEXT)).batches) == 1
        assert len(server.requests) == 2

    server = serve(handle)
    asyncio.run(main())


def test_a_definition_that_fails_when_nobody_waits_is_no_ones_problem(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with client_of(server.url, wsdl=None) as client:
            task = asyncio.create_task(client.send(MOBILE, TEXT))
            await until(lambda: len(server.requests) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: not client._loading)

    server = serve(slow_failure)
    asyncio.run(main())
    assert "never retrieved" not in caplog.text


def test_a_loop_that_ends_while_a_definition_loads(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        client = client_of(server.url, wsdl=None)
        task = asyncio.create_task(client.prepare())
        await until(gate.asked.is_set)
        # asyncio.run cancels what is left, and waits for its threads.
        assert not task.done()

    gate = Gate(soap("success"))
    server = serve(gate)
    asyncio.run(main())
    gate.let.set()
    assert caplog.text == ""


def test_a_loop_that_stood_still_while_a_definition_loaded(serve: Serve) -> None:
    """A loading that was given up when nobody waited for it is begun anew for the next caller."""
    gate = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            gate.wait(10)
            connection.sendall(reply(bundled()) if request.startswith(b"GET") else soap("success"))

    server = serve(handle)
    loop = asyncio.new_event_loop()
    client = client_of(server.url, wsdl=None)

    async def give_up() -> None:
        task = asyncio.create_task(client.send(MOBILE, TEXT))
        await until(lambda: len(server.requests) == 1)
        task.cancel()
        await asyncio.wait((task,))

    loop.run_until_complete(give_up())
    # Longer than a thread waits before it looks.
    time.sleep(1.2)
    gate.set()
    assert len(loop.run_until_complete(client.send(MOBILE, TEXT)).batches) == 1
    loop.run_until_complete(client.aclose())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_closing_ends_what_loads_for_nobody(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(slow_failure)
    loop = asyncio.new_event_loop()

    async def main() -> None:
        client = client_of(server.url, wsdl=None)
        task = asyncio.create_task(client.send(MOBILE, TEXT))
        await until(lambda: len(server.requests) == 1)
        task.cancel()
        await asyncio.wait((task,))
        await client.aclose()
        assert client._loading == {}

    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    gc.collect()
    assert "pending" not in caplog.text


def test_closing_cancels_no_call_that_waits_for_a_definition(serve: Serve) -> None:
    async def main() -> None:
        client = client_of(server.url, wsdl=None)
        waiting = [asyncio.create_task(client.send(number, TEXT)) for number in NUMBERS]
        await until(lambda: len(server.requests) == 1)
        await client.aclose()
        for error in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(error, WsdlError)

    server = serve(slow_failure)
    asyncio.run(main())


def test_a_password_that_is_had_through_the_loop(serve: Serve) -> None:
    """More callers than there are threads, each of which would wait in one for the one that is at it."""
    asked: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))

        async def vault() -> str:
            # The call needs a thread of its own.
            await asyncio.to_thread(asked.append, 1)
            return PASSWORD

        def password() -> str:
            return asyncio.run_coroutine_threadsafe(vault(), loop).result(10)

        async with client_of(server.url, password=password) as client:
            await asyncio.wait_for(asyncio.gather(*(client.send(number, TEXT) for number in NUMBERS)), 10)
        assert len(asked) == 1

    server = serve(answering(soap("success")))
    asyncio.run(main())


@pytest.mark.parametrize("how", ["all tasks", "a scope"])
def test_a_poll_is_kept_whatever_cancels_it(how: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    waits: list[int] = []
    real = IncomingReply.wait

    async def counted(reply: IncomingReply) -> None:
        waits.append(1)
        await real(reply)

    monkeypatch.setattr(IncomingReply, "wait", counted)

    async def main() -> None:
        client = client_of(server.url, on_reply=lambda raw: kept.append(raw.body))
        loop = asyncio.get_running_loop()
        if how == "all tasks":
            # asyncio.run cancels what is left.
            left = asyncio.create_task(client.reports())
            await until(gate.asked.is_set)
            assert not left.done()
            loop.call_later(0.3, gate.let.set)
            return
        with anyio.CancelScope() as scope:

            async def cancel_once_asked() -> None:
                await until(gate.asked.is_set)
                scope.cancel()
                loop.call_later(0.3, gate.let.set)

            cancelling = asyncio.create_task(cancel_once_asked())
            await client.reports()
        assert scope.cancel_called
        await cancelling
        await client.aclose()

    gate = Gate(soap(reports(), "getSmsReport"))
    server = serve(gate)
    asyncio.run(main())
    assert len(kept) == len(server.requests) == 1
    # Not at every turn of the loop.
    assert len(waits) < 20


@pytest.mark.parametrize("warm", [False, True])
def test_a_cancelled_send_leaves_no_connection_open(warm: bool, serve: Serve) -> None:
    """Cancelled after each number of turns of the loop that a send takes."""

    async def main() -> None:
        for turns in range(40):
            async with client_of(server.url) as client:
                if warm:
                    await client.send(MOBILE, TEXT)
                task = asyncio.create_task(client.send(MOBILE, TEXT))
                for _ in range(turns):
                    await asyncio.sleep(0)
                if task.cancel():
                    with pytest.raises(asyncio.CancelledError):
                        await task
                assert len((await client.send(MOBILE, TEXT)).batches) == 1
            # Nothing is left of the client, at either end.
            await until(lambda: not any(thread.is_alive() for thread in server._threads))

    server = serve(answering(soap("success")))
    asyncio.run(main())


def test_a_cancelled_send_does_not_disturb_the_others(serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if MOBILE.encode() not in request:
                gate.asked.set()
                gate.let.wait(10)
            connection.sendall(soap("success"))

    async def main() -> None:
        async with client_of(server.url) as client:
            waiting = [asyncio.create_task(client.send(number, TEXT)) for number in NUMBERS]
            await until(lambda: len(server.requests) == 8)
            waiting[0].cancel()
            await asyncio.wait(waiting[:1])
            assert len((await client.send(MOBILE, TEXT)).batches) == 1
            gate.let.set()
            assert len(await asyncio.gather(*waiting[1:])) == 7

    gate = Gate(b"")
    server = serve(handle)
    asyncio.run(main())


def test_a_cancelled_send_costs_the_others_no_connection(serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if MOBILE.encode() in request:
                gate.asked.set()
                gate.let.wait(10)
            connection.sendall(soap("success"))

    async def main() -> None:
        async with client_of(server.url) as client:
            await asyncio.gather(*(client.send(number, TEXT) for number in NUMBERS))
            before = server.connections
            task = asyncio.create_task(client.send(MOBILE, TEXT))
            await until(gate.asked.is_set)
            task.cancel()
            await asyncio.wait((task,))
            for number in NUMBERS:
                await client.send(number, TEXT)
            assert server.connections == before

    gate = Gate(b"")
    server = serve(handle)
    asyncio.run(main())
    gate.let.set()


@pytest.mark.parametrize("kind", KINDS)
def test_the_cause_of_what_is_wrong_with_a_definition_is_kept(kind: Kind, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wsdl"
    broken.write_text("<definitions>")
    for path, cause in ((tmp_path / "none.wsdl", FileNotFoundError), (broken, etree.XMLSyntaxError)):
        with Facade(kind, "http://127.0.0.1:9", "account", PASSWORD, wsdl=path) as client:
            with pytest.raises(WsdlError) as caught:
                client.prepare()
        assert isinstance(caught.value.__cause__, cause)


def test_closing_twice_at_once(serve: Serve) -> None:
    async def main() -> None:
        client = client_of(server.url)
        await client.send(MOBILE, TEXT)
        await asyncio.gather(client.aclose(), client.aclose())

    server = serve(answering(soap("success")))
    asyncio.run(main())


# Passwords that change meanwhile.


@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_call_that_a_change_of_password_overtook_is_made_with_the_new_one(
    interface: str, make: Make, serve: Serve
) -> None:
    """A text: nobody can be asked, but there is another one already."""
    arrived, changed = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if b"updatePassword" in request:
                connection.sendall(reply(b"1"))
            elif not arrived.is_set():
                arrived.set()
                changed.wait(10)
                refused = "failure;密码错误"
                connection.sendall(soap(refused) if interface == "soap" else reply(refused.encode()))
            else:
                connection.sendall(soap("success") if interface == "soap" else reply(b"success"))

    client = make(serve(handle).url, interface=interface)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(client.send, MOBILE, TEXT)
        assert arrived.wait(10)
        client.change_password("another1")
        changed.set()
        assert sent.result(10).batches[0].outcome.value == "accepted"
