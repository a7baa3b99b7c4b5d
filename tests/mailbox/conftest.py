"""Databases for the tests: a fresh one for each test, on servers that start at their first use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from jzysoap import Client
from jzysoap.mailbox import Mailbox
from jzysoap.sandbox import Sandbox
from tests.kit import databases
from tests.kit.missing import lacking
from tests.kit.samples import TEXT

Make = Callable[..., databases.Server]


class StartServer(Protocol):
    """Starts a server by a function of `tests.kit.databases` and its options."""

    def __call__(self, make: Make, **options: Any) -> databases.Server: ...


class MakeBox(Protocol):
    """Makes a mailbox, with the fixture's client and database unless told otherwise."""

    def __call__(self, *, client: Client | None = ..., url: str = ..., **options: Any) -> Mailbox: ...


def _start(stack: ExitStack, make: Make, **options: Any) -> databases.Server:
    try:
        server = make(**options)
    except databases.NotInstalledError as error:
        lacking(str(error))
    return stack.enter_context(server)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    """A durable PostgreSQL server, which all tests of a process share; not to be stopped."""
    with ExitStack() as stack:
        yield _start(stack, databases.postgresql)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    """A durable MariaDB server, which all tests of a process share; not to be stopped."""
    with ExitStack() as stack:
        yield _start(stack, databases.mariadb)


@pytest.fixture(scope="session")
def redis() -> Iterator[databases.Server]:
    """A durable Redis server, which all tests of a process share; not to be stopped."""
    with ExitStack() as stack:
        yield _start(stack, databases.redis)


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """A function that starts a server for this test alone, which may stop it and start it again."""
    with ExitStack() as stack:
        yield lambda make, **options: _start(stack, make, **options)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.database),
        pytest.param("mariadb", marks=pytest.mark.database),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, empty database, for SQLAlchemy, on each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'mailbox.db'}"
        return
    server: databases.Server = request.getfixturevalue(request.param)
    url = server.new_database()
    yield url
    server.recycle(url)


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """A gateway that returns batch ids, as the servlet does."""
    with Sandbox(soap_batch_ids=True) as sandbox:
        yield sandbox


@pytest.fixture(name="client")
def _client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False) as client:
        yield client


@pytest.fixture(name="make_box")
def _make_box(client: Client, database_url: str) -> Iterator[MakeBox]:
    """Makes mailboxes over the same database, which are closed at the end."""
    with ExitStack() as stack:

        def make(*, client: Client | None = client, url: str = database_url, **options: Any) -> Mailbox:
            return stack.enter_context(Mailbox(client, url, **options))

        yield make


@pytest.fixture(name="box")
def _box(make_box: MakeBox) -> Mailbox:
    return make_box()


def change(box: Mailbox, statement: str) -> None:
    """Change the database behind the mailbox's back, as time or another process would."""
    box._opened.get()
    box._database.write(lambda connection, _: connection.exec_driver_sql(statement))


def answer(sandbox: Sandbox, *mobiles: str) -> bytes:
    """Return the raw answer to a poll for reports of these numbers."""
    bodies: list[bytes] = []
    with Client(
        sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False, on_reply=lambda raw: bodies.append(raw.body)
    ) as client:
        for mobile in mobiles:
            client.send(mobile, TEXT)
        client.reports()
    return bodies[0]
