"""Uses of a client that only asynchronous code has: cancel it, block its loop, use it from several loops."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jzysoap import AsyncClient, ConfigurationError, DeliveryReport, Poll, Timeout
from jzysoap.definition.local import bundled
from jzysoap.interface.servlet import ServletInterface
from jzysoap.transport import failures
from tests.kit.samples import MOBILE
from tests.kit.servers import RawServer, refused_port, reply
from tests.wire.matrix import good, operation_of


class Holding:
    """A server that reads a request, says so, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let = threading.Event()
        self.closed = threading.Event()

    def __call__(self, server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        self.asked.set()
        while not self.let.is_set():
            connection.setblocking(False)
            try:
                if connection.recv(1) == b"":
                    self.closed.set()
                    return
            except BlockingIOError:
                time.sleep(0.01)
        connection.setblocking(True)
        connection.sendall(reply(good("soap", operation_of(request))))


@pytest.fixture
def holding() -> Iterator[Holding]:
    handler = Holding()
    yield handler
    handler.let.set()


def client_of(url: str, **options: Any) -> AsyncClient:
    return AsyncClient(url, "test", **{"password": "secret1", "wsdl": "bundled", "cache_dir": False, **options})


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


def test_a_cancelled_send_closes_its_connection(holding: Holding) -> None:
    async def main(url: str) -> None:
        async with client_of(url) as client:
            task = asyncio.create_task(client.send(MOBILE, "好"))
            await until(holding.asked)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            # Python 3.10 does not hand a task's message on to whoever waits for it.
            assert caught.value.args == (("enough",) if sys.version_info >= (3, 11) else ())
            await until(holding.closed)

    with RawServer(holding) as server:
        asyncio.run(main(server.url))


def test_a_cancelled_poll_that_was_asked_for_reaches_the_hook_first(holding: Holding) -> None:
    kept: list[tuple[str, bytes]] = []

    async def main(url: str) -> None:
        async with client_of(url, on_reply=lambda raw: kept.append((raw.operation, raw.body))) as client:
            task = asyncio.create_task(client.reports())
            await until(holding.asked)
            task.cancel("enough")
            await asyncio.sleep(0)
            task.cancel("at once")
            await asyncio.sleep(0.05)
            assert not task.done()
            holding.let.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            # The connection was not lost either.
            assert len(kept) == 1

    with RawServer(holding) as server:
        asyncio.run(main(server.url))
    assert kept == [("getSmsReport", good("soap", "getSmsReport"))]


def test_a_cancelled_poll_without_a_hook_says_what_is_lost(holding: Holding, caplog: pytest.LogCaptureFixture) -> None:
    async def main(url: str) -> None:
        async with client_of(url) as client:
            task = asyncio.create_task(client.reports())
            await until(holding.asked)
            task.cancel()
            holding.let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    with RawServer(holding) as server:
        asyncio.run(main(server.url))
    assert "cancelled poll received" in caplog.text


def test_a_cancelled_poll_that_fails_is_cancelled(holding: Holding) -> None:
    async def main(url: str) -> None:
        async with client_of(url, poll_timeout=Timeout(1, 0.2, 0.4)) as client:
            task = asyncio.create_task(client.reports())
            await until(holding.asked)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with RawServer(holding) as server:
        asyncio.run(main(server.url))


def test_a_cancelled_poll_with_an_unreadable_answer_is_cancelled() -> None:
    asked, let = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        asked.set()
        let.wait(10)
        connection.sendall(reply(b"<html>sorry</html>"))

    async def main(url: str) -> None:
        async with client_of(url) as client:
            task = asyncio.create_task(client.reports())
            await until(asked)
            task.cancel()
            await asyncio.sleep(0)
            let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    with RawServer(handle) as server:
        asyncio.run(main(server.url))


def test_a_poll_cancelled_before_it_was_asked_for_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    # The cancellation finds the poll waiting for its second attempt, however slow the machine is.
    monkeypatch.setattr(failures, "FIRST_PAUSE", 10.0)

    async def main() -> None:
        with refused_port() as port:
            async with client_of(f"http://127.0.0.1:{port}") as client:
                await client.prepare()
                task = asyncio.create_task(client.reports())
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(main())


def answer(server: RawServer, connection: socket.socket) -> None:
    while request := server.read_request(connection):
        connection.sendall(reply(good("soap", operation_of(request))))


def test_several_loops_one_after_the_other() -> None:
    with RawServer(answer) as server:
        client = client_of(server.url)

        async def poll() -> Poll[DeliveryReport]:
            return await client.reports()

        async def last() -> None:
            assert len(await client.reports()) == 2
            await client.aclose()

        assert [len(asyncio.run(poll())) for _ in range(3)] == [2, 2, 2]
        asyncio.run(last())
        # Each loop had a connection of its own, and closed it: warnings are errors here.
        assert server.connections == 4


def test_two_hundred_tasks_over_one_client_get_their_own_answers() -> None:
    def echo(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = request.partition(b"<ns0:mobile>")[2].partition(b"<")[0].decode()
            body = good("soap", "sendSms").replace(b"337017332", f"id-{number[3:]}".encode())
            connection.sendall(reply(body))

    async def main(url: str) -> None:
        # Waiting for one of the twenty connections is under the deadlines too; on a busy machine it takes long.
        async with client_of(url, pool_size=20, timeout=Timeout(120, 120, 300)) as client:

            async def one(number: int) -> None:
                mobile = f"1380000{number:04d}"
                assert (await client.send(mobile, "好")).batch_id == f"id-{mobile[3:]}"

            await asyncio.gather(*(one(number) for number in range(200)))

    with RawServer(echo) as server:
        asyncio.run(main(server.url))
        assert len(server.requests) == 200


def test_loading_the_definition_does_not_block_the_loop() -> None:
    fetched: list[bytes] = []

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if request.startswith(b"GET"):
                fetched.append(request)
                time.sleep(0.3)
                connection.sendall(reply(bundled()))
            else:
                connection.sendall(reply(good("soap", operation_of(request))))

    async def main(url: str) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        async with client_of(url, wsdl=None) as client:
            ticking = asyncio.create_task(tick())
            # More of them than asyncio has threads, which resolving a name needs too.
            await asyncio.gather(*(client.reports() for _ in range(50)))
            ticking.cancel()
        assert ticks > 5

    with RawServer(handle) as server:
        asyncio.run(main(server.url.replace("127.0.0.1", "localhost")))
    assert len(fetched) == 1


def long_answers(server: RawServer, connection: socket.socket) -> None:
    document = "<smsreport>" + "<psreport><mobile>13800000001</mobile></psreport>" * 10_000 + "</smsreport>"
    while server.read_request(connection):
        connection.sendall(reply(document.encode()))


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that can start no more threads, but for those of the servers here."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("jzysoap"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        yield


def test_a_process_without_threads_loses_no_poll(no_threads: None) -> None:
    async def main(url: str) -> None:
        async with client_of(url, interface="servlet", password=lambda: "secret1") as client:
            assert len(await client.reports()) == 10_000

    with RawServer(long_answers) as server:
        asyncio.run(main(server.url.replace("127.0.0.1", "localhost")))
        assert len(server.requests) == 1


@pytest.mark.parametrize("busy", [1, 40])
def test_busy_threads_of_the_program_delay_nothing(busy: int) -> None:
    let = threading.Event()

    async def main(url: str) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        waiting = [loop.run_in_executor(None, let.wait, 30) for _ in range(busy)]
        async with client_of(url, wsdl=None, password=lambda: "secret1") as client:
            assert (await client.send(MOBILE, "好")).batches[0].batch_id == "337017332"
        let.set()
        await asyncio.gather(*waiting)

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(reply(bundled() if request.startswith(b"GET") else good("soap", "sendSms")))

    with RawServer(handle) as server:
        asyncio.run(main(server.url.replace("127.0.0.1", "localhost")))


def test_a_failing_password_is_asked_for_once() -> None:
    asked: list[str] = []

    def password() -> str:
        asked.append(threading.current_thread().name)
        raise OSError("the vault is sealed")

    async def main() -> None:
        async with client_of("http://127.0.0.1:9", interface="servlet", password=password) as client:
            with pytest.raises(ConfigurationError, match="the password callable failed"):
                await client.balance()

    asyncio.run(main())
    assert asked == ["jzysoap works"]


def test_work_outlives_its_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    let, ended = threading.Event(), threading.Event()

    def password() -> str:
        let.wait(10)
        ended.set()
        return "secret1"

    async def main() -> None:
        client = client_of("http://127.0.0.1:9", interface="servlet", password=password)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.balance(), 0.05)

    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    asyncio.run(main())
    let.set()
    assert ended.wait(10)
    for thread in threading.enumerate():
        if thread.name == "jzysoap works":
            thread.join(10)
    assert failed == []


def test_a_poll_cancelled_while_it_is_read_says_what_is_lost(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(url: str) -> None:
        async with client_of(url, interface="servlet") as client:
            task = asyncio.create_task(client.reports())
            while not reading.is_set():
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        let.set()

    reading, let = threading.Event(), threading.Event()
    read = ServletInterface.read

    def wait_and_read(*given: Any, **options: Any) -> str:
        reading.set()
        let.wait(10)
        return read(*given, **options)

    monkeypatch.setattr(ServletInterface, "read", staticmethod(wait_and_read))
    with RawServer(long_answers) as server:
        asyncio.run(main(server.url))
    assert re.search(r"an interrupted poll received \d{6} bytes that no on_reply keeps", caplog.text)


def test_a_forked_process_makes_its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(url: str) -> None:
        async with client_of(url) as client:
            assert len(await client.reports()) == 2
            # What a child sees of itself.
            monkeypatch.setattr("jzysoap.model.processes.os.getpid", lambda: 1)
            assert len(await client.reports()) == 2

    with RawServer(answer) as server:
        asyncio.run(main(server.url))
        assert server.connections == 2


def test_arguments_that_cannot_be_used_are_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="adapter is an argument of Client alone"):
        client_of("http://127.0.0.1:9", adapter=object())
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")

    async def main() -> None:
        for name in ("verify", "cert"):
            async with client_of("https://127.0.0.1:9", **{name: str(bad)}) as client:
                with pytest.raises(ConfigurationError, match=f"{name} is not a usable"):
                    await client.balance()

    asyncio.run(main())


@pytest.mark.parametrize("package", ["httptools", "aiohappyeyeballs"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jzysoap.transport.aioconnection", "jzysoap.transport.parser"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr("jzysoap.transport.aioconnection", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"needs {package}, .* pip install 'jzysoap\[async\]'"):
        client_of("http://127.0.0.1:9")


def test_a_folder_of_certificates_is_taken(tmp_path: Any) -> None:
    async def main() -> None:
        async with client_of("https://127.0.0.1:9", verify=tmp_path, timeout=Timeout(1, 1, 0.05)) as client:
            with pytest.raises(Exception, match="nothing was sent"):
                await client.balance()

    asyncio.run(main())
