"""Exceptions that a signal handler raises in the middle of a call, such as the time limit of a job.

They are no failure of the call, and must reach the job unchanged, whatever the libraries in between made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType


def find_interruption(errors: Iterable[BaseException]) -> BaseException | None:
    """Return the last of some errors that a signal handler raised, else None.

    Args:
        errors: an error, and then those that it was made of: a library's error may have taken over their traceback.
    """
    found = None
    for error in errors:
        if _is_of_handler(error.__traceback__):
            found = error
    return found


def _is_of_handler(trace: TracebackType | None) -> bool:
    """Return True if a traceback goes through a signal handler: it gets the frame that it interrupts."""
    interrupted: FrameType | None = None
    while trace is not None:
        if interrupted is not None and any(value is interrupted for value in _arguments(trace.tb_frame)):
            return True
        interrupted, trace = trace.tb_frame, trace.tb_next
    return False


def _arguments(frame: FrameType) -> Iterator[object]:
    for value in frame.f_locals.values():
        if isinstance(value, tuple):
            yield from value
        else:
            yield value
