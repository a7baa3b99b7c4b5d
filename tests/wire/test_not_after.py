"""The right to send ends at a moment: after it, no first byte leaves, whatever stood still meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from requests.adapters import BaseAdapter

from jzysoap import AsyncClient, Client, HttpReply, HttpRequest, NotSentError, Outcome
from jzysoap.calls import operations as calls
from jzysoap.client.durable import DurableCalls
from jzysoap.model.clock import elapsed
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, TEXT
from tests.kit.terminals import CLONE

OPTIONS = {"wsdl": "bundled", "cache_dir": False}
ARGUMENTS = {"smstype": "1", "content": TEXT, "isLongSms": "0", "extenno": ""}


@pytest.fixture(name="sandbox")
def _sandbox() -> Any:
    with Sandbox() as sandbox:
        yield sandbox


def test_before_the_moment_a_batch_is_sent(sandbox: Sandbox) -> None:
    with Client(sandbox.url, "test", "secret1", **OPTIONS) as client:  # type: ignore[arg-type]  # options
        batch = DurableCalls(client).send((MOBILE,), ARGUMENTS, elapsed() + 60)
    assert (batch.outcome, batch.mobiles, batch.error) == (Outcome.ACCEPTED, (MOBILE,), None)
    (sent,) = sandbox.gateway.sent
    assert (sent.text, sent.mobiles) == (TEXT, (MOBILE,))


def test_after_the_moment_nothing_is_sent(sandbox: Sandbox) -> None:
    with Client(sandbox.url, "test", "secret1", **OPTIONS) as client:  # type: ignore[arg-type]  # options
        batch = DurableCalls(client).send((MOBILE,), ARGUMENTS, elapsed() - 1)
    assert batch.outcome is Outcome.NOT_SENT
    assert isinstance(batch.error, NotSentError)
    assert batch.error.retry == "later"
    assert sandbox.gateway.sent == ()


def test_a_connection_that_is_made_too_late_carries_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []
    connect = socket.socket.connect

    def late(self: socket.socket, address: Any) -> None:
        connect(self, address)
        connected.append(address)
        time.sleep(0.3)

    monkeypatch.setattr(socket.socket, "connect", late)
    with Client(sandbox.url, "test", "secret1", **OPTIONS) as client:  # type: ignore[arg-type]  # options
        batch = DurableCalls(client).send((MOBILE,), ARGUMENTS, elapsed() + 0.2)
    assert batch.outcome is Outcome.NOT_SENT
    # It is not tried again: that would come too late as well.
    assert len(connected) == 1
    assert sandbox.gateway.sent == ()


class _Adapter(BaseAdapter):
    def send(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("it was called")

    def close(self) -> None:
        pass


class _Transport:
    def exchange(self, _request: HttpRequest) -> HttpReply:
        raise AssertionError("it was called")


@pytest.mark.parametrize("custom", [{"adapter": _Adapter()}, {"transport": _Transport()}])
def test_custom_transports_are_not_even_called(sandbox: Sandbox, custom: dict[str, Any]) -> None:
    with Client(sandbox.url, "test", "secret1", **OPTIONS, **custom) as client:  # type: ignore[arg-type]  # options
        batch = DurableCalls(client).send((MOBILE,), ARGUMENTS, elapsed() - 1)
    assert batch.outcome is Outcome.NOT_SENT


class _AsyncTransport:
    async def exchange(self, _request: HttpRequest) -> HttpReply:
        raise AssertionError("it was called")


@pytest.mark.parametrize("custom", [{}, {"transport": _AsyncTransport()}])
def test_asynchronous_code_sends_nothing_either(sandbox: Sandbox, custom: dict[str, Any]) -> None:
    async def main() -> None:
        async with AsyncClient(sandbox.url, "test", "secret1", **OPTIONS, **custom) as client:  # type: ignore[arg-type]  # options
            plan = calls.send(client._config, MOBILE, TEXT)
            call = replace(plan.parts[0].call, not_after=elapsed() - 1)
            with pytest.raises(NotSentError, match="the right to send this ended"):
                await client._run(client._session.call(call))

    asyncio.run(main())
    assert sandbox.gateway.sent == ()


def test_a_second_password_does_not_move_the_moment(sandbox: Sandbox) -> None:
    passwords = iter(["wrong", "secret1"])
    moments = []

    def renew() -> str:
        # The second one is late.
        moments.append(elapsed())
        time.sleep(0.4 * (len(moments) - 1))
        return next(passwords)

    with Client(sandbox.url, "test", renew, **OPTIONS) as client:  # type: ignore[arg-type]  # options
        durable = DurableCalls(client)
        durable.prepare()
        batch = durable.send((MOBILE,), ARGUMENTS, elapsed() + 0.3)
    assert len(moments) == 2
    assert batch.outcome is Outcome.NOT_SENT
    assert sandbox.gateway.sent == ()


def test_what_is_not_allowed_any_more_is_not_sent(sandbox: Sandbox) -> None:
    with Client(sandbox.url, "test", "secret1", allow_recipients=(), **OPTIONS) as client:  # type: ignore[arg-type]  # options
        batch = DurableCalls(client).send((MOBILE,), {**ARGUMENTS, "content": "嗨"}, elapsed() + 60)
    assert batch.outcome is Outcome.NOT_SENT
    assert "allow_recipients" in str(batch.error)
    assert MOBILE not in str(batch.error)


PAUSED = """
import os, signal, sys, threading
from jzysoap import Client
from jzysoap.client.durable import DurableCalls
from jzysoap.model.clock import elapsed
from jzysoap.transport import connections

hand_over = connections.WatchedPool.hand_over

def pause(self, connection):
    os.kill(os.getpid(), signal.SIGSTOP)
    hand_over(self, connection)

connections.WatchedPool.hand_over = pause
with Client(sys.argv[1], "test", "secret1", wsdl="bundled", cache_dir=False) as client:
    arguments = {"smstype": "1", "content": "您好", "isLongSms": "0", "extenno": ""}
    calls = DurableCalls(client)
    calls.prepare()
    not_after = elapsed() + 2
    print(not_after, flush=True)
    print(calls.send(("13866194295",), arguments, not_after).outcome.value)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_a_process_that_was_stopped_sends_nothing_when_it_goes_on(sandbox: Sandbox) -> None:
    with subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", PAUSED, sandbox.url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CLONE)},
    ) as process:
        assert process.stdout is not None
        not_after = float(process.stdout.readline())
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        # The clock is the same one in all processes of a machine.
        time.sleep(max(not_after - elapsed(), 0) + 0.1)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == b"not sent\n"
    assert sandbox.gateway.sent == ()
