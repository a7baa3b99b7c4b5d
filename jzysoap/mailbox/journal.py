"""Polls: an answer is stored before it is parsed, its records before they are handed over.

What no order can save is what the gateway handed over and the process had not read when it was killed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Generic, Self, TypeVar

from jzysoap.client.durable import DurableCalls
from jzysoap.mailbox.errors import LeaseLostError, MailboxDatabaseError, MailboxError, ReplyNotStoredError
from jzysoap.mailbox.matches import Matches
from jzysoap.mailbox.records import KINDS, Records
from jzysoap.mailbox.values import Collected, Kind, StoredReply, StoredReport
from jzysoap.model.clock import elapsed
from jzysoap.model.errors import ConfigurationError, GatewayError, IncompletePollError
from jzysoap.model.events import RawReply
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Poll

logger = logging.getLogger("jzysoap.mailbox")

T = TypeVar("T", StoredReport, StoredReply)

PARSE_ATTEMPTS = 3
"""How often it is tried to parse an answer, also if the process ends meanwhile."""

MARGIN = 60.0
"""Seconds of a poller's lease beyond twice the limit of a poll."""

_AT_ONCE = 500


class Journal:
    """The polls of one account.

    Args:
        records: the polls and records in the database.
        calls: the client's calls.
        matches: what the reports say about the messages.
        spool: the directory for answers that the database cannot store.
    """

    def __init__(self, records: Records, calls: DurableCalls, matches: Matches, spool: Path) -> None:
        self._records = records
        self._leases = records.leases
        self._calls = calls
        self._matches = matches
        self._spool = spool

    @property
    def _lease(self) -> int:
        return round((2 * self._calls.poll_total + MARGIN) * 1000)

    def collect(self) -> Collected:
        """Poll for reports and for replies, unless another process does.

        Raises:
            JzySoapError: the first error; the other poll was made all the same.
        """
        token, counts = token_hex(16), {"report": 0, "reply": 0}
        if not self._leases.acquire("poll", token, self._lease):
            return Collected(polled=False)
        failure: JzySoapError | None = None
        try:
            self._take_in()
            self._records.lose(self._lease)
            self.parse_pending()
            for operation in KINDS:
                self._leases.acquire("poll", token, self._lease)
                try:
                    counts[KINDS[operation]] += self._poll(operation)
                except MailboxError:
                    raise
                except JzySoapError as error:
                    failure = failure or error
        finally:
            with contextlib.suppress(MailboxDatabaseError):
                self._leases.give_up("poll", token)
        if failure is not None:
            raise failure
        return Collected(counts["report"], counts["reply"])

    def parse_pending(self) -> None:
        """Parse the answers that a crash, or an older version of this library, left."""
        while (found := self._records.pending(self._lease)) is not None:
            if found.attempt > PARSE_ATTEMPTS:
                self._records.end(found.id, "bad", "the process ended each time that it was parsed")
                continue
            try:
                poll = self._calls.parse(found.raw)
            except IncompletePollError as error:
                self._write(found.id, found.raw.operation, error.poll, "cut off", str(error))
            except GatewayError as error:
                self._records.end(found.id, "empty", str(error))
            except JzySoapError as error:
                self._records.end(found.id, "bad" if found.attempt >= PARSE_ATTEMPTS else "stored", str(error))
                if found.attempt < PARSE_ATTEMPTS:
                    # At the next time; the same bytes would fail again now.
                    return
            else:
                self._write(found.id, found.raw.operation, poll, "parsed")

    def _poll(self, operation: str) -> int:
        ident = self._records.ask(operation)
        stored = False

        def keep(raw: RawReply) -> None:
            nonlocal stored
            try:
                self._records.keep(ident, raw, attempt=1, lease_ms=self._lease)
            except MailboxDatabaseError as error:
                self._put_aside(ident, raw, error)
                raise
            stored = True

        try:
            poll = self._calls.poll(operation, keep)
        except IncompletePollError as error:
            self._write(ident, operation, error.poll, "cut off", str(error))
            raise
        except JzySoapError as error:
            if isinstance(error.__cause__, MailboxError):
                # What ``keep`` raised: the answer came, and is in a file or on the error.
                error.__cause__.raw = error.raw
                raise error.__cause__ from None
            if stored:
                refused = isinstance(error, GatewayError)
                self._records.end(ident, "empty" if refused else "stored", str(error))
            elif error.may_have_been_sent:
                self._records.end(ident, "lost", str(error))
            else:
                self._records.forget(ident)
            raise
        return self._write(ident, operation, poll, "parsed")

    def _write(self, ident: int, operation: str, poll: Poll, state: str, error: str | None = None) -> int:  # type: ignore[type-arg]  # of either kind
        self._records.write(ident, poll.records)
        if KINDS[operation] == "report" and poll.records:
            self._matches.match_poll(ident)
        if poll.rejected and error is None:
            state, error = "bad", f"{len(poll.rejected)} records cannot be read: {poll.rejected[0].reason}"
        if state == "parsed" and not poll.records:
            state = "empty"
        self._records.end(ident, state, error)
        return len(poll.records)

    def _put_aside(self, ident: int, raw: RawReply, problem: MailboxDatabaseError) -> None:
        """Keep an answer in a file, since the database failed; the next ``collect`` takes it in."""
        kept = {
            "poll": ident,
            "account": self._records.account,
            "operation": raw.operation,
            "interface": raw.interface,
            "received_at": raw.received_at.isoformat(),
            "status": raw.status,
            "content_type": raw.content_type,
            "problem": raw.problem,
            "body": base64.b64encode(raw.body).decode(),
        }
        try:
            self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = self._spool / f"{token_hex(8)}.json"
            # Under another name until it is whole.
            part = name.with_suffix(".part")
            with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            part.rename(name)
        except OSError as error:
            raise ReplyNotStoredError(
                f"the gateway's answer could be stored neither in the database ({problem}) nor in {self._spool} "
                f"({error.strerror}): raw has its bytes, which exist nowhere else",
                raw=raw.body,
            ) from problem
        logger.error("the database failed: an answer of the gateway is kept in %s until the next poll", name)

    def _take_in(self) -> None:
        """Store the answers that were kept in files."""
        for name in sorted(self._spool.glob("*.json")):
            kept = json.loads(name.read_text("ascii"))
            if kept["account"] != self._records.account:
                continue
            raw = RawReply(
                kept["operation"],
                kept["interface"],
                self._calls.account,
                datetime.fromisoformat(kept["received_at"]),
                kept["status"],
                kept["content_type"],
                base64.b64decode(kept["body"]),
                kept["problem"],
            )
            self._records.keep(kept["poll"], raw, attempt=0, lease_ms=-1)
            name.unlink()


