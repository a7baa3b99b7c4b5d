"""The error for an exchange that failed: ``sent`` decides its class, and never the class of the failure.

Its text and its cause hold nothing of the request and nothing of the answer. The libraries' own errors may hold both.
"""

from __future__ import annotations

import errno
import http.client
import random
import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import urllib3

from jzysoap.model.clock import elapsed
from jzysoap.model.errors import NotSentError, OutcomeUnknownError, TransportError
from jzysoap.model.http import HttpRequest
from jzysoap.model.interruptions import find_interruption

ATTEMPTS = 3
"""Attempts to make a connection before the exchange fails."""

FIRST_PAUSE = 0.2
"""Seconds to wait before the second attempt, at most; the next pause is twice as long. Tests set it to 0."""

Reasons = Sequence[tuple[tuple[type[BaseException], ...], str]]
"""Classes of errors, and what they mean in words."""

_LIBRARIES = {
    *("builtins", "jzysoap", "requests", "urllib3", "http", "socket", "ssl", "select", "asyncio", "concurrent", "zlib"),
    *("socks", "python_socks", "httptools", "aiohappyeyeballs", "OpenSSL", "cryptography", "idna", "uvloop"),
}
"""The modules whose exceptions may be about an exchange."""

_PASSING = (ConnectionRefusedError, ConnectionResetError, BrokenPipeError)
"""Failures to connect that another attempt a moment later may not meet."""

_PROXY_FAILED = "the proxy failed"
_PROXY_STATUS = re.compile(r"(?:Tunnel connection failed: )?([1-5][0-9]{2})\b")

# OpenSSL's codes of faults in a certificate that are not a matter of trust.
_CERTIFICATES = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
# OpenSSL's reasons for bytes that are no TLS.
_PLAIN_TEXT = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
# The first bytes of records of TLS: an alert, a handshake.
_TLS_RECORDS = ("\x15\x03", "\x16\x03")

# The most specific first: an error of a class further down may wrap one of a class further up.
_REASONS: Reasons = (
    ((socket.gaierror,), "its name cannot be resolved"),
    ((ssl.SSLError, urllib3.exceptions.SSLError), "TLS failed"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((urllib3.exceptions.ProxyError,), _PROXY_FAILED),
    ((ConnectionError, http.client.IncompleteRead), "the connection was closed"),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "the answer is not valid HTTP"),
    ((urllib3.exceptions.EmptyPoolError,), "no connection was free within {connect:g} s"),
)


def check_right(not_after: float | None) -> None:
    """Refuse to send the first byte of a request once the right to send it has ended.

    Raises:
        NotSentError: it has ended. Another attempt to connect would come too late as well.
    """
    if not_after is not None and elapsed() >= not_after:
        raise NotSentError("nothing was sent: the right to send this ended before its first byte", retry="later")


def transport_error(error: BaseException, request: HttpRequest, *, sent: bool) -> TransportError:
    """Make the error for a failed exchange.

    Args:
        error: what the libraries below raised.
        request: the request of the exchange.
        sent: True unless it is proven that nothing of the request was sent.
    """
    where, reason = urlsplit(request.url).netloc, describe_failure(error, request, sent=sent)
    failure: TransportError
    if sent:
        # A request without a body, for the definition, can text nobody.
        left = " after the request had left" if request.body is not None else ""
        failure = OutcomeUnknownError(f"no answer from {where}{left}: {reason}")
    else:
        failure = NotSentError(f"nothing was sent to {where}: {reason}")
    failure.__cause__ = next(filter(None, map(_copy_of_system_error, _sources(error))), None)
    return failure


