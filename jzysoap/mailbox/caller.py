"""The caller's own connection, on whose transaction a message is stored: of SQLAlchemy, or any of the DB-API.

A connection such as Django's is never wrapped in an engine: SQLAlchemy rolls back at its first connect, and the
caller's work would be lost.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from jzysoap.mailbox.statements import Rows
from jzysoap.model.errors import ConfigurationError

_SAVEPOINT = "jzysoap_enqueue"


class TakenError(Exception):
    """A statement met a value that must be unique."""


class CallerConnection:
    """As much of a connection of SQLAlchemy as storing a message takes, over a connection of the DB-API.

    Args:
        connection: the caller's connection.
        engine: the mailbox's engine, for its dialect.
    """

    def __init__(self, connection: Any, engine: Engine) -> None:
        if not callable(getattr(connection, "cursor", None)):
            raise ConfigurationError(
                "connection must be a Connection of SQLAlchemy, or a connection of the DB-API, such as Django's"
            )
        self._connection = connection
        # Django's cursors take one style of parameters for all databases.
        self._converts = engine.dialect.paramstyle == "qmark" and not isinstance(connection, sqlite3.Connection)

    def exec_driver_sql(self, text: str, values: Any = ()) -> Rows:
        """Execute a statement that is compiled."""
        cursor = self._connection.cursor()
        cursor.execute(text.replace("?", "%s") if self._converts else text, values)
        return Rows(cursor)


@contextlib.contextmanager
def savepoint(connection: Any) -> Iterator[None]:
    """Take back what the block does, and no more, if it meets a value that must be unique.

    Raises:
        TakenError: it did.
    """
    plain: Any = connection
    if getattr(connection, "autocommit", None) is False:
        # Django's connects at the first cursor, and says only then that it has no transaction.
        connection.cursor().close()
    if getattr(connection, "autocommit", None) is True and not isinstance(connection, sqlite3.Connection):
        # Each statement would be committed by itself, and a crash could leave half of a message.
        raise ConfigurationError(
            "connection has no transaction: begin one, such as with Django's transaction.atomic(), or omit connection"
        )
    if isinstance(connection, Connection):
        plain = connection.connection.driver_connection
    if isinstance(plain, sqlite3.Connection) and not plain.in_transaction:
        # Without a transaction around it, the end of the savepoint would be a commit.
        plain.execute("BEGIN")
    if isinstance(connection, Connection):
        try:
            with connection.begin_nested():
                yield
        except IntegrityError:
            raise TakenError from None
        return
    cursor = connection.cursor()
    cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        yield
    except Exception as error:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        # Each driver has a class of that name, and Django another one.
        if any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__):
            raise TakenError from None
        raise
    cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
