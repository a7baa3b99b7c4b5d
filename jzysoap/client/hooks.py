"""The steps that call a user's hooks, and what becomes of the exceptions that these raise. No I/O here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from jzysoap.model.errors import HookError
from jzysoap.model.interruptions import find_interruption
from jzysoap.model.sent import JzySoapError
from jzysoap.model.steps import Hook, Steps

logger = logging.getLogger("jzysoap")


def report_to(name: str, hook: Callable[[], object]) -> Steps[None]:
    """Call a hook that only watches: a broken counter must neither lose an answer nor repeat a message."""
    try:
        yield Hook(hook)
    except Exception as error:
        if find_interruption([error]) is not None:
            raise
        logger.exception("%s failed", name)


def call_hook(hook: Callable[[], object], *, sent: bool = True, **received: Callable[[], object]) -> Steps[None]:
    """Call a hook that is needed. If it raises, the exception gets the records that the hook failed to store.

    Args:
        hook: the hook with its arguments.
        sent: True if the gateway may have acted on what the call asked.
        received: one attribute of the exception, ``result`` or ``raw``, and what returns its value.

    Raises:
        HookError: the hook raised an error of this library.
        BaseException: the hook's own, unchanged otherwise.
    """
    ((name, value),) = received.items()
    try:
        # What a poll received exists nowhere else: no cancellation may reach the hook that stores it.
        yield Hook(hook, shielded=name == "raw")
    except GeneratorExit:
        raise
    except (JzySoapError, StopIteration) as error:
        # A StopIteration from a hook would look like the normal end of the operation's generator.
        told = f"a hook raised {type(error).__name__}, which is not about this call"
        raise HookError(told, may_have_been_sent=sent, **{name: value()}) from error
    except BaseException as error:
        # KeyboardInterrupt included: the records that the hook failed to store exist only on this exception.
        with suppress(AttributeError):
            setattr(error, name, value())
        raise
