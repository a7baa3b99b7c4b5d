"""The operations as calls: their arguments, their refusals, and how they parse an answer.

All values are made up, except the samples from docs/protocol.md.
"""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from jzysoap.calls import operations as calls
from jzysoap.calls.operations import Call, Plan
from jzysoap.model.errors import GatewayError, IncompletePollError, InvalidMessageError, MalformedReplyError
from jzysoap.model.values import Balance, Channel, DeliveryStatus
from jzysoap.results.parse import Answer
from jzysoap.settings.options import Config, configure
from tests.kit.documents import inbound, report

NUMBERS = ["13800000001", "13800000002", "13800000003", "13800000004", "13800000005"]
REPORT = f"<smsreport>{report('15275427712', username='admin')}"
"""The sample in docs/protocol.md#delivery-reports, without its end."""
REPLY = f"<smsrerecv>{inbound('15275427712', '{}', receiver='admin')}</smsrerecv>"
"""The sample in docs/protocol.md#replies, whose content is ``xOPLrbChPw==``."""


def config(**arguments: object) -> Config:
    return configure({"base_url": "http://gateway.invalid", "username": "test", "password": "pw123", **arguments})


def plan(settings: Config, mobile: object = NUMBERS[0], text: object = "短信", **options: Any) -> Plan:
    given: dict[str, Any] = dict.fromkeys(("channel", "extension", "signature", "long", "batch_size"))
    return calls.send(settings, mobile, text, **{**given, **options})


def arguments(made: Plan) -> dict[str, str]:
    (part,) = made.parts
    return dict(part.call.arguments)


def test_a_send_has_the_documented_arguments() -> None:
    made = plan(config())
    (part,) = made.parts
    assert (part.mobiles, made.segments) == (("13800000001",), 1)
    assert (part.call.operation.name, part.call.operation.kind, part.call.numbers, part.call.segments) == (
        "sendSms",
        "send",
        1,
        1,
    )
    assert part.call.arguments == {
        "smstype": "1",
        "content": "短信",
        "isLongSms": "0",
        "extenno": "",
        "mobile": "13800000001",
    }
    assert not part.call.plain_password


def test_omitted_arguments_of_a_send_are_the_clients() -> None:
    settings = config(channel=Channel.MEMBER, signature="签名", extension="0001", batch_size=2)
    made = plan(settings, NUMBERS)
    assert [part.call.arguments for part in made.parts] == [
        {"smstype": "2", "content": "【签名】短信", "isLongSms": "0", "extenno": "0001", "mobile": mobile}
        for mobile in ("13800000001,13800000002", "13800000003,13800000004", "13800000005")
    ]
    assert [part.mobiles for part in made.parts] == [tuple(NUMBERS[:2]), tuple(NUMBERS[2:4]), tuple(NUMBERS[4:])]
    assert [part.call.numbers for part in made.parts] == [2, 2, 1]


def test_arguments_of_a_send_win() -> None:
    settings = config(channel=Channel.MEMBER, signature="签名", extension="0001", batch_size=2)
    options = {"channel": Channel.CARD, "signature": "【另】", "extension": "", "batch_size": 5, "long": True}
    assert arguments(plan(settings, NUMBERS, **options)) == {
        "smstype": "0",
        "content": "【另】短信",
        "isLongSms": "1",
        "extenno": "",
        "mobile": ",".join(NUMBERS),
    }
    assert arguments(plan(settings, signature=""))["content"] == "短信"


@pytest.mark.parametrize(
    ("text", "signature", "long", "sent", "segments"),
    [
        ("短" * 70, "", None, "0", 1),
        ("短" * 71, "", None, "1", 2),
        ("短" * 66, "名字", None, "0", 1),
        ("短" * 67, "名字", None, "1", 2),
        ("短" * 68 + "😀", "", None, "0", 1),
        ("短" * 69 + "😀", "", None, "1", 2),
        ("短" * 134, "", None, "1", 2),
        ("短" * 135, "", None, "1", 3),
        ("短" * 71, "", False, "0", 2),
        ("短", "", True, "1", 1),
    ],
)
def test_a_long_message_is_one_of_more_than_seventy_units_with_its_signature(
    text: str, signature: str, long: bool | None, sent: str, segments: int
) -> None:
    made = plan(config(), text=text, signature=signature, long=long)
    assert (arguments(made)["isLongSms"], made.segments, made.parts[0].call.segments) == (sent, segments, segments)


@pytest.mark.parametrize(
    ("settings", "mobile", "sent"),
    [
        ({}, "13800000001，+86 138-0000-0002,13800000001", "13800000001,13800000002"),
        ({"international": "00"}, "+85251234567", "0085251234567"),
        ({"allow_recipients": ["13800000001"]}, "13800000001", "13800000001"),
    ],
)
def test_recipients_follow_the_clients_options(settings: dict[str, object], mobile: str, sent: str) -> None:
    assert arguments(plan(config(**settings), mobile))["mobile"] == sent


