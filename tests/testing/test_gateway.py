"""The gateway for tests: waiting for messages, and what it says when none comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jzysoap import Client, ConfigurationError, DeliveryStatus, GatewayError, HttpStatusError, OutcomeUnknownError
from jzysoap.testing import Expected, NothingCameError, SmsGateway
from tests.kit.samples import MOBILE, SECOND_MOBILE


@pytest.fixture
def gateway() -> Iterator[SmsGateway]:
    with SmsGateway() as gateway:
        yield gateway


@pytest.fixture
def client(gateway: SmsGateway) -> Iterator[Client]:
    with gateway.client() as client:
        yield client


def test_a_message_that_comes_while_a_block_runs(gateway: SmsGateway, client: Client) -> None:
    client.send(MOBILE, "【签名】before")
    with gateway.expect(to=MOBILE, text="code") as got:
        client.send(SECOND_MOBILE, "code 1111")
        client.send(MOBILE, "【签名】code 2222")
        client.send(MOBILE, "【签名】code 3333")
    assert got.message.text == "【签名】code 2222"
    assert got.message.signature == "签名"
    assert got.code() == "2222"
    assert got.code(r"(\d)\d+") == "2"
    assert [message.text[-4:] for message in got.messages] == ["2222", "3333"]
    with pytest.raises(NothingCameError, match=r"^the message has no code: 13 characters$"):
        got.code("x+")


def test_a_message_that_comes_after_the_block(gateway: SmsGateway, client: Client) -> None:
    sending = threading.Timer(0.05, client.send, (MOBILE, "later"))
    with gateway.expect() as got:
        sending.start()
    assert got.message.text == "later"
    sending.join()


def test_the_message_is_not_there_inside_of_the_block(gateway: SmsGateway, client: Client) -> None:
    with gateway.expect() as got:
        client.send(MOBILE, "您好")
        with pytest.raises(ConfigurationError, match="after the with block"):
            got.code()
    assert isinstance(got, Expected)


def test_an_error_in_the_block_is_not_hidden(gateway: SmsGateway) -> None:
    with pytest.raises(ZeroDivisionError), gateway.expect():
        raise ZeroDivisionError


def test_each_message_is_given_out_once(gateway: SmsGateway, client: Client) -> None:
    for text in ("one", "two", "three"):
        client.send(MOBILE, text)
    assert gateway.wait_for_message(text="two").text == "two"
    assert gateway.wait_for_message(to=MOBILE).text == "one"
    assert gateway.wait_for_message().text == "three"
    with pytest.raises(NothingCameError, match="returned before"):
        gateway.wait_for_message(timeout=0)
    gateway.assert_nothing_sent()
    assert len(gateway.messages) == 3


@pytest.mark.parametrize(
    ("text", "pattern", "code"),
    [
        ("【签名】验证码 1234，客服 13800000000", None, "1234"),
        ("【签名】订单 20261127 的验证码是 4711", None, "4711"),
        ("验证码：A1B2C3", None, "A1B2C3"),
        ("您的编号 12345678", None, "12345678"),
        ("A-42: 9999", r"A-(\d+)", "42"),
        ("A-42: 9999", r"A-\d+", "A-42"),
    ],
)
def test_codes(gateway: SmsGateway, client: Client, text: str, pattern: str | None, code: str) -> None:
    client.send(MOBILE, "没有")
    client.send(SECOND_MOBILE, "验证码 0000")
    client.send(MOBILE, text)
    assert gateway.wait_for_code(MOBILE, pattern) == code


def test_a_wait_that_fails_says_what_came_instead(gateway: SmsGateway, client: Client) -> None:
    with pytest.raises(NothingCameError) as caught:
        gateway.wait_for_code(MOBILE, timeout=0)
    assert str(caught.value) == (
        "no message to 138****4295 with a code came within 0 s. Nothing was sent to this gateway at all.\n"
        "(--sms-show, or show=True, shows numbers and texts)"
    )
    client.send([SECOND_MOBILE, MOBILE], "机密")
    gateway.fail_next("refuse", words="内容\x1b含敏感词")
    with pytest.raises(GatewayError):
        client.send(MOBILE, "机密")
    gateway.sandbox.gateway.set_balance("test", 0)
    with pytest.raises(GatewayError):
        client.send(MOBILE, "机密")
    with pytest.raises(NothingCameError) as caught:
        gateway.wait_for_message(MOBILE, "other", timeout=0)
    lines = [line.split(" ", 3)[-1] for line in str(caught.value).splitlines()]
    assert "no message to 138****4295 of that text came within 0 s." in str(caught.value)
    assert lines[1:4] == [
        "to 153****7702 and 1 other: 2 characters",
        "fault: sendSms, failure;内容\\x1b含敏感词",
        "refused: sendSms, 余额不足",
    ]
    assert MOBILE not in str(caught.value)
    assert "机密" not in str(caught.value)


def test_numbers_and_texts_are_shown_on_demand() -> None:
    with SmsGateway(show=True) as gateway, gateway.client() as client:
        client.send(MOBILE, "您好")
        with pytest.raises(NothingCameError, match=f"to {MOBILE}: '您好'$"):
            gateway.wait_for_message(text="other", timeout=0)


def test_nothing_sent(gateway: SmsGateway, client: Client) -> None:
    gateway.assert_nothing_sent()
    client.send(SECOND_MOBILE, "您好")
    gateway.assert_nothing_sent(to=MOBILE)
    with pytest.raises(AssertionError, match=r"^1 message was sent:\n  ..:..:.. to 153\*\*\*\*7702: 2 characters\n"):
        gateway.assert_nothing_sent()


def test_replies_and_reports(gateway: SmsGateway, client: Client) -> None:
    with gateway.expect() as got:
        client.send([MOBILE, SECOND_MOBILE], "您好")
    gateway.deliver(got.message, DeliveryStatus.FAILED, mobile=MOBILE)
    assert {report.mobile: report.status.name for report in client.reports()} == {
        MOBILE: "FAILED",
        SECOND_MOBILE: "DELIVERED",
    }
    gateway.reply(MOBILE, "退订")
    assert [reply.text for reply in client.replies()] == ["退订"]


def test_faults(gateway: SmsGateway, client: Client) -> None:
    gateway.fail_next(to=MOBILE, after=1)
    client.send(MOBILE, "您好")
    client.send(SECOND_MOBILE, "您好")
    with pytest.raises(OutcomeUnknownError):
        client.send(MOBILE, "您好")
    assert len(gateway.messages) == 3
    gateway.fail_next("status", operation="any", http_status=503)
    with pytest.raises(HttpStatusError, match="503"):
        client.balance()


def test_a_reset_begins_anew(gateway: SmsGateway, client: Client) -> None:
    client.send(MOBILE, "before")
    gateway.fail_next()
    gateway.reset()
    assert gateway.messages == ()
    client.send(MOBILE, "after")
    assert gateway.wait_for_message().text == "after"


def test_only_this_machine_is_reached() -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        SmsGateway(host="10.0.0.1")
    with SmsGateway() as gateway:
        assert gateway.environment["JZYSOAP_BASE_URL"] == gateway.url
        assert gateway.url.startswith("http://127.0.0.1:")
        with pytest.raises(TypeError):
            gateway.client(base_url="http://smsapi.example.com:9003")
        assert "secret1" not in repr(gateway)
