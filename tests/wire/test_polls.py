"""Polls: their records, their hooks, and that nothing of what came is ever lost."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from jzysoap import (
    Balance,
    Channel,
    Client,
    DeliveryStatus,
    GatewayError,
    HttpStatusError,
    IncompletePollError,
    JzySoapError,
    MalformedReplyError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    RateLimitedError,
    SoapFaultError,
)
from jzysoap.model.events import CallEvent, RawReply
from tests.kit.documents import replies, report, reports
from tests.kit.samples import MOBILE, PASSWORD_BASE64, TEXT, USERNAME
from tests.kit.servers import answering, refused_port, reply
from tests.kit.soap import envelope, fault, soap
from tests.kit.timeouts import QUICK
from tests.wire.conftest import Make, Serve, asked, form

OTHER = "13865193295"
OPERATIONS = {"reports": "getSmsReport", "replies": "getRecvSMS", "balance": "getRestMoney"}
INTERFACES = ["soap", "servlet"]
SENT_AT = datetime(2012, 8, 16, 1, 5, 39, tzinfo=timezone(timedelta(hours=8)))


def call(client: Client, operation: str) -> Any:
    return getattr(client, operation)()


def spelled(interface: str, text: str | None, operation: str = "reports") -> bytes:
    """The body of an answer."""
    return envelope(text, OPERATIONS[operation]) if interface == "soap" else (text or "").encode()


# What comes.


@pytest.mark.parametrize("interface", INTERFACES)
def test_reports(interface: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, reports(report(), report(OTHER, "67", 0)))
    server = serve(answering(reply(body)))
    poll = make(server.url, interface=interface).reports()
    assert [(one.mobile, one.username, one.batch_id, one.status, one.sent_at) for one in poll] == [
        (MOBILE, USERNAME, "66", DeliveryStatus.DELIVERED, SENT_AT),
        (OTHER, USERNAME, "67", DeliveryStatus.FAILED, SENT_AT),
    ]
    assert (poll.rejected, poll.raw) == ((), body)
    if interface == "soap":
        assert asked(server.requests[0]) == ("getSmsReport", {"username": USERNAME, "password": PASSWORD_BASE64})
    else:
        credentials = {"username": USERNAME, "password": PASSWORD_BASE64}
        assert form(server.requests[0]) == {"method": "getSmsReport", **credentials}


@pytest.mark.parametrize("interface", INTERFACES)
def test_replies(interface: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, replies((MOBILE, "xOPLrbChPw=="), (OTHER, "u9jP8w==")), "replies")
    poll = make(serve(answering(reply(body))).url, interface=interface).replies()
    assert [(one.mobile, one.receiver, one.text, one.raw, one.received_at) for one in poll] == [
        (MOBILE, USERNAME, "你谁啊?", "你谁啊?".encode("gbk"), SENT_AT),
        (OTHER, USERNAME, "回象", "回象".encode("gbk"), SENT_AT),
    ]


@pytest.mark.parametrize("interface", INTERFACES)
def test_balance(interface: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, "memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964", "balance")
    server = serve(answering(reply(body)))
    balance = make(server.url, interface=interface).balance()
    assert balance == Balance(684, 49919, 49964)
    assert balance[Channel.CARD] == 49964


@pytest.mark.parametrize("text", [None, "", " \r\n", "<smsreport/>", reports()])
@pytest.mark.parametrize("interface", INTERFACES)
def test_nothing_to_hand_over(text: str | None, interface: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, text)
    poll = make(serve(answering(reply(body))).url, interface=interface).reports()
    assert (list(poll), poll.rejected, poll.raw) == ([], (), body)


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_refusal_is_an_error_unless_it_means_nothing(interface: str, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(spelled(interface, "failure;没有数据"))))
    with pytest.raises(GatewayError) as caught:
        make(server.url, interface=interface).reports()
    assert (caught.value.text, caught.value.may_have_been_sent) == ("没有数据", False)
    assert len(make(server.url, interface=interface, empty_texts=["没有数据"]).reports()) == 0


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_bad_record_costs_none_of_the_others(interface: str, make: Make, serve: Serve) -> None:
    bad = "<psreport><status>1</status></psreport>"
    body = spelled(interface, reports(report(), bad, report(OTHER)))
    poll = make(serve(answering(reply(body))).url, interface=interface).reports()
    assert [one.mobile for one in poll] == [MOBILE, OTHER]
    assert [one.source for one in poll.rejected] == [bad]


def test_a_poll_of_sixty_thousand(make: Make, serve: Serve) -> None:
    body = envelope(reports(*(report(f"139{number:08}") for number in range(60_000))), "getSmsReport")
    server = serve(answering(reply(gzip.compress(body, 1), "200 OK", "Content-Encoding: gzip")))
    poll = make(server.url, poll_timeout=(10, 30, 60)).reports()
    assert (len(poll), poll[-1].mobile) == (60_000, "13900059999")
    assert poll.raw == body


OUT_OF_FILES = """
import os, resource, sys
from jzysoap import Client, OutcomeUnknownError
client = Client(sys.argv[1], "test", "pw", interface="servlet")
client.balance()
assert "lxml" not in sys.modules
most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, most[1]))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
try:
    client.reports()
