"""Checks of single arguments. All names, addresses and passwords are made up."""

from __future__ import annotations

import base64
import math
import os
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import Timeout
from jzysoap.model.masking import Secret
from jzysoap.model.values import Channel
from jzysoap.settings import checks
from jzysoap.settings.options import configure

HUGE = 10**400
LONE = "\ud800"
NOT_TEXT = [None, True, 7, 7.5, math.nan, b"abc", bytearray(b"abc"), ["a"], {"a": "b"}, object()]

any_text = st.text(st.characters())
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    any_text,
    st.binary(),
    st.lists(any_text | st.integers(), max_size=3),
    st.tuples(st.floats(), st.floats() | any_text, st.integers()),
    st.dictionaries(any_text | st.integers(), any_text | st.none(), max_size=2),
    st.sets(any_text, max_size=2),
)

CHECKS: dict[str, Callable[[Any], Any]] = {
    "text": checks.text,
    "texts": checks.texts,
    "whole": checks.whole(1, 10),
    "batch_size": checks.batch_size,
    "seconds": checks.seconds,
    "one_of": checks.one_of(("soap", "servlet")),
    "flag": checks.flag,
    "hook": checks.hook,
    "username": checks.username,
    "password": checks.password,
    "password_text": checks.password_text,
    "password_base64": checks.password_base64,
    "channel": checks.channel,
    "extension": checks.extension,
    "signature": checks.signature,
    "base_url": checks.base_url,
    "wsdl": checks.wsdl,
    "sha256": checks.sha256,
    "cache_dir": checks.cache_dir,
    "names": checks.names,
    "timeout": checks.timeout,
    "verify": checks.verify,
    "cert": checks.cert,
    "proxies": checks.proxies,
    "headers": checks.headers,
    "encoding": checks.encoding,
}


def refusal(check: Callable[[Any], Any], value: Any) -> str:
    with pytest.raises(ValueError, match=r"^(must|cannot|begins|has) ") as caught:
        check(value)
    assert type(caught.value) is ValueError
    return str(caught.value)


def outcome(check: Callable[[Any], Any], value: Any) -> tuple[Any, ValueError | None]:
    try:
        return check(value), None
    except ValueError as error:
        return None, error


@pytest.mark.parametrize("name", CHECKS)
@given(value=anything)
def test_any_value_is_refused_or_passes_twice(name: str, value: Any) -> None:
    check = CHECKS[name]
    checked, error = outcome(check, value)
    if error is None:
        assert check(checked) == checked
    else:
        # A subclass, such as a codec's error, would have the value.
        assert type(error) is ValueError


@pytest.mark.parametrize("value", NOT_TEXT)
def test_other_types_are_not_text(value: object) -> None:
    assert refusal(checks.text, value) == f"must be text, not {type(value).__name__}"
    assert checks.text("") == ""


@pytest.mark.parametrize("value", [["a ", " b"], ("a ", " b"), deque(["a ", " b"]), {"a ": 1, " b": 2}.keys()])
def test_texts_may_be_in_any_collection(value: Any) -> None:
    assert checks.texts(value) == ("a", "b")
    assert checks.texts(frozenset({"a"})) == checks.texts({"a"}) == ("a",)
    assert checks.texts([]) == ()


@pytest.mark.parametrize("value", ["13812345678", b"a", bytearray(b"a"), {"a": "b"}, None, 7, iter(["a"])])
def test_one_text_is_not_a_collection_of_texts(value: object) -> None:
    assert refusal(checks.texts, value) == "must be a collection of texts"
    assert refusal(checks.texts, ["a", 7, value]) == "must be text, not int"


@pytest.mark.parametrize("value", [None, True, False, 0, 20_001, HUGE, -HUGE, 1.0, math.nan, "1", b"1", Decimal(1)])
def test_a_whole_number_in_its_limits(value: object) -> None:
    assert refusal(checks.batch_size, value) == "must be a whole number from 1 to 20,000"
    assert checks.batch_size(1) == 1
    assert checks.batch_size(20_000) == 20_000


