"""The models: values that compare, travel and show no personal data. All numbers and texts are made up."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.model import sent, values as models
from jzysoap.model.errors import GatewayError
from jzysoap.model.masking import MAX_SHOWN
from jzysoap.model.sent import Batch, JzySoapError, Outcome, Sent
from jzysoap.model.values import (
    Balance,
    Channel,
    CleanNumbers,
    DeliveryReport,
    DeliveryStatus,
    Estimate,
    InvalidNumber,
    Poll,
    Rejected,
    Reply,
)
from tests.kit.samples import TEXT

NUMBER = "13812345678"
WHEN = datetime(2017, 6, 1, 12, 30, 5, tzinfo=timezone(timedelta(hours=8)))
FIELDS = {"mobile": NUMBER, "content": TEXT}

REPORT = DeliveryReport(NUMBER, "user", "12894", DeliveryStatus.DELIVERED, WHEN)
REPLY = Reply(NUMBER, "user", TEXT, TEXT.encode("gbk"), WHEN)
REJECTED = Rejected(f"<psreport>{NUMBER}</psreport>", "it has no mobile")
ONE = Batch((NUMBER,), Outcome.ACCEPTED, "337017332")
OTHER = Batch((NUMBER, "13912345678"), Outcome.UNKNOWN)
ALL: list[tuple[Any, str]] = [
    (InvalidNumber(3, NUMBER, "is the same as #1"), "<InvalidNumber #3 138****5678: is the same as #1>"),
    (InvalidNumber(1, TEXT, "is no number"), "<InvalidNumber #1 ***********: is no number>"),
    (
        CleanNumbers((NUMBER,), (InvalidNumber(2, NUMBER, "again"),), ()),
        "<CleanNumbers valid=1 duplicate=1 invalid=0>",
    ),
    (
        Estimate(2, 3, (InvalidNumber(1, NUMBER, "bad"),)),
        "<Estimate 2 recipients, 3 segments each, cost=6, invalid=1, repeated=0>",
    ),
    (ONE, "<Batch accepted: 1 number, batch_id=337017332>"),
    (OTHER, "<Batch unknown: 2 numbers, batch_id=None>"),
    (Sent((ONE,), 1), "<Sent accepted: 1 number in 1 batch, 1 segment each, batch_id=337017332>"),
    (Sent((ONE, OTHER), 2), "<Sent accepted, unknown: 3 numbers in 2 batches, 2 segments each, batch_id=None>"),
    (Balance(684, 49919, None, f"memberSmsNum=684 {NUMBER}"), "Balance(member=684, gateway=49919, card=None)"),
    (REPORT, "<DeliveryReport 138****5678 DELIVERED, batch_id=12894, sent_at=2017-06-01 12:30:05+08:00>"),
    (
        DeliveryReport(NUMBER, None, None, DeliveryStatus.UNKNOWN, None, FIELDS),
        "<DeliveryReport 138****5678 UNKNOWN, batch_id=None, sent_at=None, malformed>",
    ),
    (REPLY, "<Reply from 138****5678, 11 characters, received_at=2017-06-01 12:30:05+08:00>"),
    (
        Reply(NUMBER, None, TEXT, b"", None, FIELDS),
        "<Reply from 138****5678, 11 characters, received_at=None, malformed>",
    ),
    (REJECTED, "<Rejected 32 characters: it has no mobile>"),
    (Poll((REPORT, REPLY), (REJECTED,), b"raw " + NUMBER.encode()), "<Poll 2 records, 1 rejected, 15 bytes>"),
    (Poll(), "<Poll 0 records, 0 rejected, 0 bytes>"),
]
every_model = pytest.mark.parametrize(("model", "shown"), ALL, ids=[type(model).__name__ for model, _ in ALL])


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  # our own


def test_no_model_is_left_out_here() -> None:
    assert {type(model) for model, _ in ALL} == {
        one for one in {**vars(models), **vars(sent)}.values() if dataclasses.is_dataclass(one)
    }


@every_model
def test_a_repr_holds_no_number_and_no_text(model: Any, shown: str) -> None:
    assert repr(model) == shown
    for form in (str(model), f"{model}", repr([model]), f"{model!a}"):
        assert NUMBER not in form
        assert TEXT not in form
        assert "1234" not in form.replace("138****5678", "")


@every_model
@pytest.mark.parametrize("copied", [pickled(2), pickled(3), pickled(pickle.HIGHEST_PROTOCOL), copy.copy, copy.deepcopy])
def test_a_model_survives(model: Any, shown: str, copied: Callable[[Any], Any]) -> None:
    other = copied(model)
    assert type(other) is type(model)
    assert other == model
    assert hash(other) == hash(model)
    for field in dataclasses.fields(model):
        assert getattr(other, field.name) == getattr(model, field.name)


@every_model
def test_a_model_is_frozen_and_slotted(model: Any, shown: str) -> None:
    for field in dataclasses.fields(model):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(model, field.name, None)
    assert not hasattr(model, "__dict__")
    assert model != "something else"
    assert model != None  # noqa: E711  # the comparison itself


def test_the_wires_numbers() -> None:
    assert [(one.name, one.value) for one in Channel] == [("CARD", 0), ("GATEWAY", 1), ("MEMBER", 2)]
    assert [(one.name, one.value) for one in DeliveryStatus] == [("FAILED", 0), ("DELIVERED", 1), ("UNKNOWN", 2)]
    assert pickled(2)(Channel.CARD) is Channel.CARD
    assert pickled(2)(Outcome.NOT_SENT) is Outcome.NOT_SENT


def test_the_balance_of_a_channel() -> None:
    balance = Balance(684, 49919, None, "raw")
    assert [balance[channel] for channel in Channel] == [None, 49919, 684]
    assert balance == Balance(684, 49919, None, "another raw")
    with pytest.raises(KeyError):
        balance[7]  # type: ignore[index]  # what is tested
    # Channels are numbers, but a balance is no sequence of three.
    with pytest.raises(TypeError, match="'Balance' object is not iterable"):
        list(balance)  # type: ignore[call-overload]  # what is tested


def test_a_sent_has_a_batch_id_when_it_is_one_batch() -> None:
    assert Sent((ONE,), 1).batch_id == "337017332"
    assert Sent((OTHER,), 1).batch_id is None
    assert Sent((ONE, ONE), 1).batch_id is None
    assert Sent((), 1).batch_id is None
    assert Sent((ONE, OTHER), 1).mobiles == (NUMBER, NUMBER, "13912345678")


def test_a_sent_compares_with_the_errors_in_it() -> None:
    error = JzySoapError("so")
    error.result = Sent((Batch((NUMBER,), Outcome.UNKNOWN, None, error),), 1)
    assert error.result == Sent((Batch((NUMBER,), Outcome.UNKNOWN, None, error),), 1)
    assert error.result != Sent((Batch((NUMBER,), Outcome.UNKNOWN, None, JzySoapError("so")),), 1)
    assert hash(error.result) == hash(copy.copy(error.result))
    # Nor does a refusal in it show what it holds.
    refused = Batch((NUMBER,), Outcome.REJECTED, None, GatewayError(f"号码{NUMBER}错误"))
    assert NUMBER not in repr(Sent((refused,), 1)) + repr(refused)


def test_a_poll_is_a_sequence() -> None:
    poll: Poll[str] = Poll(("a", "b", "a"), (REJECTED,), b"raw")
    assert isinstance(poll, Sequence)
    assert (len(poll), poll[0], poll[-1], poll[1:], list(poll)) == (3, "a", "a", ("b", "a"), ["a", "b", "a"])
    assert (poll.index("b"), poll.count("a"), "b" in poll, list(reversed(poll))) == (1, 2, True, ["a", "b", "a"])
    assert poll
    # A poll that has only unreadable records must not look empty.
    assert Poll((), (REJECTED,), b"raw")
    assert not Poll((), (), b"raw")
    with pytest.raises(IndexError):
        poll[3]
    # As those write it who test their own code with one.
    assert Poll[str](("a", "b", "a"), (REJECTED,), b"raw") == poll


@pytest.mark.parametrize(
    "other", [Poll(("a",)), Poll(("a", "b"), (REJECTED,)), Poll(("a", "b"), (), b"raw"), ("a", "b")]
)
def test_polls_with_anything_different_are_different(other: object) -> None:
    poll = Poll(("a", "b"))
    assert poll != other
    assert poll == Poll(("a", "b"))
    assert len({poll, Poll(("a", "b")), other}) == 2


def test_odd_fields_count_in_a_comparison_and_not_in_a_hash() -> None:
    odd = dataclasses.replace(REPORT, raw_fields=FIELDS)
    assert odd != REPORT
    assert hash(odd) == hash(REPORT)
    assert hash(dataclasses.replace(REPLY, raw_fields=FIELDS)) == hash(REPLY)


@pytest.mark.parametrize(
    ("batch_id", "shown"),
    [
        ("337017332", "337017332"),
        ("a1B2" * 10, "a1B2" * 10),
        ("7" * 41, "777****7777"),
        ("id\r\nFORGED", "id FORGED"),
        (f"id {NUMBER}", "id 138****5678"),
        ("\x1b[2J\ud800", "[2J"),
        ("-" * 5000, "-" * (MAX_SHOWN - 1) + "…"),
        ("", ""),
    ],
)
def test_a_batch_id_is_not_trusted_in_a_repr(batch_id: str, shown: str) -> None:
    assert f"batch_id={shown}>" in repr(Batch((), Outcome.ACCEPTED, batch_id))
    assert f"batch_id={shown}>" in repr(Sent((Batch((), Outcome.ACCEPTED, batch_id),), 1))
    assert f"batch_id={shown}, " in repr(dataclasses.replace(REPORT, batch_id=batch_id))


@given(st.text(st.characters()) | st.from_regex(r"\+?[0-9]{1,30}", fullmatch=True), st.text(st.characters()))
def test_no_record_however_odd_breaks_its_repr_or_shows_itself(mobile: str, text: str) -> None:
    records = [
        DeliveryReport(mobile, text, None, DeliveryStatus.FAILED, None, {"mobile": mobile}),
        Reply(mobile, text, text, b"", None, {"content": text}),
        InvalidNumber(1, mobile, "bad"),
    ]
    for record in records:
        shown = repr(record)
        assert shown.encode()
        assert not re.search(r"[\x00-\x1f\x7f]", shown)
        assert len(shown) <= MAX_SHOWN + 120
        assert not re.search(r"[0-9]{8}", shown)
        assert pickled(2)(record) == record
