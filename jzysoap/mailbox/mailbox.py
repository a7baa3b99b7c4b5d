"""The mailbox: one object over a client and a database. It decides nothing itself; its parts do."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any, Self

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from jzysoap.client.sync import Client
from jzysoap.mailbox.base import BaseMailbox, checked_key, checked_time, to_milliseconds
from jzysoap.mailbox.caller import CallerConnection, TakenError, savepoint
from jzysoap.mailbox.errors import KeyReusedError, MailboxDatabaseError
from jzysoap.mailbox.journal import Handover, Journal
from jzysoap.mailbox.outbox import Outbox, describe, options_of
from jzysoap.mailbox.rows import Claim, Draft, to_ms
from jzysoap.mailbox.states import State
from jzysoap.mailbox.values import Collected, Message, StoredBatch, StoredReply, StoredReport
from jzysoap.mailbox.worker import Worker
from jzysoap.model.door import public
from jzysoap.model.errors import ConfigurationError, InvalidMessageError
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import CHINA, Channel

SEND_LIFETIME = timedelta(hours=1)
ENQUEUE_LIFETIME = timedelta(hours=24)


class Mailbox(BaseMailbox):
    __module__ = "jzysoap.mailbox"
    __doc__ = BaseMailbox.__doc__

    @classmethod
    @public
    def from_env(cls, prefix: str = "JZYSOAP_", **options: Any) -> Self:
        """Return a mailbox whose client and database the environment names: ``Client.from_env``, ``JZYSOAP_MAILBOX``.

        Args:
            prefix: as in ``Client.from_env``; the database is in ``<prefix>MAILBOX``.
            options: arguments of the mailbox.

        Raises:
            ConfigurationError: naming the variable.
        """
        url = options.pop("url", None) or os.environ.get(f"{prefix}MAILBOX")
        if not url:
            raise ConfigurationError(f"{prefix}MAILBOX is missing: set it, such as to sqlite:///sms.db")
        client = Client.from_env(prefix)
        box = cls(client, url, **options)
        box._client = client
        return box

    @public
    def send(
        self,
        mobile: str | Iterable[str],
        text: str,
        *,
        key: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        channel: Channel | None = None,
        extension: str | None = None,
        signature: str | None = None,
        long: bool | None = None,
        batch_size: int | None = None,
    ) -> Message:
        """Store a message, send it, store the outcome.

        What the gateway did is on the message that is returned; no refusal and no failure of the network raises. A
        batch that was proven not sent stays queued, for ``dispatch`` or ``run``, until the message expires.

        Args:
            mobile, text, channel, extension, signature, long, batch_size: as in ``Client.send``.
            key: the caller's own name for this message, such as ``order-4711-shipped``. Repeated with the same
                numbers, text and options, it sends nothing, and returns what is known. It is kept while the message is
                open or unknown, and for 30 days after that.
            not_before: the time before which it is not sent, aware.
            expires_at: the time from which on it is not sent any more, aware; by default an hour after it is due.

        Raises:
            InvalidMessageError: an argument, by name; nothing is stored.
            KeyReusedError: the key belongs to another message.
            MailboxDatabaseError: the database failed; nothing was sent.
            OutcomeNotRecordedError: the database failed after the gateway had answered.
        """
        draft = self._draft(
            mobile,
            text,
            SEND_LIFETIME,
            key,
            not_before,
            expires_at,
            channel=channel,
            extension=extension,
            signature=signature,
            long=long,
            batch_size=batch_size,
        )
        known = self._known(draft)
        if known is not None:
            return known
        opened, outbox = self._opened.get(), self._outbox()
        problem = None
        try:
            outbox.prepare()
        except JzySoapError as error:
            problem = error
        not_after, token = outbox.deadline(), token_hex(16)
        lease = outbox.lease if problem is None and draft.not_before is None else None
        try:
            ident, claimed = self._database.write(partial(self._add, draft, token, lease))
        except TakenError:
            return self._replay(draft)
        if problem is not None:
            opened.store.note(ident, describe(problem))
        elif claimed is not None:
            mobiles = tuple(draft.parts[0].split(","))
            first = Claim(claimed, ident, mobiles, draft.content, draft.arguments, 1, token)
            alone = len(draft.parts) == 1
            done = outbox.carry_out(first, not_after, look=alone)
            if done.message is not None:
                return done.message
            if not done.stop:
                self._send_rest(ident, outbox)
        return opened.looks.message(ident)

    @public
    def enqueue(
        self,
        mobile: str | Iterable[str],
        text: str,
        *,
        key: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        channel: Channel | None = None,
        extension: str | None = None,
        signature: str | None = None,
        long: bool | None = None,
        batch_size: int | None = None,
        connection: Any = None,
    ) -> Message:
        """Store a message, to be sent by ``run``, ``dispatch`` or ``dispatch_batch``.

        Args:
            mobile, text, key, not_before, channel, extension, signature, long, batch_size: as in ``send``.
            expires_at: as in ``send``; by default 24 hours after it is due.
            connection: the caller's connection to the same database, of SQLAlchemy or of the DB-API, such as
                Django's: the message is stored in its transaction, and exists once that is committed.

        Raises:
            InvalidMessageError: an argument, by name; nothing is stored.
            KeyReusedError: the key belongs to another message.
            MailboxDatabaseError: the database failed; nothing is stored.
        """
        draft = self._draft(
            mobile,
            text,
            ENQUEUE_LIFETIME,
            key,
            not_before,
            expires_at,
            channel=channel,
            extension=extension,
            signature=signature,
            long=long,
            batch_size=batch_size,
        )
        if connection is not None:
            return self._enqueue_in(connection, draft)
        opened, known = self._opened.get(), self._known(draft)
        if known is not None:
            return known
        try:
            ident, _ = self._database.write(partial(self._add, draft, token_hex(16), None))
        except TakenError:
            return self._replay(draft)
        return opened.looks.message(ident)

    @public
    def dispatch(self, limit: int | None = None) -> int:
        """Send what is queued and due; return how many batches were handed to the gateway.

        Batches of processes that were killed become unknown once their lease has ended, and those that nobody sent in
        time expire. A refusal that concerns the account ends the call early: the next batch would be refused too.

        Args:
            limit: batches at most; None for all.

        Raises:
            JzySoapError: there is no usable definition or password; nothing was sent.
            OutcomeNotRecordedError: the database failed after the gateway had answered.
        """
        outbox, opened, count = self._outbox(), self._opened.get(), 0
        opened.store.sweep()
        opened.expiry.run()
        while limit is None or count < limit:
            done = outbox.dispatch_one()
            if done is None:
                break
            count += 1
            if done.stop:
                break
        return count

    @public
    def dispatch_batch(self, ident: int) -> StoredBatch:
        """Send one batch if it is queued and due; return it, whatever its state is then.

        A task queue carries the id. A task that is delivered twice finds the batch no longer queued.

        Raises:
            NotFoundError: there is no such batch.
            JzySoapError: as in ``dispatch``.
        """
        looks = self._opened.get().looks
        if looks.batch(ident).state is State.QUEUED:
            self._outbox().dispatch_one(ident)
        return looks.batch(ident)

    @public
    def collect(self) -> Collected:
        """Poll once for reports and once for replies: each answer is stored before it is parsed.

        Raises:
            ReplyNotStoredError: an answer could be stored nowhere; the error has its bytes.
            JzySoapError: the first error of a poll; the other poll was made all the same.
        """
        return self._journal().collect()

    @public
    def reports(self, limit: int | None = None, *, lease: float = 300.0) -> Handover[StoredReport]:
        """Return the delivery reports that nobody has acknowledged, as a context manager to iterate over.

        They are acknowledged when its block ends, so each is handed out at least once. If the block raises, those
        before the one in hand are acknowledged, that one is handed out again later and alone, and the rest at once. If
        it raises after the last one, all of them are.

        Args:
            limit: how many at most; None for all.
            lease: seconds that the block may take with one record; then another process may get it.
        """
        return Handover(self._need("reports", self._opened.get().records), "report", limit, lease, self._failures)

    @public
    def replies(self, limit: int | None = None, *, lease: float = 300.0) -> Handover[StoredReply]:
        """Return the replies that nobody has acknowledged, like ``reports``."""
        return Handover(self._need("replies", self._opened.get().records), "reply", limit, lease, self._failures)

    @public
    def run(self, stop: Callable[[], bool] | None = None, *, interval: float = 10.0) -> None:
        """Send and poll until told to stop: ``dispatch``, ``collect``, and what keeps the tables in order.

        On SQLite one process runs at a time: a second one waits for the first to end.

        Args:
            stop: asked between two batches, and while there is nothing to do; True ends the loop. None for no end.
            interval: seconds between two polls.
        """
        opened = self._opened.get()
        records = self._need("run", opened.records)
        Worker(self._outbox(), self._journal(), records.leases, opened.store, opened.decisions, opened.expiry).run(
            stop or (lambda: False), interval
        )

    def _send_rest(self, ident: int, outbox: Outbox) -> None:
        for batch in self._opened.get().looks.message(ident).batches:
            if batch.state is State.QUEUED:
                done = outbox.dispatch_one(batch.id)
                if done is not None and done.stop:
                    return

    def _outbox(self) -> Outbox:
        calls = self._need("this", self._calls)
        return Outbox(self._opened.get().store, calls, self._attempts)

    def _journal(self) -> Journal:
        opened, calls = self._opened.get(), self._need("this", self._calls)
        return Journal(self._need("this", opened.records), calls, self._need("this", opened.matches), self._spool)

    def _draft(
        self,
        mobile: str | Iterable[str],
        text: str,
        lifetime: timedelta,
        key: str | None,
        not_before: datetime | None,
        expires_at: datetime | None,
        **options: Any,
    ) -> Draft:
        calls = self._need("sending", self._calls)
        batch_size = options.pop("batch_size")
        size = self._batch_size if batch_size is None else batch_size
        plan = calls.plan(mobile, text, batch_size=size, **options)
        arguments = plan.parts[0].call.arguments
        begin = None if not_before is None else to_ms(checked_time("not_before", not_before))
        expires = None if expires_at is None else to_ms(checked_time("expires_at", expires_at))
        if expires is not None and expires <= max(to_ms(datetime.now(CHINA)), begin or 0):
            raise InvalidMessageError("expires_at must be later than now, and than not_before", field="expires_at")
        kept = options_of(arguments)
        parts = tuple(part.call.arguments["mobile"] for part in plan.parts)
        fingerprint = ""
        if key is not None:
            said = "\n".join([arguments["content"], kept, *parts])
            fingerprint = hmac.new(self._opened.get().salt, said.encode(), hashlib.sha256).hexdigest()
        return Draft(
            None if key is None else checked_key(key),
            fingerprint,
            arguments["content"],
            kept,
            parts,
            begin,
            expires,
            to_milliseconds(lifetime),
        )

    def _known(self, draft: Draft) -> Message | None:
        """Return the message that has the key of a draft already; None if there is none."""
        return None if draft.key is None else self._database.read(partial(self._look_up, draft))

    def _look_up(self, draft: Draft, connection: Any) -> Message | None:
        store = self._opened.get().store
        row = store.find_key(connection, draft.key or "")
        if row is None:
            return None
        if row.fingerprint != draft.fingerprint:
            raise KeyReusedError(
                f"key belongs to message {row.id}, which has other numbers, another text or other options: "
                "give each message a key of its own",
                message_id=row.id,
            )
        return store.load(connection, row.id, replayed=True)

    def _replay(self, draft: Draft) -> Message:
        known = self._known(draft)
        if known is None:
            raise MailboxDatabaseError("the key of the message was taken and freed again at this moment: try again")
        return known

    def _add(
        self, draft: Draft, token: str, lease: int | None, connection: Connection, uncertain: bool
    ) -> tuple[int, int | None]:
        store = self._opened.get().store
        if uncertain and (found := store.find_token(connection, token)) is not None:
            return found
        try:
            return store.add(connection, draft, token, None if store.is_held(connection) else lease)
        except IntegrityError:
            raise TakenError from None

    def _enqueue_in(self, connection: Any, draft: Draft) -> Message:
        opened = self._opened.get()
        store = opened.store
        own: Any = connection
        if not isinstance(connection, Connection):
            own = CallerConnection(connection, self._database.engine)
        known = None if draft.key is None else self._look_up(draft, own)
        if known is not None:
            return known
        try:
            with savepoint(connection):
                ident, _ = store.add(own, draft, token_hex(16), None)
        except TakenError:
            known = self._look_up(draft, own)
            if known is None:
                raise MailboxDatabaseError(
                    "the key was taken by another transaction after yours had begun: retry your transaction"
                ) from None
            return known
        return store.load(own, ident)
