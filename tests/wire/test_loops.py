"""The runners of an ``AsyncClient``: uvloop, anyio, asgiref (Django), a thread's portal (FastAPI), and trio in vain."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from asgiref.sync import async_to_sync, sync_to_async

from jzysoap import AsyncClient, ConfigurationError, JzySoapError, NotSentError, OutcomeUnknownError, Timeout
from tests.kit.documents import report, reports
from tests.kit.leaks import shown, spellings
from tests.kit.samples import MOBILE, PASSWORD, TEXT
from tests.kit.servers import RawServer, answering, refused_port, reply
from tests.kit.soap import soap
from tests.wire.conftest import Serve, over_tls
from tests.wire.test_aio import GATEWAY, client_of, tunnelling, until
from tests.wire.test_transport import then_silent

Main = Callable[[], Coroutine[Any, Any, Any]]


def on_asyncio(main: Main) -> Any:
    return asyncio.run(main())


def on_uvloop(main: Main) -> Any:
    return pytest.importorskip("uvloop", reason="there is none for this system").run(main())


def through_anyio(main: Main) -> Any:
    return anyio.run(main)


def through_a_portal(main: Main) -> Any:
    """As FastAPI's TestClient runs an application."""
    with start_blocking_portal() as portal:
        return portal.call(main)


def through_asgiref(main: Main) -> Any:
    """As Django runs an asynchronous view in a synchronous worker."""
    return async_to_sync(main)()


def through_asgirefs_thread(main: Main) -> Any:
    """As Django runs asynchronous code within synchronous code within an asynchronous view."""
    return asyncio.run(sync_to_async(async_to_sync(main))())


RUNNERS = [on_asyncio, on_uvloop, through_anyio, through_a_portal, through_asgiref, through_asgirefs_thread]


def echo_numbers(server: RawServer, connection: socket.socket) -> None:
    while request := server.read_request(connection):
        number = request.partition(b"<ns0:mobile>")[2].partition(b"<")[0].decode()
        connection.sendall(soap(f"success;id-{number[3:]}"))


@pytest.mark.parametrize("run", RUNNERS)
def test_one_client_under_any_runner(run: Callable[[Main], Any], serve: Serve) -> None:
    server = serve(echo_numbers)
    client = client_of(server.url)

    async def some() -> None:
        async def one(number: int) -> None:
            mobile = f"1380000{number:04d}"
            assert (await client.send(mobile, TEXT)).batch_id == f"id-{mobile[3:]}"

        for _ in range(2):
            await asyncio.gather(*(one(number) for number in range(8)))

    async def last() -> None:
        await some()
        await client.aclose()

    # From one loop after another, of which each closes its own connections: warnings are errors here.
    for _ in range(2):
        run(some)
    run(last)
    gc.collect()
    assert server.connections == 3 * 8


@pytest.mark.parametrize("run", RUNNERS)
def test_the_end_of_the_runner_loses_no_poll(run: Callable[[Main], Any], serve: Serve) -> None:
    asked, let = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        asked.set()
        let.wait(10)
        connection.sendall(soap(reports(report()), "getSmsReport"))

    kept: list[bytes] = []
    tasks: list[Any] = []
    server = serve(handle)
    client = client_of(server.url, on_reply=lambda raw: kept.append(raw.body))

    async def main() -> None:
        tasks.append(asyncio.create_task(client.reports()))
        await until(asked.is_set)
        # The runner cancels it in the end.
        asyncio.get_running_loop().call_later(0.1, let.set)

    run(main)
    assert len(kept) == 1
    assert tasks[0].cancelled()
    asyncio.run(client.aclose())


@pytest.mark.parametrize("run", [on_asyncio, on_uvloop])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_under_any_loop(
    scheme: str,
    run: Callable[[Main], Any],
    serve: Serve,
    tls: ssl.SSLContext,
    authority_file: Path,
    authority: Any,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(GATEWAY).configure_cert(context)
    proxy = serve(over_tls(tls, tunnelling(context)) if scheme == "https" else tunnelling(context))
    options: Any = {
        "interface": "servlet",
        "verify": authority_file,
        "proxies": {"https": proxy.url.replace("http:", f"{scheme}:")},
    }

    async def main() -> None:
        async with client_of(f"https://{GATEWAY}", **options) as client:
            for _ in range(2):
                # It is no answer, but it is the one that was given.
                with pytest.raises(JzySoapError) as caught:
                    await client.balance()
                assert b"getRestMoney" in caught.value.raw

    run(main)
    assert proxy.connections == 1


@pytest.mark.parametrize("run", [on_asyncio, on_uvloop])
def test_failures_under_any_loop(
    run: Callable[[Main], Any], serve: Serve, tls: ssl.SSLContext, authority_file: Path
) -> None:
    async def main() -> None:
        quick = Timeout(0.3, 0.3, 0.5)
        with refused_port() as port:
            refusing = f"http://127.0.0.1:{port}"
            for url, wanted in (
                (refusing, NotSentError),
                (serve(lambda *_: None).url, OutcomeUnknownError),
                (serve(then_silent(b"")).url, OutcomeUnknownError),
                (serve(answering(b"garbage\r\n\r\n")).url, OutcomeUnknownError),
                (serve(answering(reply(b"half", length=9), close=True)).url, OutcomeUnknownError),
                (serve(over_tls(tls, then_silent(b""))).url.replace("http:", "https:"), NotSentError),
            ):
                async with client_of(url, timeout=quick) as client:
                    with pytest.raises(wanted):
                        await client.send(MOBILE, TEXT)
        secure = serve(over_tls(tls, answering(soap("success;7")))).url.replace("http:", "https:")
        async with client_of(secure, verify=authority_file) as client:
            for _ in range(3):
                assert (await client.send(MOBILE, TEXT)).batch_id == "7"
            task = asyncio.create_task(client.send(MOBILE, TEXT))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main)


