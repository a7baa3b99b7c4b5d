"""Polling: answers are stored before they are parsed, records until they are acknowledged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jzysoap import (
    Client,
    ConfigurationError,
    DeliveryReport,
    DeliveryStatus,
    GatewayError,
    IncompletePollError,
    JzySoapError,
    NotSentError,
    Reply,
)
from jzysoap.mailbox import (
    LeaseLostError,
    Mailbox,
    MailboxDatabaseError,
    NotAllowedError,
    NotFoundError,
    ReplyNotStoredError,
    StoredReply,
    StoredReport,
    contents,
    journal,
    records,
)
from jzysoap.model.values import CHINA
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT, THIRD_MOBILE
from tests.mailbox.conftest import MakeBox, answer, change


def fill(box: Mailbox, *mobiles: str) -> list[StoredReport]:
    """Send to each number, collect the reports, and return what an unacknowledged look at them shows."""
    for mobile in mobiles:
        box.send(mobile, TEXT)
    box.collect()
    with box.reports() as reports:
        found = list(reports)
    change(box, "UPDATE jzysoap_record SET state = 'ready', token = NULL")
    return found


def fail_at(box: Mailbox, mobile: str) -> None:
    """Iterate over the reports until one about a number is in hand; then fail."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block under test is what fails
        with box.reports() as reports:
            for report in reports:
                if report.report.mobile == mobile:
                    raise ZeroDivisionError


def test_a_report_names_its_message(box: Mailbox, sandbox: Sandbox) -> None:
    message = box.send(MOBILE, TEXT, key="order-1")
    assert box.collect().reports == 1
    with box.reports() as reports:
        (stored,) = reports
    assert (stored.message_id, stored.key, stored.failures) == (message.id, "order-1", 0)
    (sent,) = sandbox.gateway.sent
    report = stored.report
    assert (report.mobile, report.status, report.batch_id) == (MOBILE, DeliveryStatus.DELIVERED, sent.batch_id)
    assert (report.username, report.sent_at, report.raw_fields) == ("test", sent.sent_at.replace(microsecond=0), None)
    assert [(one.mobile, one.status) for one in box.deliveries(message.id)] == [(MOBILE, DeliveryStatus.DELIVERED)]
    with box.reports() as reports:
        assert list(reports) == []


def test_replies_come_with_all_they_had(box: Mailbox, sandbox: Sandbox) -> None:
    text = "退订\x00𠮷"
    sandbox.gateway.inject_reply(MOBILE, "TD")
    sandbox.gateway.inject_reply(SECOND_MOBILE, text)
    assert box.collect().replies == 2
    with box.replies() as replies:
        first, second = replies
    assert isinstance(first, StoredReply)
    assert (first.reply.mobile, first.reply.text, first.reply.raw) == (MOBILE, "TD", b"TD")
    assert (second.reply.mobile, second.reply.text) == (SECOND_MOBILE, text)
    assert second.reply.received_at is not None
    assert second.reply.received_at.utcoffset() == CHINA.utcoffset(None)


def test_a_block_that_ends_acknowledges_what_it_took(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE, THIRD_MOBILE)
    with box.reports() as reports:
        for report in reports:
            assert report.report.mobile == MOBILE
            break
    with box.reports(limit=1) as reports:
        assert [report.report.mobile for report in reports] == [SECOND_MOBILE]
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [THIRD_MOBILE]
    assert box.counts()["report done"].number == 3


def test_a_block_that_fails_blames_the_record_in_hand(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE, THIRD_MOBILE)
    fail_at(box, SECOND_MOBILE)
    with box.reports() as reports:
        assert [(report.report.mobile, report.failures) for report in reports] == [(THIRD_MOBILE, 0)]
    change(box, "UPDATE jzysoap_record SET due = 0")
    with box.reports() as reports:
        assert [(report.report.mobile, report.failures) for report in reports] == [(SECOND_MOBILE, 1)]


