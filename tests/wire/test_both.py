"""The behaviour of a client, once for {SOAP, servlet} × {Client, AsyncClient}, against the sandbox."""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jzysoap import (
    AuthenticationError,
    Batch,
    CallEvent,
    Channel,
    Client,
    ConfigurationError,
    DeliveryStatus,
    GatewayError,
    IncompletePollError,
    InvalidMessageError,
    JzySoapError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    PartlySentError,
    RawReply,
    SoapFaultError,
    Timeout,
    WsdlError,
)
from jzysoap.definition.local import bundled
from jzysoap.sandbox import Sandbox
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.samples import MOBILE, SECOND_MOBILE, THIRD_MOBILE
from tests.kit.servers import RawServer, answering, refused_port, reply
from tests.kit.soap import envelope, fault, soap
from tests.wire.matrix import REPORTS, good, operation_of


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    value: Kind = request.param
    return value


@pytest.fixture(params=["soap", "servlet"])
def interface(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(username="test", password="secret1", soap_batch_ids=True) as sandbox:
        yield sandbox


def test_the_main_job(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    text = "短信测试 <&>\"']]>\r\n\t尾"
    with Facade(kind, sandbox.url, "test", "secret1", wsdl=None, interface=interface) as client:
        before = client.balance()
        sent = client.send([MOBILE, "+86 153-7542-7702", MOBILE], text, channel=Channel.MEMBER, extension="0001")
        after = client.balance()
        sandbox.gateway.inject_reply(MOBILE, "你谁啊?")
        reports, replies = client.reports(), client.replies()
        assert len(client.reports()) == len(client.replies()) == 0
    assert sent.mobiles == (MOBILE, SECOND_MOBILE)
    assert sent.batch_id == sandbox.gateway.sent[0].batch_id
    message = sandbox.gateway.sent[0]
    assert (message.text, message.mobiles, message.extension) == (text, (MOBILE, SECOND_MOBILE), "0001")
    assert (message.channel, message.long) == (Channel.MEMBER, False)
    assert (before.member, after.member) == (1000, 998)
    assert [(one.mobile, one.batch_id, one.status) for one in reports] == [
        (MOBILE, sent.batch_id, DeliveryStatus.DELIVERED),
        (SECOND_MOBILE, sent.batch_id, DeliveryStatus.DELIVERED),
    ]
    assert [(one.mobile, one.text, one.receiver) for one in replies] == [(MOBILE, "你谁啊?", "test")]


def test_an_estimate_is_what_the_send_costs_and_sends_nothing(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    numbers, text = [MOBILE, "138 6619 4295", SECOND_MOBILE], "长" * 100
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface, signature="签名") as client:
        estimate = client.estimate([*numbers, "1386619"], text)
        before = client.balance()
        assert not sandbox.gateway.sent
        sent = client.send(numbers, text)
        after = client.balance()
    assert (estimate.recipients, estimate.segments, estimate.cost) == (2, 2, 4)
    assert [one.position for one in (*estimate.repeated, *estimate.invalid)] == [2, 4]
    assert estimate.segments == sent.segments
    assert before.gateway is not None
    assert after.gateway == before.gateway - estimate.cost


def test_an_estimate_refuses_what_the_interface_cannot_carry(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface, allow_recipients=[MOBILE]) as client:
        with pytest.raises(InvalidMessageError, match="text is empty"):
            client.estimate(MOBILE, " ")
        with pytest.raises(InvalidMessageError, match="mobile must be"):
            client.estimate(None, "好")  # type: ignore[arg-type]  # what a user may pass by mistake
        assert client.estimate([SECOND_MOBILE], "好").invalid[0].reason == "is not among allow_recipients"
        assert client.estimate([SECOND_MOBILE], "好").recipients == 0
        if interface == "servlet":
            with pytest.raises(InvalidMessageError, match="GBK cannot encode"):
                client.estimate(MOBILE, "好\U0001f600")
        else:
            assert client.estimate(MOBILE, "好\U0001f600").cost == 1


def test_an_estimate_knows_the_definition_once_it_is_loaded(kind: Kind, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", wsdl="bundled:axis2-1.6.2") as client:
        assert client.estimate(MOBILE, "好", extension="1").cost == 1
        client.prepare()
        with pytest.raises(InvalidMessageError, match="extension cannot be sent"):
            client.estimate(MOBILE, "好", extension="1")


def test_a_send_that_is_too_dear_is_refused(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    options: dict[str, Any] = {"interface": interface, "max_segments": 2, "max_recipients": 2}
    with Facade(kind, sandbox.url, "test", "secret1", **options) as client:
        client.send([MOBILE, MOBILE, SECOND_MOBILE], "长" * 134)
        with pytest.raises(InvalidMessageError, match="costs 3 messages for each recipient: max_segments") as caught:
            client.send(MOBILE, "长" * 135)
        assert (caught.value.field, caught.value.text) == ("text", "长" * 135)
        with pytest.raises(InvalidMessageError, match="holds 3 recipients: max_recipients") as caught:
            client.send([MOBILE, SECOND_MOBILE, THIRD_MOBILE], "短")
        assert caught.value.field == "mobile"
        assert client.estimate([MOBILE, SECOND_MOBILE, THIRD_MOBILE], "长" * 135).cost == 9
    assert len(sandbox.gateway.sent) == 1


def test_account_defaults_and_long_messages(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    options: dict[str, Any] = {"signature": "签名", "extension": "12", "channel": Channel.CARD, "interface": interface}
    with Facade(kind, sandbox.url, "test", "secret1", **options) as client:
        assert client.send(MOBILE, "字" * 66).segments == 1
        assert client.send(MOBILE, "字" * 67).segments == 2
        assert client.send(MOBILE, "【签名】好", signature="别的").segments == 1
        client.send(MOBILE, "好", signature="", long=True)
    sent = sandbox.gateway.sent
    assert [message.long for message in sent] == [False, True, False, True]
    assert {message.extension for message in sent} == {"12"}
    assert {message.channel for message in sent} == {Channel.CARD}
    assert sent[0].text == "【签名】" + "字" * 66
    assert sent[2].text == "【别的】【签名】好"
    assert sent[3].text == "好"


def test_refusals_are_told_apart(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "wrong", interface=interface) as client:
        with pytest.raises(AuthenticationError) as caught:
            client.send(MOBILE, "好")
        with pytest.raises(AuthenticationError):
            client.reports()
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (False, "never")
    assert error.result is not None
    assert error.result.batches[0].outcome is Outcome.REJECTED
    assert not sandbox.gateway.sent


def test_batches_stop_at_the_first_that_is_not_accepted(kind: Kind, interface: str) -> None:
    answers = ["success;1", "failure;余额不足"]

    def handle(server: RawServer, connection: Any) -> None:
        while server.read_request(connection):
            text = answers[len(server.requests) - 1]
            connection.sendall(reply(envelope(text) if interface == "soap" else text.encode()))

    told: list[Batch] = []
    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", interface=interface) as client:
        with pytest.raises(PartlySentError) as caught:
            client.send([MOBILE, SECOND_MOBILE, THIRD_MOBILE], "好", batch_size=1, on_batch=told.append)
        assert len(server.requests) == 2
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (True, "never")
    assert error.result is not None
    assert error.result.batch_id is None
    assert [batch.outcome for batch in error.result.batches] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.NOT_SENT]
    assert [batch.batch_id for batch in error.result.batches] == ["1", None, None]
    assert isinstance(error.__cause__, GatewayError)
    assert [batch.outcome for batch in told] == [Outcome.ACCEPTED, Outcome.REJECTED]


def test_a_failing_on_batch_brings_what_is_known(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    def fail(_: Batch) -> None:
        raise RuntimeError("no room")

    with (
        Facade(kind, sandbox.url, "test", "secret1", interface=interface) as client,
        pytest.raises(RuntimeError, match="no room") as caught,
    ):
        client.send([MOBILE, SECOND_MOBILE], "好", batch_size=1, on_batch=fail)
    result = caught.value.result  # type: ignore[attr-defined]  # set on whatever the hook raised
    assert [batch.outcome for batch in result.batches] == [Outcome.ACCEPTED, Outcome.NOT_SENT]
    assert len(sandbox.gateway.sent) == 1


@pytest.mark.usefixtures("no_pause")
def test_a_send_without_a_definition_tells_what_was_not_sent(kind: Kind) -> None:
    with refused_port() as port:
        with Facade(kind, f"http://127.0.0.1:{port}", "test", "secret1", wsdl=None) as client:
            with pytest.raises(NotSentError) as caught:
                client.send([MOBILE, SECOND_MOBILE], "好", batch_size=1)
    assert (caught.value.may_have_been_sent, caught.value.retry) == (False, "safe")
    assert caught.value.result is not None
    assert [batch.outcome for batch in caught.value.result.batches] == [Outcome.NOT_SENT] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("namespace mismatch require http://new found http://old", True),
        ("Server did not recognize the value of HTTP Header SOAPAction: urn:sendSms.", True),
        ("The endpoint reference (EPR) for the Operation not found is http://h/services/userApi", True),
        ("No such operation 'sendSms'", True),
        ("Message part {urn:a}sendSms was not recognized.  (Does it exist in service WSDL?)", True),
        ("Cannot find dispatch method for {urn:a}sendSms", True),
        ("java.lang.NullPointerException", False),
        ("服务器异常", False),
    ],
)
def test_a_fault_of_a_saved_definition_says_how_to_refresh_it(
    kind: Kind, words: str, told: bool, tmp_path: Path
) -> None:
    definitions = [bundled(), bundled().replace(b"urn:sendSms", b"urn:sendSms2")]

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            get = request.startswith(b"GET")
            connection.sendall(reply(definitions[0]) if get else reply(fault(words), "500 Internal Server Error"))

    def ask(**options: Any) -> SoapFaultError:
        with Facade(kind, server.url, "test", "secret1", wsdl=None, cache_dir=tmp_path / "cache", **options) as client:
            with pytest.raises(SoapFaultError) as caught:
                client.balance()
        return caught.value

    with RawServer(handle) as server:
        assert str(ask()).endswith(words)
        saved = ask()
        del definitions[0]
        accepted = ask(wsdl_max_age=0, wsdl_accept_changes=True)
    hint = f"{words}. The definition in use was saved on 20"
    assert (hint in str(saved)) is told
    assert ("wsdl_max_age=0" in str(saved) and f"jzysoap wsdl fetch {server.url} --accept" in str(saved)) is told
    assert saved.args == (str(saved), True)
    assert str(accepted).endswith(words)


@pytest.mark.usefixtures("no_pause")
def test_polls_go_to_their_own_address(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    with refused_port() as port:
        nowhere = f"http://127.0.0.1:{port}"
        options: dict[str, Any] = {"interface": interface, "poll_url": sandbox.url}
        with Facade(kind, nowhere, "test", "secret1", **options) as client:
            assert len(client.reports()) == len(client.replies()) == 0
            with pytest.raises(NotSentError):
                client.send(MOBILE, "好")
            with pytest.raises(NotSentError):
                client.balance()


def test_on_reply_gets_the_bytes_before_anyone_reads_them(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    kept: list[tuple[str, bytes]] = []
    options: dict[str, Any] = {"interface": interface, "on_reply": lambda raw: kept.append((raw.operation, raw.body))}
    with Facade(kind, sandbox.url, "test", "secret1", **options) as client:
        client.send(MOBILE, "好")
        reports = client.reports()
        client.replies()
        client.balance()
    assert [operation for operation, _ in kept] == ["getSmsReport", "getRecvSMS"]
    assert kept[0][1] == reports.raw


def test_a_failing_on_reply_brings_the_bytes(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    def fail(_: RawReply) -> None:
        raise OSError("disk full")

    with Facade(kind, sandbox.url, "test", "secret1", interface=interface, on_reply=fail) as client:
        client.send(MOBILE, "好")
        with pytest.raises(OSError, match="disk full") as caught:
            client.reports()
    raw: bytes = caught.value.raw  # type: ignore[attr-defined]  # set on whatever the hook raised
    assert MOBILE.encode() in raw


def test_a_poll_cut_at_every_byte(kind: Kind, interface: str) -> None:
    body = good(interface, "getSmsReport")
    ends = [end for end in range(len(body)) if body[:end].endswith((b"/psreport&gt;", b"/psreport>"))]
    cuts = iter(range(len(body)))

    def handle(server: RawServer, connection: Any) -> None:
        server.read_request(connection)
        connection.sendall(reply(body[: next(cuts)], "200 OK", f"Content-Length: {len(body)}"))

    kept: list[bytes] = []
    options: dict[str, Any] = {"interface": interface, "on_reply": lambda raw: kept.append(raw.body)}
    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", **options) as client:
        for cut in range(len(body)):
            with pytest.raises(IncompletePollError) as caught:
                client.reports()
            assert caught.value.raw == body[:cut]
            # An answer without a byte is not stored.
            assert kept[-1:] == ([body[:cut]] if cut else [])
            assert len(caught.value.poll) == sum(end <= cut for end in ends), cut


def test_on_call_gets_one_event_a_call(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    events: list[CallEvent] = []
    options: dict[str, Any] = {"interface": interface, "on_call": events.append, "max_segments": 1000}
    with Facade(kind, sandbox.url, "test", "secret1", **options) as client:
        client.send([MOBILE, SECOND_MOBILE], "字" * 80)
        client.change_password("new1")
        with pytest.raises(GatewayError):
            client.send([MOBILE] * 1 + [SECOND_MOBILE], "好" * 70 * 600)
    first, second, third = events
    assert (first.operation, first.interface, first.outcome, first.error) == (
        "sendSms",
        interface,
        Outcome.ACCEPTED,
        None,
    )
    assert (first.numbers, first.segments, first.batch_id) == (2, 2, sandbox.gateway.sent[0].batch_id)
    assert first.definition == ("bundled" if interface == "soap" else "")
    assert first.duration > 0
    assert (second.operation, second.interface, second.definition) == ("updatePassword", "servlet", "")
    assert (third.outcome, third.error) == (Outcome.REJECTED, "InsufficientBalanceError")


def test_a_failing_on_call_changes_nothing(kind: Kind, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: CallEvent) -> None:
        raise RuntimeError("no")

    with Facade(kind, sandbox.url, "test", "secret1", on_call=fail) as client:
        assert client.send(MOBILE, "好").batch_id
    assert "on_call" in caplog.text


def test_a_changed_password_is_used_from_then_on(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface) as client:
        client.change_password("new1")
        client.balance()
        with pytest.raises(InvalidMessageError, match="letters and digits"):
            client.change_password("nö")
        client.balance()
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface) as client:
        with pytest.raises(AuthenticationError):
            client.balance()


def test_a_password_from_a_callable_is_asked_again_after_a_refusal(
    kind: Kind, interface: str, sandbox: Sandbox
) -> None:
    passwords = iter(["old", "secret1", "never asked"])
    asked: list[str] = []

    def ask() -> str:
        asked.append(threading.current_thread().name)
        return next(passwords)

    with Facade(kind, sandbox.url, "test", ask, interface=interface) as client:
        client.send(MOBILE, "好")
        client.balance()
    assert len(asked) == 2
    if kind is not KINDS[0]:
        assert threading.main_thread().name not in asked


def test_what_gbk_cannot_spell_is_refused_by_the_servlet_alone(kind: Kind, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", interface="servlet") as client:
        with pytest.raises(InvalidMessageError, match="GBK") as caught:
            client.send(MOBILE, "价格 5 €")
        assert caught.value.position == 5
    with Facade(kind, sandbox.url, "test", "secret1", interface="servlet", utf8_servlet=True) as client:
        client.send(MOBILE, "价格 5 € 😀")
    with Facade(kind, sandbox.url, "test", "secret1") as client:
        client.send(MOBILE, "价格 5 € 😀")
    assert [message.text for message in sandbox.gateway.sent] == ["价格 5 € 😀"] * 2


def test_a_closed_client_refuses_calls(kind: Kind, interface: str, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface) as client:
        client.balance()
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            client.balance()
        with pytest.raises(ConfigurationError, match="closed"):
            client.send(MOBILE, "好")


def test_a_closed_client_says_so_before_it_asks_for_a_definition(kind: Kind, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", wsdl=None) as client:
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            client.balance()


def test_a_restarted_server_costs_nothing(kind: Kind, interface: str) -> None:
    def handle(server: RawServer, connection: Any) -> None:
        while request := server.read_request(connection):
            connection.sendall(reply(good(interface, operation_of(request))))

    with RawServer(handle) as first:
        client = Facade(kind, first.url, "test", "secret1", interface=interface)
        assert len(client.reports()) == 2
        port = first.port
    with client, RawServer(handle, port=port) as second:
        assert len(client.reports()) == 2
        assert client.send(MOBILE, "好").batch_id == "337017332"
        assert len(second.requests) == 2


CHARSETS = {
    "utf-8": ("utf-8", "text/xml; charset=utf-8", "utf-8"),
    "gbk declared": ("gbk", "text/xml; charset=GBK", "gbk"),
    "gbk undeclared": ("gbk", "text/xml", None),
    "gbk under a default": ("gbk", "text/xml; charset=ISO-8859-1", None),
    "gbk called utf-8": ("gbk", "text/xml; charset=utf-8", "utf-8"),
    "utf-8 called gbk": ("utf-8", "text/xml; charset=GBK", "gbk"),
    "utf-8 under a default": ("utf-8", "text/xml; charset=ISO-8859-1", None),
    "gb18030": ("gb18030", "text/xml; charset=GB18030", "gb18030"),
    "utf-16": ("utf-16", "text/xml; charset=utf-16", "utf-16"),
    "line break first": ("utf-8", "\r\n", "utf-8"),
}


@pytest.mark.parametrize("case", CHARSETS)
def test_every_mistaken_charset_is_read(kind: Kind, interface: str, case: str) -> None:
    encoding, content_type, declared = CHARSETS[case]
    document = REPORTS.replace("<username>test", "<username>张三丰")
    text = envelope(document, "getSmsReport").decode() if interface == "soap" else document
    mark = f' encoding="{declared}"' if declared else ""
    text = text.replace(" encoding='UTF-8'", mark, 1) if interface == "soap" else text
    if content_type == "\r\n":
        text, content_type = "\r\n" + text, "text/xml; charset=utf-8"

    def handle(server: RawServer, connection: Any) -> None:
        while server.read_request(connection):
            connection.sendall(reply(text.encode(encoding), content_type=content_type))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", interface=interface) as client:
        assert [report.username for report in client.reports()] == ["张三丰"] * 2


@pytest.mark.parametrize("sign", ["&#1;", "\x01", "\x0b", "&#xFFFE;"])
def test_illegal_characters_in_an_answer_cost_nothing_else(kind: Kind, interface: str, sign: str) -> None:
    document = REPORTS.replace("<username>test", f"<username>te{sign}st", 1)
    if interface == "soap":
        # The sign itself, not an escaped one.
        text = envelope(document, "getSmsReport").decode().replace(sign.replace("&", "&amp;"), sign)
    else:
        text = document

    def handle(server: RawServer, connection: Any) -> None:
        while server.read_request(connection):
            connection.sendall(reply(text.encode()))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", interface=interface) as client:
        poll = client.reports()
    assert [report.username for report in poll] == ["te\ufffdst", "test"]
    assert poll[0].raw_fields is not None
    assert poll[1].raw_fields is None


def test_what_follows_an_answer_is_not_the_next_ones(kind: Kind) -> None:
    answers = [good_send("1") * 2, good_send("2") + b"garbage", good_send("3")]

    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(answers.pop(0))

    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", interface="servlet") as client:
        for batch_id in "123":
            assert client.send(MOBILE, "text").batches[0].batch_id == batch_id


def good_send(batch_id: str) -> bytes:
    return reply(f"success;{batch_id}".encode())


def test_a_header_of_latin_1_arrives(kind: Kind) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(good_send("1"))

    options: dict[str, Any] = {"interface": "servlet", "headers": {"X-A": "caf\xe9"}}
    with RawServer(handle) as server, Facade(kind, server.url, "test", "secret1", **options) as client:
        assert client.send(MOBILE, "text").batches[0].batch_id == "1"
        assert b"X-A: caf\xe9\r\n" in server.requests[0]


def test_an_address_that_no_request_can_be_made_for(kind: Kind) -> None:
    with Facade(kind, "http://[v1.a]:9", "test", "secret1", interface="servlet") as client:
        with pytest.raises(NotSentError) as caught:
            client.send(MOBILE, "text")
    assert not caught.value.may_have_been_sent


@pytest.mark.parametrize("name", ["a" * 300, "bundled:" + "a" * 300, "\ud800"])
def test_a_path_that_is_none(kind: Kind, name: str) -> None:
    with Facade(kind, "http://127.0.0.1:9", "test", "secret1", wsdl=name) as client:
        with pytest.raises(WsdlError) as caught:
            client.send(MOBILE, "text")
    assert caught.value.result is not None


@pytest.mark.parametrize("silent", [True, False])
def test_the_deadline_of_the_first_call_covers_its_definition(kind: Kind, silent: bool) -> None:
    left: list[float] = []

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if request.startswith(b"GET"):
                if silent:
                    connection.recv(1)
                    return
                time.sleep(0.6)
                connection.sendall(reply(bundled()))
            else:
                # The client gives up when nothing of its total is left.
                started = time.monotonic()
                connection.recv(1)
                left.append(time.monotonic() - started)
                return

    with RawServer(handle) as server:
        options: dict[str, Any] = {"wsdl": None, "timeout": Timeout(1, 1, 1)}
        with Facade(kind, server.url, "test", "secret1", **options) as client:
            with pytest.raises(WsdlError if silent else OutcomeUnknownError):
                client.send(MOBILE, "好")
    assert all(seconds < 0.6 for seconds in left)
    assert len(left) == (0 if silent else 1)


def test_a_password_callable_that_waits_for_another_call_does_not_wait_for_ever(kind: Kind, interface: str) -> None:
    """It asks, in another thread or through the event loop, for a call that would have to wait for it."""
    told: list[str] = []

    def password() -> str:
        job: concurrent.futures.Future[Any] = concurrent.futures.Future()
        if isinstance(facade.client, Client):
            threading.Thread(target=lambda: job.set_exception(error_of(facade.client.balance))).start()
        else:
            job = asyncio.run_coroutine_threadsafe(facade.client.balance(), facade.loop)
        with pytest.raises(ConfigurationError) as caught:
            job.result(30)
        told.append(str(caught.value))
        return "secret1"

    with RawServer(answering(soap("success;1") if interface == "soap" else reply(b"success;1"))) as server:
        options: dict[str, Any] = {"interface": interface, "password": password, "timeout": Timeout(1, 1, 1)}
        with Facade(kind, server.url, "test", **options) as facade:
            assert facade.send(MOBILE, "好").batch_id == "1"
    assert told == [
        "another call of the client asks for its password and has not ended for 1 s: your code may wait for this one"
    ]


def error_of(call: Callable[[], object]) -> JzySoapError:
    with pytest.raises(JzySoapError) as caught:
        call()
    return caught.value
