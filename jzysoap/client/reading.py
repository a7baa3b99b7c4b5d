"""From a reply to the model of its call. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from jzysoap.calls.operations import Call
from jzysoap.interface.base import Interface, status_error, unpack
from jzysoap.interface.servlet import ServletInterface
from jzysoap.interface.soap import SoapInterface
from jzysoap.model.errors import IncompletePollError, MalformedReplyError, OutcomeUnknownError
from jzysoap.model.http import HttpReply
from jzysoap.model.interruptions import find_interruption
from jzysoap.model.masking import mask_evidence
from jzysoap.model.sent import JzySoapError
from jzysoap.results.parse import Answer

T = TypeVar("T")

INTERFACES: Mapping[str, type[Interface]] = {kind.name: kind for kind in (SoapInterface, ServletInterface)}
"""The gateway's interfaces, by name."""

# The name of a record's element, in UTF-8 or UTF-16. No other name in an answer has it.
_RECORD = re.compile(b"ps(?:report|rerecv)|p\0s\0r\0e\0(?:p\0o\0r\0t|r\0e\0c\0v)")


def read_reply(call: Call[T], interface: type[Interface], reply: HttpReply, secrets: tuple[str, ...] = ()) -> T:
    """Return the model of a reply.

    Args:
        call: the call that is answered.
        interface: the interface that the call took.
        reply: the reply, complete or in part.
        secrets: texts that an error's message must not show.

    Raises:
        JzySoapError: the gateway refused, or the reply cannot be read. ``raw`` has all bytes of a poll's reply, the
            first ones of any other.
    """
    try:
        read = _read_whole if reply.problem is None else _read_part
        return read(call, interface, unpack(reply), reply.body, secrets)
    except JzySoapError as error:
        failure = error
    except Exception as error:
        if find_interruption([error]) is not None:
            raise
        # The gateway answered, but this process could not read it (out of memory or file descriptors).
        failure = OutcomeUnknownError(f"the gateway's answer could not be read here: {_describe_error(error)}")
    # All that a poll received exists nowhere else.
    failure.raw = reply.body if call.operation.kind == "poll" else mask_evidence(reply.body, secrets)
    raise failure


def _read_whole(call: Call[T], interface: type[Interface], reply: HttpReply, raw: bytes, secrets: tuple[str, ...]) -> T:
    poll = call.operation.kind == "poll"
    model: Any
    try:
        model = call.parse(Answer(interface.read(reply, secrets=secrets), raw, secrets))
    except MalformedReplyError as error:
        if not poll:
            raise
        problem = "it ends in the middle" if error.cut_off else "it cannot be read as a whole"
        try:
            return _read_part(call, interface, replace(reply, problem=problem), raw, secrets)
        except JzySoapError as part:
            # A whole answer never gives fewer records than the same answer cut off.
            if error.cut_off or getattr(part, "poll", None):
                raise
        raise
    if poll and not model and _RECORD.search(reply.body):
        raise MalformedReplyError("the gateway's answer has records where none can be read")
    if poll and model.rejected:
        # A record that was mistaken for a part of a malformed one may be found in the other way.
        try:
            _read_part(call, interface, replace(reply, problem="it cannot be read as a whole"), raw, secrets)
        except IncompletePollError as part:
            if len(part.poll) > len(model):
                raise
    result: T = model
    return result


def _read_part(call: Call[T], interface: type[Interface], reply: HttpReply, raw: bytes, secrets: tuple[str, ...]) -> T:
    """Return the records of a poll that was cut off and yet complete; raise for every other cut-off reply."""
    if call.operation.kind != "poll":
        raise (
            status_error(reply)
            if reply.status >= 300
            else OutcomeUnknownError(f"the gateway's answer is not complete: {reply.problem}")
        )
    try:
        return call.parse(Answer(interface.read_part(reply), raw, secrets, complete=False))
    except IncompletePollError as error:
        if reply.status >= 300 and not error.poll:
            raise status_error(reply) from None
        raise IncompletePollError(
            f"the gateway's answer is not complete: {reply.problem}; {len(error.poll)} complete records came",
            raw=raw,
            poll=error.poll,
        ) from None


def _describe_error(error: Exception) -> str:
    """Describe an error without quoting the reply: its class, and its text if the error is the system's own."""
    of_system = isinstance(error, (OSError, ImportError, MemoryError))
    return f"{type(error).__name__}: {error}" if of_system and str(error) else type(error).__name__
