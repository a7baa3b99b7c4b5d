"""Nothing secret is shown: not by an error, its traceback, the local variables that trackers capture, or the log."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from jzysoap import Client, JzySoapError
from tests.kit.documents import report, reports
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.leaks import library_frames, shown, spellings
from tests.kit.samples import MOBILE
from tests.kit.servers import RawServer, answering, refused_port, reply
from tests.kit.soap import envelope, fault, soap
from tests.kit.timeouts import QUICK
from tests.wire.conftest import Handler, Make, Serve

PASSWORD = "Geheim-Pass+9"
NEW_PASSWORD = "NeuesPass42"
TEXT = "您的验证码是ZX81，请勿告诉他人"
OTHER = "13912345678"
SECRETS = {*spellings(PASSWORD, TEXT, MOBILE), *spellings(NEW_PASSWORD, "验证码是ZX81", OTHER)}


def silent(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.recv(1)


def parrot(status: str) -> Handler:
    """Answers with the request."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        connection.sendall(reply(b"<html><body>cannot handle " + request + b"</body></html>", status))

    return handle


def parrot_fault(server: RawServer, connection: socket.socket) -> None:
    request = server.read_request(connection).decode()
    start = request.find("password>")
    words = f"cannot log in with {request[start : start + 40]} {PASSWORD} {MOBILE}"
    connection.sendall(reply(fault(words), "500 Error"))


def send(client: Client) -> object:
    return client.send([MOBILE, OTHER], TEXT)


HANDLERS: dict[str, Handler] = {
    "closed": lambda *_: None,
    "silent": silent,
    "garbage": answering(b"garbage\r\n\r\n"),
    "200 parrot": parrot("200 OK"),
    "500 parrot": parrot("500 Internal Server Error"),
    "404 parrot": parrot("404 Not Found"),
    "fault": parrot_fault,
    "refusal": answering(soap(f"failure;密码错误 {PASSWORD} {MOBILE}")),
    "plain refusal": answering(reply(f"failure;密码错误 {PASSWORD} {MOBILE}".encode())),
    "system error": answering(soap(f"failure;系统错误 {PASSWORD} {MOBILE}")),
    "no HTTP": answering(f"failure;密码错误 {PASSWORD} {MOBILE}\r\n".encode()),
    "a broken head": answering(reply(b"", "200 OK", f"X: y\r\n{PASSWORD} {MOBILE}")),
    "XML cut off": answering(reply(f"<a>{PASSWORD} {MOBILE}</b>".encode())),
    "another text": answering(soap(f"{PASSWORD} {MOBILE} {TEXT}")),
    "cut": answering(reply(envelope(f"failure;{PASSWORD}"), length=9999), close=True),
    "broken gzip": answering(reply(gzip.compress(TEXT.encode())[:-9], "200 OK", "Content-Encoding: gzip")),
    "reports cut": answering(reply(envelope(reports(report(MOBILE), report(OTHER)))[:-90], length=9999), close=True),
    "a bad report": answering(soap(reports(f"<psreport><x>{MOBILE}</x></psreport>"), "getSmsReport")),
    "success": answering(soap("success;66"), soap("failure;余额不足")),
}
OPERATIONS: dict[str, Callable[[Client], object]] = {
    "send": send,
    "send in batches": lambda client: client.send([MOBILE, OTHER], TEXT, batch_size=1),
    "balance": lambda client: client.balance(),
    "reports": lambda client: client.reports(),
    "replies": lambda client: client.replies(),
    "change_password": lambda client: client.change_password(NEW_PASSWORD),
    "change_password in BASE64": lambda client: client.change_password(NEW_PASSWORD, base64=True),
}
POLLS = (OPERATIONS["reports"], OPERATIONS["replies"])
PASSWORDS = {*spellings(PASSWORD, TEXT, MOBILE)[:4], *spellings(NEW_PASSWORD, TEXT, MOBILE)[:4]}


def assert_nothing_shown(error: BaseException | None, caplog: pytest.LogCaptureFixture) -> None:
    texts = list(shown(error, caplog.records))
    assert error is None or len(texts) >= 3
    for text in texts:
        for secret in SECRETS:
            assert secret not in text
    # Some trackers show locals by content, not by repr: no frame of the library may be left.
    assert error is None or not library_frames(error)


