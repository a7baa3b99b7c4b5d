"""Sending: what is stored, what is sent, and what a repeated key does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jzysoap import Channel, Client, InvalidMessageError, Outcome
from jzysoap.mailbox import Evidence, KeyReusedError, Mailbox, NotFoundError, State, expiry
from jzysoap.model.clock import elapsed
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.mailbox.conftest import MakeBox, change

MANY = [f"1380000{number:04}" for number in range(450)]


def test_a_message_is_stored_sent_and_settled(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.send(MOBILE, TEXT, channel=Channel.CARD, extension="0123", signature="签名")
    (batch,) = message.batches
    assert (message.state, message.outcome, message.text) == (State.ACCEPTED, Outcome.ACCEPTED, f"【签名】{TEXT}")
    assert (batch.mobiles, batch.evidence, batch.attempts, batch.error) == ((MOBILE,), Evidence.ANSWER, 1, None)
    (sent,) = sandbox.gateway.sent
    assert (sent.mobiles, sent.text, sent.channel, sent.batch_id) == (
        (MOBILE,),
        f"【签名】{TEXT}",
        Channel.CARD,
        batch.batch_id,
    )
    assert batch.started_at is not None
    assert batch.ended_at is not None
    assert message.created_at <= batch.started_at <= batch.ended_at < message.expires_at
    assert not message.replayed
    assert box.message(message.id) == message


def test_each_batch_is_a_call_of_its_own(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;号码有误", after=1)
    message = box.send(MANY, TEXT)
    assert [(len(batch.mobiles), batch.state) for batch in message.batches] == [
        (200, State.ACCEPTED),
        (200, State.REJECTED),
        (50, State.ACCEPTED),
    ]
    assert (message.state, message.outcome) == (State.REJECTED, Outcome.REJECTED)
    assert [len(sent.mobiles) for sent in sandbox.gateway.sent] == [200, 50]


def test_a_repeated_key_sends_nothing(box: Mailbox, sandbox: Sandbox) -> None:
    first = box.send(MOBILE, TEXT, key="order-1")
    again = box.send(f"+86 {MOBILE}", TEXT, key="order-1")
    queued = box.enqueue(MOBILE, TEXT, key="order-1")
    assert (again.id, again.replayed, queued.id, queued.replayed) == (first.id, True, first.id, True)
    assert len(sandbox.gateway.sent) == 1
    found = box.find("order-1")
    assert found is not None
    assert (found.id, found.key) == (first.id, "order-1")
    assert box.find("order-2") is None


@pytest.mark.parametrize("other", [(SECOND_MOBILE, TEXT, None), (MOBILE, "别的", None), (MOBILE, TEXT, "1")])
def test_a_key_of_another_message_is_refused(
    box: Mailbox, sandbox: Sandbox, other: tuple[str, str, str | None]
) -> None:
    first = box.send(MOBILE, TEXT, key="order-1")
    mobile, text, extension = other
    with pytest.raises(KeyReusedError, match="key belongs to message") as caught:
        box.send(mobile, text, extension=extension, key="order-1")
    assert (caught.value.message_id, caught.value.field) == (first.id, "key")
    assert not caught.value.may_have_been_sent
    assert len(sandbox.gateway.sent) == 1


def test_keys_are_compared_by_their_bytes(box: Mailbox) -> None:
    keys = ["key", "KEY", "kéy", "key ", "键", "鍵"]
    assert len({box.send(MOBILE, TEXT, key=key).id for key in keys}) == len(keys)


def test_a_repeated_key_of_an_unknown_send_sends_nothing(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", drop=True, acted=True)
    first = box.send(MOBILE, TEXT, key="order-1")
    assert (first.state, first.outcome) == (State.UNKNOWN, Outcome.UNKNOWN)
    again = box.send(MOBILE, TEXT, key="order-1")
    assert (again.state, again.replayed) == (State.UNKNOWN, True)
    assert box.dispatch() == 0
    assert len(sandbox.gateway.sent) == 1
    (batch,) = box.unknown()
    assert batch.error is not None
    assert batch.error.startswith("OutcomeUnknownError")


def test_accounts_have_keys_of_their_own(box: Mailbox, make_box: MakeBox, sandbox: Sandbox) -> None:
    sandbox.gateway.add_account("other", "secret2")
    first = box.send(MOBILE, TEXT, key="order-1")
    with Client(sandbox.url, "other", "secret2", wsdl="bundled", cache_dir=False) as client:
        other = make_box(client=client)
        assert other.find("order-1") is None
        second = other.send(MOBILE, "别的", key="order-1")
        with pytest.raises(NotFoundError, match="there is no message"):
            other.message(first.id)
    assert second.account.endswith(" other")
    assert len(sandbox.gateway.sent) == 2


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"mobile": "12"}, "mobile"),
        ({"text": ""}, "text"),
        ({"key": ""}, "key"),
        ({"key": "a\nb"}, "key"),
        ({"key": "k" * 1001}, "key"),
        ({"key": 17}, "key"),
        ({"key": "\ud800"}, "key"),
        ({"not_before": datetime(2026, 1, 1)}, "not_before"),  # noqa: DTZ001  # that is the fault
        ({"expires_at": "2026"}, "expires_at"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_arguments_store_nothing(box: Mailbox, arguments: dict[str, object], field: str) -> None:
    for send in (box.send, box.enqueue):
        with pytest.raises(InvalidMessageError, match=field) as caught:
            send(**{"mobile": MOBILE, "text": TEXT, **arguments})  # type: ignore[arg-type]  # that is the fault
        assert caught.value.field == field
    assert box.counts() == {}


def test_what_is_queued_is_sent_once_it_is_due(box: Mailbox, sandbox: Sandbox) -> None:
    later = box.send(MOBILE, TEXT, not_before=datetime.now(UTC) + timedelta(hours=2))
    assert later.expires_at > datetime.now(UTC) + timedelta(hours=2, minutes=59)
    now = box.enqueue(SECOND_MOBILE, TEXT)
    assert (later.state, now.state, now.outcome) == (State.QUEUED, State.QUEUED, None)
    assert box.dispatch() == 1
    assert [sent.mobiles for sent in sandbox.gateway.sent] == [(SECOND_MOBILE,)]
    assert box.dispatch_batch(later.batches[0].id).state is State.QUEUED
    assert box.dispatch_batch(now.batches[0].id).state is State.ACCEPTED
    assert len(sandbox.gateway.sent) == 1


def test_what_is_dispatched_too_late_expires(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.enqueue(MOBILE, TEXT)
    change(box, "UPDATE jzysoap_batch SET expires = 1")
    assert box.dispatch() == 0
    assert (box.message(message.id).state, box.message(message.id).outcome) == (State.EXPIRED, Outcome.NOT_SENT)
    assert sandbox.gateway.sent == ()


def test_nothing_expires_while_the_clock_jumps(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    message = box.enqueue(MOBILE, TEXT)
    box.hold()
    box.dispatch()
    change(box, "UPDATE jzysoap_batch SET expires = 1")
    monkeypatch.setattr(expiry, "elapsed", lambda: elapsed() + 10_000)
    box.dispatch()
    assert box.message(message.id).state is State.QUEUED
    box.dispatch()
    assert box.message(message.id).state is State.EXPIRED


def test_one_batch_of_the_queue_is_sent_by_its_id(box: Mailbox, sandbox: Sandbox) -> None:
    first, second = (box.enqueue(mobile, TEXT).batches[0].id for mobile in (MOBILE, SECOND_MOBILE))
    assert box.dispatch_batch(second).state is State.ACCEPTED
    assert box.dispatch_batch(second).attempts == 1
    assert [sent.mobiles for sent in sandbox.gateway.sent] == [(SECOND_MOBILE,)]
    with pytest.raises(NotFoundError, match="no batch"):
        box.dispatch_batch(second + first)


def test_dispatch_sends_so_many(box: Mailbox) -> None:
    box.enqueue(MANY, TEXT)
    assert [box.dispatch(limit=2), box.dispatch(), box.dispatch()] == [2, 1, 0]


def test_a_campaign_of_one_hundred_thousand(box: Mailbox) -> None:
    message = box.enqueue((str(13800000000 + number) for number in range(100_000)), TEXT)
    assert len(message.batches) == 500
    assert message.batches[-1].mobiles[-1] == "13800099999"


@pytest.mark.parametrize("fault", [{"result": "failure;操作过于频繁"}, {"result": "failure;余额不足"}])
def test_a_refusal_that_ends_is_tried_again_later(box: Mailbox, sandbox: Sandbox, fault: dict[str, str]) -> None:
    sandbox.fail_next("sendSms", **fault)  # type: ignore[arg-type]  # a text
    message = box.send(MOBILE, TEXT)
    (batch,) = message.batches
    assert (batch.state, message.outcome) == (State.QUEUED, None)
    assert batch.error is not None
    assert batch.due_at > message.created_at
    assert box.dispatch() == 0


def test_a_refused_account_stops_the_round_and_loses_nothing(box: Mailbox, sandbox: Sandbox) -> None:
    messages = [box.enqueue(f"1380000000{number}", TEXT) for number in range(3)]
    sandbox.fail_next("sendSms", result="failure;用户名或密码错误", times=2)
    assert box.dispatch() == 1
    first, *rest = (box.message(message.id).batches[0] for message in messages)
    # The attempt does not count: the gateway has not even looked at the message.
    assert (first.state, first.attempts) == (State.QUEUED, 0)
    assert [batch.state for batch in rest] == [State.QUEUED, State.QUEUED]
    sandbox.fail_next("sendSms", result="failure;用户名或密码错误", times=2)
    assert [batch.state for batch in box.send(MANY, TEXT).batches] == [State.QUEUED] * 3
    assert sandbox.gateway.sent == ()


def test_without_a_gateway_the_message_waits(make_box: MakeBox) -> None:
    with Client("http://127.0.0.1:9", "test", "secret1", cache_dir=False) as client:
        box = make_box(client=client)
        message = box.send(MOBILE, TEXT)
    (batch,) = message.batches
    assert (batch.state, batch.attempts) == (State.QUEUED, 0)
    assert batch.error is not None
    assert batch.error.startswith("NotSentError")


def test_attempts_end(make_box: MakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jzysoap.mailbox.states.FIRST_PAUSE", 0.0)
    with Client("http://127.0.0.1:9", "test", "secret1", wsdl="bundled", cache_dir=False) as client:
        box = make_box(client=client, attempts=2)
        message = box.send(MOBILE, TEXT)
        assert message.state is State.QUEUED
        box.dispatch()
        message = box.message(message.id)
    assert (message.state, message.outcome, message.batches[0].attempts) == (State.NOT_SENT, Outcome.NOT_SENT, 2)


def test_texts_are_dropped_once_a_message_has_ended(make_box: MakeBox) -> None:
    box = make_box(keep_text=False)
    assert box.send(MOBILE, TEXT).text is None
    queued = box.enqueue(MANY, TEXT)
    box.dispatch(limit=2)
    assert box.message(queued.id).text == TEXT
    box.dispatch()
    assert box.message(queued.id).text is None
    cancelled = box.enqueue(MOBILE, TEXT)
    assert box.cancel(cancelled.id).text is None


def test_deliveries_name_every_recipient(box: Mailbox) -> None:
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    assert [(one.mobile, one.status) for one in box.deliveries(message.id)] == [(MOBILE, None), (SECOND_MOBILE, None)]


def test_texts_hide_numbers(box: Mailbox) -> None:
    message = box.send(MOBILE, TEXT)
    shown = f"{message!r} {message.batches!r} {box.deliveries(message.id)!r} {box!r}"
    assert MOBILE not in shown
    assert TEXT not in shown


def test_a_refused_account_stops_the_rest_of_a_message(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;余额不足", after=1)
    message = box.send(MANY, TEXT)
    assert [batch.state for batch in message.batches] == [State.ACCEPTED, State.QUEUED, State.QUEUED]
    assert message.batches[2].error is None


def test_an_answer_after_a_person_has_decided_is_told(
    sandbox: Sandbox, make_box: MakeBox, caplog: pytest.LogCaptureFixture
) -> None:
    boxes: list[Mailbox] = []

    def decide(_: object) -> None:
        # The answer came late: meanwhile the lease has ended, and a person has decided.
        change(boxes[0], "UPDATE jzysoap_batch SET lease = 1")
        boxes[0]._opened.get().store.sweep()
        (batch,) = boxes[0].unknown()
        boxes[0].resolve(batch.id, Outcome.NOT_SENT, by="li", reason="")

    with Client(sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False, on_call=decide) as client:
        boxes.append(make_box(client=client))
        message = boxes[0].send(MOBILE, TEXT)
        assert message.state is State.NOT_SENT
        assert "came after a person or a report had decided" in caplog.text
        assert caplog.records[-1].levelname == "ERROR"
        sandbox.fail_next("sendSms", result="failure;内容有误")
        boxes[0].send(MOBILE, TEXT)
        assert caplog.records[-1].levelname == "WARNING"
