"""The statements of what a person decides: resolve, resend, cancel, hold, release, purge, back up."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from secrets import token_hex

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from jzysoap.mailbox.database import now_ms
from jzysoap.mailbox.errors import MailboxError, NotAllowedError, not_found
from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.schema import batch, event, message, meta, poll, recipient, record
from jzysoap.mailbox.states import UNDECIDED, State, may_follow
from jzysoap.mailbox.store import CHUNK, HOLD, Store, drop_texts, new_id
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.sent import Outcome

IDENTITY = "file"
"""The row of ``meta`` that names the file of SQLite."""

_SETTLED = {Outcome.ACCEPTED: State.ACCEPTED, Outcome.NOT_SENT: State.NOT_SENT}


class Decisions:
    """What a person decides about the messages of one account.

    Args:
        store: the messages.
        keep_text: False if the text of a message is dropped once it has ended.
    """

    def __init__(self, store: Store, *, keep_text: bool = True) -> None:
        self._store = store
        self._database = store.database
        self._keep_text = keep_text

    def resolve(self, ident: int, outcome: Outcome, *, by: str, reason: str) -> None:
        """Settle an unknown batch.

        Raises:
            NotAllowedError: it is not unknown, or the outcome is neither accepted nor not sent.
        """
        if outcome not in _SETTLED:
            raise NotAllowedError("outcome must be Outcome.ACCEPTED or Outcome.NOT_SENT")

        # Another token: a late answer of the old call changes nothing any more.
        token = token_hex(16)

        def work(connection: Connection, uncertain: bool) -> None:
            row = self._store.locked(connection, ident)
            if uncertain and row.token == token:
                return
            if State(row.state) is not State.UNKNOWN:
                raise NotAllowedError(f"batch {ident} is {row.state}: only an unknown one can be resolved")
            self._store.change(
                connection,
                [row],
                _SETTLED[outcome],
                by=by,
                evidence=Evidence.PERSON,
                reason=reason,
                token=token,
            )

        self._database.write(work)

    def resend(self, ident: int, *, by: str, report_wait: int, lifetime: int, force: bool) -> int:
        """Queue a new batch in place of one that has ended without being accepted; return its id.

        Args:
            ident: the batch.
            by: who decided.
            report_wait: milliseconds after the start of an unknown batch for which a report may still come.
            lifetime: milliseconds until the new batch expires.
            force: True to queue it although a report may still come.

        Raises:
            NotAllowedError: the batch has not ended, or was accepted, or a report may still come.
        """

        def work(connection: Connection, _uncertain: bool) -> int:
            row = self._store.locked(connection, ident)
            before = State(row.state)
            again = connection.execute(select(batch.c.id).where(batch.c.resend_of == ident)).scalar()
            if again is not None:
                # Two clicks are one, and so are two tries after an uncertain commit.
                return int(again)
            if not may_follow(before, State.SUPERSEDED):
                raise NotAllowedError(f"batch {ident} is {before}: it cannot be sent again")
            now = int(connection.execute(select(now_ms())).scalar_one())
            if before is State.UNKNOWN and not force and now < row.started + report_wait:
                hours = (row.started + report_wait - now) / 3_600_000
                raise NotAllowedError(
                    f"batch {ident} is unknown, and a delivery report may still settle it: wait {hours:.1f} hours "
                    "more, ask the gateway's operator, or give force=True and risk texting people twice"
                )
            if connection.execute(select(message.c.content).where(message.c.id == row.message)).scalar() is None:
                raise NotAllowedError(f"batch {ident} cannot be sent again: its text was dropped (keep_text=False)")
            self._store.change(
                connection, [row], State.SUPERSEDED, by=by, evidence=Evidence.PERSON, token=token_hex(16)
            )
            added = connection.execute(
                insert(batch).values(
                    message=row.message,
                    account=row.account,
                    place=row.place,
                    mobiles=row.mobiles,
                    state=State.QUEUED.value,
                    due=now,
                    expires=now + lifetime,
                    attempt=0,
                    evidence=0,
                    resend_of=ident,
                )
            )
            return new_id(added)

        return self._database.write(work)

    def cancel(self, ident: int, *, by: str) -> int:
        """Cancel the batches of a message that are queued; return how many."""

        def work(connection: Connection, _uncertain: bool) -> int:
            found = select(message.c.id).where(message.c.id == ident)
            if self._store.account is not None:
                found = found.where(message.c.account == self._store.account)
            if connection.execute(found).first() is None:
                raise not_found("message", ident)
            queued = select(batch.c.id, batch.c.state).where(
                batch.c.message == ident, batch.c.state == State.QUEUED.value
            )
            # Waits for a claim under way, whose batch is then no longer queued.
            rows = connection.execute(queued.order_by(batch.c.id).with_for_update()).all()
            changed = self._store.change(connection, rows, State.CANCELLED, by=by)
            if not self._keep_text:
                drop_texts(connection, [ident])
            return changed

        return self._database.write(work)

    def hold(self) -> None:
        """Stop all dispatching, until ``release``."""

        def work(connection: Connection, _uncertain: bool) -> None:
            set_meta(connection, HOLD, "held")

        self._database.write(work)

    def release(self) -> None:
        """Allow dispatching again, from this file too."""

        def work(connection: Connection, _uncertain: bool) -> None:
            connection.execute(delete(meta).where(meta.c.name == HOLD))
            if self._database.path is not None:
                set_meta(connection, IDENTITY, file_identity(self._database.path))

        self._database.write(work)

    def check_identity(self) -> bool:
        """Put the mailbox on hold if its file is a copy of the one that it was; return True if it did."""
        path = self._database.path
        if path is None:
            return False

        def known(connection: Connection) -> str | None:
            return connection.execute(select(meta.c.value).where(meta.c.name == IDENTITY)).scalar()

        def work(connection: Connection, _uncertain: bool) -> bool:
            here, recorded = file_identity(path), known(connection)
            if recorded is None:
                set_meta(connection, IDENTITY, here)
            copied = recorded not in (None, here)
            if copied:
                set_meta(connection, HOLD, "another file")
            return copied

        # Written only if it must be: the caller may be in a transaction that holds the lock for writing.
        if self._database.read(known) == file_identity(path):
            return False
        return self._database.write(work)

    def purge(self, before: int) -> int:
        """Delete what ended before a time: messages with all of theirs, records that were acknowledged, their polls.

        Args:
            before: milliseconds since the epoch.

        Returns:
            How many messages were deleted.
        """
        account = self._store.account

        def work(connection: Connection, _uncertain: bool) -> int:
            undecided = select(batch.c.id).where(
                batch.c.message == message.c.id,
                (batch.c.state.in_([state.value for state in UNDECIDED])) | (batch.c.ended >= before),
            )
            ended = select(message.c.id).where(
                message.c.account == account, message.c.created < before, ~undecided.exists()
            )
            idents = list(connection.execute(ended.limit(CHUNK)).scalars())
            batches = list(connection.execute(select(batch.c.id).where(batch.c.message.in_(idents))).scalars())
            for table in (recipient, event):
                connection.execute(delete(table).where(table.c.batch.in_(batches)))
            connection.execute(delete(batch).where(batch.c.id.in_(batches)))
            connection.execute(delete(message).where(message.c.id.in_(idents)))
            return len(idents)

        total = 0
        while deleted := self._database.write(work):
            total += deleted
        self._purge_polls(before)
        return total

    def _purge_polls(self, before: int) -> None:
        def work(connection: Connection, _uncertain: bool) -> int:
            waiting = select(record.c.id).where(record.c.poll == poll.c.id, record.c.state != "done")
            old = select(poll.c.id).where(
                poll.c.account == self._store.account,
                poll.c.asked < before,
                poll.c.state.in_(["parsed", "empty", "lost", "cut off"]),
                ~waiting.exists(),
            )
            idents = list(connection.execute(old.limit(10)).scalars())
            connection.execute(delete(record).where(record.c.poll.in_(idents)))
            connection.execute(delete(poll).where(poll.c.id.in_(idents)))
            return len(idents)

        while self._database.write(work):
            pass

    def forget_keys(self, age: int) -> None:
        """Let the keys of messages be used again whose batches all ended so many milliseconds ago."""

        def work(connection: Connection, _uncertain: bool) -> int:
            kept = select(batch.c.id).where(
                batch.c.message == message.c.id,
                batch.c.state.in_([state.value for state in UNDECIDED]) | (batch.c.ended >= now_ms() - age),
            )
            old: ColumnElement[bool] = (message.c.created < now_ms() - age) & message.c.key_hash.is_not(None)
            found = select(message.c.id).where(message.c.account == self._store.account, old, ~kept.exists())
            idents = list(connection.execute(found.limit(CHUNK)).scalars())
            connection.execute(update(message).where(message.c.id.in_(idents)).values(key_hash=None))
            return len(idents)

        while self._database.write(work):
            pass

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a copy of the database that dispatches nothing until it is released.

        Raises:
            ConfigurationError: the database is on a server, or there is a file at the path.
        """
        if self._database.path is None:
            raise ConfigurationError("backup is for SQLite: use the tool of your server, such as pg_dump")
        target = Path(path)
        if target.exists():
            raise ConfigurationError(f"path: there is a file at {target} already")
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise MailboxError(f"the copy {target} cannot be written: {error.strerror}") from None
        # SQLite writes the copy itself, whole and of one moment, whoever writes to the database meanwhile.
        self._database.copy_to(target)
        with contextlib.closing(sqlite3.connect(target)) as copy, copy:
            copy.execute(f"INSERT OR REPLACE INTO {meta.name} (name, value) VALUES (?, ?)", (HOLD, "a copy"))  # noqa: S608  # a constant


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Set a row of the table of facts, in the caller's transaction."""
    connection.execute(delete(meta).where(meta.c.name == name))
    connection.execute(insert(meta).values(name=name, value=value))


def file_identity(path: Path) -> str:
    """Return what tells a file from its copy."""
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}"