class Handover(Generic[T]):
    """Records on their way to a consumer: a context manager, whose block acknowledges the records when it ends.

    If the block raises, the records before the one in hand are acknowledged, that one counts a failure, and the rest is
    handed out again. If it raises after the last one, or its process is killed, all of them are handed out again.

    Args:
        records: the records in the database.
        kind: their kind.
        limit: how many at most; None for all.
        lease: seconds without an iteration after which another process may get them.
        most: failures after which a record is put aside as dead.
    """

    def __init__(self, records: Records, kind: Kind, limit: int | None, lease: float, most: int) -> None:
        self._records = records
        self._leases = records.leases
        self._kind = kind
        self._left = limit
        self._lease = lease
        self._most = most
        self._token = token_hex(16)
        self._renewed = 0.0
        self._busy = self._entered = False
        # The claims, the last one with the records that were passed to the block.
        self._claims: list[tuple[str, list[int]]] = []
        self._in_hand: int | None = None

    def __enter__(self) -> Self:
        self._busy = not self._leases.acquire(f"consume {self._kind}", self._token, self._lease_ms)
        if self._busy:
            logger.info("another process consumes: no %s is handed out here", self._kind)
        self._renewed, self._entered = elapsed(), True
        return self

    def __iter__(self) -> Iterator[T]:
        if not self._entered:
            raise ConfigurationError(
                "use it in a with statement, whose block acknowledges: with mailbox.reports() as …:"
            )
        while not self._busy and self._left != 0:
            token = token_hex(16)
            limit = _AT_ONCE if self._left is None else min(self._left, _AT_ONCE)
            found = self._records.claim(self._kind, limit, token, self._lease_ms, first=not self._claims)
            if not found:
                return
            self._claims.append((token, []))
            for one in found:
                self._renew()
                self._in_hand = one.id
                self._claims[-1][1].append(one.id)
                if self._left is not None:
                    self._left -= 1
                yield one  # type: ignore[misc]  # of the kind that was asked for
                self._in_hand = None
            if found[0].failures:
                # It is alone in its block: it may fail again.
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failed = self._in_hand if error is not None else None
        # After the last record, a block that raises may have used none of them yet, such as one that made a list.
        none_done = error is not None and failed is None
        missed = 0
        for token, passed in self._claims:
            done = [] if none_done else [ident for ident in passed if ident != failed]
            pause = 60_000 if failed in passed else 0
            missed += self._records.settle(
                token, done, failed if failed in passed else None, most=self._most, pause=pause
            )
        if not self._busy:
            self._leases.give_up(f"consume {self._kind}", self._token)
        if missed and error is None:
            raise LeaseLostError(
                f"{missed} records were acknowledged too late, and are handed out again: work in smaller blocks "
                "(limit), or with a longer lease"
            )

    @property
    def _lease_ms(self) -> int:
        return round(self._lease * 1000)

    def _renew(self) -> None:
        if elapsed() - self._renewed < self._lease / 3:
            return
        self._renewed = elapsed()
        self._leases.acquire(f"consume {self._kind}", self._token, self._lease_ms)
        for token, _ in self._claims:
            self._records.renew(token, self._lease_ms)
