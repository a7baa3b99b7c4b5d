"""What became of a request whose exchange failed, by how far it had come; never by the failure's class alone.

What is told of it holds nothing of the request and nothing that came: the libraries' own errors may hold both.
"""

from __future__ import annotations

import http.client
import random
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from copy import copy
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import urllib3

from jzysoap.model.errors import NotSentError, OutcomeUnknownError, TransportError
from jzysoap.model.http import HttpRequest

ATTEMPTS = 3
"""Times a connection is tried that fails before the first byte."""

FIRST_PAUSE = 0.2
"""Seconds to wait before the second attempt, at most; the next pause is twice as long. Tests set it to 0."""

Reasons = Sequence[tuple[tuple[type[BaseException], ...], str]]
"""What some classes of errors mean, in words."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made of: the libraries below wrap in several ways."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [_part(one, "reason"), *one.args, one.__cause__, one.__context__]
            waiting += _part(one, "exceptions") or ()


def _part(error: BaseException, name: str) -> Any:
    try:
        part = getattr(error, name, None)
    except Exception:  # noqa: BLE001  # an adapter's error may do anything
        return None
    return part if isinstance(part, (tuple, list) if name == "exceptions" else BaseException) else None


# Of the libraries' own errors, some hold the request, and some quote what came: in texts, attributes and frames.
_LIBRARIES = {"requests", "urllib3", "http", "httpx", "httpcore", "h11", "anyio", "exceptiongroup"}
_PASSING = (ConnectionRefusedError, ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)


def _cause_of(error: BaseException) -> BaseException | None:
    """What of an error may be shown: the system's own, or an adapter's, that it was made of, with its own frames."""
    found = [
        one
        for one in _chain(error)
        if isinstance(one, _PASSING)
        or not (
            type(one).__module__.partition(".")[0] in _LIBRARIES
            or isinstance(one, UnicodeError)
            or _part(one, "exceptions")
            # The words of a proxy, or of a library.
            or (type(one) is OSError and one.errno is None)
        )
    ]
    cause = next((one for one in found if isinstance(one, _PASSING)), found[0] if found else None)
    if cause is None:
        return None
    try:
        # An adapter's may be kept by the adapter.
        return copy(cause).with_traceback(_own_frames(cause.__traceback__))
    except Exception:  # noqa: BLE001  # nothing is hidden: what went wrong is in the error's text
        return None


def _own_frames(whole: TracebackType | None) -> TracebackType | None:
    """A traceback without what is below an adapter of the user's, or between it and us."""
    kept = None
    for trace in reversed([*_traces(whole)]):
        module = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if module not in {*_LIBRARIES, "jzysoap", "socket", "ssl", "asyncio", "contextlib"}:
            kept = TracebackType(kept, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
    return kept


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def failure_of(error: BaseException, request: HttpRequest, more: Reasons = (), *, sent: bool) -> TransportError:
    """The error for what went wrong below, by whether a byte of the request may have been sent."""
    where, reason = urlsplit(request.url).netloc, reason_of(error, request, more)
    failure: TransportError
    if sent:
        failure = OutcomeUnknownError(f"no answer from {where} after the request had left: {reason}")
    else:
        failure = NotSentError(f"nothing was sent to {where}: {reason}")
    failure.__cause__ = _cause_of(error)
    return failure


def pause_before(attempt: int, error: NotSentError) -> float | None:
    """Seconds to wait after a failed attempt, or None where another would be of no use."""
    if attempt >= ATTEMPTS or not isinstance(error.__cause__, _PASSING):
        return None
    jitter: float = random.uniform(0.5, 1.0)  # noqa: S311  # no secret
    return FIRST_PAUSE * jitter * 2.0 ** (attempt - 1)


_PROXY_FAILED = "the proxy failed"
_PROXY_STATUS = re.compile(r"(?:Tunnel connection failed: )?([1-5][0-9]{2})\b")

# What went wrong, the most telling first; a class further down may wrap one further up.
_REASONS: Reasons = (
    ((socket.gaierror,), "its name cannot be resolved"),
    ((ssl.SSLCertVerificationError,), "its certificate is not trusted"),
    ((ssl.SSLError, urllib3.exceptions.SSLError), "TLS failed"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((urllib3.exceptions.ProxyError,), _PROXY_FAILED),
    ((ConnectionError, http.client.IncompleteRead), "the connection was closed"),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "the answer is not valid HTTP"),
    ((urllib3.exceptions.ConnectTimeoutError,), "no connection within {connect:g} s"),
    ((TimeoutError, urllib3.exceptions.TimeoutError), "nothing came for {read:g} s"),
)


def _status(causes: Sequence[BaseException]) -> str:
    """With what a proxy refused, where it is told."""
    told = (str(one) for one in causes if type(one) is OSError or type(one).__name__ == "ProxyError")
    found = next((match for text in told if (match := _PROXY_STATUS.match(text))), None)
    return f" (HTTP status {found[1]})" if found else ""


def reason_of(error: BaseException, request: HttpRequest, more: Reasons = ()) -> str:
    """What went wrong, in words that hold nothing but limits."""
    causes = list(_chain(error))
    if any(one.args == ("deadline",) for one in causes if isinstance(one, TimeoutError)):
        return f"the deadline of {request.timeout.total:g} s is past"
    for kinds, words in (*_REASONS, *more):
        if any(isinstance(one, kinds) for one in causes):
            return words.format(**request.timeout._asdict()) + (_status(causes) if words == _PROXY_FAILED else "")
    return "the network failed" if any(isinstance(one, OSError) for one in causes) else type(error).__name__