@pytest.mark.parametrize("value", [None, True, -1, -0.001, math.nan, math.inf, -math.inf, HUGE, 1e10, "5", Decimal(5)])
def test_seconds_are_finite(value: object) -> None:
    assert refusal(checks.seconds, value) == "must be a number of seconds, zero or more"
    assert [checks.seconds(one) for one in (0, 5, 0.5, 1e9)] == [0.0, 5.0, 0.5, 1e9]
    assert type(checks.seconds(5)) is float


@pytest.mark.parametrize("value", [None, "SOAP", "", b"soap", 0, ["soap"], {}])
def test_one_of_some_options(value: object) -> None:
    assert refusal(checks.one_of(("soap", "servlet")), value) == "must be one of 'soap', 'servlet'"
    assert checks.one_of(("soap", "servlet"))("servlet") == "servlet"


@pytest.mark.parametrize("value", [None, 0, 1, "true", b"", math.nan])
def test_a_flag_is_not_a_number(value: object) -> None:
    assert refusal(checks.flag, value) == "must be True or False"
    assert checks.flag(True) is True
    assert checks.flag(False) is False


def test_a_hook_can_be_called() -> None:
    assert refusal(checks.hook, "print") == "must be callable"
    assert checks.hook(print) is print


def test_an_unchecked_value_is_returned() -> None:
    value = object()
    assert checks.as_given(value) is value


@pytest.mark.parametrize("value", ["", " ", "\t", "a\n", "a\x00b", LONE, "\u202eabc"])
def test_a_user_name_is_printable(value: str) -> None:
    assert refusal(checks.username, value) == "must be printable text, not empty"
    assert checks.username("用户 1") == "用户 1"


@pytest.mark.parametrize("value", ["", b"geheim", None, 7])
def test_a_password_is_text(value: object) -> None:
    assert refusal(checks.password, value) == "must be text, not empty, or a callable that returns it"
    assert refusal(checks.password_text, value) == refusal(checks.password, value)
    secret = checks.password(" geheim ")
    assert secret == " geheim "
    assert isinstance(secret, Secret)
    assert checks.password(input) is input


@pytest.mark.parametrize(
    "value",
    [
        "",
        "=",
        "====",
        "Z",
        "Z===",
        "a b=",
        "YWJj\n",
        "YWJj\r\nYWJj",
        "YW=Jj",
        "YWJ-",
        "密码",
        LONE,
        "a\x00",
        b"YWJj",
        None,
    ],
)
def test_password_base64_is_base64_of_something(value: object) -> None:
    shown = refusal(checks.password_base64, value)
    assert shown == "must be the BASE64 of the password's bytes, on one line"


@pytest.mark.parametrize("value", ["YWI=", "YWI", "YQ==", "YQ=", "YQ", "YWJj", "YWJjZA=====", "+/+/"])
def test_the_padding_of_password_base64_is_not_checked(value: str) -> None:
    secret = checks.password_base64(value)
    assert secret == value
    assert isinstance(secret, Secret)


@given(any_text.filter(lambda text: text != ""), st.sampled_from(["utf-8", "gbk", "ascii"]))
def test_an_encoded_password_decodes_and_no_error_has_it(password: str, encoding: str) -> None:
    encoded, error = outcome(lambda plain: checks.encode_password(plain, encoding), password)
    if error is None:
        assert isinstance(encoded, Secret)
        assert base64.b64decode(encoded, validate=True).decode(encoding) == password
        assert checks.password_base64(encoded) == encoded
    else:
        assert type(error) is ValueError
        assert error.args == (f"cannot be encoded in {encoding}: set password_encoding",)
        assert error.__suppress_context__


@pytest.mark.parametrize("value", [None, True, False, -1, 3, HUGE, 1.0, math.nan, "1", "GATEWAY", b"1", [1]])
def test_a_channel(value: object) -> None:
    assert refusal(checks.channel, value) == (
        "must be a Channel: Channel.CARD (0), Channel.GATEWAY (1) or Channel.MEMBER (2)"
    )
    assert checks.channel(2) is Channel.MEMBER
    assert checks.channel(Channel.CARD) is Channel.CARD


