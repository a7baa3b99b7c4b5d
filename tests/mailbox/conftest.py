"""Databases for the tests: a fresh one for each test, on servers that start at their first use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.kit import databases
from tests.kit.missing import lacking

Make = Callable[..., databases.Server]


class StartServer(Protocol):
    """Starts a server by a function of `tests.kit.databases` and its options."""

    def __call__(self, make: Make, **options: Any) -> databases.Server: ...


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
