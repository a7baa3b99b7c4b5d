"""A send: its outcome batch by batch, and the base of all errors, which holds that outcome.

These four classes name one another, so they share a module. The other errors are in ``errors``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from jzysoap.model.masking import mask_batch_id, tidy

Retry = Literal["never", "safe", "later"]
"""Advice on the same call: never repeat it blindly, repeat it at will, or repeat it after a pause."""


class Outcome(Enum):
    """The four outcomes of a batch."""

    __module__ = "jzysoap"

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


class JzySoapError(Exception):
    """The base of every error of this library.

    Attributes:
        may_have_been_sent: True when the gateway may have acted on the request: texted someone, or handed over records.
        retry: ``"never"``, ``"safe"`` or ``"later"``: what a program may do with the same call.
        result: the outcome of each batch, when ``send`` raised this error.
        raw: the bytes that came from the gateway, if any: all of a poll's answer, the first bytes of any other.
    """

    __module__ = "jzysoap"

    may_have_been_sent: bool = False
    retry: Retry = "never"
    result: "Sent | None" = None
    raw: bytes = b""

    def __init__(self, message: str = "", may_have_been_sent: bool | None = None, **attributes: Any) -> None:
        if may_have_been_sent is not None:
            self.may_have_been_sent = may_have_been_sent
        # Task queues build an error anew from its arguments alone: it must not turn from "perhaps sent" to "not sent".
        super().__init__(tidy(str(message)), self.may_have_been_sent)
        self.__dict__.update(attributes)

    def add(self, text: str) -> None:
        """Add a sentence to the error's text."""
        self.args = (tidy(f"{self}. {text}"), self.may_have_been_sent)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # The attributes travel as state, not as arguments: an error's result holds the error again.
        # Other libraries' errors may not survive pickling, so only a cause of this library travels along.
        cause = self.__cause__ if isinstance(self.__cause__, JzySoapError) else None
        return _new, (type(self), self.args), {**self.__dict__, "__cause__": cause}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        attributes = dict(state or {})
        self.__cause__ = attributes.pop("__cause__", None)
        self.__dict__.update(attributes)


def _new(kind: type[JzySoapError], args: tuple[Any, ...]) -> JzySoapError:
    return kind.__new__(kind, *args)


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """One call of a send: up to 20,000 recipients that share an outcome.

    Attributes:
        mobiles: the recipients in the wire's spelling.
        outcome: accepted, rejected, not sent or unknown.
        batch_id: the gateway's id for them (``smslogid``); None if it gave none, as is usual over SOAP.
        error: the reason, unless accepted.
        started_at: the time just before its call, at UTC+8; None if its call was never begun.
            Batches that differ in it alone are equal.
    """

    __module__ = "jzysoap"

    mobiles: tuple[str, ...]
    outcome: Outcome
    batch_id: str | None = None
    error: JzySoapError | None = None
    started_at: datetime | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        numbers = count_of(len(self.mobiles), "number")
        return f"<Batch {self.outcome.value}: {numbers}, batch_id={mask_batch_id(self.batch_id)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """The outcome of a send.

    Attributes:
        batches: one for each call, in the order of the recipients.
        segments: how many messages each recipient costs (an assumption: see ``count_segments``).
    """

    __module__ = "jzysoap"

    batches: tuple[Batch, ...]
    segments: int

    @property
    def batch_id(self) -> str | None:
        """The gateway's id if there was one batch and the gateway gave one, else None."""
        return self.batches[0].batch_id if len(self.batches) == 1 else None

    @property
    def mobiles(self) -> tuple[str, ...]:
        """All recipients in the wire's spelling."""
        return tuple(mobile for batch in self.batches for mobile in batch.mobiles)

    def __repr__(self) -> str:
        outcomes = ", ".join(sorted({batch.outcome.value for batch in self.batches}))
        numbers = count_of(sum(len(batch.mobiles) for batch in self.batches), "number")
        parts = f"{count_of(len(self.batches), 'batch', 'batches')}, {count_of(self.segments, 'segment')} each"
        return f"<Sent {outcomes}: {numbers} in {parts}, batch_id={mask_batch_id(self.batch_id)}>"


# typing.get_type_hints() looks names up in the package, whose names are loaded only when they are used.
JzySoapError.__annotations__["result"] = Sent | None


def count_of(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: ``1 batch``, ``2 batches``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
