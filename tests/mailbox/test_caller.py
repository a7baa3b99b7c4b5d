"""Messages that are stored in the caller's own transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from jzysoap import Client, ConfigurationError
from jzysoap.mailbox import KeyReusedError, Mailbox, MailboxDatabaseError, State
from jzysoap.mailbox.caller import savepoint
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT
from tests.mailbox.conftest import MakeBox


@pytest.fixture(name="connection", params=["sqlalchemy", "driver"])
def _connection(request: pytest.FixtureRequest, box: Mailbox, database_url: str) -> Iterator[Any]:
    """A connection to the mailbox's database, of SQLAlchemy or of the driver, with tables of the caller's own."""
    box.counts()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    if request.param == "sqlalchemy":
        with engine.connect() as connection:
            yield connection
    else:
        url = make_url(database_url)
        if url.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(url.database))) as plain:
                yield plain
        else:
            with closing(engine.raw_connection()) as pooled:
                yield pooled.driver_connection
    engine.dispose()


def _order(connection: Any) -> None:
    statement = "INSERT INTO orders (id) VALUES (1)"
    if hasattr(connection, "exec_driver_sql"):
        connection.exec_driver_sql(statement)
    else:
        connection.cursor().execute(statement)


def _orders(box: Mailbox) -> int:
    return int(
        box._database.read(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one())
    )


def test_a_message_exists_once_the_caller_commits(box: Mailbox, connection: Any) -> None:
    _order(connection)
    message = box.enqueue([MOBILE, SECOND_MOBILE], TEXT, key="order-1", connection=connection)
    assert (message.state, message.key, message.text) == (State.QUEUED, "order-1", TEXT)
    assert [batch.mobiles for batch in message.batches] == [(MOBILE, SECOND_MOBILE)]
    assert box.find("order-1") is None
    connection.commit()
    assert box.find("order-1") == message
    assert _orders(box) == 1
    assert box.dispatch() == 1


def test_a_message_is_rolled_back_with_the_caller(box: Mailbox, connection: Any) -> None:
    _order(connection)
    box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    connection.rollback()
    assert box.find("order-1") is None
    assert _orders(box) == 0


def test_a_message_may_be_the_first_of_a_transaction(box: Mailbox, connection: Any) -> None:
    box.enqueue(MOBILE, TEXT, connection=connection)
    _order(connection)
    connection.rollback()
    assert box.counts() == {}
    assert _orders(box) == 0


def test_a_mailbox_may_be_opened_in_a_transaction_that_has_written(make_box: MakeBox, connection: Any) -> None:
    # On SQLite the transaction holds the only lock for writing, so that the fresh mailbox must not want it.
    _order(connection)
    fresh = make_box()
    fresh.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    connection.commit()
    assert fresh.find("order-1") is not None


def test_a_repeated_key_leaves_the_transaction_as_it_was(box: Mailbox, connection: Any) -> None:
    known = box.send(MOBILE, TEXT, key="order-1")
    _order(connection)
    again = box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    assert (again.id, again.replayed) == (known.id, True)
    with pytest.raises(KeyReusedError):
        box.enqueue(SECOND_MOBILE, TEXT, key="order-1", connection=connection)
    connection.commit()
    assert _orders(box) == 1


def test_a_key_that_is_taken_meanwhile(box: Mailbox, connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = box.send(MOBILE, TEXT, key="order-1")
    look_up, looks = Mailbox._look_up, []

    def blind(self: Mailbox, draft: Any, own: Any) -> Any:
        # The first look is before the other transaction's commit.
        looks.append(1)
        return None if len(looks) == 1 else look_up(self, draft, own)

    monkeypatch.setattr(Mailbox, "_look_up", blind)
    _order(connection)
    again = box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    assert (again.id, again.replayed) == (known.id, True)
    connection.commit()
    assert _orders(box) == 1


def test_a_key_that_the_transaction_cannot_see(box: Mailbox, connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box.send(MOBILE, TEXT, key="order-1")
    monkeypatch.setattr(Mailbox, "_look_up", lambda *_: None)
    with pytest.raises(MailboxDatabaseError, match="retry your transaction"):
        box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)


def test_without_a_connection_of_its_own_a_taken_key_is_looked_up(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = box.send(MOBILE, TEXT, key="order-1")
    look_up = Mailbox._known
    looks: list[int] = []

    def blind(self: Mailbox, draft: Any) -> Any:
        looks.append(1)
        return None if len(looks) == 1 else look_up(self, draft)

    for send in (box.send, box.enqueue):
        looks.clear()
        monkeypatch.setattr(Mailbox, "_known", blind)
        again = send(MOBILE, TEXT, key="order-1")
        assert (again.id, again.replayed) == (known.id, True)
        monkeypatch.setattr(Mailbox, "_known", lambda *_: None)
        with pytest.raises(MailboxDatabaseError, match="try again"):
            send(MOBILE, TEXT, key="order-1")


def test_a_connection_without_a_transaction_is_refused(box: Mailbox) -> None:
    class Plain:
        autocommit = True

        def cursor(self) -> None:
            raise AssertionError("it was used")

    with pytest.raises(ConfigurationError, match="begin one"):
        box.enqueue(MOBILE, TEXT, connection=Plain())


class _Lazy:
    """A connection that, like Django's, connects at its first cursor; it has no transaction."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    @property
    def autocommit(self) -> bool:
        return self._connection is not None

    def cursor(self) -> sqlite3.Cursor:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
        return self._connection.cursor()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def test_a_connection_that_is_not_open_yet_has_no_transaction(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "mailbox.db"
    with Mailbox(client, f"sqlite:///{path}") as box, closing(_Lazy(str(path))) as connection:
        with pytest.raises(ConfigurationError, match="no transaction"):
            box.enqueue(MOBILE, TEXT, connection=connection)
        assert box.counts() == {}


def test_something_else_is_refused(box: Mailbox) -> None:
    with pytest.raises(ConfigurationError, match="connection must be"):
        box.enqueue(MOBILE, TEXT, connection="sqlite:///sms.db")


def test_other_errors_in_a_savepoint_are_the_callers(connection: Any) -> None:
    for error in (ZeroDivisionError, KeyError):
        with pytest.raises(error), savepoint(connection):
            raise error