def test_a_block_that_fails_after_the_last_record_gets_all_of_them_again(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block under test is what fails
        with box.reports() as reports:
            assert len(list(reports)) == 2
            raise ZeroDivisionError
    with box.reports() as reports:
        assert [(report.report.mobile, report.failures) for report in reports] == [(MOBILE, 0), (SECOND_MOBILE, 0)]


def test_records_are_handed_out_in_a_block_alone(box: Mailbox) -> None:
    fill(box, MOBILE)
    with pytest.raises(ConfigurationError, match="with statement"):
        list(box.reports())
    assert box.counts()["report ready"].number == 1


def test_a_record_that_failed_comes_alone(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE)
    change(box, "UPDATE jzysoap_record SET attempt = 1 WHERE place = 0")
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [SECOND_MOBILE]


def test_a_record_that_failed_is_not_handed_out_with_others(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE, THIRD_MOBILE)
    change(box, "UPDATE jzysoap_record SET attempt = 1 WHERE place = 1")
    for expected in (MOBILE, SECOND_MOBILE, THIRD_MOBILE):
        with box.reports() as reports:
            assert [report.report.mobile for report in reports] == [expected]


def test_a_record_that_always_fails_dies(make_box: MakeBox) -> None:
    box = make_box(failures=2)
    fill(box, MOBILE)
    for _ in range(2):
        change(box, "UPDATE jzysoap_record SET due = 0")
        fail_at(box, MOBILE)
    (dead,) = box.dead()
    assert dead.failures == 2
    with box.reports() as reports:
        assert list(reports) == []
    box.retry(dead.id)
    with pytest.raises(NotAllowedError, match="only a dead one"):
        box.retry(dead.id)
    with pytest.raises(NotFoundError, match="no record"):
        box.retry(dead.id + 1)
    with box.reports() as reports:
        assert [(report.id, report.failures) for report in reports] == [(dead.id, 0)]


def test_records_of_a_consumer_that_died_come_again(box: Mailbox, make_box: MakeBox) -> None:
    fill(box, MOBILE)
    reports = box.reports()
    reports.__enter__()
    assert [report.report.mobile for report in reports] == [MOBILE]
    other = make_box()
    with other.reports() as busy:
        assert list(busy) == []
    change(box, "UPDATE jzysoap_record SET lease = 0")
    change(box, "UPDATE jzysoap_lease SET until = 0")
    with other.reports() as again:
        assert [report.report.mobile for report in again] == [MOBILE]
    with pytest.raises(LeaseLostError, match="1 records were acknowledged too late"):
        reports.__exit__(None, None, None)


def test_a_failed_record_whose_lease_is_lost_is_left_to_others(box: Mailbox) -> None:
    fill(box, MOBILE)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block under test is what fails
        with box.reports() as reports:
            for _report in reports:
                change(box, "UPDATE jzysoap_record SET state = 'done', token = NULL")
                raise ZeroDivisionError
    assert box.counts()["report done"].number == 1


def test_the_lease_is_renewed_while_the_block_works(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(box, MOBILE, SECOND_MOBILE)
    now = [1000.0]
    monkeypatch.setattr(journal, "elapsed", lambda: now[0])
    with box.reports(lease=30) as reports:
        for report in reports:
            if report.report.mobile == MOBILE:
                change(box, "UPDATE jzysoap_record SET lease = 1")
                now[0] += 11
            else:
                leases = box._database.read(
                    lambda connection: connection.exec_driver_sql("SELECT min(lease) FROM jzysoap_record").scalar()
                )
                assert leases is not None
                assert leases > 1
    assert box.counts()["report done"].number == 2


def test_many_records_are_written_and_handed_out_in_pieces(
    box: Mailbox, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK", 3)
    monkeypatch.setattr(records, "_PAUSE", 0.0)
    monkeypatch.setattr(journal, "_AT_ONCE", 4)
    numbers = [f"1380000{number:04}" for number in range(10)]
    box.send(numbers, TEXT)
    assert box.collect().reports == 10
    with box.reports(limit=9) as reports:
        assert [report.report.mobile for report in reports] == numbers[:9]
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == numbers[9:]


def test_one_process_polls(box: Mailbox, make_box: MakeBox) -> None:
    other = make_box()
    other.counts()
    records_of = box._opened.get().records
    assert records_of is not None
    assert records_of.leases.acquire("poll", "0" * 32, 60_000)
    assert not other.collect().polled
    records_of.leases.give_up("poll", "0" * 32)
    assert other.collect().polled


def test_the_journal_knows_what_was_not_asked(make_box: MakeBox) -> None:
    with Client("http://127.0.0.1:9", "test", "secret1", wsdl="bundled", cache_dir=False) as client:
        box = make_box(client=client)
        with pytest.raises(NotSentError):
            box.collect()
        assert box.problems() == ()


def test_a_lost_answer_is_listed_and_the_other_poll_made(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.gateway.inject_reply(MOBILE, "TD")
    sandbox.fail_next("getSmsReport", drop=True, acted=True)
    with pytest.raises(JzySoapError) as caught:
        box.collect()
    assert caught.value.may_have_been_sent
    (problem,) = box.problems()
    assert (problem.operation, problem.state) == ("getSmsReport", "perhaps lost")
    with box.replies() as replies:
        assert len(list(replies)) == 1


def test_a_refusal_is_no_problem_of_the_journal(box: Mailbox, sandbox: Sandbox) -> None:
    sandbox.fail_next("getSmsReport", result="failure;操作过于频繁")
    with pytest.raises(GatewayError):
        box.collect()
    assert box.problems() == ()
    assert box.collect().polled


def _cut(body: bytes) -> bytes:
    return body[: body.rindex(b"&lt;psreport" if b"&lt;psreport" in body else b"<psreport") + 5]


def test_a_cut_off_answer_gives_its_whole_records(box: Mailbox, sandbox: Sandbox) -> None:
    body = answer(sandbox, MOBILE, SECOND_MOBILE)
    sandbox.fail_next("getSmsReport", body=_cut(body), headers=[("Content-Type", "text/xml;charset=utf-8")])
    with pytest.raises(IncompletePollError):
        box.collect()
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]
    (problem,) = box.problems()
    assert problem.state == "cut off"


def test_an_answer_that_cannot_be_read_is_tried_again_and_kept(box: Mailbox, sandbox: Sandbox) -> None:
    body = b"<html><body>maintenance</body></html>"
    sandbox.fail_next("getSmsReport", body=body, headers=[("Content-Type", "text/html")])
    with pytest.raises(JzySoapError):
        box.collect()
    assert box.problems() == ()
    for _ in range(3):
        box.collect()
    (problem,) = box.problems()
    assert (problem.state, problem.operation) == ("bad", "getSmsReport")
    assert problem.error
    assert box.raw(problem.id).body == body
    box.reparse(problem.id)
    assert box.problems() == ()
    with pytest.raises(NotAllowedError, match="only a bad one"):
        box.reparse(problem.id)
    with pytest.raises(NotFoundError, match="no poll"):
        box.reparse(10_000)
    for _ in range(3):
        box.collect()
    assert [one.state for one in box.problems()] == ["bad"]


def test_records_that_cannot_be_read_are_listed_beside_the_others(box: Mailbox, sandbox: Sandbox) -> None:
    body = answer(sandbox, MOBILE).replace(MOBILE.encode(), b"")
    sandbox.fail_next("getSmsReport", body=body, headers=[("Content-Type", "text/xml;charset=utf-8")])
    box.collect()
    (problem,) = box.problems()
    assert problem.state == "bad"
    assert problem.error is not None
    assert problem.error.startswith("1 records cannot be read")


@pytest.mark.parametrize("attempt", [1, 3])
def test_an_answer_that_a_crash_left_is_parsed(box: Mailbox, attempt: int) -> None:
    box.send(MOBILE, TEXT)
    box.collect()
    # As the database is after a crash between the answer and its records.
    change(box, "DELETE FROM jzysoap_record")
    change(box, "UPDATE jzysoap_poll SET state = 'stored', lease = 0 WHERE operation = 'getSmsReport'")
    if attempt == 3:
        change(box, "UPDATE jzysoap_poll SET attempt = 3")
    box.collect()
    with box.reports() as reports:
        mobiles = [report.report.mobile for report in reports]
    assert mobiles == ([MOBILE] if attempt < 3 else [])
    assert [problem.state for problem in box.problems()] == ([] if attempt < 3 else ["bad"])


def test_records_that_a_crash_left_half_written_are_completed(box: Mailbox) -> None:
    fill(box, MOBILE, SECOND_MOBILE)
    change(box, "DELETE FROM jzysoap_record WHERE place = 1")
    change(box, "UPDATE jzysoap_poll SET state = 'stored', lease = 0 WHERE operation = 'getSmsReport'")
    box.collect()
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE, SECOND_MOBILE]


def test_a_refusal_and_a_cut_off_answer_that_a_crash_left(box: Mailbox, sandbox: Sandbox) -> None:
    bodies = [_cut(answer(sandbox, MOBILE, SECOND_MOBILE)), None]
    for body in bodies:
        if body is None:
            sandbox.fail_next("getSmsReport", result="failure;操作过于频繁")
        else:
            sandbox.fail_next("getSmsReport", body=body, headers=[("Content-Type", "text/xml;charset=utf-8")])
        with pytest.raises(JzySoapError):
            box.collect()
    change(box, "DELETE FROM jzysoap_record")
    change(box, "UPDATE jzysoap_poll SET state = 'stored', lease = 0 WHERE operation = 'getSmsReport'")
    box.collect()
    assert [problem.state for problem in box.problems()] == ["cut off"]
    with box.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]


def test_a_poll_without_an_answer_is_listed_after_a_crash(box: Mailbox) -> None:
    box.collect()
    change(box, "UPDATE jzysoap_poll SET state = 'asked', asked = 0 WHERE operation = 'getSmsReport'")
    box.collect()
    (problem,) = box.problems()
    assert (problem.state, problem.asked_at) == ("perhaps lost", datetime(1970, 1, 1, 8, tzinfo=CHINA))
    with pytest.raises(NotFoundError, match="answer of a poll"):
        box.raw(10_000)


def _break_the_journal(box: Mailbox) -> Callable[[], None]:
    """Make the database refuse bodies, as one without space does; return what repairs it."""
    path = box._database.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF body ON jzysoap_poll WHEN new.body IS NOT NULL "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    connection.close()

    def repair() -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TRIGGER full")
        connection.close()

    return repair


@pytest.fixture
def lite(client: Client, tmp_path: Path) -> Any:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.counts()
        yield box


def test_an_answer_that_the_database_refuses_is_kept_in_a_file(lite: Mailbox, tmp_path: Path) -> None:
    lite.send(MOBILE, TEXT)
    repair = _break_the_journal(lite)
    with pytest.raises(MailboxDatabaseError) as caught:
        lite.collect()
    assert MOBILE.encode() in caught.value.raw
    repair()
    (kept,) = (tmp_path / "sms.db.spool").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    # One of another account waits for its own mailbox.
    other = kept.with_name("other.json")
    other.write_text(json.dumps({**json.loads(kept.read_text()), "account": "http://elsewhere:80 test"}))
    lite.collect()
    assert list(kept.parent.iterdir()) == [other]
    with lite.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]


