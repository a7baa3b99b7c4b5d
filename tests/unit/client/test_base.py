"""The common part of both clients. All names, numbers, texts and passwords are made up; nothing is connected to."""

from __future__ import annotations

import base64
import copy
import pickle
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests  # noqa: F401  # a debugger's trace disturbs the first import of urllib3

from jzysoap import Channel, Client, ConfigurationError, InvalidMessageError, Timeout
from jzysoap.client.base import BaseClient
from tests.kit.samples import TEXT

NEEDED: dict[str, Any] = {"base_url": "http://h:9003", "username": "user", "password": "geheim"}
GEHEIM = base64.b64encode(b"geheim").decode()
NUMBER = "13812345678"


@pytest.fixture(autouse=True)
def _nothing_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: object) -> None:
        pytest.fail(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(**NEEDED) as client:
        yield client


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def add(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    add(JZYSOAP_BASE_URL="http://h:9003", JZYSOAP_USERNAME="user", JZYSOAP_PASSWORD="geheim")
    return add


def told(error: BaseException) -> str:
    """The locals that an error tracker sees, of all frames but the test's own."""
    story = traceback.TracebackException.from_exception(error, capture_locals=True)
    return str(error) + repr(error) + "".join(str(frame.locals) for frame in list(story.stack)[1:])


def test_the_arguments_in_their_order_and_by_name() -> None:
    assert repr(Client("http://h:9003/", "user", "geheim")) == "<Client http://h:9003 user=user>"
    client = Client(base_url="http://h", username="user", password_base64=GEHEIM, channel=Channel.CARD)
    assert (client._config.password_base64, client._config.channel) == (GEHEIM, Channel.CARD)
    assert client._session.credentials.plain() == "geheim"
    with pytest.raises(TypeError):
        Client("http://h", "user", "geheim", "servlet")  # type: ignore[call-arg]  # what is tested
    with pytest.raises(TypeError, match="passwort"):
        Client(**NEEDED, passwort="geheim")  # type: ignore[call-arg]  # what is tested


def test_a_client_shows_no_secret() -> None:
    client = Client(**NEEDED, proxies={"http": "http://u:geheim@p"}, headers={"Authorization": "geheim"})
    shown = repr(client) + str(client) + repr(vars(client)) + repr(vars(client._session))
    assert "geheim" not in shown
    assert GEHEIM not in shown


def test_a_client_of_another_kind_must_say_how_it_opens() -> None:
    with pytest.raises(NotImplementedError):
        BaseClient(**NEEDED)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"base_url": None}, "base_url is missing"),
        ({"base_url": "http://u:geheim@h"}, "base_url must not contain a user or a password"),
        ({"username": ""}, "username must be printable text, not empty"),
        ({"password": None}, "password is missing: give password or password_base64"),
        ({"password": ""}, "password must be text, not empty, or a callable that returns it"),
        ({"password": b"geheim"}, "password must be text, not empty, or a callable that returns it"),
        ({"password": bytearray(b"geheim")}, "password must be text, not empty, or a callable that returns it"),
        (
            {"password": None, "password_base64": GEHEIM.encode()},
            "password_base64 must be the BASE64 of the password's",
        ),
        ({"password_base64": GEHEIM}, "password and password_base64 are both given: omit one of them"),
        ({"password": "geheim字", "password_encoding": "ascii"}, "password cannot be encoded in ascii"),
        ({"channel": "card"}, "channel must be a Channel"),
        ({"timeout": 30}, "timeout must be a Timeout(connect, read, total)"),
        ({"timeout": Timeout(0, 1, 1)}, "timeout must be a Timeout(connect, read, total)"),
        ({"proxies": {"http": "http://u:geheim@p", "https": None}}, "proxies must map schemes to proxy addresses"),
        ({"headers": {"Authorization": "geheim", "X A": ""}}, "headers cannot have a name that is none"),
        ({"headers": {"Authorization": "geheim\n"}}, "headers has a value for Authorization that HTTP cannot carry"),
        # What is secret, in another's place or of another type.
        ({"password": ("geheim",)}, "password must be text, not empty, or a callable that returns it"),
        ({"username": ["geheim"]}, "username must be text, not list"),
        ({"poll_url": "http://u:geheim@h"}, "poll_url must not contain a user or a password"),
        ({"wsdl": "http://u:geheim@h/x"}, "wsdl must be an http(s) address without user and password"),
        ({"headers": {"Authorization: geheim": ""}}, "headers cannot have 'Authorization'"),
        ({"headers": [("Authorization", "geheim")]}, "headers must map header names to values"),
        ({"proxies": ["http://u:geheim@p"]}, "proxies must map schemes to proxy addresses"),
        ({"proxies": {"http": "http://u:geheim@"}}, "proxies has an address for 'http' that is not a proxy's"),
        ({"verify": ""}, "verify must be True, False, or the path of a CA bundle that exists"),
    ],
)
def test_a_refused_argument_is_named_and_no_traceback_shows_a_secret(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client(**{**NEEDED, **arguments})
    assert str(caught.value).startswith(problem)
    shown = told(caught.value)
    assert "geheim" not in shown
    assert GEHEIM not in shown


def test_a_client_whose_arguments_were_refused_still_has_a_repr() -> None:
    half = Client.__new__(Client)
    assert repr(half) == "<Client>"


def test_a_debugger_may_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(frame: FrameType, event: str, argument: object) -> Any:
        assert frame.f_locals is not None
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        client = Client(**NEEDED)
    finally:
        sys.settrace(before)
    assert repr(client) == "<Client http://h:9003 user=user>"


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_is_neither_pickled_nor_copied(client: Client, copied: Callable[[Any], Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        copied(client)
    assert str(caught.value) == (
        "a Client cannot be pickled, since it holds a password and connections: "
        "make one in each process, such as with from_env()"
    )


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_nor_is_a_client_inside_something_else(client: Client, copied: Callable[[Any], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^a Client cannot be pickled"):
        copied({"clients": [client]})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_protocol_pickles_a_client(client: Client, protocol: int) -> None:
    with pytest.raises(ConfigurationError, match=r"^a Client cannot be pickled"):
        pickle.dumps(client, protocol)


def test_a_client_from_the_environment(environment: Callable[..., None]) -> None:
    environment(JZYSOAP_CHANNEL="member", JZYSOAP_TIMEOUT="1,2,3", JZYSOAP_SIGNATURE="签名")
    client = Client.from_env()
    assert repr(client) == "<Client http://h:9003 user=user>"
    config = client._config
    assert (config.channel, config.timeout, config.signature) == (Channel.MEMBER, Timeout(1, 2, 3), "签名")
    assert client._session.credentials.plain() == "geheim"


def test_a_client_from_another_part_of_the_environment(environment: Callable[..., None]) -> None:
    environment(OTHER_BASE_URL="http://o", OTHER_USERNAME="other", OTHER_PASSWORD_BASE64=GEHEIM)
    assert repr(Client.from_env("OTHER_")) == "<Client http://o user=other>"
    assert repr(Client.from_env(prefix="OTHER_", username="third")) == "<Client http://o user=third>"


def test_a_client_of_the_users_own_class_from_the_environment(environment: Callable[..., None]) -> None:
    class Own(Client):
        """Nothing else."""

    assert repr(Own.from_env()) == "<Own http://h:9003 user=user>"


def test_arguments_win_over_the_environment(environment: Callable[..., None], tmp_path: Path) -> None:
    environment(JZYSOAP_CHANNEL="nonsense", JZYSOAP_PASSWORD_FILE="/no/such")
    seen: list[object] = []
    client = Client.from_env(channel=Channel.CARD, password="other", on_call=seen.append, headers={"X-A": "b"})
    assert (client._config.channel, client._config.password) == (Channel.CARD, "other")
    assert client._config.on_call == seen.append
    assert client._config.headers == {"X-A": "b"}


def test_a_password_file(environment: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("geheim字\n", encoding="utf-8")
    environment(JZYSOAP_PASSWORD="", JZYSOAP_PASSWORD_FILE=str(tmp_path / "password"))
    assert Client.from_env()._session.credentials.plain() == "geheim字"


@pytest.mark.parametrize(
    ("variables", "overrides", "problem"),
    [
        ({"JZYSOAP_BASE_URL": ""}, {"password": "geheim"}, "JZYSOAP_BASE_URL is not set"),
        ({"JZYSOAP_BASE_URL": ""}, {"proxies": {"http": "http://u:geheim@p"}}, "JZYSOAP_BASE_URL is not set"),
        ({"JZYSOAP_CHANNEL": "x"}, {"password_base64": GEHEIM}, "JZYSOAP_CHANNEL must be card, gateway or member"),
        ({"JZYSOAP_PASSWORD_BASE64": "geheim!"}, {}, "JZYSOAP_PASSWORD_BASE64 must be the BASE64"),
        ({"JZYSOAP_PASSWORD_BASE64": GEHEIM}, {}, "password and password_base64 are both given"),
        ({}, {"headers": {"Authorization": "geheim"}, "batch_size": 0}, "batch_size must be a whole number"),
        ({}, {"base_url": "http://u:geheim@h"}, "base_url must not contain a user or a password"),
        ({"JZYSOAP_BASE_URL": "http://u:geheim@h"}, {}, "JZYSOAP_BASE_URL must not contain a user or a password"),
        ({}, {"pasword": "geheim"}, "pasword is not an argument of Client"),
        ({}, {"self": "x"}, "self is not an argument of Client"),
    ],
)
def test_what_the_environment_lacks_is_said_and_no_traceback_shows_a_secret(
    environment: Callable[..., None], variables: dict[str, str], overrides: dict[str, Any], problem: str
) -> None:
    environment(**variables)
    with pytest.raises(ConfigurationError) as caught:
        Client.from_env(**overrides)
    assert str(caught.value).startswith(problem)
    shown = told(caught.value)
    assert "geheim" not in shown
    assert GEHEIM not in shown


@pytest.mark.parametrize(
    ("mobile", "text", "field"),
    [
        (NUMBER, f"{TEXT}\x00", "text"),
        (NUMBER, TEXT.encode(), "text"),
        (NUMBER, "", "text"),
        ([NUMBER, f"{NUMBER}9"], TEXT, "mobile"),
        # The arguments confused.
        (TEXT, NUMBER, "mobile"),
        ([], TEXT, "mobile"),
        (None, TEXT, "mobile"),
    ],
)
def test_a_refused_message_shows_neither_recipients_nor_text(
    client: Client, mobile: Any, text: Any, field: str
) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        client.send(mobile, text)
    assert caught.value.field == field
    shown = told(caught.value)
    assert NUMBER not in shown
    assert "1234" not in shown.replace("138****", "")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_refused_new_password_is_not_shown(client: Client) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        client.change_password("new geheim!")
    assert (caught.value.field, "geheim" in told(caught.value)) == ("new", False)
    with pytest.raises(InvalidMessageError) as caught:
        client.change_password("geheim", base64=1)  # type: ignore[arg-type]  # what is tested
    assert (caught.value.field, "geheim" in told(caught.value)) == ("base64", False)


def test_another_failure_of_a_check_is_not_hidden(client: Client) -> None:
    def recipients() -> Iterator[str]:
        yield NUMBER
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        client.send(recipients(), TEXT)
