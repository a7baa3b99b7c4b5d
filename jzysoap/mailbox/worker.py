"""The loop: send what is due, poll, and keep the tables in order, until told to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from secrets import token_hex

from jzysoap.mailbox.decisions import Decisions
from jzysoap.mailbox.errors import OutcomeNotRecordedError
from jzysoap.mailbox.expiry import Expiry
from jzysoap.mailbox.journal import Journal
from jzysoap.mailbox.leases import Leases
from jzysoap.mailbox.outbox import Outbox
from jzysoap.mailbox.store import Store
from jzysoap.model.clock import elapsed
from jzysoap.model.sent import JzySoapError

logger = logging.getLogger("jzysoap.mailbox")

TICK = 0.2
"""Seconds between two looks at an empty queue, and at ``stop``."""

KEEP_KEYS = 30 * 24 * 3600
"""Seconds for which the key of a message that has ended is kept."""

# The lease is renewed with each tidying, and a call lasts a minute.
_LEASE = 180.0
_TIDY = 30.0
_AFTER_REFUSAL = 60.0
_AFTER_FAILURE = 5.0


class Worker:
    """The loop of one process.

    Args:
        outbox: sends.
        journal: polls.
        leases: have the one of the process that may run, on SQLite.
        store: the messages.
        decisions: forgets old keys.
        expiry: has queued batches expire.
    """

    def __init__(
        self,
        outbox: Outbox,
        journal: Journal,
        leases: Leases,
        store: Store,
        decisions: Decisions,
        expiry: Expiry,
    ) -> None:
        self._outbox = outbox
        self._journal = journal
        self._leases = leases
        self._store = store
        self._decisions = decisions
        self._expiry = expiry
        self._token = token_hex(16)

    def run(self, stop: Callable[[], bool], interval: float) -> None:
        """Run until ``stop`` returns True; see ``Mailbox.run``."""
        # The times before which each part of the work is not done again.
        poll_at = tidy_at = send_at = 0.0
        if not self._wait_for_turn(stop):
            return
        try:
            while not stop():
                now = elapsed()
                busy = False
                if now >= tidy_at:
                    tidy_at = now + _TIDY if self._guarded("tidy", self._tidy) else now + _AFTER_FAILURE
                if now >= send_at:
                    busy, pause = self._send()
                    send_at = now + pause
                if now >= poll_at and not stop():
                    poll_at = now + (interval if self._guarded("collect", self._collect) else max(interval, 30.0))
                if not busy:
                    self._sleep(stop)
        finally:
            if self._leases.database.path is not None:
                self._guarded("release", lambda: self._leases.give_up("run", self._token))

    def _wait_for_turn(self, stop: Callable[[], bool]) -> bool:
        """Wait until no other process runs on the same file of SQLite; return False if told to stop before."""
        if self._leases.database.path is None:
            return True
        waited = False
        while not self._leases.acquire("run", self._token, round(_LEASE * 1000)):
            if not waited:
                logger.info("another process runs on this file: waiting for its end")
                waited = True
            if stop():
                return False
            self._sleep(stop)
        return True

    def _send(self) -> tuple[bool, float]:
        """Send one batch; return True if there was one, and the seconds until the next."""
        try:
            done = self._outbox.dispatch_one()
        except OutcomeNotRecordedError as error:
            logger.error("%s", error)
            return False, _AFTER_FAILURE
        except JzySoapError as error:
            logger.error("nothing can be sent: %s: %s", type(error).__name__, error)
            return False, _AFTER_FAILURE
        if done is None:
            return False, 0.0
        logger.info("sent a batch: %s", done.state)
        if done.stop:
            logger.error("the gateway refuses the account: nothing is sent for %d seconds", _AFTER_REFUSAL)
            return False, _AFTER_REFUSAL
        return True, 0.0

    def _collect(self) -> None:
        found = self._journal.collect()
        if found.reports or found.replies:
            logger.info("collected %d reports and %d replies", found.reports, found.replies)

    def _tidy(self) -> None:
        if self._leases.database.path is not None:
            self._leases.acquire("run", self._token, round(_LEASE * 1000))
        swept = self._store.sweep()
        if swept:
            logger.warning("%d batches are unknown: their processes ended before they could tell the outcome", swept)
        expired = self._expiry.run()
        if expired is None:
            return
        if expired:
            logger.warning("%d batches expired before they could be sent", expired)
        self._decisions.forget_keys(KEEP_KEYS * 1000)

    def _guarded(self, what: str, work: Callable[[], object]) -> bool:
        """Do work whose failure must not end the loop; return False if it failed."""
        try:
            work()
        except JzySoapError as error:
            logger.error("%s failed: %s: %s", what, type(error).__name__, error)
            return False
        return True

    @staticmethod
    def _sleep(stop: Callable[[], bool]) -> None:
        if not stop():
            time.sleep(TICK)
