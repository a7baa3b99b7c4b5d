"""The events of the gateway, and waiting for them."""

from __future__ import annotations

import threading

import pytest

from jzysoap import Client, DeliveryStatus, OutcomeUnknownError
from jzysoap.sandbox import Event, FaultHappened, Message, Refusal, Sandbox
from jzysoap.sandbox.events import EventLog
from tests.kit.samples import MOBILE
from tests.sandbox.test_state import CHINA, NOON, gateway, send

AT = NOON.replace(tzinfo=CHINA)


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_every_act_is_an_event() -> None:
    one = gateway()
    message = send(one)
    one.poll_reports("test", "密码1".encode())
    one.inject_reply(MOBILE, "好")
    one.poll_replies("test", "密码1".encode())
    one.inject_report(MOBILE, DeliveryStatus.FAILED, batch_id="1")
    one.set_balance("test", 5)
    one.rules_changed()
    one.reset()
    events = one.events.since(0)
    assert kinds(events) == [
        "sent",
        "report queued",
        "report consumed",
        "reply queued",
        "reply consumed",
        "report queued",
        "balance",
        "rules",
        "reset",
    ]
    assert [event.seq for event in events] == list(range(1, 10))
    assert events[0].record is message
    assert message.seq == 1


def test_polls_that_return_nothing_are_no_events() -> None:
    one = gateway(consuming=False)
    send(one)
    one.poll_reports("test", "密码1".encode())
    one.poll_replies("test", "密码1".encode())
    assert kinds(one.events.since(0)) == ["sent", "report queued"]


def test_refusals_and_faults_are_events(sandbox: Sandbox) -> None:
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        sandbox.fail_next("sendSms", drop=True, acted=True)
        with pytest.raises(OutcomeUnknownError):
            client.send(MOBILE, "你好")
        sandbox.gateway.set_balance("test", 0)
        with pytest.raises(Exception, match="余额不足"):
            client.send(MOBILE, "你好")
    records = [event.record for event in sandbox.gateway.events.since(0) if event.kind in ("refused", "fault")]
    assert records == [
        FaultHappened("sendSms", "accepted, answer lost"),
        Refusal("sendSms", "余额不足", (MOBILE,), "你好"),
    ]


def test_the_oldest_events_are_forgotten() -> None:
    log = EventLog(10)
    for _ in range(25):
        log.append("rules", AT)
    assert log.last == 25
    kept = [event.seq for event in log.since(0)]
    assert kept == list(range(kept[0], 26))
    assert 10 <= len(kept) <= 20
    assert [event.seq for event in log.since(24)] == [25]
    assert log.since(25) == log.since(99) == []


def test_a_wait_finds_what_is_there_and_what_comes() -> None:
    log = EventLog(10)
    log.append("rules", AT)
    assert log.wait(0, lambda event: event.seq, 0) == 1
    assert log.wait(1, lambda event: event.seq, 0) is None

    waiting = threading.Thread(target=lambda: found.append(log.wait(1, lambda event: event.username or None, 30)))
    found: list[str | None] = []
    waiting.start()
    log.append("rules", AT)
    log.append("sent", AT, "test")
    waiting.join(30)
    assert found == ["test"]


def test_a_wait_ends_when_it_is_stopped() -> None:
    log, stopped = EventLog(10), threading.Event()
    found: list[object] = []
    waiting = threading.Thread(
        target=lambda: found.append(log.wait(0, lambda event: event, 30, stopped=stopped.is_set))
    )
    waiting.start()
    stopped.set()
    log.wake()
    waiting.join(30)
    assert found == [None]


def test_a_function_that_is_waited_with_may_call_the_gateway() -> None:
    one = gateway()
    message = send(one)
    found = one.events.wait(0, lambda event: one.sent if isinstance(event.record, Message) else None, 0)
    assert found == (message,)
