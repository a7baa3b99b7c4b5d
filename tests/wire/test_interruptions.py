"""Exceptions that end a job at its time limit: raised by a signal handler, or set by another thread."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jzysoap import CallEvent, Client, HttpReply, HttpRequest, Outcome
from jzysoap.interface.servlet import ServletInterface
from tests.kit.leaks import shown, spellings
from tests.kit.samples import MOBILE, TEXT
from tests.kit.servers import RawServer, reply
from tests.kit.timeouts import PATIENT
from tests.wire.conftest import Serve
from tests.wire.test_transport import full_backlog

SECRET = "s3cret-pass"


class JobLimit(Exception):  # noqa: N818  # as Celery's SoftTimeLimitExceeded
    """The limit of a job."""


pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")


@pytest.fixture(params=[JobLimit, ConnectionResetError])
def limit(request: pytest.FixtureRequest) -> Iterator[Exception]:
    """An exception that a signal handler raises in 0.15 s."""
    error: Exception = request.param("the job's time is up")

    def handler(*_: object) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    yield error
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def client_of(url: str, **options: Any) -> Client:
    given = {"interface": "servlet", "timeout": PATIENT, "poll_timeout": PATIENT, "cache_dir": False, **options}
    return Client(url, "test", **{"password": SECRET, **given})


def mute(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.recv(1)


def half(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<smsreports>")
    connection.recv(1)


def trickle(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"<")
            time.sleep(0.02)


def good(server: RawServer, connection: socket.socket) -> None:
    while server.read_request(connection):
        connection.sendall(reply(b"success;1"))


def linger(*_: object) -> str:
    time.sleep(5)
    return SECRET


def send(client: Client) -> object:
    return client.send(MOBILE, TEXT)


def reports(client: Client) -> object:
    return client.reports()


class Lingering:
    def exchange(self, request: HttpRequest) -> HttpReply:
        linger(request)
        raise AssertionError("nobody interrupted it")


@pytest.mark.parametrize(
    ("server", "call", "options"),
    [
        (mute, send, {}),
        (half, reports, {}),
        (half, send, {}),
        (good, send, {"on_call": linger}),
        (good, send, {"on_call_started": linger}),
        (good, reports, {"on_reply": linger}),
        (good, send, {"password": linger}),
        (mute, send, {"interface": "soap"}),
        (good, send, {"transport": Lingering()}),
        (good, lambda client: client.send(MOBILE, TEXT, on_batch_started=linger), {}),
        (good, lambda client: client.send(MOBILE, TEXT, on_batch=linger), {}),
    ],
)
def test_a_jobs_limit_reaches_the_job(
    server: Callable[..., None],
    call: Callable[[Client], object],
    options: dict[str, Any],
    serve: Serve,
    limit: Exception,
) -> None:
    with client_of(serve(server).url, **options) as client:
        with pytest.raises(type(limit)) as caught:
            call(client)
    assert caught.value is limit
    for text in shown(caught.value, []):
        for secret in spellings(SECRET, TEXT, MOBILE):
            assert secret not in text


def test_a_jobs_limit_while_connecting(limit: Exception) -> None:
    with full_backlog() as port, client_of(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(type(limit)) as caught:
            send(client)
    assert caught.value is limit


def test_a_jobs_limit_while_an_answer_is_read(serve: Serve, limit: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServletInterface, "read", staticmethod(lambda *_, **__: linger()))
    with client_of(serve(good).url) as client, pytest.raises(type(limit)) as caught:
        send(client)
    assert caught.value is limit


def test_the_outcome_of_an_interrupted_send_is_unknown(serve: Serve, limit: Exception) -> None:
    events: list[CallEvent] = []
    with client_of(serve(mute).url, on_call=events.append) as client, pytest.raises(type(limit)):
        send(client)
    assert [event.outcome for event in events] == [Outcome.UNKNOWN]


def test_an_exception_that_another_thread_sets(serve: Serve) -> None:
    """RQ ends a job in this way where it has no signals."""
    caught: list[BaseException] = []

    def job() -> None:
        try:
            with client_of(serve(trickle).url) as client:
                client.reports()
        except BaseException as error:  # noqa: BLE001  # looked at below
            caught.append(error)

    thread = threading.Thread(target=job)
    thread.start()
    time.sleep(0.2)
    set_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_in_thread(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(JobLimit))
    thread.join(20)
    assert [type(error) for error in caught] == [JobLimit]
