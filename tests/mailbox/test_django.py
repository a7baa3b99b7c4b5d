"""Django: a message in the transaction of the application's own changes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from jzysoap import ConfigurationError
from jzysoap.mailbox import KeyReusedError, Mailbox, State
from tests.kit.missing import lacking
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT

# The libraries of the recipes are in tox's environment of the mailbox. For MariaDB, Django needs a driver that is built
# from source.
pytestmark = [
    pytest.mark.database,
    pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True),
]

_ENGINES = {"sqlite": "django.db.backends.sqlite3", "postgresql": "django.db.backends.postgresql"}


@pytest.fixture(name="connection")
def _connection(box: Mailbox, database_url: str) -> Iterator[Any]:
    """Django's connection to the mailbox's database, with a table of the application's."""
    if importlib.util.find_spec("django") is None:
        lacking("Django")
    import django
    from django.conf import settings
    from django.db.utils import ConnectionHandler

    url = make_url(database_url)
    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    database = {
        "ENGINE": _ENGINES[url.get_backend_name()],
        "NAME": url.database,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": url.port or "",
    }
    box.counts()
    connection = ConnectionHandler({"default": database})["default"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    yield connection
    connection.close()


@pytest.fixture(name="atomic")
def _atomic(connection: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``transaction.atomic`` on that connection."""
    from django.db import transaction

    monkeypatch.setattr(transaction, "get_connection", lambda _using=None: connection)
    return transaction.atomic


def _orders(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders")
        return int(cursor.fetchone()[0])


def _order(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (id) VALUES (%s)", [1])


def test_both_happen(box: Mailbox, connection: Any, atomic: Any) -> None:
    with atomic():
        _order(connection)
        message = box.enqueue([MOBILE, SECOND_MOBILE], TEXT, key="order-1", connection=connection)
        assert box.find("order-1") is None
    found = box.find("order-1")
    assert found == message
    assert found.state is State.QUEUED
    assert _orders(connection) == 1
    assert box.dispatch() == 1


def test_neither_happens(box: Mailbox, connection: Any, atomic: Any) -> None:
    with pytest.raises(ZeroDivisionError), atomic():
        _order_and_fail(box, connection)
    assert box.find("order-1") is None
    assert _orders(connection) == 0


def _order_and_fail(box: Mailbox, connection: Any) -> None:
    _order(connection)
    box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    raise ZeroDivisionError


def test_a_repeated_key_leaves_the_transaction_usable(box: Mailbox, connection: Any, atomic: Any) -> None:
    known = box.send(MOBILE, TEXT, key="order-1")
    with atomic():
        assert box.enqueue(MOBILE, TEXT, key="order-1", connection=connection).id == known.id
        with pytest.raises(KeyReusedError):
            box.enqueue(SECOND_MOBILE, TEXT, key="order-1", connection=connection)
        _order(connection)
    assert _orders(connection) == 1


def test_a_key_that_another_transaction_takes(
    box: Mailbox, connection: Any, atomic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, look_up, looks = box.send(MOBILE, TEXT, key="order-1"), Mailbox._look_up, []

    def blind(self: Mailbox, draft: Any, own: Any) -> Any:
        looks.append(1)
        return None if len(looks) == 1 else look_up(self, draft, own)

    monkeypatch.setattr(Mailbox, "_look_up", blind)
    with atomic():
        _order(connection)
        assert box.enqueue(MOBILE, TEXT, key="order-1", connection=connection).id == known.id
    assert _orders(connection) == 1


def test_outside_of_a_transaction_nothing_is_stored(box: Mailbox, connection: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"transaction\.atomic"):
        box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
    assert box.find("order-1") is None
