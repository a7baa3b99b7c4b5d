"""A job of ``jzysoap send``: each batch of recipients is a message of a mailbox, under a key of its own.

The key is made of the job and of the batch's place in the input, and a mailbox sends what has a key once. So a job that
was killed goes through its whole input again: a batch that is known is looked up, the others are sent. Batches are sent
in order, one at a time, and a job ends early where the next batch would fail too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jzysoap.cli.output import print_message
from jzysoap.cli.recipients import Recipient
from jzysoap.cli.texts import translate
from jzysoap.mailbox import KeyReusedError, Mailbox, Message, State, StoredBatch
from jzysoap.model.errors import ConfigurationError

BATCH_SIZE = 200
"""Recipients of a batch: so many are unknown at most when the answer to one call is lost."""

ATTEMPTS = 5
"""Calls for a batch that is proven not sent, in about half a minute. Then the job ends, and may be resumed."""

_BY = "jzysoap send"
_FATES = {State.ACCEPTED: "accepted", State.REJECTED: "rejected", State.UNKNOWN: "unknown", State.SENDING: "unknown"}
# Proven not sent: a resumed job tries again.
_AGAIN = (State.NOT_SENT, State.EXPIRED, State.CANCELLED)
_TICK = 0.1
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Piece:
    """The recipients of one batch, and their text.

    Attributes:
        text: the text.
        recipients: the recipients, all of them valid.
    """

    text: str
    recipients: list[Recipient] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of a batch.

    Attributes:
        piece: the batch.
        state: ``accepted``, ``rejected``, ``not sent`` or ``unknown``.
        reason: why, if it was not accepted; it may be None.
    """

    piece: Piece = field(repr=False)
    state: str
    reason: str | None


class Job:
    """One job.

    Args:
        box: the mailbox.
        name: the job's name, the same for the same input, text and account.
        options: the arguments of ``Mailbox.send`` for every batch.

    Attributes:
        run: how often the same was sent before, on purpose.
        problem: why it ended early, or None.
    """

    def __init__(self, box: Mailbox, name: str, options: Mapping[str, Any]) -> None:
        self._box = box
        self._name = name
        self._options = options
        self._stop: Callable[[], bool] = lambda: False
        self.run = 0
        self.problem: str | None = None

    @property
    def exists(self) -> bool:
        """True if its first batch was stored."""
        return self._find(0) is not None

    def choose_last(self) -> None:
        """Choose the last run that was begun, or the first one if none was."""
        while self.exists:
            self.run += 1
        self.run = max(0, self.run - 1)

    def carry_out(self, pieces: Iterable[Piece], stop: Callable[[], bool]) -> Iterator[Fate]:
        """Send what was not sent yet, and yield the fate of each batch, those under way elsewhere at the end.

        Args:
            pieces: the batches, the same ones in each run of the job.
            stop: asked between two batches; True ends the job.

        Raises:
            ConfigurationError: the batches are not those of the job's earlier run.
            MailboxError: the database failed. A job that is resumed finds in it what is known.
            InputError: the input cannot be read any more.
        """
        self._stop = stop
        under_way: list[tuple[Piece, Message]] = []
        # Batches are stored in order: after one that never was, there are no more.
        stored = True
        for place, piece in enumerate(pieces):
            message = None
            if not self._ended:
                message = self._send(place, piece)
            elif stored:
                message = self._find(place)
            stored = message is not None
            if message is None:
                yield Fate(piece, "not sent", self.problem)
            elif message.state is State.SENDING:
                under_way.append((piece, message))
            else:
                yield _fate(piece, message)
        if under_way and not self._ended:
            print_message(translate("send.under-way", number=len(under_way)))
        for piece, message in under_way:
            yield _fate(piece, self._wait(message))

    @property
    def _ended(self) -> bool:
        return self.problem is not None or self._stop()

    def _key(self, place: int) -> str:
        return f"send {self._name} {self.run} {place}"

    def _find(self, place: int) -> Message | None:
        return self._box.find(self._key(place))

    def _send(self, place: int, piece: Piece) -> Message:
        mobiles = [recipient.number for recipient in piece.recipients]
        try:
            message = self._box.send(mobiles, piece.text, key=self._key(place), **self._options)
        except KeyReusedError as error:
            raise ConfigurationError(translate("send.changed")) from error
        if message.replayed:
            message = self._send_again(message)
        while _last(message).state is State.QUEUED:
            self._check(message)
            if self._ended or not self._pause(_last(message)):
                # Nothing of an ended job stays in the queue, where a worker would send it.
                message = self._box.cancel(message.id, by=_BY)
            else:
                message = self._dispatch(message)
        if self.problem is None and _last(message).state in _AGAIN and not self._stop():
            self.problem = _last(message).error
        return message

    def _send_again(self, message: Message) -> Message:
        """Return the message of an earlier process, sent again if it is certain that nobody got it."""
        if _last(message).state is State.QUEUED:
            # Perhaps not due for minutes: it is tried at once.
            message = self._box.cancel(message.id, by=_BY)
        if _last(message).state not in _AGAIN:
            return message
        self._box.resend(_last(message).id, by=_BY)
        return self._dispatch(self._box.message(message.id))

    def _dispatch(self, message: Message) -> Message:
        # Batches whose time is over expire, and those of killed processes become unknown.
        self._box.dispatch(0)
        self._box.dispatch_batch(_last(message).id)
        return self._box.message(message.id)

    def _check(self, message: Message) -> None:
        """Set the problem if the batch of a message, which is queued, would be refused again."""
        if self._box.held:
            self.problem = translate("send.held")
        elif _last(message).concerns_account:
            self.problem = _last(message).error

    def _pause(self, batch: StoredBatch) -> bool:
        """Wait until a batch is due; return False if the job is to end."""
        # At least a moment: a batch that is due, and still queued, is in another process's hands.
        seconds = max(batch.due_at.timestamp() - time.time(), _LOOK_EVERY)
        print_message(translate("send.again", seconds=round(seconds), error=batch.error))
        return self._sleep(seconds)

    def _wait(self, message: Message) -> Message:
        """Return a message that a process under way, or a killed one, has claimed, once its fate is known."""
        while message.state is State.SENDING and not self._ended and self._sleep(_LOOK_EVERY):
            self._box.dispatch(0)
            message = self._box.message(message.id)
        return message

    def _sleep(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop():
            time.sleep(min(left, _TICK))
        return not self._stop()


def _last(message: Message) -> StoredBatch:
    # A batch that is sent in the place of another one comes last.
    return message.batches[-1]


def _fate(piece: Piece, message: Message) -> Fate:
    batch = _last(message)
    return Fate(piece, _FATES.get(batch.state, "not sent"), batch.error)