def test_an_answer_from_a_file_fits_an_older_database(lite: Mailbox) -> None:
    lite.send(MOBILE, TEXT)
    repair = _break_the_journal(lite)
    with pytest.raises(MailboxDatabaseError):
        lite.collect()
    repair()
    change(lite, "DELETE FROM jzysoap_poll")
    lite.collect()
    with lite.reports() as reports:
        assert [report.report.mobile for report in reports] == [MOBILE]


def test_an_answer_that_can_be_stored_nowhere_is_on_the_error(client: Client, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}", spool="/dev/null/spool") as box:
        box.send(MOBILE, TEXT)
        _break_the_journal(box)
        with pytest.raises(ReplyNotStoredError, match="exist nowhere else") as caught:
            box.collect()
    assert MOBILE.encode() in caught.value.raw
    assert MOBILE not in str(caught.value)


def test_a_record_with_anything_malformed_keeps_its_fields(box: Mailbox, sandbox: Sandbox) -> None:
    long = "1" * 100
    body = answer(sandbox, MOBILE).replace(MOBILE.encode(), long.encode())
    sandbox.fail_next("getSmsReport", body=body, headers=[("Content-Type", "text/xml;charset=utf-8")])
    box.collect()
    with box.reports() as reports:
        (stored,) = reports
    assert stored.report.mobile == long


def test_what_is_unusual_in_a_record_is_kept_apart() -> None:
    account = "http://gateway:80 test"
    values = contents.to_row(account, 1, 0, Reply("1" * 70, None, "x", b"x", None, {"mobile": "1"}))
    assert (values["mobile"], values["at"], values["kind"]) == ("", None, "reply")
    values = contents.to_row(account, 1, 0, DeliveryReport(MOBILE, None, "7", DeliveryStatus.FAILED, None))
    assert (values["rest"], values["status"], values["at"]) == ('{"username": null}', 0, None)


def test_a_lease_that_another_process_takes_at_this_moment(box: Mailbox) -> None:
    if box._database.path is None:
        # Only there does a trigger raise the error of a row that is there already.
        return
    change(box, "CREATE TRIGGER taken BEFORE INSERT ON jzysoap_lease BEGIN SELECT RAISE(ABORT, 'taken'); END")
    assert not box.collect().polled
