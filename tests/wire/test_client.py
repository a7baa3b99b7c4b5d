"""The client as a whole: its life, the definition, credentials, the servlet, and the environment around it."""

from __future__ import annotations

import base64
import logging
import pickle
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from jzysoap import (
    AuthenticationError,
    Client,
    ConfigurationError,
    GatewayError,
    InvalidMessageError,
    JzySoapError,
    MalformedReplyError,
    NotSentError,
    OutcomeUnknownError,
)
from jzysoap.definition.local import bundled
from jzysoap.model.events import CallEvent
from tests.kit.samples import MOBILE, PASSWORD, PASSWORD_BASE64, TEXT, USERNAME
from tests.kit.servers import RawServer, answering, refused_port, reply
from tests.kit.soap import envelope, soap
from tests.kit.timeouts import QUICK
from tests.wire.conftest import Make, Serve, asked, body_of, form, headers_of, over_tls

DEFINITION = bundled()
WRONG_PASSWORD = "failure;用户名或密码错误"


def encoded(password: str) -> str:
    return base64.b64encode(password.encode()).decode()


def password_in(request: bytes) -> str:
    return asked(request)[1]["password"]


# Its life.


def test_it_touches_nothing_before_the_first_call(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(DEFINITION)))
    client = make(server.url, wsdl=None)
    assert server.connections == 0
    client.prepare()
    assert [request.split(b" HTTP")[0] for request in server.requests] == [b"GET /services/userApi?wsdl"]
    assert PASSWORD_BASE64.encode() not in server.requests[0]
    client.prepare()
    assert len(server.requests) == 1


def test_the_first_call_loads_the_definition(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_ordered_request("/services/userApi", method="GET").respond_with_data(DEFINITION)
    httpserver.expect_ordered_request("/services/userApi", method="POST").respond_with_data(envelope("success;1"))
    told: list[CallEvent] = []
    client = make(httpserver.url_for("/"), wsdl=None, on_call=told.append)
    assert client.send(MOBILE, TEXT).batch_id == "1"
    assert [event.definition for event in told] == ["live"]


def test_threads_load_it_once(make: Make, serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if request.startswith(b"GET"):
                connection.sendall(reply(DEFINITION))
            else:
                connection.sendall(soap(f"success;{asked(request)[1]['content'][::-1]}"))

    server = serve(handle)
    client = make(server.url, wsdl=None, pool_size=16)
    came: list[str | None] = []
    together = threading.Barrier(16)

    def work(name: str) -> None:
        together.wait(10)
        came.append((client.send(MOBILE, name).batch_id or "")[::-1])

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, came)) == sorted(f"t{number}" for number in range(16))
    assert sum(request.startswith(b"GET") for request in server.requests) == 1


def test_many_threads_get_their_own_results(make: Make, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "urllib3")

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            connection.sendall(soap(f"success;{asked(request)[1]['content'][::-1]}"))

    client = make(serve(handle).url)
    wrong: list[object] = []

    def work(worker: int) -> None:
        for number in range(10):
            text = f"{worker}-{number}"
            try:
                came: object = (client.send(MOBILE, text).batch_id or "")[::-1]
            except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
                came = error
            if came != text:
                wrong.append((text, came))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


OPERATIONS: list[Callable[[Client], object]] = [
    lambda client: client.send(MOBILE, TEXT),
    lambda client: client.balance(),
    lambda client: client.reports(),
    lambda client: client.replies(),
    lambda client: client.change_password("new1"),
    lambda client: client.prepare(),
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("definition", [None, "bundled"])
def test_a_closed_client_refuses(
    operation: Callable[[Client], object], definition: str | None, make: Make, serve: Serve
) -> None:
    server = serve(answering(soap("success")))
    with make(server.url, wsdl=definition) as client:
        pass
    with pytest.raises(ConfigurationError, match="closed: make a new one"):
        operation(client)
    assert server.connections == 0


def test_it_cannot_be_pickled(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="make one in each process"):
        pickle.dumps(make("http://127.0.0.1"))


def test_its_repr_names_the_account(make: Make) -> None:
    assert repr(make("http://127.0.0.1:9003/")) == f"<Client http://127.0.0.1:9003 user={USERNAME}>"


def test_from_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(soap("success;5")))
    settings = {"BASE_URL": server.url, "USERNAME": "shop", "PASSWORD": "pw", "WSDL": "bundled", "CACHE_DIR": "off"}
    for name, value in {**settings, "CHANNEL": "card", "SIGNATURE": "店", "TIMEOUT": "5,10,20"}.items():
        monkeypatch.setenv(f"SHOP_{name}", value)
    with Client.from_env("SHOP_") as client:
        assert client.send(MOBILE, TEXT).batch_id == "5"
    arguments = asked(server.requests[0])[1]
    assert (arguments["username"], arguments["password"], arguments["smstype"]) == ("shop", encoded("pw"), "0")
    assert arguments["content"] == f"【店】{TEXT}"


