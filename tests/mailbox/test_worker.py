"""The loop."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from jzysoap import Client, Outcome
from jzysoap.mailbox import Mailbox, State, expiry, worker
from jzysoap.model.clock import elapsed
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.mailbox.conftest import MakeBox, change


class Until:
    """Stops a loop once something is so, or after a time that no machine needs."""

    def __init__(self, done: Callable[[], bool]) -> None:
        self._done = done
        self._end = time.monotonic() + 30
        self.in_time = True

    def __call__(self) -> bool:
        self.in_time = time.monotonic() < self._end
        return self._done() or not self.in_time


def run_until(box: Mailbox, done: Callable[[], bool]) -> None:
    until = Until(done)
    box.run(until, interval=0.05)
    assert until.in_time


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TICK", 0.01)


def test_the_loop_sends_and_polls(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.enqueue([f"1380000{number:04}" for number in range(450)], TEXT)
    run_until(box, lambda: "report ready" in box.counts() and box.counts()["report ready"].number == 450)
    assert box.message(message.id).outcome is Outcome.ACCEPTED
    assert len(sandbox.gateway.sent) == 3


def test_the_loop_ends_after_the_batch_under_way(box: Mailbox, sandbox: Sandbox) -> None:
    box.enqueue([f"1380000{number:04}" for number in range(450)], TEXT)
    run_until(box, lambda: len(sandbox.gateway.sent) == 1)
    assert len(sandbox.gateway.sent) == 1
    assert {state: count.number for state, count in box.counts().items() if "report" not in state} == {
        "accepted": 1,
        "queued": 2,
    }


def test_the_loop_can_be_told_to_stop_before_it_begins(box: Mailbox, sandbox: Sandbox) -> None:
    box.enqueue(MOBILE, TEXT)
    box.run(lambda: True)
    assert sandbox.gateway.sent == ()


def test_without_a_stop_the_loop_ends_with_an_exception(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jzysoap.mailbox.worker.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        box.run()


def test_what_a_crash_left_is_unknown_and_stays_so(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.enqueue(MOBILE, TEXT)
    change(box, "UPDATE jzysoap_batch SET state = 'sending', token = 'x', lease = 1, started = 1")
    run_until(box, lambda: bool(box.unknown()))
    assert box.message(message.id).outcome is Outcome.UNKNOWN
    assert box.history(message.id)[-1].by == "sweep"
    assert sandbox.gateway.sent == ()


def test_what_is_too_late_expires(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.enqueue(MOBILE, TEXT)
    change(box, "UPDATE jzysoap_batch SET expires = 1")
    run_until(box, lambda: box.message(message.id).state is State.EXPIRED)
    assert box.message(message.id).outcome is Outcome.NOT_SENT
    assert sandbox.gateway.sent == ()


def test_nothing_expires_while_the_clock_jumps(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "_TIDY", 0.0)
    message = box.enqueue(MOBILE, TEXT)
    box.hold()
    box.dispatch()
    monkeypatch.setattr(expiry, "elapsed", lambda: elapsed() + 10_000)
    caplog.set_level(logging.WARNING, "jzysoap.mailbox")
    run_until(box, lambda: "the database's clock has jumped" in caplog.text)
    assert box.message(message.id).state is State.QUEUED
    change(box, "UPDATE jzysoap_batch SET expires = 1")
    run_until(box, lambda: box.message(message.id).state is State.EXPIRED)


def test_old_keys_are_forgotten(box: Mailbox, sandbox: Sandbox) -> None:
    old = box.send(MOBILE, TEXT, key="order-1")
    box.send(SECOND_MOBILE, TEXT, key="order-2")
    sandbox.fail_next("sendSms", drop=True, acted=True)
    unknown = box.send(SECOND_MOBILE, TEXT, key="order-3")
    change(box, f"UPDATE jzysoap_message SET created = 1 WHERE id IN ({old.id}, {unknown.id})")  # noqa: S608  # ids
    change(box, f"UPDATE jzysoap_batch SET ended = 1 WHERE message IN ({old.id}, {unknown.id})")  # noqa: S608  # ids
    run_until(box, lambda: box.find("order-1") is None)
    assert box.find("order-2") is not None
    assert box.find("order-3") is not None
    assert box.message(old.id).key == "order-1"
    assert box.send(SECOND_MOBILE, "别的", key="order-1").id != old.id


def test_what_is_old_is_deleted(make_box: MakeBox) -> None:
    box = make_box(retention=timedelta(hours=1))
    old, new = box.send(MOBILE, TEXT), box.send(SECOND_MOBILE, TEXT)
    change(box, f"UPDATE jzysoap_message SET created = 1 WHERE id = {old.id}")  # noqa: S608  # an id
    change(box, f"UPDATE jzysoap_batch SET ended = 1 WHERE message = {old.id}")  # noqa: S608  # an id
    run_until(box, lambda: box.counts()["accepted"].number == 1)
    # The next loop finds nothing to delete.
    looks = itertools.count()
    run_until(box, lambda: next(looks) > 3)
    assert box.message(new.id) == new


def test_a_refused_account_stops_the_loops_sending(
    box: Mailbox, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for mobile in (MOBILE, SECOND_MOBILE):
        box.enqueue(mobile, TEXT)
    sandbox.fail_next("sendSms", result="failure;余额不足")
    polls: list[int] = []

    def polled_since() -> bool:
        if "the gateway refuses the account" in caplog.text:
            polls.append(1)
        return len(polls) > 10

    run_until(box, polled_since)
    assert sandbox.gateway.sent == ()


def test_the_loop_outlives_a_gateway_that_is_down(make_box: MakeBox, caplog: pytest.LogCaptureFixture) -> None:
    with Client("http://127.0.0.1:9", "test", "secret1", cache_dir=False) as client:
        box = make_box(client=client)
        message = box.enqueue(MOBILE, TEXT)
        run_until(box, lambda: "nothing can be sent" in caplog.text and "collect failed" in caplog.text)
        assert box.message(message.id).state is State.QUEUED


def test_an_outcome_that_cannot_be_recorded_does_not_end_the_loop(
    box: Mailbox, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("jzysoap.mailbox.outbox.RECORD_FOR", 0.0)
    message = box.enqueue(MOBILE, TEXT)
    # A state that no outcome fits is refused by the database.
    change(box, "ALTER TABLE jzysoap_event RENAME TO away")
    run_until(box, lambda: "could not be recorded" in caplog.text)
    change(box, "ALTER TABLE away RENAME TO jzysoap_event")
    assert len(sandbox.gateway.sent) == 1
    assert box.message(message.id).state is State.SENDING
    change(box, "UPDATE jzysoap_batch SET lease = 1")
    run_until(box, lambda: box.message(message.id).state is State.UNKNOWN)
    assert len(sandbox.gateway.sent) == 1


def test_on_sqlite_the_second_loop_waits_for_the_first(
    box: Mailbox, make_box: MakeBox, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    if not database_url.startswith("sqlite"):
        # On a server they share the work.
        box.enqueue(MOBILE, TEXT)
        run_until(make_box(), lambda: bool(box.counts().get("accepted")))
        return
    caplog.set_level(logging.INFO, "jzysoap.mailbox")
    second = make_box()
    ended = threading.Event()
    first = threading.Thread(target=box.run, args=(ended.is_set,))
    first.start()
    try:
        Until(lambda: box._opened.get().records is not None)()
        deadline = Until(lambda: _runs(box))
        while not deadline():
            time.sleep(0.01)
        looks: list[int] = []

        def waited() -> bool:
            looks.append(1)
            return "waiting for its end" in caplog.text and len(looks) > 5

        run_until(second, waited)
    finally:
        ended.set()
        first.join()
    second.enqueue(MOBILE, TEXT)
    run_until(second, lambda: "accepted" in second.counts())


def _runs(box: Mailbox) -> bool:
    count = box._database.read(
        lambda connection: connection.exec_driver_sql(
            "SELECT count(*) FROM jzysoap_lease WHERE name LIKE 'run%'"
        ).scalar_one()
    )
    return bool(count)