@pytest.mark.parametrize(
    "value", [None, True, 1, b"1", "1" * 21, "a", "1\n", "１", "٣", "-1", " 1", "1.0", "\x00", LONE]
)
def test_an_extension_is_ascii_digits_as_text(value: object) -> None:
    assert refusal(checks.extension, value) == "must be text of at most 20 ASCII digits, such as '0001'"


@pytest.mark.parametrize("value", ["", "0", "0001", "1" * 20])
def test_the_zeros_of_an_extension_stay(value: str) -> None:
    assert checks.extension(value) == value


@pytest.mark.parametrize(
    ("value", "bare"), [("签名", "签名"), ("【签名】", "签名"), ("", ""), ("A & B", "A & B"), ("【 a】", " a")]
)
def test_a_signature_is_kept_without_its_brackets(value: str, bare: str) -> None:
    assert checks.signature(value) == bare


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("【】", "must have a name between its 【】"),
        ("【 】", "must be one printable name, with or without its 【】"),
        (" ", "must be one printable name, with or without its 【】"),
        ("【", "must be one printable name, with or without its 【】"),
        ("】", "must be one printable name, with or without its 【】"),
        ("【a", "must be one printable name, with or without its 【】"),
        ("a】", "must be one printable name, with or without its 【】"),
        ("【【a】】", "must be one printable name, with or without its 【】"),
        ("【a】【b】", "must be one printable name, with or without its 【】"),
        ("a\nb", "must be one printable name, with or without its 【】"),
        ("\x00", "must be one printable name, with or without its 【】"),
        (LONE, "must be one printable name, with or without its 【】"),
        (7, "must be text, not int"),
    ],
)
def test_a_signature_is_one_name(value: object, problem: str) -> None:
    assert refusal(checks.signature, value) == problem


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("http://smsapi.jzyyun.com:9003", "http://smsapi.jzyyun.com:9003"),
        ("http://h:9003/", "http://h:9003"),
        ("http://h:9002/sms//", "http://h:9002/sms"),
        ("HTTPS://H", "HTTPS://H"),
        ("http://[::1]:9003", "http://[::1]:9003"),
        ("http://h/myservices/servletx", "http://h/myservices/servletx"),
    ],
)
def test_a_base_address_is_kept_without_its_last_slash(value: str, address: str) -> None:
    assert checks.base_url(value) == address


NO_ADDRESS = "must be an address such as http://smsapi.example.com:9003, with its scheme and host"
NO_USER = "must not contain a user or a password: give them as username and password"
NOT_BARE = "must be the gateway's base address only, without /services/…, /servlet/… or a query"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", NO_ADDRESS),
        ("smsapi.jzyyun.com:9003", NO_ADDRESS),
        ("//h:9003", NO_ADDRESS),
        ("http://", NO_ADDRESS),
        ("http:///path", NO_ADDRESS),
        ("http://:9003", NO_ADDRESS),
        ("http://h:port", NO_ADDRESS),
        ("http://h:99999", NO_ADDRESS),
        ("http://[::1", NO_ADDRESS),
        ("ftp://h", NO_ADDRESS),
        ("file:///etc/passwd", NO_ADDRESS),
        (" http://h", NO_ADDRESS),
        ("http://h\n", NO_ADDRESS),
        ("http://h/\r\nX: y", NO_ADDRESS),
        ("http://h\x00", NO_ADDRESS),
        ("http://h/" + LONE, NO_ADDRESS),
        ("http://user:geheim@h:9003", NO_USER),
        ("http://user@h", NO_USER),
        ("http://good\\@evil", NO_ADDRESS),
        ("http://good\\.evil", NO_ADDRESS),
        ("http://good\\.evil:9003/sms", NO_ADDRESS),
        ("http://good../", NO_ADDRESS),
        ("http://.good", NO_ADDRESS),
        ("http://good..evil", NO_ADDRESS),
        ("http://h?", NOT_BARE),
        ("http://h?a=b", NOT_BARE),
        ("http://h#", NOT_BARE),
        ("http://h/#a", NOT_BARE),
        ("http://h/services", NOT_BARE),
        ("http://h/services/userApi?wsdl", NOT_BARE),
        ("http://h/services/userApi", NOT_BARE),
        ("http://h/sms/servlet/UserServiceAPI", NOT_BARE),
        ("http://h/servlet", NOT_BARE),
        (b"http://h", "must be text, not bytes"),
        (None, "must be text, not NoneType"),
    ],
)
def test_a_base_address_has_no_other_parts(value: object, problem: str) -> None:
    assert refusal(checks.base_url, value) == problem


