"""Sending: the four outcomes, several batches, what is refused before anything leaves, and what goes over the wire."""

from __future__ import annotations

import copy
import pickle
import socket
from typing import Any

import pytest

from jzysoap import (
    AuthenticationError,
    Batch,
    Channel,
    ConfigurationError,
    ContentRejectedError,
    GatewayError,
    HttpStatusError,
    InsufficientBalanceError,
    InvalidMessageError,
    JzySoapError,
    MalformedReplyError,
    NotSentError,
    NumberRejectedError,
    Outcome,
    OutcomeUnknownError,
    PartlySentError,
    RateLimitedError,
    SoapFaultError,
    WsdlError,
)
from tests.kit.samples import MOBILE, PASSWORD_BASE64, TEXT, USERNAME
from tests.kit.servers import RawServer, answering, refused_port, reply
from tests.kit.soap import envelope, fault, soap
from tests.kit.timeouts import QUICK
from tests.wire.conftest import Handler, Make, Serve, asked, headers_of

NUMBERS = [MOBILE, "13866194296", "13866194297", "13866194298", "13866194299"]
OTHER_NUMBERS = [f"139{number:08}" for number in range(10_000)]


# A single batch.


@pytest.mark.parametrize(
    ("text", "batch_id"),
    [("success", None), ("success;", None), ("success;337017332\r\n", "337017332"), (" SUCCESS; a-1 ", "a-1")],
)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_accepted(text: str, batch_id: str | None, interface: str, make: Make, serve: Serve) -> None:
    server = serve(answering(soap(text) if interface == "soap" else reply(text.encode())))
    sent = make(server.url, interface=interface).send(MOBILE, TEXT)
    assert sent.batches == (Batch((MOBILE,), Outcome.ACCEPTED, batch_id),)
    assert (sent.batch_id, sent.mobiles, sent.segments) == (batch_id, (MOBILE,), 1)


@pytest.mark.parametrize(
    ("words", "kind", "retry"),
    [
        ("用户名或密码错误", AuthenticationError, "never"),
        ("余额不足", InsufficientBalanceError, "later"),
        ("查询频繁", RateLimitedError, "later"),
        ("内容含有敏感词", ContentRejectedError, "never"),
        ("号码格式不正确", NumberRejectedError, "never"),
        ("通道已关闭", GatewayError, "never"),
        ("", GatewayError, "never"),
    ],
)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_rejected(words: str, kind: type[GatewayError], retry: str, interface: str, make: Make, serve: Serve) -> None:
    text = f"failure;{words}"
    server = serve(answering(soap(text) if interface == "soap" else reply(text.encode())))
    with pytest.raises(GatewayError) as caught:
        make(server.url, interface=interface).send(MOBILE, TEXT)
    error = caught.value
    assert (type(error), error.text, error.may_have_been_sent, error.retry) == (kind, words, False, retry)
    assert error.result is not None
    assert error.result.batches == (Batch((MOBILE,), Outcome.REJECTED, None, error),)


def test_not_sent(make: Make) -> None:
    with refused_port() as port, pytest.raises(NotSentError) as caught:
        make(f"http://127.0.0.1:{port}").send(MOBILE, TEXT)
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (False, "safe")
    assert error.result is not None
    assert error.result.batches == (Batch((MOBILE,), Outcome.NOT_SENT, None, error),)


def silent(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.recv(1)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        pytest.param(silent, OutcomeUnknownError, id="silence"),
        pytest.param(answering(reply(envelope("success")[:-9], length=999), close=True), OutcomeUnknownError, id="cut"),
        pytest.param(answering(reply(b"<h1>Bad gateway</h1>", "502 Bad Gateway")), HttpStatusError, id="502"),
        pytest.param(answering(reply(b"Bad", "502 Bad Gateway", length=9), close=True), HttpStatusError, id="502, cut"),
        pytest.param(answering(reply(b"", "302 Found", "Location: /other")), HttpStatusError, id="a redirect"),
        pytest.param(answering(reply(b"")), MalformedReplyError, id="nothing"),
        pytest.param(answering(reply(b"<html>Welcome</html>")), MalformedReplyError, id="a page"),
        pytest.param(answering(soap("maybe")), MalformedReplyError, id="another text"),
        pytest.param(answering(soap(None)), MalformedReplyError, id="nil"),
        pytest.param(answering(reply(fault(), "500 Error")), SoapFaultError, id="a fault"),
        pytest.param(answering(soap("failure;系统错误,请重试")), GatewayError, id="a system error"),
        pytest.param(answering(soap("failure;处理超时")), GatewayError, id="a timeout at the gateway"),
    ],
)
def test_unknown(handler: Handler, kind: type[JzySoapError], make: Make, serve: Serve) -> None:
    server = serve(handler)
    with pytest.raises(JzySoapError) as caught:
        make(server.url, timeout=QUICK).send(MOBILE, TEXT)
    error = caught.value
    assert (type(error), error.may_have_been_sent, error.retry) == (kind, True, "never")
    assert error.result is not None
    assert error.result.batches == (Batch((MOBILE,), Outcome.UNKNOWN, None, error),)
    assert len(server.requests) == 1


