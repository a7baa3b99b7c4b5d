"""The statements about polls and their records. Each method is one transaction, unless it says otherwise."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from jzysoap.mailbox.contents import to_raw, to_row, to_stored
from jzysoap.mailbox.database import Database, now_ms
from jzysoap.mailbox.errors import NotAllowedError, not_found
from jzysoap.mailbox.leases import Leases
from jzysoap.mailbox.rows import to_ms
from jzysoap.mailbox.schema import batch, message, poll, record
from jzysoap.mailbox.statements import Statement
from jzysoap.mailbox.store import new_id
from jzysoap.mailbox.values import Kind, StoredReply, StoredReport
from jzysoap.model.events import RawReply
from jzysoap.model.values import DeliveryReport, Reply

KINDS: dict[str, Kind] = {"getSmsReport": "report", "getRecvSMS": "reply"}
"""The kind of the records of each poll, by its operation."""

CHUNK = 2000
"""Records of one transaction. One with 200,000 would stop others for most of a second."""
_PAUSE = 0.02

_COLUMNS = ("poll", "place", "account", "kind", "state", "mobile", "batch_id", "status", "at", "rest")
_INSERT = insert(record).values(
    {name: bindparam(name, type_=record.c[name].type) for name in _COLUMNS} | {"due": 0, "attempt": 0, "evidence": 0}
)


class Pending(NamedTuple):
    """An answer that is stored and not parsed.

    Attributes:
        id: the poll.
        raw: the answer.
        attempt: how often it was tried to parse it, this time included.
    """

    id: int
    raw: RawReply
    attempt: int


class Records:
    """The polls of one account and their records.

    Args:
        database: the database.
        account: the account, as the rows name it.

    Attributes:
        leases: its leases.
    """

    def __init__(self, database: Database, account: str) -> None:
        self.database = database
        self.account = account
        self.leases = Leases(database, account)
        self._insert = Statement(_INSERT, database.engine)

    def ask(self, operation: str) -> int:
        """Note that a poll is about to be made; return its id."""

        mine = (poll.c.account == self.account, poll.c.operation == operation, poll.c.state == "asked")

        def work(connection: Connection, uncertain: bool) -> int:
            # Nobody else polls for this account now.
            if uncertain and (known := connection.execute(select(func.max(poll.c.id)).where(*mine)).scalar()):
                return int(known)
            values = {"account": self.account, "operation": operation, "state": "asked", "asked": now_ms()}
            return new_id(connection.execute(insert(poll).values(values)))

        return self.database.write(work)

    def forget(self, ident: int) -> None:
        """Delete the note of a poll that was proven not to be made."""
        self.database.write(lambda connection, _: connection.execute(delete(poll).where(poll.c.id == ident)))

    def keep(self, ident: int, raw: RawReply, *, attempt: int, lease_ms: int) -> None:
        """Store the answer to a poll, before anyone parses it.

        Args:
            ident: the poll.
            raw: the answer.
            attempt: 1 if it is parsed at once, 0 if it was kept in a file until now.
            lease_ms: milliseconds for which nobody else parses it.
        """
        values = {
            "state": "stored",
            "interface": raw.interface,
            "received": raw.received_at.isoformat(),
            "status": raw.status,
            "content_type": raw.content_type,
            "problem": raw.problem,
            # The fastest level: a body of records shrinks to a twentieth all the same.
            "body": zlib.compress(raw.body, 1),
            "attempt": attempt,
            "lease": now_ms() + lease_ms,
        }

        def work(connection: Connection, _uncertain: bool) -> None:
            if connection.execute(update(poll).where(poll.c.id == ident).values(values)).rowcount:
                return
            # The database is an older copy than the file.
            new = {**values, "account": self.account, "operation": raw.operation, "asked": to_ms(raw.received_at)}
            connection.execute(insert(poll).values(new))

        self.database.write(work)

    def end(self, ident: int, state: str, error: str | None = None) -> None:
        """Give a poll its last state: ``parsed``, ``empty``, ``bad`` or ``lost``; or ``stored``, to parse it later."""
        values = {"state": state, "error": error, "lease": None}
        self.database.write(
            lambda connection, _: connection.execute(update(poll).where(poll.c.id == ident).values(values))
        )

    def pending(self, lease_ms: int) -> Pending | None:
        """Return an answer that a crash left unparsed, and count the attempt; None if there is none."""
        found = (
            select(poll)
            .where(
                poll.c.account == self.account,
                poll.c.state == "stored",
                func.coalesce(poll.c.lease, 0) < now_ms(),
            )
            .order_by(poll.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

        def work(connection: Connection, _uncertain: bool) -> Pending | None:
            row = connection.execute(found).first()
            if row is None:
                return None
            values = {"attempt": row.attempt + 1, "lease": now_ms() + lease_ms}
            connection.execute(update(poll).where(poll.c.id == row.id).values(values))
            return Pending(row.id, to_raw(row), row.attempt + 1)

        return self.database.write(work)

    def raw(self, ident: int) -> RawReply:
        """Return the stored answer of a poll.

        Raises:
            NotFoundError: there is no such poll.
        """
        found = select(poll).where(poll.c.id == ident)
        row = self.database.read(lambda connection: connection.execute(found).first())
        if row is None or row.body is None:
            raise not_found("answer of a poll", ident)
        return to_raw(row)

    def reparse(self, ident: int) -> None:
        """Let the answer of a bad poll be parsed again. Its records that are written already stay.

        Raises:
            NotFoundError: there is no such poll.
            NotAllowedError: it is not bad.
        """

        def work(connection: Connection, uncertain: bool) -> None:
            state = connection.execute(
                select(poll.c.state).where(poll.c.id == ident, poll.c.account == self.account)
            ).scalar()
            if state is None:
                raise not_found("poll", ident)
            if state != "bad" and not (uncertain and state == "stored"):
                raise NotAllowedError(f"poll {ident} is {state}: only a bad one is parsed again")
            values = {"state": "stored", "attempt": 0, "lease": None, "error": None}
            connection.execute(update(poll).where(poll.c.id == ident).values(values))

        self.database.write(work)

    def lose(self, older_than: int) -> int:
        """Give polls without an answer, which a crash left, the state ``lost``; return how many."""
        left = (poll.c.account == self.account, poll.c.state == "asked", poll.c.asked < now_ms() - older_than)
        error = "the process ended while the gateway was asked: what it had handed over by then is perhaps lost"
        values = {"state": "lost", "error": error}
        return self.database.write(
            lambda connection, _: connection.execute(update(poll).where(*left).values(values)).rowcount
        )

    def write(self, ident: int, records: Sequence[DeliveryReport | Reply]) -> None:
        """Write the records of a poll, in several transactions. What an earlier attempt has written stays."""
        found = select(func.max(record.c.place)).where(record.c.poll == ident)
        last = self.database.read(lambda connection: connection.execute(found).scalar())
        start = 0 if last is None else last + 1
        for first in range(start, len(records), CHUNK):
            rows = [
                to_row(self.account, ident, place, one)
                for place, one in enumerate(records[first : first + CHUNK], first)
            ]
            self.database.write(lambda connection, _, rows=rows: self._write_chunk(connection, rows))  # type: ignore[misc]
            if self.database.path is not None and first + CHUNK < len(records):
                # SQLite has one writer: senders get their turn.
                time.sleep(_PAUSE)

    def _write_chunk(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        try:
            with connection.begin_nested():
                self._insert.run_many(connection, rows)
        except IntegrityError:
            # Committed by a try whose end is not known.
            pass

    def claim(
        self, kind: Kind, limit: int, token: str, lease_ms: int, *, first: bool
    ) -> list[StoredReport | StoredReply]:
        """Claim records for a consumer, in the order of polls and places.

        Args:
            kind: the kind of the records.
            limit: how many at most.
            token: a new one.
            lease_ms: milliseconds until they are ready again, unless they are acknowledged.
            first: True if the consumer has none yet. A record that failed before is handed out alone.
        """
        ready = (
            select(record.c.id, record.c.attempt)
            .where(
                record.c.account == self.account,
                record.c.kind == kind,
                record.c.state == "ready",
                record.c.due <= now_ms(),
            )
            .order_by(record.c.poll, record.c.place)
            .limit(limit)
            .with_for_update()
        )

        def work(connection: Connection, uncertain: bool) -> list[StoredReport | StoredReply]:
            mine = _joined().where(record.c.token == token).order_by(record.c.poll, record.c.place)
            if uncertain and (rows := connection.execute(mine).all()):
                return [to_stored(row) for row in rows]
            self._take_back(connection, kind)
            idents: list[int] = []
            for row in connection.execute(ready).all():
                if row.attempt and (idents or not first):
                    break
                idents.append(row.id)
                if row.attempt:
                    break
            values = {"state": "claimed", "token": token, "lease": now_ms() + lease_ms}
            connection.execute(update(record).where(record.c.id.in_(idents)).values(values))
            return [to_stored(row) for row in connection.execute(mine)]

        return self.database.write(work)

    def _take_back(self, connection: Connection, kind: Kind) -> None:
        """Make records ready again whose consumer did not acknowledge them in time."""
        left = (
            record.c.account == self.account,
            record.c.kind == kind,
            record.c.state == "claimed",
            record.c.lease < now_ms(),
        )
        connection.execute(update(record).where(*left).values(state="ready", token=None, lease=None))

    def renew(self, token: str, lease_ms: int) -> None:
        """Renew the lease of claimed records."""
        mine = (record.c.token == token, record.c.state == "claimed")
        self.database.write(
            lambda connection, _: connection.execute(update(record).where(*mine).values(lease=now_ms() + lease_ms))
        )

    def settle(self, token: str, done: Sequence[int], failed: int | None, *, most: int, pause: int) -> int:
        """Acknowledge claimed records, count a failure, and give the rest back.

        Args:
            token: the claim.
            done: the records that are acknowledged.
            failed: the record that failed, or None.
            most: failures after which a record is ``dead``.
            pause: milliseconds until a record that failed is handed out again.

        Returns:
            How many of those that should be acknowledged are not: the claim had ended.
        """
        mine = (record.c.token == token, record.c.state == "claimed")

        def work(connection: Connection, uncertain: bool) -> int:
            acknowledged = 0
            for start in range(0, len(done), CHUNK):
                some = record.c.id.in_(done[start : start + CHUNK])
                acknowledged += connection.execute(
                    update(record).where(*mine, some).values(state="done", lease=None)
                ).rowcount
            if uncertain:
                # Those that were acknowledged by a try whose end is not known keep the token.
                kept = select(func.count()).where(record.c.token == token, record.c.state == "done")
                acknowledged = int(connection.execute(kept).scalar_one())
            if failed is not None:
                row = connection.execute(select(record.c.attempt).where(*mine, record.c.id == failed)).first()
                if row is not None:
                    state = "dead" if row.attempt + 1 >= most else "ready"
                    connection.execute(
                        update(record)
                        .where(*mine, record.c.id == failed)
                        .values(state=state, attempt=row.attempt + 1, due=now_ms() + pause, token=None, lease=None)
                    )
            connection.execute(update(record).where(*mine).values(state="ready", token=None, lease=None))
            return len(done) - acknowledged

        return self.database.write(work)

    def dead(self, limit: int) -> list[StoredReport | StoredReply]:
        """Return the records that failed too often."""
        mine = (record.c.account == self.account, record.c.state == "dead")
        found = _joined().where(*mine).order_by(record.c.id).limit(limit)
        return [to_stored(row) for row in self.database.read(lambda connection: connection.execute(found).all())]

    def retry(self, ident: int) -> None:
        """Hand a dead record out once more.

        Raises:
            NotFoundError: there is no such record.
            NotAllowedError: it is not dead.
        """

        def work(connection: Connection, uncertain: bool) -> None:
            state = connection.execute(
                select(record.c.state).where(record.c.id == ident, record.c.account == self.account)
            ).scalar()
            if state is None:
                raise not_found("record", ident)
            if uncertain and state == "ready":
                return
            if state != "dead":
                raise NotAllowedError(f"record {ident} is {state}: only a dead one is handed out once more")
            connection.execute(update(record).where(record.c.id == ident).values(state="ready", attempt=0, due=0))

        self.database.write(work)


def _joined() -> Select[Any]:
    """Return the statement that finds records, each with the message that it is about."""
    return (
        select(record, batch.c.message, message.c.key)
        .outerjoin(batch, batch.c.id == record.c.batch)
        .outerjoin(message, message.c.id == batch.c.message)
    )
