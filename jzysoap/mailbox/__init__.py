"""Durable sends and polls over a client and a database: no message twice by accident, no report lost.

The names are those of the extra ``mailbox``; without SQLAlchemy the import of one says what to install.
"""

from jzysoap.model.errors import ConfigurationError

try:
    import sqlalchemy as _  # noqa: F401
except ImportError:
    raise ConfigurationError("jzysoap.mailbox needs SQLAlchemy: pip install 'jzysoap[mailbox]'") from None

from jzysoap.mailbox.errors import (
    KeyReusedError,
    LeaseLostError,
    MailboxDatabaseError,
    MailboxError,
    NotAllowedError,
    NotFoundError,
    OutcomeNotRecordedError,
    ReplyNotStoredError,
)
from jzysoap.mailbox.journal import Handover
from jzysoap.mailbox.mailbox import Mailbox
from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.states import State
from jzysoap.mailbox.values import (
    Change,
    Collected,
    Count,
    Delivery,
    Message,
    Problem,
    StoredBatch,
    StoredReply,
    StoredReport,
)

__all__ = [
    "Change",
    "Collected",
    "Count",
    "Delivery",
    "Evidence",
    "Handover",
    "KeyReusedError",
    "LeaseLostError",
    "Mailbox",
    "MailboxDatabaseError",
    "MailboxError",
    "Message",
    "NotAllowedError",
    "NotFoundError",
    "OutcomeNotRecordedError",
    "Problem",
    "ReplyNotStoredError",
    "State",
    "StoredBatch",
    "StoredReply",
    "StoredReport",
]
