"""What the sandbox reads off the text of a message, and which messages it keeps."""

from __future__ import annotations

import pytest

from jzysoap import ConfigurationError
from jzysoap.sandbox import Gateway, Message
from jzysoap.sandbox.messages import count_segments
from tests.kit.samples import MOBILE
from tests.sandbox.test_state import gateway, send


def message(text: str) -> Message:
    return send(gateway(), text=text)


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("【签名】您好", "签名"),
        ("您好【签名】", "签名"),
        ("  【签名】您好", "签名"),
        ("您【好】啊", None),
        ("您好", None),
        ("【】您好", None),
    ],
)
def test_the_signature(text: str, signature: str | None) -> None:
    assert message(text).signature == signature


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("【签名】您的验证码是 1234，5分钟内有效", ("1234",)),
        ("【签名】验证码：A1B2C3。请勿告诉他人", ("A1B2C3",)),
        ("Your code is 123456.", ("123456",)),
        ("验证码 1234 或 5678", ("1234", "5678")),
        # A phone number, an amount, an address, a date and an order number are no codes.
        ("验证码 4711，客服电话 13800000000", ("4711",)),
        ("取件码 4711，金额 1234.50 元，见 http://example.com/1234", ("4711",)),
        ("验证码 4711，2026-1234 号订单", ("4711",)),
        ("【签名】订单 20261127 的验证码是 4711", ("4711", "20261127")),
        ("验证码请见邮件", ()),
        ("您的包裹 12345678 已到", ()),
    ],
)
def test_the_verification_codes(text: str, codes: tuple[str, ...]) -> None:
    assert message(text).codes == codes


def test_half_a_pair_is_a_unit_of_its_own() -> None:
    assert count_segments("\ud800" * 71) == 2


def test_the_oldest_messages_are_forgotten_first() -> None:
    one = gateway(max_messages=2)
    sent = [send(one, text=str(number)) for number in range(4)]
    assert one.sent == tuple(sent[2:])


def test_records_of_forgotten_messages_wait_until_there_are_too_many() -> None:
    one = gateway(max_messages=2)
    one.set_balance("test", 1000)
    for number in range(100):
        send(one)
        if number == 60:
            assert len(one.poll_reports("test", "密码1".encode())) == 22
    # Two of those that are kept, and ten times as many of those that are not.
    reports = one.poll_reports("test", "密码1".encode())
    assert [report.batch_id for report in reports] == [str(337017332 + number) for number in range(78, 100)]


def test_a_gateway_keeps_one_message_at_least() -> None:
    with pytest.raises(ConfigurationError, match="max_messages"):
        Gateway(max_messages=0)


def test_no_message_and_no_record_shows_its_content() -> None:
    one = gateway()
    shown = repr((send(one, text="机密"), one.events.since(0)))
    assert MOBILE not in shown
    assert "机密" not in shown