def test_a_result_counts_whatever_the_status(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success;66", status="500 Internal Server Error")))
    assert make(server.url).send(MOBILE, TEXT).batch_id == "66"


def test_without_a_definition_nothing_is_sent(make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"", "404 Not Found")))
    with pytest.raises(WsdlError) as caught:
        make(server.url, wsdl=None, batch_size=2).send(NUMBERS[:3], TEXT)
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (False, "later")
    assert error.result is not None
    assert error.result.batches == (Batch(tuple(NUMBERS[:2]), Outcome.NOT_SENT), Batch((NUMBERS[2],), Outcome.NOT_SENT))
    assert {request[:4] for request in server.requests} == {b"GET "}


def test_a_closed_client_sends_nothing(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    client = make(server.url)
    client.close()
    with pytest.raises(ConfigurationError, match="closed") as caught:
        client.send(MOBILE, TEXT)
    assert caught.value.result is not None
    assert caught.value.result.batches[0].outcome is Outcome.NOT_SENT
    assert server.connections == 0


# Several batches.


def test_batches_go_one_after_the_other(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success;1"), soap("success"), soap("success;3")))
    told: list[Batch] = []
    sent = make(server.url).send(NUMBERS, TEXT, batch_size=2, on_batch=told.append)
    assert [batch.batch_id for batch in sent.batches] == ["1", None, "3"]
    assert [batch.mobiles for batch in sent.batches] == [tuple(NUMBERS[:2]), tuple(NUMBERS[2:4]), (NUMBERS[4],)]
    assert sent.batch_id is None
    assert sent.mobiles == tuple(NUMBERS)
    assert tuple(told) == sent.batches
    assert [asked(request)[1]["mobile"] for request in server.requests] == [
        ",".join(batch.mobiles) for batch in sent.batches
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (soap("failure;余额不足"), InsufficientBalanceError, Outcome.REJECTED),
        (reply(b"", "503 Service Unavailable"), HttpStatusError, Outcome.UNKNOWN),
    ],
)
def test_the_first_that_fails_stops_the_rest(
    answer: bytes, kind: type[JzySoapError], outcome: Outcome, make: Make, serve: Serve
) -> None:
    server = serve(answering(answer))
    told: list[Batch] = []
    with pytest.raises(kind) as caught:
        make(server.url, batch_size=2).send(NUMBERS, TEXT, on_batch=told.append)
    result = caught.value.result
    assert result is not None
    assert [batch.outcome for batch in result.batches] == [outcome, Outcome.NOT_SENT, Outcome.NOT_SENT]
    assert [batch.error for batch in result.batches] == [caught.value, None, None]
    assert result.mobiles == tuple(NUMBERS)
    assert told == [result.batches[0]]
    assert len(server.requests) == 1


def test_a_failure_after_a_success_is_another_error(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success;1"), soap("failure;余额不足")))
    with pytest.raises(PartlySentError) as caught:
        make(server.url, batch_size=2).send(NUMBERS, TEXT)
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (True, "never")
    assert isinstance(error.__cause__, InsufficientBalanceError)
    assert error.result is not None
    assert [batch.outcome for batch in error.result.batches] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.NOT_SENT]
    assert str(error) == (
        "2 recipients in 1 batches were accepted, then a batch was not (rejected: the account's balance is too low: "
        "余额不足); the rest was not sent"
    )


def accept_once(server: RawServer, connection: socket.socket) -> None:
    """Accepts one request, then no more connections."""
    server.read_request(connection)
    server._listener.shutdown(socket.SHUT_RDWR)
    connection.sendall(reply(envelope("success;66"), "200 OK", "Connection: close"))


def test_a_refused_connection_after_a_success(make: Make, serve: Serve) -> None:
    server = serve(accept_once)
    with pytest.raises(PartlySentError) as caught:
        make(server.url, batch_size=3).send(NUMBERS, TEXT)
    assert_first_of_two_accepted(caught.value)


def assert_first_of_two_accepted(error: PartlySentError) -> None:
    assert (error.may_have_been_sent, error.retry) == (True, "never")
    assert isinstance(error.__cause__, NotSentError)
    assert error.result is not None
    first, second = error.result.batches
    assert first == Batch(tuple(NUMBERS[:3]), Outcome.ACCEPTED, "66")
    assert (second.mobiles, second.outcome) == (tuple(NUMBERS[3:]), Outcome.NOT_SENT)
    assert isinstance(second.error, NotSentError)


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy, copy.deepcopy])  # noqa: S301  # our own
def test_such_an_error_travels(again: Any, make: Make, serve: Serve) -> None:
    with pytest.raises(PartlySentError) as caught:
        make(serve(accept_once).url, batch_size=3).send(NUMBERS, TEXT)
    other = again(caught.value)
    assert str(other) == str(caught.value)
    assert_first_of_two_accepted(other)


