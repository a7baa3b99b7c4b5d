"""Every error that this library raises.

::

    JzySoapError
    ├── ConfigurationError              an argument of the client, or its environment
    ├── InvalidMessageError             a recipient, a text, an option of a send (a ValueError too)
    ├── WsdlError                       no usable service definition
    ├── TransportError
    │   ├── NotSentError                no connection was made, so nothing was sent
    │   └── OutcomeUnknownError         a connection was handed the request; no usable answer came
    │       └── HttpStatusError         an HTTP status instead of an answer
    ├── SoapFaultError                  the SOAP stack answered with a fault
    ├── MalformedReplyError             an answer that is not documented
    ├── IncompletePollError             a poll that was cut off; it has the complete records
    ├── PartlySentError                 some batches were accepted, then one was not
    ├── HookError                       your on_batch or on_reply raised a jzysoap error of its own
    └── GatewayError                    the gateway said ``failure;…``
        ├── AuthenticationError
        ├── AccountRefusedError         locked, expired, or not from this address
        ├── InsufficientBalanceError
        ├── RateLimitedError
        ├── ContentRejectedError
        └── NumberRejectedError

No text of an error holds a password, a whole phone number or a message text; attributes hold the whole values.
Errors survive ``pickle`` and ``copy``. The base class is in ``sent``.
"""

from collections.abc import Iterable
from typing import Any

from jzysoap.model.masking import mask_text
from jzysoap.model.sent import JzySoapError, Retry
from jzysoap.model.values import InvalidNumber, Poll


class ConfigurationError(JzySoapError):
    """An argument of the client, or a ``JZYSOAP_…`` variable, that cannot be used. Nothing was sent."""

    __module__ = "jzysoap"


class InvalidMessageError(JzySoapError, ValueError):
    """A message that cannot be sent as it is. Nothing was sent.

    Attributes:
        field: the argument at fault, as ``send`` spells it.
        numbers: every recipient at fault, with position and reason, unmasked.
        text: the message text at fault, unmasked, else None.
        position: the place of the fault in the text, counted in characters from 0, else None.
    """

    __module__ = "jzysoap"

    field: str = ""
    numbers: tuple[InvalidNumber, ...] = ()
    text: str | None = None
    position: int | None = None


class WsdlError(JzySoapError):
    """There is no usable definition of the service. Nothing was sent.

    Attributes:
        source: the address or path of the definition.
        readable: True if a definition was read that cannot be used; False if there was none (not reachable, not XML,
            not WSDL).
    """

    __module__ = "jzysoap"

    source: str | None = None
    readable: bool = True


class TransportError(JzySoapError):
    """The exchange with the gateway failed below SOAP.

    Its ``__cause__`` is a copy of the system's error, else None.
    """

    __module__ = "jzysoap"


class NotSentError(TransportError):
    """No connection was made, so nothing was sent: the gateway cannot have acted on the request."""

    __module__ = "jzysoap"

    retry: Retry = "safe"


class OutcomeUnknownError(TransportError):
    """A connection was handed the request and no usable answer came: the gateway may have acted on it.

    Also raised if the answer is complete but this process could not read it (out of memory or file descriptors).
    """

    __module__ = "jzysoap"

    may_have_been_sent = True


class HttpStatusError(OutcomeUnknownError):
    """The answer was an HTTP status without a result.

    Attributes:
        status: the HTTP status code.
    """

    __module__ = "jzysoap"

    status: int = 0


class SoapFaultError(JzySoapError):
    """The SOAP stack answered with a fault. The gateway may have acted before that.

    Attributes:
        code: the fault's code, such as ``soapenv:Server``.
        text: the fault's words, verbatim.
        actor: the node that raised the fault, if the fault says so, else None.
        detail: the fault's detail element as XML, else None.
    """

    __module__ = "jzysoap"

    may_have_been_sent = True

    code: str = ""
    text: str = ""
    actor: str | None = None
    detail: str | None = None


class MalformedReplyError(JzySoapError):
    """An answer that is not documented. The gateway may have acted.

    Attributes:
        cut_off: True if the answer ends in the middle.
    """

    __module__ = "jzysoap"

    may_have_been_sent = True
    cut_off: bool = False


class IncompletePollError(JzySoapError):
    """A poll that was cut off. The gateway may consider the rest delivered.

    Attributes:
        poll: the complete records in ``raw``.
    """

    __module__ = "jzysoap"

    may_have_been_sent = True
    retry: Retry = "later"
    poll: Poll[Any] = Poll()


class PartlySentError(JzySoapError):
    """Some batches were accepted before one was not. Its cause is that batch's own error.

    Sending the same call again would text the accepted recipients twice: send to those of ``result.batches`` that are
    ``NOT_SENT`` or ``REJECTED`` instead.
    """

    __module__ = "jzysoap"

    may_have_been_sent = True


class HookError(JzySoapError):
    """``on_batch`` or ``on_reply`` raised a jzysoap error of its own, which is the cause of this error.

    The hook's error is about the hook's own work. Mistaken for the call's error, it could say "not sent" of a message
    that was sent. All other exceptions of a hook reach the caller unchanged. Each has what the hook failed to store:
    ``result`` or ``raw``.
    """

    __module__ = "jzysoap"

    may_have_been_sent = True


class GatewayError(JzySoapError):
    """The gateway refused: ``failure;`` and a text.

    ``may_have_been_sent`` is False, unless the text itself speaks of a timeout or a system error.

    Attributes:
        text: the gateway's own words, verbatim.
    """

    __module__ = "jzysoap"

    summary = "the gateway refused"

    def __init__(
        self, text: str = "", may_have_been_sent: bool | None = None, *, secrets: Iterable[str] = (), **attributes: Any
    ) -> None:
        # An error that is built anew from its arguments has its own text in place of the gateway's words.
        shown = mask_text(text.removeprefix(self.summary).removeprefix(": "), secrets)
        message = f"{self.summary}: {shown}" if shown else self.summary
        super().__init__(message, may_have_been_sent, text=text, **attributes)
        self.text = text


class AuthenticationError(GatewayError):
    """The gateway refused the user name or the password."""

    __module__ = "jzysoap"

    summary = "the gateway refused the credentials"


class AccountRefusedError(GatewayError):
    """The gateway knows the account but does not serve it: locked, expired, or its IP address is not allowed.

    A client whose password is a callable does not ask it again: another password would not help.
    """

    __module__ = "jzysoap"

    summary = "the gateway refused the account"


class InsufficientBalanceError(GatewayError):
    """The account has too few messages left on this channel."""

    __module__ = "jzysoap"

    summary = "the account's balance is too low"
    retry: Retry = "later"


class RateLimitedError(GatewayError):
    """The gateway wants to be asked less often."""

    __module__ = "jzysoap"

    summary = "the gateway wants to be asked less often"
    retry: Retry = "later"


class ContentRejectedError(GatewayError):
    """The gateway refused the text of the message."""

    __module__ = "jzysoap"

    summary = "the gateway refused the message text"


class NumberRejectedError(GatewayError):
    """The gateway refused a recipient, and with it the whole batch.

    Attributes:
        numbers: the mobile numbers that its words name, as ``Batch.mobiles`` spells them, unmasked; empty if none.
    """

    __module__ = "jzysoap"

    numbers: tuple[str, ...] = ()

    summary = "the gateway refused a recipient"
