"""The file that keeps the gateway's state over a restart."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from jzysoap import Channel, ConfigurationError, DeliveryStatus
from jzysoap.sandbox import Delivery, Gateway, Rule
from jzysoap.sandbox.store import MAX_POLLED_ROWS
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.sandbox.test_state import gateway, send

PASSWORD = "密码1".encode()


def reopen(one: Gateway, path: Path, **options: Any) -> Gateway:
    one.close()
    return gateway(path=str(path), **options)


def test_everything_but_passwords_is_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path))
    first = send(one, MOBILE, SECOND_MOBILE, text="【签名】您好 😀", extension="01", long=True, exchange=7)
    assert len(one.poll_reports("test", PASSWORD)) == 2
    one.rules.add(Rule(kind="report", status="failed", times=3))
    one.rules.add(Rule(kind="reply", reply="好"))
    one.rules_changed()
    second = send(one)
    one.inject_reply(MOBILE, "退订 😀")
    one.inject_report(MOBILE, DeliveryStatus.UNKNOWN, batch_id="7")

    other = reopen(one, path)
    assert other.sent == (first, second)
    # The number of an exchange says nothing after a restart.
    assert [message.exchange for message in other.sent] == [None, None]
    assert other.balances("test")[Channel.GATEWAY] == 7
    assert [kept.as_json()["times"] for kept in other.rules.kept()] == [2, None]
    assert [report.status.name for report in other.poll_reports("test", PASSWORD)] == ["FAILED", "UNKNOWN"]
    assert [reply.text for reply in other.poll_replies("test", PASSWORD)] == ["好", "退订 😀"]
    assert send(other).batch_id == str(int(second.batch_id) + 1)
    assert other.events.since(0)[0].seq > second.seq
    kept = other.messages.find(first.batch_id)
    assert kept is not None
    assert [entry.polled_at is not None for entry in kept.reports] == [True, True]

    third = reopen(other, path)
    assert [report.batch_id for report in third.poll_reports("test", PASSWORD)] == [third.sent[-1].batch_id]
    assert b"\xe5\xaf\x86" not in path.read_bytes()
    third.close()


def test_withdrawn_and_forgotten_records_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path), max_messages=1)
    one.set_balance("test", 1000)
    for _ in range(30):
        last = send(one)
    one.report(last.batch_id, None)
    other = reopen(one, path, max_messages=1)
    assert other.sent == (last,)
    assert len(other.poll_reports("test", PASSWORD)) == 10
    other.reset()
    third = reopen(other, path)
    assert third.sent == ()
    assert third.balances("test")[Channel.GATEWAY] == 10
    third.close()


def test_records_of_an_account_that_is_not_opened_wait_for_it(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path))
    message = send(one)
    one.close()
    two = Gateway(path=str(path))
    two.add_account("other", "secret1")
    assert two.poll_reports("other", b"secret1") == []
    with pytest.raises(Exception, match="用户不存在"):
        two.report(message.batch_id, DeliveryStatus.FAILED)
    two.close()
    three = gateway(path=str(path))
    assert len(three.poll_reports("test", PASSWORD)) == 1
    three.close()


def test_records_polled_long_ago_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path), delivery=Delivery(copies=100))
    one.set_balance("test", 10**6)
    for _ in range(3):
        send(one, *[f"1380000{number:04}" for number in range(100)])
        assert len(one.poll_reports("test", PASSWORD)) == 10_000
    one.close()
    with sqlite3.connect(path) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM queued").fetchone()
    connection.close()
    assert rows == MAX_POLLED_ROWS + 1


def test_a_file_is_for_its_owner_and_for_one_gateway(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="database is locked"):
        Gateway(path=str(path))
    one.close()


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with pytest.raises(ConfigurationError, match="cannot keep its messages"):
        Gateway(path=str(tmp_path))
    path.write_text("this is no database, but long enough to be mistaken for one" * 10)
    with pytest.raises(ConfigurationError, match="not a database"):
        Gateway(path=str(path))
    path.unlink()
    gateway(path=str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO message VALUES ('1', 1, '{}')")
    connection.close()
    with pytest.raises(ConfigurationError, match="damaged"):
        Gateway(path=str(path))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Gateway(path=str(path))


def test_a_file_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    one = gateway(path=str(tmp_path / "inbox.db"))
    message = send(one)
    one.inject_reply(MOBILE, "好")
    one.close()
    before = one.events.last
    for act in (
        lambda: send(one),
        lambda: one.inject_reply(MOBILE, "好"),
        lambda: one.poll_reports("test", PASSWORD),
        lambda: one.set_balance("test", 5),
        lambda: one.report(message.batch_id, None),
        one.rules_changed,
        one.reset,
    ):
        with pytest.raises(ConfigurationError, match="cannot write"):
            act()
    assert one.events.last == before
    assert one.sent == (message,)
    assert one.balances("test")[Channel.GATEWAY] == 9
    one.consuming = False
    assert len(one.poll_reports("test", PASSWORD)) == 1


def test_an_act_that_cannot_be_written_completely_is_not_written_at_all(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    one = gateway(path=str(path))
    with pytest.raises(UnicodeEncodeError):
        one.inject_report("\ud800", DeliveryStatus.FAILED, batch_id="1")
    message = send(one)
    other = reopen(one, path)
    assert other.sent == (message,)
    assert len(other.poll_reports("test", PASSWORD)) == 1
    other.close()