@pytest.mark.parametrize(
    ("field", "settings", "wrong"),
    [
        ("text", {}, {"text": " "}),
        ("text", {}, {"text": "a\x00b"}),
        ("text", {}, {"text": None}),
        ("signature", {}, {"signature": "【】"}),
        ("signature", {}, {"signature": 1}),
        ("long", {}, {"long": 1}),
        ("channel", {}, {"channel": 3}),
        ("channel", {}, {"channel": "1"}),
        ("extension", {}, {"extension": 1}),
        ("extension", {}, {"extension": "１"}),
        ("batch_size", {}, {"batch_size": 0}),
        ("batch_size", {}, {"batch_size": 20_001}),
        ("batch_size", {}, {"batch_size": True}),
        ("mobile", {}, {"mobile": "12345"}),
        ("mobile", {}, {"mobile": []}),
        ("mobile", {"allow_recipients": [NUMBERS[1]]}, {}),
    ],
)
def test_a_refusal_names_the_argument(field: str, settings: dict[str, object], wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        plan(config(**settings), **wrong)
    assert caught.value.field == field
    assert not caught.value.may_have_been_sent


def test_only_the_gbk_servlet_limits_the_text() -> None:
    for settings in ({}, {"interface": "servlet", "utf8_servlet": True}):
        assert arguments(plan(config(**settings), text="测😀"))["content"] == "测😀"


def test_the_answer_to_a_send_is_its_batch_id() -> None:
    call = plan(config()).parts[0].call
    assert call.parse(Answer("success;337017332\r\n")) == "337017332"
    assert call.parse(Answer("success")) is None
    with pytest.raises(GatewayError, match=r"\*\*\*") as caught:
        call.parse(Answer("failure;cHcxMjM=", secrets=("cHcxMjM=",)))
    assert caught.value.text == "cHcxMjM="


def test_a_balance_is_a_query_without_arguments() -> None:
    call = calls.balance(config())
    assert (call.operation.name, call.operation.kind, call.arguments) == ("getRestMoney", "query", {})
    assert call.parse(Answer("memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964")) == Balance(684, 49919, 49964)
    with pytest.raises(MalformedReplyError):
        call.parse(Answer(None))


def test_polls_have_no_arguments() -> None:
    reports, replies = calls.reports(config()), calls.replies(config())
    assert (reports.operation.name, reports.operation.kind, reports.arguments) == ("getSmsReport", "poll", {})
    assert (replies.operation.name, replies.operation.kind, replies.arguments) == ("getRecvSMS", "poll", {})


def test_the_answer_to_a_poll_keeps_its_bytes() -> None:
    poll = calls.reports(config()).parse(Answer(f"{REPORT}</smsreport>", b"<raw/>"))
    assert [(one.mobile, one.status) for one in poll] == [("15275427712", DeliveryStatus.DELIVERED)]
    assert poll.raw == b"<raw/>"
    assert len(calls.reports(config()).parse(Answer(None, b"<nil/>"))) == 0
    with pytest.raises(IncompletePollError) as caught:
        calls.reports(config()).parse(Answer(REPORT + "<psrep", b"<cut", complete=False))
    assert (len(caught.value.poll), caught.value.raw) == (1, b"<cut")


def test_the_text_of_a_reply_is_in_the_clients_encoding() -> None:
    gbk, utf8 = "xOPLrbChPw==", "5L2g6LCB5ZWKPw=="
    (reply,) = calls.replies(config()).parse(Answer(REPLY.format(gbk)))
    assert reply.text == "你谁啊?"
    (reply,) = calls.replies(config(reply_encoding="utf-8")).parse(Answer(REPLY.format(utf8)))
    assert reply.text == "你谁啊?"


def test_the_clients_empty_texts_mean_an_empty_poll() -> None:
    for call in (calls.reports(config(empty_texts=["暂无数据"])), calls.replies(config(empty_texts=["暂无数据"]))):
        assert len(call.parse(Answer("failure;暂无数据"))) == 0
    with pytest.raises(GatewayError, match="暂无数据"):
        calls.reports(config()).parse(Answer("failure;暂无数据"))


@pytest.mark.parametrize(("base64", "sent"), [(False, "new1"), (True, "bmV3MQ==")])
def test_a_new_password_is_sent_in_the_clear_or_encoded(base64: bool, sent: str) -> None:
    call = calls.change_password(config(), "new1", base64=base64)
    assert (call.operation.name, call.operation.kind, call.arguments) == (
        "updatePassword",
        "send",
        {"newPassword": sent},
    )
    assert call.plain_password is not base64
    assert sent not in f"{call!r} {call.arguments!r}"
    call.parse(Answer("1"))
    with pytest.raises(GatewayError):
        call.parse(Answer("2"))


@pytest.mark.parametrize("wrong", ["", "a b", "密码", "x" * 65, "a\n", None, 1])
def test_a_new_password_has_letters_and_digits_only(wrong: object) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        calls.change_password(config(), wrong, base64=False)
    assert caught.value.field == "new"
    assert "x" * 65 not in str(caught.value)


def test_the_flag_base64_is_checked() -> None:
    with pytest.raises(InvalidMessageError, match=r"^base64 must be True or False$"):
        calls.change_password(config(), "new1", base64="yes")  # type: ignore[arg-type]  # that is the point


def test_nothing_personal_is_in_a_repr() -> None:
    made = plan(config(), text="秘密短信")
    shown = repr(made) + repr(Answer("success;秘密短信", b"pw123", ("pw123",)))
    assert not [value for value in ("秘密短信", "13800000001", "pw123") if value in shown]
    assert "sendSms" in shown


def test_a_call_is_frozen() -> None:
    call: Call[Any] = calls.balance(config())
    with pytest.raises(AttributeError):
        call.numbers = 2  # type: ignore[misc]  # that is the point
    assert pickle.loads(pickle.dumps(Answer("x"))) == Answer("x")  # noqa: S301  # made a moment ago
