"""The arguments of a client, from arguments and from the environment. All names and passwords are made up."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.calls.numbers import recipients
from jzysoap.client.base import BaseClient
from jzysoap.model.errors import ConfigurationError, InvalidMessageError
from jzysoap.model.http import Timeout
from jzysoap.model.values import Channel
from jzysoap.settings import options as module
from jzysoap.settings.environment import from_environment, from_mapping
from jzysoap.settings.options import ClientOptions, configure
from tests.kit.samples import MOBILE

NEEDED: dict[str, Any] = {"base_url": "http://h:9003", "username": "user", "password": "geheim"}
DIGEST = "ab" * 32
NAMES = list(module.OPTIONS)


def refusal(arguments: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configure(arguments)
    return str(caught.value)


def environment(variables: dict[str, str], prefix: str = "JZYSOAP_", **overrides: Any) -> dict[str, Any]:
    return from_environment(variables, prefix, overrides)


def environment_refusal(variables: dict[str, str], **overrides: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        environment(variables, **overrides)
    return str(caught.value)


def mapping(settings: Any, **overrides: Any) -> dict[str, Any]:
    return from_mapping(settings, overrides)


def mapping_refusal(settings: Any, **overrides: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        mapping(settings, **overrides)
    return str(caught.value)


WITH_VARIABLE = [name for name, option in module.OPTIONS.items() if option.text is not None]
ENVIRONMENT = {"JZYSOAP_BASE_URL": "http://h:9003/", "JZYSOAP_USERNAME": "user", "JZYSOAP_PASSWORD": "geheim"}


def test_the_typed_dictionary_is_the_constructor() -> None:
    signature = inspect.signature(BaseClient)
    needed = {name for name, one in signature.parameters.items() if one.default is inspect.Parameter.empty}
    hints = ClientOptions.__annotations__
    assert list(hints) == NAMES
    for name, parameter in signature.parameters.items():
        told = hints[name].__forward_arg__.removeprefix("Required[").removesuffix("]" if name in needed else "")
        assert told == parameter.annotation, name


def test_every_argument_has_a_check_and_the_same_default_everywhere() -> None:
    assert list(module.OPTIONS) == NAMES
    signature = inspect.signature(BaseClient)
    assert list(signature.parameters) == NAMES
    config = configure(NEEDED)
    for name, parameter in signature.parameters.items():
        if parameter.default is not inspect.Parameter.empty and name != "password":
            assert getattr(config, name) == parameter.default, name


def test_every_default_passes_its_own_check() -> None:
    config = configure(NEEDED)
    given_again = configure({name: getattr(config, name) for name in NAMES})
    assert given_again == config


HOOKS = {"on_reply", "on_call_started", "on_call"}


def test_options_without_a_variable_are_known() -> None:
    assert set(NAMES) - set(WITH_VARIABLE) == {"headers", "adapter", "transport", *HOOKS}


def test_the_documented_limits() -> None:
    config = configure(NEEDED)
    assert config.timeout == Timeout(5, 30, 60)
    assert config.poll_timeout == Timeout(5, 120, 300)
    assert (config.max_reply_bytes, config.max_poll_bytes) == (16 * 1024 * 1024, 64 * 1024 * 1024)
    assert (config.batch_size, config.max_idle, config.pool_size) == (1000, 5.0, 10)
    assert (config.max_segments, config.max_recipients) == (10, None)
    assert (config.international, config.allow_recipients, config.wsdl, config.verify) == (None, None, None, True)


def test_configured_arguments_have_their_final_form() -> None:
    config = configure(
        {
            **NEEDED,
            "base_url": "http://h:9003/sms/",
            "signature": "【签名】",
            "channel": 2,
            "timeout": (1, 2, 3),
            "allow_recipients": [" 13812345678 "],
            "wsdl": Path("s.wsdl"),
            "wsdl_sha256": DIGEST.upper(),
            "max_idle": 0,
        }
    )
    assert (config.base_url, config.signature, config.channel) == ("http://h:9003/sms", "签名", Channel.MEMBER)
    assert (config.timeout, config.allow_recipients) == (Timeout(1.0, 2.0, 3.0), frozenset({"13812345678"}))
    assert (config.wsdl, config.wsdl_sha256, config.max_idle) == ("s.wsdl", DIGEST, 0.0)


def test_only_none_stands_for_the_default() -> None:
    assert configure({**dict.fromkeys(NAMES), **NEEDED}) == configure(NEEDED)
    config = configure({**NEEDED, "cache_dir": False, "verify": False, "proxies": {}, "allow_recipients": []})
    assert (config.cache_dir, config.verify, config.proxies, config.allow_recipients) == (False, False, {}, frozenset())


WRONG: dict[str, Any] = {
    "base_url": "h:9003",
    "username": "",
    "password": b"geheim",
    "password_base64": b"Z2VoZWlt",
    "interface": "rest",
    "channel": "gateway",
    "signature": "【】",
    "extension": 1,
    "wsdl": "",
    "wsdl_max_age": -1,
    "wsdl_sha256": "ab",
    "wsdl_accept_changes": "yes",
    "cache_dir": True,
    "arguments": ["mobile"],
    "timeout": 30,
    "poll_timeout": (0, 0, 0),
    "max_reply_bytes": 1023,
    "max_poll_bytes": 2**40 + 1,
    "verify": "/no/such",
    "cert": "/no/such",
    "proxies": "http://p",
    "transport": object(),
    "headers": {"Content-Length": "1"},
    "pool_size": 0,
    "max_idle": float("nan"),
    "poll_url": "h",
    "utf8_servlet": 1,
    "batch_size": 20_001,
    "max_segments": 0,
    "max_recipients": -1,
    "international": "0",
    "allow_recipients": "13812345678",
    "password_encoding": "no-such",
    "reply_encoding": "rot13",
    "empty_texts": "none",
    "on_reply": "print",
    "on_call_started": asyncio.sleep,
    "on_call": 7,
}


def test_all_checked_arguments_have_a_wrong_value_here() -> None:
    assert set(NAMES) - set(WRONG) == {"adapter"}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_names_the_argument(name: str) -> None:
    shown = refusal({**NEEDED, name: WRONG[name]})
    assert shown.startswith(f"{name} ")
    assert "geheim" not in shown
    assert "Z2VoZWlt" not in shown


@pytest.mark.parametrize("name", ["base_url", "username"])
def test_needed_arguments_are_named(name: str) -> None:
    assert refusal({**NEEDED, name: None}) == f"{name} is missing"


def test_one_password_is_needed() -> None:
    assert refusal({**NEEDED, "password": None}) == "password is missing: give password or password_base64"
    assert refusal({**NEEDED, "password_base64": "YWJj"}) == (
        "password and password_base64 are both given: omit one of them"
    )
    assert configure({**NEEDED, "password": None, "password_base64": "YWJj"}).password_base64 == "YWJj"
    assert configure({**NEEDED, "password": input}).password is input


def test_a_password_that_cannot_be_encoded_is_refused_at_once() -> None:
    shown = refusal({**NEEDED, "password": "geheim字", "password_encoding": "ascii"})
    assert shown == "password cannot be encoded in ascii: set password_encoding"
    assert refusal({**NEEDED, "password": "geheim\ud800"}) == (
        "password cannot be encoded in utf-8: set password_encoding"
    )


def test_a_config_shows_no_password() -> None:
    config = configure({**NEEDED, "proxies": {"http": "http://u:geheim@p"}, "headers": {"X-A": "geheim"}})
    shown = "<Config base_url='http://h:9003' username='user' password=*** proxies=*** headers=***>"
    assert repr(config) == str(config) == shown
    assert "geheim" not in repr(dataclasses.astuple(config))


def test_a_config_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        configure(NEEDED).username = "other"  # type: ignore[misc]  # what is tested


SAID: list[tuple[str, str, Any]] = [
    ("base_url", "http://h/", "http://h"),
    ("username", "用户", "用户"),
    ("password", " geheim ", " geheim "),
    ("interface", "servlet", "servlet"),
    ("channel", "card", Channel.CARD),
    ("channel", " MEMBER ", Channel.MEMBER),
    ("channel", "1", Channel.GATEWAY),
    ("signature", "【签名】", "签名"),
    ("extension", "0001", "0001"),
    ("wsdl", "bundled", "bundled"),
    ("wsdl_max_age", "0", 0.0),
    ("wsdl_sha256", DIGEST, DIGEST),
    ("wsdl_accept_changes", "true", True),
    ("cache_dir", "/c", "/c"),
    ("cache_dir", "off", False),
    ("cache_dir", "False", False),
    (
        "arguments",
        "mobile, content,smstype,password,username,isLongSms",
        ("mobile", "content", "smstype", "password", "username", "isLongSms"),
    ),
    ("timeout", "1, 2.5,3", Timeout(1.0, 2.5, 3.0)),
    ("poll_timeout", "1,2,3", Timeout(1.0, 2.0, 3.0)),
    ("max_reply_bytes", "4096", 4096),
    ("max_poll_bytes", " 4096 ", 4096),
    ("verify", "No", False),
    ("verify", "1", True),
    ("verify", __file__, __file__),
    ("cert", __file__, __file__),
    ("proxies", "http://p:3128", {"http": "http://p:3128", "https": "http://p:3128"}),
    ("pool_size", "3", 3),
    ("max_idle", "1e1", 10.0),
    ("poll_url", "http://h:9008", "http://h:9008"),
    ("utf8_servlet", " TRUE ", True),
    ("utf8_servlet", "off", False),
    ("batch_size", "20000", 20_000),
    ("max_segments", "2", 2),
    ("max_recipients", "100", 100),
    ("international", "00", "00"),
    ("allow_recipients", "13812345678, 13912345678,", frozenset({"13812345678", "13912345678"})),
    ("allow_recipients", ",", frozenset()),
    ("password_encoding", "gbk", "gbk"),
    ("reply_encoding", "gbk", "gbk"),
    ("empty_texts", "无数据,没有", ("无数据", "没有")),
]


def test_every_variable_is_tested_here() -> None:
    assert {name for name, _, _ in SAID} | {"password_base64"} == set(WITH_VARIABLE)


@pytest.mark.parametrize(("name", "text", "value"), SAID)
def test_a_variable_sets_an_argument(name: str, text: str, value: Any) -> None:
    arguments = environment({**ENVIRONMENT, f"JZYSOAP_{name.upper()}": text})
    assert arguments[name] == value
    # The client checks the value again, which must not change it.
    assert getattr(configure(arguments), name) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("base_url", "h:9003", "must be an address such as http://smsapi.example.com:9003, with its scheme and host"),
        ("channel", "3", "must be card, gateway or member (or 0, 1, 2)"),
        ("channel", "网关", "must be card, gateway or member (or 0, 1, 2)"),
        ("wsdl_max_age", "a day", "must be a number"),
        ("wsdl_max_age", "nan", "must be a number of seconds, zero or more"),
        ("wsdl_max_age", "inf", "must be a number of seconds, zero or more"),
        ("wsdl_max_age", "-1", "must be a number of seconds, zero or more"),
        ("timeout", "30", "must be three numbers of seconds: connect,read,total"),
        ("timeout", "1,2,3,4", "must be three numbers of seconds: connect,read,total"),
        ("timeout", "1,2,x", "must be a number"),
        ("timeout", "1,2,0", "must be a Timeout(connect, read, total), each a number of seconds above zero"),
        ("batch_size", "1.5", "must be a whole number"),
        ("batch_size", "9" * 5000, "must be a whole number"),
        ("batch_size", "0", "must be a whole number from 1 to 20,000"),
        ("utf8_servlet", "maybe", "must be true or false"),
        ("verify", "maybe", "must be True, False, or the path of a CA bundle that exists"),
        ("password_base64", "geheim geheim", "must be the BASE64 of the password's bytes, on one line"),
        ("interface", "SOAP", "must be one of 'soap', 'servlet'"),
    ],
)
def test_an_error_names_the_variable(name: str, text: str, problem: str) -> None:
    assert environment_refusal({**ENVIRONMENT, f"JZYSOAP_{name.upper()}": text}).startswith(
        f"JZYSOAP_{name.upper()} {problem}"
    )


@given(st.sampled_from(sorted(WITH_VARIABLE)), st.text(st.characters()))
def test_any_text_of_a_variable_is_accepted_or_refused_by_name(name: str, text: str) -> None:
    try:
        configure(environment({**ENVIRONMENT, f"JZYSOAP_{name.upper()}": text}))
    except ConfigurationError as error:
        shown = str(error)
    else:
        shown = f"{name} is taken"
    assert name in shown.lower()


def test_each_account_has_its_prefix() -> None:
    variables = {**ENVIRONMENT, "OTHER_BASE_URL": "http://o", "OTHER_USERNAME": "o", "OTHER_PASSWORD": "p"}
    assert environment(variables, "OTHER_") == {"base_url": "http://o", "username": "o", "password": "p"}
    with pytest.raises(ConfigurationError, match=r"^THIRD_BASE_URL is not set$"):
        environment(variables, "THIRD_")


def test_overrides_win_unless_they_are_none() -> None:
    arguments = environment({**ENVIRONMENT, "JZYSOAP_CHANNEL": "nonsense"}, channel=Channel.CARD, username=None)
    assert (arguments["channel"], arguments["username"]) == (Channel.CARD, "user")


@pytest.mark.parametrize("name", ["BASE_URL", "USERNAME"])
def test_needed_variables_are_named(name: str) -> None:
    assert environment_refusal({**ENVIRONMENT, f"JZYSOAP_{name}": ""}) == f"JZYSOAP_{name} is not set"
    assert name.lower() in environment({**ENVIRONMENT, f"JZYSOAP_{name}": ""}, **{name.lower(): "http://h"})


def test_one_password_must_be_set() -> None:
    assert environment_refusal({**ENVIRONMENT, "JZYSOAP_PASSWORD": ""}) == (
        "set JZYSOAP_PASSWORD, JZYSOAP_PASSWORD_FILE or JZYSOAP_PASSWORD_BASE64"
    )
    both = environment({**ENVIRONMENT, "JZYSOAP_PASSWORD_BASE64": "YWJj"})
    assert refusal(both) == "password and password_base64 are both given: omit one of them"


@pytest.mark.parametrize("given", [{"password": "own"}, {"password": input}, {"password_base64": "YWJj"}])
def test_a_given_password_replaces_all_variables(given: dict[str, Any]) -> None:
    variables = {**ENVIRONMENT, "JZYSOAP_PASSWORD_BASE64": "ZGVm", "JZYSOAP_PASSWORD_FILE": "/no/such"}
    arguments = environment(variables, **given)
    assert {name: arguments[name] for name in arguments if name.startswith("password")} == given


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"geheim", "geheim"),
        (b"geheim\n", "geheim"),
        (b"geheim\r\n", "geheim"),
        (b" geheim \n\n", " geheim \n"),
        ("密码\n".encode(), "密码"),
        (b"\xef\xbb\xbfgeheim\r\n", "geheim"),
    ],
)
def test_a_password_file_loses_one_line_break(tmp_path: Path, content: bytes, password: str) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    variables = {**ENVIRONMENT, "JZYSOAP_PASSWORD": "", "JZYSOAP_PASSWORD_FILE": str(path)}
    arguments = environment(variables)
    assert arguments["password"] == password
    assert "geheim" not in repr(arguments)


def empty(path: Path) -> None:
    path.write_bytes(b"\n")


def not_text(path: Path) -> None:
    path.write_bytes(b"geheim\xff")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (empty, "names an empty file"),
        (not_text, "cannot be read: UnicodeDecodeError"),
        (Path.mkdir, "cannot be read: IsADirectoryError"),
        (repr, "cannot be read: FileNotFoundError"),
    ],
)
def test_a_password_file_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    path = tmp_path / "password"
    make(path)
    variables = {**ENVIRONMENT, "JZYSOAP_PASSWORD": "", "JZYSOAP_PASSWORD_FILE": str(path)}
    with pytest.raises(ConfigurationError) as caught:
        environment(variables)
    assert str(caught.value) == f"JZYSOAP_PASSWORD_FILE {problem}"
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "geheim" not in "".join(told.format())


def test_an_impossible_path_of_a_password_file_is_refused() -> None:
    variables = {**ENVIRONMENT, "JZYSOAP_PASSWORD": "", "JZYSOAP_PASSWORD_FILE": "a\x00b"}
    assert environment_refusal(variables) == "JZYSOAP_PASSWORD_FILE cannot be read: ValueError"


def test_a_password_file_excludes_other_password_variables() -> None:
    assert environment_refusal({**ENVIRONMENT, "JZYSOAP_PASSWORD_FILE": "/p"}) == (
        "JZYSOAP_PASSWORD_FILE is set beside another password: unset one"
    )


def test_values_of_the_environment_are_not_shown() -> None:
    arguments = environment({**ENVIRONMENT, "JZYSOAP_PROXIES": "http://u:geheim@p"})
    assert "geheim" not in repr(arguments)


NEEDED_VARIABLES = {"JZYSOAP_BASE_URL": "http://h:9003", "JZYSOAP_USERNAME": "user", "JZYSOAP_PASSWORD": "geheim"}


def test_an_empty_list_of_recipients_means_nobody() -> None:
    assert "allow_recipients" not in environment(NEEDED_VARIABLES)
    for empty in ("", " ", ",", " , "):
        config = configure(environment({**NEEDED_VARIABLES, "JZYSOAP_ALLOW_RECIPIENTS": empty}))
        assert config.allow_recipients == frozenset()
        with pytest.raises(InvalidMessageError, match="is not among allow_recipients"):
            recipients(MOBILE, allowed=config.allow_recipients)
    # Every other variable that is empty counts as not set.
    assert "signature" not in environment({**NEEDED_VARIABLES, "JZYSOAP_SIGNATURE": ""})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("JZYSOAP_ALLOW_RECIPIENT", "JZYSOAP_ALLOW_RECIPIENTS"),
        ("JZYSOAP_ALLOWED_RECIPIENTS", "JZYSOAP_ALLOW_RECIPIENTS"),
        ("JZYSOAP_PASSWORD_FIEL", "JZYSOAP_PASSWORD_FILE"),
        ("JZYSOAP_TIMEOUTS", "JZYSOAP_TIMEOUT"),
        ("JZYSOAP_BASEURL", "JZYSOAP_BASE_URL"),
    ],
)
def test_a_misspelled_variable_is_warned_about(name: str, meant: str, caplog: pytest.LogCaptureFixture) -> None:
    environment({**NEEDED_VARIABLES, name: "geheim"})
    assert [record.getMessage() for record in caplog.records] == [
        f"{name} is set, and no option has that name: is {meant} meant?"
    ]


@pytest.mark.parametrize(
    "name", ["JZYSOAP_SANDBOX_SERVICE_HOST", "JZYSOAP_PORT_9003_TCP_ADDR", "JZYSOAP_LANG", "BASE_URL"]
)
def test_other_variables_are_not(name: str, caplog: pytest.LogCaptureFixture) -> None:
    environment({**NEEDED_VARIABLES, name: "x"})
    assert caplog.records == []


# A mapping


@pytest.mark.parametrize(("name", "text", "value"), [*SAID, ("password_base64", "YWJj", "YWJj")])
@pytest.mark.parametrize("upper", [True, False])
def test_a_mapping_takes_texts_and_values(name: str, text: str, value: Any, upper: bool) -> None:
    spell = str.upper if upper else str.lower
    needed = {**NEEDED} if name != "password_base64" else {key: NEEDED[key] for key in ("base_url", "username")}
    for one in (text, value):
        settings = {spell(key): given for key, given in {**needed, name: one}.items()}
        found = mapping(settings)
        assert found[name] == value
        assert getattr(configure(found), name) == value


def test_a_mapping_takes_what_has_no_text() -> None:
    found = mapping({**NEEDED, "HEADERS": {"X-A": "1"}, "on_call": print, "timeout": (1, 2, 3)})
    assert (found["headers"], found["on_call"], found["timeout"]) == ({"X-A": "1"}, print, Timeout(1, 2, 3))
    assert mapping_refusal({**NEEDED, "on_call": "print"}) == "on_call must be callable"


def test_a_mapping_leaves_out_what_is_empty_but_for_the_guard() -> None:
    found = mapping({**NEEDED, "signature": "", "batch_size": None, "ALLOW_RECIPIENTS": ""})
    assert set(found) == {*NEEDED, "allow_recipients"}
    assert found["allow_recipients"] == frozenset()
    assert mapping({**NEEDED, "allow_recipients": []})["allow_recipients"] == frozenset()


def test_a_mapping_names_the_key() -> None:
    assert mapping_refusal({**NEEDED, "TIMEOUT": "30"}).startswith("TIMEOUT must be three numbers")
    assert mapping_refusal({**NEEDED, "batch_size": 0}).startswith("batch_size must be a whole number")
    assert mapping_refusal({**NEEDED, "chanel": "card"}) == ("chanel is not an option of a client: is channel meant?")
    assert mapping_refusal({**NEEDED, "xyz": 1}) == "xyz is not an option of a client"
    assert mapping_refusal({**NEEDED, "geheim 123": 1}) == "a key of the mapping is not an option of a client"
    assert mapping_refusal({**NEEDED, 5: 1}) == "a key of the mapping is not an option of a client"
    assert mapping_refusal({**NEEDED, "Channel": "card", "CHANNEL": "card"}) == (
        "Channel and CHANNEL are the same option: omit one of them"
    )
    assert mapping_refusal([("base_url", "h")]) == "from_mapping takes a mapping of options, not list"


def test_a_mapping_names_what_is_missing_in_its_own_spelling() -> None:
    assert mapping_refusal({"BASE_URL": "http://h"}) == "USERNAME is not set"
    assert mapping_refusal({"username": "u", "BASE_URL": ""}) == "BASE_URL is not set"
    assert mapping_refusal({"BASE_URL": "http://h", "USERNAME": "u"}) == (
        "set PASSWORD, PASSWORD_FILE or PASSWORD_BASE64"
    )
    assert mapping_refusal({}) == "BASE_URL is not set"


def test_a_mapping_may_name_a_password_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("geheim\n")
    bare = {key: NEEDED[key] for key in ("base_url", "username")}
    for named in (path, str(path)):
        found = mapping({**bare, "password_file": named})
        assert found["password"] == "geheim"  # made up
        assert "geheim" not in repr(found)
    assert mapping_refusal({**bare, "password_file": 1.5}) == "password_file cannot be read: TypeError"
    assert mapping_refusal({**NEEDED, "password_file": path}) == (
        "password_file is set beside another password: unset one"
    )
    assert mapping({**bare, "password_file": path}, password="own")["password"] == "own"  # made up


def test_overrides_of_a_mapping_win_unless_they_are_none() -> None:
    found = mapping({**NEEDED, "channel": "nonsense"}, channel=Channel.CARD, username=None)
    assert (found["channel"], found["username"]) == (Channel.CARD, "user")


@given(st.sampled_from(NAMES), st.one_of(st.text(), st.integers(), st.none(), st.binary(), st.lists(st.text())))
def test_any_value_of_a_mapping_is_accepted_or_refused_by_name(name: str, value: object) -> None:
    try:
        configure(mapping({**NEEDED, name: value}))
    except ConfigurationError as error:
        shown = str(error)
    else:
        shown = f"{name} is taken"
    assert name in shown