def attempt(client: Client, operation: Callable[[Client], object]) -> JzySoapError | None:
    try:
        result = operation(client)
    except JzySoapError as error:
        return error
    assert not any(secret in repr(result) for secret in SECRETS)
    return None


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_whatever_the_gateway_does(
    handler: Handler,
    operation: Callable[[Client], object],
    interface: str,
    make: Make,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make(serve(handler).url, PASSWORD, interface=interface, timeout=(2, 0.1, 1), poll_timeout=(2, 0.1, 1))
    error = attempt(client, operation)
    assert_nothing_shown(error, caplog)
    if error is not None and operation not in POLLS:
        assert not any(secret.encode() in error.raw for secret in PASSWORDS)
    assert any(record.name == "jzysoap" for record in caplog.records)


@pytest.mark.parametrize(
    "attempted",
    [
        lambda client: client.send([MOBILE, "1380013800"], TEXT),
        lambda client: client.send(OTHER + "a", TEXT),
        lambda client: client.send({"to": MOBILE}, TEXT),
        lambda client: client.send(MOBILE, TEXT + "\x00"),
        lambda client: client.send(MOBILE, TEXT + "\ud83d"),
        lambda client: client.send(MOBILE, TEXT.encode()),
        lambda client: client.send(MOBILE, TEXT, channel=7),
        lambda client: client.send(MOBILE, TEXT, batch_size=0),
        lambda client: client.send(MOBILE, TEXT, extension="12a"),
        lambda client: client.send(MOBILE, TEXT, extension="1"),
        lambda client: client.change_password(NEW_PASSWORD + "!"),
        send,
    ],
)
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.usefixtures("no_pause")
def test_whatever_the_user_does(
    attempted: Callable[[Any], object], closed: bool, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with refused_port() as port:
        client = make(f"http://127.0.0.1:{port}", PASSWORD, wsdl="bundled:axis2-1.6.2", timeout=QUICK)
        if closed:
            client.close()
        error = attempt(client, attempted)
    assert error is not None
    assert_nothing_shown(error, caplog)


def test_a_text_that_gbk_cannot_spell(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = make("http://127.0.0.1", PASSWORD, interface="servlet")
    error = attempt(client, lambda client: client.send(MOBILE, TEXT + "😀"))
    assert error is not None
    assert_nothing_shown(error, caplog)


@pytest.mark.parametrize(
    "options", [{"channel": 9}, {"timeout": 0}, {"adapter": object()}, {"password_base64": "eA=="}]
)
def test_a_client_that_is_refused(options: Any, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(JzySoapError) as caught:
        Client("http://127.0.0.1", "account", PASSWORD, **options)
    assert_nothing_shown(caught.value, caplog)


def test_a_password_that_cannot_be_spelled(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(JzySoapError) as caught:
        Client("http://127.0.0.1", "account", PASSWORD + "密", password_encoding="ascii")
    assert_nothing_shown(caught.value, caplog)


def test_a_callable_that_fails(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def password() -> str:
        raise OSError("vault sealed")

    error = attempt(make("http://127.0.0.1", password), send)
    assert error is not None
    assert_nothing_shown(error, caplog)


@pytest.mark.parametrize("attribute", ["_config", "_session", "_transport"])
def test_what_a_client_holds(attribute: str, make: Make, serve: Serve) -> None:
    client = make(serve(answering(soap("success"))).url, PASSWORD, proxies={"http": f"http://u:{PASSWORD}@p.invalid"})
    client.send(MOBILE, TEXT)
    held = getattr(client, attribute)
    for shown_text in (repr(client), repr(held), *map(repr, getattr(held, "__dict__", {}).values())):
        assert not any(secret in shown_text for secret in SECRETS)


@pytest.mark.parametrize(
    ("interface", "answer"),
    [
        ("soap", soap),
        ("soap", lambda words: reply(fault(words), "500 Error")),
        ("servlet", lambda words: reply(words.encode())),
    ],
    ids=["refusal", "fault", "servlet"],
)
@pytest.mark.parametrize("signature", ["", "公司"])
def test_a_text_that_is_repeated(
    signature: str,
    interface: str,
    answer: Callable[[str], bytes],
    make: Make,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
) -> None:
    numbers = [sign.join((MOBILE[:3], MOBILE[3:7], MOBILE[7:])) for sign in "- "]
    server = serve(answering(answer(f"failure;敏感 {TEXT} {' '.join(numbers)} 2026-11-24 10:00")))
    client = make(server.url, PASSWORD, signature=signature, interface=interface)
    error = attempt(client, send)
    assert error is not None
    assert "敏感 *** 138****4295 138****4295 2026-11-24 10:00" in str(error)
    assert_nothing_shown(error, caplog)
    assert not any(number in str(error) for number in numbers)
    assert TEXT.encode() not in error.raw


@pytest.mark.parametrize("words", [PASSWORD, TEXT, *spellings(PASSWORD, TEXT, MOBILE)[1:4]])
def test_what_stands_in_the_place_of_a_batch_id(
    words: str, make: Make, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make(serve(answering(soap(f"success;{words}"))).url, PASSWORD)
    with suppress(JzySoapError):
        client.send(MOBILE, TEXT)
    assert_nothing_shown(None, caplog)


@pytest.mark.parametrize("base64", [False, True])
def test_a_new_password_that_is_repeated(
    base64: bool, make: Make, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    words = " ".join(spellings(NEW_PASSWORD, "", "")[:4])
    error = attempt(
        make(serve(answering(reply(f"failure;新密码 {words} 太简单".encode()))).url, PASSWORD),
        lambda client: client.change_password(NEW_PASSWORD, base64=base64),
    )
    assert str(error) == "the gateway refused: 新密码 *** *** *** *** 太简单"
    assert_nothing_shown(error, caplog)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_request_that_is_never_read(
    interface: str, kind: Kind, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def handle(_server: RawServer, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        over.wait(10)

    options: Any = {"interface": interface, "wsdl": "bundled", "cache_dir": False, "timeout": (2, 0.2, 10)}
    options["max_segments"] = 1_000_000
    url = serve(handle).url
    with Facade(kind, url, "account", PASSWORD, **options) as client:
        with pytest.raises(JzySoapError) as caught:
            # More than what is under way can hold.
            client.send(MOBILE, TEXT * 200_000)
        over.set()
    assert caught.value.may_have_been_sent
    assert_nothing_shown(caught.value, caplog)
