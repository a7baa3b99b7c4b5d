"""The database of a mailbox: connections, transactions, the clock. No table is named here.

A transaction that lost against another one is tried again, with a pause by chance. Errors of the database leave this
module as ``MailboxDatabaseError``, without the values of their statements, which are personal data.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger

from jzysoap.mailbox.errors import MailboxDatabaseError
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.processes import PerProcess

logger = logging.getLogger("jzysoap.mailbox")

T = TypeVar("T")

AnyRow = Any
"""A row of a result: SQLAlchemy 2.0 and 2.1 have types for it that differ."""

TRIES = 12
"""How often a transaction is tried, at most, that lost against another one, or whose connection was lost."""

PATIENCE = 30.0
"""Seconds after which it is not tried again."""
_LONGEST_PAUSE = 1.0
_LOCK_SECONDS = 10
_LEFT_OPEN_SECONDS = 60
# A checkpoint cuts the log back to so many bytes.
_LOG_BYTES = 16 * 1024 * 1024
_DRIVERS = {"postgresql": ("psycopg", "psycopg"), "mysql": ("pymysql", "PyMySQL"), "mariadb": ("pymysql", "PyMySQL")}
_EXTRAS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
# SQLite locks files in ways that these do not keep.
_REMOTE = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs")


class now_ms(FunctionElement[int]):  # noqa: N801  # a function of SQL
    """The database's clock in milliseconds since the epoch. It goes on inside a transaction."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _sqlite_clock(_element: now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(now_ms, "postgresql")
