"""The values that a mailbox returns."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.states import ACCOUNT_ERRORS, State, outcome_of, state_of
from jzysoap.model.masking import mask_batch_id
from jzysoap.model.sent import Outcome, count_of
from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply

Kind = Literal["report", "reply"]

# An error begins with the name of its class (``outbox.describe``).
_ACCOUNT_ERRORS = frozenset(error.__name__ for error in ACCOUNT_ERRORS)


@dataclass(frozen=True, slots=True, repr=False)
class StoredBatch:
    """One call of a message: its recipients, and what is known of it.

    Attributes:
        id: its number in the mailbox.
        message_id: the number of its message.
        mobiles: the recipients in the wire's spelling.
        state: its state.
        batch_id: the gateway's id for it (``smslogid``): of the answer, or given by a match; None if there is none.
        evidence: how its outcome is known.
        error: the text of the last error, without secrets; None if there was none.
        attempts: how often it was handed to the gateway, or tried to.
        due_at: the time before which it is not sent, at UTC+8.
        started_at: when its last call began, at UTC+8; None if none did.
        ended_at: when it ended, at UTC+8; None while it is open.
        resend_of: the number of the batch in whose place it is sent, or None.
    """

    __module__ = "jzysoap.mailbox"

    id: int
    message_id: int
    mobiles: tuple[str, ...]
    state: State
    batch_id: str | None
    evidence: Evidence
    error: str | None
    attempts: int
    due_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    resend_of: int | None = None

    @property
    def concerns_account(self) -> bool:
        """True if its last call was refused for the account's sake: until a person acts, so is every other batch."""
        return (self.error or "").partition(":")[0] in _ACCOUNT_ERRORS

    def __repr__(self) -> str:
        numbers = count_of(len(self.mobiles), "number")
        return f"<StoredBatch {self.id} {self.state}: {numbers}, batch_id={mask_batch_id(self.batch_id)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message of a mailbox.

    Attributes:
        id: its number in the mailbox.
        key: the caller's key, or None.
        account: the gateway's address and the account's name.
        text: the message with its signature; None once it was dropped.
        batches: its calls, in the order of the recipients; one that is sent in another's place comes last.
        created_at: when it was stored, at UTC+8.
        expires_at: when it is no longer sent, at UTC+8.
        replayed: True if this call stored and sent nothing, since the key was known.
    """

    __module__ = "jzysoap.mailbox"

    id: int
    key: str | None
    account: str
    text: str | None
    batches: tuple[StoredBatch, ...]
    created_at: datetime
    expires_at: datetime
    replayed: bool = False

    @property
    def state(self) -> State:
        """The state of its batches; if they differ, the least decided one."""
        return state_of(batch.state for batch in self.batches)

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome of its batches; None until every one has ended."""
        return outcome_of([batch.state for batch in self.batches])

    def __repr__(self) -> str:
        counted = [len(batch.mobiles) for batch in self.batches if batch.state is not State.SUPERSEDED]
        numbers, batches = count_of(sum(counted), "number"), count_of(len(counted), "batch", "batches")
        return f"<Message {self.id} {self.state}: {numbers} in {batches}>"


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A delivery report from the mailbox.

    Attributes:
        id: its number in the mailbox.
        report: the report.
        message_id: the number of the message that it is about; None if it is not known.
        key: the key of that message, or None.
        failures: how often a block that had it in hand has failed.
    """

    __module__ = "jzysoap.mailbox"

    id: int
    report: DeliveryReport
    message_id: int | None = None
    key: str | None = field(default=None, repr=False)
    failures: int = 0


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply of a subscriber from the mailbox.

    Attributes:
        id: its number in the mailbox.
        reply: the reply.
        failures: how often a block that had it in hand has failed.
    """

    __module__ = "jzysoap.mailbox"

    id: int
    reply: Reply
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a batch (``Mailbox.history``).

    Attributes:
        batch_id: the number of the batch in the mailbox.
        at: when, at UTC+8.
        before, after: the states.
        evidence: what it rests on.
        by: who or what made it.
        reason: why, or None.
    """

    __module__ = "jzysoap.mailbox"

    batch_id: int
    at: datetime
    before: State
    after: State
    evidence: Evidence
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The fate of one recipient of a message, as the reports so far have it.

    Attributes:
        mobile: the number.
        status: delivered, failed or unknown; None while no report came.
    """

    __module__ = "jzysoap.mailbox"

    mobile: str = field(repr=False)
    status: DeliveryStatus | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A poll whose answer was lost, in part or as a whole, or cannot be read.

    Attributes:
        id: its number in the mailbox.
        operation: ``getSmsReport`` or ``getRecvSMS``.
        state: ``"perhaps lost"`` if it was asked and no answer is stored; ``"cut off"`` if the end of the answer did
            not come; ``"bad"`` if the answer, or a record in it, cannot be read.
        asked_at: when, at UTC+8.
        error: the text of the error, or None.
    """

    __module__ = "jzysoap.mailbox"

    id: int
    operation: str
    state: Literal["perhaps lost", "cut off", "bad"]
    asked_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many batches or records are in a state.

    Attributes:
        number: how many.
        oldest: the age of the oldest in seconds; 0 if there is none.
    """

    __module__ = "jzysoap.mailbox"

    number: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Collected:
    """What one ``collect`` brought.

    Attributes:
        reports: how many delivery reports.
        replies: how many replies.
        polled: False if another process was polling at that moment.
    """

    __module__ = "jzysoap.mailbox"

    reports: int = 0
    replies: int = 0
    polled: bool = True
