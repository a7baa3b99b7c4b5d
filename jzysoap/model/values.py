"""What the gateway's answers mean: frozen values that compare, pickle and copy, and whose repr shows no personal data.

Nothing here reads or writes the wire's spelling; ``results`` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import Generic, TypeVar, overload

from jzysoap.model.errors import JzySoapError
from jzysoap.model.masking import mask_number, mask_text

T = TypeVar("T")


class Channel(IntEnum):
    """The route a message takes; its value is the wire's ``smstype`` (vendor page, "SMS发送接口")."""

    CARD = 0
    """卡发"""
    GATEWAY = 1
    """网关"""
    MEMBER = 2
    """会员"""


class DeliveryStatus(IntEnum):
    """What became of a message; its value is the wire's ``status`` (vendor page, "获取下行状态报告接口")."""

    FAILED = 0
    DELIVERED = 1
    UNKNOWN = 2


class Outcome(Enum):
    """What is known of one batch."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, repr=False)
class InvalidNumber:
    """A recipient that cannot be used, or not again.

    Attributes:
        position: its place in what was given, counted from 1.
        number: what was given there, whole, as text.
        reason: what is wrong with it.
    """

    position: int
    number: str
    reason: str

    def __str__(self) -> str:
        return f"#{self.position} {mask_number(self.number)}: {self.reason}"

    def __repr__(self) -> str:
        return f"<InvalidNumber {self}>"


@dataclass(frozen=True, slots=True, repr=False)
class CleanNumbers:
    """What ``clean_numbers`` made of a list of recipients.

    Attributes:
        valid: the usable numbers as they go over the wire, in the order given, each once.
        duplicate: those given again.
        invalid: those that cannot be used.
    """

    valid: tuple[str, ...]
    duplicate: tuple[InvalidNumber, ...]
    invalid: tuple[InvalidNumber, ...]

    def __repr__(self) -> str:
        return f"<CleanNumbers valid={len(self.valid)} duplicate={len(self.duplicate)} invalid={len(self.invalid)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """One call of a send: up to 20,000 recipients that share an outcome.

    Attributes:
        mobiles: the recipients, as they went (or would have gone) over the wire.
        outcome: what is known of them.
        batch_id: the gateway's id for them (its ``smslogid``), or None where it gave none, as SOAP may.
        error: why, unless accepted.
    """

    mobiles: tuple[str, ...]
    outcome: Outcome
    batch_id: str | None = None
    error: JzySoapError | None = None

    def __repr__(self) -> str:
        return f"<Batch {self.outcome.value}: {_count(len(self.mobiles), 'number')}, batch_id={_shown(self.batch_id)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """What is known of a send.

    Attributes:
        batches: one a call, in the order of the recipients.
        segments: how many messages each recipient costs (an assumption: see ``count_segments``).
    """

    batches: tuple[Batch, ...]
    segments: int

    @property
    def batch_id(self) -> str | None:
        """The gateway's id when there was one batch and the gateway gave one, else None."""
        return self.batches[0].batch_id if len(self.batches) == 1 else None

    @property
    def mobiles(self) -> tuple[str, ...]:
        """All recipients, as they went over the wire."""
        return tuple(mobile for batch in self.batches for mobile in batch.mobiles)

    def __repr__(self) -> str:
        outcomes = ", ".join(sorted({batch.outcome.value for batch in self.batches}))
        numbers = _count(sum(len(batch.mobiles) for batch in self.batches), "number")
        parts = f"{_count(len(self.batches), 'batch', 'batches')}, {_count(self.segments, 'segment')} each"
        return f"<Sent {outcomes}: {numbers} in {parts}, batch_id={_shown(self.batch_id)}>"


@dataclass(frozen=True, slots=True)
class Balance:
    """Messages left on each channel (vendor page, "查看用户账号信息接口").

    Attributes:
        member, gateway, card: the counts; None where the gateway named none.
        raw: the result string as it came.
    """

    member: int | None
    gateway: int | None
    card: int | None
    raw: str = field(default="", compare=False, repr=False)

    def __getitem__(self, channel: Channel) -> int | None:
        """The count of one channel."""
        return {Channel.MEMBER: self.member, Channel.GATEWAY: self.gateway, Channel.CARD: self.card}[channel]

    # Channels are numbers, so Python would take it for a sequence.
    __iter__ = None


@dataclass(frozen=True, slots=True, repr=False)
class DeliveryReport:
    """What became of a message to one number (vendor page, "获取下行状态报告接口").

    Attributes:
        mobile: the number, as received.
        username: the account, or None.
        batch_id: the batch it belongs to (``smslogid``), or None.
        status: delivered, failed or unknown.
        sent_at: aware, UTC+8, or None where missing or unreadable.
        raw_fields: the record's fields as they came when anything in it was odd, else None.
    """

    mobile: str
    username: str | None
    batch_id: str | None
    status: DeliveryStatus
    sent_at: datetime | None
    raw_fields: Mapping[str, str] | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        odd = "" if self.raw_fields is None else ", odd"
        return (
            f"<DeliveryReport {mask_number(self.mobile)} {self.status.name}, batch_id={_shown(self.batch_id)}, "
            f"sent_at={self.sent_at}{odd}>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A message that a subscriber sent in (vendor page, "上行回复接口").

    Attributes:
        mobile: who wrote, as received.
        receiver: 接受人, the account it was for, or None.
        text: what was written; bytes that could not be decoded are replaced.
        raw: the text's bytes as the gateway had them.
        received_at: aware, UTC+8, or None where missing or unreadable.
        raw_fields: the record's fields as they came when anything in it was odd, else None.
    """

    mobile: str
    receiver: str | None
    text: str
    raw: bytes
    received_at: datetime | None
    raw_fields: Mapping[str, str] | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        odd = "" if self.raw_fields is None else ", odd"
        return (
            f"<Reply from {mask_number(self.mobile)}, {len(self.text)} characters, received_at={self.received_at}{odd}>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Rejected:
    """A record of a poll that could not be read.

    Attributes:
        source: the record as it came, as XML text.
        reason: what is wrong with it.
    """

    source: str
    reason: str

    def __repr__(self) -> str:
        return f"<Rejected {len(self.source)} characters: {self.reason}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Poll(Sequence[T], Generic[T]):
    """The records of one poll, as a sequence.

    Attributes:
        records: the readable ones, in the order they came.
        rejected: the others.
        raw: the reply's body, every byte of it.
    """

    records: tuple[T, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    raw: bytes = b""

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        """Whether anything came, readable or not: what is in ``rejected`` must not be passed over either."""
        return bool(self.records or self.rejected)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.records[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Poll):
            return NotImplemented
        return (self.records, self.rejected, self.raw) == (other.records, other.rejected, other.raw)

    def __hash__(self) -> int:
        return hash((self.records, self.rejected, self.raw))

    def __repr__(self) -> str:
        return f"<Poll {_count(len(self.records), 'record')}, {len(self.rejected)} rejected, {len(self.raw)} bytes>"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _shown(batch_id: str | None) -> str | None:
    """A batch id for a repr: what the gateway wrote is not trusted to be short or printable."""
    if batch_id is None or (batch_id.isalnum() and len(batch_id) <= 40):
        return batch_id
    return mask_text(batch_id)