def _postgresql_clock(_element: now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(now_ms, "mysql", "mariadb")
def _mysql_clock(_element: now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)"


class Database:
    """The connections to one database. Safe in threads; after a fork, a child makes connections of its own.

    Args:
        url: ``sqlite:///sms.db``, ``postgresql+psycopg://…`` or ``mysql+pymysql://…``.

    Attributes:
        dialect: ``sqlite``, ``postgresql`` or ``mysql``.
        path: the file of SQLite, else None.

    Raises:
        ConfigurationError: the URL cannot be used, or a driver is missing.
    """

    def __init__(self, url: str | URL) -> None:
        self._url = _checked_url(url)
        self.dialect = "mysql" if self._url.get_backend_name() == "mariadb" else self._url.get_backend_name()
        self.path = Path(str(self._url.database)).absolute() if self.dialect == "sqlite" else None
        self._connections = PerProcess(functools.partial(_Connections, self._url, self.dialect, self.path))

    def __repr__(self) -> str:
        return f"<Database {self._url.render_as_string(hide_password=True)}>"

    @property
    def engine(self) -> Engine:
        """The engine of this process, for its dialect."""
        return self._connections.get().engine

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run work that only reads.

        Raises:
            MailboxDatabaseError: the database failed.
        """
        return self._run(lambda: self._connections.get().reading(), lambda connection, _: work(connection))

    def write(self, work: Callable[[Connection, bool], T]) -> T:
        """Run work in one transaction, and commit it.

        Args:
            work: gets the connection, and True if the last try may have been committed without that being known: then
                it must look for what it has done.

        Raises:
            MailboxDatabaseError: the database failed.
        """
        return self._run(lambda: self._connections.get().writing(), work)

    def copy_to(self, path: Path) -> None:
        """Write a copy of a database of SQLite into an empty file.

        Raises:
            MailboxDatabaseError: the copy cannot be written.
        """
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
        except SQLAlchemyError as error:
            raise database_error(error) from None

    def truncate_log(self) -> None:
        """Write the log of SQLite into the file and cut it off, unless somebody reads or writes at this moment."""
        try:
            with self.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (SQLAlchemyError, sqlite3.Error):
            # The next time is as good.
            logger.debug("the log was not cut off", exc_info=True)

    def close(self) -> None:
        """Close the connections of this process, if there are any: a file that was never used is not made now."""
        connections = self._connections.peek()
        if connections is not None:
            connections.close()

    def _run(
        self,
        begin: Callable[[], contextlib.AbstractContextManager[Connection]],
        work: Callable[[Connection, bool], T],
    ) -> T:
        uncertain, left, until = False, TRIES, time.monotonic() + PATIENCE
        while True:
            left -= 1
            try:
                with begin() as connection:
                    return work(connection, uncertain)
            except SQLAlchemyError as error:
                lost = isinstance(error, DBAPIError) and error.connection_invalidated
                if left <= 0 or time.monotonic() > until or not (lost or _is_conflict(error)):
                    raise database_error(error) from None
                uncertain = uncertain or lost
            # Twice as long each time, by chance, so that two that met do not meet again.
            time.sleep(random.uniform(0.0, min(0.01 * 2.0 ** (TRIES - left), _LONGEST_PAUSE)))  # noqa: S311  # no secret


class _Connections:
    """The engine of one process. SQLite has one connection that writes, which the threads take in turn."""

    def __init__(self, url: URL, dialect: str, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._sqlite = dialect == "sqlite"
        options: dict[str, Any] = {"hide_parameters": True, "isolation_level": "READ COMMITTED"}
        if path is not None:
            _make_file(path)
            options = {"hide_parameters": True, "connect_args": {"timeout": _LOCK_SECONDS}}
        elif dialect == "postgresql":
            settings = {
                "lock_timeout": _LOCK_SECONDS * 1000,
                "idle_in_transaction_session_timeout": _LEFT_OPEN_SECONDS * 1000,
                # A claim that a crash takes back would be sent again.
                "synchronous_commit": "on",
            }
            given = " ".join(f"-c {name}={value}" for name, value in settings.items())
            options["connect_args"] = {"options": given, "connect_timeout": _LOCK_SECONDS}
        else:
            setting = f"SET SESSION innodb_lock_wait_timeout={_LOCK_SECONDS}, time_zone='+00:00'"
            options["connect_args"] = {"init_command": setting, "connect_timeout": _LOCK_SECONDS}
        self.engine = create_engine(url, **options)
        if path is not None:
            event.listen(self.engine, "connect", _set_pragmas)
            event.listen(self.engine, "begin", _begin)
        elif dialect == "mysql":
            event.listen(self.engine, "first_connect", _warn_of_durability)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        # Of another connection than the writer's: SQLite lets them read at the same time.
        with self.engine.connect().execution_options(jzysoap_reads=True) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        if not self._sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._lock:
            if self._writer is None or self._writer.closed or self._writer.invalidated:
                self._writer = self.engine.connect()
            try:
                with self._writer.begin():
                    yield self._writer
            except BaseException:
                # A signal handler may raise between the driver's BEGIN and SQLAlchemy's own: closing rolls both back.
                self._writer.close()
                raise

    def close(self) -> None:
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self.engine.dispose()


def database_error(error: SQLAlchemyError) -> MailboxDatabaseError:
    """Return the error for a failure of the database, without the values of a statement."""
    original: Any = getattr(error, "orig", None) or error
    # What an operational error says is about the server, the file, the disk; other errors quote values.
    operational = type(original).__name__ in ("OperationalError", "InterfaceError")
    words = "".join(map(str, getattr(original, "args", ())[-1:])).splitlines() if operational else []
    said = f": {words[0][:300]}" if words else ""
    return MailboxDatabaseError(f"the mailbox's database failed: {type(original).__name__}{said}")


def _is_conflict(error: SQLAlchemyError) -> bool:
    """Return True if a transaction lost against another one, and may be tried again."""
    original: Any = getattr(error, "orig", None)
    if getattr(original, "sqlite_errorcode", 0) & 0xFF in (5, 6):  # SQLITE_BUSY, SQLITE_LOCKED
        return True
    if getattr(original, "sqlstate", None) in ("40001", "40P01", "55P03"):
        return True
    arguments: tuple[Any, ...] = getattr(original, "args", ())
    return bool(arguments) and arguments[0] in (1205, 1213)


def _checked_url(url: str | URL) -> URL:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        # The latter is said of a port, with what stands before it.
        raise ConfigurationError("url must be the address of a database, such as sqlite:///sms.db") from None
    backend = found.get_backend_name()
    if backend == "sqlite":
        if not found.database or found.database == ":memory:" or found.query:
            raise ConfigurationError(
                "url must name a file, such as sqlite:///sms.db, without parameters: a mailbox in memory would forget "
                "what was sent"
            )
        return found
    if backend not in _DRIVERS:
        raise ConfigurationError(f"url names {backend}: a mailbox can be in SQLite, PostgreSQL, MySQL or MariaDB")
    driver, library = _DRIVERS[backend]
    found = found.set(drivername=f"{backend}+{driver}")
    if backend != "postgresql":
        found = found.update_query_dict({"charset": "utf8mb4"})
    try:
        __import__(driver)
    except ImportError:
        raise ConfigurationError(
            f"url names {backend}, which needs {library}: pip install 'jzysoap[{_EXTRAS[backend]}]'"
        ) from None
    return found


def _make_file(path: Path) -> None:
    """Make the file of a database, for its owner alone: it holds personal data."""
    remote = _remote_file_system(path)
    if remote:
        raise ConfigurationError(
            f"url names a file on {remote}, where SQLite cannot lock it: use a local disk, or PostgreSQL or MariaDB"
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise MailboxDatabaseError(f"the mailbox's file {path} cannot be used: {error.strerror}") from None


def _remote_file_system(path: Path, mounts: str = "/proc/self/mounts") -> str:
    """Return the kind of the network file system that a path is on; empty for none that is known."""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # Only Linux lists them there.
        return ""
    resolved = path.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        point = Path(fields[1].replace("\\040", " "))
        if len(point.parts) > best and resolved.is_relative_to(point):
            best, kind = len(point.parts), fields[2]
    return kind if kind.startswith(_REMOTE) else ""


def _set_pragmas(connection: Any, _record: object) -> None:
    # Transactions are begun by ``_begin``; the driver's own would begin too late, and lose against others.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=FULL", f"journal_size_limit={_LOG_BYTES}"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("jzysoap_reads")
    statement = "BEGIN" if reads else "BEGIN IMMEDIATE"
    driver: Any = connection.connection.driver_connection
    try:
        # Past SQLAlchemy: with its bookkeeping, the two transactions of a send would cost a tenth more.
        driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, {}, error) from None


def _warn_of_durability(connection: Any, _record: object) -> None:
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
        if int(cursor.fetchone()[0]) != 1:
            logger.warning(
                "a commit of this database is not durable (innodb_flush_log_at_trx_commit is not 1): "
                "after a crash of its machine, messages may be sent again"
            )
