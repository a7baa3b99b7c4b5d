"""The public door: the one place where secrets are kept out of tracebacks.

Error trackers show the local variables of every frame, some by content rather than by ``repr``. The frames below a
public function hold passwords, recipients, message texts and whole requests, so an exception leaves a public function
without them. Inner code need not care.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from jzysoap.model.sent import JzySoapError

P = ParamSpec("P")
R = TypeVar("R")

# Modules whose frames may hold the request.
_INNER = {
    *("jzysoap", "requests", "urllib3", "http", "socket", "ssl", "selectors", "zeep", "lxml"),
    *("asyncio", "concurrent", "contextlib", "uvloop", "httptools", "aiohappyeyeballs", "python_socks"),
    # Libraries that custom transports are made of.
    *("aiohttp", "anyio", "httpx", "httpcore", "h11"),
}


def public(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public function or coroutine function: its exceptions have no frames of this library but one."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_and_await(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                cut_frames(error)
                raise
            finally:
                # This frame stays in the traceback.
                del args, kwargs

        return call_and_await  # type: ignore[return-value]  # a coroutine function for a coroutine function

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            cut_frames(error)
            raise
        finally:
            del args, kwargs

    return call


def cut_frames(error: BaseException) -> None:
    """Cut all frames up to the last inner one from an exception and from all that it was made of.

    What remains is the user's: the frames of a hook, of a password callable, of a signal handler.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _after_inner(one.__traceback__)
            if isinstance(one, JzySoapError):
                # The library's errors name their cause; anything else that was being handled may quote the answer.
                one.__context__ = None
            waiting += [one.__cause__, one.__context__]


def _after_inner(trace: TracebackType | None) -> TracebackType | None:
    kept = trace
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _INNER:
            kept = trace.tb_next
        trace = trace.tb_next
    return kept
