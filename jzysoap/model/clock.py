"""The clock by which a right to send ends."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Return the seconds since some moment in the past, those included for which the machine was suspended.

    Only Linux has such a clock. Elsewhere it is the monotonic clock, which may stand still meanwhile.
    """
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
