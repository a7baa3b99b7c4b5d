"""The file that keeps messages, queues, balances and rules over a restart of the sandbox: SQLite, one writer.

Passwords are not kept. Nothing here knows the gateway's behaviour.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.values import Channel, DeliveryReport, DeliveryStatus, Reply
from jzysoap.sandbox.messages import Message
from jzysoap.sandbox.queues import AnyQueued, Queued

VERSION = 1
"""The version of the tables; a file of another version is refused."""

MAX_POLLED_ROWS = 20_000
"""The number of records, counted back from the latest, in which those that were polled are kept."""

_TABLES = """
CREATE TABLE message (batch_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE queued (
    key INTEGER PRIMARY KEY, kind TEXT NOT NULL, username TEXT NOT NULL, message TEXT, due TEXT NOT NULL,
    polled_at TEXT, data TEXT NOT NULL
) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""

# The exchange of a message is not kept, and neither is its number.
_MESSAGE_FIELDS = tuple(one.name for one in fields(Message) if one.name != "exchange")


@dataclass(slots=True)
class Saved:
    """The content of a file.

    Attributes:
        messages: the messages, the oldest first.
        queued: the records with the name of their account, in the order in which they were added.
        settings: balances and rules by name.
    """

    messages: list[Message] = field(default_factory=list)
    queued: list[tuple[str, AnyQueued]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


class Store:
    """A file. Not safe in threads: the gateway's lock guards it.

    Args:
        path: the file; it is made if it does not exist, readable for its owner only.

    Raises:
        ConfigurationError: the file cannot be opened, belongs to another sandbox that runs, or is something else.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the sandbox cannot keep its messages in {path}: {error}") from error
        try:
            # Taken by the first write and kept: a second sandbox would answer polls with the same records.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._create()
        except sqlite3.Error as error:
            self.close()
            raise ConfigurationError(f"the sandbox cannot keep its messages in {path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self) -> Saved:
        """Return what the file holds.

        Raises:
            ConfigurationError: the file is damaged.
        """
        try:
            return self._load()
        except (sqlite3.Error, ValueError, LookupError, TypeError) as error:
            self.close()
            raise ConfigurationError(f"{self._path} is damaged: move it away ({type(error).__name__})") from error

    def save(
        self,
        *,
        message: Message | None = None,
        queued: Iterable[tuple[str, AnyQueued]] = (),
        polled: Iterable[AnyQueued] = (),
        polled_at: datetime | None = None,
        withdrawn: Iterable[AnyQueued] = (),
        forgotten: str | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Write what an act of the gateway changes, all or nothing.

        Args:
            message: a new message.
            queued: new records with the name of their account; their ``key`` is set.
            polled: records that a poll returns.
            polled_at: the time of that poll.
            withdrawn: records that no poll shall return.
            forgotten: the batch id of a message that is not kept any more.
            settings: balances and rules by name, as values of JSON.

        Raises:
            ConfigurationError: the file cannot be written, such as when the disk is full.
        """
        with self._transaction() as run:
            if message is not None:
                run("INSERT INTO message VALUES (?, ?, ?)", (message.batch_id, message.seq, _message_json(message)))
            for username, entry in queued:
                kind = "reply" if isinstance(entry.record, Reply) else "report"
                row = (kind, username, entry.message, entry.due.isoformat(), None, _record_json(entry.record))
                entry.key = run(
                    "INSERT INTO queued (kind, username, message, due, polled_at, data) VALUES (?, ?, ?, ?, ?, ?)", row
                ).lastrowid
            if polled_at is not None:
                for entry in polled:
                    run("UPDATE queued SET polled_at = ? WHERE key = ?", (polled_at.isoformat(), entry.key))
                # Those that were polled long ago are only looked at.
                run(
                    "DELETE FROM queued WHERE polled_at IS NOT NULL AND key < (SELECT max(key) FROM queued) - ?",
                    (MAX_POLLED_ROWS,),
                )
            for entry in withdrawn:
                run("DELETE FROM queued WHERE key = ?", (entry.key,))
            if forgotten is not None:
                run("DELETE FROM message WHERE batch_id = ?", (forgotten,))
            for name, value in (settings or {}).items():
                run("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value, ensure_ascii=False)))

    def clear(self) -> None:
        """Remove everything.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        with self._transaction() as run:
            run("DELETE FROM message", ())
            run("DELETE FROM queued", ())
            run("DELETE FROM setting", ())

    def _create(self) -> None:
        with closing(self._connection.execute("PRAGMA user_version")) as cursor:
            (version,) = cursor.fetchone()
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"its tables are of version {version}, not {VERSION}")
        if version == 0:
            self._connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[Callable[[str, tuple[object, ...]], sqlite3.Cursor]]:
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN")
                try:
                    yield cursor.execute
                    cursor.execute("COMMIT")
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            raise ConfigurationError(f"the sandbox cannot write {self._path}: {error}") from error

    def _load(self) -> Saved:
        saved = Saved()
        rows = self._connection.execute("SELECT data FROM message ORDER BY seq")
        saved.messages = [_message(json.loads(data)) for (data,) in rows]
        rows = self._connection.execute(
            "SELECT key, kind, username, message, due, polled_at, data FROM queued ORDER BY key"
        )
        for key, kind, username, message, due, polled_at, data in rows:
            record = _record(kind, json.loads(data))
            polled = None if polled_at is None else datetime.fromisoformat(polled_at)
            entry: Any = Queued(record, datetime.fromisoformat(due), message, polled, key=key)
            saved.queued.append((username, entry))
        saved.settings = {
            name: json.loads(value) for name, value in self._connection.execute("SELECT name, value FROM setting")
        }
        return saved


def _message_json(message: Message) -> str:
    values = {name: getattr(message, name) for name in _MESSAGE_FIELDS}
    return json.dumps(values | {"sent_at": message.sent_at.isoformat()}, ensure_ascii=False)


def _message(values: dict[str, Any]) -> Message:
    values |= {
        "channel": Channel(values["channel"]),
        "mobiles": tuple(values["mobiles"]),
        "sent_at": datetime.fromisoformat(values["sent_at"]),
    }
    return Message(**values)


def _record_json(record: DeliveryReport | Reply) -> str:
    if isinstance(record, DeliveryReport):
        values: list[Any] = [record.mobile, record.username, record.batch_id, int(record.status), record.sent_at]
    else:
        values = [record.mobile, record.receiver, record.text, record.raw.hex(), record.received_at]
    return json.dumps(values, ensure_ascii=False, default=datetime.isoformat)


def _record(kind: str, values: Sequence[Any]) -> DeliveryReport | Reply:
    mobile, username, third, fourth, at = values
    when = datetime.fromisoformat(at)
    if kind == "report":
        return DeliveryReport(mobile, username, third, DeliveryStatus(fourth), when)
    return Reply(mobile, username, third, bytes.fromhex(fourth), when)
