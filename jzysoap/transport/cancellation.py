"""Waiting that outlasts a cancellation: what a poll was sent, the gateway may have forgotten once it has answered."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from jzysoap.model.http import HttpReply


class Exchanged(NamedTuple):
    """A reply, and the cancellation that came while it was received.

    Attributes:
        cancelled: the cancellation to raise once the reply is stored; None for a request that does not consume.
    """

    reply: HttpReply
    cancelled: asyncio.CancelledError | None = None


async def outlast(wait: Callable[[], Awaitable[object]], ended: Callable[[], bool]) -> asyncio.CancelledError | None:
    """Wait, again after each cancellation, until something has ended; return the last cancellation."""
    cancelled = None
    while not ended():
        try:
            with _shield() if cancelled else contextlib.nullcontext():
                await wait()
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


def _shield() -> contextlib.AbstractContextManager[object]:
    """Return a scope that a cancelled scope of anyio around it does not reach.

    A cancelled scope cancels its task again in every turn of the event loop. asyncio alone cancels it once.
    """
    anyio = sys.modules.get("anyio")
    return contextlib.nullcontext() if anyio is None else anyio.CancelScope(shield=True)
