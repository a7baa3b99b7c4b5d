"""A client for an SMS gateway that speaks SOAP: messages out, delivery reports and replies in, as Python objects.

The public names are loaded when they are first used: importing one part of the package does not import all of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jzysoap._version import __version__

if TYPE_CHECKING:
    from jzysoap.calls.numbers import clean_numbers
    from jzysoap.calls.text import count_segments, gbk_safe
    from jzysoap.client.aio import AsyncClient
    from jzysoap.client.sync import Client
    from jzysoap.model.errors import (
        AuthenticationError,
        ConfigurationError,
        ContentRejectedError,
        GatewayError,
        HookError,
        HttpStatusError,
        IncompletePollError,
        InsufficientBalanceError,
        InvalidMessageError,
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
    from jzysoap.model.events import CallEvent
    from jzysoap.model.http import Timeout
    from jzysoap.model.sent import Batch, JzySoapError, Outcome, Sent
    from jzysoap.model.values import (
        Balance,
        Channel,
        CleanNumbers,
        DeliveryReport,
        DeliveryStatus,
        InvalidNumber,
        Poll,
        Rejected,
        Reply,
    )

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

# The names above, by the module that defines them; a test holds the two equal.
_MODULES = {
    "calls.numbers": ("clean_numbers",),
    "calls.text": ("count_segments", "gbk_safe"),
    "client.aio": ("AsyncClient",),
    "client.sync": ("Client",),
    "model.events": ("CallEvent",),
    "model.sent": ("Batch", "JzySoapError", "Outcome", "Sent"),
    "model.errors": (
        "AuthenticationError",
        "ConfigurationError",
        "ContentRejectedError",
        "GatewayError",
        "HookError",
        "HttpStatusError",
        "IncompletePollError",
        "InsufficientBalanceError",
        "InvalidMessageError",
        "MalformedReplyError",
        "NotSentError",
        "NumberRejectedError",
        "OutcomeUnknownError",
        "PartlySentError",
        "RateLimitedError",
        "SoapFaultError",
        "TransportError",
        "WsdlError",
    ),
    "model.http": ("Timeout",),
    "model.values": (
        "Balance",
        "Channel",
        "CleanNumbers",
        "DeliveryReport",
        "DeliveryStatus",
        "InvalidNumber",
        "Poll",
        "Rejected",
        "Reply",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # names only


if not TYPE_CHECKING:
    # Hidden from type checkers, which would accept any name at all.
    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"jzysoap.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
