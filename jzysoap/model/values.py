"""The values that the gateway's answers are made into: frozen, comparable, and safe to show.

They survive pickle and copy, and no ``repr`` shows personal data. The wire's spelling is known to ``results`` alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from typing import Generic, TypeVar, overload

from jzysoap.model.masking import mask_batch_id, mask_number
from jzysoap.model.sent import count_of

T_co = TypeVar("T_co", covariant=True)

CHINA = timezone(timedelta(hours=8))
"""The vendor's local time, in which the gateway writes times; China keeps it all year."""


class Channel(IntEnum):
    """The route of a message; its value is the wire's ``smstype`` (docs/protocol.md#send)."""

    __module__ = "jzysoap"

    CARD = 0
    """卡发"""
    GATEWAY = 1
    """网关"""
    MEMBER = 2
    """会员"""


class DeliveryStatus(IntEnum):
    """The fate of a message; its value is the wire's ``status`` (docs/protocol.md#delivery-reports)."""

    __module__ = "jzysoap"

    FAILED = 0
    DELIVERED = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True, repr=False)
class InvalidNumber:
    """A recipient that cannot be used, or that is repeated.

    Attributes:
        position: its place in the given list, counted from 1.
        number: the given value as text, unmasked.
        reason: what is wrong with it.
    """

    __module__ = "jzysoap"

    position: int
    number: str
    reason: str

    def __str__(self) -> str:
        return f"#{self.position} {mask_number(self.number)}: {self.reason}"

    def __repr__(self) -> str:
        return f"<InvalidNumber {self}>"


@dataclass(frozen=True, slots=True, repr=False)
class CleanNumbers:
    """The result of ``clean_numbers``.

    Attributes:
        valid: the usable numbers in the wire's spelling, in the order given, each once.
        duplicate: repeated numbers.
        invalid: numbers that cannot be used.
    """

    __module__ = "jzysoap"

    valid: tuple[str, ...]
    duplicate: tuple[InvalidNumber, ...]
    invalid: tuple[InvalidNumber, ...]

    def __repr__(self) -> str:
        return f"<CleanNumbers valid={len(self.valid)} duplicate={len(self.duplicate)} invalid={len(self.invalid)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """The cost of a send that was not made (``Client.estimate``).

    Attributes:
        recipients: how many numbers would get the message.
        segments: how many messages each of them costs (an assumption: see ``count_segments``).
        invalid: numbers that cannot be used, or that ``allow_recipients`` lacks. ``send`` refuses a list with any.
        repeated: numbers that are in the list before; ``send`` omits them.
    """

    __module__ = "jzysoap"

    recipients: int
    segments: int
    invalid: tuple[InvalidNumber, ...] = ()
    repeated: tuple[InvalidNumber, ...] = ()

    @property
    def cost(self) -> int:
        """Messages in all, in the unit of ``Balance``."""
        return self.recipients * self.segments

    def __repr__(self) -> str:
        return (
            f"<Estimate {count_of(self.recipients, 'recipient')}, {count_of(self.segments, 'segment')} each, "
            f"cost={self.cost}, invalid={len(self.invalid)}, repeated={len(self.repeated)}>"
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """Messages left on each channel (docs/protocol.md#balance).

    Attributes:
        member, gateway, card: the counts; None where the gateway named none.
        raw: the result string, verbatim.
    """

    __module__ = "jzysoap"

    member: int | None
    gateway: int | None
    card: int | None
    raw: str = field(default="", compare=False, repr=False)

    def __getitem__(self, channel: Channel) -> int | None:
        """The count of one channel."""
        return {Channel.MEMBER: self.member, Channel.GATEWAY: self.gateway, Channel.CARD: self.card}[channel]

    # Channels are numbers, so Python would mistake a balance for a sequence.
    __iter__ = None


@dataclass(frozen=True, slots=True, repr=False)
class DeliveryReport:
    """The fate of a message to one number (docs/protocol.md#delivery-reports).

    Attributes:
        mobile: the number, verbatim.
        username: the account, or None.
        batch_id: the id of the batch that the message belongs to (``smslogid``), or None.
        status: delivered, failed or unknown.
        sent_at: aware, UTC+8; None if missing or unreadable.
        raw_fields: the record's fields, verbatim, if anything in it was malformed; else None.
    """

    __module__ = "jzysoap"

    mobile: str
    username: str | None
    batch_id: str | None
    status: DeliveryStatus
    sent_at: datetime | None
    raw_fields: Mapping[str, str] | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        malformed = "" if self.raw_fields is None else ", malformed"
        return (
            f"<DeliveryReport {mask_number(self.mobile)} {self.status.name}, batch_id={mask_batch_id(self.batch_id)}, "
            f"sent_at={self.sent_at}{malformed}>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A message from a subscriber (docs/protocol.md#replies).

    Attributes:
        mobile: the sender's number, verbatim.
        receiver: 接受人, the account that the message was for, or None.
        text: the text; bytes that could not be decoded are replaced.
        raw: the bytes of the text, as the gateway had them.
        received_at: aware, UTC+8; None if missing or unreadable.
        raw_fields: the record's fields, verbatim, if anything in it was malformed; else None.
    """

    __module__ = "jzysoap"

    mobile: str
    receiver: str | None
    text: str
    raw: bytes
    received_at: datetime | None
    raw_fields: Mapping[str, str] | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        malformed = "" if self.raw_fields is None else ", malformed"
        text = f"{len(self.text)} characters"
        return f"<Reply from {mask_number(self.mobile)}, {text}, received_at={self.received_at}{malformed}>"


@dataclass(frozen=True, slots=True, repr=False)
class Rejected:
    """A record of a poll that could not be read.

    Attributes:
        source: the record, verbatim, as XML text.
        reason: what is wrong with it.
    """

    __module__ = "jzysoap"

    source: str
    reason: str

    def __repr__(self) -> str:
        return f"<Rejected {len(self.source)} characters: {self.reason}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Poll(Sequence[T_co], Generic[T_co]):
    """The records of one poll, as a sequence.

    Attributes:
        records: the readable records, in the order received.
        rejected: the unreadable records.
        raw: the reply's body, every byte of it.
    """

    __module__ = "jzysoap"

    records: tuple[T_co, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    raw: bytes = b""

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        """Return True if any record was received, readable or not: ``rejected`` must not be overlooked."""
        return bool(self.records or self.rejected)

    @overload
    def __getitem__(self, index: int) -> T_co: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T_co, ...]: ...

    def __getitem__(self, index: int | slice) -> T_co | tuple[T_co, ...]:
        return self.records[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Poll):
            return NotImplemented
        return (self.records, self.rejected, self.raw) == (other.records, other.rejected, other.raw)

    def __hash__(self) -> int:
        return hash((self.records, self.rejected, self.raw))

    def __repr__(self) -> str:
        return f"<Poll {count_of(len(self.records), 'record')}, {len(self.rejected)} rejected, {len(self.raw)} bytes>"
