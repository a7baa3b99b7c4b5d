"""What delivery reports say about batches, as the database keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from jzysoap import Client, DeliveryStatus, Outcome
from jzysoap.mailbox import Evidence, Mailbox, State
from jzysoap.model.values import CHINA
from jzysoap.sandbox import Delivery, Gateway, Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT, THIRD_MOBILE
from tests.mailbox.conftest import MakeBox, answer, change


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """A gateway that returns no batch ids, as over SOAP."""
    with Sandbox() as sandbox:
        yield sandbox


def lose(sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", drop=True, acted=True)


def report(sandbox: Sandbox, batch_id: str, mobiles: Sequence[str], *, minutes: float = 0) -> None:
    """Let the next poll return reports under an id of the gateway's."""
    sent_at = datetime.now(CHINA).replace(microsecond=0) + timedelta(minutes=minutes)
    for mobile in mobiles:
        sandbox.gateway.inject_report(mobile, DeliveryStatus.DELIVERED, batch_id=batch_id, when=sent_at)


def test_reports_settle_an_unknown_batch(box: Mailbox, sandbox: Sandbox) -> None:
    lose(sandbox)
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    assert message.outcome is Outcome.UNKNOWN
    box.collect()
    (batch,) = box.message(message.id).batches
    assert (batch.state, batch.evidence, batch.batch_id) == (
        State.ACCEPTED,
        Evidence.MATCH,
        sandbox.gateway.sent[0].batch_id,
    )
    last = box.history(message.id)[-1]
    assert (last.before, last.after, last.by) == (State.UNKNOWN, State.ACCEPTED, "matching")
    assert {one.status for one in box.deliveries(message.id)} == {DeliveryStatus.DELIVERED}
    with box.reports() as reports:
        assert {stored.message_id for stored in reports} == {message.id}


def test_a_report_before_the_answer_settles_a_lost_answer(make_box: MakeBox, sandbox: Sandbox) -> None:
    boxes: list[Mailbox] = []

    def collect(_: object) -> None:
        # The call has ended without an answer; its outcome is not recorded yet.
        if not boxes[0].counts().get("report ready"):
            boxes[0].collect()

    with Client(sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False, on_call=collect) as client:
        boxes.append(make_box(client=client))
        lose(sandbox)
        message = boxes[0].send([MOBILE, SECOND_MOBILE], TEXT)
    (batch,) = message.batches
    assert (batch.state, batch.evidence) == (State.ACCEPTED, Evidence.MATCH)
    assert [change.by for change in boxes[0].history(message.id)] == ["gateway", "matching"]


