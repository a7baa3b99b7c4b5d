"""The servers that the other tests rely on: they answer, keep what was committed, and are gone at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.kit import databases
from tests.mailbox.conftest import Make, StartServer

ROOT = Path(__file__).parents[2]
SQL = pytest.mark.parametrize("make", [databases.postgresql, databases.mariadb])
ALL = pytest.mark.parametrize("make", [databases.postgresql, databases.mariadb, databases.redis])


def run_sql(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements in one transaction, and return the rows of the last one."""
    engine = create_engine(url)
    rows: list[tuple[object, ...]] = []
    try:
        with engine.begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement))
                rows = [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()
    return rows


def table_names(url: str) -> list[str]:
    engine = create_engine(url)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return names


def ask_redis(url: str, *commands: str) -> list[str]:
    """Send commands of one line each to Redis, and return the answers of one line each."""
    parts = make_url(url)
    assert parts.host
    assert parts.port
    answers = []
    with socket.create_connection((parts.host, parts.port), 10) as connection, connection.makefile("rwb") as stream:
        for command in (f"AUTH {parts.password}", f"SELECT {parts.database}", *commands):
            stream.write(command.encode() + b"\r\n")
            stream.flush()
            answers.append(stream.readline().decode().rstrip())
    assert answers[:2] == ["+OK", "+OK"]
    return answers[2:]


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


def has_processes(directory: Path) -> bool:
    """Return True if a process works in the directory, as all processes of a server do."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            place = os.readlink(link)
        except OSError:
            # It has ended in the meantime, or is another user's.
            continue
        if Path(place).is_relative_to(directory):
            return True
    return False


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return met


def test_a_fresh_database_is_empty_whatever_the_last_test_left(database_url: str) -> None:
    assert table_names(database_url) == []
    assert run_sql(database_url, "CREATE TABLE kept (number INTEGER)", "SELECT 1") == [(1,)]
    assert table_names(database_url) == ["kept"]


def test_another_test_has_another_database(database_url: str) -> None:
    # The same again: whichever of the two runs second would find the table of the first.
    test_a_fresh_database_is_empty_whatever_the_last_test_left(database_url)


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
@pytest.mark.database
def test_new_databases_are_empty_and_distinct(name: str, request: pytest.FixtureRequest) -> None:
    server: databases.Server = request.getfixturevalue(name)
    assert run_sql(server.url, "SELECT 1") == [(1,)]
    first, second = server.new_database(), server.new_database()
    run_sql(first, "CREATE TABLE kept (number INTEGER)")
    assert table_names(first) == ["kept"]
    assert table_names(second) == []


@SQL
@pytest.mark.database
def test_a_recycled_database_is_empty_and_its_sessions_have_ended(make: Make, start_server: StartServer) -> None:
    server = start_server(make)
    url = server.new_database()
    run_sql(url, "CREATE TABLE kept (number INTEGER)")
    engine = create_engine(url)
    with engine.connect() as connection:
        # The table is locked until the session ends.
        connection.execute(text("INSERT INTO kept VALUES (1)"))
        server.recycle(url)
        with pytest.raises(DBAPIError):
            connection.execute(text("INSERT INTO kept VALUES (2)"))
    engine.dispose()
    again = server.new_database()
    assert table_names(again) == []
    assert again != server.new_database()


@pytest.mark.database
def test_a_recycled_database_of_postgresql_is_like_a_new_one(postgresql: databases.Server) -> None:
    def facts(url: str) -> list[tuple[object, ...]]:
        return [
            *run_sql(url, "SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace ORDER BY nspname"),
            *run_sql(url, "SELECT relname FROM pg_class ORDER BY relname"),
            *run_sql(url, "SHOW timezone"),
        ]

    url = postgresql.new_database()
    run_sql(url, "CREATE SCHEMA other", "CREATE TABLE other.kept (number INTEGER)", "CREATE SEQUENCE kept")
    run_sql(url, f"ALTER DATABASE {make_url(url).database} SET timezone TO 'UTC'")
    postgresql.recycle(url)
    assert postgresql.new_database() == url
    assert facts(url) == facts(postgresql.new_database())


@pytest.mark.database
def test_redis_answers_and_its_databases_are_distinct(redis: databases.Server) -> None:
    assert ask_redis(redis.url, "PING") == ["+PONG"]
    first, second = redis.new_database(), redis.new_database()
    assert ask_redis(first, "SET kept 1", "DBSIZE") == ["+OK", ":1"]
    assert ask_redis(second, "DBSIZE") == [":0"]


@pytest.mark.database
def test_nobody_gets_in_without_the_password(
    postgresql: databases.Server, mariadb: databases.Server, redis: databases.Server
) -> None:
    for server in (postgresql, mariadb):
        url = make_url(server.url).set(password="wrong").render_as_string(hide_password=False)
        with pytest.raises(OperationalError, match=r"password authentication failed|Access denied"):
            run_sql(url, "SELECT 1")
    with pytest.raises(AssertionError, match="WRONGPASS"):
        ask_redis(redis.url.replace("//:", "//:wrong"), "PING")


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.database
def test_commits_are_durable_unless_told_otherwise(durable: bool, start_server: StartServer) -> None:
    postgresql = start_server(databases.postgresql, durable=durable)
    on = "on" if durable else "off"
    assert run_sql(postgresql.url, "SHOW fsync") == run_sql(postgresql.url, "SHOW synchronous_commit") == [(on,)]
    mariadb = start_server(databases.mariadb, durable=durable)
    assert run_sql(mariadb.url, "SELECT @@innodb_flush_log_at_trx_commit") == [(int(durable),)]


@pytest.mark.parametrize("immediate", [True, False])
@SQL
@pytest.mark.database
def test_a_restart_keeps_what_was_committed(make: Make, immediate: bool, start_server: StartServer) -> None:
    server = start_server(make)
    port, url = server.port, server.new_database()
    run_sql(url, "CREATE TABLE kept (number INTEGER)", "INSERT INTO kept VALUES (1)")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO kept VALUES (2)"))
        server.stop(immediate=immediate)
        assert not is_listening(port)
        with pytest.raises(DBAPIError):
            connection.commit()
    engine.dispose()
    server.start()
    assert server.port == port
    assert run_sql(url, "SELECT number FROM kept") == [(1,)]
    assert table_names(server.new_database()) == []


@pytest.mark.parametrize(("durable", "kept"), [(True, ":1"), (False, ":0")])
@pytest.mark.database
def test_redis_keeps_what_it_has_answered_if_it_is_durable(durable: bool, kept: str, start_server: StartServer) -> None:
    server = start_server(databases.redis, durable=durable)
    assert ask_redis(server.url, "SET kept 1") == ["+OK"]
    server.stop()
    assert not is_listening(server.port)
    server.start()
    assert ask_redis(server.url, "EXISTS kept") == [kept]


@ALL
@pytest.mark.database
def test_the_files_are_where_they_should_be_if_the_server_can_get_there(
    make: Make, start_server: StartServer, tmp_path: Path
) -> None:
    wanted = tmp_path / "server"
    server = start_server(make, directory=wanted)
    # Root's tmp_path is closed to the user that the server runs as.
    assert (server.directory == wanted) is (os.geteuid() != 0)
    assert server.directory.stat().st_mode & 0o077 == 0
    server.close()
    assert server.directory.exists() is (os.geteuid() != 0)


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to see all processes of a server")
@ALL
@pytest.mark.database
def test_nothing_is_left_of_a_server_at_its_end(make: Make, start_server: StartServer) -> None:
    server = start_server(make)
    assert is_listening(server.port)
    assert has_processes(server.directory)
    server.close()
    assert not is_listening(server.port)
    assert not has_processes(server.directory)
    assert not server.directory.exists()


_KILLED = """
import os, signal, sys
from tests.kit import databases
with getattr(databases, sys.argv[1])() as server:
    print(server.port, server.directory, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "redis"])
@pytest.mark.database
def test_a_server_ends_when_the_tests_are_killed(name: str, request: pytest.FixtureRequest) -> None:
    # Another one, which says if it is not installed.
    assert is_listening(request.getfixturevalue(name).port)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _KILLED, name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    port, directory = done.stdout.split()
    assert wait_until(lambda: not is_listening(int(port)))
    # Removed as the last thing.
    assert wait_until(lambda: not Path(directory).exists())


class _Absent(databases.Server):
    name = "absent"
    account = "absent"
    programs = ("jzysoap-no-such-server",)


class _Undriven(databases.Server):
    name = "undriven"
    account = "undriven"
    programs = ("sh",)
    driver = "jzysoap_no_such_driver"


@pytest.mark.parametrize(
    ("server", "reason"), [(_Absent, "jzysoap-no-such-server"), (_Undriven, "jzysoap_no_such_driver")]
)
def test_a_missing_server_skips_the_test_unless_all_must_run(
    server: type[databases.Server], reason: str, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=reason):
        start_server(server, directory=None, durable=True)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=reason):
        start_server(server, directory=None, durable=True)
