"""The database: what it refuses, what it survives, what its errors say."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pymysql
import pytest
from psycopg.errors import lookup
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from jzysoap import Client, ConfigurationError, Outcome
from jzysoap.mailbox import Mailbox, MailboxDatabaseError, OutcomeNotRecordedError, State, database
from jzysoap.mailbox.database import Database, database_error
from jzysoap.mailbox.schema import METADATA
from jzysoap.sandbox import Sandbox
from tests.kit.databases import postgresql
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.kit.terminals import CLONE
from tests.mailbox.conftest import MakeBox, StartServer, change


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sms.db", "address of a database"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "must name a file"),
        ("oracle://here/x", "names oracle"),
        ("postgresql://user@here:part-of-it/x", "address of a database"),
    ],
)
def test_urls_that_cannot_be_used(client: Client, url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        Mailbox(client, url)
    assert "part-of-it" not in str(raised.value)


def test_the_variable_names_the_database(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="JZYSOAP_MAILBOX"):
        Mailbox(client)
    with pytest.raises(ConfigurationError, match="OTHER_MAILBOX is missing"):
        Mailbox.from_env("OTHER_")
    monkeypatch.setenv("JZYSOAP_MAILBOX", f"sqlite:///{tmp_path / 'sms.db'}")
    with Mailbox(client) as box:
        assert box.counts() == {}
    for name, value in (("BASE_URL", "http://127.0.0.1:9"), ("USERNAME", "test"), ("PASSWORD", "secret1")):
        monkeypatch.setenv(f"JZYSOAP_{name}", value)
    with Mailbox.from_env(failures=2) as box:
        assert box.counts() == {}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"attempts": "8"}, "attempts"),
        ({"failures": 20_001}, "failures"),
        ({"window": 900}, "window"),
        ({"retention": timedelta()}, "retention"),
    ],
)
def test_options_are_checked(client: Client, options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be"):
        Mailbox(client, "sqlite:///sms.db", **options)


@pytest.mark.parametrize("driver", ["psycopg", "pymysql"])
def test_a_missing_driver_says_what_to_install(client: Client, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, driver, None)
    backend, extra = {"psycopg": ("postgresql", "postgresql"), "pymysql": ("mariadb", "mysql")}[driver]
    with pytest.raises(ConfigurationError, match=rf"pip install 'jzysoap\[{extra}\]'"):
        Mailbox(client, f"{backend}://here/x")


def test_something_else_than_a_client_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="client must be a Client, not str"):
        Mailbox("http://gateway", "sqlite:///sms.db")  # type: ignore[arg-type]  # that is the fault


def test_a_mailbox_cannot_be_pickled(box: Mailbox) -> None:
    with pytest.raises(ConfigurationError, match="cannot be pickled"):
        box.__reduce__()


def test_the_file_is_its_owners_alone(client: Client, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.send(MOBILE, TEXT)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("sms.db*")}
    assert modes == {"sms.db": 0o600, "sms.db-wal": 0o600, "sms.db-shm": 0o600}


def test_an_exception_while_a_transaction_waits_to_begin_leaves_none_behind(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "sms.db"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with (
            Mailbox(client, f"sqlite:///{path}") as box,
            closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        ):
            box.send(MOBILE, TEXT)
            other.execute("BEGIN IMMEDIATE")
            # Python runs the handler once SQLite has the lock, between its BEGIN and the next line.
            release = threading.Timer(0.5, other.execute, ["ROLLBACK"])
            release.start()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                box.send(MOBILE, TEXT)
            release.join()
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            assert box.send(MOBILE, TEXT).state is State.ACCEPTED
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_file_that_cannot_be_made(client: Client) -> None:
    box = Mailbox(client, "sqlite:////dev/null/sms.db")
    with pytest.raises(MailboxDatabaseError, match="cannot be used: Not a directory"):
        box.send(MOBILE, TEXT)


@pytest.mark.parametrize(
    ("pragma", "words"),
    [("max_page_count=1", "database or disk is full"), ("query_only=ON", "attempt to write a readonly database")],
)
def test_a_full_disk_and_a_read_only_file_send_nothing_and_lose_nothing(
    client: Client, sandbox: Sandbox, tmp_path: Path, pragma: str, words: str
) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.send(MOBILE, TEXT)
        writer: Any = box._database._connections.get()._writer
        # SQLite fails of its own accord from here on.
        writer.connection.driver_connection.execute(f"PRAGMA {pragma}")
        long = [f"138{number:08}" for number in range(20_000)]
        with pytest.raises(MailboxDatabaseError, match=words) as caught:
            box.send(long, TEXT)
        assert not caught.value.may_have_been_sent
        assert caught.value.retry == "later"
    assert len(sandbox.gateway.sent) == 1
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        assert box.counts()["accepted"].number == 1
        assert box.collect().reports == 1


def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path / 'my share'} nfs4 rw 0 0\n".replace("my share", r"my\040share")
    )
    assert database._remote_file_system(tmp_path / "my share" / "sms.db", str(mounts)) == "nfs4"
    assert database._remote_file_system(tmp_path / "sms.db", str(mounts)) == ""
    assert database._remote_file_system(tmp_path / "sms.db", str(tmp_path / "none")) == ""
    monkeypatch.setattr(database, "_remote_file_system", lambda _: "nfs4")
    with pytest.raises(ConfigurationError, match="on nfs4, where SQLite cannot lock it"):
        Database(f"sqlite:///{tmp_path / 'sms.db'}").read(lambda _: None)


def test_a_newer_mailbox_is_refused(box: Mailbox, make_box: MakeBox) -> None:
    change(box, "UPDATE jzysoap_meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(MailboxDatabaseError, match="install a newer jzysoap") as caught:
        make_box().counts()
    assert caught.value.retry == "never"


def test_tables_are_not_made_without_the_right(make_box: MakeBox) -> None:
    with pytest.raises(MailboxDatabaseError, match="tables are missing"):
        make_box(create=False).counts()
    make_box().counts()
    assert make_box(create=False).counts() == {}


def test_an_older_mailbox_is_upgraded(box: Mailbox, make_box: MakeBox) -> None:
    message = box.send(MOBILE, TEXT, key="order-1")
    # As a version before the first one left it: the steps are done again, and find what is there.
    change(box, "UPDATE jzysoap_meta SET value = '0' WHERE name = 'version'")
    with pytest.raises(MailboxDatabaseError, match="missing"):
        make_box(create=False).counts()
    assert make_box().find("order-1") == box.message(message.id)


def test_many_open_a_new_mailbox_at_once(make_box: MakeBox) -> None:
    boxes = [make_box() for _ in range(4)]
    failures: list[BaseException] = []

    def open_(box: Mailbox) -> None:
        try:
            box.counts()
        except BaseException as error:  # noqa: BLE001  # told below
            failures.append(error)

    threads = [threading.Thread(target=open_, args=(box,)) for box in boxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({box._opened.get().salt for box in boxes}) == 1


def test_threads_share_a_mailbox(box: Mailbox, sandbox: Sandbox) -> None:
    def send(number: int) -> None:
        for index in range(5):
            box.send(f"138000{number:02}{index:03}", TEXT, key=f"{number}-{index}")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.counts()["accepted"].number == 20
    assert len({sent.mobiles for sent in sandbox.gateway.sent}) == 20


def test_a_child_of_a_fork_uses_connections_of_its_own(box: Mailbox, sandbox: Sandbox) -> None:
    box.send(MOBILE, TEXT)
    process = get_context("fork").Process(target=box.send, args=(SECOND_MOBILE, TEXT))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert box.counts()["accepted"].number == 2
    assert [sent.mobiles for sent in sandbox.gateway.sent] == [(MOBILE,), (SECOND_MOBILE,)]


def test_a_locked_database_is_waited_for(box: Mailbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not database_url.startswith("sqlite"):
        # Servers lock rows, which other tests show.
        return
    monkeypatch.setattr(database, "_LOCK_SECONDS", 0.0)
    path = box._database.path
    assert path is not None
    other = Mailbox(box._calls._client if box._calls else None, database_url)
    other.counts()
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.1, connection.rollback)
        timer.start()
        assert other.send(MOBILE, TEXT).state is State.ACCEPTED
        timer.join()
        connection.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(database, "TRIES", 2)
        with pytest.raises(MailboxDatabaseError, match="database is locked"):
            other.send(SECOND_MOBILE, TEXT)
    other.close()


def test_errors_hide_the_values_of_statements(box: Mailbox) -> None:
    change(box, "DROP TABLE jzysoap_batch")
    with pytest.raises(MailboxDatabaseError) as caught:
        box.send(MOBILE, TEXT)
    assert MOBILE not in str(caught.value)
    assert TEXT not in str(caught.value)
    METADATA.create_all(box._database.engine)


@pytest.mark.parametrize(
    ("original", "again"),
    [
        (lookup("40P01")("deadlock detected"), True),
        (lookup("40001")("could not serialize"), True),
        (lookup("23505")("duplicate key"), False),
        (pymysql.err.OperationalError(1213, "Deadlock found"), True),
        (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), True),
        (pymysql.err.OperationalError(1146, "Table doesn't exist"), False),
        (sqlite3.OperationalError(), False),
    ],
)
def test_what_lost_against_another_transaction_is_tried_again(original: Exception, again: bool) -> None:
    assert database._is_conflict(DBAPIError("SELECT 1", {}, original)) is again


def test_a_backup_that_cannot_be_written(client: Client, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.counts()
        with pytest.raises(MailboxDatabaseError):
            box._database.copy_to(tmp_path)


def test_the_log_is_cut_off_when_nobody_works(client: Client, tmp_path: Path) -> None:
    with Mailbox(client, f"sqlite:///{tmp_path / 'sms.db'}") as box:
        box.send(MOBILE, TEXT)
        log = tmp_path / "sms.db-wal"
        assert log.stat().st_size > 0
        box._database.truncate_log()
        assert log.stat().st_size == 0
        box.close()
        for path in tmp_path.glob("sms.db*"):
            path.unlink()
        (tmp_path / "sms.db").mkdir()
        # A failure is not worth more than a line for those who look for it.
        box._database.truncate_log()


def test_without_sqlalchemy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.delitem(sys.modules, "jzysoap.mailbox")
    with pytest.raises(ConfigurationError, match=r"pip install 'jzysoap\[mailbox\]'"):
        importlib.import_module("jzysoap.mailbox")


def test_a_row_that_has_changed_meanwhile_stays(box: Mailbox) -> None:
    batch = box.enqueue(MOBILE, TEXT).batches[0]
    store = box._opened.get().store

    def work(connection: Any, _uncertain: bool) -> int:
        row = store.locked(connection, batch.id)
        assert store.change(connection, [row], State.CANCELLED, by="first") == 1
        return store.change(connection, [row], State.EXPIRED, by="second")

    assert box._database.write(work) == 0
    assert box.message(batch.message_id).state is State.CANCELLED


def test_on_a_server_answers_are_put_aside_in_the_users_directory(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    box = Mailbox(client, "postgresql://localhost/x")
    assert box._spool == tmp_path / "jzysoap" / "spool"


def test_a_send_takes_two_transactions(box: Mailbox) -> None:
    box.send(MOBILE, TEXT)
    commits: list[object] = []
    event.listen(box._database.engine, "commit", commits.append)
    box.send(SECOND_MOBILE, TEXT)
    assert len(commits) == 2


def test_the_library_loads_no_sqlalchemy() -> None:
    code = "import sys, jzysoap, jzysoap.cli.main, jzysoap.testing; jzysoap.Client; print('sqlalchemy' in sys.modules)"
    ran = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(CLONE)}
    )
    assert ran.stdout == b"False\n"


def test_errors_without_words() -> None:
    error = OperationalError("SELECT 1", {}, sqlite3.OperationalError())
    assert str(database_error(error)) == "the mailbox's database failed: OperationalError"


def _losing(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Lose the connection right after every other commit, before the commit is known; return which were lost."""
    connections = type(box._database._connections.get())
    writing = connections.writing
    commits: list[bool] = []

    class Losing:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __enter__(self) -> Any:
            return self.inner.__enter__()

        def __exit__(self, *arguments: Any) -> Any:
            result = self.inner.__exit__(*arguments)
            if arguments[0] is None:
                commits.append(len(commits) % 2 == 0)
                if commits[-1]:
                    raise DBAPIError("COMMIT", {}, Exception("lost"), connection_invalidated=True)
            return result

    monkeypatch.setattr(connections, "writing", lambda self: Losing(writing(self)))
    return commits


