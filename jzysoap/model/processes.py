"""State that belongs to one process: after a fork, a child never uses what it inherited from its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that each process makes for itself, at its first use there.

    At a fork, a thread that the child does not have may hold a lock, and connections still belong to the parent.
    Safe in threads; ``make`` may use the value itself, as a signal handler that interrupts it does.

    Args:
        make: makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._pid: int | None = None
        self._locks: dict[int, threading.RLock] = {}
        # Inherited values are kept: to collect a connection would close it, which the parent's server would see.
        self._values: list[T] = []

    def get(self) -> T:
        """Return this process's value."""
        pid = os.getpid()
        if self._pid != pid:
            # All threads of a process get the same lock from setdefault. No fork can have left that lock locked.
            with self._locks.setdefault(pid, threading.RLock()):
                if self._pid != pid:
                    self._values.append(self._make())
                    # Assigned last: other threads read it as "the value is ready".
                    self._pid = pid
        return self._values[-1]