except OutcomeUnknownError as error:
    resource.setrlimit(resource.RLIMIT_NOFILE, most)
    sys.stdout.buffer.write(error.raw)
    assert client.reports()[0].mobile
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_poll_outlives_a_process_that_is_out_of_files(serve: Serve) -> None:
    # Not of the usual form: lxml is needed, and must be loaded from a file.
    body = reports(report().replace(USERNAME, "账户")).encode()
    server = serve(answering(reply(b"memberSmsNum=1"), reply(body)))
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", OUT_OF_FILES, server.url], check=True, capture_output=True, timeout=60
    )
    assert ran.stdout == body


# What comes in part.


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("how", ["closed", "silent", "chunked", "gzip", "unannounced", "over the cap"])
def test_what_came_of_a_poll_is_kept(how: str, interface: str, make: Make, serve: Serve) -> None:
    whole = spelled(interface, reports(*(report(f"139{number:08}") for number in range(100))))
    cut = len(whole) // 2
    came = whole[:cut]
    packed = gzip.compress(whole)
    http = {
        "closed": reply(came, length=len(whole)),
        "silent": reply(came, length=len(whole)),
        "chunked": reply(b"%x\r\n%s\r\n" % (cut, came), "200 OK", "Transfer-Encoding: chunked"),
        "gzip": reply(packed[:-12], "200 OK", "Content-Encoding: gzip"),
        "unannounced": reply(came)[:-cut].replace(b"Content-Length", b"X-Length") + came,
        "over the cap": reply(whole),
    }[how]
    server = serve(answering(http, close=how != "silent"))
    client = make(server.url, interface=interface, poll_timeout=QUICK, max_poll_bytes=cut if "cap" in how else 10**6)
    with pytest.raises(IncompletePollError) as caught:
        client.reports()
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (True, "later")
    if how != "gzip":
        assert error.raw == came
    assert whole.startswith(error.raw)
    assert error.raw.count(b"/psreport") - 1 <= len(error.poll) <= error.raw.count(b"/psreport")
    assert [one.mobile for one in error.poll] == [f"139{number:08}" for number in range(len(error.poll))]
    assert len(server.requests) == 1


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_poll_of_which_nothing_came(interface: str, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(b"", length=9), close=True))
    with pytest.raises(IncompletePollError) as caught:
        make(server.url, interface=interface).reports()
    assert (caught.value.raw, len(caught.value.poll)) == (b"", 0)


