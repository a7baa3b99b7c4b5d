"""The part of the mailbox that looks and decides: it needs no client, and sends nothing."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from sqlalchemy import URL

from jzysoap.client.durable import DurableCalls
from jzysoap.client.sync import Client
from jzysoap.mailbox.database import Database
from jzysoap.mailbox.decisions import Decisions
from jzysoap.mailbox.errors import MailboxDatabaseError
from jzysoap.mailbox.expiry import Expiry
from jzysoap.mailbox.looks import Looks
from jzysoap.mailbox.matches import Matches
from jzysoap.mailbox.records import Records
from jzysoap.mailbox.rows import to_ms
from jzysoap.mailbox.schema import current_salt, prepare_schema
from jzysoap.mailbox.states import State
from jzysoap.mailbox.store import Store
from jzysoap.mailbox.values import Change, Count, Delivery, Message, Problem, StoredBatch, StoredReply, StoredReport
from jzysoap.model.door import public
from jzysoap.model.errors import ConfigurationError, InvalidMessageError
from jzysoap.model.events import RawReply
from jzysoap.model.processes import PerProcess
from jzysoap.model.sent import Outcome

T = TypeVar("T")

VARIABLE = "JZYSOAP_MAILBOX"
RESEND_LIFETIME = timedelta(hours=24)
MAX_KEY = 1000
_LONGEST = timedelta(days=3650)


class Opened:
    """A mailbox whose tables are there.

    Args:
        box: the mailbox.

    Attributes:
        store, looks, decisions: its statements.
        expiry: has its batches expire.
        salt: makes the fingerprints of two mailboxes differ, so that nobody finds a number by its fingerprint.
        records, matches: those that need an account; None without a client.
    """

    def __init__(self, box: BaseMailbox) -> None:
        database, calls = box._database, box._calls
        self.salt = self._prepare(box)
        account = None if calls is None else f"{calls.address} {calls.account}"
        self.store = Store(database, account, keep_text=box._keep_text)
        self.looks = Looks(self.store)
        self.expiry = Expiry(self.store)
        self.decisions = Decisions(self.store, keep_text=box._keep_text)
        self.decisions.check_identity()
        self.records = None if account is None else Records(database, account)
        window = to_milliseconds(box._window)
        self.matches = None if account is None else Matches(self.store, window=window, shared=box._shared)

    @staticmethod
    def _prepare(box: BaseMailbox) -> bytes:
        database, left = box._database, 5 if box._database.dialect == "mysql" else 1
        # The caller may be in a transaction that holds SQLite's only lock for writing.
        salt = database.read(current_salt)
        if salt is not None:
            return salt
        while True:
            left -= 1
            try:
                return database.write(lambda connection, _: prepare_schema(connection, create=box._create))
            except MailboxDatabaseError as error:
                if left <= 0 or error.retry == "never":
                    raise
            time.sleep(0.2)


class BaseMailbox:
    """Sends that are never repeated by accident, polls that are never lost. Safe in threads and after a fork.

    The constructor opens nothing; the tables are made at the first use.

    Args:
        client: the account to send with; None for a process that only looks and decides.
        url: the database: ``sqlite:///sms.db`` for a file, ``postgresql+psycopg://…`` (extra ``postgresql``), or
            ``mysql+pymysql://…`` (extra ``mysql``) for MySQL and MariaDB, as text or as a ``sqlalchemy.URL``. None for
            the variable ``JZYSOAP_MAILBOX``.
        batch_size: recipients of one call, at most 20,000.
        attempts: calls for one batch at most, while each is proven not to have texted anyone.
        report_wait: the time after a send for which a report may still come: so long ``resend`` refuses an unknown
            batch.
        window: the time by which a report's may differ from the start of its batch.
        shared: True if others send with the same account, False if nobody does, None to learn it from the reports.
            On a shared account no unknown send to a single number is settled by a report.
        keep_text: False to drop the text of a message once it has ended.
        retention: the time after which ``run`` deletes messages that have ended; None to keep them.
        failures: how often a block may fail with a record before that record is ``dead``.
        create: False for a user of the database without the right to create tables.
        spool: the directory for answers that the database failed to store; by default beside the file of SQLite, else
            in the user's state directory.

    Raises:
        ConfigurationError: naming the argument.
    """

    @public
    def __init__(
        self,
        client: Client | None,
        url: str | URL | None = None,
        *,
        batch_size: int = 200,
        attempts: int = 8,
        report_wait: timedelta = timedelta(hours=72),
        window: timedelta = timedelta(minutes=15),
        shared: bool | None = None,
        keep_text: bool = True,
        retention: timedelta | None = None,
        failures: int = 5,
        create: bool = True,
        spool: str | os.PathLike[str] | None = None,
    ) -> None:
        url = url or os.environ.get(VARIABLE)
        if not url:
            raise ConfigurationError(f"url is missing: give it, or set {VARIABLE}, such as to sqlite:///sms.db")
        for name, number in (("batch_size", batch_size), ("attempts", attempts), ("failures", failures)):
            if type(number) is not int or not 1 <= number <= 20_000:
                raise ConfigurationError(f"{name} must be a whole number from 1 to 20,000")
        lengths: tuple[tuple[str, Any], ...] = (("report_wait", report_wait), ("window", window))
        if retention is not None:
            lengths += (("retention", retention),)
        for name, length in lengths:
            if not isinstance(length, timedelta) or not timedelta() < length <= _LONGEST:
                raise ConfigurationError(
                    f"{name} must be a timedelta, longer than nothing and no longer than ten years"
                )
        self._calls = None if client is None else DurableCalls(client)
        self._database = Database(url)
        self._batch_size = batch_size
        self._attempts = attempts
        self._report_wait = report_wait
        self._window = window
        self._shared = shared
        self._keep_text = keep_text
        self._retention = retention
        self._failures = failures
        self._create = create
        # A client that the mailbox made itself, and closes.
        self._client: Client | None = None
        self._spool = Path(spool) if spool is not None else _default_spool(self._database)
        self._opened = PerProcess(lambda: Opened(self))

    @public
    def message(self, ident: int) -> Message:
        """Return a message.

        Raises:
            NotFoundError: there is none.
        """
        return self._opened.get().looks.message(ident)

    @public
    def find(self, key: str) -> Message | None:
        """Return the message that has a key, or None."""
        return self._opened.get().looks.find(checked_key(key))

    @public
    def deliveries(self, ident: int) -> tuple[Delivery, ...]:
        """Return the fate of each recipient of a message, as the reports so far have it."""
        return self._opened.get().looks.deliveries(ident)

    @public
    def history(self, ident: int) -> tuple[Change, ...]:
        """Return every change of a message's batches after it was stored, in order."""
        return self._opened.get().looks.history(ident)

    @public
    def unknown(self, limit: int = 1000) -> tuple[StoredBatch, ...]:
        """Return the batches that may have been sent: a report or a person settles them, no worker repeats them."""
        return self._opened.get().looks.in_state(State.UNKNOWN, limit)

    @public
    def hints(self, batch: int) -> tuple[str, ...]:
        """Return the gateway's ids that might be the one of a batch, to ask the gateway's operator about."""
        return self._need("hints", self._opened.get().matches).hints(batch)

    @public
    def dead(self, limit: int = 1000) -> list[StoredReport | StoredReply]:
        """Return the records that failed too often in a block."""
        return self._need("dead", self._opened.get().records).dead(limit)

    @public
    def retry(self, record: int) -> None:
        """Hand a dead record out once more.

        Raises:
            NotFoundError, NotAllowedError: there is no such record, or it is not dead.
        """
        self._need("retry", self._opened.get().records).retry(record)

    @public
    def problems(self) -> tuple[Problem, ...]:
        """Return the polls whose answer was lost, in part or as a whole, or cannot be read."""
        return self._opened.get().looks.problems()

    @property
    def has_polled(self) -> bool:
        """True if this account was ever polled through this mailbox."""
        return self._opened.get().looks.has_polled()

    @public
    def raw(self, problem: int) -> RawReply:
        """Return the stored answer of a poll, such as one that cannot be read.

        Raises:
            NotFoundError: there is no such poll, or its answer did not come.
        """
        return self._need("raw", self._opened.get().records).raw(problem)

    @public
    def reparse(self, problem: int) -> None:
        """Have the next ``collect`` parse a ``"bad"`` poll once more, such as with a newer version of this library.

        Raises:
            NotFoundError, NotAllowedError: there is no such poll, or it is not bad.
        """
        self._need("reparse", self._opened.get().records).reparse(problem)

    @public
    def counts(self) -> dict[str, Count]:
        """Return how many batches and records are in each state, with the age of the oldest, for monitoring."""
        return self._opened.get().looks.counts()

    @public
    def resolve(self, batch: int, outcome: Outcome, *, by: str, reason: str) -> StoredBatch:
        """Settle an unknown batch, as a person who knows better. Nothing is sent.

        Args:
            batch: its id.
            outcome: accepted or not sent.
            by: who says so.
            reason: how that is known.

        Raises:
            NotFoundError, NotAllowedError: there is no such batch, or it is not unknown.
        """
        parts = self._opened.get()
        parts.decisions.resolve(batch, outcome, by=by, reason=reason)
        return parts.looks.batch(batch)

    @public
    def resend(self, batch: int, *, by: str = "", force: bool = False) -> StoredBatch:
        """Queue a new batch in place of one that ended without being accepted; asked twice, it is one.

        Args:
            batch: its id.
            by: who decided.
            force: True to queue it although a report may still settle the old one.

        Raises:
            NotFoundError, NotAllowedError: there is no such batch, or it may not be sent again.
        """
        parts = self._opened.get()
        new = parts.decisions.resend(
            batch,
            by=by,
            report_wait=to_milliseconds(self._report_wait),
            lifetime=to_milliseconds(RESEND_LIFETIME),
            force=force,
        )
        return parts.looks.batch(new)

    @public
    def cancel(self, message: int, *, by: str = "") -> Message:
        """Cancel the batches of a message that are still queued.

        Raises:
            NotFoundError: there is no such message.
        """
        parts = self._opened.get()
        parts.decisions.cancel(message, by=by)
        return parts.looks.message(message)

    @public
    def hold(self) -> None:
        """Stop dispatching, in every process, until ``release``. What is under way ends."""
        self._opened.get().decisions.hold()

    @public
    def release(self) -> None:
        """Allow dispatching again. Call it for a restored database once you know what was sent since."""
        self._opened.get().decisions.release()

    @property
    def held(self) -> bool:
        """True while nothing is dispatched."""
        return self._database.read(self._opened.get().store.is_held)

    @public
    def purge(self, before: datetime) -> int:
        """Delete messages that ended before a time, with their numbers and texts, and records that were acknowledged.

        Returns:
            How many messages were deleted.
        """
        self._need("purge", self._calls)
        return self._opened.get().decisions.purge(to_ms(checked_time("before", before)))

    @public
    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a copy of a database of SQLite. The copy is on hold until ``release``: it knows nothing of later sends.

        Raises:
            ConfigurationError: the database is on a server, or the file exists.
        """
        self._opened.get().decisions.backup(path)

    def close(self) -> None:
        """Close the connections to the database; the client stays open, unless ``from_env`` has made it."""
        self._database.close()
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._database!r}>"

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("a Mailbox cannot be pickled: make one in each process, such as with from_env()")

    @staticmethod
    def _need(what: str, part: T | None) -> T:
        if part is None:
            raise ConfigurationError(f"{what} needs a client: this mailbox was made without one")
        return part


def checked_key(key: object) -> str:
    """Return the caller's name for a message.

    Raises:
        InvalidMessageError: it cannot be used.
    """
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidMessageError(f"key must be text of at most {MAX_KEY} printable characters", field="key")
    return key


def checked_time(name: str, time: object) -> datetime:
    """Return a time.

    Raises:
        InvalidMessageError: it is not aware, so nobody knows which time it is.
    """
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise InvalidMessageError(f"{name} must be a datetime with a time zone", field=name)
    return time


def to_milliseconds(length: timedelta) -> int:
    """Return a length of time in milliseconds."""
    return length // timedelta(milliseconds=1)


def _default_spool(database: Database) -> Path:
    if database.path is not None:
        return database.path.with_name(f"{database.path.name}.spool")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "jzysoap" / "spool"
