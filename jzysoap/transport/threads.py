"""Work that may block, in a thread of its own, awaited on an event loop.

The event loop's own executor is not used: its few threads may be busy with the program's work, or with names that a
resolver does not answer, for as long as these please.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Return the result of a function that may block; if no thread can be started, run it on the event loop."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    job: Future[T] = Future()

    def run() -> None:
        try:
            job.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  # raised where the work is awaited
            job.set_exception(error)
        # The event loop may have been closed since.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish)

    def finish() -> None:
        # The caller may have been cancelled.
        with suppress(asyncio.InvalidStateError):
            ended.set_result(None)

    context = copy_context()
    try:
        threading.Thread(target=run, name="jzysoap works", daemon=True).start()
    except RuntimeError:
        return work()
    await ended
    return job.result()