def test_reports_name_the_batch_of_an_answer_without_an_id(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    assert message.batches[0].batch_id is None
    box.collect()
    (batch,) = box.message(message.id).batches
    assert (batch.state, batch.evidence) == (State.ACCEPTED, Evidence.ANSWER)
    assert batch.batch_id == sandbox.gateway.sent[0].batch_id
    # Once more: nothing changes.
    before = box.history(message.id)
    report(sandbox, str(batch.batch_id), [MOBILE])
    box.collect()
    assert box.history(message.id) == before


def test_a_single_number_is_settled_on_an_account_of_ones_own(box: Mailbox, sandbox: Sandbox) -> None:
    lose(sandbox)
    message = box.send(MOBILE, TEXT)
    box.collect()
    assert box.message(message.id).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("told", [True, False])
def test_a_single_number_is_not_settled_on_a_shared_account(make_box: MakeBox, sandbox: Sandbox, told: bool) -> None:
    box = make_box(shared=True if told else None)
    if not told:
        report(sandbox, "990", [THIRD_MOBILE])
        box.collect()
        # It stays known, for a month.
        report(sandbox, "991", [THIRD_MOBILE])
        box.collect()
    lose(sandbox)
    message = box.send(MOBILE, TEXT)
    box.collect()
    (batch,) = box.message(message.id).batches
    assert batch.state is State.UNKNOWN
    assert box.hints(batch.id) == (sandbox.gateway.sent[0].batch_id,)


def test_a_mailbox_may_be_told_that_nobody_shares_its_account(make_box: MakeBox, sandbox: Sandbox) -> None:
    box = make_box(shared=False)
    # Long before: on the same day it would be proof of the opposite.
    report(sandbox, "990", [THIRD_MOBILE], minutes=-300)
    box.collect()
    lose(sandbox)
    message = box.send(MOBILE, TEXT)
    box.collect()
    assert box.message(message.id).outcome is Outcome.ACCEPTED


def test_a_contradiction_takes_a_match_back(box: Mailbox, sandbox: Sandbox) -> None:
    lose(sandbox)
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    box.collect()
    assert box.message(message.id).outcome is Outcome.ACCEPTED
    # The same id names a number that the batch has not: another account's, then.
    report(sandbox, sandbox.gateway.sent[0].batch_id, [THIRD_MOBILE])
    box.collect()
    (batch,) = box.message(message.id).batches
    assert (batch.state, batch.batch_id, batch.evidence) == (State.UNKNOWN, None, Evidence.NONE)
    assert box.history(message.id)[-1].reason == "a later delivery report contradicts the match"
    assert {one.status for one in box.deliveries(message.id)} == {None}


def test_a_person_outweighs_a_match(box: Mailbox, sandbox: Sandbox) -> None:
    lose(sandbox)
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    box.resolve(message.batches[0].id, Outcome.NOT_SENT, by="li", reason="")
    box.collect()
    (batch,) = box.message(message.id).batches
    assert (batch.state, batch.evidence) == (State.NOT_SENT, Evidence.PERSON)


def test_the_best_status_of_a_number_stays(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.gateway.status = {MOBILE: DeliveryStatus.FAILED}
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    box.collect()
    assert [one.status for one in box.deliveries(message.id)] == [DeliveryStatus.FAILED, DeliveryStatus.DELIVERED]
    report(sandbox, sandbox.gateway.sent[0].batch_id, [MOBILE])
    box.collect()
    assert [one.status for one in box.deliveries(message.id)] == [DeliveryStatus.DELIVERED] * 2


def test_reports_of_several_hours_are_matched_piece_by_piece(box: Mailbox, sandbox: Sandbox) -> None:
    messages = []
    for hours in (5, 0):
        message = box.send([MOBILE, SECOND_MOBILE], TEXT)
        started = f"started - {hours * 3_600_000}"
        change(box, f"UPDATE jzysoap_batch SET started = {started} WHERE message = {message.id}")  # noqa: S608  # numbers
        messages.append(message.id)
    # The sandbox's own reports are taken away, since its clock cannot be turned back.
    sandbox.gateway.poll_reports("test", b"secret1")
    report(sandbox, "500", [MOBILE, SECOND_MOBILE], minutes=-300)
    report(sandbox, "501", [MOBILE, SECOND_MOBILE])
    box.collect()
    assert [box.message(ident).batches[0].batch_id for ident in messages] == ["500", "501"]


def test_reports_without_a_time_are_kept(box: Mailbox, sandbox: Sandbox) -> None:
    body = re.sub(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}", b"", answer(sandbox, MOBILE))
    sandbox.fail_next("getSmsReport", body=body, headers=[("Content-Type", "text/xml;charset=utf-8")])
    box.collect()
    with box.reports() as reports:
        (stored,) = reports
    assert (stored.message_id, stored.report.sent_at) == (None, None)


def test_hints_of_what_was_never_sent(box: Mailbox) -> None:
    assert box.hints(box.enqueue(MOBILE, TEXT).batches[0].id) == ()


def test_late_padded_and_repeated_reports_are_matched(make_box: MakeBox, sandbox: Sandbox) -> None:
    gateway: Gateway = sandbox.gateway
    gateway.delivery = Delivery(copies=2, order="shuffled", batch_ids="padded")
    box = make_box()
    message = box.send([MOBILE, SECOND_MOBILE, THIRD_MOBILE], TEXT)
    assert box.collect().reports == 6
    assert {one.status for one in box.deliveries(message.id)} == {DeliveryStatus.DELIVERED}


def test_reports_that_came_before_the_sweep_settle_the_batch(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.send([MOBILE, SECOND_MOBILE], TEXT)
    # As a process leaves it that is killed before it has stored the answer.
    change(box, "UPDATE jzysoap_batch SET state = 'sending', evidence = 0, ended = NULL, lease = 9999999999999")
    box.collect()
    assert box.message(message.id).state is State.SENDING
    change(box, "UPDATE jzysoap_batch SET lease = 1")
    assert box._opened.get().store.sweep() == 1
    (batch,) = box.message(message.id).batches
    assert (batch.state, batch.evidence) == (State.ACCEPTED, Evidence.MATCH)
    assert batch.batch_id == sandbox.gateway.sent[0].batch_id
    assert [(change.after, change.by) for change in box.history(message.id)[-2:]] == [
        (State.UNKNOWN, "sweep"),
        (State.ACCEPTED, "matching"),
    ]


def test_reports_that_came_before_the_call_had_failed_settle_the_batch(
    box: Mailbox, make_box: MakeBox, sandbox: Sandbox
) -> None:
    lose(sandbox)
    with Client(
        sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False, on_call=lambda _: box.collect()
    ) as client:
        message = make_box(client=client).send([MOBILE, SECOND_MOBILE], TEXT)
    (batch,) = message.batches
    assert (batch.state, batch.evidence) == (State.ACCEPTED, Evidence.MATCH)
    assert batch.batch_id == sandbox.gateway.sent[0].batch_id
