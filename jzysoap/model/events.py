"""The values that the hooks of a client get. Nothing in the events of calls is secret; an answer's bytes are."""

from dataclasses import dataclass, field
from datetime import datetime

from jzysoap.model.sent import Outcome


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call to the gateway that is about to be made, as ``on_call_started`` gets it.

    Attributes:
        id: 16 hexadecimal digits, the same in the ``CallEvent`` of this call.
        operation: the operation's name in the web service.
        interface: ``soap`` or ``servlet``.
        account: the account's name.
        address: the gateway's scheme, host and port, such as ``http://smsapi.example.com:9003``.
        numbers: how many recipients the call has.
        segments: how many messages each recipient costs.
    """

    __module__ = "jzysoap"

    id: str
    operation: str
    interface: str
    account: str
    address: str
    numbers: int
    segments: int


@dataclass(frozen=True, slots=True)
class CallEvent(CallStarted):
    """A call to the gateway that has ended, as ``on_call`` gets it: one event a call.

    Attributes:
        outcome: accepted, rejected, not sent or unknown.
        error: the name of the error's class, else None.
        duration: in seconds.
        batch_id: the gateway's id for the recipients, else None.
        definition: the origin of the service definition: ``live``, ``saved``, ``given``, ``bundled``; empty for the
            servlet.
    """

    __module__ = "jzysoap"

    outcome: Outcome
    error: str | None
    duration: float
    batch_id: str | None
    definition: str


@dataclass(frozen=True, slots=True)
class RawReply:
    """The answer to a poll before it is parsed, as ``on_reply`` gets it.

    ``parse_reports`` and ``parse_replies`` make the records of it, now or later: it can be pickled.

    Attributes:
        operation: ``getSmsReport`` or ``getRecvSMS``.
        interface: ``soap`` or ``servlet``.
        account: the account's name.
        received_at: the time of receipt, at UTC+8.
        status: the HTTP status code.
        content_type: the header Content-Type, verbatim; empty if there was none.
        body: the bytes, decompressed; as many as were received. They hold personal data.
        problem: why the body is incomplete, else None.
    """

    __module__ = "jzysoap"

    operation: str
    interface: str
    account: str
    received_at: datetime
    status: int
    content_type: str = field(repr=False)
    body: bytes = field(repr=False)
    problem: str | None = None
