"""Custom transports, of both clients: what they are handed, what their failures mean, and when they are closed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jzysoap import (
    AsyncClient,
    Client,
    ConfigurationError,
    HttpReply,
    HttpRequest,
    IncompletePollError,
    NotSentError,
    OutcomeUnknownError,
    Timeout,
)
from tests.kit.documents import report, reports
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.samples import MOBILE, PASSWORD, TEXT
from tests.kit.soap import envelope

Answer = Callable[[HttpRequest], Any]


class Plain:
    """Answers without a network, and writes down what it is asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[HttpRequest] = []
        self.closed = 0

    def exchange(self, request: HttpRequest) -> HttpReply:
        self.requests.append(request)
        reply: HttpReply = self._answer(request)
        return reply

    def close(self) -> None:
        self.closed += 1


class Asynchronous:
    """The same for asynchronous code."""

    def __init__(self, answer: Answer) -> None:
        self._plain = Plain(answer)
        self.requests = self._plain.requests

    @property
    def closed(self) -> int:
        return self._plain.closed

    async def exchange(self, request: HttpRequest) -> HttpReply:
        await asyncio.sleep(0)
        return self._plain.exchange(request)

    async def aclose(self) -> None:
        self._plain.close()


def transport_for(kind: Kind, answer: Answer) -> Any:
    return Plain(answer) if kind is Client else Asynchronous(answer)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    value: Kind = request.param
    return value


def facade(kind: Kind, transport: Any, **options: Any) -> Facade:
    return Facade(kind, "http://gateway.invalid:9003", "account", PASSWORD, transport=transport, **options)


def accepted(request: HttpRequest) -> HttpReply:
    return HttpReply(200, {"Content-Type": "text/xml; charset=utf-8"}, envelope("success;66"))


@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_it_carries_every_request_once(kind: Kind, interface: str) -> None:
    def answer(request: HttpRequest) -> HttpReply:
        return accepted(request) if interface == "soap" else HttpReply(200, {}, b"success;66")

    transport = transport_for(kind, answer)
    with facade(kind, transport, interface=interface, timeout=Timeout(1, 2, 3), headers={"X-A": "b"}) as client:
        assert client.send(MOBILE, TEXT).batch_id == "66"
    (request,) = transport.requests
    assert (request.method, request.timeout, request.consuming) == ("POST", Timeout(1, 2, 3), False)
    assert request.url.startswith("http://gateway.invalid:9003/")
    assert request.headers["X-A"] == "b"
    assert not {"host", "content-length"} & {name.lower() for name in request.headers}
    # As secret as before.
    assert PASSWORD not in repr(request)
    assert MOBILE not in repr(request)
    assert MOBILE.encode() in bytes(request.body or b"")
    assert transport.closed == 1


def test_it_loads_the_definition_too(kind: Kind) -> None:
    def answer(request: HttpRequest) -> HttpReply:
        return HttpReply(404, {}, b"")

    transport = transport_for(kind, answer)
    with facade(kind, transport, wsdl=None) as client, pytest.raises(Exception, match="HTTP 404"):
        client.prepare()
    assert [request.method for request in transport.requests] == ["GET"]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (NotSentError("no connection"), NotSentError),
        (OutcomeUnknownError("who knows"), OutcomeUnknownError),
        (ConnectionRefusedError("it seems"), OutcomeUnknownError),
        (TimeoutError("it seems"), OutcomeUnknownError),
        (ConfigurationError("it seems"), OutcomeUnknownError),
        (LookupError("a secret"), OutcomeUnknownError),
    ],
    ids=lambda one: type(one).__name__,
)
def test_only_what_it_calls_not_sent_was_not_sent(error: Exception, wanted: type[Exception], kind: Kind) -> None:
    def fail(_: HttpRequest) -> HttpReply:
        raise error

    transport = transport_for(kind, fail)
    with facade(kind, transport) as client, pytest.raises(wanted) as caught:
        client.send(MOBILE, TEXT)
    assert type(caught.value) is wanted
    assert "secret" not in str(caught.value)
    # It is not asked again, either.
    assert len(transport.requests) == 1


@pytest.mark.parametrize("got", [None, b"success", (200, {}, b"success")])
def test_what_is_no_reply_may_have_been_sent(got: Any, kind: Kind) -> None:
    with facade(kind, transport_for(kind, lambda _: got)) as client:
        with pytest.raises(OutcomeUnknownError, match="TypeError"):
            client.send(MOBILE, TEXT)


def test_part_of_a_poll_is_read(kind: Kind) -> None:
    def answer(request: HttpRequest) -> HttpReply:
        assert request.consuming
        return HttpReply(200, {}, envelope(reports(report()), "getSmsReport")[:-100], "the line went dead")

    kept: list[bytes] = []
    options: Any = {"on_reply": lambda raw: kept.append(raw.body)}
    with facade(kind, transport_for(kind, answer), **options) as client:
        with pytest.raises(IncompletePollError, match="the line went dead"):
            client.reports()
    assert len(kept) == 1


def test_what_is_no_transport_is_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match=r"^transport must have a method exchange"):
        kind("http://gateway.invalid", "account", PASSWORD, transport=object())