def test_a_scope_of_anyio_ends_a_send_at_once(serve: Serve) -> None:
    server = serve(then_silent(b""))

    async def main() -> None:
        async with client_of(server.url) as client:
            with anyio.move_on_after(0.2) as scope:
                await client.send(MOBILE, TEXT)
            assert scope.cancelled_caught
            with pytest.raises(TimeoutError):
                with anyio.fail_after(0.2):
                    await client.send(MOBILE, TEXT)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.send(MOBILE, TEXT)

    anyio.run(main)


def test_a_cancelled_group_of_anyio_keeps_its_polls(serve: Serve) -> None:
    let = threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        let.wait(10)
        connection.sendall(soap(reports(report()), "getSmsReport"))

    kept: list[bytes] = []
    server = serve(handle)

    async def main() -> None:
        async with client_of(server.url, on_reply=lambda raw: kept.append(raw.body)) as client:
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(client.reports)
                await until(lambda: len(server.requests) == 3)
                group.cancel_scope.cancel()
                asyncio.get_running_loop().call_later(0.1, let.set)

    anyio.run(main)
    assert len(kept) == 3


def test_without_a_loop_of_asyncio_an_error_says_so() -> None:
    """As under trio, of which nothing else is needed for that."""
    client = AsyncClient("http://127.0.0.1:9", "account", PASSWORD, wsdl="bundled", cache_dir=False)
    for call in (client.send(MOBILE, TEXT), client.balance(), client.reports(), client.prepare(), client.aclose()):
        with pytest.raises(ConfigurationError, match="needs a running event loop of asyncio"):
            call.send(None)


def test_trio_is_told_the_same() -> None:
    trio = pytest.importorskip("trio", reason="the test above says the same without it")
    client = AsyncClient("http://127.0.0.1:9", "account", PASSWORD, wsdl="bundled", cache_dir=False)
    with pytest.raises(ConfigurationError, match="needs a running event loop of asyncio"):
        trio.run(client.balance)


@pytest.mark.parametrize("secure", [False, True])
def test_a_debugged_loop_shows_no_secret(
    secure: bool,
    serve: Serve,
    tls: ssl.SSLContext,
    authority_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Such a loop logs each callback that takes long, with its arguments."""
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0
        for handler in (answering(soap("success")), then_silent(b""), answering(b"garbage\r\n"), lambda *_: None):
            url = serve(over_tls(tls, handler) if secure else handler).url
            url = url.replace("http:", "https:") if secure else url
            async with client_of(url, verify=authority_file, timeout=Timeout(5, 0.2, 5)) as client:
                try:
                    await client.send(MOBILE, TEXT)
                except JzySoapError as error:
                    errors.append(error)
        for target, scheme in (("http", "socks5h"), ("https", "http"), ("http", "http")):
            proxies = {target: serve(then_silent(b"")).url.replace("http://", f"{scheme}://me:geheim-proxy@")}
            limits = Timeout(0.2, 0.2, 0.4)
            async with client_of(f"{target}://{GATEWAY}", proxies=proxies, timeout=limits) as client:
                try:
                    await client.send(MOBILE, TEXT)
                except JzySoapError as error:
                    errors.append(error)

    asyncio.run(main(), debug=True)
    assert len(errors) == 6
    assert "Executing" in caplog.text
    secrets = (*spellings(PASSWORD, TEXT, MOBILE), "geheim-proxy", "bWU6Z2VoZWltLXByb3h5")
    for error in errors:
        for text in shown(error, caplog.records):
            for secret in secrets:
                assert secret not in text


def test_nothing_is_left_for_the_garbage_collector(serve: Serve) -> None:
    """Cycles would keep a whole answer until the collector runs."""
    server = serve(answering(soap("success")))

    async def main() -> None:
        async with client_of(server.url) as client:
            for _ in range(3):
                await client.send(MOBILE, TEXT)
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    await client.send(MOBILE, TEXT)
                assert gc.collect() < 20
            finally:
                gc.enable()

    asyncio.run(main())


def test_a_client_that_is_not_closed_leaves_its_connections_to_the_loop(serve: Serve) -> None:
    server = serve(answering(soap("success")))

    async def main() -> None:
        client = client_of(server.url)
        await client.send(MOBILE, TEXT)
        del client
        gc.collect()
        await asyncio.sleep(0.05)

    # Warnings are errors here.
    asyncio.run(main())
    gc.collect()
