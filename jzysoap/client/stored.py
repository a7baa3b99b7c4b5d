"""Polls whose bytes were stored: from what ``on_reply`` got to the records, without a client. No I/O here."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, TypeVar

from jzysoap.calls.operations import Call
from jzysoap.client.reading import INTERFACES, read_reply
from jzysoap.model.door import public
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.events import RawReply
from jzysoap.model.http import HttpReply
from jzysoap.model.operations import OPERATIONS, InterfaceName
from jzysoap.model.values import DeliveryReport, Poll, Reply
from jzysoap.results import parse
from jzysoap.settings.options import OPTIONS

T = TypeVar("T")


@public
def parse_reports(
    raw: RawReply | bytes,
    *,
    interface: InterfaceName | None = None,
    content_type: str | None = None,
    reply_encoding: str = "gb18030",
    empty_texts: Collection[str] = (),
) -> Poll[DeliveryReport]:
    """Return the delivery reports of an answer that was stored (docs/protocol.md#delivery-reports).

    The result is what ``Client.reports`` would have returned or raised.

    Args:
        raw: what ``on_reply`` got, or the bytes of its body.
        interface: the interface that the answer came over; None for that of the ``RawReply``, or SOAP.
        content_type: the HTTP header Content-Type of the answer; None for that of the ``RawReply``, or none.
        reply_encoding: as in ``parse_replies``; no field of a report has such a text.
        empty_texts: as the client's.

    Raises:
        IncompletePollError: the answer was cut off; the error has the complete records.
        GatewayError: the gateway had refused.
        ConfigurationError: an argument, by name.
        JzySoapError: the answer cannot be read; ``raw`` has its bytes.
    """
    _checked("reply_encoding", reply_encoding)
    read = partial(parse.parse_reports, empty_texts=_checked("empty_texts", empty_texts))
    return _parse(Call(OPERATIONS["getSmsReport"], read), raw, interface, content_type)


@public
def parse_replies(
    raw: RawReply | bytes,
    *,
    interface: InterfaceName | None = None,
    content_type: str | None = None,
    reply_encoding: str = "gb18030",
    empty_texts: Collection[str] = (),
) -> Poll[Reply]:
    """Return the replies of an answer that was stored (docs/protocol.md#replies).

    The result is what ``Client.replies`` would have returned or raised.

    Args:
        raw, interface, content_type, empty_texts: as in ``parse_reports``.
        reply_encoding: the charset of the texts, as the client's.

    Raises:
        IncompletePollError, GatewayError, ConfigurationError, JzySoapError: as in ``parse_reports``.
    """
    encoding = _checked("reply_encoding", reply_encoding)
    read = partial(parse.parse_replies, empty_texts=_checked("empty_texts", empty_texts), encoding=encoding)
    return _parse(Call(OPERATIONS["getRecvSMS"], read), raw, interface, content_type)


def _parse(call: Call[T], raw: object, interface: str | None, content_type: str | None) -> T:
    status, problem = 200, None
    if isinstance(raw, RawReply):
        if raw.operation != call.operation.name:
            raise ConfigurationError(f"raw is an answer to {raw.operation}, not to {call.operation.name}")
        interface = interface or raw.interface
        content_type = raw.content_type if content_type is None else content_type
        body, status, problem = raw.body, raw.status, raw.problem
    elif isinstance(raw, (bytes, bytearray, memoryview)):
        body = bytes(raw)
    else:
        raise ConfigurationError(f"raw must be a RawReply or bytes, not {type(raw).__name__}")
    kind = INTERFACES[_checked("interface", interface or "soap")]
    if not isinstance(content_type, str | None):
        raise ConfigurationError(f"content_type must be text, not {type(content_type).__name__}")
    headers = {"content-type": content_type} if content_type else {}
    return read_reply(call, kind, HttpReply(status, headers, body, problem))


def _checked(name: str, value: Any) -> Any:
    try:
        return OPTIONS[name].check(value)
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}") from None
