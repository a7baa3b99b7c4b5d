"""Custom transports: the object that a user gives as ``transport``, in place of the library's connections.

``exchange(request: HttpRequest) -> HttpReply`` is all that it must have; for ``AsyncClient``, ``exchange`` is
asynchronous. It is called once for each request. What it does with a request cannot be seen from here. Only a
``NotSentError`` that it raises says that nothing was sent; every other failure means that the message may be out.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace
from typing import Any

from jzysoap.model.errors import ConfigurationError, NotSentError, OutcomeUnknownError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.settings.options import Config
from jzysoap.transport.cancellation import Exchanged, outlast
from jzysoap.transport.failures import check_right, find_foreign, transport_error


class CustomTransport:
    """A custom transport of ``Client``, which looks like the library's own from above.

    Args:
        config: the client's checked arguments.

    Raises:
        ConfigurationError: the transport is asynchronous, or an adapter is given beside it.
    """

    def __init__(self, config: Config) -> None:
        self._custom: Any = config.transport
        self._closed = False
        if config.adapter is not None:
            raise ConfigurationError("adapter and transport are both given: leave one of them out")
        if inspect.iscoroutinefunction(self._custom.exchange):
            raise ConfigurationError("transport is for AsyncClient: its exchange is asynchronous")

    def exchange(self, request: HttpRequest) -> HttpReply:
        """Exchange a request for its reply.

        Raises:
            NotSentError: the transport says so.
            OutcomeUnknownError: it failed otherwise.
            ConfigurationError: the client is closed.
        """
        self.check_open()
        check_right(request.not_after)
        try:
            return _checked(self._custom.exchange(request))
        except Exception as error:  # noqa: BLE001  # none of them may reach the caller unclassified
            failure = _classify(error, request)
        raise failure

    def close(self) -> None:
        """Close the transport if it can be closed, and refuse later calls."""
        if not self._closed:
            self._closed = True
            getattr(self._custom, "close", _do_nothing)()

    def check_open(self) -> None:
        """Refuse a call once the client is closed.

        Raises:
            ConfigurationError: the client is closed.
        """
        if self._closed:
            raise ConfigurationError("the client is closed: make a new one")


async def exchange_over(custom: Any, request: HttpRequest, deadline: float) -> Exchanged:
    """Exchange a request over a custom transport of ``AsyncClient``, until the deadline on the loop's clock.

    Raises:
        NotSentError: the transport says so.
        OutcomeUnknownError: it failed otherwise.
    """
    check_right(request.not_after)
    loop = asyncio.get_running_loop()
    cancelled = None
    try:
        if not request.consuming:
            async with asyncio.timeout_at(deadline):
                return Exchanged(_checked(await custom.exchange(request)))
        # A task of its own, so that a cancelled caller can wait for its end.
        task = asyncio.ensure_future(custom.exchange(request))
        task.add_done_callback(_retrieve)
        cancelled = await outlast(
            lambda: asyncio.wait((task,), timeout=deadline - loop.time()),
            lambda: task.done() or loop.time() >= deadline,
        )
        if not task.done():
            task.cancel()
            raise TimeoutError
        return Exchanged(_checked(task.result()), cancelled)
    except asyncio.CancelledError as error:
        raise cancelled or error from None
    except Exception as error:  # noqa: BLE001  # none of them may reach the caller unclassified
        late = isinstance(error, TimeoutError) and loop.time() >= deadline
        failure = _classify(TimeoutError("deadline") if late else error, request)
    raise cancelled or failure


async def close_custom(custom: Any) -> None:
    """Close a custom transport of ``AsyncClient`` if it can be closed."""
    close: Any = getattr(custom, "aclose", None) or getattr(custom, "close", _do_nothing)
    left = close()
    if inspect.isawaitable(left):
        await left


def _checked(reply: object) -> HttpReply:
    """Return the reply of a custom transport, its headers by lower-case name."""
    if not isinstance(reply, HttpReply):
        raise TypeError(f"transport returned {type(reply).__name__} in place of HttpReply")
    return replace(reply, headers={name.lower(): value for name, value in reply.headers.items()})


def _classify(error: Exception, request: HttpRequest) -> BaseException:
    """Return the error for the failure of a custom transport. One that says what was sent is kept."""
    if isinstance(error, (NotSentError, OutcomeUnknownError)):
        return error
    return find_foreign(error, own=False) or transport_error(error, request, sent=True)


def _retrieve(task: asyncio.Future[Any]) -> None:
    # Nobody may be left to ask for the error of this task. asyncio would log that.
    if not task.cancelled():
        task.exception()


def _do_nothing() -> object:
    return None