@pytest.mark.parametrize("interface", INTERFACES)
def test_headers_cut_off_are_no_empty_poll(interface: str, make: Make, serve: Serve) -> None:
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n", close=True))
    with pytest.raises(OutcomeUnknownError) as caught:
        make(server.url, interface=interface).reports()
    assert caught.value.retry == "later"


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("page", [b"<html><p>Bad gatew", b"<!DOCTYPE html><html><p>Bad gatew", b"", b"Bad"])
def test_a_page_that_was_cut_off(page: bytes, interface: str, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(page, "502 Bad Gateway", length=99), close=True))
    with pytest.raises(HttpStatusError) as caught:
        make(server.url, interface=interface).reports()
    assert (caught.value.status, caught.value.raw) == (502, page)


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_welcome_page_that_was_cut_off(interface: str, make: Make, serve: Serve) -> None:
    page = b"<!DOCTYPE html><html><p>Welc"
    server = serve(answering(reply(page, length=99), close=True))
    with pytest.raises((MalformedReplyError, IncompletePollError)) as caught:
        make(server.url, interface=interface).reports()
    assert caught.value.raw == page


def test_records_count_more_than_a_status(make: Make, serve: Serve) -> None:
    body = envelope(reports(report(), report(OTHER)), "getSmsReport")[:-200]
    server = serve(answering(reply(body, "500 Internal Server Error", length=9999), close=True))
    with pytest.raises(IncompletePollError) as caught:
        make(server.url).reports()
    assert [one.mobile for one in caught.value.poll][:1] == [MOBILE]


# Statuses, pages, faults.


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"<html><body><p>No &nbsp; way<br></body></html>", b'{"error": "no"}', b""])
@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("operation", ["reports", "balance"])
def test_a_status_instead_of_an_answer(
    status: int, body: bytes, interface: str, operation: str, make: Make, serve: Serve
) -> None:
    server = serve(answering(reply(body, f"{status} No")))
    with pytest.raises(HttpStatusError) as caught:
        call(make(server.url, interface=interface), operation)
    error = caught.value
    assert (error.status, error.raw, error.may_have_been_sent, error.retry) == (status, body, True, "later")
    assert ("check base_url" in str(error)) is (status == 404)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "503 Service Unavailable"])
@pytest.mark.parametrize("operation", ["reports", "replies", "balance"])
def test_a_fault(status: str, operation: str, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(fault("java.sql.SQLException"), status)))
    with pytest.raises(SoapFaultError) as caught:
        call(make(server.url), operation)
    error = caught.value
    assert (error.code, error.text, error.retry) == ("soapenv:Server", "java.sql.SQLException", "later")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "503 Service Unavailable"])
@pytest.mark.parametrize("interface", INTERFACES)
def test_a_result_counts_whatever_the_status(status: str, interface: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, reports(report()))
    poll = make(serve(answering(reply(body, status))).url, interface=interface).reports()
    assert [one.mobile for one in poll] == [MOBILE]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("operation", ["reports", "replies", "balance"])
def test_an_answer_that_is_none(interface: str, operation: str, make: Make, serve: Serve) -> None:
    body = spelled(interface, "maybe" * 2000, operation)
    with pytest.raises(MalformedReplyError) as caught:
        call(make(serve(answering(reply(body))).url, interface=interface), operation)
    error = caught.value
    assert (error.may_have_been_sent, error.retry) == (True, "later")
    assert error.raw == (body[:4096] if operation == "balance" else body)


def test_asked_too_often(make: Make, serve: Serve) -> None:
    with pytest.raises(RateLimitedError) as caught:
        make(serve(answering(soap("failure;查询频繁", "getRestMoney"))).url).balance()
    assert (caught.value.may_have_been_sent, caught.value.retry) == (False, "later")


def test_not_asked_at_all(make: Make) -> None:
    with refused_port() as port, pytest.raises(NotSentError) as caught:
        make(f"http://127.0.0.1:{port}").reports()
    assert (caught.value.may_have_been_sent, caught.value.retry, caught.value.result) == (False, "safe", None)


# The address, the limits, the hooks.


@pytest.mark.parametrize("interface", INTERFACES)
def test_an_address_for_polls(interface: str, make: Make, serve: Serve) -> None:
    polled = serve(answering(reply(spelled(interface, ""))))
    server = serve(answering(soap("failure;不行") if interface == "soap" else reply("failure;不行".encode())))
    client = make(server.url, interface=interface, poll_url=f"{polled.url}/polls/")
    client.reports()
    client.replies()
    for refused in (client.balance, lambda: client.send(MOBILE, TEXT)):
        with pytest.raises(GatewayError):
            refused()
    assert (len(polled.requests), len(server.requests)) == (2, 2)
    assert all(request.startswith(b"POST /polls/s") for request in polled.requests)