def test_a_commit_that_is_not_known_is_looked_for(
    box: Mailbox, make_box: MakeBox, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_box().counts()
    box.counts()
    with monkeypatch.context() as patch:
        commits = _losing(box, patch)
        message = box.send(MOBILE, TEXT)
        # The intent and the outcome, each twice.
        assert commits == [True, False] * 2
        assert message.outcome is Outcome.ACCEPTED
        queued = box.enqueue(SECOND_MOBILE, TEXT)
        sandbox.fail_next("sendSms", result="failure;操作过于频繁")
        assert box.dispatch() == 1
        assert box.message(queued.id).batches[0].attempts == 1
        change(box, "UPDATE jzysoap_batch SET due = 0 WHERE state = 'queued'")
        assert box.dispatch() == 1
        assert box.message(queued.id).outcome is Outcome.ACCEPTED
        assert {state: count.number for state, count in box.counts().items()} == {"accepted": 2}
        sandbox.fail_next("sendSms", drop=True, acted=True)
        unknown, second = (box.send("13800000003", TEXT).batches[0].id for _ in range(2))
        assert box.resolve(unknown, Outcome.ACCEPTED, by="li", reason="").state is State.ACCEPTED
        sandbox.fail_next("sendSms", result="failure;内容有误")
        rejected = box.send("13800000003", TEXT).batches[0].id
        assert box.resend(rejected).id == rejected + 1
        assert box.cancel(box.message(box.enqueue(MOBILE, TEXT).id).id).state is State.CANCELLED
        assert box.collect().reports == 4
        assert box.problems() == ()
        with box.reports() as reports:
            idents = [report.id for report in reports]
        assert len(set(idents)) == 4
        change(box, "UPDATE jzysoap_record SET state = 'dead', token = NULL")
        box.retry(idents[0])
        assert second > unknown
    assert [sent.mobiles[0] for sent in sandbox.gateway.sent] == [MOBILE, SECOND_MOBILE, "13800000003", "13800000003"]


def test_an_outcome_that_cannot_be_recorded_is_on_the_error(
    box: Mailbox, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jzysoap.mailbox.outbox.RECORD_FOR", 0.2)
    box.counts()
    change(box, "ALTER TABLE jzysoap_event RENAME TO away")
    with pytest.raises(OutcomeNotRecordedError, match="could not be recorded") as caught:
        box.send(MOBILE, TEXT)
    change(box, "ALTER TABLE away RENAME TO jzysoap_event")
    error = caught.value
    assert (error.outcome, error.batch_id) == (Outcome.ACCEPTED, sandbox.gateway.sent[0].batch_id)
    assert error.may_have_been_sent
    assert box.message(error.message_id).state is State.SENDING
    assert box.dispatch() == 0


@pytest.mark.database
def test_a_server_that_restarts_loses_and_doubles_nothing(
    client: Client, sandbox: Sandbox, start_server: StartServer
) -> None:
    server = start_server(postgresql)
    with Mailbox(client, server.new_database()) as box:
        first = box.send(MOBILE, TEXT, key="order-1")
        server.stop(immediate=True)
        with pytest.raises(MailboxDatabaseError) as caught:
            box.send(SECOND_MOBILE, TEXT, key="order-2")
        assert not caught.value.may_have_been_sent
        assert len(sandbox.gateway.sent) == 1
        server.start()
        assert box.send(MOBILE, TEXT, key="order-1").id == first.id
        assert box.send(SECOND_MOBILE, TEXT, key="order-2").outcome is Outcome.ACCEPTED
    assert len(sandbox.gateway.sent) == 2


@pytest.mark.database
def test_a_database_whose_commits_are_not_durable_is_warned_about(
    client: Client, mariadb: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url = mariadb.new_database()
    with Mailbox(client, url) as box:
        box.counts()
        assert "not durable" not in caplog.text
        change(box, "SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        caplog.set_level(logging.WARNING)
        with Mailbox(client, url) as box:
            box.counts()
            assert "not durable" in caplog.text
    finally:
        with Mailbox(client, url) as box:
            change(box, "SET GLOBAL innodb_flush_log_at_trx_commit = 1")


def test_a_statement_of_the_driver_counts_what_it_changes(box: Mailbox) -> None:
    assert box._database.read(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1
    assert os.path.basename(str(box._database)) != ""
