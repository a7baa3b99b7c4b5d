"""Statements that are compiled once, for the path of every send, and the rows that a driver returns."""

from __future__ import annotations

import functools
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from jzysoap.mailbox.database import AnyRow


class Rows:
    """The result of a statement that a driver has executed, with as much of SQLAlchemy's results as is used here.

    Args:
        cursor: the driver's cursor.
    """

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    @property
    def lastrowid(self) -> Any:
        """The id of the row that was inserted; None where the driver knows none."""
        return getattr(self._cursor, "lastrowid", None)

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return int(self._cursor.rowcount)

    def __iter__(self) -> Iterator[AnyRow]:
        make = _row_of(tuple([column[0] for column in self._cursor.description]))
        return map(make, self._cursor.fetchall())

    def first(self) -> AnyRow | None:
        return next(iter(self), None)

    def scalar_one(self) -> Any:
        return self._cursor.fetchone()[0]


@functools.lru_cache(64)
def _row_of(names: tuple[str, ...]) -> Callable[[Sequence[Any]], AnyRow]:
    kind: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # its names are the result's
    make: Callable[[Sequence[Any]], AnyRow] = kind._make
    return make


class Statement:
    """A statement compiled once, for the path of every send: half the CPU of the statement built each time.

    On SQLite, SQLAlchemy's own part of executing it would cost more than the database's: the driver does it.

    Args:
        statement: an insert, update or select with bound parameters.
        engine: the engine, for its dialect.
        names: the columns of an insert.
    """

    def __init__(self, statement: Any, engine: Engine, names: tuple[str, ...] | None = None) -> None:
        compiled = statement.compile(dialect=engine.dialect, column_keys=names)
        self._text = str(compiled)
        self._defaults = dict(compiled.params)
        self._order: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None
        self._by_driver = engine.dialect.name == "sqlite"

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute it with these values; return the result."""
        given = {**self._defaults, **values}
        if self._order is None:
            return connection.exec_driver_sql(self._text, {name: given[name] for name in self._defaults})
        positional = tuple([given[name] for name in self._order])
        if self._by_driver and isinstance(connection, Connection):
            return self._run_by_driver(connection, positional)
        return connection.exec_driver_sql(self._text, positional)

    def _run_by_driver(self, connection: Connection, values: tuple[Any, ...]) -> Rows:
        driver: Any = connection.connection.driver_connection
        try:
            return Rows(driver.execute(self._text, values))
        except sqlite3.Error as error:
            kind = IntegrityError if isinstance(error, sqlite3.IntegrityError) else OperationalError
            raise kind(self._text, {}, error, hide_parameters=True) from None

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each row."""
        defaults, order = self._defaults, self._order
        if order is None:
            connection.exec_driver_sql(self._text, [{**defaults, **row} for row in rows])
        else:
            connection.exec_driver_sql(
                self._text, [tuple([{**defaults, **row}[name] for name in order]) for row in rows]
            )
