"""A client for an SMS gateway that speaks SOAP: messages out, delivery reports and replies in, as Python objects."""

from typing import TYPE_CHECKING, Any

from jzysoap._version import __version__
from jzysoap.client import Client
from jzysoap.errors import (
    AuthenticationError,
    ConfigurationError,
    ContentRejectedError,
    GatewayError,
    HookError,
    HttpStatusError,
    IncompletePollError,
    InsufficientBalanceError,
    InvalidMessageError,
    JzySoapError,
    MalformedReplyError,
    NotSentError,
    NumberRejectedError,
    OutcomeUnknownError,
    PartlySentError,
    RateLimitedError,
    SoapFaultError,
    TransportError,
    WsdlError,
)
from jzysoap.models import (
    Balance,
    Batch,
    Channel,
    CleanNumbers,
    DeliveryReport,
    DeliveryStatus,
    InvalidNumber,
    Outcome,
    Poll,
    Rejected,
    Reply,
    Sent,
)
from jzysoap.numbers import clean_numbers
from jzysoap.session import CallEvent
from jzysoap.text import count_segments, gbk_safe
from jzysoap.wire import Timeout

if TYPE_CHECKING:
    from jzysoap.aio import AsyncClient

__all__ = [
    "AsyncClient",
    "AuthenticationError",
    "Balance",
    "Batch",
    "CallEvent",
    "Channel",
    "CleanNumbers",
    "Client",
    "ConfigurationError",
    "ContentRejectedError",
    "DeliveryReport",
    "DeliveryStatus",
    "GatewayError",
    "HookError",
    "HttpStatusError",
    "IncompletePollError",
    "InsufficientBalanceError",
    "InvalidMessageError",
    "InvalidNumber",
    "JzySoapError",
    "MalformedReplyError",
    "NotSentError",
    "NumberRejectedError",
    "Outcome",
    "OutcomeUnknownError",
    "PartlySentError",
    "Poll",
    "RateLimitedError",
    "Rejected",
    "Reply",
    "Sent",
    "SoapFaultError",
    "Timeout",
    "TransportError",
    "WsdlError",
    "__version__",
    "clean_numbers",
    "count_segments",
    "gbk_safe",
]


def __getattr__(name: str) -> Any:
    # asyncio takes longer to import than all of this library.
    if name == "AsyncClient":
        from jzysoap.aio import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