def test_an_adapter_that_repeats_is_refused(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="set max_retries=0"):
        make("http://127.0.0.1", adapter=HTTPAdapter(max_retries=Retry(3, allowed_methods=None)))


def test_over_tls(make: Make, serve: Serve, tls: Any, authority_file: Path) -> None:
    server = serve(over_tls(tls, answering(soap("success;1"))))
    url = server.url.replace("http:", "https:")
    assert make(url, verify=authority_file).send(MOBILE, TEXT).batch_id == "1"
    with pytest.raises(NotSentError, match="not trusted"):
        make(url).send(MOBILE, TEXT)
    assert len(server.requests) == 1


def test_no_netrc_no_proxy_no_cookie(make: Make, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(answering(reply(envelope("success"), "200 OK", "Set-Cookie: a=b")))
    with refused_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        client = make(server.url)
        for _ in range(2):
            client.send(MOBILE, TEXT)
    for request in server.requests:
        assert not {"authorization", "cookie", "proxy-authorization"} & set(headers_of(request))


def test_no_definition_can_be_had(make: Make) -> None:
    # A refused connection is the same error, whether or not the definition had been loaded.
    for wsdl in (None, "bundled"):
        with refused_port() as port, pytest.raises(NotSentError, match=r"^nothing was sent") as caught:
            make(f"http://127.0.0.1:{port}", wsdl=wsdl).balance()
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        assert (caught.value.may_have_been_sent, caught.value.retry) == (False, "safe")
    with refused_port() as port, pytest.raises(NotSentError):
        make(f"http://127.0.0.1:{port}", wsdl=None).prepare()


# The password.


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"password": "密码"}, encoded("密码")),
        ({"password": "密码", "password_encoding": "gbk"}, base64.b64encode("密码".encode("gbk")).decode()),
        ({"password": "x" * 200}, encoded("x" * 200)),
        ({"password": lambda: "asked"}, encoded("asked")),
        ({"password": None, "password_base64": "czNjcmV0LVBhc3M"}, "czNjcmV0LVBhc3M"),
    ],
)
def test_how_the_password_goes(options: Any, expected: str, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(server.url, **options).send(MOBILE, TEXT)
    assert password_in(server.requests[0]) == expected


def test_a_callable_is_asked_once(make: Make, serve: Serve) -> None:
    given: list[str] = []

    def password() -> str:
        given.append("asked")
        return "asked"

    client = make(serve(answering(soap("success"))).url, password)
    assert given == []
    for _ in range(3):
        client.send(MOBILE, TEXT)
    assert given == ["asked"]


def guarded(right: str) -> Callable[[RawServer, socket.socket], None]:
    """A gateway that takes one password."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            good = password_in(request) == encoded(right)
            connection.sendall(soap("success;1" if good else WRONG_PASSWORD))

    return handle


def test_a_callable_is_asked_once_more_when_refused(make: Make, serve: Serve) -> None:
    passwords = ["old", "new", "never"]
    server = serve(guarded("new"))
    client = make(server.url, lambda: passwords.pop(0))
    assert client.send(MOBILE, TEXT).batch_id == "1"
    assert client.send(MOBILE, TEXT).batch_id == "1"
    assert passwords == ["never"]
    assert [password_in(request) for request in server.requests] == [encoded("old"), encoded("new"), encoded("new")]


def test_sixteen_threads_and_one_rotation(make: Make, serve: Serve) -> None:
    given: list[str] = []

    def password() -> str:
        given.append("old" if not given else "new")
        return given[-1]

    server = serve(guarded("new"))
    client = make(server.url, password, pool_size=16)
    came: list[str | None] = []
    together = threading.Barrier(16)

    def work() -> None:
        together.wait(10)
        came.append(client.send(MOBILE, TEXT).batch_id)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came == ["1"] * 16
    assert given == ["old", "new"]


@pytest.mark.parametrize("answers", [["same", "same"], ["one", "two"]])
def test_refused_for_good(answers: list[str], make: Make, serve: Serve) -> None:
    server = serve(guarded("another"))
    left = [*answers]
    with pytest.raises(AuthenticationError) as caught:
        make(server.url, lambda: left.pop(0)).send(MOBILE, TEXT)
    assert (caught.value.may_have_been_sent, caught.value.retry) == (False, "never")
    assert len(server.requests) == len(set(answers))


def test_a_password_given_as_text_is_tried_once(make: Make, serve: Serve) -> None:
    server = serve(guarded("another"))
    with pytest.raises(AuthenticationError):
        make(server.url).send(MOBILE, TEXT)
    assert len(server.requests) == 1


def test_a_refusal_that_is_not_sure_is_not_repeated(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("failure;密码错误,系统异常")))
    with pytest.raises(GatewayError) as caught:
        make(server.url, lambda: "asked").send(MOBILE, TEXT)
    assert caught.value.may_have_been_sent
    assert len(server.requests) == 1


def failing() -> str:
    raise OSError("vault sealed")


@pytest.mark.parametrize(
    ("password", "words"),
    [(failing, "the password callable failed"), (lambda: None, "must be text"), (lambda: "", "not empty")],
)
def test_a_callable_that_gives_none(password: Any, words: str, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    with pytest.raises(ConfigurationError, match=words) as caught:
        make(server.url, password).send(MOBILE, TEXT)
    assert caught.value.result is not None
    assert caught.value.retry == ("later" if password is failing else "never")
    assert server.connections == 0


def test_a_callable_that_fails_the_second_time(make: Make, serve: Serve) -> None:
    left = ["old"]
    server = serve(guarded("new"))
    with pytest.raises(ConfigurationError, match="the password callable failed") as caught:
        make(server.url, lambda: left.pop()).send(MOBILE, TEXT)
    assert isinstance(caught.value.__cause__, IndexError)
    assert len(server.requests) == 1


# Changing it.


def test_a_change_of_password(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b" 1\r\n"), soap("success")))
    client = make(server.url)
    client.change_password("new1")
    client.send(MOBILE, TEXT)
    assert server.requests[0].startswith(b"POST /servlet/UserServiceAPI HTTP/1.1\r\n")
    assert form(server.requests[0]) == {
        "method": "updatePassword",
        "username": USERNAME,
        "password": PASSWORD,
        "newPassword": "new1",
    }
    assert password_in(server.requests[1]) == encoded("new1")


def test_a_change_of_password_in_base64(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"1")))
    make(server.url).change_password("new1", base64=True)
    fields = form(server.requests[0])
    assert (fields["password"], fields["newPassword"]) == (PASSWORD_BASE64, encoded("new1"))


@pytest.mark.parametrize(
    ("answer", "kind", "unknown"),
    [
        (reply(b"2"), GatewayError, False),
        (reply(b"3"), AuthenticationError, False),
        (reply(b"4"), GatewayError, True),
        (reply(b"5"), MalformedReplyError, True),
        (reply(b""), MalformedReplyError, True),
        (reply("failure;密码错误".encode("gbk")), AuthenticationError, False),
        (reply(b"1", length=2), OutcomeUnknownError, True),
        (b"", OutcomeUnknownError, True),
    ],
)
def test_a_change_that_fails(answer: bytes, kind: type[JzySoapError], unknown: bool, make: Make, serve: Serve) -> None:
    answer = answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = serve(answering(answer, soap("success"), close=True))
    client = make(server.url, timeout=QUICK)
    with pytest.raises(kind) as caught:
        client.change_password("new1")
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (unknown, "never")
    assert str(error).endswith(". Either the old or the new password may be valid now: try both") is unknown
    client.send(MOBILE, TEXT)
    assert password_in(server.requests[1]) == PASSWORD_BASE64
    assert len(server.requests) == 2


@pytest.mark.parametrize(("new", "options"), [("", {}), ("neu-es", {}), ("密码", {}), (None, {}), ("a", {"base64": 1})])
def test_a_new_password_that_is_refused(new: Any, options: Any, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"1")))
    with pytest.raises(InvalidMessageError):
        make(server.url).change_password(new, **options)
    assert server.connections == 0


def test_a_password_that_is_no_text_cannot_be_changed_in_the_clear(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"1")))
    client = make(server.url, None, password_base64=base64.b64encode(b"\xff\xfe").decode())
    with pytest.raises(ConfigurationError, match="does not decode to text in password_encoding"):
        client.change_password("new1")
    assert server.connections == 0


# The servlet.


def test_a_servlet_send_byte_by_byte(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"success;337017332\r\n")))
    client = make(f"{server.url}/sms", interface="servlet", wsdl=None)
    assert client.send([MOBILE, "13866194296"], "你好 +&=%", extension="0001").batch_id == "337017332"
    (request,) = server.requests
    assert request.startswith(b"POST /sms/servlet/UserServiceAPI HTTP/1.1\r\n")
    assert headers_of(request)["content-type"] == "application/x-www-form-urlencoded; charset=GBK"
    assert body_of(request) == (
        b"method=sendSMS&username=account&password=czNjcmV0LVBhc3M%3D&smstype=1&content=%C4%E3%BA%C3+%2B%26%3D%25"
        b"&isLongSms=0&extenno=0001&mobile=13866194295%2C13866194296"
    )


def test_the_utf_8_servlet_byte_by_byte(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"success")))
    make(server.url, interface="servlet", utf8_servlet=True).send(MOBILE, "好€😀")
    (request,) = server.requests
    assert request.startswith(b"POST /servlet/UserServiceAPIUTF8 HTTP/1.1\r\n")
    assert headers_of(request)["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert body_of(request) == (
        b"method=sendSms&".replace(b"Sms", b"SMS") + b"username=account&password=s3cret-Pass&smstype=1"
        b"&content=%E5%A5%BD%E2%82%AC%F0%9F%98%80&isLongSms=0&extenno=&mobile=13866194295"
    )


def test_a_text_that_gbk_cannot_spell(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"success")))
    with pytest.raises(InvalidMessageError, match=r"U\+1F600 GRINNING FACE at position 2 .* gbk_safe") as caught:
        make(server.url, interface="servlet").send(MOBILE, "你好😀")
    assert (caught.value.field, caught.value.position, caught.value.text) == ("text", 2, "你好😀")
    assert server.connections == 0


def test_a_user_that_gbk_cannot_spell(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"success")))
    with Client(server.url, "user😀", PASSWORD, interface="servlet") as client:
        with pytest.raises(ConfigurationError, match="username cannot be encoded"):
            client.balance()
    assert server.connections == 0


def test_a_client_that_is_used_while_it_loads_its_definition(make: Make, serve: Serve, tmp_path: Path) -> None:
    """A logging handler that texts every warning to an operator uses the client in the middle of its own work."""

    class Alert(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with pytest.raises(ConfigurationError, match="while it loads its definition in the same thread"):
                client.send(MOBILE, TEXT)
            refused.append(record.levelname)

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if not request.startswith(b"GET"):
                connection.sendall(soap("success;1"))
            elif up:
                connection.sendall(reply(DEFINITION))
            else:
                connection.sendall(reply(b"", "503 Down"))

    up: list[bool] = [True]
    refused: list[str] = []
    url = serve(handle).url
    tmp_path.chmod(0o700)
    make(url, wsdl=None, cache_dir=tmp_path).prepare()
    up.clear()
    # The saved definition is used, with a warning, in the middle of the loading.
    client = make(url, wsdl=None, cache_dir=tmp_path, wsdl_max_age=0)
    library, alert = logging.getLogger("jzysoap"), Alert(logging.WARNING)
    library.addHandler(alert)
    try:
        assert client.send(MOBILE, TEXT).batch_id == "1"
    finally:
        library.removeHandler(alert)
    assert refused == ["WARNING"]


def test_a_client_that_is_used_by_its_own_password(make: Make, serve: Serve) -> None:
    refused: list[str] = []

    def password() -> str:
        with pytest.raises(ConfigurationError, match="while it asks for its password in the same thread"):
            client.balance()
        refused.append("once")
        return "secret1"

    client = make(serve(answering(soap("success;1"))).url, password=password)
    assert client.send(MOBILE, TEXT).batch_id == "1"
    assert refused == ["once"]
    # A thread that waits for its turn gets it.
    assert client.send(MOBILE, TEXT).batch_id == "1"
