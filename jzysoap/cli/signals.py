"""Signals that ask a program to end, as exceptions, so that a command ends in order and can say what it has done."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

# SIGHUP does not exist on Windows.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_NOTED = (*_SIGNALS, signal.SIGINT)


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: treated as Ctrl-C is, with another exit status.

    Attributes:
        status: the exit status, which a shell reports of a program that the signal ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.status = 128 + number


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Raise ``Stopped`` in the main thread when such a signal comes; one that is ignored, as by nohup, stays so."""
    before = {}
    try:
        for number in _SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                # Only the main thread may do so; elsewhere the signals are somebody else's.
                with contextlib.suppress(ValueError):
                    before[number] = signal.signal(number, _stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def noting() -> Iterator[list[int]]:
    """Note signals instead of raising, so that the batch under way ends; a second one changes nothing.

    Yields:
        The signals that came, Ctrl-C included.
    """
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _NOTED}
    for number, handler in before.items():
        # A signal that is ignored, as by nohup, stays ignored.
        if handler != signal.SIG_IGN:
            signal.signal(number, lambda number, _: came.append(number))
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)
