"""Sending: from a stored message to the gateway and back to the database.

The order is what makes it safe. The definition and the password are loaded first. Then the moment is taken after which
nothing may leave, then the batch is claimed, then it is sent. A process that was stopped for long in between finds that
moment past, before its first byte.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, NamedTuple

from jzysoap.client.durable import DurableCalls
from jzysoap.mailbox.errors import MailboxDatabaseError, OutcomeNotRecordedError
from jzysoap.mailbox.rows import Claim
from jzysoap.mailbox.states import Next, State, after_call, concerns_account
from jzysoap.mailbox.store import Store
from jzysoap.mailbox.values import Message
from jzysoap.model.clock import elapsed
from jzysoap.model.sent import Batch, JzySoapError

logger = logging.getLogger("jzysoap.mailbox")

MARGIN = 30.0
"""Seconds of a lease beyond twice the limit of a call."""

RECORD_FOR = 30.0
"""Seconds for which it is tried to record an outcome, at least."""


class Dispatched(NamedTuple):
    """What became of one batch.

    Attributes:
        state: its state.
        stop: True if the gateway refused the account: the next batch would be refused too.
        message: the message, if it was asked for.
    """

    state: State
    stop: bool
    message: Message | None


class Outbox:
    """Sends the batches of one account.

    Args:
        store: the messages.
        calls: the client's calls.
        attempts: calls for one batch at most.
    """

    def __init__(self, store: Store, calls: DurableCalls, attempts: int) -> None:
        self._store = store
        self._calls = calls
        self._attempts = attempts

    @property
    def lease(self) -> int:
        """Milliseconds for which a claim holds: longer than any call, so that nobody calls a batch of it unknown."""
        return round((2 * self._calls.total + MARGIN) * 1000)

    def prepare(self) -> None:
        """Load all that a call needs, so that a claim is followed by the call at once.

        Raises:
            JzySoapError: there is no usable definition or password.
        """
        self._calls.prepare()

    def deadline(self) -> float:
        """Return the moment after which a batch that is claimed from now on must not be sent."""
        return elapsed() + self._calls.total

    def dispatch_one(self, ident: int | None = None) -> Dispatched | None:
        """Send the next batch that is due, or the one that is named; None if none is due.

        Raises:
            JzySoapError: there is no usable definition or password; nothing was claimed.
            OutcomeNotRecordedError: the gateway answered, and the database failed.
        """
        self.prepare()
        not_after = self.deadline()
        claim = self._store.claim(token_hex(16), self.lease, ident)
        return None if claim is None else self.carry_out(claim, not_after)

    def carry_out(self, claim: Claim, not_after: float, *, look: bool = False) -> Dispatched:
        """Send a batch that is claimed, and record its outcome.

        Args:
            claim: the claim.
            not_after: the moment after which it is not sent.
            look: True to return the message as it is then.

        Raises:
            OutcomeNotRecordedError: the gateway answered, and the database failed.
        """
        arguments: Mapping[str, str] = {**json.loads(claim.arguments), "content": claim.content}
        sent = self._calls.send(claim.mobiles, arguments, not_after)
        after = after_call(sent.outcome, sent.error, claim.attempt, self._attempts)
        if after.state is State.QUEUED:
            # By chance, so that workers do not come back together.
            after = after._replace(pause=after.pause * random.uniform(0.75, 1.25))  # noqa: S311  # no secret
        message = self._record(claim, sent, after, look=look)
        return Dispatched(after.state, concerns_account(sent.error), message)

    def _record(self, claim: Claim, sent: Batch, after: Next, *, look: bool) -> Message | None:
        error = None if sent.error is None else describe(sent.error)
        until = time.monotonic() + RECORD_FOR
        while True:
            try:
                held, message = self._store.settle(claim, after, sent.batch_id, error, look=look)
            except MailboxDatabaseError as failure:
                problem = failure
            else:
                break
            if time.monotonic() >= until:
                raise OutcomeNotRecordedError(
                    f"message {claim.message}: the gateway's answer ({sent.outcome.value}) could not be recorded: "
                    f"{problem}",
                    message_id=claim.message,
                    outcome=sent.outcome,
                    batch_id=sent.batch_id,
                ) from problem
            time.sleep(0.5)
        if not held:
            level = logging.ERROR if after.state is State.ACCEPTED else logging.WARNING
            logger.log(
                level,
                "batch %d: an answer (%s) came after a person or a report had decided; look at its history",
                claim.id,
                sent.outcome.value,
            )
        return message


def describe(error: JzySoapError) -> str:
    """Return an error's class and text, for the database."""
    return f"{type(error).__name__}: {error}"


def options_of(arguments: Mapping[str, Any]) -> str:
    """Return the arguments of a call, without its text, as the database keeps them."""
    return json.dumps({name: value for name, value in arguments.items() if name not in ("content", "mobile")})
