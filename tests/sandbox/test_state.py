"""The state of the gateway, without SOAP and HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from jzysoap import Channel, ConfigurationError, DeliveryStatus
from jzysoap.sandbox import Delivery, Gateway, Message
from jzysoap.sandbox.followup import Status
from jzysoap.sandbox.messages import RefusedError, UnknownAccountError
from jzysoap.settings.checks import MAX_BATCH
from tests.kit.samples import MOBILE, SECOND_MOBILE

NOON = datetime(2012, 8, 16, 12, 0, 0)  # noqa: DTZ001  # a test needs a naive clock
CHINA = timezone(timedelta(hours=8))


def gateway(**options: Any) -> Gateway:
    made = Gateway(**options)
    made.add_account("test", "密码1", balance=10)
    return made


def send(to: Gateway, *mobiles: str, **options: Any) -> Message:
    arguments: dict[str, Any] = {
        "channel": 1,
        "mobiles": mobiles or (MOBILE,),
        "text": "你好",
        "long": False,
        "extension": "",
        "via": "soap",
    }
    return to.send("test", "密码1".encode(), **(arguments | options))


def test_a_send_is_kept_charged_and_reported() -> None:
    one = gateway(clock=lambda: NOON)
    message = send(one, MOBILE, SECOND_MOBILE, extension="0001", long=True)
    assert message == Message(
        "test",
        Channel.GATEWAY,
        (MOBILE, SECOND_MOBILE),
        "你好",
        True,
        "0001",
        "337017332",
        "soap",
        NOON.replace(tzinfo=CHINA),
        1,
    )
    assert one.sent == (message,)
    assert one.balances("test") == {Channel.CARD: 10, Channel.GATEWAY: 8, Channel.MEMBER: 10}
    assert send(one).batch_id == "337017333"
    reports = one.poll_reports("test", "密码1".encode())
    assert [(report.mobile, report.batch_id, report.status) for report in reports] == [
        (MOBILE, "337017332", DeliveryStatus.DELIVERED),
        (SECOND_MOBILE, "337017332", DeliveryStatus.DELIVERED),
        (MOBILE, "337017333", DeliveryStatus.DELIVERED),
    ]
    assert {report.sent_at for report in reports} == {NOON.replace(tzinfo=CHINA)}
    assert one.poll_reports("test", "密码1".encode()) == []


@pytest.mark.parametrize(
    ("text", "segments"),
    [("x" * 70, 1), ("x" * 71, 2), ("x" * 134, 2), ("x" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2)],
)
def test_segments_are_counted_in_utf16_units(text: str, segments: int) -> None:
    one = gateway()
    assert send(one, MOBILE, SECOND_MOBILE, text=text, channel=2).segments == segments
    assert one.balances("test")[Channel.MEMBER] == 10 - 2 * segments


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mobiles": ()}, "手机号码不能为空"),
        ({"mobiles": [MOBILE] * (MAX_BATCH + 1)}, "手机号码超过20000个"),
        ({"mobiles": [MOBILE, "138 6619 4295"]}, "手机号码格式错误"),
        ({"text": ""}, "短信内容不能为空"),
        ({"channel": 3}, "短信类型错误"),
        ({"mobiles": [MOBILE] * 11}, "余额不足"),
    ],
)
def test_a_refused_send_changes_nothing(options: Mapping[str, Any], words: str) -> None:
    one = gateway()
    with pytest.raises(RefusedError, match=words):
        send(one, **options)
    assert one.sent == ()
    assert set(one.balances("test").values()) == {10}
    assert one.poll_reports("test", "密码1".encode()) == []


def test_the_largest_number_of_recipients_is_accepted() -> None:
    one = gateway()
    one.set_balance("test", {Channel.GATEWAY: MAX_BATCH})
    send(one, *[MOBILE] * MAX_BATCH)
    assert one.balances("test") == {Channel.CARD: 0, Channel.GATEWAY: 0, Channel.MEMBER: 0}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_password_is_accepted_in_either_charset(encoding: str) -> None:
    assert gateway().ask_balance("test", "密码1".encode(encoding))[Channel.CARD] == 10


@pytest.mark.parametrize(("username", "password"), [("test", "wrong"), ("test", ""), ("nobody", "密码1"), ("", "")])
def test_wrong_credentials_are_refused(username: str, password: str) -> None:
    one = gateway()
    for ask in (one.ask_balance, one.poll_reports, one.poll_replies):
        with pytest.raises(RefusedError, match="用户名或密码错误"):
            ask(username, password.encode())


def broken(number: str) -> DeliveryStatus:
    raise LookupError(number)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (DeliveryStatus.UNKNOWN, [DeliveryStatus.UNKNOWN] * 2),
        ({SECOND_MOBILE: DeliveryStatus.FAILED}, [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED]),
        ({SECOND_MOBILE: None}, [DeliveryStatus.DELIVERED]),
        (lambda number: DeliveryStatus.FAILED if number == MOBILE else None, [DeliveryStatus.FAILED]),
    ],
)
def test_the_status_of_a_message_can_be_chosen(status: Status, expected: list[DeliveryStatus]) -> None:
    one = gateway(status=status)
    send(one, MOBILE, SECOND_MOBILE)
    assert [report.status for report in one.poll_reports("test", "密码1".encode())] == expected


def test_a_failing_status_function_changes_nothing() -> None:
    one = gateway(status=broken)
    with pytest.raises(LookupError):
        send(one)
    assert one.sent == ()
    assert one.balances("test")[Channel.GATEWAY] == 10


def test_a_poll_returns_at_most_max_records() -> None:
    one = gateway(max_records=2)
    send(one, *[MOBILE] * 5)
    assert [len(one.poll_reports("test", "密码1".encode())) for _ in range(4)] == [2, 2, 1, 0]


def test_a_poll_may_leave_its_records() -> None:
    one = gateway(consuming=False, max_records=1)
    first = one.inject_report(MOBILE, DeliveryStatus.FAILED, batch_id="66", when=NOON)
    one.inject_report(SECOND_MOBILE, DeliveryStatus.FAILED, batch_id="66")
    assert one.poll_reports("test", "密码1".encode()) == one.poll_reports("test", "密码1".encode()) == [first]


def test_an_injected_reply_is_polled() -> None:
    one = gateway(clock=lambda: datetime(2012, 8, 16, 4, 0, tzinfo=UTC))
    queued = one.inject_reply(MOBILE, "你谁啊?😀")
    assert one.poll_replies("test", "密码1".encode()) == [queued]
    assert (queued.mobile, queued.receiver, queued.text) == (MOBILE, "test", "你谁啊?😀")
    assert queued.raw == "你谁啊?😀".encode("gb18030")
    assert queued.received_at == NOON.replace(tzinfo=CHINA)
    assert one.poll_replies("test", "密码1".encode()) == []


def test_one_of_several_accounts_must_be_named() -> None:
    one = gateway()
    one.add_account("other", "secret2", {Channel.CARD: 3})
    with pytest.raises(UnknownAccountError):
        one.inject_reply(MOBILE, "回象")
    one.inject_reply(MOBILE, "回象", username="other", when=NOON)
    one.inject_report(MOBILE, DeliveryStatus.UNKNOWN, batch_id="66", username="other")
    assert one.poll_replies("test", "密码1".encode()) == []
    assert one.poll_reports("test", "密码1".encode()) == []
    assert len(one.poll_replies("other", b"secret2")) == len(one.poll_reports("other", b"secret2")) == 1
    assert one.balances("other") == {Channel.CARD: 3, Channel.GATEWAY: 0, Channel.MEMBER: 0}


def test_a_balance_query_that_comes_too_soon_is_refused() -> None:
    now = NOON
    one = gateway(balance_interval=10, clock=lambda: now)
    one.ask_balance("test", "密码1".encode())
    now += timedelta(seconds=9)
    with pytest.raises(RefusedError, match="查询过于频繁"):
        one.ask_balance("test", "密码1".encode())
    now += timedelta(seconds=1)
    one.ask_balance("test", "密码1".encode())


def test_the_default_clock_is_the_vendors() -> None:
    assert send(gateway()).sent_at.utcoffset() == timedelta(hours=8)


def test_a_password_can_be_changed() -> None:
    one = gateway()
    with pytest.raises(UnknownAccountError):
        one.change_password("nobody", b"", "new1")
    for old, new in [
        (b"wrong", "new1"),
        ("密码1".encode(), ""),
        ("密码1".encode(), "new-1"),
        ("密码1".encode(), "密码2"),
    ]:
        with pytest.raises(RefusedError):
            one.change_password("test", old, new)
    one.change_password("test", "密码1".encode(), "new1")
    assert one.ask_balance("test", b"new1")
    with pytest.raises(RefusedError):
        one.ask_balance("test", "密码1".encode())


@pytest.mark.parametrize(("username", "password"), [("test", "x"), ("", "x"), ("new", "")])
def test_an_unusable_account_is_refused(username: str, password: str) -> None:
    with pytest.raises(ConfigurationError):
        gateway().add_account(username, password)


def test_no_repr_shows_private_data() -> None:
    one = gateway()
    shown = repr(send(one)) + repr(one) + repr(one.sent)
    assert "337017332" in shown
    for private in (MOBILE, "你好", "密码1"):
        assert private not in shown


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def polled(one: Gateway) -> list[tuple[str, str | None]]:
    return [(report.mobile, report.batch_id) for report in one.poll_reports("test", "密码1".encode())]


THIRD_MOBILE = "13800001234"
NUMBERS = (MOBILE, SECOND_MOBILE, THIRD_MOBILE)


def test_reports_come_late() -> None:
    clock = Clock()
    one = gateway(clock=clock, delivery=Delivery(delay=60))
    send(one, *NUMBERS)
    assert polled(one) == []
    one.delivery = Delivery()
    send(one)
    assert polled(one) == [(MOBILE, "337017333")]
    clock.now += timedelta(seconds=59)
    assert polled(one) == []
    clock.now += timedelta(seconds=1)
    assert [mobile for mobile, _ in polled(one)] == [*NUMBERS]
    assert polled(one) == []


def test_reports_are_spread_over_a_time() -> None:
    clock = Clock()
    one = gateway(clock=clock, delivery=Delivery(delay=10, spread=100))
    send(one, *NUMBERS)
    clock.now += timedelta(seconds=9)
    assert polled(one) == []
    came = []
    for _ in range(101):
        clock.now += timedelta(seconds=1)
        came.append(polled(one))
    assert sorted(mobile for poll in came for mobile, _ in poll) == sorted(NUMBERS)
    assert max(map(len, came)) < 3


@pytest.mark.parametrize(
    ("delivery", "order"),
    [
        (Delivery(order="reversed"), (THIRD_MOBILE, SECOND_MOBILE, MOBILE)),
        (Delivery(copies=2), (MOBILE, MOBILE, SECOND_MOBILE, SECOND_MOBILE, THIRD_MOBILE, THIRD_MOBILE)),
        (Delivery(), NUMBERS),
    ],
)
def test_the_order_and_the_number_of_reports(delivery: Delivery, order: tuple[str, ...]) -> None:
    one = gateway(delivery=delivery)
    send(one, *NUMBERS)
    assert tuple(mobile for mobile, _ in polled(one)) == order


def test_reports_are_shuffled_in_the_same_way_each_time() -> None:
    orders = []
    for _ in range(2):
        one = Gateway(delivery=Delivery(order="shuffled"))
        one.add_account("test", "密码1", balance=1000)
        for _ in range(10):
            send(one, *NUMBERS)
        orders.append([mobile for mobile, _ in polled(one)])
    assert orders[0] == orders[1]
    assert orders[0] != [*NUMBERS] * 10
    assert sorted(orders[0]) == sorted([*NUMBERS] * 10)


@pytest.mark.parametrize(
    ("batch_ids", "shown"),
    [("own", "337017332"), ("padded", "000000337017332"), ("other", "9337017332"), ("none", None)],
)
def test_reports_with_other_batch_ids(batch_ids: Any, shown: str | None) -> None:
    one = gateway(delivery=Delivery(batch_ids=batch_ids))
    assert send(one, *NUMBERS).batch_id == "337017332"
    assert polled(one) == [(number, shown) for number in NUMBERS]


def test_a_poll_that_does_not_consume_returns_its_records_again() -> None:
    one = gateway(consuming=False, max_records=2)
    send(one, *NUMBERS)
    assert polled(one) == polled(one) == [(MOBILE, "337017332"), (SECOND_MOBILE, "337017332")]
    for number in NUMBERS:
        one.inject_reply(number, "好")
    for _ in range(2):
        assert [reply.mobile for reply in one.poll_replies("test", "密码1".encode())] == [MOBILE, SECOND_MOBILE]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"delay": -1}, "delay and spread"),
        ({"spread": float("nan")}, "delay and spread"),
        ({"copies": 0}, "copies"),
        ({"order": "random"}, "order must be one of 'sent', 'reversed', 'shuffled'"),
        ({"batch_ids": "mine"}, "batch_ids must be one of 'own', 'padded', 'other', 'none'"),
    ],
)
def test_a_delivery_that_is_none(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{problem}"):
        Delivery(**options)


def statuses(of: Gateway) -> list[tuple[str, str]]:
    return [(report.mobile, report.status.name) for report in of.poll_reports("test", "密码1".encode())]


def test_reports_by_hand_take_the_place_of_those_that_wait() -> None:
    one = gateway()
    message = send(one, MOBILE, SECOND_MOBILE)
    (report,) = one.report(message.batch_id, DeliveryStatus.FAILED, mobile=MOBILE)
    assert report.batch_id == message.batch_id
    assert statuses(one) == [(SECOND_MOBILE, "DELIVERED"), (MOBILE, "FAILED")]
    # Nothing waits any more, so that a new report comes besides the old one.
    assert len(one.report(message.batch_id, DeliveryStatus.UNKNOWN)) == 2
    assert one.report(message.batch_id, None) == ()
    assert statuses(one) == []


def test_late_reports_by_hand() -> None:
    now = NOON
    one = gateway(clock=lambda: now)
    message = send(one)
    one.report(message.batch_id, DeliveryStatus.DELIVERED, delay=60)
    assert statuses(one) == []
    now += timedelta(seconds=60)
    assert statuses(one) == [(MOBILE, "DELIVERED")]


def test_reports_by_hand_need_a_message_and_its_number() -> None:
    one = gateway()
    message = send(one)
    with pytest.raises(ConfigurationError, match=r"^message must be"):
        one.report("1", DeliveryStatus.FAILED)
    with pytest.raises(ConfigurationError, match=r"^to must be"):
        one.report(message.batch_id, DeliveryStatus.FAILED, mobile=SECOND_MOBILE)


def test_a_reset_leaves_an_account_as_it_was_opened() -> None:
    one = gateway(status=DeliveryStatus.FAILED)
    send(one)
    one.inject_reply(MOBILE, "好")
    one.reset()
    assert one.sent == ()
    assert statuses(one) == []
    assert one.poll_replies("test", "密码1".encode()) == []
    assert one.balances("test")[Channel.GATEWAY] == 10
    # Batch ids go on, so that no two messages of a gateway share one.
    assert send(one).batch_id == "337017333"
    assert statuses(one) == [(MOBILE, "FAILED")]


def test_a_negative_balance_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="balance"):
        gateway().set_balance("test", {Channel.CARD: -1})
