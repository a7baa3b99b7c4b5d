"""What a person decides: resolve, resend, cancel, hold, release, purge, back up."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jzysoap import Client, ConfigurationError, InvalidMessageError, Outcome
from jzysoap.mailbox import Evidence, Mailbox, MailboxError, NotAllowedError, NotFoundError, State
from jzysoap.mailbox.rows import Claim
from jzysoap.mailbox.states import Next
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.mailbox.conftest import MakeBox, change


@pytest.fixture(name="unknown")
def _unknown(box: Mailbox, sandbox: Sandbox) -> int:
    """The id of a batch whose answer was lost."""
    sandbox.fail_next("sendSms", drop=True, acted=True)
    return box.send(MOBILE, TEXT).batches[0].id


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.NOT_SENT])
def test_an_unknown_batch_is_resolved(box: Mailbox, unknown: int, outcome: Outcome) -> None:
    batch = box.resolve(unknown, outcome, by="li", reason="the operator's console")
    assert (batch.state.value, batch.evidence) == (outcome.value, Evidence.PERSON)
    message = box.message(batch.message_id)
    assert message.outcome is outcome
    last = box.history(message.id)[-1]
    assert (last.before, last.after, last.by, last.reason) == (
        State.UNKNOWN,
        batch.state,
        "li",
        "the operator's console",
    )
    assert box.unknown() == ()
    with pytest.raises(NotAllowedError, match="only an unknown one"):
        box.resolve(unknown, outcome, by="li", reason="twice")


def test_only_two_outcomes_resolve(box: Mailbox, unknown: int) -> None:
    with pytest.raises(NotAllowedError, match="ACCEPTED or"):
        box.resolve(unknown, Outcome.REJECTED, by="li", reason="")
    with pytest.raises(NotFoundError, match="no batch"):
        box.resolve(unknown + 1, Outcome.ACCEPTED, by="li", reason="")


def test_an_unknown_batch_is_sent_again_by_a_person_alone(box: Mailbox, unknown: int, sandbox: Sandbox) -> None:
    with pytest.raises(NotAllowedError, match=r"wait 7[12]\.[0-9] hours more"):
        box.resend(unknown)
    new = box.resend(unknown, by="li", force=True)
    assert (new.state, new.resend_of, new.mobiles) == (State.QUEUED, unknown, (MOBILE,))
    # Two clicks are one.
    assert box.resend(unknown, force=True).id == new.id
    box.dispatch()
    message = box.message(new.message_id)
    assert [batch.state for batch in message.batches] == [State.SUPERSEDED, State.ACCEPTED]
    assert (message.state, message.outcome) == (State.ACCEPTED, Outcome.ACCEPTED)
    assert len(sandbox.gateway.sent) == 2
    assert [one.mobile for one in box.deliveries(message.id)] == [MOBILE]


def test_an_unknown_batch_may_be_sent_again_once_no_report_can_come(make_box: MakeBox, sandbox: Sandbox) -> None:
    box = make_box(report_wait=timedelta(milliseconds=1))
    sandbox.fail_next("sendSms", drop=True, acted=True)
    batch = box.send(MOBILE, TEXT).batches[0]
    assert box.resend(batch.id).resend_of == batch.id


def test_what_was_refused_may_be_sent_again(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;内容有误")
    batch = box.send(MOBILE, TEXT).batches[0]
    assert batch.state is State.REJECTED
    box.resend(batch.id)
    box.dispatch()
    assert box.message(batch.message_id).outcome is Outcome.ACCEPTED


def test_what_was_accepted_is_not_sent_again(box: Mailbox) -> None:
    batch = box.send(MOBILE, TEXT).batches[0]
    with pytest.raises(NotAllowedError, match="cannot be sent again"):
        box.resend(batch.id, force=True)


def test_a_message_without_its_text_is_not_sent_again(make_box: MakeBox, sandbox: Sandbox) -> None:
    box = make_box(keep_text=False)
    sandbox.fail_next("sendSms", result="failure;内容有误")
    batch = box.send(MOBILE, TEXT).batches[0]
    with pytest.raises(NotAllowedError, match="text was dropped"):
        box.resend(batch.id)


def _late(box: Mailbox, ident: int, token: str) -> Claim:
    batch = box.message(ident).batches[0]
    return Claim(batch.id, ident, batch.mobiles, TEXT, "{}", 1, token)


@pytest.mark.parametrize("decided", ["resolve", "resend"])
def test_a_late_answer_does_not_overrule_a_person(box: Mailbox, unknown: int, decided: str) -> None:
    change(box, "UPDATE jzysoap_batch SET token = 'old' WHERE state = 'unknown'")
    message = next(batch.message_id for batch in box.unknown())
    if decided == "resolve":
        box.resolve(unknown, Outcome.NOT_SENT, by="li", reason="")
    else:
        box.resend(unknown, force=True)
    before = box.message(message).batches[0]
    settled = box._opened.get().store.settle(_late(box, message, "old"), Next(State.ACCEPTED), "1", None, look=False)
    assert not settled.held
    assert box.message(message).batches[0] == before
    assert box.history(message)[-1].reason == "a late answer: accepted"


def test_a_late_answer_settles_what_nobody_decided(box: Mailbox, unknown: int) -> None:
    change(box, "UPDATE jzysoap_batch SET token = 'old' WHERE state = 'unknown'")
    message = next(batch.message_id for batch in box.unknown())
    assert box._opened.get().store.settle(_late(box, message, "old"), Next(State.ACCEPTED), "77", None, look=False).held
    (batch,) = box.message(message).batches
    assert (batch.state, batch.batch_id, batch.evidence) == (State.ACCEPTED, "77", Evidence.ANSWER)
    last = box.history(message)[-1]
    assert (last.before, last.after) == (State.UNKNOWN, State.ACCEPTED)


def test_what_was_unknown_is_not_queued_by_a_late_answer(box: Mailbox, unknown: int) -> None:
    change(box, "UPDATE jzysoap_batch SET token = 'old' WHERE state = 'unknown'")
    message = next(batch.message_id for batch in box.unknown())
    # A process that was stopped until its lease had ended, and then found that it must not send any more.
    late = _late(box, message, "old")
    assert box._opened.get().store.settle(late, Next(State.QUEUED, 2.0), None, "too late", look=False).held
    (batch,) = box.message(message).batches
    assert (batch.state, batch.evidence, batch.error) == (State.NOT_SENT, Evidence.ANSWER, "too late")
    assert box.resend(batch.id).state is State.QUEUED


@pytest.mark.parametrize(("after", "batch_id"), [(State.ACCEPTED, "77"), (State.UNKNOWN, "66")])
def test_a_late_answer_after_a_match(box: Mailbox, unknown: int, after: State, batch_id: str) -> None:
    message = next(batch.message_id for batch in box.unknown())
    matched = "UPDATE jzysoap_batch SET state = 'accepted', evidence = 1, matched_id = '66', token = 'old'"
    change(box, matched + " WHERE state = 'unknown'")
    known = after is State.ACCEPTED
    answer_id = "77" if known else None
    late = _late(box, message, "old")
    assert box._opened.get().store.settle(late, Next(after), answer_id, None, look=False).held is known
    (batch,) = box.message(message).batches
    evidence = Evidence.ANSWER if known else Evidence.MATCH
    assert (batch.state, batch.batch_id, batch.evidence) == (State.ACCEPTED, batch_id, evidence)


def test_what_is_queued_is_cancelled(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.enqueue([f"1380000{number:04}" for number in range(300)], TEXT)
    box.dispatch(limit=1)
    cancelled = box.cancel(message.id, by="li")
    assert [batch.state for batch in cancelled.batches] == [State.ACCEPTED, State.CANCELLED]
    assert (cancelled.state, cancelled.outcome) == (State.CANCELLED, Outcome.NOT_SENT)
    assert box.dispatch() == 0
    with pytest.raises(NotFoundError, match="no message"):
        box.cancel(message.id + 1)
    assert len(sandbox.gateway.sent) == 1


def test_on_hold_nothing_is_sent(box: Mailbox, make_box: MakeBox, sandbox: Sandbox) -> None:
    box.hold()
    assert make_box().held
    assert box.send(MOBILE, TEXT).state is State.QUEUED
    assert box.dispatch() == 0
    assert sandbox.gateway.sent == ()
    box.release()
    assert not box.held
    assert box.dispatch() == 1


def test_a_mailbox_without_a_client_looks_and_decides(box: Mailbox, make_box: MakeBox, unknown: int) -> None:
    reader = make_box(client=None)
    box.enqueue(SECOND_MOBILE, TEXT, key="order-1")
    found = reader.find("order-1")
    assert found is not None
    assert reader.message(found.id) == found
    assert reader.history(reader.unknown()[0].message_id)
    assert reader.deliveries(found.id)
    assert reader.problems() == ()
    assert set(reader.counts()) == {"queued", "unknown"}
    assert not reader.has_polled
    assert reader.cancel(found.id).state is State.CANCELLED
    assert reader.resolve(unknown, Outcome.ACCEPTED, by="li", reason="").state is State.ACCEPTED
    for needs in (reader.reports, reader.replies, reader.dead, reader.collect, reader.run):
        with pytest.raises(ConfigurationError, match="needs a client"):
            needs()
    with pytest.raises(ConfigurationError, match="needs a client"):
        reader.send(MOBILE, TEXT)
    with pytest.raises(ConfigurationError, match="needs a client"):
        reader.purge(datetime.now(UTC))


def test_a_mailbox_knows_whether_it_was_polled(box: Mailbox, make_box: MakeBox) -> None:
    reader = make_box(client=None)
    assert not box.has_polled
    box.collect()
    assert box.has_polled
    assert reader.has_polled


def test_what_ended_long_ago_is_deleted(box: Mailbox, unknown: int, sandbox: Sandbox) -> None:
    ended = box.send(SECOND_MOBILE, TEXT, key="order-1")
    box.enqueue(MOBILE, TEXT)
    box.collect()
    with box.reports() as reports:
        assert len(list(reports)) == 2
    with pytest.raises(InvalidMessageError, match="before"):
        box.purge(datetime(2026, 1, 1))  # noqa: DTZ001  # that is the fault
    assert box.purge(datetime.now(UTC) - timedelta(hours=1)) == 0
    # A report has settled the unknown batch, or has not: that is another test's.
    change(box, "UPDATE jzysoap_batch SET state = 'unknown', ended = 1 WHERE batch_id IS NULL AND state <> 'queued'")
    assert box.purge(datetime.now(UTC) + timedelta(seconds=1)) == 1
    with pytest.raises(NotFoundError, match="no message"):
        box.message(ended.id)
    assert set(box.counts()) == {"queued", "unknown"}
    assert box.send(SECOND_MOBILE, TEXT, key="order-1").id != ended.id


def test_records_that_nobody_acknowledged_are_not_deleted(box: Mailbox) -> None:
    box.send(MOBILE, TEXT)
    box.collect()
    box.purge(datetime.now(UTC) + timedelta(seconds=1))
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]


def test_a_backup_sends_nothing_until_it_is_released(client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        queued = box.enqueue(MOBILE, TEXT)
        copy = tmp_path / "copy.db"
        box.backup(copy)
        assert copy.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigurationError, match="there is a file"):
            box.backup(copy)
        with pytest.raises(MailboxError, match="cannot be written"):
            box.backup("/dev/null/copy.db")
        box.dispatch()
    with Mailbox(client, f"sqlite:///{copy}") as restored:
        assert restored.held
        assert restored.dispatch() == 0
        assert restored.message(queued.id).state is State.QUEUED
        restored.cancel(queued.id)
        restored.release()
        restored.send(SECOND_MOBILE, TEXT)
    with Mailbox(client, f"sqlite:///{copy}") as again:
        assert not again.held
    assert [sent.mobiles for sent in sandbox.gateway.sent] == [(MOBILE,), (SECOND_MOBILE,)]


def test_a_copied_file_sends_nothing(client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.enqueue(MOBILE, TEXT)
    shutil.copy(tmp_path / "sms.db", tmp_path / "other.db")
    os.replace(tmp_path / "other.db", tmp_path / "sms.db")
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        assert box.held
        assert box.dispatch() == 0
    assert sandbox.gateway.sent == ()


@pytest.mark.database
def test_a_server_has_tools_of_its_own_for_backups(client: Client, postgresql: object) -> None:
    with Mailbox(client, postgresql.new_database()) as box, pytest.raises(ConfigurationError, match="pg_dump"):  # type: ignore[attr-defined]  # a server
        box.backup("copy.db")
