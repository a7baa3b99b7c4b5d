"""Processes that were forked off one with a client in use."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from jzysoap import Client, OutcomeUnknownError
from tests.kit.samples import MOBILE
from tests.kit.servers import RawServer
from tests.kit.soap import soap
from tests.wire.conftest import Foreign, Make, Serve, asked

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    # What Python warns of since 3.12 is what is tested here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def echo(server: RawServer, connection: socket.socket) -> None:
    """Accepts each text, with the text as the batch id."""
    while request := server.read_request(connection):
        # Backwards: the text itself, which is a secret, is no batch id.
        connection.sendall(soap(f"success;{asked(request)[1]['content'][::-1]}"))


def in_child(work: Callable[[], object]) -> Callable[[], Any]:
    """Does it in a forked process; what is returned waits for its result."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send(work())
        except BaseException as error:
            sender.send(repr(error))
            raise

    process = context.Process(target=run)
    process.start()
    sender.close()

    def result() -> Any:
        with receiver:
            came = receiver.recv() if receiver.poll(20) else "nothing came"
        if process.is_alive() and came == "nothing came":
            process.kill()
        process.join(10)
        process.close()
        return came

    return result


def send_many(client: Client, name: str, times: int) -> list[str | None]:
    return [(client.send(MOBILE, f"{name}-{number}").batch_id or "")[::-1] for number in range(times)]


def test_children_get_their_own_replies(make: Make, serve: Serve) -> None:
    server = serve(echo)
    client = make(server.url)
    assert client.send(MOBILE, "warm").batch_id == "mraw"
    results = [in_child(lambda name=f"child{child}": send_many(client, name, 25)) for child in range(8)]  # type: ignore[misc]  # of a default
    mine = send_many(client, "parent", 25)
    for child, result in enumerate(results):
        assert result() == [f"child{child}-{number}" for number in range(25)]
    assert mine == [f"parent-{number}" for number in range(25)]
    assert send_many(client, "after", 2) == ["after-0", "after-1"]
    # The parent's own connection has outlived them all.
    assert server.connections == 1 + 8


def test_a_child_may_close_without_harm_to_its_parent(make: Make, serve: Serve) -> None:
    server = serve(echo)
    client = make(server.url)
    client.send(MOBILE, "warm")
    assert in_child(client.close)() is None
    assert send_many(client, "parent", 2) == ["parent-0", "parent-1"]
    assert server.connections == 1


def test_several_threads_of_a_child(make: Make, serve: Serve) -> None:
    server = serve(echo)
    client = make(server.url, pool_size=40)
    client.send(MOBILE, "warm")

    def work() -> list[object]:
        wrong: list[object] = []

        def one(name: str) -> None:
            came = send_many(client, name, 3)
            if came != [f"{name}-{number}" for number in range(3)]:
                wrong.append(came)

        threads = [threading.Thread(target=one, args=(f"t{number}",)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return wrong

    assert in_child(work)() == []
    assert send_many(client, "parent", 1) == ["parent-0"]


def test_a_grandchild(make: Make, serve: Serve) -> None:
    client = make(serve(echo).url)
    client.send(MOBILE, "warm")

    def child() -> object:
        mine = send_many(client, "child", 1)
        process = os.fork()
        if process == 0:
            os._exit(0 if send_many(client, "grandchild", 1) == ["grandchild-0"] else 1)
        return mine, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    assert in_child(child)() == (["child-0"], 0)


def test_a_fork_while_the_definition_is_loaded(make: Make, serve: Serve) -> None:
    """The lock around the loading is held by a thread that the child does not have."""
    asked_for, go_on = threading.Event(), threading.Event()

    def handle(server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        if request.startswith(b"GET") and server.connections == 1:
            asked_for.set()
            go_on.wait(20)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    client = make(serve(handle).url, wsdl=None)
    errors: list[str] = []

    def prepare() -> None:
        try:
            client.prepare()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
            errors.append(type(error).__name__)

    thread = threading.Thread(target=prepare)
    thread.start()
    try:
        assert asked_for.wait(10)
        result = in_child(client.prepare)()
    finally:
        go_on.set()
        thread.join(10)
    assert result.startswith("WsdlError(")
    assert errors == ["WsdlError"]


def test_a_fork_while_the_password_is_asked_for(make: Make, serve: Serve) -> None:
    """So is the one around the password's callable."""
    parent = os.getpid()
    asked_for, go_on = threading.Event(), threading.Event()

    def password() -> str:
        if os.getpid() == parent:
            asked_for.set()
            go_on.wait(20)
        return "secret"

    client = make(serve(echo).url, password)
    thread = threading.Thread(target=send_many, args=(client, "parent", 1))
    thread.start()
    try:
        assert asked_for.wait(10)
        result = in_child(lambda: send_many(client, "child", 1))()
    finally:
        go_on.set()
        thread.join(10)
    assert result == ["child-0"]


def test_a_password_that_was_changed_holds_in_a_child_too(make: Make, serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if b"method=updatePassword" in request:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
            else:
                password = asked(request)[1]["password"].rstrip("=")
                connection.sendall(soap(f"success;{password[::-1]}"))

    client = make(serve(handle).url)
    client.change_password("new1")
    assert in_child(lambda: client.send(MOBILE, "text").batch_id)() == "bmV3MQ"[::-1]


def test_nothing_of_the_parents_is_touched(make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child's view: the inherited connection stays open and where it is."""
    server = serve(echo)
    adapter = HTTPAdapter()
    client = make(server.url, adapter=adapter)
    client.send(MOBILE, "warm")
    inherited: Any = adapter.poolmanager
    sock = inherited.pools[next(iter(inherited.pools.keys()))].pool.queue[-1].sock
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert send_many(client, "child", 3) == ["child-0", "child-1", "child-2"]
    assert adapter.poolmanager is not inherited
    assert sock.fileno() >= 0
    assert server.connections == 2
    # The test is its own parent, and must tidy up after it.
    inherited.clear()


def test_only_one_thread_renews(make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread goes on before the new connections are there, and none makes them twice."""
    renewed: list[int] = []

    class Slow(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            renewed.append(os.getpid())
            time.sleep(0.1)
            super().init_poolmanager(*args, **kwargs)

    server = serve(echo)
    client = make(server.url, adapter=Slow())
    client.prepare()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    came: list[list[str | None]] = []
    threads = [threading.Thread(target=lambda: came.append(send_many(client, "t", 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert came == [["t-0"]] * 4
    assert renewed.count(-1) == 1


def test_a_foreign_adapter_is_left_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: object) -> Any:
        raise LookupError

    client = make("http://127.0.0.1", adapter=Foreign(fail))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(OutcomeUnknownError):
        client.balance()