def test_an_asynchronous_one_is_not_clients() -> None:
    with pytest.raises(ConfigurationError, match=r"^transport is for AsyncClient"):
        Client("http://gateway.invalid", "account", PASSWORD, transport=Asynchronous(accepted))


def test_an_adapter_beside_it_is_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match=r"^adapter "):
        kind("http://gateway.invalid", "account", PASSWORD, transport=transport_for(kind, accepted), adapter=object())


def test_a_closed_client_hands_it_nothing(kind: Kind) -> None:
    transport = transport_for(kind, accepted)
    with facade(kind, transport) as client:
        client.close()
        client.close()
        with pytest.raises(ConfigurationError, match="the client is closed"):
            client.send(MOBILE, TEXT)
    assert (transport.requests, transport.closed) == ([], 1)


class Bare:
    """It has nothing to close."""

    def exchange(self, request: HttpRequest) -> Any:
        return accepted(request)


class Closing(Asynchronous):
    """It is closed by a plain method."""

    aclose = None  # type: ignore[assignment]

    def close(self) -> None:
        self._plain.close()


def test_closing_is_up_to_it() -> None:
    with facade(Client, Bare()) as client:
        client.send(MOBILE, TEXT)
    closing = Closing(accepted)
    with facade(AsyncClient, closing) as client:
        client.send(MOBILE, TEXT)
    assert closing.closed == 1


# What only AsyncClient can do.


def client_of(transport: Any, **options: Any) -> AsyncClient:
    return AsyncClient(
        "http://gateway.invalid", "account", PASSWORD, wsdl="bundled", cache_dir=False, transport=transport, **options
    )


class Held(Asynchronous):
    """It answers when it is let, and says that it was asked."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def exchange(self, request: HttpRequest) -> HttpReply:
        self.asked.set()
        await self.let.wait()
        return await super().exchange(request)


def poll(_: HttpRequest) -> HttpReply:
    return HttpReply(200, {}, envelope(reports(report()), "getSmsReport"))


def test_it_is_cancelled_with_a_send() -> None:
    async def main() -> None:
        transport = Held(accepted)
        async with client_of(transport) as client:
            task = asyncio.create_task(client.send(MOBILE, TEXT))
            await transport.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert transport.requests == []

    asyncio.run(main())


def test_a_cancelled_poll_is_waited_for() -> None:
    kept: list[bytes] = []

    async def main() -> None:
        transport = Held(poll)
        async with client_of(transport, on_reply=lambda raw: kept.append(raw.body)) as client:
            task = asyncio.create_task(client.reports())
            await transport.asked.wait()
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            transport.let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert len(kept) == 1


def test_a_cancelled_poll_that_fails_is_cancelled() -> None:
    def fail(_: HttpRequest) -> HttpReply:
        raise LookupError

    async def main() -> None:
        transport = Held(fail)
        async with client_of(transport) as client:
            task = asyncio.create_task(client.reports())
            await transport.asked.wait()
            task.cancel()
            await asyncio.sleep(0)
            transport.let.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_a_transport_that_cancels_itself_is_cancelled() -> None:
    def cancel(_: HttpRequest) -> HttpReply:
        raise asyncio.CancelledError

    async def main() -> None:
        async with client_of(Asynchronous(cancel)) as client:
            for call in (client.reports(), client.send(MOBILE, TEXT)):
                with pytest.raises(asyncio.CancelledError):
                    await call

    asyncio.run(main())


def test_it_is_ended_at_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        transport = Held(accepted)
        limits: Any = {"timeout": Timeout(9, 9, 0.1), "poll_timeout": Timeout(9, 9, 0.1)}
        async with client_of(transport, **limits) as client:
            for call in (client.send(MOBILE, TEXT), client.reports()):
                with pytest.raises(OutcomeUnknownError, match=r"the deadline of 0\.1 s is past"):
                    await call
        await asyncio.sleep(0)

    asyncio.run(main())
    assert caplog.text.count("never retrieved") == 0


def test_the_end_of_the_loop_ends_it() -> None:
    """Unlike an exchange over the library's own connections: see docs/transport.md."""
    kept: list[bytes] = []
    transports: list[Held] = []

    async def main() -> None:
        transports.append(Held(poll))
        client = client_of(transports[0], on_reply=lambda raw: kept.append(raw.body))
        task = asyncio.create_task(client.reports())
        await transports[0].asked.wait()
        assert not task.done()

    asyncio.run(main())
    assert kept == []


def test_closing_waits_for_it() -> None:
    async def main() -> None:
        transport = Held(accepted)
        client = client_of(transport)
        task = asyncio.create_task(client.send(MOBILE, TEXT))
        await transport.asked.wait()
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0.01)
        assert transport.closed == 0
        transport.let.set()
        await asyncio.gather(task, closing)
        assert transport.closed == 1

    asyncio.run(main())


def test_it_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jzysoap.transport.aioconnection", None)
    with facade(AsyncClient, Asynchronous(accepted)) as client:
        assert client.send(MOBILE, TEXT).batch_id == "66"
