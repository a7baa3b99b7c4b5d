"""The messages that the sandbox's gateway accepted, with the records that they caused, and its refusals."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.operations import InterfaceName
from jzysoap.model.values import Channel, DeliveryReport, Reply
from jzysoap.sandbox.queues import AnyQueued, Queued

# UTF-16 units in a single message, and in each part of a long one. Written again, not imported from the client: tests
# against the sandbox check the client's count.
_SINGLE, _PART = 70, 67

# Of the records of forgotten messages, so many times the number of messages that are kept go on waiting.
_PAST = 10

_SIGNATURE = re.compile(r"\A\s*【([^【】]+)】|【([^【】]+)】\s*\Z")
_SPEAKS_OF_A_CODE = re.compile(r"码|密令|口令|\b(?:code|otp|pin|passcode)\b", re.IGNORECASE)
# Characters between the word and its code.
_NEAR = 6
# Four to eight letters and digits, one digit at least, that are no part of a longer word, number, amount or address.
_CODE = re.compile(r"(?<![\w.@/-])(?=[A-Z]*[0-9])[A-Z0-9]{4,8}(?![\w@/-]|\.\w)", re.ASCII)


class RefusedError(Exception):
    """A refusal of the gateway; its text is the words after ``failure;``."""


class UnknownAccountError(RefusedError):
    """A refusal, since there is no account of that name."""


@dataclass(frozen=True, slots=True)
class Message:
    """A send that was accepted.

    Attributes:
        username: the account.
        channel: the channel.
        mobiles: the recipients, as received.
        text: the text of the message.
        long: True if the message was marked as long.
        extension: the extension number, often empty.
        batch_id: the batch id, which its delivery reports have too.
        via: the interface that the send came through.
        sent_at: the time, by the gateway's clock.
        segments: how many messages each recipient costs.
        seq: the number of the event of this send.
        exchange: the number of the exchange that the send came in; None if a test called the gateway.
    """

    username: str
    channel: Channel
    mobiles: tuple[str, ...]
    text: str
    long: bool
    extension: str
    batch_id: str
    via: InterfaceName
    sent_at: datetime
    segments: int
    seq: int = field(default=0, compare=False)
    exchange: int | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return (
            f"<Message {self.batch_id} via {self.via}: {len(self.text)} characters to {len(self.mobiles)} numbers on "
            f"{self.channel.name}>"
        )

    @property
    def signature(self) -> str | None:
        """The signature in ``【】`` at the beginning or the end of the text, without these; None if there is none."""
        found = _SIGNATURE.search(self.text)
        return None if found is None else found[1] or found[2]

    @property
    def codes(self) -> tuple[str, ...]:
        """The verification codes in the text, those right after the word first; empty if the text speaks of no code."""
        word = _SPEAKS_OF_A_CODE.search(self.text)
        if word is None:
            return ()
        found = [(not 0 <= code.start() - word.end() <= _NEAR, code[0]) for code in _CODE.finditer(self.text)]
        return tuple(code for _, code in sorted(found, key=lambda one: one[0]))


@dataclass(slots=True, eq=False)
class Kept:
    """A message that is kept, with the records that it caused.

    Attributes:
        message: the message.
        reports: its delivery reports, those that wait and those that were polled.
        replies: the replies that rules made to it.
    """

    message: Message
    reports: list[Queued[DeliveryReport]] = field(default_factory=list)
    replies: list[Queued[Reply]] = field(default_factory=list)

    @property
    def records(self) -> tuple[AnyQueued, ...]:
        """All of them."""
        return (*self.reports, *self.replies)

    def add(self, entry: AnyQueued) -> None:
        """Add a record."""
        records: list[Any] = self.replies if isinstance(entry.record, Reply) else self.reports
        records.append(entry)


class Messages:
    """The messages that are kept, the oldest first.

    Args:
        limit: how many are kept.

    Raises:
        ConfigurationError: the limit is not positive.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ConfigurationError("max_messages must be a whole number, 1 or more")
        self._limit = limit
        self._kept: dict[str, Kept] = {}
        self._past: deque[Kept] = deque()
        self._past_records = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept.values())

    def __reversed__(self) -> Iterator[Kept]:
        return reversed(self._kept.values())

    def find(self, batch_id: str) -> Kept | None:
        """Return the message of that batch id."""
        return self._kept.get(batch_id)

    @property
    def next_forgotten(self) -> str | None:
        """The batch id of the message that is forgotten when the next one is added, if one is."""
        return next(iter(self._kept)) if len(self._kept) >= self._limit else None

    def add(self, kept: Kept) -> list[Kept]:
        """Add a message, and forget the oldest one if there are too many.

        Returns:
            Messages that were forgotten so long ago that their records shall not wait any longer.
        """
        forgotten = self.next_forgotten
        if forgotten is not None:
            past = self._kept.pop(forgotten)
            self._past.append(past)
            self._past_records += len(past.records)
        self._kept[kept.message.batch_id] = kept
        dropped = []
        while self._past_records > self._limit * _PAST:
            dropped.append(self._past.popleft())
            self._past_records -= len(dropped[-1].records)
        return dropped

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self._past.clear()
        self._past_records = 0


def count_segments(text: str) -> int:
    """Return how many messages a text costs each recipient."""
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= _SINGLE else -(-units // _PART)
