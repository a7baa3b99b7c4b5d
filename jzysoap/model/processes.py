"""State that belongs to one process: after a fork, a child never uses what it inherited from its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from jzysoap.model.errors import ConfigurationError

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

    def peek(self) -> T | None:
        """Return this process's value, or None if it has not made one."""
        return self._values[-1] if self._pid == os.getpid() else None


class Turn:
    """The turn to do work that runs a user's code: one thread at a time, and no lock is held meanwhile.

    The thread that has the turn is refused, since it would wait for itself: a logging handler that sends messages, or a
    signal handler, may use a client in the middle of that client's work. Another thread waits, but not for ever: the
    user's code may be waiting for that thread.

    Args:
        work: what is done meanwhile, for the error.
        patience: seconds to wait for another thread.
    """

    def __init__(self, work: str, patience: float) -> None:
        self._work, self._patience = work, patience
        self._changed = threading.Condition()
        self._owner: int | None = None

    def __enter__(self) -> None:
        with self._changed:
            if self._owner == threading.get_ident():
                raise ConfigurationError(
                    f"the client is used while it {self._work} in the same thread, as by a logging handler or a hook: "
                    "call prepare() first, or use another client there"
                )
            if not self._changed.wait_for(lambda: self._owner is None, self._patience):
                raise turn_error(self._work, self._patience)
            self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._owner = None
            self._changed.notify()


def turn_error(work: str, patience: float) -> ConfigurationError:
    """Return the error of a caller that has waited long enough for its turn."""
    return ConfigurationError(
        f"another call of the client {work} and has not ended for {patience:g} s: your code may wait for this one",
        retry="later",
    )
