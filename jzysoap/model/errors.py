"""Every error that this library raises.

::

    JzySoapError
    ├── ConfigurationError              an argument of the client, or its environment
    ├── InvalidMessageError             a recipient, a text, an option of a send (a ValueError too)
    ├── WsdlError                       no usable service definition
    ├── TransportError
    │   ├── NotSentError                no byte of the request was handed to the socket
    │   └── OutcomeUnknownError         the request, or part of it, left; no usable answer came
    │       └── HttpStatusError         an HTTP status instead of an answer
    ├── SoapFaultError                  the SOAP stack answered with a fault
    ├── MalformedReplyError             an answer that is none of those documented
    ├── IncompletePollError             part of a poll's records, the rest did not come
    ├── PartlySentError                 some batches were accepted, then one was not
    ├── HookError                       a hook raised an error of this library, which is not about this call
    └── GatewayError                    the gateway said ``failure;…``
        ├── AuthenticationError
        ├── InsufficientBalanceError
        ├── RateLimitedError
        ├── ContentRejectedError
        └── NumberRejectedError

No text of an error holds a password, a whole phone number or a message text. Whole values are on attributes.
Errors survive ``pickle`` and ``copy``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from jzysoap.model.masking import mask_text

if TYPE_CHECKING:
    from jzysoap.model.values import InvalidNumber, Poll, Sent

Retry = Literal["never", "safe", "later"]
"""What to do with the same call: never repeat it unseen, repeat it at will, or repeat it after a pause."""


def _new(kind: type[JzySoapError], args: tuple[Any, ...]) -> JzySoapError:
    return kind.__new__(kind, *args)


class JzySoapError(Exception):
    """The base of every error of this library.

    Attributes:
        may_have_been_sent: True when the gateway may have acted on the request: texted someone, or handed over records.
        retry: ``"never"``, ``"safe"`` or ``"later"``: what a program may do with the same call.
        result: what is known of a send, batch by batch, when ``send`` raised this.
        raw: what came from the gateway, where anything did: all of a poll's answer, the first bytes of any other.
    """

    may_have_been_sent: bool = False
    retry: Retry = "never"
    result: Sent | None = None
    raw: bytes = b""

    def __init__(self, message: str, **attributes: Any) -> None:
        super().__init__(message)
        self.__dict__.update(attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        # The attributes go as state, not as arguments: an error's result holds the error again.
        # Only a cause of our own can be trusted to survive the trip.
        cause = self.__cause__ if isinstance(self.__cause__, JzySoapError) else None
        return _new, (type(self), self.args), {**self.__dict__, "__cause__": cause}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        attributes = dict(state or {})
        self.__cause__ = attributes.pop("__cause__", None)
        self.__dict__.update(attributes)


class ConfigurationError(JzySoapError):
    """An argument of the client, or a ``JZYSOAP_…`` variable, that cannot be used. Nothing was sent."""


class InvalidMessageError(JzySoapError, ValueError):
    """A message that cannot be sent as it is. Nothing was sent.

    Attributes:
        field: the argument at fault, as ``send`` spells it.
        numbers: every recipient at fault, with position and reason, whole.
        text: the message text at fault, whole, else None.
        position: where in the text the fault is, counted in characters from 0, else None.
    """

    numbers: tuple[InvalidNumber, ...] = ()
    text: str | None = None
    position: int | None = None

    def __init__(self, message: str, *, field: str, **attributes: Any) -> None:
        super().__init__(message, field=field, **attributes)
        self.field = field


class WsdlError(JzySoapError):
    """No definition of the service that can be used. Nothing was sent.

    Attributes:
        source: the address or path of the definition.
        readable: False when there was no definition at all (not reachable, not XML, not WSDL), True when there was one
            that cannot be used.
    """

    source: str | None = None
    readable: bool = True


class TransportError(JzySoapError):
    """The exchange with the gateway failed below SOAP.

    Its ``__cause__`` is the system's own error, or that of an adapter of your own; None where there was neither.
    """


class NotSentError(TransportError):
    """No byte of the request was handed to the socket: the gateway cannot have acted on it."""

    retry = "safe"


class OutcomeUnknownError(TransportError):
    """The request, or part of it, left, and no usable answer came: the gateway may have acted on it.

    Also where an answer came whole, and this process could not read it, having no memory or no free file left.
    """

    may_have_been_sent = True


class HttpStatusError(OutcomeUnknownError):
    """The answer was an HTTP status without a SOAP reply.

    Attributes:
        status: the HTTP status code.
    """

    def __init__(self, message: str, *, status: int, **attributes: Any) -> None:
        super().__init__(message, status=status, **attributes)
        self.status = status


class SoapFaultError(JzySoapError):
    """The SOAP stack answered with a fault. Whether the gateway acted before it is unknown.

    Attributes:
        code: the fault's code, such as ``soapenv:Server``.
        text: the fault's words, exact.
        actor: who raised it, as the fault says, else None.
        detail: the fault's detail element as XML, else None.
    """

    may_have_been_sent = True

    def __init__(self, message: str, *, code: str, text: str, **attributes: Any) -> None:
        super().__init__(message, code=code, text=text, **attributes)
        self.code = code
        self.text = text

    actor: str | None = None
    detail: str | None = None


class MalformedReplyError(JzySoapError):
    """An answer that is none of those documented. Whether the gateway acted is unknown.

    Attributes:
        cut_off: whether it ends in the middle.
    """

    may_have_been_sent = True
    cut_off: bool = False


class IncompletePollError(JzySoapError):
    """A poll of which only a part came. The gateway may hold the rest to be handed over.

    Attributes:
        poll: the complete records in ``raw``.
    """

    may_have_been_sent = True
    retry = "later"

    def __init__(self, message: str, *, raw: bytes, poll: Poll[Any], **attributes: Any) -> None:
        super().__init__(message, raw=raw, poll=poll, **attributes)
        self.raw = raw
        self.poll = poll


class PartlySentError(JzySoapError):
    """Some batches were accepted before one was not. Its cause is that batch's own error.

    Sending the same call again would text the accepted recipients twice: send to those of ``result.batches`` that are
    ``NOT_SENT`` or ``REJECTED`` instead.
    """

    may_have_been_sent = True


class HookError(JzySoapError):
    """``on_batch`` or ``on_reply`` raised an error of this library, which is its cause.

    That error speaks of what the hook did. Taken for the call's own, it could say "not sent" of what was sent. Errors
    of any other kind reach the caller as they are; each brings what the hook could not keep: ``result`` or ``raw``.
    """

    may_have_been_sent = True


class GatewayError(JzySoapError):
    """The gateway refused: ``failure;`` and a text.

    ``may_have_been_sent`` is False, but where the text itself speaks of a timeout or a system error.

    Attributes:
        text: the gateway's own words, exact.
    """

    summary = "the gateway refused"

    def __init__(self, text: str, *, secrets: Iterable[str] = (), **attributes: Any) -> None:
        shown = mask_text(text, secrets)
        super().__init__(f"{self.summary}: {shown}" if shown else self.summary, text=text, **attributes)
        self.text = text


class AuthenticationError(GatewayError):
    """The gateway refused the user name or the password."""

    summary = "the gateway refused the credentials"


class InsufficientBalanceError(GatewayError):
    """The account has too few messages left on this channel."""

    summary = "the account's balance is too low"
    retry = "later"


class RateLimitedError(GatewayError):
    """The gateway wants to be asked less often."""

    summary = "the gateway wants to be asked less often"
    retry = "later"


class ContentRejectedError(GatewayError):
    """The gateway refused the text of the message."""

    summary = "the gateway refused the message text"


class NumberRejectedError(GatewayError):
    """The gateway refused a recipient."""

    summary = "the gateway refused a recipient"
