"""Django: a message in the transaction of the application's own changes."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from jzysoap import ConfigurationError, InvalidMessageError
from jzysoap.mailbox import KeyReusedError, Mailbox, State
from jzysoap.sandbox import Sandbox
from tests.kit.missing import lacking
from tests.kit.pages import snippet
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT

# The libraries of the recipes are in tox's environment of the mailbox. For MariaDB, Django needs a driver that is built
# from source.
pytestmark = [
    pytest.mark.database,
    pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True),
]

_ENGINES = {"sqlite": "django.db.backends.sqlite3", "postgresql": "django.db.backends.postgresql"}


@pytest.fixture(name="connection")
def _connection(box: Mailbox, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``django.db.connection``, to the mailbox's database, with a table of the application's."""
    if importlib.util.find_spec("django") is None:
        lacking("Django")
    import django
    from django.conf import settings
    from django.db import connection, connections

    if not settings.configured:
        settings.configure(USE_TZ=True, DATABASES={})
        django.setup()
    url = make_url(database_url)
    database = {
        "ENGINE": _ENGINES[url.get_backend_name()],
        "NAME": url.database,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": url.port or "",
    }
    box.counts()
    # As if the settings had named this database.
    monkeypatch.setattr(connections, "settings", connections.configure_settings({"default": database}))
    with connection.schema_editor() as editor:
        editor.create_model(_model())
    # A new one, as a request has that has asked the database nothing yet.
    connection.close()
    del connections["default"]
    yield connection
    connection.close()
    del connections["default"]


@functools.cache
def _model() -> Any:
    from django.db import models

    class Order(models.Model):  # type: ignore[misc]  # Django has no types here
        mobile = models.CharField(max_length=20)
        shipped = models.BooleanField(default=False)

        class Meta:
            app_label = "shop"
            db_table = "orders"

    return Order


@pytest.fixture(name="atomic")
def _atomic(connection: Any) -> Any:
    from django.db import transaction

    return transaction.atomic


@pytest.fixture(name="ship")
def _ship(
    connection: Any, database_url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Any], None]]:
    """The function of the document."""
    for name, value in {
        "BASE_URL": sandbox.url,
        "USERNAME": "test",
        "PASSWORD": "secret1",
        "WSDL": "bundled",
        "MAILBOX": database_url,
    }.items():
        monkeypatch.setenv(f"JZYSOAP_{name}", value)
    names: dict[str, Any] = {"__name__": "shop"}
    exec(snippet("docs/mailbox.md", "from django"), names)  # noqa: S102  # our document
    yield names["ship"]
    names["mailbox"].close()


def _shipped() -> int:
    return int(_model().objects.filter(shipped=True).count())


def test_an_order_is_shipped_and_its_customer_texted(box: Mailbox, ship: Callable[[Any], None]) -> None:
    order = _model().objects.create(mobile=MOBILE)
    ship(order)
    message = box.find(f"order-{order.pk}-shipped")
    assert message is not None
    assert (message.state, [batch.mobiles for batch in message.batches]) == (State.QUEUED, [(MOBILE,)])
    assert _shipped() == 1
    ship(order)
    assert box.dispatch() == 1
    assert box.message(message.id).state is State.ACCEPTED


def test_an_order_that_is_rolled_back_texts_nobody(
    box: Mailbox, sandbox: Sandbox, ship: Callable[[Any], None], atomic: Any
) -> None:
    order = _model().objects.create(mobile=MOBILE)
    with pytest.raises(ZeroDivisionError), atomic():
        _ship_and_fail(ship, order)
    # A number that is none is found before the change is committed.
    with pytest.raises(InvalidMessageError):
        ship(_model().objects.create(mobile="12345"))
    assert _shipped() == 0
    assert box.counts() == {}
    assert box.dispatch() == 0
    assert sandbox.gateway.sent == ()


def _ship_and_fail(ship: Callable[[Any], None], order: Any) -> None:
    ship(order)
    raise ZeroDivisionError


def test_a_message_is_seen_once_it_is_committed(box: Mailbox, connection: Any, atomic: Any) -> None:
    with atomic():
        message = box.enqueue([MOBILE, SECOND_MOBILE], TEXT, key="order-1", connection=connection)
        assert box.find("order-1") is None
    assert box.find("order-1") == message


def test_a_savepoint_is_rolled_back_alone(box: Mailbox, connection: Any, atomic: Any) -> None:
    with atomic():
        box.enqueue(MOBILE, TEXT, key="order-1", connection=connection)
        with pytest.raises(ZeroDivisionError), atomic():
            _enqueue_and_fail(box, connection)
    assert box.find("order-1") is not None
    assert box.find("order-2") is None


def _enqueue_and_fail(box: Mailbox, connection: Any) -> None:
    box.enqueue(MOBILE, TEXT, key="order-2", connection=connection)
    raise ZeroDivisionError


def test_a_repeated_key_leaves_the_transaction_usable(box: Mailbox, connection: Any, atomic: Any) -> None:
    known = box.send(MOBILE, TEXT, key="order-1")
    with atomic():
        assert box.enqueue(MOBILE, TEXT, key="order-1", connection=connection).id == known.id
        with pytest.raises(KeyReusedError):
            box.enqueue(SECOND_MOBILE, TEXT, key="order-1", connection=connection)
        _model().objects.create(mobile=MOBILE, shipped=True)
    assert _shipped() == 1


def test_a_key_that_another_transaction_takes(
    box: Mailbox, connection: Any, atomic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, look_up, looks = box.send(MOBILE, TEXT, key="order-1"), Mailbox._look_up, []

    def blind(self: Mailbox, draft: Any, own: Any) -> Any:
        looks.append(1)
        return None if len(looks) == 1 else look_up(self, draft, own)

    monkeypatch.setattr(Mailbox, "_look_up", blind)
    with atomic():
        _model().objects.create(mobile=MOBILE, shipped=True)
        assert box.enqueue(MOBILE, TEXT, key="order-1", connection=connection).id == known.id
    assert _shipped() == 1


@pytest.mark.parametrize("key", ["order-1", None])
@pytest.mark.parametrize("used", [False, True])
def test_outside_of_a_transaction_nothing_is_stored(box: Mailbox, connection: Any, key: str | None, used: bool) -> None:
    if used:
        connection.ensure_connection()
    with pytest.raises(ConfigurationError, match=r"transaction\.atomic"):
        box.enqueue(MOBILE, TEXT, key=key, connection=connection)
    assert box.counts() == {}
