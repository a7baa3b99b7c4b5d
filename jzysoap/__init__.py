"""A client for an SMS gateway that speaks SOAP: messages out, delivery reports and replies in, as Python objects.

The public names are loaded when they are first used: importing one part of the package does not import all of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jzysoap._version import __version__

# The public names, by the module that defines them. Type checkers read the imports below; a test holds the two equal.
_MODULES = {
    "calls.numbers": "clean_numbers",
    "calls.text": "count_segments gbk_safe",
    "client.aio": "AsyncClient",
    "client.stored": "parse_replies parse_reports",
    "client.sync": "Client",
    "model.events": "CallEvent CallStarted RawReply",
    "model.sent": "Batch JzySoapError Outcome Sent",
    "model.errors": "AccountRefusedError AuthenticationError ConfigurationError ContentRejectedError "
    "GatewayError HookError HttpStatusError IncompletePollError InsufficientBalanceError InvalidMessageError "
    "MalformedReplyError NotSentError NumberRejectedError OutcomeUnknownError PartlySentError "
    "RateLimitedError SoapFaultError TransportError WsdlError",
    "model.operations": "InterfaceName",
    "settings.options": "ClientOptions International",
    "model.http": "HttpReply HttpRequest Timeout",
    "model.values": "Balance Channel CleanNumbers DeliveryReport DeliveryStatus Estimate InvalidNumber Poll "
    "Rejected Reply",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME)]  # all of them are names

if TYPE_CHECKING:
    from jzysoap.calls.numbers import clean_numbers as clean_numbers
    from jzysoap.calls.text import count_segments as count_segments, gbk_safe as gbk_safe
    from jzysoap.client.aio import AsyncClient as AsyncClient
    from jzysoap.client.stored import parse_replies as parse_replies, parse_reports as parse_reports
    from jzysoap.client.sync import Client as Client
    from jzysoap.model.errors import (
        AccountRefusedError as AccountRefusedError,
        AuthenticationError as AuthenticationError,
        ConfigurationError as ConfigurationError,
        ContentRejectedError as ContentRejectedError,
        GatewayError as GatewayError,
        HookError as HookError,
        HttpStatusError as HttpStatusError,
        IncompletePollError as IncompletePollError,
        InsufficientBalanceError as InsufficientBalanceError,
        InvalidMessageError as InvalidMessageError,
        MalformedReplyError as MalformedReplyError,
        NotSentError as NotSentError,
        NumberRejectedError as NumberRejectedError,
        OutcomeUnknownError as OutcomeUnknownError,
        PartlySentError as PartlySentError,
        RateLimitedError as RateLimitedError,
        SoapFaultError as SoapFaultError,
        TransportError as TransportError,
        WsdlError as WsdlError,
    )
    from jzysoap.model.events import CallEvent as CallEvent, CallStarted as CallStarted, RawReply as RawReply
    from jzysoap.model.http import HttpReply as HttpReply, HttpRequest as HttpRequest, Timeout as Timeout
    from jzysoap.model.operations import InterfaceName as InterfaceName
    from jzysoap.model.sent import Batch as Batch, JzySoapError as JzySoapError, Outcome as Outcome, Sent as Sent
    from jzysoap.model.values import (
        Balance as Balance,
        Channel as Channel,
        CleanNumbers as CleanNumbers,
        DeliveryReport as DeliveryReport,
        DeliveryStatus as DeliveryStatus,
        Estimate as Estimate,
        InvalidNumber as InvalidNumber,
        Poll as Poll,
        Rejected as Rejected,
        Reply as Reply,
    )
    from jzysoap.settings.options import ClientOptions as ClientOptions, International as International
else:
    # Hidden from type checkers, which would accept any name at all.
    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"jzysoap.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