def test_what_on_batch_raises_stops_the_rest(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success;1")))
    told: list[Batch] = []

    def keep(batch: Batch) -> None:
        told.append(batch)
        if len(told) == 2:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        make(server.url, batch_size=1).send(NUMBERS, TEXT, on_batch=keep)
    assert [batch.batch_id for batch in told] == ["1", "1"]
    assert len(server.requests) == 2


# What is refused before anything leaves.


@pytest.mark.parametrize(
    ("mobile", "text", "options", "field", "words"),
    [
        pytest.param([], TEXT, {}, "mobile", "mobile holds no number", id="nobody"),
        pytest.param("", TEXT, {}, "mobile", "mobile holds no number", id="empty"),
        pytest.param("abc", TEXT, {}, "mobile", "is not a digit", id="letters"),
        pytest.param(None, TEXT, {}, "mobile", "mobile must be", id="None"),
        pytest.param(
            [*OTHER_NUMBERS[:9_000], "1380013800", *OTHER_NUMBERS[9_000:]], TEXT, {}, "mobile", "#9001", id="short"
        ),
        pytest.param("+85261234567", TEXT, {}, "mobile", "set international", id="abroad"),
        pytest.param(MOBILE, TEXT, {"batch_size": 20_001}, "batch_size", "1 to 20,000", id="batch too large"),
        pytest.param(MOBILE, TEXT, {"batch_size": 0}, "batch_size", "1 to 20,000", id="batch too small"),
        pytest.param(MOBILE, "a\ud83d", {}, "text", "U+D83D a lone surrogate at position 1", id="surrogate"),
        pytest.param(MOBILE, "ab\x00", {}, "text", "U+0000 a control character at position 2", id="NUL"),
        pytest.param(MOBILE, None, {}, "text", "text must be text, not NoneType", id="no text"),
        pytest.param(MOBILE, b"text", {}, "text", "text must be text, not bytes", id="bytes"),
        pytest.param(MOBILE, " ", {}, "text", "text is empty", id="blank"),
        pytest.param(MOBILE, TEXT, {"channel": True}, "channel", "Channel.CARD", id="a flag as channel"),
        pytest.param(MOBILE, TEXT, {"channel": 3}, "channel", "Channel.CARD", id="no such channel"),
        pytest.param(MOBILE, TEXT, {"extension": 1}, "extension", "ASCII digits", id="a number as extension"),
        pytest.param(MOBILE, TEXT, {"signature": "【a】【b】"}, "signature", "one printable name", id="signatures"),
        pytest.param(MOBILE, TEXT, {"long": 1}, "long", "True or False", id="a number as flag"),
    ],
)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_bad_input(
    mobile: Any, text: Any, options: Any, field: str, words: str, interface: str, make: Make, serve: Serve
) -> None:
    server = serve(answering(soap("success")))
    with pytest.raises(InvalidMessageError) as caught:
        make(server.url, interface=interface).send(mobile, text, **options)
    error = caught.value
    assert isinstance(error, ValueError)
    assert (error.field, error.may_have_been_sent, error.retry, error.result) == (field, False, "never", None)
    assert words in str(error)
    assert server.connections == 0


def test_a_bad_number_is_named_whole_on_the_error_alone(make: Make) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        make("http://127.0.0.1").send([MOBILE, "1380013800", "+85261234567"], TEXT)
    assert [(bad.position, bad.number) for bad in caught.value.numbers] == [(2, "1380013800"), (3, "+85261234567")]
    assert "1380013800" not in str(caught.value)
    assert "61234567" not in str(caught.value)


def test_only_those_allowed(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    client = make(server.url, allow_recipients=[MOBILE])
    with pytest.raises(InvalidMessageError, match="not among allow_recipients"):
        client.send([MOBILE, "13866194296"], TEXT)
    assert server.connections == 0
    assert client.send(f"+86 {MOBILE}", TEXT).mobiles == (MOBILE,)


def test_an_extension_that_the_definition_has_no_place_for(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    client = make(server.url, wsdl="bundled:axis2-1.6.2", batch_size=1)
    with pytest.raises(InvalidMessageError, match="extension cannot be sent") as caught:
        client.send(NUMBERS[:2], TEXT, extension="0001")
    assert caught.value.field == "extension"
    assert caught.value.result is not None
    assert [batch.outcome for batch in caught.value.result.batches] == [Outcome.NOT_SENT] * 2
    assert server.connections == 0


def test_without_an_extension_such_a_definition_serves(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(server.url, wsdl="bundled:axis2-1.6.2").send(MOBILE, TEXT)
    assert b"extenno" not in server.requests[0]


# What goes over the wire.


def test_all_that_is_sent(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(f"{server.url}/context/", headers={"X-Tenant": "7"}).send(MOBILE, TEXT)
    (request,) = server.requests
    assert request.startswith(b"POST /context/services/userApi HTTP/1.1\r\n")
    headers = headers_of(request)
    assert headers["content-type"] == "text/xml; charset=utf-8"
    assert headers["soapaction"] == '"urn:sendSms"'
    assert headers["accept-encoding"] == "gzip"
    assert headers["user-agent"].startswith("jzysoap/")
    assert headers["x-tenant"] == "7"
    assert asked(request) == (
        "sendSms",
        {
            "username": USERNAME,
            "password": PASSWORD_BASE64,
            "smstype": "1",
            "content": TEXT,
            "mobile": MOBILE,
            "isLongSms": "0",
            "extenno": "",
        },
    )


def test_a_user_agent_of_ones_own(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(server.url, headers={"User-Agent": "shop/1"}).send(MOBILE, TEXT)
    assert headers_of(server.requests[0])["user-agent"] == "shop/1"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"smstype": "2", "extenno": "0001", "content": f"【店】{TEXT}"}),
        ({"channel": Channel.CARD}, {"smstype": "0"}),
        ({"extension": ""}, {"extenno": ""}),
        ({"extension": "12"}, {"extenno": "12"}),
        ({"signature": ""}, {"content": TEXT}),
        ({"signature": "【别】"}, {"content": f"【别】{TEXT}"}),
    ],
)
def test_the_clients_own_habits(options: Any, expected: dict[str, str], make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    client = make(server.url, channel=Channel.MEMBER, extension="0001", signature="店")
    client.send(MOBILE, TEXT, **options)
    arguments = asked(server.requests[0])[1]
    assert {name: arguments[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "options", "long", "segments"),
    [
        ("字" * 70, {}, "0", 1),
        ("字" * 71, {}, "1", 2),
        ("字" * 66, {"signature": "签名"}, "0", 1),
        ("字" * 67, {"signature": "签名"}, "1", 2),
        ("😀" * 35, {}, "0", 1),
        ("😀" * 36, {}, "1", 2),
        ("短", {"long": True}, "1", 1),
        ("字" * 300, {"long": False}, "0", 5),
    ],
)
def test_whether_it_is_long(text: str, options: Any, long: str, segments: int, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    assert make(server.url).send(MOBILE, text, **options).segments == segments
    assert asked(server.requests[0])[1]["isLongSms"] == long


@pytest.mark.parametrize(
    "mobile",
    [
        "13866194295,13866194296",
        "13866194295，13866194296,",
        ["+86 138-6619-4295", "8613866194296", "13866194295"],
        (number for number in ("13866194295", "13866194296")),
    ],
)
def test_several_recipients(mobile: Any, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    assert make(server.url).send(mobile, TEXT).mobiles == ("13866194295", "13866194296")
    assert asked(server.requests[0])[1]["mobile"] == "13866194295,13866194296"


@pytest.mark.parametrize(("international", "number"), [("00", "00852"), ("plus", "+852"), ("bare", "852")])
def test_a_recipient_abroad(international: str, number: str, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(server.url, international=international).send("+852 6123 4567", TEXT)
    assert asked(server.requests[0])[1]["mobile"] == f"{number}61234567"


@pytest.mark.parametrize(
    "text", ["a<b>&\"c\"'d'", "]]>", "line\nline\r\nline\rtab\t ", " 😀 ", "<![CDATA[x]]>", "&amp;"]
)
def test_any_text_arrives_as_it_is(text: str, make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    make(server.url).send(MOBILE, text)
    assert asked(server.requests[0])[1]["content"] == text


def test_twenty_thousand_in_one_batch(make: Make, serve: Serve) -> None:
    server = serve(answering(soap("success")))
    numbers = [f"139{number:08}" for number in range(20_001)]
    sent = make(server.url).send(numbers, TEXT, batch_size=20_000)
    assert [len(batch.mobiles) for batch in sent.batches] == [20_000, 1]
    assert asked(server.requests[0])[1]["mobile"].split(",") == numbers[:20_000]
