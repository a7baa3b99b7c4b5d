"""Python's garbage collector, out of the way while very many objects are made that all stay.

Again and again it would go through all of them, and find nothing. It is on again once the work is done, in a process
forked meanwhile too, and where it is off already it is let be. It is the process's, though: what another thread asks or
says of it during the pause, it asks or says of the pause.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_pauses: set[object] = set()


def without_collector(work: Callable[[], T]) -> T:
    """What a function gives, made without garbage collection.

    Whoever switched it off switches it on again, and nobody else: that holds in any order of threads, without a lock.
    A thread that comes while another's pause lasts has no pause of its own.
    """
    if not gc.isenabled():
        return work()
    pause = object()
    try:
        _pauses.add(pause)
        gc.disable()
        return work()
    finally:
        gc.enable()
        _pauses.discard(pause)


def _go_on() -> None:
    """Ends the pauses of threads that a forked process does not have."""
    if _pauses:
        _pauses.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has none
    os.register_at_fork(after_in_child=_go_on)