def describe_failure(error: BaseException, request: HttpRequest, *, sent: bool = True) -> str:
    """Describe what went wrong, in words that hold nothing but limits and the class of an unknown error."""
    sources = list(_sources(error))
    if any(one.args == ("deadline",) for one in sources if isinstance(one, TimeoutError)):
        return f"the deadline of {request.timeout.total:g} s is past"
    # All words but the proxy's own are then about the way to the proxy.
    at_proxy = any(type(one).__name__ in ("ProxyError", "ProxyConnectionError") for one in sources)
    where = "the proxy cannot be reached: " if at_proxy else ""
    for one in sources:
        words = _describe_tls(one, sent=sent) or _describe_system_error(one) or _describe_mock(one)
        if words:
            return where + words
    for kinds, words in _REASONS:
        if any(isinstance(one, kinds) for one in sources):
            if words == _PROXY_FAILED:
                return _PROXY_FAILED + _status(sources)
            return where + words.format(**request.timeout._asdict())
    if any(type(one).__module__.partition(".")[0] in ("socks", "python_socks") for one in sources):
        return _PROXY_FAILED
    # urllib3 says of any failure to connect that it took too long.
    timeouts = [one for one in sources if isinstance(one, (TimeoutError, urllib3.exceptions.TimeoutError))]
    if any(not isinstance(one, urllib3.exceptions.NewConnectionError) for one in timeouts):
        limit = "nothing came for {read:g} s" if sent else "no connection within {connect:g} s"
        return limit.format(**request.timeout._asdict())
    return "the network failed" if any(isinstance(one, OSError) for one in sources) else type(error).__name__


def _describe_tls(error: BaseException, *, sent: bool) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        trust = "its certificate is not trusted: verify may name a bundle with its authority"
        return _CERTIFICATES.get(getattr(error, "verify_code", 0), trust)
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _PLAIN_TEXT and not sent:
        return "it does not speak TLS: try http://"
    if isinstance(error, http.client.BadStatusLine) and str(error).startswith(_TLS_RECORDS):
        return "it speaks TLS: try https://"
    return ""


def _describe_mock(error: BaseException) -> str:
    words = next((one for one in error.args if isinstance(one, str)), "")
    # Those of responses and of requests-mock.
    unmatched = words.startswith("Connection refused by Responses") or type(error).__name__ == "NoMockAddress"
    return "a mock has no rule for the request" if unmatched else ""


def _describe_system_error(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return "the network has no way to it"
    return "this process has too many open files" if number in (errno.EMFILE, errno.ENFILE) else ""


def at_deadline(error: BaseException, deadline: float) -> BaseException:
    """Return the error of a deadline in place of a timeout that the deadline caused, else the same error."""
    timeouts = TimeoutError, urllib3.exceptions.TimeoutError
    late = time.monotonic() >= deadline and any(isinstance(one, timeouts) for one in _sources(error))
    return TimeoutError("deadline") if late else error


def find_foreign(error: BaseException, *, own: bool) -> BaseException | None:
    """Return the exception that has nothing to do with the exchange and must go on unchanged, else None.

    It was raised by a signal handler, or set in this thread by another one, as some task queues end a job.

    Args:
        error: what was raised.
        own: True if no code of the user's took part, so that a class of the user's cannot be about the exchange.
    """
    sources = list(_sources(error))
    foreign = (one for one in sources if type(one).__module__.partition(".")[0] not in _LIBRARIES)
    return find_interruption(sources) or (next(foreign, None) if own else None)


def choose_pause(attempt: int, error: NotSentError) -> float | None:
    """Return the seconds to wait after a failed attempt, or None if another one would be of no use."""
    if attempt >= ATTEMPTS or not isinstance(error.__cause__, _PASSING):
        return None
    jitter: float = random.uniform(0.5, 1.0)  # noqa: S311  # no secret
    return FIRST_PAUSE * jitter * 2.0 ** (attempt - 1)


def _sources(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all errors that it was made from: the libraries below wrap in several ways."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, one.__cause__, one.__context__]
            if isinstance(one, urllib3.exceptions.MaxRetryError):
                waiting.append(one.reason)
            if isinstance(one, BaseExceptionGroup):
                waiting += one.exceptions


def _copy_of_system_error(error: BaseException) -> OSError | None:
    """Make a system's error anew, without the frames and the context, which may hold the request; None for others."""
    if isinstance(error, http.client.RemoteDisconnected):
        # The name that http.client has for a reset.
        return ConnectionResetError(*error.args)
    if not isinstance(error, OSError) or type(error).__module__ not in ("builtins", "socket", "ssl"):
        return None
    # An OSError without a number is not the system's: http.client puts a proxy's words into one.
    return None if type(error) is OSError and error.errno is None else type(error)(*error.args)


def _status(sources: Sequence[BaseException]) -> str:
    """Describe the status with which a proxy refused, if an error names it."""
    texts = (str(one) for one in sources if type(one) is OSError or type(one).__name__ == "ProxyError")
    found = next((match for text in texts if (match := _PROXY_STATUS.match(text))), None)
    return f" (HTTP status {found[1]})" if found else ""
