"""Values made of rows, values that become rows, and times as the database keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from jzysoap.mailbox.database import AnyRow
from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.states import State
from jzysoap.mailbox.values import Message, StoredBatch
from jzysoap.model.values import CHINA

_EPOCH = datetime(1970, 1, 1, tzinfo=CHINA) + timedelta(hours=8)
_MILLISECOND = timedelta(milliseconds=1)


class Claim(NamedTuple):
    """The right to send one batch.

    Attributes:
        id: the batch.
        message: its message.
        mobiles: its recipients.
        content: the text.
        arguments: the other arguments of the call, as JSON.
        attempt: the calls for this batch so far, this one included.
        token: proves the right.
    """

    id: int
    message: int
    mobiles: tuple[str, ...]
    content: str
    arguments: str
    attempt: int
    token: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is about to be stored.

    Attributes:
        key: the caller's key, or None.
        fingerprint: a hash of numbers, text and options, to compare a repeated key's message.
        content: the text.
        arguments: the other arguments of the call, as JSON.
        parts: the recipients of each batch, separated by commas.
        not_before: milliseconds since the epoch, or None.
        expires: milliseconds since the epoch, or None for ``lifetime``.
        lifetime: milliseconds from the time when it is due until it expires.
    """

    key: str | None
    fingerprint: str
    content: str
    arguments: str
    parts: tuple[str, ...]
    not_before: int | None
    expires: int | None
    lifetime: int


def to_time(milliseconds: int) -> datetime:
    """Return the time at UTC+8."""
    return _EPOCH + milliseconds * _MILLISECOND


def to_ms(time: datetime) -> int:
    """Return the milliseconds since the epoch of an aware time."""
    return (time - _EPOCH) // _MILLISECOND


def to_batch(row: AnyRow) -> StoredBatch:
    """Return the value of a row of the table of batches."""
    return StoredBatch(
        id=row.id,
        message_id=row.message,
        mobiles=tuple(row.mobiles.split(",")),
        state=State(row.state),
        batch_id=row.batch_id or row.matched_id,
        evidence=Evidence(row.evidence),
        error=row.error,
        attempts=row.attempt,
        due_at=to_time(row.due),
        started_at=None if row.started is None else to_time(row.started),
        ended_at=None if row.ended is None else to_time(row.ended),
        resend_of=row.resend_of,
    )


def to_message(rows: Sequence[AnyRow], *, replayed: bool = False) -> Message:
    """Return the value of the rows of a message's batches, each of which has what the message has."""
    first = rows[0]
    return Message(
        first.message,
        first.message_key,
        first.message_account,
        first.message_content,
        tuple([to_batch(row) for row in rows]),
        to_time(first.message_created),
        to_time(first.message_expires),
        replayed,
    )
