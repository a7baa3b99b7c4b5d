"""The errors of the mailbox. All are ``JzySoapError`` too."""

from typing import Any

from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.sent import JzySoapError, Outcome, Retry


class MailboxError(JzySoapError):
    """The base of the mailbox's own errors. Unless it says otherwise, nothing was sent."""

    __module__ = "jzysoap.mailbox"


class MailboxDatabaseError(MailboxError):
    """The database of the mailbox failed or cannot be used. Nothing was sent that it does not record as started.

    Its text never holds a statement's values.
    """

    __module__ = "jzysoap.mailbox"

    retry: Retry = "later"


class KeyReusedError(MailboxError, InvalidMessageError):
    """A key was given again with other numbers, another text or other options. Nothing was sent.

    Attributes:
        message_id: the message that has the key.
    """

    __module__ = "jzysoap.mailbox"

    field: str = "key"
    message_id: int = 0


class NotFoundError(MailboxError):
    """There is no such message, batch or record."""

    __module__ = "jzysoap.mailbox"


class NotAllowedError(MailboxError):
    """A message, batch or record is in a state that does not allow this. Nothing was changed."""

    __module__ = "jzysoap.mailbox"


class OutcomeNotRecordedError(MailboxError):
    """The gateway answered, but the database failed to store what it answered.

    The batch counts as unknown once its lease has ended, and is never sent again by itself.

    Attributes:
        message_id: the message.
        outcome: its true outcome.
        batch_id: the id that the gateway gave, or None.
    """

    __module__ = "jzysoap.mailbox"

    may_have_been_sent = True
    message_id: int = 0
    outcome: Outcome = Outcome.UNKNOWN
    batch_id: str | None = None


class ReplyNotStoredError(MailboxError):
    """A poll's answer could be stored neither in the database nor in a file beside it.

    Attributes:
        raw: the bytes of the answer: they exist nowhere else.
    """

    __module__ = "jzysoap.mailbox"

    may_have_been_sent = True


class LeaseLostError(MailboxError):
    """Records were acknowledged too late: the lease had ended, and another process may have got them."""

    __module__ = "jzysoap.mailbox"

    retry: Retry = "later"


def not_found(kind: str, key: Any) -> NotFoundError:
    """Return the error of something that is not in the database."""
    return NotFoundError(f"there is no {kind} {key!r} in this mailbox")
