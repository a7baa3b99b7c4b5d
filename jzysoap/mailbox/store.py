"""The statements about messages and batches. Each method of ``Store`` is one transaction, unless it says otherwise.

What a state allows is decided by ``states``; nothing here knows a client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from jzysoap.mailbox.database import AnyRow, Database, now_ms
from jzysoap.mailbox.errors import not_found
from jzysoap.mailbox.hot import (
    FIND_KEY,
    INSERT_CLAIMED,
    INSERT_EVENT,
    INSERT_MESSAGE,
    INSERT_QUEUED,
    IS_HELD,
    SELECT_MESSAGE,
    SETTLE,
)
from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.rows import Claim, Draft, to_message
from jzysoap.mailbox.schema import batch, message
from jzysoap.mailbox.statements import Statement
from jzysoap.mailbox.states import OPEN, Next, State, after_answer, may_follow
from jzysoap.mailbox.values import Message

HOLD = "hold"
"""The row of ``meta`` that stops all dispatching."""

MATCHED = "delivery reports name its numbers"
"""Why a match makes a batch accepted."""

# Rows of one statement: short enough that other writers need not wait.
CHUNK = 500

# The states that an answer finds its batch in, and what each rests on: usually the first. The others are those of a
# call whose lease has ended.
_HELD = ((State.SENDING, Evidence.NONE), (State.UNKNOWN, Evidence.NONE), (State.ACCEPTED, Evidence.MATCH))


class Settled(NamedTuple):
    """What became of an outcome.

    Attributes:
        held: False if the claim no longer holds: a person has decided since, or reports know better. The outcome is in
            the history only.
        message: the message, if it was asked for.
    """

    held: bool
    message: Message | None


def hash_key(key: str | None) -> str | None:
    """Return the hash by which a key is compared: a database may take different texts for the same."""
    return None if key is None else hashlib.sha256(key.encode()).hexdigest()


class Store:
    """The messages of one account.

    Args:
        database: the database.
        account: the account, as the rows name it; None for all of them, to look only.
        keep_text: False if the text of a message is dropped once it has ended.
    """

    def __init__(self, database: Database, account: str | None, *, keep_text: bool = True) -> None:
        self.database = database
        self.account = account
        self._keep_text = keep_text
        returning = database.dialect == "postgresql"
        engine = database.engine
        self._insert_message = Statement(
            INSERT_MESSAGE.returning(message.c.id) if returning else INSERT_MESSAGE, engine
        )
        self._insert_queued = Statement(INSERT_QUEUED, engine)
        self._insert_claimed = Statement(INSERT_CLAIMED.returning(batch.c.id) if returning else INSERT_CLAIMED, engine)
        self._settle = Statement(SETTLE, engine)
        self._insert_event = Statement(INSERT_EVENT, engine)
        self._is_held = Statement(IS_HELD, engine)
        self._select_message = Statement(SELECT_MESSAGE, engine)
        found = FIND_KEY if account is None else FIND_KEY.where(message.c.account == account)
        self._find_key = Statement(found, engine)

    def load(self, connection: Connection, ident: int, *, replayed: bool = False) -> Message:
        """Return a message, in the caller's transaction.

        Raises:
            NotFoundError: there is no such message.
        """
        rows = list(self._select_message.run(connection, {"ident": ident}))
        if not rows or self.account not in (None, rows[0].account):
            raise not_found("message", ident)
        return to_message(rows, replayed=replayed)

    def is_held(self, connection: Connection) -> bool:
        """Return True if nothing may be dispatched, in the caller's transaction."""
        return self._is_held.run(connection, {"hold": HOLD}).first() is not None

    def find_key(self, connection: Connection, key: str) -> AnyRow | None:
        """Return the row of the message that has a key, in the caller's transaction; None if there is none."""
        return self._find_key.run(connection, {"hash": hash_key(key)}).first()

    def add(self, connection: Connection, draft: Draft, token: str, lease: int | None) -> tuple[int, int | None]:
        """Store a message in the caller's transaction.

        Args:
            connection: the connection.
            draft: the message.
            token: a new one, by which its first batch is found again.
            lease: milliseconds of the lease, to claim its first batch at once; None to queue all.

        Returns:
            The ids of the message and of the claimed batch.

        Raises:
            sqlalchemy.exc.IntegrityError: the key is taken.
        """
        times = {"expires": draft.expires, "lifetime": draft.lifetime, "not_before": draft.not_before}
        ident = self._inserted(self._insert_message.run(connection, self._message_values(draft)))
        common = {"message": ident, "account": self.account, **times}
        claimed = None
        for place, mobiles in enumerate(draft.parts):
            values = {**common, "place": place, "mobiles": mobiles, "token": None if place else token}
            if place == 0 and lease is not None:
                claimed = self._inserted(self._insert_claimed.run(connection, {**values, "lease_ms": lease}))
            else:
                self._insert_queued.run(connection, values)
        return ident, claimed

    def _message_values(self, draft: Draft) -> dict[str, Any]:
        """Return the values of ``INSERT_MESSAGE`` for a draft."""
        return {
            "account": self.account,
            "key_hash": hash_key(draft.key),
            "key": draft.key,
            "fingerprint": draft.fingerprint,
            "content": draft.content,
            "arguments": draft.arguments,
            "not_before": draft.not_before,
            "expires": draft.expires,
            "lifetime": draft.lifetime,
        }

    def _inserted(self, inserted: Any) -> int:
        return int(inserted.scalar_one() if self.database.dialect == "postgresql" else inserted.lastrowid)

    def settle(self, claim: Claim, after: Next, batch_id: str | None, error: str | None, *, look: bool) -> Settled:
        """Record the outcome of a call.

        Args:
            claim: the claim.
            after: what the outcome means.
            batch_id: the id of the gateway's answer, or None.
            error: the text of the error, or None.
            look: True to return the message as it is then.
        """

        def work(connection: Connection, uncertain: bool) -> Settled:
            done = uncertain and self._is_settled(connection, claim, after)
            held = done or settle(connection)
            return Settled(held, self.load(connection, claim.message) if look else None)

        def settle(connection: Connection) -> bool:
            for held in _HELD:
                result = after_answer(after, held[0])
                if result is not None and self._write_answer(connection, claim, result, held, batch_id, error):
                    return True
            here = str(connection.execute(select(batch.c.state).where(batch.c.id == claim.id)).scalar_one())
            change = {"batch": claim.id, "before": here, "after": here, "evidence": 0, "by": "gateway"}
            self._insert_event.run(connection, {**change, "reason": f"a late answer: {after.state}"})
            return False

        return self.database.write(work)

    def _write_answer(
        self,
        connection: Connection,
        claim: Claim,
        after: Next,
        held: tuple[State, Evidence],
        batch_id: str | None,
        error: str | None,
    ) -> bool:
        """Give a batch its new state, unless it has another state than it is said to have; return True if done."""
        ends = after.state not in OPEN
        evidence = Evidence.ANSWER if ends and after.state is not State.UNKNOWN else Evidence.NONE
        values = {
            "batch": claim.id,
            "held_token": claim.token,
            "held_state": held[0].value,
            "held_evidence": held[1].value,
            "new_state": after.state.value,
            "ends": int(ends),
            "pause": round(after.pause * 1000),
            "uncounted": int(not after.counts),
            "answer_id": batch_id,
            "new_evidence": evidence.value,
            "new_error": error,
        }
        if self._settle.run(connection, values).rowcount != 1:
            return False
        change = {"batch": claim.id, "before": held[0].value, "after": after.state.value, "by": "gateway"}
        self._insert_event.run(connection, {**change, "evidence": evidence.value, "reason": error})
        if after.state is State.UNKNOWN:
            self._accept_matched(connection, [claim.id])
        if ends and not self._keep_text:
            drop_texts(connection, [claim.message])
        return True

    def _is_settled(self, connection: Connection, claim: Claim, after: Next) -> bool:
        row = connection.execute(select(batch.c.state, batch.c.token).where(batch.c.id == claim.id)).one()
        return bool(row.state == after.state.value and row.token in (claim.token, None))

    def claim(self, token: str, lease: int, ident: int | None = None) -> Claim | None:
        """Claim the next batch that is due, or the one that is named if it is due; None if there is none.

        None does not prove that the queue is empty: another worker may hold a row at this moment.
        """
        due = [
            batch.c.state == State.QUEUED.value,
            batch.c.account == self.account,
            batch.c.due <= now_ms(),
            batch.c.expires > now_ms(),
        ]
        if ident is not None:
            due.append(batch.c.id == ident)
        queued = select(batch.c.id).where(*due).order_by(batch.c.due, batch.c.id).limit(1)
        queued = queued.with_for_update(skip_locked=True)
        claimed = select(
            batch.c.id, batch.c.message, batch.c.mobiles, batch.c.attempt, message.c.content, message.c.arguments
        ).join(message, message.c.id == batch.c.message)

        def work(connection: Connection, uncertain: bool) -> Claim | None:
            if uncertain:
                row = connection.execute(claimed.where(batch.c.token == token)).first()
                if row is not None:
                    return _claim(row, token)
            if self.is_held(connection):
                return None
            found = connection.execute(queued).scalar()
            if found is None:
                return None
            # Locked by this transaction.
            connection.execute(
                update(batch)
                .where(batch.c.id == found)
                .values(
                    state=State.SENDING.value,
                    token=token,
                    lease=now_ms() + lease,
                    started=now_ms(),
                    attempt=batch.c.attempt + 1,
                )
            )
            return _claim(connection.execute(claimed.where(batch.c.id == found)).one(), token)

        return self.database.write(work)

    def change(
        self,
        connection: Connection,
        rows: Iterable[AnyRow],
        after: State,
        *,
        by: str,
        evidence: Evidence = Evidence.NONE,
        reason: str | None = None,
        **values: Any,
    ) -> int:
        """Give batches another state in the caller's transaction; return how many still had the one of their row."""
        changed = 0
        for row in rows:
            before = State(row.state)
            assert may_follow(before, after), f"a batch that is {before} cannot become {after}"
            set_ = {"state": after.value, "evidence": evidence.value, "lease": None, "ended": now_ms(), **values}
            done = connection.execute(
                update(batch).where(batch.c.id == row.id, batch.c.state == row.state).values(set_)
            )
            if done.rowcount == 1:
                changed += 1
                change = {"batch": row.id, "before": before.value, "after": after.value, "evidence": evidence.value}
                self._insert_event.run(connection, {**change, "by": by, "reason": reason})
        return changed

    def sweep(self) -> int:
        """Give batches whose lease has ended the state ``unknown``; return how many. They are never queued again."""
        ended = (batch.c.state == State.SENDING.value, batch.c.lease < now_ms())
        reason = "its process has not told the outcome in time"
        return self._change_all(ended, State.UNKNOWN, "sweep", reason)

    def expire(self) -> int:
        """Give queued batches whose time is over the state ``expired``; return how many."""
        over = (batch.c.state == State.QUEUED.value, batch.c.expires <= now_ms())
        return self._change_all(over, State.EXPIRED, "expiry", None)

    def _change_all(self, which: Sequence[Any], after: State, by: str, reason: str | None) -> int:
        # A plain UPDATE would wait for rows that others hold, and meet them crosswise on MariaDB.
        found = select(batch.c.id, batch.c.state).where(*which, batch.c.account == self.account)
        found = found.order_by(batch.c.id).limit(CHUNK).with_for_update(skip_locked=True)

        def work(connection: Connection, _uncertain: bool) -> int:
            rows = connection.execute(found).all()
            changed = self.change(connection, rows, after, by=by, reason=reason)
            if after is State.UNKNOWN:
                self._accept_matched(connection, [row.id for row in rows])
            return changed

        total = 0
        while changed := self.database.write(work):
            total += changed
        return total

    def _accept_matched(self, connection: Connection, idents: Sequence[int]) -> None:
        """Accept those of these batches that are unknown and whose reports came while they were still being sent."""
        matched = select(batch.c.id, batch.c.state).where(
            batch.c.id.in_(idents), batch.c.state == State.UNKNOWN.value, batch.c.matched_id.is_not(None)
        )
        rows = connection.execute(matched).all()
        self.change(connection, rows, State.ACCEPTED, by="matching", evidence=Evidence.MATCH, reason=MATCHED)

    def now(self) -> int:
        """Return the database's time, in milliseconds since the epoch."""
        return int(self.database.read(lambda connection: connection.execute(select(now_ms())).scalar_one()))

    def find_token(self, connection: Connection, token: str) -> tuple[int, int | None] | None:
        """Return what ``add`` has returned for a token, in the caller's transaction; None if nothing has it."""
        row = connection.execute(
            select(batch.c.message, batch.c.id, batch.c.state).where(batch.c.token == token)
        ).first()
        return None if row is None else (row.message, row.id if row.state == State.SENDING.value else None)

    def note(self, ident: int, error: str) -> None:
        """Note why the batches of a message, which are queued, were not sent yet."""
        queued = (batch.c.message == ident, batch.c.state == State.QUEUED.value)
        self.database.write(lambda connection, _: connection.execute(update(batch).where(*queued).values(error=error)))

    def locked(self, connection: Connection, ident: int) -> AnyRow:
        """Return the row of a batch, locked in the caller's transaction.

        Raises:
            NotFoundError: there is no such batch.
        """
        found = select(batch).where(batch.c.id == ident)
        if self.account is not None:
            found = found.where(batch.c.account == self.account)
        row = connection.execute(found.with_for_update()).first()
        if row is None:
            raise not_found("batch", ident)
        return row


def drop_texts(connection: Connection, messages: Iterable[int]) -> None:
    """Drop the texts of those of these messages that have ended, in the caller's transaction."""
    still_open = select(batch.c.id).where(
        batch.c.message == message.c.id, batch.c.state.in_([state.value for state in OPEN])
    )
    connection.execute(
        update(message).where(message.c.id.in_(list(messages)), ~still_open.exists()).values(content=None)
    )


def new_id(inserted: Any) -> int:
    """Return the id of the row that an insert of SQLAlchemy has made."""
    return int(inserted.inserted_primary_key[0])


def _claim(row: AnyRow, token: str) -> Claim:
    return Claim(row.id, row.message, tuple(row.mobiles.split(",")), row.content, row.arguments, row.attempt, token)