def test_polls_have_their_own_cap(make: Make, serve: Serve) -> None:
    body = envelope(reports(*(report(f"139{number:08}") for number in range(100))), "getSmsReport")
    server = serve(answering(reply(body)))
    client = make(server.url, max_reply_bytes=1024)
    assert len(client.reports()) == 100
    with pytest.raises(OutcomeUnknownError, match=r"not complete: it is larger than 1,024 bytes"):
        client.balance()


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_bytes_are_handed_over_before_they_are_read(interface: str, make: Make, serve: Serve) -> None:
    bodies = [spelled(interface, reports(report())), b"garbage", spelled(interface, reports(report()))[:-40]]
    answers = [reply(body, "200 OK", "Connection: close") for body in bodies[:2]]
    server = serve(answering(*answers, reply(bodies[2], length=9999), close=True))
    kept: list[tuple[str, bytes]] = []
    client = make(server.url, interface=interface, on_reply=lambda raw: kept.append((raw.operation, raw.body)))
    assert len(client.reports()) == 1
    for _ in range(2):
        with pytest.raises(JzySoapError):
            client.reports()
    assert kept == [("getSmsReport", body) for body in bodies]


def test_only_polls_are_handed_over(make: Make, serve: Serve) -> None:
    kept: list[tuple[str, bytes]] = []
    server = serve(answering(soap("memberSmsNum=1", "getRestMoney"), soap("success")))
    client = make(server.url, on_reply=lambda raw: kept.append((raw.operation, raw.body)))
    client.balance()
    client.send(MOBILE, TEXT)
    assert kept == []


def test_what_on_reply_raises_reaches_the_caller_with_the_bytes(make: Make, serve: Serve) -> None:
    body = envelope(reports(report()), "getSmsReport")

    def keep(_: RawReply) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full") as caught:
        make(serve(answering(reply(body))).url, on_reply=keep).reports()
    assert caught.value.raw == body  # type: ignore[attr-defined]  # as documented


def test_every_call_is_told(make: Make, serve: Serve) -> None:
    told: list[CallEvent] = []
    server = serve(
        answering(
            soap("success;66"),
            soap("failure;余额不足"),
            reply(b"", "503 Busy"),
            reply(envelope(reports(report()), "getSmsReport")),
            soap("memberSmsNum=1", "getRestMoney"),
            reply(b"1"),
        )
    )
    client = make(server.url, on_call=told.append)
    client.send([MOBILE, OTHER], "字" * 71)
    for _ in range(2):
        with pytest.raises(JzySoapError):
            client.send(MOBILE, TEXT)
    client.reports()
    client.balance()
    client.change_password("new1")
    assert [
        (one.operation, one.interface, one.outcome, one.error, one.numbers, one.segments, one.batch_id, one.definition)
        for one in told
    ] == [
        ("sendSms", "soap", Outcome.ACCEPTED, None, 2, 2, "66", "bundled"),
        ("sendSms", "soap", Outcome.REJECTED, "InsufficientBalanceError", 1, 1, None, "bundled"),
        ("sendSms", "soap", Outcome.UNKNOWN, "HttpStatusError", 1, 1, None, "bundled"),
        ("getSmsReport", "soap", Outcome.ACCEPTED, None, 0, 0, None, "bundled"),
        ("getRestMoney", "soap", Outcome.ACCEPTED, None, 0, 0, None, "bundled"),
        ("updatePassword", "servlet", Outcome.ACCEPTED, None, 0, 0, None, ""),
    ]
    assert all(0 < one.duration < 30 for one in told)


def test_a_hook_that_fails_costs_no_answer(make: Make, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def tell(event: CallEvent) -> None:
        raise LookupError("no such counter")

    server = serve(answering(reply(envelope(reports(report()), "getSmsReport"))))
    assert len(make(server.url, on_call=tell).reports()) == 1
    assert "on_call failed" in caplog.text
    assert "no such counter" in caplog.text