@given(any_text.map(lambda text: f"http://{text}"))
@example("http://℀.example")
def test_no_refusal_of_an_address_shows_it(value: str) -> None:
    address, error = outcome(checks.base_url, value)
    assert address == value.rstrip("/") if error is None else str(error) in (NO_ADDRESS, NO_USER, NOT_BARE)


class Location:
    """A path-like object that is not a ``Path``, and whose ``str()`` is not its path."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


@pytest.mark.parametrize("value", ["service.wsdl", Path("service.wsdl"), Location("service.wsdl")])
def test_a_path_in_every_form(value: Any) -> None:
    assert checks.wsdl(value) == "service.wsdl"
    assert checks.cache_dir(value) == "service.wsdl"


def test_a_path_may_begin_with_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").touch()
    assert checks.wsdl("~/s.wsdl") == checks.cache_dir(Path("~/s.wsdl")) == f"{tmp_path}/s.wsdl"
    assert checks.verify("~/ca.pem") == checks.cert("~/ca.pem") == f"{tmp_path}/ca.pem"


@pytest.mark.parametrize("check", [checks.wsdl, checks.cache_dir, checks.verify, checks.cert])
def test_an_unknown_home_directory_is_refused(check: Callable[[Any], Any]) -> None:
    problem = refusal(check, "~no-user-of-this-name/x")
    assert problem == "begins with ~, but there is no such home directory"


@pytest.mark.parametrize("value", ["bundled", "bundled:axis2-1.6.2", "http://h/s?wsdl", "HTTPS://h/s.wsdl"])
def test_a_definition_has_a_location(value: str) -> None:
    assert checks.wsdl(value) == value


@pytest.mark.parametrize("value", [None, True, 7, b"s.wsdl", "", "a\x00b", Location(b"s.wsdl"), Location("")])
def test_other_values_are_not_the_location_of_a_definition(value: object) -> None:
    assert refusal(checks.wsdl, value) == "must be a path, an http(s) address or 'bundled'"


@pytest.mark.parametrize(
    "value", ["ftp://h/s", "file:///s.wsdl", "http://u:geheim@h/s", "http://", "http://h:x/", "://"]
)
def test_the_address_of_a_definition_is_http_without_a_user(value: str) -> None:
    problem = refusal(checks.wsdl, value)
    assert problem == "must be an http(s) address without user and password, a path, or 'bundled'"


@pytest.mark.parametrize("value", ["", "a" * 63, "a" * 65, "g" * 64, "a" * 64 + "\n", "１" * 64])
def test_a_digest_is_hexadecimal(value: str) -> None:
    assert refusal(checks.sha256, value) == "must be 64 hexadecimal digits"
    assert checks.sha256("aB" * 32) == "ab" * 32


@pytest.mark.parametrize("value", [None, True, 0, 7, b"/c", "", "/c\x00", [], Location(b"/c")])
def test_a_cache_directory_is_a_path_or_false(value: object) -> None:
    assert refusal(checks.cache_dir, value) == "must be a path, or False for none"
    assert checks.cache_dir(False) is False


NEEDED = {"base_url": "http://gateway.invalid", "username": "test", "password": "pw123"}
SIX = ("username", "password", "smstype", "content", "mobile", "isLongSms")


@pytest.mark.parametrize("value", [SIX, list(SIX), (*SIX, "extenno"), tuple(reversed(SIX))])
def test_the_documented_arguments_in_any_order(value: Any) -> None:
    assert checks.names(value) == tuple(value)
    assert configure({**NEEDED, "arguments": value}).arguments == tuple(value)


@pytest.mark.parametrize("value", [None, "username", set(SIX), {}, 1])
def test_names_are_listed_in_order(value: object) -> None:
    assert refusal(checks.names, value) == "must be a list of names"


@pytest.mark.parametrize(
    "value",
    [
        [],
        SIX[:5],
        (*SIX, "mobile"),
        (*SIX, "extra"),
        (*SIX[:5], "islongsms"),
    ],
)
def test_each_documented_argument_is_named_once(value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure({**NEEDED, "arguments": value})
    assert str(caught.value) == (
        "arguments must list each of username, password, smstype, content, mobile, isLongSms, extenno "
        "(extenno may be omitted), once"
    )


def test_timeouts_become_numbers_of_seconds() -> None:
    timeout = checks.timeout((5, 30.5, 60))
    assert timeout == Timeout(5.0, 30.5, 60.0)
    assert {type(part) for part in timeout} == {float}
    assert checks.timeout(timeout) == timeout


@pytest.mark.parametrize(
    "value",
    [
        *(None, 30, 30.0, "5,30,60", [5, 30, 60], (), (5, 30), (5, 30, 60, 90)),
        *((0, 30, 60), (5, 0.0, 60), (5, 30, 0), (-5, 30, 60), (5, None, 60), (5, 30, math.inf), (5, 30, math.nan)),
        *((True, 30, 60), ("5", 30, 60), (5, 30, HUGE)),
    ],
)
def test_a_timeout_is_three_numbers_above_zero(value: object) -> None:
    assert refusal(checks.timeout, value) == (
        "must be a Timeout(connect, read, total), each a number of seconds above zero"
    )


NO_BUNDLE = "must be True, False, or the path of a CA bundle that exists"
NO_CERT = "must be the path of a certificate that exists, or a pair: certificate and key"


@pytest.mark.parametrize("value", [None, 0, 1, "", b"", "true", "/no/such", "a" * 5000, "a\x00b", LONE, Location("")])
def test_only_false_turns_verification_off(value: object) -> None:
    assert refusal(checks.verify, value) == NO_BUNDLE
    assert checks.verify(True) is True
    assert checks.verify(False) is False


def test_a_ca_bundle_and_a_certificate_must_exist(tmp_path: Path) -> None:
    here, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    here.touch()
    key.touch()
    assert checks.verify(here) == checks.verify(str(here)) == checks.cert(here) == str(here)
    assert checks.cert((here, str(key))) == (str(here), str(key))
    for value in (
        None,
        True,
        "",
        "/no/such",
        (),
        (here,),
        (here, "/no/such"),
        ("/no/such", key),
        [here, key],
        (here, None),
    ):
        assert refusal(checks.cert, value) == NO_CERT


def test_a_path_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", forbidden)
    assert refusal(checks.verify, "/secret/ca.pem") == NO_BUNDLE


def test_proxies_are_secret_since_they_may_have_a_password() -> None:
    proxies = checks.proxies({"http": "http://u:geheim@proxy:3128"})
    assert proxies == {"http": "http://u:geheim@proxy:3128"}
    assert "geheim" not in repr(proxies)
    assert checks.proxies({}) == {}


@pytest.mark.parametrize(
    "value", [None, "http://p", ["http://p"], {"http": None}, {"http": b"http://p"}, {7: "http://p"}]
)
def test_proxies_map_schemes_to_addresses(value: object) -> None:
    assert refusal(checks.proxies, value) == (
        "must map schemes to proxy addresses, such as {'http': 'http://proxy:3128'}; {} for none"
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http://u:geheim@",
        "http://[geheim",
        "http://p:port",
        "http://a b",
        "ftp://p",
        "://p",
        "http://p\x00",
        "http://u:gehe[im@p",
    ],
)
def test_a_proxy_has_an_address(address: str) -> None:
    said = refusal(checks.proxies, {"http": address})
    assert said == (
        "has an address for 'http' that is not a proxy's: it needs a scheme (http, https, socks4, socks4a, socks5, "
        "socks5h) and a host, with user and password percent-encoded, "
        "such as {'http': 'http://proxy:3128'}; {} for none"
    )


def test_exceptions_and_other_schemes_are_not_checked() -> None:
    given = {"no": "localhost,::1", "no_proxy": "localhost, .example.com", "ftp": "ftp://p:21", "http": "http://p"}
    assert checks.proxies(given) == given
    for key in ("https", "all", "http://gateway.example.com", "all://gateway.example.com"):
        problem = refusal(checks.proxies, {key: "ftp://p:21"})
        assert problem.startswith(f"has an address for {key!r} that is not a proxy's: ")


def test_a_proxy_in_the_place_of_a_scheme_is_not_shown() -> None:
    for key in ("http://u:geheim@proxy:3128", "http://proxy:3128/geheim", "http://\x1b"):
        problem = refusal(checks.proxies, {key: "ftp://x"})
        assert problem.startswith("has an address for one of its keys that is not a proxy's: ")
        assert "geheim" not in problem


def test_a_proxy_may_lack_its_scheme() -> None:
    assert checks.proxies({"http": "//p:3128"}) == {"http": "http://p:3128"}
    assert checks.proxies({"http": "u:geheim@p:3128", "https": ""}) == {"http": "http://u:geheim@p:3128", "https": ""}


def test_headers_are_secret_since_they_may_have_a_token() -> None:
    headers = checks.headers({"Authorization": "Bearer geheim", "X-A": "", "x_b": "a\tb\xff"})
    assert headers == {"Authorization": "Bearer geheim", "X-A": "", "x_b": "a\tb\xff"}
    assert "geheim" not in repr(headers)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "must map header names to values"),
        ([("X-A", "b")], "must map header names to values"),
        (
            {"Authorization Bearer geheim": "b"},
            "cannot have a name that is none: a header's name is made of letters, digits and hyphens",
        ),
        ({"X A": "b"}, "cannot have a name that is none: a header's name is made of letters, digits and hyphens"),
        (
            {"Authorization: geheim": ""},
            "cannot have 'Authorization': a header's name is made of letters, digits and hyphens",
        ),
        ({"": "b"}, "cannot have a name that is none: a header's name is made of letters, digits and hyphens"),
        ({"X-A\n": "b"}, "cannot have a name that is none: a header's name is made of letters, digits and hyphens"),
        ({7: "b"}, "cannot have a name that is none: a header's name is made of letters, digits and hyphens"),
        ({b"X-A": "b"}, "cannot have a name that is none: a header's name is made of letters, digits and hyphens"),
        ({"CONTENT-type": "b"}, "cannot have 'CONTENT-type': the client sets it itself"),
        ({"SOAPAction": "b"}, "cannot have 'SOAPAction': the client sets it itself"),
        ({"X-A": "geheim\r\nX-B: c"}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": "geheim\n"}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": "geheim\x00"}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": "geheim字"}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": LONE}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": b"geheim"}, "has a value for X-A that HTTP cannot carry"),
        ({"X-A": None}, "has a value for X-A that HTTP cannot carry"),
    ],
)
def test_headers_that_http_cannot_carry_are_refused(value: object, problem: str) -> None:
    assert refusal(checks.headers, value) == problem


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "gbk", "gb18030", "ascii", "latin-1", "utf-16-le", "big5"])
def test_a_text_encoding_by_any_of_its_names(name: str) -> None:
    assert checks.encoding(name) == name


@pytest.mark.parametrize(
    # "idna" cannot replace invalid bytes; the last two do not encode text.
    "name",
    ["", "no-such", "utf-8\x00", LONE, "字", "a" * 5000, "../os", "undefined", "idna", "base64", "rot13"],
)
def test_other_names_are_not_a_text_encoding(name: str) -> None:
    assert refusal(checks.encoding, name) == "must name a text encoding, such as 'utf-8' or 'gbk'"


@given(st.binary())
def test_an_accepted_encoding_decodes_any_bytes(data: bytes) -> None:
    for name in ("gb18030", "utf-16", "utf-7", "hz", "iso2022_jp", "cp037", "utf-8-sig"):
        assert isinstance(data.decode(checks.encoding(name), "replace"), str)
